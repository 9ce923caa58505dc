//! The words of reminders, in one place for each language.

use stepgate_core::account::Person;

use crate::pages::When;

/// What a reminder speaks of.
pub struct Facts<'a> {
    /// Whom it goes to.
    pub person: &'a Person,
    /// The credential's name.
    pub label: &'a str,
    /// Days left of the person's calendar; negative when it has ended.
    pub days: i16,
    /// When it ends, in the person's time zone.
    pub ends: &'a When,
    /// What can be done about it.
    pub way: &'a Way,
    /// Where that is done.
    pub link: &'a str,
    /// The deployment's name.
    pub brand: &'a str,
    /// Whether it was to be renewed by itself, and could not be.
    pub auto_renew_failed: bool,
}

/// What the reader of a reminder can do; dates are in their time zone.
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
    let end = match facts.days {
        2.. => format!("ends in {} days", facts.days),
        1 => "ends tomorrow".to_owned(),
        0 => "ends today".to_owned(),
        _ => "has ended".to_owned(),
    };
    let subject = match facts.way {
        Way::Activate | Way::NeverActivated => format!("{label}, not activated, {end}"),
        Way::Renew { .. } | Way::RenewFrom(_) | Way::Anew => format!("{label} {end}"),
    };
    let what = match facts.days {
        _ if matches!(facts.way, Way::Activate) => format!(
            "your {label} was bought and has not been activated. Its year runs all the same, until {}: activate it, and it is of use to you until then.",
            ends.exact
        ),
        _ if matches!(facts.way, Way::NeverActivated) => format!(
            "your {label} was bought and never activated, and its year ended on {}. It can be neither activated nor renewed; when you need one, get a new one.",
            ends.text
        ),
        1.. => format!("your {label} ends on {}.", ends.text),
        0 => format!(
            "your {label} ends today, at {}. From then on it cannot be used to elevate. Your password still works.",
            ends.exact
        ),
        _ => format!("your {label} ended on {}, and applications that ask for it are closed to you.", ends.text),
    };
    let then = match (facts.way, facts.days) {
        (Way::Activate | Way::NeverActivated, _) => String::new(),
        (Way::Renew { .. }, 1..) => " Renew it before then, and nothing changes: your device and your identity proofing stay, and a year is added to that date.".to_owned(),
        (Way::Renew { until }, _) => format!(
            " You can still renew it: your device and your identity proofing stay.\n\nIt can be renewed until {}. After that you need a new one.",
            until.exact
        ),
        (Way::RenewFrom(from), _) => format!(" It can be renewed from {} on; your device and your identity proofing stay then.", from.text),
        (Way::Anew, _) => " It cannot be renewed: you need a new one.".to_owned(),
    };
    let auto = if facts.auto_renew_failed && matches!(facts.way, Way::Renew { .. }) {
        "\n\nIt was to be renewed by itself, and was not, because neither an account nor a card pays for it, or for a fault of ours: please renew it yourself."
    } else {
        ""
    };
    let do_it = match facts.way {
        Way::Activate => "Activate it here:",
        Way::Renew { .. } => "Renew it here:",
        Way::RenewFrom(_) => "It will be renewed here:",
        Way::NeverActivated | Way::Anew => "What you have, and where you get another one:",
    };
    let name = facts.person.display_name();
    let text = format!(
        "Hello {name},\n\n{what}{then}{auto}\n\n{do_it}\n\n{link}\n\nYou can switch off these reminders under Manage OTP, but for the one on the last day.\n\n{brand}\n"
    );
    (subject, text)
}

fn german(facts: &Facts<'_>) -> (String, String) {
    let Facts { label, ends, link, brand, .. } = facts;
    let end = match facts.days {
        2.. => format!("endet in {} Tagen", facts.days),
        1 => "endet morgen".to_owned(),
        0 => "endet heute".to_owned(),
        _ => "ist abgelaufen".to_owned(),
    };
    let subject = match facts.way {
        Way::Activate | Way::NeverActivated => format!("{label}, nicht aktiviert, {end}"),
        Way::Renew { .. } | Way::RenewFrom(_) | Way::Anew => format!("{label} {end}"),
    };
    let what = match facts.days {
        _ if matches!(facts.way, Way::Activate) => format!(
            "Ihr {label} wurde gekauft und noch nicht aktiviert. Das Jahr läuft trotzdem, bis {}: aktivieren Sie es, und Sie können es bis dahin verwenden.",
            german_date(&ends.exact)
        ),
        _ if matches!(facts.way, Way::NeverActivated) => format!(
            "Ihr {label} wurde gekauft und nie aktiviert; das Jahr ist am {} abgelaufen. Es lässt sich nicht mehr aktivieren und nicht verlängern; wenn Sie eines brauchen, holen Sie ein neues.",
            german_date(&ends.text)
        ),
        1.. => format!("Ihr {label} endet am {}.", german_date(&ends.text)),
        0 => format!(
            "Ihr {label} endet heute, um {}. Danach kann damit nicht mehr verstärkt werden. Ihr Passwort gilt weiter.",
            german_date(&ends.exact)
        ),
        _ => format!(
            "Ihr {label} ist am {} abgelaufen; Anwendungen, die es verlangen, sind für Sie geschlossen.",
            german_date(&ends.text)
        ),
    };
    let then = match (facts.way, facts.days) {
        (Way::Activate | Way::NeverActivated, _) => String::new(),
        (Way::Renew { .. }, 1..) => " Wenn Sie vorher verlängern, ändert sich nichts: Gerät und Identitätsprüfung bleiben, und an dieses Datum wird ein Jahr angehängt.".to_owned(),
        (Way::Renew { until }, _) => format!(
            " Sie können noch verlängern: Gerät und Identitätsprüfung bleiben.\n\nVerlängern können Sie bis {}. Danach brauchen Sie ein neues.",
            german_date(&until.exact)
        ),
        (Way::RenewFrom(from), _) => format!(" Verlängern können Sie ab {}; Gerät und Identitätsprüfung bleiben dann.", german_date(&from.text)),
        (Way::Anew, _) => " Verlängern lässt es sich nicht: Sie brauchen ein neues.".to_owned(),
    };
    let auto = if facts.auto_renew_failed && matches!(facts.way, Way::Renew { .. }) {
        "\n\nEs sollte von selbst verlängert werden, was nicht gelang, weil weder ein Konto noch eine Karte dafür zahlt oder bei uns etwas schiefging: bitte verlängern Sie selbst."
    } else {
        ""
    };
    let do_it = match facts.way {
        Way::Activate => "Hier aktivieren Sie:",
        Way::Renew { .. } => "Hier verlängern Sie:",
        Way::RenewFrom(_) => "Hier wird verlängert:",
        Way::NeverActivated | Way::Anew => "Was Sie haben, und wo Sie ein neues bekommen:",
    };
    let name = facts.person.display_name();
    let text = format!(
        "Guten Tag {name},\n\n{what}{then}{auto}\n\n{do_it}\n\n{link}\n\nDiese Erinnerungen können Sie unter Manage OTP abstellen, bis auf die am letzten Tag.\n\n{brand}\n"
    );
    (subject, text)
}

/// A date as Germans write it: `2. März 2026`, of `2 Mar 2026`.
pub(super) fn german_date(english: &str) -> String {
    const MONTHS: [(&str, &str); 12] = [
        (" Jan ", ". Januar "),
        (" Feb ", ". Februar "),
        (" Mar ", ". März "),
        (" Apr ", ". April "),
        (" May ", ". Mai "),
        (" Jun ", ". Juni "),
        (" Jul ", ". Juli "),
        (" Aug ", ". August "),
        (" Sep ", ". September "),
        (" Oct ", ". Oktober "),
        (" Nov ", ". November "),
        (" Dec ", ". Dezember "),
    ];
    let of = |(short, long): &(&str, &str)| english.contains(short).then(|| english.replacen(short, long, 1));
    MONTHS.iter().find_map(of).unwrap_or_else(|| english.to_owned())
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
                    way: &Way::Renew { until: ends.clone() },
                    link: "https://id.example/account/otp/renew?credential=1",
                    brand: "Stepgate",
                    auto_renew_failed: days == 7,
                };
                reminder(Language::of(person), &facts)
            };
            let (subject, text) = words(&person);
            assert!(text.starts_with("Guten Tag frieda") && text.contains("3. März 2026"), "{text}");
            assert!(text.contains("/account/otp/renew?credential=1") && subject.contains("Mobile ID"));
            person.claims.locale = Some("fr".to_owned());
            let (_, text) = words(&person);
            assert!(text.starts_with("Hello frieda") && text.contains("3 Mar 2026"), "{text}");
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
        let ends = When::date(Timestamp::from_unix_seconds(1_772_460_300), &TimeZone::UTC);
        for language in [Language::English, Language::German] {
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
