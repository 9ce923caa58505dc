//! Mobile ID: enrolment of a phone, requests to it, its answers, offline codes.
//!
//! Owns: everything between a person's browser and a person's phone. Never: which step of a login comes next.

mod settings;
mod signing;
mod verifier;
mod push;
mod devices;
mod enrol;
mod ask;
mod answer;
mod offline;
mod calls;
mod api;
mod app;

use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialState, Evidence, FactorEvent, Method};
use stepgate_core::credentials::mobile_id as protocol;
use stepgate_core::credentials::suspension::ProofFor;
use stepgate_core::id::{ChallengeId, CredentialId};
use stepgate_store::credentials;
use stepgate_store::mobile::{self, ChallengeState};

pub use ask::{Asked, Asking, ask, purpose, why_code_only};
pub use devices::{Revoker, ask_again, revoke};
pub use enrol::{Confirmation, Started, confirm, picture, start, under_way};
pub use offline::check_offline;
pub use push::deliver_pushes;
pub use settings::MobileSettings;
pub use signing::public as server_keys;

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// The routes: the app, and what it calls.
pub fn routes() -> axum::Router<std::sync::Arc<crate::app::App>> {
    app::routes().merge(api::routes())
}

/// Purpose of a phone's sealed key for offline codes.
pub const SEAL: &str = "mobile totp";

/// The number that the browser shows for a request.
pub fn number(cx: &Cx, challenge: ChallengeId) -> String {
    protocol::number(cx.app.secrets.codes.expose(), challenge)
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
    /// The key of its words.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Denied => "phone-denied",
            Self::WrongNumber => "phone-wrong-number",
            Self::TooLate => "phone-late",
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
pub async fn redeem(
    cx: &Cx,
    person: &Person,
    challenge: ChallengeId,
    (binding, proof): (&str, ProofFor),
) -> Result<Redeemed, Fault> {
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
    let wanted = match proof {
        ProofFor::Use => CredentialState::Active,
        ProofFor::Resuming => CredentialState::Suspended,
    };
    let active = held.is_some_and(|held| held.state(cx.now) == wanted);
    if used.person != person.id
        || !active
        || !credentials::accept_proof(&cx.app.db.write, used.credential, proof, cx.now).await?
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
