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
    /// Days left; negative when it has ended.
    pub days: i16,
    /// When it ends, in the person's time zone and language.
    pub ends: &'a When,
    /// Until when it can be renewed, in the person's time zone and language.
    pub renewable_until: Option<&'a When>,
    /// Where it is renewed.
    pub link: &'a str,
    /// Where reminders are switched off.
    pub preferences: &'a str,
    /// The deployment's name.
    pub brand: &'a str,
    /// Whether it was to be renewed by itself, and could not be.
    pub auto_renew_failed: bool,
}

/// The subject and the text of a reminder.
pub fn reminder(language: Language, facts: &Facts<'_>) -> (String, String) {
    let (label, days) = (facts.label, i64::from(facts.days));
    let say = |key: &str, at: &str| {
        language.say(key, [("label", label.into()), ("days", days.into()), ("at", at.to_owned().into())])
    };
    let (subject, what) = match facts.days {
        1.. => (say("reminder-subject-ends", ""), say("reminder-ends", &facts.ends.text)),
        0 => (say("reminder-subject-today", ""), say("reminder-today", &facts.ends.exact)),
        _ => (say("reminder-subject-ended", ""), say("reminder-ended", &facts.ends.text)),
    };
    let mut parts = vec![what];
    if let Some(until) = facts.renewable_until.filter(|_| facts.days <= 0) {
        parts.push(say("reminder-until", &until.text));
    }
    if facts.auto_renew_failed {
        parts.push(language.text("reminder-auto-renew-failed"));
    }
    parts.extend([language.text("reminder-renew"), facts.link.to_owned()]);
    (subject, letter(language, (facts.person, facts.brand), parts, facts.preferences))
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
                    renewable_until: Some(&ends),
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
            assert!(one.ends_with("in 1 Tag ab") && words(&person, 2).0.ends_with("in 2 Tagen ab"), "{one}");
            person.claims.locale = Some("fr".to_owned());
            let (_, text) = words(&person, days);
            assert!(text.starts_with("Hello frieda,") && text.contains("3 Mar 2026"), "{text}");
            assert!(words(&person, 1).0.ends_with("ends in 1 day"));
            assert_eq!(text.contains("by itself"), days == 7);
            assert_eq!(text.contains("It can be renewed until"), days <= 0);
            person.claims.locale = Some("de".to_owned());
        }
    }
}
