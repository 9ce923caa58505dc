//! `/cart`: what is in it, and how it changes. One cart in every browser: a page that shows an older one is told so.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::assurance;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::id::CredentialId;
use stepgate_core::subscriptions::checkout::quantity;
use stepgate_core::subscriptions::order::{CartLine, LineFor, MAX_RENEWALS, OrderLine, totals};
use stepgate_core::subscriptions::product::Product;
use stepgate_store::carts::{self, Cart};

use super::buyer::{self, Buyer};
use super::cart::{self, Added, Addition, CartRefusal};
use super::words;
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::shop::ShopPage;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Section, Tone};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/cart", get(get_cart))
        .route("/cart/add", post(post_add))
        .route("/cart/change", post(post_change))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CartQuery {
    done: String,
}

async fn get_cart(cx: Cx, browser: Browser, Query(query): Query<CartQuery>) -> Response {
    let shown = async {
        let buyer = buyer::enter(&cx, &browser, PortalPage::Cart).await?;
        let notes = match query.done.as_str() {
            "added" => vec![(Tone::Ok, "It is in your cart.".to_owned())],
            "changed" => vec![(Tone::Ok, "Your cart is changed.".to_owned())],
            _ => Vec::new(),
        };
        Ok(with_browser(&cx, &browser, page(&cx, &buyer, notes).await?))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn page(cx: &Cx, buyer: &Buyer, mut notes: Vec<(Tone, String)>) -> Result<Response, Fault> {
    let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
    let priced = cart::priced(cx, buyer, &cart).await?;
    let whole: Vec<OrderLine> = priced.iter().flatten().cloned().collect();
    let gone = whole.len() < priced.len();
    if gone {
        notes.push((Tone::Warning, "Something cannot be bought any more. Take it out before you order.".to_owned()));
    }
    let mut shown = ShopPage::new(buyer.visitor.layout(cx, "Cart", Section::Orders), "cart", "Your cart");
    shown.notes = notes;
    let mut forms = Vec::new();
    if cart.lines.iter().any(|line| line.whom == LineFor::Later) {
        forms.push(quantities(&cart, &priced));
    }
    let table = Some(table(cx, buyer, &cart, &priced).await?);
    shown.sections.push(DetailSection { heading: "What is in it".to_owned(), table, forms });
    let catalogue = &buyer.catalogue;
    if let Ok(sums) = totals(&whole, catalogue.currency, catalogue.tax_basis_points)
        && !cart.lines.is_empty()
    {
        shown.facts = words::sums(&sums, &catalogue.tax_name);
    }
    if cart.lines.len() > 1 {
        let empty = Action::post("empty", "Empty the cart", "/cart/change");
        shown.actions.push(empty.with("version", cart.version.to_string()).with("all", "0"));
    }
    shown.main = (!gone && !cart.lines.is_empty()).then(|| Action::link("continue", "Check out", "/checkout"));
    shown.back = Some(Action::link("back", "Get another credential", "/account/otp/get"));
    Ok(pages::respond(StatusCode::OK, &shown))
}

async fn table(cx: &Cx, buyer: &Buyer, cart: &Cart, priced: &[Option<OrderLine>]) -> Result<Table, Fault> {
    let mut rows = Vec::new();
    for (place, (line, priced)) in cart.lines.iter().zip(priced).enumerate().take(words::SHOWN) {
        let name = match priced {
            Some(priced) => Cell::text(priced.name.clone()),
            None => Cell::State(Tone::Warning, format!("{}: not sold any more", line.product)),
        };
        let sum = priced.as_ref().and_then(|priced| priced.unit.times(priced.quantity).ok());
        rows.push(vec![
            name,
            Cell::text(words::whom(cx, line.whom, buyer.visitor.person.id).await?),
            Cell::text(line.quantity.to_string()),
            Cell::text(priced.as_ref().map_or_else(String::new, |priced| priced.unit.to_string())),
            Cell::text(sum.map_or_else(String::new, |sum| sum.to_string())),
            Cell::Button(remove(place, cart)),
        ]);
    }
    let more: Vec<OrderLine> = priced.iter().skip(words::SHOWN).flatten().cloned().collect();
    rows.extend(words::further(&more).into_iter().map(|row| [row, vec![Cell::Empty]].concat()));
    Ok(Table::new(&["Product", "For", "Quantity", "Price", "Sum", ""], rows, "Your cart is empty."))
}

fn remove(place: usize, cart: &Cart) -> Action {
    let remove = Action::post(format!("remove-{place}"), "Remove", "/cart/change");
    remove.with("version", cart.version.to_string()).with(format!("q{place}"), "0")
}

fn quantities(cart: &Cart, priced: &[Option<OrderLine>]) -> PageForm {
    let mut fields = vec![Field::required("version", "", Control::Hidden, cart.version.to_string())];
    for (place, (line, priced)) in cart.lines.iter().zip(priced).enumerate() {
        if line.whom == LineFor::Later {
            let name = priced.as_ref().map_or_else(|| line.product.to_string(), |priced| priced.name.clone());
            fields.push(Field::required(format!("q{place}"), name, Control::Text, line.quantity.to_string()));
        }
    }
    PageForm::side("quantities", "/cart/change", "Change quantities", fields)
}

async fn post_add(form: Form) -> Response {
    let cx = form.cx.clone();
    let added = async {
        let buyer = buyer::enter(&cx, &form.browser, PortalPage::Cart).await?;
        let wish = Addition {
            product: form.get("product"),
            quantity: form.get("quantity"),
            whom: form.get("for"),
            anyway: form.get("anyway") == "1",
        };
        Ok(match cart::add(&cx, &buyer, &wish).await? {
            Added::Done => see_other("/cart?done=added"),
            Added::RenewFirst { credential, product } => renew_first(&cx, &buyer, &wish, (credential, &product)),
            Added::Refused(refusal) => refused(&cx, &buyer, refusal),
        })
    };
    added.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Renewing keeps device and proofing, and costs no more: it is offered first.
fn renew_first(
    cx: &Cx,
    buyer: &Buyer,
    wish: &Addition<'_>,
    (credential, product): (CredentialId, &Product),
) -> Response {
    let layout = buyer.visitor.layout(cx, "Renew instead", Section::Orders);
    let kind = product.kinds.first().map_or("credential", |kind| assurance::label(*kind));
    let mut shown = ShopPage::new(layout, "renew-first", format!("Renew your {kind} instead"));
    shown.lead = Some(
        "One of this kind is there and can be renewed. A renewal keeps the device and the identity proofing, and adds a \
         year to the old end. A new one has to be set up from the beginning."
            .to_owned(),
    );
    let price = product.renewal_price(buyer.catalogue.currency);
    let price = price.map_or_else(String::new, |price| format!(" for {price}"));
    let renew = Action::post("continue", format!("Renew{price}"), "/cart/add");
    shown.main = Some(renew.with("product", product.id.as_str()).with("for", format!("renew:{credential}")));
    let anyway = Action::post("anyway", "Buy a new one all the same", "/cart/add").with("anyway", "1");
    shown.actions = vec![anyway.with("product", wish.product).with("quantity", wish.quantity).with("for", wish.whom)];
    shown.back = Some(Action::link("back", "Get another credential", "/account/otp/get"));
    pages::respond(StatusCode::OK, &shown)
}

fn refused(cx: &Cx, buyer: &Buyer, refusal: CartRefusal) -> Response {
    let layout = buyer.visitor.layout(cx, "Not in your cart", Section::Orders);
    let mut shown = ShopPage::new(layout, "cart-refused", "It is not in your cart");
    shown.notes = vec![(Tone::Danger, refusal.to_string())];
    shown.actions = vec![Action::link("cart", "Open the cart", "/cart")];
    shown.back = Some(Action::link("back", "Get another credential", "/account/otp/get"));
    pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &shown)
}

async fn post_change(form: Form) -> Response {
    let cx = form.cx.clone();
    let changed = async {
        let buyer = buyer::enter(&cx, &form.browser, PortalPage::Cart).await?;
        let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
        let Ok(read) = form.get("version").parse::<i64>() else { return Err(PageFailure::NotFound) };
        let warning = |text: &str| vec![(Tone::Warning, text.to_owned())];
        let Some(wanted) = typed(&form, &cart.lines) else {
            let text = "Write whole numbers from 1 to 500; 0 takes a line out. Nothing was changed.";
            return Ok(page(&cx, &buyer, warning(text)).await?);
        };
        if !cart::change(&cx, &buyer, (&cart, read), &wanted).await? {
            let text = "Your cart was changed in another window. This is what is in it now; nothing was changed.";
            return Ok(page(&cx, &buyer, warning(text)).await?);
        }
        Ok(see_other("/cart?done=changed"))
    };
    changed.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The quantities that were typed, by line; `None` when one of them is none.
fn typed(form: &Form, lines: &[CartLine]) -> Option<Vec<Option<u32>>> {
    if form.get("all") == "0" {
        return Some(vec![Some(0); lines.len()]);
    }
    let of = |place: usize| match form.get(&format!("q{place}")) {
        "" => Some(None),
        "0" => Some(Some(0)),
        typed => quantity(typed).ok().map(Some),
    };
    (0..lines.len().min(MAX_RENEWALS)).map(of).collect()
}
