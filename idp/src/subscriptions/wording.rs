//! The mails about terms: reminders, and what was renewed by itself. Their words are in `locales/`.

use stepgate_core::account::Person;

use crate::pages::When;
use crate::words::Language;

/// What a reminder speaks of.
pub struct Facts<'a> {
    /// Whom it goes to.
    pub person: &'a Person,
    /// The credential's name.
    pub label: &'a str,
    /// Days left of the person's calendar; negative when it has ended.
    pub days: i16,
    /// When it ends, in the person's time zone and language.
    pub ends: &'a When,
    /// What can be done about it.
    pub way: &'a Way,
    /// Where that is done.
    pub link: &'a str,
    /// Where reminders are switched off.
    pub preferences: &'a str,
    /// The deployment's name.
    pub brand: &'a str,
    /// Whether it was to be renewed by itself, and could not be.
    pub auto_renew_failed: bool,
}

/// What the reader of a reminder can do; dates are in their time zone and language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It was bought and has no device yet: its year runs.
    Activate,
    /// It was bought, and its year ended before it had a device.
    NeverActivated,
    /// It can be renewed now, until then.
    Renew {
        /// When the window closes.
        until: When,
    },
    /// It can be renewed from then on.
    RenewFrom(When),
    /// It cannot be renewed (any more).
    Anew,
}

/// The subject and the text of a reminder.
pub fn reminder(language: Language, facts: &Facts<'_>) -> (String, String) {
    let (label, days) = (facts.label, i64::from(facts.days));
    let say = |key: &str, at: &str| {
        language.say(key, [("label", label.into()), ("days", days.into()), ("at", at.to_owned().into())])
    };
    let subject = say(subject(facts), "");
    let (what, do_it) = match facts.way {
        Way::Activate => (say("reminder-activate", &facts.ends.exact), "reminder-do-activate"),
        Way::NeverActivated => (say("reminder-never-activated", &facts.ends.text), "reminder-do-anew"),
        Way::Renew { .. } => (when(facts, say), "reminder-do-renew"),
        Way::RenewFrom(_) => (when(facts, say), "reminder-do-renew-from"),
        Way::Anew => (when(facts, say), "reminder-do-anew"),
    };
    let mut parts = vec![what];
    if let Way::Renew { until } = facts.way {
        parts.extend((facts.days <= 0).then(|| say("reminder-until", &until.exact)));
        parts.extend(facts.auto_renew_failed.then(|| language.text("reminder-auto-renew-failed")));
    }
    parts.extend([language.text(do_it), facts.link.to_owned()]);
    (subject, letter(language, (facts.person, facts.brand), parts, facts.preferences))
}

/// The key of the subject.
const fn subject(facts: &Facts<'_>) -> &'static str {
    let pending = matches!(facts.way, Way::Activate | Way::NeverActivated);
    match (facts.days, pending) {
        (1.., false) => "reminder-subject-ends",
        (0, false) => "reminder-subject-today",
        (_, false) => "reminder-subject-ended",
        (1.., true) => "reminder-subject-pending-ends",
        (0, true) => "reminder-subject-pending-today",
        (_, true) => "reminder-subject-pending-ended",
    }
}

/// When it ends, and what becomes of it then.
fn when(facts: &Facts<'_>, say: impl Fn(&str, &str) -> String) -> String {
    let ends = match facts.days {
        1.. => say("reminder-ends", &facts.ends.text),
        0 => say("reminder-today", &facts.ends.exact),
        _ => say("reminder-ended", &facts.ends.text),
    };
    let then = match facts.way {
        Way::Renew { .. } if facts.days > 0 => say("reminder-renew-before", ""),
        Way::Renew { .. } => say("reminder-renew-still", ""),
        Way::RenewFrom(from) => say("reminder-renew-from", &from.text),
        Way::Anew => say("reminder-anew", ""),
        Way::Activate | Way::NeverActivated => return ends,
    };
    format!("{ends} {then}")
}

/// The subject and the text of the mail that something was renewed by itself, on the account of an organization.
pub fn renewed_by_itself(
    language: Language,
    (person, brand): (&Person, &str),
    (label, order, until): (&str, &str, &When),
    [link, preferences]: [&str; 2],
) -> (String, String) {
    let subject = language.say("auto-renewed-subject", [("label", label.into())]);
    let facts = [("label", label.into()), ("order", order.into()), ("until", until.text.as_str().into())];
    let parts = vec![language.say("auto-renewed", facts), language.text("auto-renewed-switch"), link.to_owned()];
    (subject, letter(language, (person, brand), parts, preferences))
}

/// A letter: whom it greets, what it says, where such letters are switched off, who writes.
fn letter(language: Language, (person, brand): (&Person, &str), said: Vec<String>, preferences: &str) -> String {
    let greeting = language.say("mail-greeting", [("name", person.display_name().into())]);
    let foot = language.text("reminder-preferences");
    format!("{greeting}\n\n{}\n\n{foot}\n\n{preferences}\n\n{brand}\n", said.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use stepgate_core::account::StandardClaims;
    use stepgate_core::id::PersonId;
    use stepgate_core::time::Timestamp;

    use super::*;

    #[test]
    fn a_reminder_speaks_the_persons_language_and_tells_their_date() {
        let mut person = Person {
            id: PersonId::from_uuid(uuid::Uuid::from_u128(1)),
            username: "frieda".parse().unwrap(),
            claims: StandardClaims { locale: Some("de-AT".to_owned()), ..StandardClaims::default() },
            suspended_at: None,
            proofed_at: None,
            proofing_expires_at: None,
            created_at: Timestamp::from_unix_seconds(0),
            updated_at: Timestamp::from_unix_seconds(0),
        };
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        // 2 March 2026, 14:05 UTC: the third in Auckland.
        let at = Timestamp::from_unix_seconds(1_772_460_300);
        for days in stepgate_core::subscriptions::term::NOTICE_DAYS {
            let words = |person: &Person, days: i16| {
                let language = Language::of(person).unwrap_or_default();
                let ends = When::date_in(language, at, &zone);
                let facts = Facts {
                    person,
                    label: "Mobile ID",
                    days,
                    ends: &ends,
                    way: &Way::Renew { until: ends.clone() },
                    link: "https://id.example/account/otp/renew?credential=1",
                    preferences: "https://id.example/account/otp/reminders",
                    brand: "Stepgate",
                    auto_renew_failed: days == 7,
                };
                reminder(language, &facts)
            };
            let (subject, text) = words(&person, days);
            assert!(text.starts_with("Guten Tag frieda,") && text.contains("3. M\u{e4}rz 2026"), "{text}");
            assert!(!text.contains(" Mar ") && !text.contains("your"), "{text}");
            assert!(text.contains("/account/otp/renew?credential=1") && subject.contains("Mobile ID"));
            assert!(text.contains("/account/otp/reminders"), "{text}");
            assert_eq!(text.contains("von selbst"), days == 7, "{text}");
            let (one, _) = words(&person, 1);
            assert!(one.ends_with("morgen ab") && words(&person, 2).0.ends_with("in 2 Tagen ab"), "{one}");
            person.claims.locale = Some("fr".to_owned());
            let (_, text) = words(&person, days);
            assert!(text.starts_with("Hello frieda,") && text.contains("3 Mar 2026"), "{text}");
            assert!(words(&person, 1).0.ends_with("ends tomorrow"));
            assert_eq!(text.contains("by itself"), days == 7);
            assert_eq!(text.contains("It can be renewed until"), days <= 0);
            person.claims.locale = Some("de".to_owned());
        }
    }

    #[test]
    fn nobody_is_told_to_do_what_cannot_be_done() {
        let person = Person {
            id: PersonId::from_uuid(uuid::Uuid::from_u128(1)),
            username: "grace".parse().unwrap(),
            claims: StandardClaims::default(),
            suspended_at: None,
            proofed_at: None,
            proofing_expires_at: None,
            created_at: Timestamp::from_unix_seconds(0),
            updated_at: Timestamp::from_unix_seconds(0),
        };
        for language in [Language::English, Language::German] {
            let ends = When::date_in(language, Timestamp::from_unix_seconds(1_772_460_300), &TimeZone::UTC);
            for days in [60, 1, 0, -1, -30] {
                let ways = [Way::Activate, Way::NeverActivated, Way::RenewFrom(ends.clone()), Way::Anew];
                for way in ways {
                    let (person, link, brand) = (&person, "https://id.example/account/otp", "Stepgate");
                    let ends = &ends;
                    let facts = Facts {
                        person,
                        label: "Mobile ID",
                        days,
                        ends,
                        way: &way,
                        link,
                        preferences: "https://id.example/account/otp/reminders",
                        brand,
                        auto_renew_failed: true,
                    };
                    let (subject, text) = reminder(language, &facts);
                    let day = if language == Language::German { "2. März 2026" } else { "2 Mar 2026" };
                    assert!(subject.contains("Mobile ID") && text.contains(day), "{text}");
                    for promise in
                        ["Renew it", "still renew", "by itself", "verlängern Sie", "noch verlängern", "von selbst"]
                    {
                        assert!(!text.contains(promise), "{way:?}, {days}: {text}");
                    }
                }
            }
        }
    }
}
