//! Binding a security key or a passkey to a person: what it is to be like, who vouches for it, and the notice.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState, Evidence, FactorEvent, Method};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::fido_metadata::Trouble;
use stepgate_core::id::{ChallengeId, CredentialId, SessionId};
use stepgate_store::credentials::{self, NewCredential};
use stepgate_store::security_keys::{self as store, NewKey};
use stepgate_store::{StoreError, Transaction};
use webauthn_rs::prelude::{
    RegisterPublicKeyCredential, SecurityKey, SecurityKeyRegistration, Webauthn, WebauthnError,
};

use super::{Kept, is_sold, keep, parsed, party, read};
use crate::audit::{self, Event};
use crate::credentials::attestation::UserVerification;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::subscriptions;

/// Keys of one person at most.
pub const MOST: usize = 20;

/// Where a registration belongs to: the session that began it.
fn registration(session: SessionId) -> String {
    format!("register {session}")
}

/// What a person wants to add.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Any key; what it can it does.
    Key,
    /// One that logs in alone: it keeps whose it is, and verifies its holder.
    Passkey,
}

/// How the wish to bind a key began.
pub enum Begun {
    /// What the browser is given to have signed, in JSON.
    Asked(ChallengeId, String),
    /// The person has as many as can be kept.
    TooMany,
    /// Keys cannot be used in this deployment.
    Unavailable,
}

/// Begins to bind a new key.
pub async fn begin(cx: &Cx, person: &Person, session: SessionId, wish: Wish) -> Result<Begun, Fault> {
    let Some(party) = party(cx) else { return Ok(Begun::Unavailable) };
    let keys = store::list_keys(&cx.app.db, person.id).await?;
    if keys.len() >= MOST {
        return Ok(Begun::TooMany);
    }
    let known =
        keys.iter().map(|key| Ok(parsed::<SecurityKey>(key)?.cred_id().clone())).collect::<Result<Vec<_>, Fault>>()?;
    let (name, display) = (person.username.as_str(), person.display_name());
    let (options, state) = party
        .start_securitykey_registration(person.id.uuid(), name, display, Some(known), None, None)
        .map_err(Fault::internal)?;
    let mut options = serde_json::to_value(options).map_err(Fault::internal)?;
    // The library asks for `credProtect` at its highest level, which Chromium refuses unless verification is required
    // as well. Keys without a PIN are welcome here, as one factor beside the password.
    if let Some(public) = options.get_mut("publicKey").and_then(serde_json::Value::as_object_mut) {
        public.remove("extensions");
        // The device itself is as welcome as a key on a chain, and what it can it should also do alone: a passkey.
        public.remove("hints");
        public.insert("authenticatorSelection".to_owned(), selection(cx, wish));
        if cx.app.attestation.asks() {
            public.insert("attestation".to_owned(), json!("direct"));
        }
    }
    let text = options.to_string();
    let challenge = keep(cx, person, &registration(session), &Kept { options, state }).await?;
    Ok(Begun::Asked(challenge, text))
}

/// What the new key is to be like (WebAuthn §5.4.4).
fn selection(cx: &Cx, wish: Wish) -> serde_json::Value {
    match wish {
        Wish::Passkey => {
            json!({ "residentKey": "required", "requireResidentKey": true, "userVerification": "required" })
        }
        Wish::Key => {
            let policy = cx.app.settings.security_keys.user_verification.as_str();
            json!({ "residentKey": "preferred", "requireResidentKey": false, "userVerification": policy })
        }
    }
}

/// How binding a key ended.
pub enum Bound {
    /// It is the person's from now on, and has just signed.
    Added(FactorEvent),
    /// What the browser sent is no answer of a key to this challenge.
    Refused,
    /// Nobody whom the deployment trusts vouches for this make of key.
    Untrusted,
    /// Something is known against its model, and only a list of models is taken.
    Troubled(Trouble),
    /// It was only touched, and it had to verify its holder.
    Unverified,
    /// Somebody, perhaps the person, has this very key already.
    Taken,
    /// Keys are sold here, and nothing that was bought waits for this one.
    NotPaid,
    /// Too late, or answered before.
    Over,
}

/// Binds the key that signed.
pub async fn finish(
    cx: &Cx,
    person: &Person,
    session: SessionId,
    challenge: ChallengeId,
    (label, response): (&str, &str),
) -> Result<Bound, Fault> {
    let Some(party) = party(cx) else { return Ok(Bound::Over) };
    let binding = registration(session);
    let Some(kept) = store::take_challenge(&cx.app.db, challenge, person.id, &binding, cx.now).await? else {
        return Ok(Bound::Over);
    };
    let kept: Kept<SecurityKeyRegistration> = serde_json::from_str(&kept).map_err(Fault::internal)?;
    let Some(response) = read::<RegisterPublicKeyCredential>(response) else { return Ok(Bound::Refused) };
    let (key, attested) = match registered(cx, &party, &response, &kept.state)? {
        Ok(registered) => registered,
        Err(bound) => return Ok(bound),
    };
    let data = serde_json::to_value(&key).map_err(Fault::internal)?;
    let fact = |name: &str| data.pointer(name).and_then(serde_json::Value::as_bool).unwrap_or(false);
    let asked = kept.options.pointer("/publicKey/authenticatorSelection/userVerification");
    if asked.is_some_and(|asked| asked == UserVerification::Required.as_str()) && !fact("/cred/user_verified") {
        return Ok(Bound::Unverified);
    }
    let synced = fact("/cred/backup_eligible");
    let key = NewKey { id: key.cred_id(), data: &data.to_string(), synced, attested };
    let transaction = cx.app.db.begin().await?;
    let Some(id) = owned(cx, &transaction, person, label).await? else { return Ok(Bound::NotPaid) };
    match store::insert_key(&transaction, id, &key).await {
        Ok(()) => {}
        Err(StoreError::Conflict { .. }) => return Ok(Bound::Taken),
        Err(error) => return Err(error.into()),
    }
    let event = Event::new("security_key.added").by(person.id).session(session);
    let facts = json!({ "credential": id, "synced": synced, "attested": attested });
    audit::record(cx, &transaction, event.data(facts)).await?;
    notices::tell(cx, &transaction, person.id, &notice(label).about(id)).await?;
    transaction.commit().await?;
    let method = if fact("/cred/user_verified") { Method::SecurityKeyVerified } else { Method::SecurityKey };
    let evidence = Evidence { device_bound: attested && !synced, synced };
    Ok(Bound::Added(FactorEvent { method, at: cx.now, credential: id, evidence, proofed: person.is_proofed(cx.now) }))
}

/// The credential that a new key is: one that the person bought and that waits for it, else one of its own where keys are
/// free.
async fn owned(
    cx: &Cx,
    transaction: &Transaction,
    person: &Person,
    label: &str,
) -> Result<Option<CredentialId>, Fault> {
    let (kind, proofed) = (CredentialKind::SecurityKey.as_str(), person.is_proofed(cx.now));
    let waiting = credentials::list_credentials(&cx.app.db, person.id).await?;
    if let Some(id) = credentials::adopt_pending(transaction, (person.id, proofed), (kind, label), cx.now).await? {
        if let Some(bound) = waiting.iter().find(|held| held.id == id) {
            subscriptions::begin_term(cx, transaction, bound).await?;
        }
        return Ok(Some(id));
    }
    if is_sold(cx) {
        return Ok(None);
    }
    let id = CredentialId::random(cx.entropy());
    let new = NewCredential { credential: fresh(cx, person, id, label), sealed_secret: None, parameters: json!({}) };
    credentials::insert_credential(transaction, &new).await?;
    Ok(Some(id))
}

/// The key, and whether somebody vouched for it. Where no more than that is lost, it is taken without.
fn registered(
    cx: &Cx,
    party: &Webauthn,
    response: &RegisterPublicKeyCredential,
    state: &SecurityKeyRegistration,
) -> Result<Result<(SecurityKey, bool), Bound>, Fault> {
    let Ok(key) = party.finish_securitykey_registration(response, state) else { return Ok(Err(Bound::Refused)) };
    let attestation = &cx.app.attestation;
    let judged = match attestation.judging(&key, state)? {
        Some(judging) => party.finish_securitykey_registration(response, &judging),
        None => Err(WebauthnError::AttestationNotVerifiable),
    };
    Ok(match judged {
        Ok(key) => {
            let trouble = attestation.trouble(&key, cx.now).filter(|_| attestation.only());
            trouble.map_or(Ok((key, true)), |trouble| Err(Bound::Troubled(trouble)))
        }
        Err(error) if !is_about_its_make(&error) => Err(Bound::Refused),
        Err(_) if attestation.only() => Err(Bound::Untrusted),
        Err(_) => Ok((key, false)),
    })
}

/// Whether a key was refused for what it is rather than for what it signed.
const fn is_about_its_make(error: &WebauthnError) -> bool {
    matches!(
        error,
        WebauthnError::AttestationNotVerifiable
            | WebauthnError::AttestationChainNotTrusted(_)
            | WebauthnError::AttestationUntrustedAaguid
            | WebauthnError::AttestationFormatMissingAaguid
    )
}

fn notice(label: &str) -> Notice {
    let text = format!(
        "The security key \u{201c}{label}\u{201d} was added to your account. If that was not you, remove it under Manage OTP and change your password."
    );
    Notice::new("A security key was added", text)
}

fn fresh(cx: &Cx, person: &Person, id: CredentialId, label: &str) -> Credential {
    Credential {
        id,
        person: person.id,
        kind: CredentialKind::SecurityKey,
        label: label.to_owned(),
        serial: None,
        stage: CredentialState::Active,
        failures: 0,
        retry_at: None,
        last_used_at: None,
        activated_at: Some(cx.now),
        purchased_at: None,
        expires_at: None,
        created_at: cx.now,
    }
}
