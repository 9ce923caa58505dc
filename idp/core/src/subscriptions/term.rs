//! How long a subscription lasts, when it can be renewed, and when its holder is told. By the calendar, in UTC.

use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// From when the first term counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermStart {
    /// From the purchase.
    #[default]
    Purchase,
    /// From the activation.
    Activation,
}

/// The rules of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermRules {
    /// From when the first term counts.
    pub starts: TermStart,
    /// Days before the end on which the renewal opens.
    pub opens_days_before: u16,
    /// Months after the end at which the renewal closes; twelve at most, so that a renewal always reaches into the
    /// future.
    pub closes_months_after: u8,
}

impl Default for TermRules {
    fn default() -> Self {
        Self { starts: TermStart::Purchase, opens_days_before: 60, closes_months_after: 12 }
    }
}

/// Where a subscription stands with its renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Not yet; opens then.
    Opens(Timestamp),
    /// Now, until then.
    Open {
        /// When the window closes.
        until: Timestamp,
    },
    /// Not any more: a new credential is needed.
    Closed,
}

/// The calendar's longest reach: what cannot be reckoned lasts until then.
const FAR: Timestamp = Timestamp::from_unix_seconds(253_402_207_200);

/// A moment moved by the calendar. A day that the month does not have becomes its last one.
fn moved(at: Timestamp, span: Span) -> Timestamp {
    let moved = jiff::Timestamp::from_millisecond(at.unix_millis())
        .and_then(|at| at.to_zoned_datetime(TimeZone::UTC).checked_add(span))
        .map(|zoned| zoned.timestamp().as_millisecond());
    moved.map_or(FAR, Timestamp::from_unix_millis)
}

impl TermRules {
    /// When the first term ends; `None` while it has not begun.
    pub fn first(&self, purchased_at: Timestamp, activated_at: Option<Timestamp>) -> Option<Timestamp> {
        let begins = match self.starts {
            TermStart::Purchase => Some(purchased_at),
            TermStart::Activation => activated_at,
        };
        begins.map(|at| moved(at, 1.year()))
    }

    /// When a renewed term ends: a year after the old end, whenever within the window it is renewed.
    pub fn renewed(&self, ends: Timestamp) -> Timestamp {
        moved(ends, 1.year())
    }

    /// Where a subscription that ends (or ended) then stands with its renewal.
    pub fn renewal(&self, ends: Timestamp, now: Timestamp) -> Renewal {
        let opens = moved(ends, -i64::from(self.opens_days_before).days());
        let until = moved(ends, i64::from(self.closes_months_after.min(12)).months());
        if now < opens {
            Renewal::Opens(opens)
        } else if now < until {
            Renewal::Open { until }
        } else {
            Renewal::Closed
        }
    }
}

/// When the holder of a subscription is told of its end: days before it; negative ones after it.
pub const NOTICE_DAYS: [i16; 6] = [60, 30, 15, 7, 0, -30];

/// One notice about the end of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermNotice {
    /// Days left; negative when it has ended.
    pub days: i16,
    /// When it is due.
    pub due: Timestamp,
}

/// The longest that a day is anywhere, in milliseconds: the one on which summer time ends.
const LONGEST_DAY: i64 = 25 * 3_600_000;

/// The notices about an end, first to last. The one on the day is due as early as that day can begin anywhere; where its
/// reader is, it begins then or later ([`day_begins`]), and it is always there before the end.
fn notices(ends: Timestamp) -> impl DoubleEndedIterator<Item = TermNotice> {
    NOTICE_DAYS.into_iter().map(move |days| match days {
        0 => TermNotice { days, due: Timestamp::from_unix_millis(ends.unix_millis().saturating_sub(LONGEST_DAY)) },
        _ => TermNotice { days, due: moved(ends, -i64::from(days).days()) },
    })
}

/// When the day of `at` begins in a time zone.
pub fn day_begins(at: Timestamp, zone: &TimeZone) -> Timestamp {
    let begins = jiff::Timestamp::from_millisecond(at.unix_millis())
        .and_then(|at| at.to_zoned_datetime(zone.clone()).start_of_day())
        .map(|zoned| zoned.timestamp().as_millisecond());
    begins.map_or(at, Timestamp::from_unix_millis)
}

/// Days of the calendar from `now` to `at` in a time zone: 0 on the day itself, negative once it is over.
pub fn days_until(at: Timestamp, now: Timestamp, zone: &TimeZone) -> i16 {
    let day = |at: Timestamp| {
        let instant = jiff::Timestamp::from_millisecond(at.unix_millis()).unwrap_or_default();
        instant.to_zoned_datetime(zone.clone()).date()
    };
    let between = day(now).until(day(at)).map_or(0, |span| span.get_days());
    let days = i16::try_from(between).unwrap_or(if between < 0 { i16::MIN } else { i16::MAX });
    if at <= now { days.min(-1) } else { days }
}

/// The notice that is to be sent at `now`: the latest that is due. What was missed before it is not made up for.
pub fn notice_due(ends: Timestamp, now: Timestamp) -> Option<TermNotice> {
    notices(ends).rev().find(|notice| notice.due <= now)
}

/// When the next notice after `now` is due.
pub fn next_notice(ends: Timestamp, now: Timestamp) -> Option<TermNotice> {
    notices(ends).find(|notice| notice.due > now)
}

/// Until when a paid order can be given back: days after the payment.
pub fn days_after(at: Timestamp, days: u16) -> Timestamp {
    moved(at, i64::from(days).days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_unix_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn years_are_years_of_the_calendar() {
        let rules = TermRules::default();
        let first = |text| rules.first(at(text), None).unwrap();
        assert_eq!(first("2026-11-28T09:30:00Z"), at("2027-11-28T09:30:00Z"));
        assert_eq!(first("2027-03-01T00:00:00Z"), at("2028-03-01T00:00:00Z"), "a leap day lies between");
        assert_eq!(first("2028-02-29T23:59:59Z"), at("2029-02-28T23:59:59Z"));
        let late = TermRules { starts: TermStart::Activation, ..rules };
        assert_eq!(late.first(at("2026-01-01T00:00:00Z"), None), None);
        let activated = at("2026-06-01T00:00:00Z");
        assert_eq!(late.first(at("2026-01-01T00:00:00Z"), Some(activated)), Some(at("2027-06-01T00:00:00Z")));
    }

    #[test]
    fn the_window_opens_sixty_days_before_and_closes_twelve_months_after() {
        let (rules, ends) = (TermRules::default(), at("2027-03-15T10:00:00Z"));
        let stands = |text| rules.renewal(ends, at(text));
        assert_eq!(stands("2027-01-14T09:59:59Z"), Renewal::Opens(at("2027-01-14T10:00:00Z")));
        let until = at("2028-03-15T10:00:00Z");
        assert_eq!(stands("2027-01-14T10:00:00Z"), Renewal::Open { until });
        assert_eq!(stands("2028-03-15T09:59:59Z"), Renewal::Open { until });
        assert_eq!(stands("2028-03-15T10:00:00Z"), Renewal::Closed);
    }

    #[test]
    fn of_the_notices_that_are_due_only_the_last_is_sent() {
        let ends = at("2027-03-15T10:00:00Z");
        let due = |text| notice_due(ends, at(text)).map(|notice| notice.days);
        assert_eq!(due("2027-01-14T09:59:59Z"), None);
        assert_eq!(due("2027-01-14T10:00:00Z"), Some(60));
        assert_eq!(due("2027-03-14T00:00:00Z"), Some(7), "the node was down for weeks");
        assert_eq!(due("2027-03-14T08:59:59Z"), Some(7));
        assert_eq!(due("2027-03-14T09:00:00Z"), Some(0), "a day of the end can have begun");
        assert_eq!(due("2027-03-15T10:00:00Z"), Some(0));
        assert_eq!(due("2030-01-01T00:00:00Z"), Some(-30));
        let next = next_notice(ends, at("2027-03-15T10:00:00Z")).unwrap();
        assert_eq!((next.days, next.due), (-30, at("2027-04-14T10:00:00Z")));
        assert_eq!(next_notice(ends, next.due), None);
    }

    #[test]
    fn the_day_of_the_end_is_the_readers() {
        let ends = at("2027-03-15T03:30:00Z");
        for (zone, begins, left_a_day_before) in [
            ("UTC", "2027-03-15T00:00:00Z", 1),
            // The fourteenth there, the day on which summer time begins.
            ("America/New_York", "2027-03-14T05:00:00Z", 1),
            ("Pacific/Kiritimati", "2027-03-14T10:00:00Z", 1),
            ("Pacific/Pago_Pago", "2027-03-14T11:00:00Z", 1),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            assert_eq!(day_begins(ends, &zone), at(begins), "{zone:?}");
            assert_eq!(days_until(ends, at(begins), &zone), 0, "{zone:?}");
            assert_eq!(days_until(ends, at("2027-03-14T03:30:00Z"), &zone), left_a_day_before, "{zone:?}");
            assert_eq!(days_until(ends, ends, &zone), -1, "it is over in the same moment");
            assert_eq!(days_until(ends, at("2027-04-14T03:30:00Z"), &zone), -30, "{zone:?}");
            let first = notices(ends).find(|notice| notice.days == 0).unwrap().due;
            assert!(first <= at(begins) && at(begins) < ends, "{zone:?}");
        }
        // At whatever hour it ends, and wherever: the notice is due before the day begins there.
        for hour in 0..48 {
            let ends = Timestamp::from_unix_seconds(at("2027-11-06T00:00:00Z").unix_seconds() + hour * 3600);
            let first = notices(ends).find(|notice| notice.days == 0).unwrap().due;
            for zone in ["UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"] {
                let begins = day_begins(ends, &TimeZone::get(zone).unwrap());
                assert!(first <= begins && begins <= ends, "{zone}, {hour}");
            }
        }
    }

    proptest! {
        /// Whatever the calendar does, a renewal in its window reaches into the future and adds a year to what was paid.
        #[test]
        fn a_renewal_in_its_window_always_reaches_beyond_now(
            ends in 0_i64..4_000_000_000, shift in -5_184_000_i64..31_536_000, months in 0_u8..=12, opens in 0_u16..365,
        ) {
            let rules = TermRules { closes_months_after: months, opens_days_before: opens, ..TermRules::default() };
            let (ends, now) = (Timestamp::from_unix_seconds(ends), Timestamp::from_unix_seconds(ends + shift));
            let renewed = rules.renewed(ends);
            let days = (renewed.unix_seconds() - ends.unix_seconds()) / 86_400;
            prop_assert!((365..=366).contains(&days));
            if let Renewal::Open { until } = rules.renewal(ends, now) {
                prop_assert!(renewed > now);
                prop_assert!(now < until);
            }
        }

        /// Time only ever moves a subscription from *not yet* to *now* to *not any more*.
        #[test]
        fn the_window_opens_and_closes_once(ends in 0_i64..4_000_000_000, one in 0_i64..5_000_000_000, later in 0_i64..100_000_000) {
            let (rules, ends) = (TermRules::default(), Timestamp::from_unix_seconds(ends));
            let rank = |seconds| match rules.renewal(ends, Timestamp::from_unix_seconds(seconds)) {
                Renewal::Opens(_) => 0,
                Renewal::Open { .. } => 1,
                Renewal::Closed => 2,
            };
            prop_assert!(rank(one) <= rank(one + later));
        }

        /// Each notice is due once: after one was sent, the next to be due is a later one.
        #[test]
        fn notices_follow_one_another(ends in 0_i64..4_000_000_000, now in 0_i64..4_100_000_000) {
            let (ends, now) = (Timestamp::from_unix_seconds(ends), Timestamp::from_unix_seconds(now));
            let (due, next) = (notice_due(ends, now), next_notice(ends, now));
            prop_assert!(due.is_none_or(|due| due.due <= now));
            prop_assert!(next.is_none_or(|next| next.due > now));
            if let (Some(due), Some(next)) = (due, next) {
                prop_assert!(next.days < due.days);
            }
        }
    }
}
