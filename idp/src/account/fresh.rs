//! Binding or removing a device takes a fresh factor.

use std::time::Duration;

use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Interaction, PortalPage, Purpose, Want};

use super::Visitor;
use crate::cx::Cx;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::login::Parked;

/// How fresh the session's strongest factor must be before a device is bound (NIST SP 800-63B-4 §4.1.2).
pub(super) const FRESH: Duration = Duration::from_secs(300);

/// Goes on where the session has a fresh factor: of another credential where the person holds one, the password
/// otherwise.
///
/// # Errors
/// [`PageFailure::Elsewhere`] with the way to one; the store.
pub(crate) async fn step_up(cx: &Cx, form: &Form, visitor: &Visitor) -> Result<(), PageFailure> {
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
    if !stronger {
        // Only a password to show, and it is stale: a new login.
        let interaction = Interaction::begin(Purpose::Portal { return_to: PortalPage::ManageOtp }, cx.now);
        let parked = Parked::begin(cx, form.browser.token(), interaction.of_another_login()).await?;
        return Err(PageFailure::elsewhere(see_other(&parked.path())));
    }
    let purpose = Purpose::Elevate { person: visitor.person.id, session: visitor.live.session.id, want: Want::AnyOtp };
    let parked = Parked::begin(cx, form.browser.token(), Interaction::begin(purpose, cx.now)).await?;
    Err(PageFailure::elsewhere(see_other(&parked.path())))
}
