//! Cards on file: what is kept of one, and when a renewal is charged to it.
//!
//! Nobody is charged unannounced: the price and the day are told first, by mail or on the page where the renewal is switched
//! on. Nobody is charged more than that, and not more than three times in vain for one end of a term.

use std::fmt;

use super::money::Money;
use super::term::next_notice;
use crate::time::Timestamp;

/// What may be shown of a card, and the provider's name for it. Never its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFacts {
    /// The provider's name for it.
    pub method: String,
    /// `Visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The month of its end, 1 to 12.
    pub month: u8,
    /// The year of its end.
    pub year: u16,
}

impl CardFacts {
    /// From what a provider tells; `None` where that is no card.
    pub fn told(method: &str, brand: &str, last4: &str, (month, year): (i64, i64)) -> Option<Self> {
        let digits = last4.len() == 4 && last4.bytes().all(|byte| byte.is_ascii_digit());
        let plain = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        };
        if !digits || !plain(method, 255) || !plain(brand, 40) {
            return None;
        }
        let mut letters = brand.replace('_', " ").chars().collect::<Vec<_>>();
        if let Some(first) = letters.first_mut() {
            first.make_ascii_uppercase();
        }
        Some(Self {
            method: method.to_owned(),
            brand: letters.into_iter().collect(),
            last4: last4.to_owned(),
            month: u8::try_from(month).ok().filter(|month| (1..=12).contains(month))?,
            year: u16::try_from(year).ok().filter(|year| (2000..=9999).contains(year))?,
        })
    }

    /// Whether it has ended at a moment: a card is good until the end of its month, anywhere on earth.
    pub fn has_ended(&self, at: Timestamp) -> bool {
        let Ok(at) = jiff::Timestamp::from_millisecond(at.unix_millis()) else { return false };
        let day = at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let months = i32::from(day.year()) * 12 + i32::from(day.month());
        let after = months - (i32::from(self.year) * 12 + i32::from(self.month));
        after > 1 || (after == 1 && day.day() > 1)
    }

    /// `04/2030`.
    pub fn end(&self) -> String {
        format!("{:02}/{}", self.month, self.year)
    }
}

impl fmt::Display for CardFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ending in {}", self.brand, self.last4)
    }
}

/// A person's card for renewals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardOnFile {
    /// The provider that has it.
    pub provider: String,
    /// The provider's name for the person.
    pub customer: String,
    /// The card.
    pub card: CardFacts,
    /// Since when it is kept.
    pub kept_at: Timestamp,
}

/// Days before the end of a term at which a card is tried. The notice before the first of them announces it.
pub const TRY_DAYS: [i16; 4] = [30, 15, 7, 0];
/// How often a card is tried for one end of a term.
pub const TRIES: usize = 3;

/// What happens at a notice about a term that is to be renewed by card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The person is told the price and the day.
    Announce,
    /// The card is charged.
    Charge,
    /// It is not renewed by itself: the person is reminded to do it.
    Remind,
}

/// What happens at a notice, so many days before the end. What was promised is the price that the person was told of for
/// this end.
pub fn step(days: i16, promised: Option<Money>, price: Money, tries: usize) -> Step {
    let kept = promised.is_some_and(|told| told.currency == price.currency && price.minor <= told.minor);
    let later = TRY_DAYS.iter().any(|day| *day < days);
    if tries >= TRIES || days < 0 {
        Step::Remind
    } else if kept && TRY_DAYS.contains(&days) {
        Step::Charge
    } else if later {
        Step::Announce
    } else {
        Step::Remind
    }
}

/// When the card is tried next after `now`; `None` when that is over.
pub fn next_try(ends: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let mut after = now;
    while let Some(notice) = next_notice(ends, after) {
        if TRY_DAYS.contains(&notice.days) {
            // On the day itself it is as early as that day can begin anywhere; it is that day for everybody.
            return Some(if notice.days == 0 { ends } else { notice.due });
        }
        after = notice.due;
    }
    None
}

/// When the card is tried first: at the next of its days where the price was promised, else at the one after the notice
/// that announces it.
pub fn first_try(ends: Timestamp, now: Timestamp, promised: bool) -> Option<Timestamp> {
    if promised { next_try(ends, now) } else { next_try(ends, next_notice(ends, now)?.due) }
}

/// Why a card did not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPaid {
    /// The bank wants the person to confirm it (strong customer authentication): only they can pay.
    Authentication,
    /// The card has ended.
    Ended,
    /// The provider does not know the card any more.
    Gone,
    /// The bank said no.
    Declined,
}

impl NotPaid {
    /// From the provider's word for it.
    pub fn told(code: &str) -> Self {
        match code {
            "authentication_required" | "payment_intent_authentication_failure" => Self::Authentication,
            "expired_card" => Self::Ended,
            "resource_missing" | "payment_method_unactivated" => Self::Gone,
            _ => Self::Declined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriptions::money::Currency;
    use crate::subscriptions::term::NOTICE_DAYS;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse::<Currency>().unwrap())
    }

    #[test]
    fn nobody_is_charged_unannounced_nor_more_than_was_told_nor_for_ever() {
        for days in NOTICE_DAYS {
            assert_ne!(step(days, None, usd(3000), 0), Step::Charge, "{days}: not announced");
            assert_ne!(step(days, Some(usd(2999)), usd(3000), 0), Step::Charge, "{days}: dearer than announced");
            let euros = Money::new(3000, "EUR".parse().unwrap());
            assert_ne!(step(days, Some(euros), usd(3000), 0), Step::Charge, "{days}: another currency");
            assert_eq!(step(days, Some(usd(3000)), usd(3000), TRIES), Step::Remind, "{days}: tried often enough");
        }
        let told = |days| step(days, Some(usd(3000)), usd(3000), 0);
        assert_eq!(NOTICE_DAYS.map(told)[..3], [Step::Announce, Step::Charge, Step::Charge]);
        assert_eq!((told(0), told(-30)), (Step::Charge, Step::Remind), "never after the end");
        assert_eq!(step(30, None, usd(1), 0), Step::Announce, "the first notice was missed: told now, charged later");
        assert_eq!(step(0, None, usd(1), 0), Step::Remind);
        assert_eq!(step(15, Some(usd(3000)), usd(2400), 0), Step::Charge, "cheaper is no reason to ask");
    }

    #[test]
    fn the_next_try_follows_the_calendar() {
        let at = |text: &str| Timestamp::from_unix_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let ends = at("2027-03-15T10:00:00Z");
        assert_eq!(next_try(ends, at("2026-06-01T00:00:00Z")), Some(at("2027-02-13T10:00:00Z")));
        assert_eq!(next_try(ends, at("2027-02-13T10:00:00Z")), Some(at("2027-02-28T10:00:00Z")));
        assert_eq!(next_try(ends, at("2027-03-10T10:00:00Z")), Some(ends));
        assert_eq!(next_try(ends, ends), None);
        let first = |text, promised| first_try(ends, at(text), promised);
        assert_eq!(first("2026-06-01T00:00:00Z", false), Some(at("2027-02-13T10:00:00Z")), "announced 60 days before");
        assert_eq!(first("2027-02-20T00:00:00Z", false), Some(at("2027-03-08T10:00:00Z")), "announced 15 days before");
        assert_eq!(first("2027-02-20T00:00:00Z", true), Some(at("2027-02-28T10:00:00Z")));
    }

    #[test]
    fn a_card_is_what_the_provider_tells_and_good_to_the_end_of_its_month() {
        let card = CardFacts::told("pm_1", "visa", "4242", (12, 2030)).unwrap();
        assert_eq!((card.to_string().as_str(), card.end().as_str()), ("Visa ending in 4242", "12/2030"));
        let at = |text: &str| Timestamp::from_unix_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert!(!card.has_ended(at("2031-01-01T23:00:00Z")) && card.has_ended(at("2031-01-02T00:00:00Z")));
        for (method, brand, last4, end) in [
            ("", "visa", "4242", (1, 2030)),
            ("pm_1", "vi\u{7}sa", "4242", (1, 2030)),
            ("pm_1", "visa", "424", (1, 2030)),
            ("pm_1", "visa", "42 2", (1, 2030)),
            ("pm_1", "visa", "4242", (13, 2030)),
            ("pm_1", "visa", "4242", (1, -1)),
        ] {
            assert_eq!(CardFacts::told(method, brand, last4, end), None, "{method} {brand} {last4}");
        }
        assert_eq!(NotPaid::told("authentication_required"), NotPaid::Authentication);
        assert_eq!(NotPaid::told("insufficient_funds"), NotPaid::Declined);
    }
}
