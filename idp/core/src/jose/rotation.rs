//! When keys sign, when they are published, and when new ones are due.

use std::time::Duration;

use super::SigningAlgorithm;
use crate::time::Timestamp;

/// A key signs for so long before its successor takes over.
const SIGNS_FOR: Duration = Duration::from_secs(90 * 24 * 3600);
/// A key is published for so long before it signs, so that no relying party meets an unknown key.
const PUBLISHED_AHEAD: Duration = Duration::from_secs(24 * 3600);
/// A key stays published for so long after it signed last: longer than any token that it signed lives.
const PUBLISHED_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// The life of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTimes {
    /// The key.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// It signs from then on.
    pub signs_from: Timestamp,
    /// It signs until then; open while no successor is made.
    pub signs_until: Option<Timestamp>,
    /// It is published until then.
    pub published_until: Option<Timestamp>,
}

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStage {
    /// Published, does not sign yet.
    Next,
    /// Signs.
    Current,
    /// Does not sign any more, still verifies.
    Previous,
    /// Not published any more.
    Gone,
}

/// The stage of a key at `now`.
pub fn stage(key: &KeyTimes, now: Timestamp) -> KeyStage {
    if key.published_until.is_some_and(|end| end <= now) {
        KeyStage::Gone
    } else if now < key.signs_from {
        KeyStage::Next
    } else if key.signs_until.is_none_or(|end| now < end) {
        KeyStage::Current
    } else {
        KeyStage::Previous
    }
}

/// A key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// For which algorithm.
    pub algorithm: SigningAlgorithm,
    /// It shall sign from then on.
    pub signs_from: Timestamp,
}

/// What to do about the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Keys to make.
    pub create: Vec<NewKey>,
    /// Keys whose end is now known.
    pub update: Vec<KeyTimes>,
}

/// Plans by age: an algorithm without a key gets one at once; one whose key has signed for 90 days gets a successor
/// that is published a day ahead.
pub fn plan_rotation(keys: &[KeyTimes], wanted: &[SigningAlgorithm], now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for algorithm in wanted.iter().copied() {
        let youngest = keys.iter().filter(|key| key.algorithm == algorithm).max_by_key(|key| key.signs_from);
        match youngest {
            None => plan.create.push(NewKey { algorithm, signs_from: now }),
            Some(key) if now >= key.signs_from && now.since(key.signs_from) >= SIGNS_FOR => {
                plan.succeed(key, now + PUBLISHED_AHEAD);
            }
            Some(_) => {}
        }
    }
    plan
}

impl Plan {
    /// Rotation by command: every algorithm gets a successor now.
    pub fn at_once(keys: &[KeyTimes], wanted: &[SigningAlgorithm], now: Timestamp) -> Self {
        let mut plan = Self::default();
        for algorithm in wanted.iter().copied() {
            let live = keys.iter().filter(|key| key.algorithm == algorithm && stage(key, now) != KeyStage::Gone);
            match live.max_by_key(|key| key.signs_from) {
                Some(key) => plan.succeed(key, now),
                None => plan.create.push(NewKey { algorithm, signs_from: now }),
            }
        }
        plan
    }

    fn succeed(&mut self, key: &KeyTimes, at: Timestamp) {
        self.create.push(NewKey { algorithm: key.algorithm, signs_from: at });
        let times = KeyTimes { signs_until: Some(at), published_until: Some(at + PUBLISHED_AFTER), ..key.clone() };
        self.update.push(times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_next_then_current_then_previous() {
        let day = Duration::from_secs(24 * 3600);
        let start = Timestamp::from_unix_seconds(1_000_000);
        let wanted = &[SigningAlgorithm::Es256];
        assert_eq!(plan_rotation(&[], wanted, start).create.len(), 1);
        let first = KeyTimes {
            kid: "first".to_owned(),
            algorithm: SigningAlgorithm::Es256,
            signs_from: start,
            signs_until: None,
            published_until: None,
        };
        assert_eq!(plan_rotation(std::slice::from_ref(&first), wanted, start + day * 89), Plan::default());
        let due = start + day * 90;
        let plan = plan_rotation(&[first], wanted, due);
        let (new, first) = (plan.create[0], plan.update[0].clone());
        let second = KeyTimes {
            kid: "second".to_owned(),
            signs_from: new.signs_from,
            signs_until: None,
            published_until: None,
            ..first.clone()
        };
        let stages = |at| (stage(&first, at), stage(&second, at));
        assert_eq!(stages(due), (KeyStage::Current, KeyStage::Next));
        assert_eq!(stages(due + day), (KeyStage::Previous, KeyStage::Current));
        assert_eq!(stages(due + day * 8), (KeyStage::Gone, KeyStage::Current));
        assert_eq!(plan_rotation(&[first, second], wanted, due + day), Plan::default());
    }
}
