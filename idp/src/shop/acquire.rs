//! `/account/otp/get`: what can be had. Where an application refused somebody, what it accepts comes first, and what it
//! does not accept is said.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use stepgate_core::assurance::{self, Acceptable, CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_core::subscriptions::product::{Fit, Product};
use stepgate_store::{carts, subscriptions as terms};

use super::buyer::{self, Buyer};
use crate::account::{activate_key, visit};
use crate::app::App;
use crate::credentials::security_key;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::help::{self, Topic};
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::shop::{ACTIVATE, AcquirePage, ProductCard, Shelf, TypedWish};
use crate::pages::{self, Action, Section, When};
use crate::proofing::{self, Standing};
use crate::subscriptions;
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/otp/get", get(get_acquire))
}

/// What the person came for, where a page led here.
#[derive(Deserialize, Default)]
#[serde(default)]
struct AcquireQuery {
    /// The application that it is for.
    application: String,
    /// The credential whose time is over: the same again.
    again: String,
    /// Identity proofing for what is held.
    upgrade: String,
    /// Something of this kind: `security_key`.
    kind: String,
}

async fn get_acquire(cx: Cx, browser: Browser, Query(query): Query<AcquireQuery>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Acquire).await?;
        let buyer = buyer::for_application(&cx, &browser, visitor, query.application.parse().ok()).await?;
        let came_for = if query.upgrade.is_empty() {
            same_again(&cx, &buyer, &query.again).await?.or_else(|| for_key(&buyer, &query.kind))
        } else {
            match upgrade(&cx, &buyer).await? {
                Some(product) => Some((product, "Identity proofing for what you hold")),
                None => return Ok(see_other("/account/proofing")),
            }
        };
        let page = page(&cx, &buyer, came_for).await?;
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The catalogue again, with what was typed and why it is not in the cart.
///
/// # Errors
/// The store.
pub(super) async fn refused(cx: &Cx, buyer: &Buyer, typed: TypedWish) -> Result<Response, Fault> {
    let page = AcquirePage { typed, ..page(cx, buyer, None).await? };
    Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// A product that the person came for, and what is said above it.
type CameFor<'a> = (&'a Product, &'static str);

/// What a credential was sold as, else what is nearest to it: of its kind and reach, with proofing or without as before.
async fn same_again<'a>(cx: &Cx, buyer: &'a Buyer, id: &str) -> Result<Option<CameFor<'a>>, Fault> {
    let Some(held) = buyer.visitor.credentials.iter().find(|held| held.id.to_string() == id) else { return Ok(None) };
    let sold = terms::find_sold_as(&cx.app.db, held.id).await?;
    let before = sold.product.as_ref().and_then(|id| buyer.catalogue.product(id));
    let proofing = before.map_or(sold.needs_proofing, |product| product.proofing);
    let fits = |product: &&Product| {
        let reach = held.kind != CredentialKind::PhoneOtp || product.reach == sold.reach;
        product.kinds == [held.kind] && reach
    };
    let offered = || buyer.catalogue.products.iter().filter(|product| buyer.is_offered(product));
    let same = offered().find(|product| Some(&product.id) == sold.product.as_ref());
    let near = || offered().filter(fits).min_by_key(|product| product.proofing != proofing);
    Ok(same.or_else(near).map(|product| (product, "The same again")))
}

/// What a security key takes, where keys are sold: the product that is no more than that.
fn for_key<'a>(buyer: &'a Buyer, kind: &str) -> Option<CameFor<'a>> {
    let sold = |product: &&Product| product.kinds == [CredentialKind::SecurityKey] && buyer.is_offered(product);
    let offered = buyer.catalogue.products.iter().filter(sold).min_by_key(|product| product.proofing);
    offered.filter(|_| kind == CredentialKind::SecurityKey.as_str()).map(|product| (product, "For your security key"))
}

/// Whether an application wants a key, and one can be had without buying anything.
fn adds_key(cx: &Cx, buyer: &Buyer) -> bool {
    let alone = |accepts: &Vec<Acceptable>| {
        accepts.iter().any(|option| option.kinds == [CredentialKind::SecurityKey] && !option.proofed)
    };
    let wanted = buyer.wanted.as_ref().and_then(|wanted| wanted.accepts.as_ref());
    wanted.is_some_and(alone) && security_key::available(cx) && !security_key::is_sold(cx)
}

/// What is true of keys here.
fn key_note(cx: &Cx, product: &Product) -> Option<String> {
    let note = match (product.kinds.as_slice(), product.proofing, security_key::is_sold(cx)) {
        ([CredentialKind::SecurityKey], _, true) => {
            "Each key that you add takes one. Keys that you have stay as they are."
        }
        ([CredentialKind::SecurityKey], false, false) => {
            "You can add a key of your own without it: that costs nothing here."
        }
        _ => return None,
    };
    Some(note.to_owned()).filter(|_| security_key::available(cx))
}

/// The proofing upgrade, where it is sold and there is something to get: not while an agent is to look at them already.
async fn upgrade<'a>(cx: &Cx, buyer: &'a Buyer) -> Result<Option<&'a Product>, Fault> {
    let person = &buyer.visitor.person;
    let idle = matches!(proofing::standing(cx, person.id).await?, Standing::Nothing | Standing::Approved(_));
    if person.is_proofed(cx.now) || !idle {
        return Ok(None);
    }
    let upgrades = |product: &&Product| product.kinds.is_empty() && product.proofing && buyer.is_offered(product);
    Ok(buyer.catalogue.products.iter().find(upgrades))
}

async fn page(cx: &Cx, buyer: &Buyer, came_for: Option<CameFor<'_>>) -> Result<AcquirePage, Fault> {
    let cart = carts::find_cart(&cx.app.db, buyer.visitor.person.id).await?;
    let mut ways = vec![
        Action::link("license", "I have a license key", "/account/otp/license"),
        Action::link("orders", "Your orders", "/orders"),
    ];
    if let Some(wanted) = &buyer.wanted {
        let go_on = |path| Action::link("resume", format!("Go on to {}", wanted.application), path);
        ways.extend(wanted.path.clone().map(go_on));
    }
    let ready = key(cx, buyer);
    ways.splice(0..0, ready.map(|key| activate_key(cx, key, ACTIVATE, Language::English)));
    let (heading, lead) = match buyer.wanted.as_ref().filter(|wanted| wanted.accepts.is_some()) {
        Some(wanted) => {
            let lead = "We keep your place. You come back to it when your credential is set up.";
            (format!("Get what {} accepts", wanted.application), lead)
        }
        None => ("Get a credential".to_owned(), "Each is for a year, and can be renewed before it ends."),
    };
    let lead = match (ready, buyer.catalogue.tax_basis_points) {
        (Some(key), _) => {
            format!("You have {} already: activate it, there is nothing to buy.", subscriptions::name_of(cx, key))
        }
        (None, 0) => lead.to_owned(),
        (None, _) => format!("{lead} {} is added at the checkout.", buyer.catalogue.tax_name),
    };
    if adds_key(cx, buyer) {
        ways.push(Action::post("add-key", "Add a security key for nothing", "/account/otp/key/new"));
    }
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
        shelves: shelves(cx, buyer, came_for).await?,
        people,
        typed: TypedWish::default(),
    })
}

async fn shelves(cx: &Cx, buyer: &Buyer, came_for: Option<CameFor<'_>>) -> Result<Vec<Shelf>, Fault> {
    let person = &buyer.visitor.person;
    let (owns, proofed) = (buyer.visitor.owns(), person.is_proofed(cx.now));
    let in_vain = proofing::in_vain(cx, person).await?;
    let wanted = buyer.wanted.as_ref().and_then(|wanted| Some((wanted, wanted.accepts.as_ref()?)));
    let (mut wished, mut good, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for product in buyer.catalogue.products.iter().filter(|product| buyer.is_offered(product)) {
        let mut card = card(cx, buyer, product).await?;
        let twice = in_vain.as_ref().filter(|_| product.proofing);
        if let Some(in_vain) = twice {
            card.note = Some(in_vain.words("You", !product.kinds.is_empty()));
        }
        // A shelf begins with what is all that is missing, and with what need not be bought again.
        let rank = (twice.is_some(), !product.kinds.is_empty());
        let fit = wanted.map(|(wanted, accepts)| (wanted, product.fit(accepts, &owns, proofed)));
        match fit {
            Some((wanted, fit)) if fit != Fit::Accepted => {
                card.refused = Some(refusal(&wanted.application, fit));
                bad.push(card);
            }
            _ if came_for.is_some_and(|(wish, _)| wish.id == product.id) => {
                wished.push(ProductCard { for_me: true, renew: None, ..card });
            }
            Some(_) => good.push((rank, card)),
            None => good.push(((false, false), card)),
        }
    }
    good.sort_by_key(|(rank, _)| *rank);
    let mut good: Vec<ProductCard> = good.into_iter().map(|(_, card)| card).collect();
    // Where something is only to be activated, nothing is to be bought first.
    if let Some(first) = wished.first_mut().or(good.first_mut()).filter(|_| key(cx, buyer).is_none()) {
        first.first = true;
    }
    let heading = match wanted {
        Some((wanted, _)) => format!("{} accepts", wanted.application),
        None if wished.is_empty() => "All products".to_owned(),
        None => "Other products".to_owned(),
    };
    let shelf = |heading: String, products| Shelf { heading, products };
    let wish = came_for.map_or("", |(_, heading)| heading).to_owned();
    let shelves = [shelf(wish, wished), shelf(heading, good), shelf("Not accepted there".to_owned(), bad)];
    Ok(shelves.into_iter().filter(|shelf| !shelf.products.is_empty()).collect())
}

fn refusal(application: &str, fit: Fit) -> String {
    match fit {
        Fit::LacksProofing => format!("{application} asks for identity proofing as well"),
        Fit::LacksCredential => format!("{application} asks for another credential with it"),
        Fit::Accepted | Fit::Refused => format!("{application} does not accept it"),
    }
}

/// A key that is theirs already and would do: it is not bought twice.
fn key<'a>(cx: &Cx, buyer: &'a Buyer) -> Option<&'a LicenseKey> {
    let visitor = &buyer.visitor;
    match buyer.wanted.as_ref().and_then(|wanted| wanted.accepts.as_ref()) {
        Some(accepts) => {
            subscriptions::fitting(&visitor.keys, accepts, (&visitor.owns(), visitor.person.is_proofed(cx.now)))
        }
        None => visitor.keys.first(),
    }
}

async fn card(cx: &Cx, buyer: &Buyer, product: &Product) -> Result<ProductCard, Fault> {
    let person = buyer.visitor.person.id;
    let held = buyer.renewable(cx, person, &product.kinds).await?;
    let (note, renew) = match &held {
        Some(held) => renewal(cx, buyer, product, held).await?,
        None => (None, None),
    };
    let note = note.or_else(|| held_already(cx, buyer, product)).or_else(|| key_note(cx, product));
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
        for_me: false,
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
