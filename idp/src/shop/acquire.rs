//! `/account/otp/get`: what can be had. Where an application refused somebody, what it accepts comes first, and what it
//! does not accept is said.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::assurance::{self, CredentialState};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::product::Product;
use stepgate_store::carts;

use super::buyer::{self, Buyer, Wanted};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::help::{self, Topic};
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, with_browser};
use crate::pages::shop::{AcquirePage, ProductCard, Shelf, TypedWish};
use crate::pages::{self, Action, Section, When};
use crate::subscriptions;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/otp/get", get(get_acquire))
}

async fn get_acquire(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let buyer = buyer::enter(&cx, &browser, PortalPage::Acquire).await?;
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page(&cx, &buyer).await?)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The catalogue again, with what was typed and why it is not in the cart.
///
/// # Errors
/// The store.
pub(super) async fn refused(cx: &Cx, buyer: &Buyer, typed: TypedWish) -> Result<Response, Fault> {
    let page = AcquirePage { typed, ..page(cx, buyer).await? };
    Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn page(cx: &Cx, buyer: &Buyer) -> Result<AcquirePage, Fault> {
    let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
    let mut ways = vec![
        Action::link("license", "I have a license key", "/account/otp/license"),
        Action::link("orders", "Your orders", "/orders"),
    ];
    let (heading, lead) = match &buyer.wanted {
        Some(wanted) => {
            ways.push(Action::link("resume", format!("Back to {}", wanted.application), wanted.path.clone()));
            let lead = "We keep your place. You come back to it when your credential is set up.";
            (format!("Get what {} accepts", wanted.application), lead)
        }
        None => ("Get a credential".to_owned(), "Each is for a year, and can be renewed before it ends."),
    };
    let lead = match buyer.catalogue.tax_basis_points {
        0 => lead.to_owned(),
        _ => format!("{lead} {} is added at the checkout.", buyer.catalogue.tax_name),
    };
    if buyer.catalogue.products.iter().any(|product| product.proofing && buyer.is_offered(product)) {
        ways.push(Action::link("help-proofing", "About identity proofing", help::link(Topic::IdentityProofing)));
    }
    let mut people =
        vec![("me".to_owned(), "Me".to_owned()), ("later".to_owned(), "Later: keys to hand out".to_owned())];
    for person in buyer.people(cx).await? {
        people.push((format!("person:{}", person.username), person.display_name().to_owned()));
    }
    let keys: u32 = cart.lines.iter().map(|line| line.quantity).sum();
    Ok(AcquirePage {
        layout: buyer.visitor.layout(cx, "Get a credential", Section::ManageOtp),
        heading,
        lead,
        cart: (keys > 0).then(|| Action::link("cart", format!("Cart ({keys})"), "/cart")),
        ways,
        shelves: shelves(cx, buyer).await?,
        people,
        typed: TypedWish::default(),
    })
}

async fn shelves(cx: &Cx, buyer: &Buyer) -> Result<Vec<Shelf>, Fault> {
    let proofed = buyer.visitor.person.is_proofed(cx.now);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for product in buyer.catalogue.products.iter().filter(|product| buyer.is_offered(product)) {
        let mut card = card(cx, buyer, product).await?;
        match &buyer.wanted {
            Some(wanted) if !product.fits(&wanted.acceptable, proofed) => {
                card.refused = Some(refusal(wanted, product, proofed));
                card.renew = None;
                bad.push(card);
            }
            _ => good.push(card),
        }
    }
    if let Some(first) = good.first_mut() {
        first.first = true;
    }
    let heading = match &buyer.wanted {
        Some(wanted) => format!("{} accepts", wanted.application),
        None => "All products".to_owned(),
    };
    let shelf = |heading: &str, products| Shelf { heading: heading.to_owned(), products };
    let mut shelves = Vec::new();
    if !good.is_empty() {
        shelves.push(shelf(&heading, good));
    }
    if !bad.is_empty() {
        shelves.push(shelf("Not accepted there", bad));
    }
    Ok(shelves)
}

fn refusal(wanted: &Wanted, product: &Product, proofed: bool) -> String {
    let kind_would_do = product.kinds.iter().any(|kind| wanted.requirement.allows(*kind));
    if kind_would_do && !proofed && !product.proofing {
        format!("{} asks for identity proofing as well", wanted.application)
    } else {
        format!("{} does not accept it", wanted.application)
    }
}

async fn card(cx: &Cx, buyer: &Buyer, product: &Product) -> Result<ProductCard, Fault> {
    let person = buyer.visitor.person.id;
    let held = buyer.renewable(cx, person, &product.kinds).await?;
    let (note, renew) = match &held {
        Some(held) => renewal(cx, buyer, product, held).await?,
        None => (None, None),
    };
    let note = note.or_else(|| held_already(cx, buyer, product));
    let price = product.price(buyer.catalogue.currency).map_or_else(String::new, |price| price.to_string());
    Ok(ProductCard {
        id: product.id.to_string(),
        kind: product.kinds.first().copied(),
        name: product.name.clone(),
        summary: product.summary.clone(),
        more: more(product),
        price: if product.kinds.is_empty() { price } else { format!("{price} a year") },
        note,
        renew,
        refused: None,
        first: false,
    })
}

/// What comes with a product.
fn more(product: &Product) -> Option<String> {
    let mut more = Vec::new();
    if product.ships && product.kinds.len() > 1 {
        more.push("The token is sent by post.");
    }
    if product.proofing && !product.kinds.is_empty() {
        more.push("An agent checks your identity card or passport first.");
    }
    (!more.is_empty()).then(|| more.join(" "))
}

/// That one of the same kind is there: nobody should buy a second one without knowing.
fn held_already(cx: &Cx, buyer: &Buyer, product: &Product) -> Option<String> {
    let [kind] = product.kinds.as_slice() else { return None };
    let mut held: Vec<_> = buyer.visitor.credentials.iter().filter(|held| held.kind == *kind).collect();
    held.retain(|held| !matches!(held.state(cx.now), CredentialState::Revoked | CredentialState::Expired));
    let held = held.into_iter().max_by_key(|held| held.expires_at)?;
    if held.stage == CredentialState::Pending {
        return Some("You have one already that waits to be set up.".to_owned());
    }
    let until = held.expires_at.map(|ends| format!(", until {}", When::date(ends, &buyer.visitor.zone()).text));
    Some(format!("You hold one already{}.", until.unwrap_or_default()))
}

/// What is held of the same kind and can be renewed.
async fn renewal(
    cx: &Cx,
    buyer: &Buyer,
    product: &Product,
    held: &Credential,
) -> Result<(Option<String>, Option<Action>), Fault> {
    let Some(ends) = held.expires_at else { return Ok((None, None)) };
    let when = When::new(ends, cx.now, &buyer.visitor.zone()).text;
    let ended = if ends <= cx.now { "ended" } else { "ends" };
    let kind = assurance::label(held.kind);
    let note = format!("You hold a {kind} that {ended} {when}. Renewing keeps your device and your proofing.");
    let renewal = subscriptions::renewal_product(cx, held).await?;
    let renewal = renewal.and_then(|renewal| buyer.catalogue.product(&renewal.id));
    // It is said once: where the product is that the renewal is of.
    if renewal.is_some_and(|renewal| renewal.id != product.id && buyer.is_offered(renewal)) {
        return Ok((None, None));
    }
    let action = renewal.and_then(|renewal| {
        let price = renewal.renewal_price(buyer.catalogue.currency)?;
        let id = format!("renew-{}-{}", product.id, held.id);
        let renew = Action::post(id, format!("Renew your {kind} for {price}"), "/cart/add");
        Some(renew.with("product", renewal.id.as_str()).with("for", format!("renew:{}", held.id)))
    });
    Ok((Some(note), action))
}
