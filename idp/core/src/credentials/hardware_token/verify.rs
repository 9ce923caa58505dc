//! Whether a code is accepted, and how a token that ran away is found again.
//!
//! Each check computes and compares every candidate of its window, also after a match: the time it takes tells nothing.

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::{Mode, OathParameters, code_at};
use crate::time::Timestamp;

/// Presses of the button that may have gone nowhere: an HOTP code is accepted among the next ten.
pub const HOTP_LOOK_AHEAD: i64 = 10;

/// How far two consecutive HOTP codes are searched for.
pub const HOTP_RESYNC_WINDOW: i64 = 200;

/// How many steps to each side two consecutive TOTP codes are searched for.
pub const TOTP_RESYNC_WINDOW: i64 = 40;

/// Steps that a token's clock may wander by accepted codes alone (RFC 6238 §6 asks for such a limit). More needs a
/// resync.
pub const MAX_LEARNED_DRIFT: i64 = 20;

/// A TOTP code is accepted one step to each side of where the token is thought to be.
const TOTP_TOLERANCE: i64 = 1;

/// What a server remembers of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The moving factor of the last code that was accepted; -1 at first.
    pub last: i64,
    /// The steps by which the token's clock is ahead of ours; always 0 for HOTP.
    pub drift: i32,
}

impl Memory {
    /// Of a token that has not been used.
    pub const NEW: Self = Self { last: -1, drift: 0 };
}

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right. The caller stores these where the stored `last` is lower than this one, and treats no row as a replay.
    Accepted {
        /// The new [`Memory::last`].
        last: i64,
        /// The new [`Memory::drift`].
        drift: i32,
    },
    /// Right once, but that code or a later one has been used.
    Replayed,
    /// Not a code of this token now.
    Wrong,
}

/// Checks a normalised `code` against what the token shows at `now`.
pub fn verify(seed: &[u8], params: &OathParameters, memory: Memory, code: &str, now: Timestamp) -> Verdict {
    let candidates = match params.mode() {
        // The last accepted code is among them, to tell a replay from a wrong code.
        Mode::Hotp => (memory.last, memory.last.saturating_add(HOTP_LOOK_AHEAD)),
        Mode::Totp { period_seconds } => totp_window(memory, step_at(now, period_seconds)),
    };
    let mut fresh = Found::none();
    let mut used = Found::none();
    for factor in candidates.0..=candidates.1 {
        let matches = shows(seed, params, factor, code);
        if factor > memory.last {
            fresh.note(factor, matches);
        } else {
            used.note(factor, matches);
        }
    }
    match (fresh.factor(), used.factor()) {
        (Some(last), _) => Verdict::Accepted { last, drift: drift_at(params.mode(), last, now) },
        (None, Some(_)) => Verdict::Replayed,
        (None, None) => Verdict::Wrong,
    }
}

/// Finds a token that ran away by two consecutive codes; never at or behind the last accepted one. The caller stores
/// the answer under the same condition as for [`Verdict::Accepted`]; a pair that is not found counts as a failed try.
pub fn resync(
    seed: &[u8],
    params: &OathParameters,
    memory: Memory,
    (first, second): (&str, &str),
    now: Timestamp,
) -> Option<Memory> {
    let (from, to) = resync_window(params.mode(), memory, now);
    let mut found = Found::none();
    let mut before = Choice::from(0);
    // Both codes lie in the window, the first of them behind nothing that was accepted.
    for factor in from..=to {
        let is_second = shows(seed, params, factor, second);
        found.note(factor, before & is_second);
        before = shows(seed, params, factor, first) & Choice::from(u8::from(factor > memory.last));
    }
    found.factor().map(|last| Memory { last, drift: drift_at(params.mode(), last, now) })
}

/// The moving factor of one code within the resync window, where it is not accepted by itself: the first half of an
/// automatic resync. The caller remembers it for [`AUTO_RESYNC_LIFETIME`] and accepts the factor after it.
pub fn find_far(seed: &[u8], params: &OathParameters, memory: Memory, code: &str, now: Timestamp) -> Option<Memory> {
    let (from, to) = resync_window(params.mode(), memory, now);
    let mut found = Found::none();
    for factor in from..=to {
        found.note(factor, shows(seed, params, factor, code) & Choice::from(u8::from(factor > memory.last)));
    }
    found.factor().map(|last| Memory { last, drift: drift_at(params.mode(), last, now) })
}

/// Whether two codes follow one another so far away that no resync reaches them: what the person is told then is not
/// that they typed something wrong. It accepts nothing.
pub fn is_far_away(
    seed: &[u8],
    params: &OathParameters,
    memory: Memory,
    (first, second): (&str, &str),
    now: Timestamp,
) -> bool {
    let (from, to) = match params.mode() {
        Mode::Hotp => (memory.last.saturating_add(1), memory.last.saturating_add(5 * HOTP_RESYNC_WINDOW)),
        Mode::Totp { period_seconds } => {
            let step = step_at(now, period_seconds);
            (step.saturating_sub(FAR_STEPS), step.saturating_add(FAR_STEPS))
        }
    };
    let (mut before, mut any) = (Choice::from(0), Choice::from(0));
    for factor in from..=to {
        any |= before & shows(seed, params, factor, second);
        before = shows(seed, params, factor, first);
    }
    any.into()
}

/// How long the first code of an automatic resync waits for the second.
pub const AUTO_RESYNC_LIFETIME: std::time::Duration = std::time::Duration::from_secs(300);

/// A day to each side, with steps of 30 s.
const FAR_STEPS: i64 = 2880;

fn resync_window(mode: Mode, memory: Memory, now: Timestamp) -> (i64, i64) {
    match mode {
        Mode::Hotp => (memory.last.saturating_add(1), memory.last.saturating_add(HOTP_RESYNC_WINDOW)),
        Mode::Totp { period_seconds } => {
            let step = step_at(now, period_seconds);
            (step.saturating_sub(TOTP_RESYNC_WINDOW), step.saturating_add(TOTP_RESYNC_WINDOW))
        }
    }
}

/// The steps that are compared at `step`: one to each side of where the token is thought to be. Accepted codes can carry
/// the drift [`MAX_LEARNED_DRIFT`] steps away from zero; a drift beyond, which only a resync sets, can then only shrink.
fn totp_window(memory: Memory, step: i64) -> (i64, i64) {
    let drift = i64::from(memory.drift).clamp(-TOTP_RESYNC_WINDOW, TOTP_RESYNC_WINDOW);
    let limit = MAX_LEARNED_DRIFT.max(drift.abs());
    let from = (drift - TOTP_TOLERANCE).max(-limit);
    let to = (drift + TOTP_TOLERANCE).min(limit);
    (step.saturating_add(from), step.saturating_add(to))
}

/// RFC 6238 §4.2 with T0 = 0.
fn step_at(now: Timestamp, period_seconds: u32) -> i64 {
    now.unix_seconds().div_euclid(i64::from(period_seconds))
}

fn drift_at(mode: Mode, last: i64, now: Timestamp) -> i32 {
    match mode {
        Mode::Hotp => 0,
        // Within ±40 by the windows above.
        Mode::Totp { period_seconds } => i32::try_from(last.saturating_sub(step_at(now, period_seconds))).unwrap_or(0),
    }
}

/// Whether the token shows `code` at `factor`. There is no code before the first.
fn shows(seed: &[u8], params: &OathParameters, factor: i64, code: &str) -> Choice {
    match u64::try_from(factor) {
        Ok(factor) => code_at(seed, params, factor).expose().as_bytes().ct_eq(code.as_bytes()),
        Err(_) => Choice::from(0),
    }
}

/// The lowest factor that matched, kept without a branch on the match.
struct Found {
    any: Choice,
    factor: i64,
}

impl Found {
    fn none() -> Self {
        Self { any: Choice::from(0), factor: 0 }
    }

    fn note(&mut self, factor: i64, matches: Choice) {
        let first = matches & !self.any;
        self.factor.conditional_assign(&factor, first);
        self.any |= matches;
    }

    fn factor(&self) -> Option<i64> {
        bool::from(self.any).then_some(self.factor)
    }
}
