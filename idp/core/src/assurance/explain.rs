//! The explanation of a refusal: what is accepted, what the person has, and why it does not do.

use serde::{Deserialize, Serialize};

use super::requirement::Requirement;
use super::{CredentialKind, CredentialState, Holdings};
use crate::id::CredentialId;

/// Why a credential that a person holds does or does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can be used now.
    Usable,
    /// The application does not accept this kind.
    RefusedByPartner,
    /// Bought, not activated.
    NotActivated,
    /// Suspended.
    Suspended,
    /// Locked after wrong tries.
    Locked,
    /// Its subscription has ended.
    Expired,
    /// The person is not identity-proofed.
    NotProofed,
}

/// One credential that the person holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HasLine {
    /// Which.
    pub credential: CredentialId,
    /// Of what kind.
    pub kind: CredentialKind,
    /// Why it does or does not help.
    pub verdict: Verdict,
}

/// An explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The names of what is accepted.
    pub accepts: Vec<String>,
    /// Whether identity proofing is needed.
    pub proofing: bool,
    /// What the person has beside the password.
    pub has: Vec<HasLine>,
}

/// Explains a requirement to a person.
pub fn explain(requirement: &Requirement, holdings: &Holdings) -> Explanation {
    let asked = requirement.asked.iter().flat_map(|asked| &asked.any_of);
    let mut needed = asked.chain(requirement.floors.iter().flat_map(|floor| &floor.any_of)).peekable();
    let proofing = needed.peek().is_some()
        && (!requirement.asked.is_empty()
            && requirement.asked.iter().all(|asked| asked.any_of.iter().all(|option| option.proofed))
            || requirement.floors.iter().any(|floor| floor.any_of.iter().all(|option| option.proofed)));
    let has = holdings
        .credentials
        .iter()
        .filter(|held| !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery))
        .filter(|held| held.state != CredentialState::Revoked)
        .map(|held| HasLine {
            credential: held.id,
            kind: held.kind,
            verdict: if requirement.allows(held.kind) {
                verdict(held.state, proofing && !holdings.proofed)
            } else {
                Verdict::RefusedByPartner
            },
        })
        .collect();
    let mut accepts: Vec<String> = Vec::new();
    for name in requirement.names() {
        if !accepts.iter().any(|known| known == name) {
            accepts.push(name.to_owned());
        }
    }
    Explanation { accepts, proofing, has }
}

const fn verdict(state: CredentialState, unproofed: bool) -> Verdict {
    match state {
        CredentialState::Active if unproofed => Verdict::NotProofed,
        CredentialState::Active => Verdict::Usable,
        CredentialState::Pending => Verdict::NotActivated,
        CredentialState::Suspended | CredentialState::Revoked => Verdict::Suspended,
        CredentialState::Locked => Verdict::Locked,
        CredentialState::Expired => Verdict::Expired,
    }
}
