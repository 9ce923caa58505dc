//! The way from something bought to something that can be used, in one press from wherever it is missing.

use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_store::subscriptions::SoldAs;

use crate::cx::Cx;
use crate::pages::Action;
use crate::subscriptions::name_of;
use crate::words::Language;

/// Whether something was bought whose year ended before it was set up: a device for it would be worth nothing.
pub(super) fn is_too_late(cx: &Cx, credential: &Credential) -> bool {
    credential.stage == CredentialState::Pending && credential.expires_at.is_some_and(|ends| ends <= cx.now)
}

/// The same again, for what is over.
pub(super) fn anew(credential: &Credential, language: Language) -> Action {
    let again = format!("/account/otp/get?again={}", credential.id);
    Action::link(format!("new-{}", credential.id), language.text("get-new"), again)
}

/// Sets up a credential that waits for its device; where identity proofing comes first, where that stands; something new,
/// where its year is over. `None` for what waits for nothing, or for a token that is not made ready yet.
pub(crate) fn activation(
    cx: &Cx,
    person: &Person,
    (credential, sold): (&Credential, &SoldAs),
    language: Language,
) -> Option<Action> {
    if credential.stage != CredentialState::Pending {
        return None;
    }
    if is_too_late(cx, credential) {
        return Some(anew(credential, language));
    }
    if sold.needs_proofing && !person.is_proofed(cx.now) {
        let words = language.text("see-proofing");
        return Some(Action::link(format!("proofing-{}", credential.id), words, "/account/proofing"));
    }
    let (id, credential_id) = (format!("activate-{}", credential.id), credential.id.to_string());
    let activate = language.text("activate");
    match credential.kind {
        CredentialKind::MobileId => {
            Some(Action::post(id, activate, "/account/otp/mobile/start").with("credential", credential_id))
        }
        CredentialKind::PhoneOtp => {
            Some(Action::link(id, activate, format!("/account/otp/phones?credential={}", credential.id)))
        }
        CredentialKind::HardwareToken => {
            credential.serial.as_ref().map(|_| Action::link(id, activate, "/account/otp/token"))
        }
        CredentialKind::SecurityKey => Some(Action::link(id, activate, "/account/otp/key/new")),
        CredentialKind::Password | CredentialKind::Recovery => None,
    }
}

/// Uses a key that is the person's.
pub(crate) fn activate_key(cx: &Cx, key: &LicenseKey, id: &str, language: Language) -> Action {
    let label = language.say("activate-name", [("name", name_of(cx, key).into())]);
    Action::post(id, label, "/account/otp/license/activate").with("id", key.id.to_string())
}
