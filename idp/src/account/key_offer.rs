//! Whether a security key may be added: for nothing, or with a subscription that was bought for it. Keys that are there
//! stay, whatever the setting says.

use axum::http::StatusCode;
use axum::response::Response;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_store::subscriptions as terms;

use super::{Visitor, activate_key};
use crate::credentials::security_key;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::page::{PageFailure, see_other};
use crate::pages::shop::ShopPage;
use crate::pages::{self, Action, Section};
use crate::words::Language;

/// Where the catalogue shows what is sold for a key.
const CATALOGUE: &str = "/account/otp/get?kind=security_key";

/// *Add security key*: at once where it is free or paid for; else to what has to be bought.
pub(super) fn action(cx: &Cx, visitor: &Visitor, label: &str) -> Action {
    if !security_key::is_sold(cx) || waits(visitor).next().is_some() {
        return Action::post("add-key", label, "/account/otp/key/new");
    }
    Action::link("add-key", label, CATALOGUE)
}

/// What was bought for a key, and waits for one.
fn waits(visitor: &Visitor) -> impl Iterator<Item = &Credential> {
    let waits = |held: &&Credential| held.kind == CredentialKind::SecurityKey && held.stage == CredentialState::Pending;
    visitor.credentials.iter().filter(waits)
}

/// Goes on where a key may be added.
///
/// # Errors
/// [`PageFailure::Elsewhere`] to where identity proofing stands; the store.
pub(super) async fn check(cx: &Cx, visitor: &Visitor) -> Result<Option<Response>, PageFailure> {
    if !security_key::is_sold(cx) {
        return Ok(None);
    }
    let sold = terms::list_sold_as(&cx.app.db, visitor.person.id).await?;
    let unproofed = |id| sold.iter().any(|(of, sold)| *of == id && sold.needs_proofing);
    let proofed = visitor.person.is_proofed(cx.now);
    if waits(visitor).any(|held| proofed || !unproofed(held.id)) {
        return Ok(None);
    }
    if waits(visitor).next().is_some() {
        return Ok(Some(see_other("/account/proofing")));
    }
    Ok(Some(refused(cx, visitor).await?))
}

/// A key takes a subscription here, and how to get one.
pub(super) async fn refused(cx: &Cx, visitor: &Visitor) -> Result<Response, Fault> {
    let layout = visitor.layout(cx, "Add a security key", Section::ManageOtp);
    let mut page = ShopPage::new(layout, "key-not-paid", "A security key takes a subscription");
    let gives = |kinds: &[CredentialKind]| kinds.contains(&CredentialKind::SecurityKey);
    let bought = visitor.keys.iter().find(|key| gives(&key.gives.kinds));
    let catalogue = crate::shop::catalogue(cx).await?;
    let is_sold = catalogue.products.iter().any(|product| gives(&product.kinds) && !product.withdrawn);
    let (lead, main) = match (bought, is_sold) {
        (Some(key), _) => (
            "You have bought it: activate your license key, then add the key.",
            Some(activate_key(cx, key, "continue", Language::English)),
        ),
        (None, true) => (
            "Here each security key or passkey that is added takes a subscription of a year. Get one, then add the key. Keys \
             that you have stay as they are.",
            Some(Action::link("continue", "Get a subscription for a key", CATALOGUE)),
        ),
        (None, false) => (
            "Here each security key or passkey that is added takes a subscription, and none is sold at the moment. Ask your \
             administrator. Keys that you have stay as they are.",
            None,
        ),
    };
    (page.lead, page.main) = (Some(lead.to_owned()), main);
    page.actions = vec![Action::link("license", "I have a license key", "/account/otp/license")];
    page.back = Some(Action::link("back", "Back to Manage OTP", "/account/otp"));
    Ok(pages::respond(StatusCode::FORBIDDEN, &page))
}
