//! Passkeys: a login by a key alone, which says whose it is and has verified its holder.
//!
//! Owns what is given to whoever may come, each thing for one place and one answer. Never names anybody: the browser
//! gets no list of keys, so the page is the same for every name that is typed (NIST SP 800-63B-4 §3.2.2, threat T13).

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialState, FactorEvent};
use stepgate_core::id::{ChallengeId, PersonId};
use stepgate_store::{people, security_keys as store};
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey, PublicKeyCredential, WebauthnError};

use super::security_key::{LIFE, Refusal, Signed, accept, copied, parsed, party, read, refused};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// Gives the browser something to sign, for one place (`binding`): what its script reads, in JSON. `None` where keys
/// cannot be used.
pub async fn begin(cx: &Cx, binding: &str) -> Result<Option<serde_json::Value>, Fault> {
    let Some(party) = party(cx) else { return Ok(None) };
    let (options, state) = party.start_discoverable_authentication().map_err(Fault::internal)?;
    let mut options = serde_json::to_value(options).map_err(Fault::internal)?;
    if let Some(public) = options.get_mut("publicKey").and_then(serde_json::Value::as_object_mut) {
        public.remove("extensions");
    }
    let id = ChallengeId::random(cx.entropy());
    let state = serde_json::to_string(&state).map_err(Fault::internal)?;
    store::insert_passkey_challenge(&cx.app.db.write, id, binding, &state, cx.now + LIFE).await?;
    Ok(Some(json!({ "challenge": id, "publicKey": options.get("publicKey") })))
}

/// What became of an answer.
pub enum Login {
    /// By a passkey of this person, who was verified by it.
    Accepted(PersonId, FactorEvent),
    /// It does not count.
    Refused(Refusal),
    /// Too late, or answered before.
    Over,
}

/// Checks what a passkey signed. `only`: the person whom the request is about, where it is about somebody.
pub async fn verify(
    cx: &Cx,
    challenge: ChallengeId,
    binding: &str,
    only: Option<PersonId>,
    response: &str,
) -> Result<Login, Fault> {
    let Some(party) = party(cx) else { return Ok(Login::Over) };
    let Some(state) = store::take_passkey_challenge(&cx.app.db, challenge, binding, cx.now).await? else {
        return Ok(Login::Over);
    };
    let state: DiscoverableAuthentication = serde_json::from_str(&state).map_err(Fault::internal)?;
    let Some(response) = read::<PublicKeyCredential>(response) else { return nobodys(cx).await };
    let Ok((person, key)) = party.identify_discoverable_authentication(&response) else { return nobodys(cx).await };
    let person = people::find_person(&cx.app.db, PersonId::from_uuid(person)).await?;
    let wanted = |person: &Person| person.suspended_at.is_none() && only.is_none_or(|only| only == person.id);
    let Some(person) = person.filter(wanted) else { return nobodys(cx).await };
    let stored = store::find_key(&cx.app.db, person.id, key).await?;
    let Some(stored) = stored.filter(|key| key.credential.state(cx.now) == CredentialState::Active) else {
        return Ok(of(&person, refused(cx, &person, None, Refusal::NotSigned).await?));
    };
    let (passkey, credential) = (parsed::<Passkey>(&stored)?, stored.credential.id);
    let signed = match party.finish_discoverable_authentication_v2(&response, state, &passkey) {
        Ok(result) if result.user_verified() => accept(cx, &person, &stored, &result).await?,
        Err(WebauthnError::CredentialPossibleCompromise) => copied(cx, &person, credential).await?,
        Ok(_) | Err(_) => refused(cx, &person, Some(credential), Refusal::NotSigned).await?,
    };
    Ok(of(&person, signed))
}

fn of(person: &Person, signed: Signed) -> Login {
    match signed {
        Signed::Accepted(event) => Login::Accepted(person.id, event),
        Signed::Refused(why) => Login::Refused(why),
        Signed::Over => Login::Over,
    }
}

/// An answer that names nobody who may log in here.
async fn nobodys(cx: &Cx) -> Result<Login, Fault> {
    let event = Event::new("login.security_key.failed").data(json!({ "reason": "nobodys" }));
    audit::record(cx, &cx.app.db.write, event).await?;
    Ok(Login::Refused(Refusal::NotSigned))
}
