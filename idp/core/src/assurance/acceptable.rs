//! Everything that would do: not what is nearest to a person, but all that an application accepts.

use uuid::Uuid;

use super::evaluate::Session;
use super::requirement::{Asked, Requirement, any_login};
use super::{Acr, CredentialKind, CredentialState, Evidence, FactorEvent, HeldCredential, Holdings, Method};
use crate::id::CredentialId;
use crate::time::Timestamp;

/// Something that would do beside a password, with nothing in it that could be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptable {
    /// Credentials of all of these kinds; none where a password is enough.
    pub kinds: Vec<CredentialKind>,
    /// Whether the person must be identity-proofed.
    pub proofed: bool,
}

impl Acceptable {
    fn is_within(&self, other: &Self) -> bool {
        self.proofed <= other.proofed && self.kinds.iter().all(|kind| other.kinds.contains(kind))
    }
}

/// The kinds of credential that somebody can get, besides the password that everybody has.
const KINDS: [CredentialKind; 4] =
    [CredentialKind::PhoneOtp, CredentialKind::MobileId, CredentialKind::HardwareToken, CredentialKind::SecurityKey];

/// Everything that would meet a requirement, the least first: what is asked and every floor, weighed together as for a
/// session, so that what is listed here is never refused afterwards.
pub fn acceptable(requirement: &Requirement, now: Timestamp) -> Vec<Acceptable> {
    // What is only a wish refuses nobody.
    let floors = Requirement { asked: Vec::new(), ..requirement.clone() };
    let requirement = if requirement.essential { requirement } else { &floors };
    let of_bits = |bits: u8| (0..).zip(KINDS).filter(move |(place, _)| (bits >> place) & 1 == 1).map(|(_, kind)| kind);
    let mut sets: Vec<Vec<CredentialKind>> = (0..16).map(|bits| of_bits(bits).collect()).collect();
    sets.sort_by_key(Vec::len);
    let mut found: Vec<Acceptable> = Vec::new();
    for kinds in sets {
        for proofed in [false, true] {
            let option = Acceptable { kinds: kinds.clone(), proofed };
            let known = found.iter().any(|known| known.is_within(&option));
            if !known && would_do(requirement, &option, now) {
                found.push(option);
            }
        }
    }
    found
}

/// Whether somebody who has this, and has shown all of it in the best way there is, meets the requirement.
fn would_do(requirement: &Requirement, option: &Acceptable, now: Timestamp) -> bool {
    let at = now.max(requirement.started_at);
    let id = |kind: CredentialKind| CredentialId::from_uuid(Uuid::from_u128(kind as u128));
    let has = |kind: CredentialKind| kind == CredentialKind::Password || option.kinds.contains(&kind);
    let held = CredentialKind::ALL.iter().copied().filter(|kind| has(*kind));
    let held = held.map(|kind| HeldCredential { id: id(kind), kind, state: CredentialState::Active, last_used: None });
    let holdings = Holdings { credentials: held.collect(), proofed: option.proofed };
    let methods = Method::ALL.iter().copied().filter(|method| has(method.credential_kind()));
    let evidence = Evidence { device_bound: true, synced: false };
    let shown = methods.map(|method| {
        let credential = id(method.credential_kind());
        FactorEvent { method, at, credential, evidence, proofed: option.proofed }
    });
    let events: Vec<FactorEvent> = shown.collect();
    let session = Session::new(requirement, &events, &holdings, at);
    let base = [any_class()];
    let asked = if requirement.asked.is_empty() { &base[..] } else { &requirement.asked[..] };
    let mut ways = asked.iter().filter_map(|asked| session.way(asked, &requirement.floors));
    ways.any(|way| way.missing.is_empty())
}

/// What is asked where nothing is: somebody who logged in.
pub(super) fn any_class() -> Asked {
    // Never shown: with nothing asked the class is named by what the session has shown.
    let acr = Acr::from_static("urn:stepgate:acr:password");
    Asked { acr, name: String::new(), any_of: any_login() }
}
