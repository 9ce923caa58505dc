//! `/checkout`: the last page before an order. One press of its button is one order, and the order is what this page showed.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::entropy::random_token;
use stepgate_core::subscriptions::order::{Order, OrderLine, OrderStage, PaymentMethod, REFUND_DAYS, totals};
use stepgate_store::carts;

use super::buyer::{self, Buyer};
use super::checkout::{self, CheckoutForm};
use super::pay::{self, Seen};
use super::place::{self, NoOrder};
use super::{cart, words};
use crate::account::confirm::{self, ONCE_MORE, Typed};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::Form as PageForm;
use crate::pages::shop::ShopPage;
use crate::pages::{self, Action, Section, Tone};
use crate::subscriptions::settle;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/checkout", get(get_checkout).post(post_checkout))
}

const PATH: &str = "/checkout";

async fn get_checkout(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let buyer = buyer::enter(&cx, &browser, PortalPage::Checkout).await?;
        let kept = confirm::kept(&cx, &browser, (&buyer.visitor, PATH)).await?;
        Ok(with_browser(&cx, &browser, page(&cx, &buyer, kept.as_ref(), (Vec::new(), None)).await?))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The page; the cart, where there is nothing to order.
async fn page(
    cx: &Cx,
    buyer: &Buyer,
    typed: Option<&Typed>,
    (errors, refusal): (Vec<(String, String)>, Option<NoOrder>),
) -> Result<Response, PageFailure> {
    let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
    let priced = cart::priced(cx, buyer, &cart).await?;
    let lines: Vec<OrderLine> = priced.iter().flatten().cloned().collect();
    if lines.is_empty() || lines.len() < priced.len() {
        return Ok(see_other("/cart"));
    }
    let catalogue = &buyer.catalogue;
    let Ok(sums) = totals(&lines, catalogue.currency, catalogue.tax_basis_points) else {
        return Ok(see_other("/cart"));
    };
    let form = CheckoutForm {
        token: random_token(cx.entropy()),
        cart_version: cart.version,
        seen: sums.gross.to_string(),
        ships: lines.iter().any(|line| line.gives.ships),
        sponsors: buyer.sponsors(cx).await?,
    };
    let layout = buyer.visitor.layout(cx, "Checkout", Section::Orders);
    let mut shown = ShopPage::new(layout, "checkout", "Checkout");
    let wrong = !errors.is_empty() || refusal.is_some();
    shown.notes.extend(typed.filter(|_| !wrong).map(|_| (Tone::Ok, ONCE_MORE.to_owned())));
    // What is wrong with a field stands there, and in the summary of the form.
    let refusal = refusal.filter(|_| errors.is_empty());
    shown.notes.extend(refusal.map(|refusal| (Tone::Danger, refusal.to_string())));
    let mut main = PageForm::main("/checkout", "Order and pay", form.fields(cx, buyer, typed, &errors));
    if sums.gross.minor > 0 {
        main.effect = Some(format!(
            "You order for {}. You can give it back within {REFUND_DAYS} days, as long as nothing of it was activated.",
            sums.gross
        ));
    }
    let mut table = words::lines(cx, &lines, buyer.visitor.person.id).await?;
    table.sums = words::sums(&sums, &catalogue.tax_name);
    let section = |heading: &str, table, forms| DetailSection { heading: heading.to_owned(), table, forms };
    shown.sections =
        vec![section("What you order", Some(table), Vec::new()), section("Billing and payment", None, vec![main])];
    shown.back = Some(Action::link("back", "Cart", "/cart"));
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(pages::respond(status, &shown))
}

async fn post_checkout(form: Form) -> Response {
    let cx = form.cx.clone();
    order(&cx, &form).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn order(cx: &Cx, form: &Form) -> Result<Response, PageFailure> {
    let buyer = buyer::enter(cx, &form.browser, PortalPage::Checkout).await?;
    let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
    let ships = cart::priced(cx, &buyer, &cart).await?.iter().flatten().any(|line| line.gives.ships);
    let typed = Typed::of(form.every());
    let wish = match checkout::read(form, ships) {
        Ok(wish) => wish,
        Err(errors) => return page(cx, &buyer, Some(&typed), (errors, None)).await,
    };
    // Somebody else's money, and a card that is kept: a session that lies about does neither.
    if wish.keep_card || wish.method == PaymentMethod::Sponsored {
        confirm::confirm(cx, &form.browser, (&buyer.visitor, PATH), &typed).await?;
    }
    match place::place(cx, &buyer, &wish).await? {
        Ok(order) => placed(cx, &order).await,
        Err(refusal) => {
            let errors = match refusal {
                NoOrder::Voucher(why) => vec![("voucher".to_owned(), why.to_string())],
                NoOrder::Sponsor => vec![("sponsor".to_owned(), refusal.to_string())],
                _ => Vec::new(),
            };
            page(cx, &buyer, Some(&typed), (errors, Some(refusal))).await
        }
    }
}

/// After the order: to the card provider, or to the order's own page.
async fn placed(cx: &Cx, order: &Order) -> Result<Response, PageFailure> {
    let own = format!("/orders/{}?done=placed", order.number);
    if place::is_covered(order) {
        settle(cx, order, None).await?;
        return Ok(see_other(&own));
    }
    if order.method != PaymentMethod::Card || order.stage != OrderStage::AwaitingPayment {
        return Ok(see_other(&own));
    }
    Ok(match pay::begin(cx, order).await? {
        Seen::Open(url) => see_other(&url),
        Seen::Unavailable => see_other(&format!("/orders/{}?done=unavailable", order.number)),
        Seen::Paid | Seen::Nothing | Seen::Wrong => see_other(&own),
    })
}
