//! How long a credential rests after failed tries (NIST SP 800-63B-4 §3.2.2).
//!
//! The numbers are a table so that the store's conditional update and this module cannot come to differ.

use std::time::Duration;

use super::MAX_FAILURES;

/// Failed tries in a row that cost nothing.
pub const FREE_FAILURES: u32 = 4;

/// The wait after failure `FREE_FAILURES + 1`, `+ 2`, …; the last entry holds for all later ones.
pub const WAITS: [Duration; 8] = [
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(240),
    Duration::from_secs(480),
    Duration::from_secs(960),
    Duration::from_secs(1920),
    Duration::from_secs(3600),
];

/// How long no try is accepted once `failures` tries in a row have failed; `None` below five.
///
/// At [`MAX_FAILURES`] the credential is disabled for good: ask [`is_disabled`] first.
pub fn wait_after(failures: u32) -> Option<Duration> {
    let beyond = failures.checked_sub(FREE_FAILURES + 1)?;
    let index = usize::try_from(beyond).unwrap_or(usize::MAX);
    WAITS.get(index).or(WAITS.last()).copied()
}

/// Whether `failures` tries in a row disable the credential until it is bound again.
pub const fn is_disabled(failures: u32) -> bool {
    failures >= MAX_FAILURES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_the_fifth_failure_up_to_an_hour() {
        let seconds = |failures| wait_after(failures).map(|wait| wait.as_secs());
        assert_eq!([0, 1, 4].map(seconds), [None; 3]);
        assert_eq!(
            [5, 6, 7, 8, 9, 10, 11, 12, 13, 49, u32::MAX].map(seconds),
            [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600].map(Some)
        );
        assert!(!is_disabled(MAX_FAILURES - 1) && is_disabled(MAX_FAILURES));
    }

    #[test]
    fn guessing_without_pause_takes_more_than_a_day_until_the_credential_is_disabled() {
        let total: u64 = (1..MAX_FAILURES).filter_map(wait_after).map(|wait| wait.as_secs()).sum();
        assert!(total > 24 * 3600);
    }
}
