//! The supervised reset: how somebody who lost everything gets to bind a new authenticator, with the help of two people
//! who can do nothing but let them.
//!
//! ```text
//! ask ──> Asked ── approve (somebody else) ──> Waiting ── cool-down over: issue ──> Coded ── redeem ──> Bound
//!           │                                    │                                   │  ^
//!           ├── refuse ──> Refused               │                                   └──┘ issue anew
//!           └── undo ──────── undo ──────────────┴──────────────── undo ─────────────┘ ──> Undone
//! ```
//! None of it sets a password or a credential: *Bound* means that the person, logged in with the password, may bind one.
//! Each transition takes the case and gives another; the store writes it under a condition on the version it was read at.

use std::time::Duration;

use crate::id::{PersonId, ResetId};
use crate::time::Timestamp;

/// How long a case may take from the question to the code; then it lapses.
pub const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a binding code can be typed (NIST SP 800-63B-4 §4.1.2: ten minutes at most).
pub const CODE_LIFE: Duration = Duration::from_secs(600);

/// Tries that one code takes.
pub const CODE_TRIES: u32 = 5;

/// How long the redeemed code lets the person bind something.
pub const BIND_WITHIN: Duration = Duration::from_secs(900);

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Its id.
    pub id: ResetId,
    /// Who lost everything.
    pub person: PersonId,
    /// Who asks for them.
    pub asked_by: PersonId,
    /// When.
    pub asked_at: Timestamp,
    /// How far it is.
    pub stage: ResetStage,
}

/// How far a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetStage {
    /// Somebody else has to look at it.
    Asked,
    /// Approved; the person was told and can undo it.
    Waiting {
        /// Who approved.
        by: PersonId,
        /// When the cool-down is over.
        ready_at: Timestamp,
    },
    /// A binding code was given out.
    Coded {
        /// Who approved.
        by: PersonId,
        /// When the cool-down was over.
        ready_at: Timestamp,
        /// End of life of the code.
        until: Timestamp,
    },
    /// The person used the code.
    Bound,
    /// The second person said no.
    Refused {
        /// Who.
        by: PersonId,
    },
    /// The person said that it was not them.
    Undone,
}

impl ResetStage {
    /// The name that the store keeps.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Waiting { .. } => "waiting",
            Self::Coded { .. } => "coded",
            Self::Bound => "bound",
            Self::Refused { .. } => "refused",
            Self::Undone => "undone",
        }
    }

    /// Whether nothing can happen any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Bound | Self::Refused { .. } | Self::Undone)
    }
}

/// Why something cannot be done with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetError {
    /// The case is at another stage.
    #[error("The case is not at a stage where this can be done. Look at it again.")]
    WrongStage,
    /// Nobody helps themselves here.
    #[error("This is about your own account: somebody else has to do it.")]
    Own,
    /// Two people, or none.
    #[error("You asked for it: somebody else has to approve it.")]
    SamePerson,
    /// The cool-down is not over.
    #[error("The waiting time is not over yet. The person was told and may still stop it.")]
    TooEarly,
    /// It took too long.
    #[error("The case has lapsed. Ask again.")]
    Lapsed,
}

impl Reset {
    /// Somebody asks for a reset of another person's authenticators.
    ///
    /// # Errors
    /// [`ResetError::Own`].
    pub fn ask(id: ResetId, person: PersonId, by: PersonId, now: Timestamp) -> Result<Self, ResetError> {
        if by == person {
            return Err(ResetError::Own);
        }
        Ok(Self { id, person, asked_by: by, asked_at: now, stage: ResetStage::Asked })
    }

    /// When it lapses.
    pub fn expires_at(&self) -> Timestamp {
        self.asked_at + LIFE
    }

    /// Somebody else approves it; the cool-down begins.
    ///
    /// # Errors
    /// Why not.
    pub fn approve(self, by: PersonId, cool_down: Duration, now: Timestamp) -> Result<Self, ResetError> {
        let it = self.judged_by(by, now)?;
        Ok(Self { stage: ResetStage::Waiting { by, ready_at: now + cool_down }, ..it })
    }

    /// Somebody else refuses it.
    ///
    /// # Errors
    /// Why not.
    pub fn refuse(self, by: PersonId, now: Timestamp) -> Result<Self, ResetError> {
        let it = self.judged_by(by, now)?;
        Ok(Self { stage: ResetStage::Refused { by }, ..it })
    }

    /// A binding code is given out, for the first time or because the one before was too late.
    ///
    /// # Errors
    /// Why not.
    pub fn issue(self, by: PersonId, now: Timestamp) -> Result<Self, ResetError> {
        let it = self.alive(now)?;
        if by == it.person {
            return Err(ResetError::Own);
        }
        match it.stage {
            ResetStage::Waiting { ready_at, .. } | ResetStage::Coded { ready_at, .. } if now < ready_at => {
                Err(ResetError::TooEarly)
            }
            ResetStage::Waiting { by, ready_at } | ResetStage::Coded { by, ready_at, .. } => {
                Ok(Self { stage: ResetStage::Coded { by, ready_at, until: now + CODE_LIFE }, ..it })
            }
            _ => Err(ResetError::WrongStage),
        }
    }

    /// The person typed the right code.
    ///
    /// # Errors
    /// Why not.
    pub fn redeem(self, by: PersonId, now: Timestamp) -> Result<Self, ResetError> {
        let it = self.alive(now)?;
        match it.stage {
            ResetStage::Coded { until, .. } if by == it.person && now < until => {
                Ok(Self { stage: ResetStage::Bound, ..it })
            }
            _ => Err(ResetError::WrongStage),
        }
    }

    /// The person says that it was not them. Whoever holds the link may, logged in or not.
    ///
    /// # Errors
    /// [`ResetError::WrongStage`] once it is over.
    pub fn undo(self) -> Result<Self, ResetError> {
        if self.stage.is_over() { Err(ResetError::WrongStage) } else { Ok(Self { stage: ResetStage::Undone, ..self }) }
    }

    fn judged_by(self, by: PersonId, now: Timestamp) -> Result<Self, ResetError> {
        let it = self.alive(now)?;
        if it.stage != ResetStage::Asked {
            Err(ResetError::WrongStage)
        } else if by == it.person {
            Err(ResetError::Own)
        } else if by == it.asked_by {
            Err(ResetError::SamePerson)
        } else {
            Ok(it)
        }
    }

    fn alive(self, now: Timestamp) -> Result<Self, ResetError> {
        if self.stage.is_over() {
            Err(ResetError::WrongStage)
        } else if now >= self.expires_at() {
            Err(ResetError::Lapsed)
        } else {
            Ok(self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const COOL_DOWN: Duration = Duration::from_secs(24 * 3600);

    const fn person(number: u128) -> PersonId {
        PersonId::from_uuid(Uuid::from_u128(number))
    }

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Approve,
        Refuse,
        Issue,
        Redeem,
        Undo,
    }

    fn act(case: Reset, act: Act, by: PersonId, now: Timestamp) -> Result<Reset, ResetError> {
        match act {
            Act::Approve => case.approve(by, COOL_DOWN, now),
            Act::Refuse => case.refuse(by, now),
            Act::Issue => case.issue(by, now),
            Act::Redeem => case.redeem(by, now),
            Act::Undo => case.undo(),
        }
    }

    fn acts() -> impl Strategy<Value = Vec<(Act, u128, u64)>> {
        let one = prop_oneof![
            3 => Just(Act::Approve), 1 => Just(Act::Refuse), 4 => Just(Act::Issue), 4 => Just(Act::Redeem),
            1 => Just(Act::Undo)
        ];
        let pause = prop_oneof![Just(1_u64), Just(500), Just(700), Just(24 * 3600), Just(3 * 24 * 3600)];
        proptest::collection::vec((one, 0_u128..4, pause), 0..14)
    }

    #[test]
    fn the_straight_way() {
        let (subject, first, second) = (person(0), person(1), person(2));
        let start = Timestamp::from_unix_seconds(1_000_000);
        let id = ResetId::from_uuid(Uuid::from_u128(9));
        assert_eq!(Reset::ask(id, subject, subject, start), Err(ResetError::Own));
        let asked = Reset::ask(id, subject, first, start).unwrap();
        assert_eq!(asked.clone().approve(first, COOL_DOWN, start), Err(ResetError::SamePerson));
        assert_eq!(asked.clone().approve(subject, COOL_DOWN, start), Err(ResetError::Own));
        assert_eq!(asked.clone().issue(first, start), Err(ResetError::WrongStage));
        let waiting = asked.clone().approve(second, COOL_DOWN, start).unwrap();
        assert_eq!(waiting.clone().issue(first, start + COOL_DOWN - Duration::from_secs(1)), Err(ResetError::TooEarly));
        let coded = waiting.issue(first, start + COOL_DOWN).unwrap();
        assert_eq!(coded.clone().redeem(first, start + COOL_DOWN), Err(ResetError::WrongStage));
        assert_eq!(coded.clone().redeem(subject, start + COOL_DOWN + CODE_LIFE), Err(ResetError::WrongStage));
        assert_eq!(coded.clone().redeem(subject, start + COOL_DOWN).unwrap().stage, ResetStage::Bound);
        assert_eq!(coded.undo().unwrap().undo(), Err(ResetError::WrongStage));
        assert_eq!(asked.approve(second, COOL_DOWN, start + LIFE), Err(ResetError::Lapsed));
    }

    proptest! {
        /// T10: whatever is tried in whatever order, nobody reaches *Bound* without two others, the cool-down and a code
        /// that is at most ten minutes old; and nothing happens after the end.
        #[test]
        fn t10_no_walk_skips_a_step(walk in acts()) {
            let (subject, asker) = (person(0), person(1));
            let mut now = Timestamp::from_unix_seconds(1_000_000);
            let mut case = Reset::ask(ResetId::from_uuid(Uuid::from_u128(9)), subject, asker, now).unwrap();
            let (mut approved, mut issued): (Option<(PersonId, Timestamp)>, Option<Timestamp>) = (None, None);
            for (what, by, pause) in walk {
                now = now + Duration::from_secs(pause);
                let by = person(by);
                let Ok(next) = act(case.clone(), what, by, now) else { continue };
                prop_assert!(!case.stage.is_over(), "{:?} after the end", what);
                match next.stage {
                    ResetStage::Waiting { .. } => approved = Some((by, now)),
                    ResetStage::Coded { .. } => issued = Some(now),
                    ResetStage::Bound => {
                        let (approver, approved_at) = approved.expect("approved");
                        prop_assert!(approver != subject && approver != asker);
                        let issued_at = issued.expect("a code");
                        prop_assert!(issued_at.since(approved_at) >= COOL_DOWN);
                        prop_assert!(now.since(issued_at) < CODE_LIFE);
                        prop_assert_eq!(by, subject);
                    }
                    ResetStage::Asked | ResetStage::Refused { .. } | ResetStage::Undone => {}
                }
                case = next;
            }
        }
    }
}
