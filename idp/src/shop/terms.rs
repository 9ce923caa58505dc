//! The terms of sale: the deployment's own page, or else, on a page here, what the shop does anyway.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::subscriptions::order::{PaymentMethod, REFUND_DAYS, WARRANTY_DAYS};

use super::allows;
use super::catalogue::{Catalogue, catalogue};
use crate::account::visit;
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, with_browser};
use crate::pages::shop::ShopPage;
use crate::pages::table::Cell;
use crate::pages::{self, Action, Section};

const OWN: &str = "/checkout/terms";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route(OWN, get(get_terms))
}

/// Where the terms are to be read.
pub(super) fn address(cx: &Cx) -> String {
    match cx.app.settings.shop.terms_url.as_str() {
        "" => OWN.to_owned(),
        url => url.to_owned(),
    }
}

async fn get_terms(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Checkout).await?;
        let mut page = ShopPage::new(visitor.layout(&cx, "Terms of sale", Section::Orders), "terms", "Terms of sale");
        page.lead = Some("What you and we agree to when you order here.".to_owned());
        page.facts = articles(&cx, &catalogue(&cx).await?);
        page.back = Some(Action::link("back", "Checkout", "/checkout"));
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn articles(cx: &Cx, catalogue: &Catalogue) -> Vec<(String, Cell)> {
    let shop = &cx.app.settings.shop;
    let mut articles = Vec::new();
    let mut add = |name: &str, text: String| articles.push((name.to_owned(), Cell::text(text)));
    add("Who sells", shop.seller.join(", "));
    add(
        "What you get",
        "One license key for each piece. It becomes a credential of one person, for a year from the day of payment; a \
         renewal makes that credential last a year longer."
            .to_owned(),
    );
    let tax = match catalogue.tax_basis_points {
        0 => String::new(),
        _ => format!(" {} is added to the prices of the catalogue.", catalogue.tax_name),
    };
    add("Price", format!("The sum that the checkout shows when you order.{tax}"));
    if allows(cx, PaymentMethod::Invoice) {
        let text = format!(
            "By invoice you pay within {} days. License keys come once an order is paid, however it is paid.",
            shop.invoice_days
        );
        add("Payment", text);
    } else {
        add("Payment", "License keys come once an order is paid.".to_owned());
    }
    add("Delivery", "Hardware tokens are sent to the address of the order. All else is there at once.".to_owned());
    add(
        "Identity proofing",
        "Where it belongs to what you buy, an agent of ours looks at you and at a passport or identity card, in person or \
         by video. A credential that was bought with it can be used after that."
            .to_owned(),
    );
    add(
        "Giving back",
        format!(
            "Within {REFUND_DAYS} days after payment, as a whole, while no license key of the order was activated and nothing \
             renewed. All its keys become void, and the money goes back the way it came."
        ),
    );
    add("Warranty", format!("A hardware token that breaks within {WARRANTY_DAYS} days after it was sent is replaced."));
    articles
}
