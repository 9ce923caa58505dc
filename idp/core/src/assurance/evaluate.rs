//! Weighs one session against combinations.

use super::class::{Combination, Selector};
use super::requirement::{Asked, Floor, Requirement};
use super::{CredentialKind, CredentialState, FactorEvent, Holdings};
use crate::id::CredentialId;
use crate::time::Timestamp;

/// A session as a requirement sees it: only events that count.
pub(super) struct Session<'a> {
    requirement: Option<&'a Requirement>,
    counting: Vec<&'a FactorEvent>,
    holdings: &'a Holdings,
    now: Timestamp,
}

/// What a missing place lacks, least effort first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shortfall {
    /// A factor that the person can show now.
    Factor,
    /// A credential that must be mended first.
    Repair,
    /// Identity proofing.
    Proofing,
    /// A credential that the person does not hold.
    Credential,
}

/// A place of a combination that no event fills.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub(super) combination: &'a Combination,
    pub(super) selectors: &'a [Selector],
    /// Kinds held and active that would fill it, last used first.
    pub(super) offered: Vec<CredentialKind>,
    /// A kind that was shown, but too long ago or before the proofing.
    pub(super) stale: Option<CredentialKind>,
    /// A credential that would do if it were mended.
    pub(super) repairable: Option<(CredentialId, CredentialKind, CredentialState)>,
    unproofed: bool,
}

impl Place<'_> {
    pub(super) fn shortfall(&self) -> Shortfall {
        if self.unproofed && (!self.offered.is_empty() || self.repairable.is_some()) {
            Shortfall::Proofing
        } else if !self.offered.is_empty() {
            Shortfall::Factor
        } else if self.repairable.is_some() {
            Shortfall::Repair
        } else {
            Shortfall::Credential
        }
    }

    /// How hard it is to fill, for comparing ways. A new factor is less effort than none, a repair more than any
    /// number of factors, and so on.
    fn effort(&self) -> u32 {
        match self.shortfall() {
            Shortfall::Factor if self.stale.is_some() => 2,
            Shortfall::Factor => 3,
            Shortfall::Repair => 100,
            Shortfall::Proofing => 1_000,
            Shortfall::Credential => 10_000,
        }
    }
}

/// One way to satisfy a requirement.
pub(super) struct Way<'a> {
    pub(super) asked: &'a Asked,
    pub(super) resting: Vec<FactorEvent>,
    pub(super) missing: Vec<Place<'a>>,
    pub(super) effort: u32,
}

impl<'a> Session<'a> {
    /// For a requirement. Events of credentials that are not active any more do not count: a lapsed subscription, a
    /// suspension, a revocation takes effect at the very next evaluation. A credential that was locked afterwards, by
    /// somebody's wrong guesses, does not undo what its owner has shown.
    pub(super) fn new(
        requirement: &'a Requirement,
        events: &'a [FactorEvent],
        holdings: &'a Holdings,
        now: Timestamp,
    ) -> Self {
        Self { requirement: Some(requirement), ..Self::plain(events, holdings, now) }
    }

    /// Without a requirement: what the session has shown that still counts.
    pub(super) fn plain(events: &'a [FactorEvent], holdings: &'a Holdings, now: Timestamp) -> Self {
        let counts = |event: &&FactorEvent| {
            holdings.credentials.iter().any(|held| {
                held.id == event.credential && matches!(held.state, CredentialState::Active | CredentialState::Locked)
            })
        };
        Self { requirement: None, counting: events.iter().filter(counts).collect(), holdings, now }
    }

    /// Whether anybody is logged in at all.
    pub(super) fn anybody(&self) -> bool {
        !self.counting.is_empty()
    }

    /// The events that count, oldest first.
    pub(super) fn counting(&self) -> impl DoubleEndedIterator<Item = &'a FactorEvent> + '_ {
        self.counting.iter().copied()
    }

    pub(super) const fn holdings(&self) -> &'a Holdings {
        self.holdings
    }

    fn is_fresh(&self, combination: &Combination, event: &FactorEvent) -> bool {
        let within = combination.max_age().is_none_or(|age| self.now.since(event.at) <= age);
        match self.requirement {
            Some(requirement) => {
                event.at >= requirement.started_at
                    || within && requirement.not_before.is_none_or(|limit| event.at >= limit)
            }
            None => within,
        }
    }

    /// The latest event that fills a place.
    fn fill(&self, combination: &Combination, place: &[Selector]) -> Option<&'a FactorEvent> {
        self.counting()
            .rev()
            .find(|event| combination.fills(place, event, self.holdings.proofed) && self.is_fresh(combination, event))
    }

    /// The events that satisfy a combination, if it is satisfied.
    pub(super) fn satisfies(&self, combination: &Combination) -> Option<Vec<FactorEvent>> {
        if !combination.in_force(self.now) {
            return None;
        }
        combination.all_of.iter().map(|place| self.fill(combination, place).cloned()).collect()
    }

    /// The cheapest way to an asked class and all floors at once; `None` when some of them has no combination left.
    pub(super) fn way(&self, asked: &'a Asked, floors: &'a [Floor]) -> Option<Way<'a>> {
        let mut way = Way { asked, resting: Vec::new(), missing: Vec::new(), effort: 0 };
        for any_of in std::iter::once(&asked.any_of).chain(floors.iter().map(|floor| &floor.any_of)) {
            let options = any_of.iter().filter(|option| !option.is_impossible() && option.in_force(self.now));
            let (effort, resting, missing) =
                options.map(|option| self.weigh(option, &way.missing)).min_by_key(|(effort, ..)| *effort)?;
            way.effort = way.effort.saturating_add(effort);
            way.resting.extend(resting);
            way.missing.extend(missing);
        }
        // The password first: it says who is asking.
        way.missing.sort_by_key(|place| !place.selectors.iter().any(|s| s.kind() == CredentialKind::Password));
        Some(way)
    }

    fn weigh(&self, option: &'a Combination, planned: &[Place<'a>]) -> (u32, Vec<FactorEvent>, Vec<Place<'a>>) {
        let (mut effort, mut resting, mut missing) = (0_u32, Vec::new(), Vec::new());
        for selectors in &option.all_of {
            if let Some(event) = self.fill(option, selectors) {
                resting.push(event.clone());
                continue;
            }
            let place = self.place(option, selectors);
            // What an earlier part of the requirement asks for already costs nothing more, if it is sure to do.
            let covered = planned.iter().any(|other| {
                other.selectors.iter().all(|s| selectors.contains(s)) && other.combination.proofed >= option.proofed
            });
            if !covered {
                effort = effort.saturating_add(place.effort());
            }
            missing.push(place);
        }
        (effort, resting, missing)
    }

    /// Whether a credential was shown for this very request. Where that did not fill a place that wants attested
    /// hardware, showing it again will not either.
    fn shown_now(&self, credential: CredentialId) -> bool {
        let started_at = self.requirement.map(|requirement| requirement.started_at);
        self.counting().any(|event| event.credential == credential && started_at.is_some_and(|at| event.at >= at))
    }

    fn place(&self, combination: &'a Combination, selectors: &'a [Selector]) -> Place<'a> {
        let fits = |kind: CredentialKind| selectors.iter().any(|selector| selector.kind() == kind);
        let mut held: Vec<_> = self.holdings.credentials.iter().filter(|held| fits(held.kind)).collect();
        held.sort_by_key(|held| std::cmp::Reverse(held.last_used));
        let mut offered: Vec<CredentialKind> = Vec::new();
        for credential in held.iter().filter(|held| held.state == CredentialState::Active) {
            let in_vain = combination.device_bound && self.shown_now(credential.id);
            if !in_vain && !offered.contains(&credential.kind) {
                offered.push(credential.kind);
            }
        }
        if offered.is_empty() && self.holdings.credentials.is_empty() && fits(CredentialKind::Password) {
            // Nobody is known yet: everybody has a password.
            offered.push(CredentialKind::Password);
        }
        let repairable =
            held.iter().find(|held| !matches!(held.state, CredentialState::Active | CredentialState::Revoked));
        let shown = self.counting().rev().find(|event| fits(event.method.credential_kind()));
        Place {
            combination,
            selectors,
            offered,
            stale: shown.map(|event| event.method.credential_kind()),
            repairable: repairable.map(|held| (held.id, held.kind, held.state)),
            unproofed: combination.proofed && !self.holdings.proofed,
        }
    }
}
