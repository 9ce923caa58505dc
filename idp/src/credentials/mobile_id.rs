//! Mobile ID: enrolment of a phone, requests to it, its answers, offline codes.
//!
//! Owns: everything between a person's browser and a person's phone. Never: which step of a login comes next.

mod api;
mod app;
mod enrol;

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::assurance::{Evidence, FactorEvent, Method};
use stepgate_core::credentials::hardware_token::{self, Memory, OathParameters, Verdict, normalise_code};
use stepgate_core::credentials::mobile_id as protocol;
use stepgate_core::entropy::random_token;
use stepgate_core::id::{ChallengeId, CredentialId};
use stepgate_core::secret::sha256;
use stepgate_store::mobile::{self, ChallengeState, MobileChallenge};
use stepgate_store::{StoreError, credentials};

pub use enrol::{Confirmation, Started, confirm, picture, start, under_way};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::login::hardware::CodeOutcome;
use crate::login::parked::Parked;

/// The routes: the app, and what it calls.
pub fn routes() -> axum::Router<std::sync::Arc<crate::app::App>> {
    app::routes().merge(api::routes())
}

/// Purpose of a phone's sealed key for offline codes.
pub const SEAL: &str = "mobile totp";

/// Who asks a phone, and for which parked request.
pub struct Asking {
    /// The application's name, shown on the phone.
    pub application: String,
    /// The parked request.
    pub binding: String,
}

/// What became of the wish to ask a phone.
pub enum Asked {
    /// The phone is being asked.
    Pending(ChallengeId),
    /// It is being asked about something else.
    Busy,
    /// It was asked too often in vain.
    Capped,
    /// There is no phone.
    NoPhone,
}

/// The number that the browser shows for a request.
pub fn number(cx: &Cx, challenge: ChallengeId) -> String {
    protocol::number(cx.app.secrets.codes.expose(), challenge)
}

/// Asks a person's phones. One request at a time, and not more than a few in vain (otp-and-security T3).
pub async fn ask(cx: &Cx, person: &Person, credential: CredentialId, asking: Asking) -> Result<Asked, Fault> {
    if !mobile::list_devices(&cx.app.db, credential).await?.iter().any(|device| device.active) {
        return Ok(Asked::NoPhone);
    }
    let window = cx.now - protocol::BOMBING_WINDOW;
    if mobile::count_unanswered(&cx.app.db, person.id, window).await? >= protocol::MOST_UNANSWERED {
        audit::record(cx, &cx.app.db.write, Event::new("mobile_id.capped").by(person.id)).await?;
        return Ok(Asked::Capped);
    }
    let id = ChallengeId::random(cx.entropy());
    let place = cx.ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
    let challenge = MobileChallenge {
        id,
        credential,
        person: person.id,
        binding: asking.binding,
        number_hash: sha256(number(cx, id).as_bytes()).to_vec(),
        nonce: random_token(cx.entropy()),
        context: json!({ "application": asking.application, "place": place }),
        created_at: cx.now,
        expires_at: cx.now + protocol::REQUEST_LIFE,
        state: ChallengeState::Pending,
        verified: false,
        answered_at: None,
    };
    let transaction = cx.app.db.begin().await?;
    match mobile::insert_challenge(&transaction, &challenge).await {
        Ok(()) => {}
        Err(StoreError::Conflict { .. }) => return Ok(Asked::Busy),
        Err(error) => return Err(error.into()),
    }
    audit::record(cx, &transaction, Event::new("mobile_id.asked").by(person.id)).await?;
    transaction.commit().await?;
    Ok(Asked::Pending(id))
}

/// Why a request is over without an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The person said no.
    Denied,
    /// The wrong number was typed.
    WrongNumber,
    /// Nobody answered, or the approval was not used in time.
    TooLate,
}

impl Over {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Denied => "The request was denied on your phone. If that was not you, change your password.",
            Self::WrongNumber => "The number that was typed on the phone was not the one shown here. Start again.",
            Self::TooLate => "Your phone did not answer in time. Start again, or use another way.",
        }
    }
}

/// What became of a request.
pub enum Redeemed {
    /// Approved, and used up by this very call.
    Approved(FactorEvent),
    /// Approved, and used up before by this very login: a press came twice.
    Before,
    /// The phone has not answered yet.
    Pending,
    /// Over.
    Over(Over),
}

/// Uses an approval up: once, by the parked request that asked.
pub async fn redeem(cx: &Cx, person: &Person, challenge: ChallengeId, binding: &str) -> Result<Redeemed, Fault> {
    let within = protocol::REDEEM_WITHIN;
    let Some(used) = mobile::redeem_challenge(&cx.app.db, challenge, binding, cx.now, within).await? else {
        let found = mobile::find_challenge(&cx.app.db, challenge).await?;
        let here = found.as_ref().is_some_and(|found| found.binding == binding);
        return Ok(match found.map(|found| (found.state, found.expires_at > cx.now)) {
            Some((ChallengeState::Redeemed, _)) if here => Redeemed::Before,
            Some((ChallengeState::Pending, true)) => Redeemed::Pending,
            Some((ChallengeState::Denied | ChallengeState::NotMe, _)) => Redeemed::Over(Over::Denied),
            Some((ChallengeState::Failed, _)) => Redeemed::Over(Over::WrongNumber),
            _ => Redeemed::Over(Over::TooLate),
        });
    };
    // Locked, suspended, lapsed in the meantime: nothing is earned (the check at redemption that others forget).
    let held = credentials::find_credential(&cx.app.db, used.credential).await?;
    let active = held.is_some_and(|held| held.state(cx.now) == stepgate_core::assurance::CredentialState::Active);
    if used.person != person.id
        || !active
        || !credentials::accept_secret(&cx.app.db.write, used.credential, cx.now).await?
    {
        return Ok(Redeemed::Over(Over::TooLate));
    }
    audit::record(cx, &cx.app.db.write, Event::new("login.mobile_id.succeeded").by(person.id)).await?;
    let method = if used.verified { Method::MobileIdVerified } else { Method::MobileIdUnverified };
    Ok(Redeemed::Approved(event(cx, person, used.credential, method)))
}

fn event(cx: &Cx, person: &Person, credential: CredentialId, method: Method) -> FactorEvent {
    FactorEvent { method, at: cx.now, credential, evidence: Evidence::default(), proofed: person.is_proofed(cx.now) }
}

/// Checks an offline code against the person's phones.
pub async fn check_offline(
    cx: &Cx,
    person: &Person,
    credential: CredentialId,
    parked: &mut Parked,
    typed: &str,
) -> Result<CodeOutcome, Fault> {
    let Some(code) = normalise_code(typed) else { return Ok(CodeOutcome::Malformed) };
    let Some(reserved) = credentials::reserve_try(&cx.app.db, credential, cx.now).await? else {
        return Ok(CodeOutcome::Locked);
    };
    let mut outcome = CodeOutcome::Wrong;
    for device in mobile::list_devices(&cx.app.db, credential).await?.iter().filter(|device| device.active) {
        let key = cx.app.secrets.sealing.open(SEAL, &device.id.to_string(), device.sealed_totp.expose())?;
        let last = i64::try_from(device.last_step).unwrap_or(i64::MAX);
        let memory = Memory { last, drift: 0 };
        match hardware_token::verify(key.expose(), &OathParameters::COMMON_TOTP, memory, &code, cx.now) {
            Verdict::Wrong => {}
            Verdict::Replayed if parked.came_second(cx).await? => outcome = CodeOutcome::Overtaken,
            Verdict::Replayed => outcome = CodeOutcome::Replayed,
            Verdict::Accepted { .. } if !parked.claim(cx).await? => {
                outcome = CodeOutcome::Overtaken;
                break;
            }
            Verdict::Accepted { last, .. } => {
                let once = mobile::accept_step(&cx.app.db, device.id, last.unsigned_abs()).await?;
                let accepted = once && credentials::accept_secret(&cx.app.db.write, credential, cx.now).await?;
                outcome = if accepted {
                    CodeOutcome::Accepted(event(cx, person, credential, Method::MobileIdOffline))
                } else {
                    parked.disclaim(cx).await?;
                    CodeOutcome::Replayed
                };
                break;
            }
        }
    }
    if matches!(outcome, CodeOutcome::Overtaken) {
        credentials::return_try(&cx.app.db, credential, &reserved).await?;
        return Ok(outcome);
    }
    let kind = match outcome {
        CodeOutcome::Accepted(_) => "login.mobile_id_offline.succeeded",
        _ => "login.mobile_id_offline.failed",
    };
    audit::record(cx, &cx.app.db.write, Event::new(kind).by(person.id)).await?;
    Ok(outcome)
}
