//! The decision: what a session still lacks, and the shortest way to it.

use serde::{Deserialize, Serialize};

use super::acceptable::{acceptable, any_class};
use super::class::Combination;
use super::evaluate::{Place, Session, Shortfall};
use super::requirement::{Asked, Requirement};
use super::{Acr, Catalogue, CredentialKind, CredentialState, FactorEvent, Holdings, amr};
use crate::id::CredentialId;
use crate::time::Timestamp;

/// What holds, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The class; `None` when no class names what was shown.
    pub acr: Option<Acr>,
    /// The evidence.
    pub amr: Vec<String>,
    /// The latest factor event among those that the acr rests on.
    pub auth_time: Timestamp,
    /// Those events.
    pub events: Vec<FactorEvent>,
}

impl Granted {
    pub(super) fn resting_on(acr: Option<Acr>, mut events: Vec<FactorEvent>) -> Option<Self> {
        events.sort_by_key(|event| event.at);
        events.dedup();
        let auth_time = events.last()?.at;
        Some(Self { acr, amr: amr::of(events.iter()), auth_time, events })
    }
}

/// Why a factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nobody is logged in.
    NotLoggedIn,
    /// The request or the application demands it.
    Demanded,
    /// What was shown is too old.
    Stale,
}

/// What is wrong with a credential that would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairReason {
    /// Bought, not bound to a device yet.
    NotActivated,
    /// Suspended.
    Suspended,
    /// Too many wrong tries.
    Locked,
    /// The subscription has ended.
    Expired,
}

/// Why a requirement cannot be met at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnmetReason {
    /// What is asked and what the application accepts exclude each other, or nothing is accepted at this time.
    NothingAccepted,
}

/// Something to get: a kind of credential, with or without identity proofing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Product {
    /// The kind of credential.
    pub kind: CredentialKind,
    /// Whether the person must be proofed.
    pub proofed: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Satisfied(Granted),
    /// Ask for one of these factors, best first.
    Challenge {
        /// The choice: last used first.
        factors: Vec<CredentialKind>,
        /// Why.
        why: Why,
    },
    /// Ask for this factor again.
    Reauthenticate {
        /// Which.
        factor: CredentialKind,
        /// Why.
        why: Why,
    },
    /// Offer to mend a credential.
    Repair {
        /// Which.
        credential: CredentialId,
        /// Of what kind.
        kind: CredentialKind,
        /// What is wrong.
        reason: RepairReason,
    },
    /// Offer to get what is missing.
    Acquire {
        /// What would do.
        acceptable: Vec<Product>,
        /// Whether only identity proofing is missing.
        proofing: bool,
    },
    /// It cannot be met.
    Unmet {
        /// Why.
        reason: UnmetReason,
    },
}

/// Decides. Total: every combination of arguments has an answer.
pub fn decide(
    catalogue: &Catalogue,
    requirement: &Requirement,
    events: &[FactorEvent],
    holdings: &Holdings,
    now: Timestamp,
) -> Decision {
    let session = Session::new(requirement, events, holdings, now);
    let base = [any_class()];
    let asked = if requirement.asked.is_empty() { &base[..] } else { &requirement.asked[..] };
    let ways = asked.iter().filter_map(|asked| session.way(asked, &requirement.floors));
    // The least effort; among equals the first in the request's order.
    let Some(way) = ways.min_by_key(|way| way.effort) else {
        return Decision::Unmet { reason: UnmetReason::NothingAccepted };
    };
    if way.missing.is_empty() {
        return satisfied(catalogue, requirement, &session, way.asked, way.resting);
    }
    if !requirement.essential && !requirement.asked.is_empty() {
        // A wish that is not fulfilled: whatever login there is will do.
        let plain = Requirement { asked: Vec::new(), ..requirement.clone() };
        return decide(catalogue, &plain, events, holdings, now);
    }
    next_step(&session, &way.missing).unwrap_or_else(|| acquire(requirement, &way.missing, now))
}

fn satisfied(
    catalogue: &Catalogue,
    requirement: &Requirement,
    session: &Session<'_>,
    asked: &Asked,
    resting: Vec<FactorEvent>,
) -> Decision {
    let granted = if requirement.asked.is_empty() {
        let named = super::strength::named(catalogue, session);
        let (acr, events) = named.map_or((None, Vec::new()), |(acr, events)| (Some(acr), events));
        Granted::resting_on(acr, [resting, events].concat())
    } else {
        Granted::resting_on(Some(asked.acr.clone()), resting)
    };
    granted.map_or(Decision::Unmet { reason: UnmetReason::NothingAccepted }, Decision::Satisfied)
}

/// The next step with what the person holds; `None` where something has to be got first.
fn next_step(session: &Session<'_>, missing: &[Place<'_>]) -> Option<Decision> {
    let logged_in = session.anybody();
    let first = missing.iter().find(|place| place.shortfall() == Shortfall::Factor);
    if !logged_in {
        let factors = first.map(|place| place.offered.clone()).filter(|kinds| !kinds.is_empty());
        let factors = factors.unwrap_or_else(|| vec![CredentialKind::Password]);
        return Some(Decision::Challenge { factors, why: Why::NotLoggedIn });
    }
    // What cannot be had now is said before anything is asked for in vain.
    let lacking = |wanted| missing.iter().find(|place| place.shortfall() == wanted);
    if lacking(Shortfall::Credential).is_some() || lacking(Shortfall::Proofing).is_some() {
        return None;
    }
    if let Some((credential, kind, state)) = lacking(Shortfall::Repair).and_then(|place| place.repairable) {
        return Some(Decision::Repair { credential, kind, reason: repair_reason(state) });
    }
    let place = first?;
    Some(match (place.stale, place.offered.as_slice()) {
        (Some(kind), offered) if offered.contains(&kind) => Decision::Reauthenticate { factor: kind, why: Why::Stale },
        (_, offered) => Decision::Challenge { factors: offered.to_vec(), why: Why::Demanded },
    })
}

/// Everything that would do: of several ways that are equally far the person takes the one they like.
fn acquire(requirement: &Requirement, missing: &[Place<'_>], now: Timestamp) -> Decision {
    let lacks = |wanted| missing.iter().any(|place| place.shortfall() == wanted);
    if !lacks(Shortfall::Credential) {
        return Decision::Acquire { acceptable: Vec::new(), proofing: lacks(Shortfall::Proofing) };
    }
    let products = acceptable(requirement, now).into_iter().flat_map(|option| {
        let proofed = option.proofed;
        option.kinds.into_iter().map(move |kind| Product { kind, proofed })
    });
    let mut acceptable: Vec<Product> = products.collect();
    acceptable.sort_unstable();
    acceptable.dedup();
    Decision::Acquire { acceptable, proofing: false }
}

pub(super) const fn repair_reason(state: CredentialState) -> RepairReason {
    match state {
        CredentialState::Pending => RepairReason::NotActivated,
        CredentialState::Suspended => RepairReason::Suspended,
        CredentialState::Expired => RepairReason::Expired,
        CredentialState::Locked | CredentialState::Active | CredentialState::Revoked => RepairReason::Locked,
    }
}

/// A combination that is satisfied, for the naming of strengths and for the standing of an earlier grant.
pub(super) fn first_satisfied(session: &Session<'_>, any_of: &[Combination]) -> Option<Vec<FactorEvent>> {
    any_of.iter().find_map(|combination| session.satisfies(combination))
}
