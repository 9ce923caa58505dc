//! Binding or removing a device takes a fresh factor.

use std::time::Duration;

use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Interaction, Landing, PortalPage, Purpose, Want};

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
    let stronger = visitor.credentials.iter().any(|held| {
        let otp = !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery);
        otp && held.state(cx.now) == CredentialState::Active
    });
    let fresh = visitor.live.session.events.iter().any(|event| {
        let otp = event.method.credential_kind() != CredentialKind::Password;
        cx.now.since(event.at) <= FRESH && (otp || !stronger)
    });
    if fresh {
        return Ok(());
    }
    let mut interaction = if stronger {
        let (person, session) = (visitor.person.id, visitor.live.session.id);
        Interaction::begin(Purpose::Elevate { person, session, want: Want::AnyOtp }, cx.now)
    } else {
        // Only a password to show, and it is stale: a new login.
        let purpose = Purpose::Portal { return_to: PortalPage::ManageOtp };
        Interaction::begin(purpose, cx.now).of_another_login()
    };
    interaction.back = here;
    let parked = Parked::begin(cx, browser.token(), interaction).await?;
    Err(PageFailure::elsewhere(see_other(&parked.path())))
}
