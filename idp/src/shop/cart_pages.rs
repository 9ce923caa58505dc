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
use stepgate_core::subscriptions::checkout::{LineError, quantity};
use stepgate_core::subscriptions::order::{CartLine, LineFor, MAX_RENEWALS, OrderLine, totals};
use stepgate_core::subscriptions::product::Product;
use stepgate_store::carts::{self, Cart};

use super::buyer::{self, Buyer};
use super::cart::{self, Added, Addition, CartRefusal};
use super::{acquire, words};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::shop::{ShopPage, TypedWish};
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
        Ok(with_browser(&cx, &browser, page(&cx, &buyer, notes, None).await?))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

const QUANTITY: &str = "Write a whole number from 1 to 500; 0 takes the line out. Nothing was changed.";

/// The page; with what was typed, where that is wrong.
async fn page(cx: &Cx, buyer: &Buyer, mut notes: Vec<(Tone, String)>, wrong: Option<&Form>) -> Result<Response, Fault> {
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
        forms.push(quantities(&cart, &priced, wrong));
    }
    let mut table = table(cx, buyer, &cart, &priced).await?;
    let catalogue = &buyer.catalogue;
    if let Ok(sums) = totals(&whole, catalogue.currency, catalogue.tax_basis_points) {
        table.sums = words::sums(&sums, &catalogue.tax_name);
    }
    shown.sections.push(DetailSection { heading: "What is in it".to_owned(), table: Some(table), forms });
    if cart.lines.len() > 1 {
        let empty = Action::post("empty", "Empty the cart", "/cart/change");
        shown.actions.push(empty.with("version", cart.version.to_string()).with("all", "0"));
    }
    shown.main = match (cart.lines.is_empty(), gone) {
        (true, _) => Some(Action::link("continue", "Get a credential", "/account/otp/get")),
        (false, false) => Some(Action::link("continue", "Check out", "/checkout")),
        (false, true) => None,
    };
    shown.back = Some(Action::link("back", "Get another credential", "/account/otp/get"));
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(pages::respond(status, &shown))
}

async fn table(cx: &Cx, buyer: &Buyer, cart: &Cart, priced: &[Option<OrderLine>]) -> Result<Table, Fault> {
    let mut rows = Vec::new();
    for (place, (line, priced)) in cart.lines.iter().zip(priced).enumerate().take(words::SHOWN) {
        let name = match priced {
            Some(priced) => Cell::text(priced.name.clone()),
            None => Cell::State(Tone::Warning, gone(buyer, line)),
        };
        let sum = priced.as_ref().and_then(|priced| priced.unit.times(priced.quantity).ok());
        rows.push(vec![
            name,
            Cell::text(words::whom(cx, line.whom, buyer.visitor.person.id).await?),
            Cell::number(line.quantity),
            priced.as_ref().map_or(Cell::Empty, |priced| Cell::number(priced.unit)),
            sum.map_or(Cell::Empty, Cell::number),
            Cell::Button(remove(place, cart)),
        ]);
    }
    let more: Vec<OrderLine> = priced.iter().skip(words::SHOWN).flatten().cloned().collect();
    rows.extend(words::further(&more).into_iter().map(|row| [row, vec![Cell::Empty]].concat()));
    Ok(Table::new(&["Product", "For", "Quantity", "Price", "Sum", ""], rows, "Your cart is empty."))
}

/// Why a line cannot be bought any more.
fn gone(buyer: &Buyer, line: &CartLine) -> String {
    let product = buyer.catalogue.product(&line.product);
    let name = product.map_or_else(|| line.product.to_string(), |product| product.name.clone());
    match line.whom {
        LineFor::Renewal(_) => format!("{name}: renewed already, or not to be renewed now"),
        LineFor::Person(_) | LineFor::Later => format!("{name}: not sold any more"),
    }
}

fn remove(place: usize, cart: &Cart) -> Action {
    let remove = Action::post(format!("remove-{place}"), "Remove", "/cart/change");
    remove.with("version", cart.version.to_string()).with(format!("q{place}"), "0")
}

fn quantities(cart: &Cart, priced: &[Option<OrderLine>], wrong: Option<&Form>) -> PageForm {
    let mut fields = vec![Field::required("version", "", Control::Hidden, cart.version.to_string())];
    for (place, (line, priced)) in cart.lines.iter().zip(priced).enumerate() {
        if line.whom == LineFor::Later {
            let name = priced.as_ref().map_or_else(|| line.product.to_string(), |priced| priced.name.clone());
            let typed = wrong.map(|form| form.get(&format!("q{place}"))).filter(|typed| !typed.is_empty());
            let value = typed.map_or_else(|| line.quantity.to_string(), str::to_owned);
            let mut field = Field::required(format!("q{place}"), name, Control::Text, value);
            field.error = typed.filter(|typed| read_quantity(typed).is_none()).map(|_| QUANTITY.to_owned());
            fields.push(field);
        }
    }
    PageForm::side("quantities", "/cart/change", "Change quantities", fields)
}

async fn post_add(form: Form) -> Response {
    let cx = form.cx.clone();
    let added = async {
        let buyer = buyer::enter(&cx, &form.browser, PortalPage::Cart).await?;
        let wish = |whom| Addition {
            product: form.get("product"),
            quantity: form.get("quantity"),
            whom,
            anyway: form.get("anyway") == "1",
        };
        let people: Vec<&str> = form.all("person").collect();
        let whom = match (form.get("for"), people.as_slice()) {
            ("people", [one]) => *one,
            ("people", several) => return several_people(&form, &buyer, several).await,
            (whom, _) => whom,
        };
        let wish = wish(whom);
        Ok(match cart::add(&cx, &buyer, &wish).await? {
            Added::Done => see_other("/cart?done=added"),
            Added::RenewFirst { credential, product } => renew_first(&cx, &buyer, &wish, (credential, &product)),
            Added::Refused(refusal) => refused(&form, &buyer, refusal).await?,
        })
    };
    added.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// One for each of several people. For whom a renewal is open, nothing is bought unasked.
async fn several_people(form: &Form, buyer: &Buyer, people: &[&str]) -> Result<Response, PageFailure> {
    let cx = &form.cx;
    let (mut done, mut renewable) = (0_usize, Vec::new());
    for whom in people {
        let wish = Addition { product: form.get("product"), quantity: "1", whom, anyway: false };
        match cart::add(cx, buyer, &wish).await? {
            Added::Done => done += 1,
            Added::RenewFirst { .. } => renewable.push(whom.trim_start_matches("person:")),
            Added::Refused(refusal) => return Ok(refused(form, buyer, refusal).await?),
        }
    }
    if people.is_empty() {
        return Ok(refused(form, buyer, CartRefusal::Nobody).await?);
    }
    if renewable.is_empty() {
        return Ok(see_other("/cart?done=added"));
    }
    let mut notes = vec![(
        Tone::Warning,
        format!(
            "Not added for {}: what they hold can be renewed, which keeps their device. Renew it, or get a new one for each \
             of them alone.",
            renewable.join(", ")
        ),
    )];
    if done > 0 {
        notes.insert(0, (Tone::Ok, format!("Added for {done} of {}.", people.len())));
    }
    Ok(page(cx, buyer, notes, None).await?)
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

/// The catalogue again, with what was typed, and what is wrong at its field.
async fn refused(form: &Form, buyer: &Buyer, refusal: CartRefusal) -> Result<Response, Fault> {
    let field = match refusal {
        CartRefusal::Line(LineError::Quantity | LineError::TooMany | LineError::OneEach) => "quantity",
        CartRefusal::Person | CartRefusal::Whom | CartRefusal::Nobody | CartRefusal::ProofingInVain(_) => "for",
        CartRefusal::Line(LineError::Full | LineError::Twice | LineError::NoRenewal)
        | CartRefusal::NotSold
        | CartRefusal::Credential
        | CartRefusal::NotRenewable
        | CartRefusal::Raced => "",
    };
    let typed = TypedWish {
        whom: form.get("for").to_owned(),
        quantity: form.get("quantity").to_owned(),
        people: form.all("person").map(str::to_owned).collect(),
        error: Some((field, refusal.to_string())),
    };
    acquire::refused(&form.cx, buyer, typed).await
}

async fn post_change(form: Form) -> Response {
    let cx = form.cx.clone();
    let changed = async {
        let buyer = buyer::enter(&cx, &form.browser, PortalPage::Cart).await?;
        let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
        let Ok(read) = form.get("version").parse::<i64>() else { return Err(PageFailure::NotFound) };
        let Some(wanted) = typed(&form, &cart.lines) else {
            return Ok(page(&cx, &buyer, Vec::new(), Some(&form)).await?);
        };
        if !cart::change(&cx, &buyer, (&cart, read), &wanted).await? {
            let text = "Your cart was changed in another window. This is what is in it now; nothing was changed.";
            return Ok(page(&cx, &buyer, vec![(Tone::Warning, text.to_owned())], None).await?);
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
        typed => read_quantity(typed).map(Some),
    };
    (0..lines.len().min(MAX_RENEWALS)).map(of).collect()
}

/// A quantity as it is typed in the cart.
fn read_quantity(typed: &str) -> Option<u32> {
    if typed == "0" { Some(0) } else { quantity(typed).ok() }
}
