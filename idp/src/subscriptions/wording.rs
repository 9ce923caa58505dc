//! The words of reminders, in one place for each language.

use stepgate_core::account::Person;

use crate::pages::When;

/// What a reminder speaks of.
pub struct Facts<'a> {
    /// Whom it goes to.
    pub person: &'a Person,
    /// The credential's name.
    pub label: &'a str,
    /// Days left; negative when it has ended.
    pub days: i16,
    /// When it ends, in the person's time zone.
    pub ends: &'a When,
    /// Until when it can be renewed, in the person's time zone.
    pub renewable_until: Option<&'a When>,
    /// Where it is renewed.
    pub link: &'a str,
    /// The deployment's name.
    pub brand: &'a str,
    /// Whether it was to be renewed by itself, and could not be.
    pub auto_renew_failed: bool,
}

/// A language that reminders are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
}

impl Language {
    /// What a person reads; English where we do not speak theirs.
    pub fn of(person: &Person) -> Self {
        let locale = person.claims.locale.as_deref().unwrap_or("");
        let language = locale.split(['-', '_']).next().unwrap_or("");
        if language.eq_ignore_ascii_case("de") { Self::German } else { Self::English }
    }
}

/// The subject and the text of a reminder.
pub fn reminder(language: Language, facts: &Facts<'_>) -> (String, String) {
    match language {
        Language::English => english(facts),
        Language::German => german(facts),
    }
}

fn english(facts: &Facts<'_>) -> (String, String) {
    let Facts { label, ends, link, brand, .. } = facts;
    let subject = match facts.days {
        1.. => format!("{label} ends in {} days", facts.days),
        0 => format!("{label} ends today"),
        _ => format!("{label} has ended"),
    };
    let what = match facts.days {
        1.. => format!(
            "your {label} ends on {}. Renew it before then, and nothing changes: your device and your identity proofing stay, and a year is added to that date.",
            ends.text
        ),
        0 => format!(
            "your {label} ends today, at {}. From then on it cannot be used to elevate until you renew it. Your password still works.",
            ends.exact
        ),
        _ => format!(
            "your {label} ended on {}, and applications that ask for it are closed to you. You can still renew it: your device and your identity proofing stay.",
            ends.text
        ),
    };
    let until = facts.renewable_until.filter(|_| facts.days <= 0);
    let until = until.map_or_else(String::new, |until| {
        format!("\n\nIt can be renewed until {}. After that you need a new one.", until.text)
    });
    let auto = if facts.auto_renew_failed {
        "\n\nIt was to be renewed by itself, but neither an account nor a card pays for it: please renew it yourself."
    } else {
        ""
    };
    let name = facts.person.display_name();
    let text = format!(
        "Hello {name},\n\n{what}{until}{auto}\n\nRenew it here:\n\n{link}\n\nYou can switch off these reminders under Manage OTP, but for the one on the last day.\n\n{brand}\n"
    );
    (subject, text)
}

fn german(facts: &Facts<'_>) -> (String, String) {
    let Facts { label, ends, link, brand, .. } = facts;
    let subject = match facts.days {
        1.. => format!("{label} endet in {} Tagen", facts.days),
        0 => format!("{label} endet heute"),
        _ => format!("{label} ist abgelaufen"),
    };
    let what = match facts.days {
        1.. => format!(
            "Ihr {label} endet am {}. Wenn Sie vorher verlängern, ändert sich nichts: Gerät und Identitätsprüfung bleiben, und an dieses Datum wird ein Jahr angehängt.",
            ends.text
        ),
        0 => format!(
            "Ihr {label} endet heute, um {}. Danach kann damit nicht mehr verstärkt werden, bis Sie verlängern. Ihr Passwort gilt weiter.",
            ends.exact
        ),
        _ => format!(
            "Ihr {label} ist am {} abgelaufen; Anwendungen, die es verlangen, sind für Sie geschlossen. Sie können noch verlängern: Gerät und Identitätsprüfung bleiben.",
            ends.text
        ),
    };
    let until = facts.renewable_until.filter(|_| facts.days <= 0);
    let until = until.map_or_else(String::new, |until| {
        format!("\n\nVerlängern können Sie bis {}. Danach brauchen Sie ein neues.", until.text)
    });
    let auto = if facts.auto_renew_failed {
        "\n\nEs sollte von selbst verlängert werden, aber weder ein Konto noch eine Karte zahlt dafür: bitte verlängern Sie selbst."
    } else {
        ""
    };
    let name = facts.person.display_name();
    let text = format!(
        "Guten Tag {name},\n\n{what}{until}{auto}\n\nHier verlängern Sie:\n\n{link}\n\nDiese Erinnerungen können Sie unter Manage OTP abstellen, bis auf die am letzten Tag.\n\n{brand}\n"
    );
    (subject, text)
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
        let ends = When::date(Timestamp::from_unix_seconds(1_772_460_300), &zone);
        for days in stepgate_core::subscriptions::term::NOTICE_DAYS {
            let words = |person: &Person| {
                let facts = Facts {
                    person,
                    label: "Mobile ID",
                    days,
                    ends: &ends,
                    renewable_until: Some(&ends),
                    link: "https://id.example/account/otp/renew?credential=1",
                    brand: "Stepgate",
                    auto_renew_failed: days == 7,
                };
                reminder(Language::of(person), &facts)
            };
            let (subject, text) = words(&person);
            assert!(text.starts_with("Guten Tag frieda") && text.contains("3 Mar 2026"), "{text}");
            assert!(text.contains("/account/otp/renew?credential=1") && subject.contains("Mobile ID"));
            person.claims.locale = Some("fr".to_owned());
            let (_, text) = words(&person);
            assert!(text.starts_with("Hello frieda") && text.contains("3 Mar 2026"), "{text}");
            assert_eq!(text.contains("by itself"), days == 7);
            assert_eq!(text.contains("It can be renewed until"), days <= 0);
            person.claims.locale = Some("de".to_owned());
        }
    }
}
