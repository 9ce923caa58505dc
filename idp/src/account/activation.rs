//! The way from something bought to something that can be used, in one press from wherever it is missing.

use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_store::subscriptions::SoldAs;

use crate::cx::Cx;
use crate::pages::Action;
use crate::subscriptions::name_of;

/// Sets up a credential that waits for its device; where identity proofing comes first, where that stands. `None` for
/// what waits for nothing, or for a token that is not made ready yet.
pub(crate) fn activation(cx: &Cx, person: &Person, credential: &Credential, sold: &SoldAs) -> Option<Action> {
    if credential.stage != CredentialState::Pending {
        return None;
    }
    if sold.needs_proofing && !person.is_proofed(cx.now) {
        return Some(Action::link(format!("proofing-{}", credential.id), "See where it stands", "/account/proofing"));
    }
    let (id, credential_id) = (format!("activate-{}", credential.id), credential.id.to_string());
    match credential.kind {
        CredentialKind::MobileId => {
            Some(Action::post(id, "Activate", "/account/otp/mobile/start").with("credential", credential_id))
        }
        CredentialKind::PhoneOtp => {
            Some(Action::link(id, "Activate", format!("/account/otp/phones?credential={}", credential.id)))
        }
        CredentialKind::HardwareToken => {
            credential.serial.as_ref().map(|_| Action::link(id, "Activate", "/account/otp/token"))
        }
        CredentialKind::SecurityKey => Some(Action::link(id, "Activate", "/account/otp/key/new")),
        CredentialKind::Password | CredentialKind::Recovery => None,
    }
}

/// Uses a key that is the person's.
pub(crate) fn activate_key(cx: &Cx, key: &LicenseKey, id: &str) -> Action {
    let label = format!("Activate {}", name_of(cx, key));
    Action::post(id, label, "/account/otp/license/activate").with("id", key.id.to_string())
}
