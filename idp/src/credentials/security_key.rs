//! Security keys (WebAuthn Level 3): binding one to a person, and having it sign.
//!
//! Owns what is given to a key to sign, each thing for one person, one place and one answer. The cryptography and the
//! rules of the specification are `webauthn-rs`'s. Never earns a strength by itself: it returns the event that happened.

mod bind;

use std::time::Duration;

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialState, Evidence, FactorEvent, Method};
use stepgate_core::id::{ChallengeId, CredentialId};
use stepgate_store::credentials;
use stepgate_store::security_keys::{self as store, NewChallenge, StoredKey};
use url::Url;
use webauthn_rs::prelude::{
    AuthenticationResult, PublicKeyCredential, SecurityKey, SecurityKeyAuthentication, Webauthn, WebauthnBuilder,
    WebauthnError,
};

pub use bind::{Begun, Bound, MOST, Wish, begin, finish};

use super::attestation::{KeyOffer, UserVerification};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};

/// How long a key has to sign.
pub(super) const LIFE: Duration = Duration::from_secs(300);

/// The longest answer of a key that is looked at, in bytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// The relying party that keys know: the issuer's host. `None` where the issuer is an address without a name, for which
/// no key signs (WebAuthn §5.1.2).
pub(super) fn party(cx: &Cx) -> Option<Webauthn> {
    let origin = Url::parse(cx.app.issuer()).ok()?;
    let host = origin.domain()?.to_owned();
    // A key that was verified when it was added is held to that by the library, unless no verification is wanted.
    let touch = cx.app.settings.security_keys.user_verification == UserVerification::Discouraged;
    let builder = WebauthnBuilder::new(&host, &origin).ok()?.rp_name(&cx.app.settings.server.name).timeout(LIFE);
    builder.danger_set_user_presence_only_security_keys(touch).build().ok()
}

/// Whether keys can be used in this deployment.
pub fn available(cx: &Cx) -> bool {
    party(cx).is_some()
}

/// Whether a key takes a subscription that was bought for it.
pub fn is_sold(cx: &Cx) -> bool {
    cx.app.settings.security_keys.offer == KeyOffer::Sold
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

/// The key as the library knows it; of its two kinds of key, `SecurityKey` and `Passkey`, both are kept alike.
pub(super) fn parsed<K: serde::de::DeserializeOwned>(key: &StoredKey) -> Result<K, Fault> {
    serde_json::from_str(&key.data)
        .map_err(|error| Fault::Internal(format!("security key of credential {}: {error}", key.credential.id)))
}

/// Gives the person's keys something to sign, for one place (`binding`). `None` where there is no key to use.
pub async fn ask(cx: &Cx, person: &Person, binding: &str) -> Result<Option<ChallengeId>, Fault> {
    let Some(party) = party(cx) else { return Ok(None) };
    let keys = usable(cx, person).await?;
    if keys.is_empty() {
        return Ok(None);
    }
    let keys = keys.iter().map(parsed::<SecurityKey>).collect::<Result<Vec<_>, _>>()?;
    let (options, state) = party.start_securitykey_authentication(&keys).map_err(Fault::internal)?;
    let mut options = serde_json::to_value(options).map_err(Fault::internal)?;
    if let Some(public) = options.get_mut("publicKey").and_then(serde_json::Value::as_object_mut) {
        let policy = cx.app.settings.security_keys.user_verification.as_str();
        public.insert("userVerification".to_owned(), json!(policy));
    }
    keep(cx, person, binding, &Kept { options, state }).await.map(Some)
}

async fn usable(cx: &Cx, person: &Person) -> Result<Vec<StoredKey>, Fault> {
    let mut keys = store::list_keys(&cx.app.db, person.id).await?;
    keys.retain(|key| key.credential.state(cx.now) == CredentialState::Active);
    Ok(keys)
}

/// Why a signature does not count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not by a key of the person, or not over this challenge.
    NotSigned,
    /// It was only touched, and it has to verify its holder.
    Unverified,
    /// The key's counter did not go up: there are two of it.
    Copied,
}

impl Refusal {
    /// The name in the log.
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotSigned => "not_signed",
            Self::Unverified => "unverified",
            Self::Copied => "copied",
        }
    }

    /// The key of the words for the person.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NotSigned => "key-not-signed",
            Self::Unverified => "key-unverified",
            Self::Copied => "key-copied",
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
    let is_it = |known: SecurityKey| known.cred_id().as_slice() == response.raw_id.as_slice();
    keys.retain(|key| parsed(key).is_ok_and(is_it));
    let Some(stored) = keys.pop() else { return refused(cx, person, None, Refusal::NotSigned).await };
    let credential = stored.credential.id;
    let result = match party.finish_securitykey_authentication(&response, &kept.state) {
        Ok(result) if !result.user_verified() && must_verify(cx) => {
            return refused(cx, person, Some(credential), Refusal::Unverified).await;
        }
        Ok(result) => result,
        Err(WebauthnError::UserNotVerified) => {
            return refused(cx, person, Some(credential), Refusal::Unverified).await;
        }
        // The signature is right, but the counter is behind.
        Err(WebauthnError::CredentialPossibleCompromise) => return copied(cx, person, credential).await,
        Err(_) => return refused(cx, person, Some(credential), Refusal::NotSigned).await,
    };
    accept(cx, person, &stored, &result).await
}

fn must_verify(cx: &Cx) -> bool {
    cx.app.settings.security_keys.user_verification == UserVerification::Required
}

/// Keeps what a signature said, and earns the event. The last word on the counter is the store's.
pub(super) async fn accept(
    cx: &Cx,
    person: &Person,
    stored: &StoredKey,
    result: &AuthenticationResult,
) -> Result<Signed, Fault> {
    let credential = stored.credential.id;
    let mut key: SecurityKey = parsed(stored)?;
    key.update_credential(result);
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
    let synced = result.backup_eligible();
    // Vouched for when it was added, and nothing known against its model today.
    let hardware = stored.attested && cx.app.attestation.trouble(&key, cx.now).is_none();
    let evidence = Evidence { device_bound: hardware && !synced, synced };
    let proofed = person.is_proofed(cx.now);
    Ok(Signed::Accepted(FactorEvent { method, at: cx.now, credential, evidence, proofed }))
}

/// There are two of this key: it counts no more until somebody looked into it.
pub(super) async fn copied(cx: &Cx, person: &Person, credential: CredentialId) -> Result<Signed, Fault> {
    let transaction = cx.app.db.begin().await?;
    if credentials::update_stage(&transaction, credential, "active", "suspended", cx.now).await? {
        let text = "A security key of yours seems to have been copied: it was used with a count that it had passed \
                    before. It is suspended. Tell your administrator, who can say what happened.";
        let notice = Notice::new("A security key was suspended", text).about(credential);
        notices::tell(cx, &transaction, person.id, &notice).await?;
    }
    transaction.commit().await?;
    refused(cx, person, Some(credential), Refusal::Copied).await
}

pub(super) async fn refused(
    cx: &Cx,
    person: &Person,
    credential: Option<CredentialId>,
    why: Refusal,
) -> Result<Signed, Fault> {
    let event = Event::new("login.security_key.failed").by(person.id);
    let event = event.data(json!({ "credential": credential, "reason": why.as_str() }));
    audit::record(cx, &cx.app.db.write, event).await?;
    Ok(Signed::Refused(why))
}

/// What the browser's script sent.
pub(super) fn read<T: serde::de::DeserializeOwned>(response: &str) -> Option<T> {
    if response.len() > LONGEST { None } else { serde_json::from_str(response).ok() }
}
