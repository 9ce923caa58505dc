//! What verifies the user of a phone: a WebAuthn credential of the phone's own platform (its screen lock). It is made at
//! the enrolment, before the browser confirms the phone, and signs each approval. The rules of the specification
//! (origin, relying party, presence, verification, counter) are `webauthn-rs`'s.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use stepgate_core::account::Person;
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::mobile_id::{AnswerMessage, approval_challenge};
use stepgate_core::id::{ChallengeId, DeviceId};
use stepgate_store::mobile;
use stepgate_store::security_keys::{self as store, NewChallenge};
use webauthn_rs::prelude::{
    Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    WebauthnError,
};

use crate::audit::{self, Event};
use crate::credentials::security_key::{LONGEST, party};
use crate::cx::Cx;
use crate::fault::Fault;

/// How long a new phone has.
const LIFE: Duration = Duration::from_secs(600);

fn binding(device: DeviceId) -> String {
    format!("mobile verifier {device}")
}

/// What a new phone is given to make its credential from. `None` where the issuer is an address without a name.
pub(super) async fn begin(cx: &Cx, person: &Person, device: DeviceId) -> Result<Option<(ChallengeId, Value)>, Fault> {
    let Some(party) = party(cx) else { return Ok(None) };
    let (name, display) = (person.username.as_str(), person.display_name());
    // Known by the phone and not by the person: what it makes must not be offered where people log in with a passkey.
    let begun = party.start_passkey_registration(device.uuid(), name, display, None);
    let (options, state) = begun.map_err(Fault::internal)?;
    let mut options = serde_json::to_value(options).map_err(Fault::internal)?;
    if let Some(public) = options.get_mut("publicKey").and_then(Value::as_object_mut) {
        public.remove("extensions");
        let own = json!({
            "authenticatorAttachment": "platform", "residentKey": "discouraged", "requireResidentKey": false,
            "userVerification": "required",
        });
        public.insert("authenticatorSelection".to_owned(), own);
    }
    let id = ChallengeId::random(cx.entropy());
    let state = serde_json::to_string(&state).map_err(Fault::internal)?;
    let place = binding(device);
    let new = NewChallenge { id, person: person.id, binding: &place, state: &state, expires_at: cx.now + LIFE };
    store::insert_challenge(&cx.app.db.write, &new).await?;
    Ok(Some((id, options)))
}

/// Keeps the credential that a new phone made; `false` when it does not count, or comes too late.
pub(super) async fn finish(cx: &Cx, device: &MobileDevice, challenge: ChallengeId, made: Value) -> Result<bool, Fault> {
    let Some(party) = party(cx) else { return Ok(false) };
    let taken = store::take_challenge(&cx.app.db, challenge, device.person, &binding(device.id), cx.now).await?;
    let Some(state) = taken else { return Ok(false) };
    let state: PasskeyRegistration = serde_json::from_str(&state).map_err(Fault::internal)?;
    let Ok(made) = serde_json::from_value::<RegisterPublicKeyCredential>(made) else { return Ok(false) };
    let Ok(passkey) = party.finish_passkey_registration(&made, &state) else { return Ok(false) };
    let data = serde_json::to_string(&passkey).map_err(Fault::internal)?;
    let transaction = cx.app.db.begin().await?;
    let kept = mobile::set_verifier(&transaction, device.id, &data).await?;
    if kept {
        let event = Event::new("mobile_id.phone.verifies").by(device.person).data(json!({ "device": device.id }));
        audit::record(cx, &transaction, event).await?;
    }
    transaction.commit().await?;
    Ok(kept)
}

/// What an approval shows of the phone's user.
pub(super) enum Verification {
    /// This phone verifies nobody.
    Without,
    /// Verified; what is kept of the credential from now on.
    Shown {
        /// As it was kept.
        old: String,
        /// As it is to be kept.
        new: String,
    },
    /// The phone verifies its user, and this approval does not show it.
    Missing,
    /// There are two of the credential.
    Copied,
}

/// Checks what the phone's authenticator signed. Where the phone can verify its user, every approval shows it.
pub(super) fn verify(cx: &Cx, device: &MobileDevice, message: &AnswerMessage) -> Result<Verification, Fault> {
    let Some(old) = &device.verifier else { return Ok(Verification::Without) };
    let Some(assertion) = &message.assertion else { return Ok(Verification::Missing) };
    if assertion.to_string().len() > LONGEST {
        return Ok(Verification::Missing);
    }
    let Ok(assertion) = serde_json::from_value::<PublicKeyCredential>(assertion.clone()) else {
        return Ok(Verification::Missing);
    };
    let Some(party) = party(cx) else { return Ok(Verification::Missing) };
    let mut passkey: Passkey = serde_json::from_str(old).map_err(Fault::internal)?;
    let (_, state) = party.start_passkey_authentication(std::slice::from_ref(&passkey)).map_err(Fault::internal)?;
    let challenge = approval_challenge(cx.app.issuer(), device.id, message);
    match party.finish_passkey_authentication(&assertion, &over(&state, &challenge)?) {
        Ok(result) if result.user_verified() => {
            passkey.update_credential(&result);
            let new = serde_json::to_string(&passkey).map_err(Fault::internal)?;
            Ok(Verification::Shown { old: old.clone(), new })
        }
        Err(WebauthnError::CredentialPossibleCompromise) => Ok(Verification::Copied),
        Ok(_) | Err(_) => Ok(Verification::Missing),
    }
}

/// The library makes challenges of its own; an approval is signed over what it says. So its state is made ours where it
/// can be kept, and nothing else of it is touched (ADR 0017).
fn over(state: &PasskeyAuthentication, challenge: &[u8; 32]) -> Result<PasskeyAuthentication, Fault> {
    let mut state = serde_json::to_value(state).map_err(Fault::internal)?;
    let place = state.pointer_mut("/ast/challenge");
    let place = place.ok_or_else(|| Fault::internal("the WebAuthn state has no challenge"))?;
    *place = Value::String(BASE64URL_NOPAD.encode(challenge));
    serde_json::from_value(state).map_err(Fault::internal)
}
