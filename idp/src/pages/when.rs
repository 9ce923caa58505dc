//! Points in time in words: relative to now, with the exact time beside it.

use jiff::tz::TimeZone;
use stepgate_core::time::Timestamp;

/// A point in time as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// For machines: RFC 3339, UTC.
    pub iso: String,
    /// For people: `3 minutes ago`, `in 12 days`, `2 Mar 2027`.
    pub text: String,
    /// On hover: `2 Mar 2027, 14:05 UTC`.
    pub exact: String,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl When {
    /// Relative to `now` while the two are less than 45 days apart, else the date; in the person's `zone`.
    pub fn new(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Self {
        let away = at.unix_seconds().saturating_sub(now.unix_seconds());
        let mut when = Self::date(at, zone);
        if let Some(text) = relative(away) {
            when.text = text;
        }
        when
    }

    /// Always the date: for facts that people compare with a calendar, such as the end of a subscription.
    pub fn date(at: Timestamp, zone: &TimeZone) -> Self {
        let instant = jiff::Timestamp::from_second(at.unix_seconds()).unwrap_or_default();
        let zoned = instant.to_zoned_datetime(zone.clone());
        Self {
            iso: instant.to_string(),
            text: zoned.strftime("%-d %b %Y").to_string(),
            exact: zoned.strftime("%-d %b %Y, %H:%M %Z").to_string(),
        }
    }

    /// The time of the day to the second: for *not before* and other short waits.
    pub fn clock(at: Timestamp, zone: &TimeZone) -> Self {
        let mut when = Self::date(at, zone);
        let instant = jiff::Timestamp::from_second(at.unix_seconds()).unwrap_or_default();
        when.text = instant.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string();
        when
    }
}

/// A length of time in words, to two units at most: `1 min 48 s`.
pub fn duration_text(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// `None` when a date says it better.
fn relative(away: i64) -> Option<String> {
    let (count, unit) = match away.saturating_abs() {
        0..MINUTE => return Some(if away > 0 { "in a moment".into() } else { "just now".into() }),
        length @ MINUTE..HOUR => (length / MINUTE, "minute"),
        length @ HOUR..DAY => (length / HOUR, "hour"),
        length if length < 45 * DAY => (length / DAY, "day"),
        _ => return None,
    };
    let plural = if count == 1 { "" } else { "s" };
    Some(if away < 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_times_are_relative_and_far_ones_are_dates() {
        let now = Timestamp::from_unix_seconds(1_772_460_300);
        let cases = [
            (0, "just now"),
            (-59, "just now"),
            (-60, "1 minute ago"),
            (-3 * HOUR, "3 hours ago"),
            (12 * DAY, "in 12 days"),
            (DAY, "in 1 day"),
            (365 * DAY, "2 Mar 2027"),
        ];
        for (away, text) in cases {
            let at = Timestamp::from_unix_seconds(now.unix_seconds() + away);
            assert_eq!(When::new(at, now, &TimeZone::UTC).text, text, "{away}");
        }
        assert_eq!(When::date(now, &TimeZone::UTC).exact, "2 Mar 2026, 14:05 UTC");
        assert_eq!(duration_text(108), "1 min 48 s");
    }
}
