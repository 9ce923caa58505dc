//! Binding or removing a device takes a fresh factor.

use std::time::Duration;

use axum::response::Response;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Interaction, Landing, PortalPage, Purpose, Want};
use stepgate_core::credentials::Credential;

use super::Visitor;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::login::Parked;

/// How fresh the session's strongest factor must be before a device is bound (NIST SP 800-63B-4 §4.1.2).
pub(super) const FRESH: Duration = Duration::from_secs(300);

/// Goes on where the session has a fresh factor: of another credential where the person holds one, the password
/// otherwise. The way to one leads to Manage OTP.
///
/// # Errors
/// [`PageFailure::Elsewhere`] with the way to one; the store.
pub(crate) async fn step_up(cx: &Cx, form: &Form, visitor: &Visitor) -> Result<(), PageFailure> {
    go(cx, &form.browser, visitor, None).await
}

/// The same, on a page that the way leads back to.
///
/// # Errors
/// [`PageFailure::Elsewhere`] with the way to one; the store.
pub(crate) async fn step_up_at(cx: &Cx, form: &Form, visitor: &Visitor, here: Landing) -> Result<(), PageFailure> {
    go(cx, &form.browser, visitor, Some(here)).await
}

/// The same, for a page that is opened rather than a button that is pressed.
///
/// # Errors
/// [`PageFailure::Elsewhere`] with the way to one; the store.
pub(super) async fn step_up_to(
    cx: &Cx,
    browser: &Browser,
    visitor: &Visitor,
    here: Landing,
) -> Result<(), PageFailure> {
    go(cx, browser, visitor, Some(here)).await
}

async fn go(cx: &Cx, browser: &Browser, visitor: &Visitor, here: Option<Landing>) -> Result<(), PageFailure> {
    if is_fresh(cx, visitor, FRESH) {
        return Ok(());
    }
    Err(lead(cx, browser, visitor, here).await?)
}

/// Whether the session has a factor that is not older than this: of another credential where the person holds one.
pub(super) fn is_fresh(cx: &Cx, visitor: &Visitor, within: Duration) -> bool {
    let stronger = holds_device(cx, visitor);
    visitor.live.session.events.iter().any(|event| {
        let otp = event.method.credential_kind() != CredentialKind::Password;
        cx.now.since(event.at) <= within && (otp || !stronger)
    })
}

/// The way to a factor, and back.
pub(super) async fn lead(
    cx: &Cx,
    browser: &Browser,
    visitor: &Visitor,
    here: Option<Landing>,
) -> Result<PageFailure, PageFailure> {
    let way = if holds_device(cx, visitor) {
        elevation(cx, visitor)
    } else {
        // Only a password to show, and it is stale: a new login.
        let purpose = Purpose::Portal { return_to: PortalPage::ManageOtp };
        Interaction::begin(purpose, cx.now).of_another_login()
    };
    Ok(PageFailure::elsewhere(go_by(cx, browser, way, here).await?))
}

fn elevation(cx: &Cx, visitor: &Visitor) -> Interaction {
    let (person, session) = (visitor.person.id, visitor.live.session.id);
    Interaction::begin(Purpose::Elevate { person, session, want: Want::AnyOtp }, cx.now)
}

fn is_usable_device(cx: &Cx, held: &Credential) -> bool {
    let device = !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery);
    device && held.state(cx.now) == CredentialState::Active
}

/// Whether the person holds anything besides a password that can be shown now.
pub(crate) fn holds_device(cx: &Cx, visitor: &Visitor) -> bool {
    visitor.credentials.iter().any(|held| is_usable_device(cx, held))
}

/// Whether a device, never a password alone, was shown at most `age` ago, and can still be used: for acts about somebody
/// else, which a known password must not be enough for.
pub(crate) fn showed_device(cx: &Cx, visitor: &Visitor, age: Duration) -> bool {
    let usable = |id| visitor.credentials.iter().any(|held| held.id == id && is_usable_device(cx, held));
    visitor.live.session.events.iter().any(|event| cx.now.since(event.at) <= age && usable(event.credential))
}

/// The way to show a device, and back.
///
/// # Errors
/// The store.
pub(crate) async fn show_device(
    cx: &Cx,
    form: &Form,
    visitor: &Visitor,
    here: Landing,
) -> Result<Response, PageFailure> {
    go_by(cx, &form.browser, elevation(cx, visitor), Some(here)).await
}

/// The way to log in again on a page of `above`, and back, for a session that ended while something was typed.
///
/// # Errors
/// The store.
pub(crate) async fn log_in_again(
    cx: &Cx,
    form: &Form,
    above: PortalPage,
    here: Landing,
) -> Result<Response, PageFailure> {
    let way = Interaction::begin(Purpose::Portal { return_to: above }, cx.now);
    go_by(cx, &form.browser, way, Some(here)).await
}

async fn go_by(
    cx: &Cx,
    browser: &Browser,
    mut way: Interaction,
    here: Option<Landing>,
) -> Result<Response, PageFailure> {
    way.back = here;
    let parked = Parked::begin(cx, browser.token(), way).await?;
    Ok(see_other(&parked.path()))
}
