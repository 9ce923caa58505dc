//! A person puts the token into use that was sent to them: its serial number, the registration code that came another
//! way, and two codes that follow one another.

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{Evidence, FactorEvent, Method};
use stepgate_core::credentials::hardware_token::inventory::{HardwareToken, TokenAct, TokenStage};
use stepgate_core::credentials::hardware_token::{self, Memory, normalise_code};
use stepgate_core::secret::{SecretBytes, constant_time_eq};
use stepgate_store::credentials;
use stepgate_store::tokens::{self, Bound, Change, Step};

use super::{SEAL, registration_hash};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::hardware;
use crate::notices::{self, Notice};
use crate::subscriptions;

/// What a person typed.
pub struct Typed<'a> {
    /// The number on the token's back.
    pub serial: &'a str,
    /// The registration code.
    pub registration: &'a str,
    /// A code from the display.
    pub first: &'a str,
    /// The one after it.
    pub second: &'a str,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The token is in use, and its codes have shown it.
    Done(FactorEvent),
    /// The codes are no codes: not counted as a try.
    Malformed,
    /// No such token waits for this person, or the registration code is wrong, or it was tried too often. Which of
    /// these is not told.
    NothingWaits,
    /// The two codes do not follow one another.
    WrongCodes,
    /// They do, but far away from where a new token is.
    FarAway,
    /// It was bought with identity proofing, and its holder is not proofed yet: not counted as a try.
    NotProofed,
    /// Another press, or another person, was faster.
    Overtaken,
}

/// Activates a token. The try is counted before anything is compared; one conditional write puts the token into use, over
/// all nodes once.
///
/// # Errors
/// The store, or a damaged row.
pub async fn activate(cx: &Cx, person: &Person, typed: &Typed<'_>) -> Result<Activation, Fault> {
    let (Some(first), Some(second)) = (normalise_code(typed.first), normalise_code(typed.second)) else {
        return Ok(Activation::Malformed);
    };
    let typed_serial = typed.serial.trim();
    // Printed in capital letters, typed in any.
    let held = credentials::list_credentials(&cx.app.db, person.id).await?;
    let waits = held.iter().find(|held| held.serial.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(typed_serial)));
    let serial = waits.and_then(|held| held.serial.as_deref()).unwrap_or(typed_serial);
    if let Some(waits) = waits
        && !subscriptions::may_bind(cx, person, waits).await?
    {
        return Ok(Activation::NotProofed);
    }
    let Some(reserved) = tokens::reserve_activation(&cx.app.db, serial, person.id, cx.now).await? else {
        return refused(cx, person, serial, Activation::NothingWaits).await;
    };
    let hash = registration_hash(cx, reserved.token, typed.registration);
    if !constant_time_eq(&hash, &reserved.registration_hash) {
        return refused(cx, person, serial, Activation::NothingWaits).await;
    }
    let Some(token) = tokens::find_token(&cx.app.db, reserved.token).await? else {
        return Ok(Activation::NothingWaits);
    };
    let seed = cx.app.secrets.sealing.open(SEAL, &token.id.to_string(), &reserved.sealed_seed)?;
    let memory = Memory { last: reserved.counter.saturating_sub(1), drift: reserved.drift };
    let codes = (first.as_str(), second.as_str());
    let Some(found) = hardware_token::resync(seed.expose(), &token.parameters, memory, codes, cx.now) else {
        let far = hardware_token::is_far_away(seed.expose(), &token.parameters, memory, codes, cx.now);
        let outcome = if far { Activation::FarAway } else { Activation::WrongCodes };
        return refused(cx, person, serial, outcome).await;
    };
    bind(cx, person, &token, &seed, found).await
}

async fn bind(
    cx: &Cx,
    person: &Person,
    token: &HardwareToken,
    seed: &SecretBytes,
    found: Memory,
) -> Result<Activation, Fault> {
    let Some(credential) = token.credential else { return Ok(Activation::Overtaken) };
    let sealed = cx.app.secrets.sealing.seal(cx.entropy(), hardware::SEAL, &credential.to_string(), seed.expose())?;
    let transaction = cx.app.db.begin().await?;
    let (act, to) = (TokenAct::Activate, TokenStage::Active);
    let step = Step { token, act, to, actor: Some(person.id), note: "activated by its holder", now: cx.now };
    let bound = Bound {
        credential,
        sealed_seed: &sealed,
        parameters: serde_json::to_value(token.parameters).map_err(Fault::internal)?,
        memory: (found.last, found.drift),
        expires_at: token.life_ends_at,
    };
    let waits = token.allows(act, cx.now) && token.person == Some(person.id);
    if let Some(waiting) = credentials::find_credential(&cx.app.db, credential).await? {
        subscriptions::begin_term(cx, &transaction, &waiting).await?;
    }
    if !waits
        || !tokens::take_step(&transaction, &step, &Change::InUse(found.drift)).await?
        || !tokens::bind_credential(&transaction, &bound, cx.now).await?
    {
        return Ok(Activation::Overtaken);
    }
    let event = Event::new("token.activated").by(person.id);
    audit::record(cx, &transaction, event.data(json!({ "serial": token.serial, "credential": credential }))).await?;
    let text = format!(
        "The OTP hardware token {} was activated for your account. If that was not you, tell your administrator at once.",
        token.serial
    );
    let notice = Notice::new("A hardware token was activated", text).about(credential);
    notices::tell(cx, &transaction, person.id, &notice).await?;
    transaction.commit().await?;
    Ok(Activation::Done(FactorEvent {
        method: Method::HardwareToken,
        at: cx.now,
        credential,
        evidence: Evidence::default(),
        proofed: person.is_proofed(cx.now),
    }))
}

async fn refused(cx: &Cx, person: &Person, serial: &str, outcome: Activation) -> Result<Activation, Fault> {
    let serial: String = serial.chars().take(64).collect();
    let data = json!({ "serial": serial, "outcome": format!("{outcome:?}") });
    audit::record(cx, &cx.app.db.write, Event::new("token.activation.failed").by(person.id).data(data)).await?;
    Ok(outcome)
}
