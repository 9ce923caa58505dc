//! The Credential Strength: a name for what this session has shown so far, never for what the account merely owns.

use std::fmt;

use super::decide::{Granted, first_satisfied};
use super::evaluate::Session;
use super::requirement::any_login;
use super::{Acr, Catalogue, CredentialKind, CredentialState, FactorEvent, Holdings};
use crate::time::Timestamp;

/// The strength of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    /// The kind that names it; `None` when nothing that counts was shown.
    pub kind: Option<CredentialKind>,
    /// Whether the person is proofed.
    pub proofed: bool,
    /// When that kind was last shown.
    pub since: Option<Timestamp>,
    /// All kinds shown.
    pub shown: Vec<CredentialKind>,
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.map_or("None", label))?;
        if self.proofed { f.write_str(", proofed") } else { Ok(()) }
    }
}

/// The name of a kind, as people read it.
pub const fn label(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Password => "Password",
        CredentialKind::PhoneOtp => "Phone OTP",
        CredentialKind::MobileId => "Mobile ID",
        CredentialKind::HardwareToken => "OTP Hardware Token",
        CredentialKind::SecurityKey => "Security Key",
        CredentialKind::Recovery => "Recovery code",
    }
}

/// The strength of a session: the kind shown last beside the password.
pub fn strength(events: &[FactorEvent], holdings: &Holdings, now: Timestamp) -> Strength {
    let session = Session::plain(events, holdings, now);
    naming_event(&session).map_or(Strength { kind: None, proofed: false, since: None, shown: Vec::new() }, |event| {
        let mut shown: Vec<_> = session.counting().map(|event| event.method.credential_kind()).collect();
        shown.sort_unstable();
        shown.dedup();
        Strength {
            kind: Some(event.method.credential_kind()),
            proofed: holdings.proofed && event.proofed,
            since: Some(event.at),
            shown,
        }
    })
}

/// The latest event beside the password; the password's where there is no other.
fn naming_event<'a>(session: &Session<'a>) -> Option<&'a FactorEvent> {
    let beside = session.counting().rev().find(|event| event.method.credential_kind() != CredentialKind::Password);
    beside.or_else(|| session.counting().next_back())
}

/// The class that names what a session has shown, and the events that it rests on: that of the kind shown last beside
/// the password, as far as its class holds (a phone code beside a key alone is no *Phone OTP*: the password is missing),
/// else that of the kind before it.
pub(super) fn named(catalogue: &Catalogue, session: &Session<'_>) -> Option<(Acr, Vec<FactorEvent>)> {
    let by_kind = |kind| {
        catalogue
            .naming(kind)
            .find_map(|class| Some((class.uris.first()?.clone(), first_satisfied(session, &class.any_of)?)))
    };
    let kinds = session.counting().rev().map(|event| event.method.credential_kind());
    let mut beside = kinds.filter(|kind| *kind != CredentialKind::Password);
    beside.find_map(by_kind).or_else(|| by_kind(CredentialKind::Password))
}

/// Whether the class that was granted earlier still holds, and what it rests on now. Without a class: whether anything
/// that was shown still counts.
pub fn standing(
    catalogue: &Catalogue,
    acr: Option<&str>,
    events: &[FactorEvent],
    holdings: &Holdings,
    now: Timestamp,
) -> Option<Granted> {
    let session = Session::plain(events, holdings, now);
    match acr {
        Some(acr) => {
            let (acr, class) = catalogue.class(acr)?;
            Granted::resting_on(Some(acr.clone()), first_satisfied(&session, &class.any_of)?)
        }
        None => Granted::resting_on(None, session.counting().cloned().collect()),
    }
}

/// Whether the session is a login: something in it, that still counts, says who the person is. A session that was begun
/// to show one more factor, before a new password is chosen, is none.
pub fn is_login(events: &[FactorEvent], holdings: &Holdings, now: Timestamp) -> bool {
    let session = Session::plain(events, holdings, now);
    any_login().iter().any(|combination| session.satisfies(combination).is_some())
}

/// Whether the session rests on a recovery code: then it reaches the pages of credentials and nothing else, until
/// something better was shown.
pub fn is_recovering(events: &[FactorEvent], holdings: &Holdings, now: Timestamp) -> bool {
    strength(events, holdings, now).kind == Some(CredentialKind::Recovery)
}

/// What could raise a session further: kinds held and active that it has not shown, last used first. The optional step
/// after the password.
pub fn offers(events: &[FactorEvent], holdings: &Holdings, now: Timestamp) -> Vec<CredentialKind> {
    let session = Session::plain(events, holdings, now);
    let shown = |kind| session.counting().any(|event| event.method.credential_kind() == kind);
    let mut held: Vec<_> =
        session.holdings().credentials.iter().filter(|held| held.state == CredentialState::Active).collect();
    held.sort_by_key(|held| std::cmp::Reverse(held.last_used));
    let mut kinds = Vec::new();
    for kind in held.iter().map(|held| held.kind) {
        let raises = !matches!(kind, CredentialKind::Password | CredentialKind::Recovery);
        if raises && !shown(kind) && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}
