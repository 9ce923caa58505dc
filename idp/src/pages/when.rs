//! Points in time in words: relative to now, with the exact time beside it.

use jiff::tz::TimeZone;
use stepgate_core::time::Timestamp;

use crate::words::Language;

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
        Self::new_in(Language::English, at, now, zone)
    }

    /// The same in a language.
    pub fn new_in(language: Language, at: Timestamp, now: Timestamp, zone: &TimeZone) -> Self {
        let away = at.unix_seconds().saturating_sub(now.unix_seconds());
        let mut when = Self::date_in(language, at, zone);
        if let Some(text) = relative(language, away) {
            when.text = text;
        }
        when
    }

    /// Always the date: for facts that people compare with a calendar, such as the end of a subscription.
    pub fn date(at: Timestamp, zone: &TimeZone) -> Self {
        Self::date_in(Language::English, at, zone)
    }

    /// The same in a language.
    pub fn date_in(language: Language, at: Timestamp, zone: &TimeZone) -> Self {
        let instant = jiff::Timestamp::from_second(at.unix_seconds()).unwrap_or_default();
        let zoned = instant.to_zoned_datetime(zone.clone());
        let (day, month, year) = (i64::from(zoned.day()), i64::from(zoned.month()), i64::from(zoned.year()));
        let text = language.say("date", [("day", day.into()), ("month", month.into()), ("year", year.into())]);
        let exact = format!("{text}, {}", zoned.strftime("%H:%M %Z"));
        Self { iso: instant.to_string(), text, exact }
    }

    /// The time of the day to the second: for *not before* and other short waits.
    pub fn clock(at: Timestamp, zone: &TimeZone) -> Self {
        Self::clock_in(Language::English, at, zone)
    }

    /// The same in a language.
    pub fn clock_in(language: Language, at: Timestamp, zone: &TimeZone) -> Self {
        let mut when = Self::date_in(language, at, zone);
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
fn relative(language: Language, away: i64) -> Option<String> {
    let (count, before, after) = match away.saturating_abs() {
        0..MINUTE => return Some(language.text(if away > 0 { "when-soon" } else { "when-now" })),
        length @ MINUTE..HOUR => (length / MINUTE, "when-minutes-ago", "when-minutes"),
        length @ HOUR..DAY => (length / HOUR, "when-hours-ago", "when-hours"),
        length if length < 45 * DAY => (length / DAY, "when-days-ago", "when-days"),
        _ => return None,
    };
    Some(language.say(if away < 0 { before } else { after }, [("count", count.into())]))
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
        let german = [
            (0, "gerade eben"),
            (-60, "vor 1 Minute"),
            (-3 * HOUR, "vor 3 Stunden"),
            (DAY, "in 1 Tag"),
            (12 * DAY, "in 12 Tagen"),
            (365 * DAY, "2. M\u{e4}rz 2027"),
        ];
        for (away, text) in german {
            let at = Timestamp::from_unix_seconds(now.unix_seconds() + away);
            assert_eq!(When::new_in(Language::German, at, now, &TimeZone::UTC).text, text, "{away}");
        }
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        assert!(When::date_in(Language::German, now, &zone).exact.starts_with("3. M\u{e4}rz 2026, 03:05"));
        assert_eq!(duration_text(108), "1 min 48 s");
    }
}
