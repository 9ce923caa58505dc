//! The page that asks whether an application may: each thing with what exactly it gives away.

use stepgate_core::account::{Person, StandardClaims};
use stepgate_core::authorize::{claim_of, is_covered};

use super::dispatch::Scene;
use crate::pages::Layout;
use crate::pages::consent::{ConsentPage, ScopeView, item_title};
use crate::pages::login::Flow;

/// The page. What the person allowed before is marked, so that what is new stands out.
pub(super) fn page(scene: &Scene, flow: Flow, layout: Layout) -> ConsentPage {
    let items = scene.parked.interaction.request().map(|request| request.consent_items()).unwrap_or_default();
    let before = scene.standing.as_ref().map(|standing| standing.allowed.as_slice()).unwrap_or_default();
    let view = |item: &String| ScopeView {
        title: item_title(item),
        detail: scene.person().map(|person| detail(item, person)).unwrap_or_default(),
        known: is_covered(item, before),
    };
    let username = scene.person().map(|person| person.username.to_string()).unwrap_or_default();
    ConsentPage { layout, flow, username, scopes: items.iter().map(view).collect() }
}

fn detail(item: &str, person: &Person) -> String {
    let claims = &person.claims;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "Not on your profile".to_owned());
    if let Some(claim) = claim_of(item) {
        return value(claims, claim).unwrap_or_default();
    }
    match item {
        "openid" => "An identifier of your account, when you signed in, and how".to_owned(),
        "profile" => profile(person),
        "email" => text(&claims.email),
        "phone" => text(&claims.phone_number),
        "address" => text(&claims.address.as_ref().and_then(|address| address.formatted.clone())).replace('\n', ", "),
        "offline_access" => "It can act for you until you end it under My Account.".to_owned(),
        _ => "A permission that this application defines".to_owned(),
    }
}

/// The name and user ID, and what else there is.
fn profile(person: &Person) -> String {
    let claims = &person.claims;
    let facts = [
        (claims.birthdate.is_some(), "date of birth"),
        (claims.gender.is_some(), "gender"),
        (claims.picture.is_some(), "picture"),
        (claims.website.is_some() || claims.profile.is_some(), "websites"),
        (claims.zoneinfo.is_some(), "time zone"),
        (claims.locale.is_some(), "language"),
    ];
    let more: Vec<&str> = facts.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect();
    let who = format!("{} ({})", person.display_name(), person.username);
    if more.is_empty() { who } else { format!("{who}, {}", more.join(", ")) }
}

/// A single claim's value, as far as it is text.
fn value(claims: &StandardClaims, claim: &str) -> Option<String> {
    let claims = serde_json::to_value(claims).ok()?;
    match claims.get(claim)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Object(address) => address.get("formatted")?.as_str().map(|text| text.replace('\n', ", ")),
        _ => None,
    }
}
