//! Security keys (WebAuthn Level 3): binding one to a person, and having it sign.
//!
//! Owns what is given to a key to sign, each thing for one person, one place and one answer. The cryptography and the
//! rules of the specification are `webauthn-rs`'s. Never earns a strength by itself: it returns the event that happened.

use std::time::Duration;

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState, Evidence, FactorEvent, Method};
use stepgate_core::credentials::Credential;
use stepgate_core::id::{ChallengeId, CredentialId, SessionId};
use stepgate_store::credentials::{self, NewCredential};
use stepgate_store::security_keys::{self as store, NewChallenge, StoredKey};
use stepgate_store::{StoreError, security_keys};
use url::Url;
use webauthn_rs::prelude::{
    PublicKeyCredential, RegisterPublicKeyCredential, SecurityKey, SecurityKeyAuthentication, SecurityKeyRegistration,
    Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// How long a key has to sign.
const LIFE: Duration = Duration::from_secs(300);

/// Keys of one person at most.
const MOST: usize = 20;

/// The longest answer of a key that is looked at, in bytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// The relying party that keys know: the issuer's host. `None` where the issuer is an address without a name, for which
/// no key signs (WebAuthn §5.1.2).
pub(super) fn party(cx: &Cx) -> Option<Webauthn> {
    let origin = Url::parse(cx.app.issuer()).ok()?;
    let host = origin.domain()?.to_owned();
    WebauthnBuilder::new(&host, &origin).ok()?.rp_name(&cx.app.settings.server.name).timeout(LIFE).build().ok()
}

/// Whether keys can be used in this deployment.
pub fn available(cx: &Cx) -> bool {
    party(cx).is_some()
}

/// What a challenge keeps: what the browser is given, and what the answer is verified against.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept<S> {
    options: serde_json::Value,
    state: S,
}

async fn keep<S: serde::Serialize>(
    cx: &Cx,
    person: &Person,
    binding: &str,
    kept: &Kept<S>,
) -> Result<ChallengeId, Fault> {
    let id = ChallengeId::random(cx.entropy());
    let state = serde_json::to_string(kept).map_err(Fault::internal)?;
    let new = NewChallenge { id, person: person.id, binding, state: &state, expires_at: cx.now + LIFE };
    store::insert_challenge(&cx.app.db.write, &new).await?;
    Ok(id)
}

/// What the browser is given for a challenge that is under way, in JSON.
pub async fn options(cx: &Cx, challenge: ChallengeId, binding: &str) -> Result<Option<String>, Fault> {
    let Some(kept) = store::find_challenge(&cx.app.db, challenge, binding, cx.now).await? else { return Ok(None) };
    let kept: Kept<serde_json::Value> = serde_json::from_str(&kept).map_err(Fault::internal)?;
    Ok(Some(kept.options.to_string()))
}

fn parsed(key: &StoredKey) -> Result<SecurityKey, Fault> {
    serde_json::from_str(&key.data)
        .map_err(|error| Fault::Internal(format!("security key of credential {}: {error}", key.credential.id)))
}

/// Where a registration belongs to: the session that began it.
fn registration(session: SessionId) -> String {
    format!("register {session}")
}

/// Begins to bind a new key. `None` where keys cannot be used, or the person has as many as can be kept.
pub async fn begin(cx: &Cx, person: &Person, session: SessionId) -> Result<Option<(ChallengeId, String)>, Fault> {
    let Some(party) = party(cx) else { return Ok(None) };
    let keys = security_keys::list_keys(&cx.app.db, person.id).await?;
    if keys.len() >= MOST {
        return Ok(None);
    }
    let known = keys.iter().map(|key| Ok(parsed(key)?.cred_id().clone())).collect::<Result<Vec<_>, Fault>>()?;
    let (name, display) = (person.username.as_str(), person.display_name());
    let (options, state) = party
        .start_securitykey_registration(person.id.uuid(), name, display, Some(known), None, None)
        .map_err(Fault::internal)?;
    let mut options = serde_json::to_value(options).map_err(Fault::internal)?;
    // The library asks for `credProtect` at its highest level, which Chromium refuses unless verification is required
    // as well. Keys without a PIN are welcome here, as one factor beside the password.
    if let Some(public) = options.get_mut("publicKey").and_then(serde_json::Value::as_object_mut) {
        public.remove("extensions");
    }
    let text = options.to_string();
    let challenge = keep(cx, person, &registration(session), &Kept { options, state }).await?;
    Ok(Some((challenge, text)))
}

/// How binding a key ended.
pub enum Bound {
    /// It is the person's from now on.
    Added,
    /// What the browser sent is no answer of a key to this challenge.
    Refused,
    /// Somebody, perhaps the person, has this very key already.
    Taken,
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
    let Ok(key) = party.finish_securitykey_registration(&response, &kept.state) else { return Ok(Bound::Refused) };
    let id = CredentialId::random(cx.entropy());
    let new = NewCredential { credential: fresh(cx, person, id, label), sealed_secret: None, parameters: json!({}) };
    let data = serde_json::to_string(&key).map_err(Fault::internal)?;
    let transaction = cx.app.db.begin().await?;
    credentials::insert_credential(&transaction, &new).await?;
    match store::insert_key(&transaction, id, key.cred_id(), &data).await {
        Ok(()) => {}
        Err(StoreError::Conflict { .. }) => return Ok(Bound::Taken),
        Err(error) => return Err(error.into()),
    }
    let event = Event::new("security_key.added").by(person.id).session(session);
    audit::record(cx, &transaction, event.data(json!({ "credential": id }))).await?;
    transaction.commit().await?;
    Ok(Bound::Added)
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

/// Gives the person's keys something to sign, for one place (`binding`). `None` where there is no key to use.
pub async fn ask(cx: &Cx, person: &Person, binding: &str) -> Result<Option<ChallengeId>, Fault> {
    let Some(party) = party(cx) else { return Ok(None) };
    let keys = usable(cx, person).await?;
    if keys.is_empty() {
        return Ok(None);
    }
    let keys = keys.iter().map(parsed).collect::<Result<Vec<_>, _>>()?;
    let (options, state) = party.start_securitykey_authentication(&keys).map_err(Fault::internal)?;
    let options = serde_json::to_value(options).map_err(Fault::internal)?;
    keep(cx, person, binding, &Kept { options, state }).await.map(Some)
}

async fn usable(cx: &Cx, person: &Person) -> Result<Vec<StoredKey>, Fault> {
    let mut keys = security_keys::list_keys(&cx.app.db, person.id).await?;
    keys.retain(|key| key.credential.state(cx.now) == CredentialState::Active);
    Ok(keys)
}

/// Why a signature does not count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not by a key of the person, or not over this challenge.
    NotSigned,
    /// The key's counter did not go up: there are two of it.
    Copied,
}

impl Refusal {
    /// The name in the log.
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotSigned => "not_signed",
            Self::Copied => "copied",
        }
    }

    /// The words for the person.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotSigned => "The key did not answer, or it is not one of yours. Try again, or use another way.",
            Self::Copied => {
                "This key seems to have been copied, so it is suspended. Use another way, and ask your administrator."
            }
        }
    }
}

/// What became of an answer.
pub enum Signed {
    /// By a key of the person, over what it was given.
    Accepted(FactorEvent),
    /// It does not count.
    Refused(Refusal),
    /// Too late, or answered before.
    Over,
}

/// Checks what a key signed. The challenge is used up first: one answer, whatever it is worth.
pub async fn verify(
    cx: &Cx,
    person: &Person,
    challenge: ChallengeId,
    binding: &str,
    response: &str,
) -> Result<Signed, Fault> {
    let Some(party) = party(cx) else { return Ok(Signed::Over) };
    let Some(kept) = store::take_challenge(&cx.app.db, challenge, person.id, binding, cx.now).await? else {
        return Ok(Signed::Over);
    };
    let kept: Kept<SecurityKeyAuthentication> = serde_json::from_str(&kept).map_err(Fault::internal)?;
    let Some(response) = read::<PublicKeyCredential>(response) else {
        return refused(cx, person, None, Refusal::NotSigned).await;
    };
    let mut keys = usable(cx, person).await?;
    keys.retain(|key| parsed(key).is_ok_and(|known| known.cred_id().as_slice() == response.raw_id.as_slice()));
    let Some(stored) = keys.pop() else { return refused(cx, person, None, Refusal::NotSigned).await };
    let credential = stored.credential.id;
    let result = match party.finish_securitykey_authentication(&response, &kept.state) {
        Ok(result) => result,
        // The signature is right, but the counter is behind.
        Err(WebauthnError::CredentialPossibleCompromise) => return copied(cx, person, credential).await,
        Err(_) => return refused(cx, person, Some(credential), Refusal::NotSigned).await,
    };
    let mut key = parsed(&stored)?;
    key.update_credential(&result);
    let data = serde_json::to_string(&key).map_err(Fault::internal)?;
    let transaction = cx.app.db.begin().await?;
    if !store::accept_signature(&transaction, credential, &data, result.counter()).await? {
        drop(transaction);
        return copied(cx, person, credential).await;
    }
    if !credentials::accept_secret(&transaction, credential, cx.now).await? {
        return Ok(Signed::Over);
    }
    let event = Event::new("login.security_key.succeeded").by(person.id);
    let facts =
        json!({ "credential": credential, "verified": result.user_verified(), "synced": result.backup_eligible() });
    audit::record(cx, &transaction, event.data(facts)).await?;
    transaction.commit().await?;
    let method = if result.user_verified() { Method::SecurityKeyVerified } else { Method::SecurityKey };
    // Device-bound only where an attestation says so; none is asked for yet.
    let evidence = Evidence { device_bound: false, synced: result.backup_eligible() };
    let proofed = person.is_proofed(cx.now);
    Ok(Signed::Accepted(FactorEvent { method, at: cx.now, credential, evidence, proofed }))
}

/// There are two of this key: it counts no more until somebody looked into it.
async fn copied(cx: &Cx, person: &Person, credential: CredentialId) -> Result<Signed, Fault> {
    credentials::update_stage(&cx.app.db.write, credential, "active", "suspended", cx.now).await?;
    refused(cx, person, Some(credential), Refusal::Copied).await
}

async fn refused(cx: &Cx, person: &Person, credential: Option<CredentialId>, why: Refusal) -> Result<Signed, Fault> {
    let event = Event::new("login.security_key.failed").by(person.id);
    let event = event.data(json!({ "credential": credential, "reason": why.as_str() }));
    audit::record(cx, &cx.app.db.write, event).await?;
    Ok(Signed::Refused(why))
}

/// What the browser's script sent.
pub(super) fn read<T: serde::de::DeserializeOwned>(response: &str) -> Option<T> {
    if response.len() > LONGEST { None } else { serde_json::from_str(response).ok() }
}
