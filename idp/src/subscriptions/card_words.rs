//! The words about renewals by card: what will be charged, that it was, that it was not. In one place for each language.

use stepgate_core::account::Person;
use stepgate_core::subscriptions::card::NotPaid;
use stepgate_core::subscriptions::money::Money;

use super::wording::{Language, german_date};

/// What such a mail speaks of.
pub struct CardFacts<'a> {
    /// Whom it goes to.
    pub person: &'a Person,
    /// The credential's name.
    pub label: &'a str,
    /// `Visa ending in 4242`.
    pub card: &'a str,
    /// How much, with tax.
    pub price: Money,
    /// When the card is tried (next), in the person's time zone; none when it is not.
    pub on: Option<&'a str>,
    /// When the credential ends, in the person's time zone.
    pub ends: &'a str,
    /// Where to go: the credential's page, or the order's.
    pub link: &'a str,
    /// The deployment's name.
    pub brand: &'a str,
}

/// A subject and a text.
type Words = (String, String);

fn greeted(facts: &CardFacts<'_>, text: &str) -> String {
    let name = facts.person.display_name();
    let hello = match Language::of(facts.person) {
        Language::English => "Hello",
        Language::German => "Guten Tag",
    };
    format!("{hello} {name},\n\n{text}\n\n{}\n", facts.brand)
}

/// The card will be charged. `card_ends`: the card itself ends before then.
pub fn announced(facts: &CardFacts<'_>, card_ends: bool) -> Words {
    let CardFacts { label, card, price, ends, link, .. } = facts;
    let on = facts.on.unwrap_or(ends);
    let (subject, text, dead) = match Language::of(facts.person) {
        Language::English => (
            format!("{label} will be renewed on {on}"),
            format!(
                "your {label} ends on {ends}. It will be renewed by itself on {on}, for {price}, on the card {card}. There is nothing that you have to do.\n\nSwitch it off, or see what it costs, here:\n\n{link}"
            ),
            "\n\nThis card itself ends before then: please give another one, on the same page.",
        ),
        Language::German => (
            format!("{label} wird am {} verlängert", german_date(on)),
            format!(
                "Ihr {label} endet am {}. Es wird am {} von selbst verlängert, für {price}, mit der Karte {card}. Sie müssen nichts tun.\n\nHier schalten Sie das ab und sehen, was es kostet:\n\n{link}",
                german_date(ends),
                german_date(on)
            ),
            "\n\nDiese Karte selbst läuft vorher ab: bitte geben Sie auf derselben Seite eine andere an.",
        ),
    };
    let dead = if card_ends { dead } else { "" };
    (subject, greeted(facts, &format!("{text}{dead}")))
}

/// It was renewed.
pub fn renewed(facts: &CardFacts<'_>) -> Words {
    let CardFacts { label, card, price, link, .. } = facts;
    let (subject, text) = match Language::of(facts.person) {
        Language::English => (
            format!("{label} was renewed"),
            format!(
                "your {label} was renewed for another year: {price}, on the card {card}. Your device and your identity proofing stay as they are.\n\nThe order and its receipt:\n\n{link}"
            ),
        ),
        Language::German => (
            format!("{label} wurde verlängert"),
            format!(
                "Ihr {label} wurde um ein Jahr verlängert: {price}, mit der Karte {card}. Gerät und Identitätsprüfung bleiben, wie sie sind.\n\nDie Bestellung und ihre Quittung:\n\n{link}"
            ),
        ),
    };
    (subject, greeted(facts, &text))
}

/// The card did not pay.
pub fn not_paid(facts: &CardFacts<'_>, why: NotPaid) -> Words {
    let CardFacts { label, card, price, ends, link, .. } = facts;
    let (subject, text) = match Language::of(facts.person) {
        Language::English => {
            let why = match why {
                NotPaid::Authentication => "your bank wants you to confirm the payment yourself",
                NotPaid::Ended => "the card has expired",
                NotPaid::Gone => "the card is not on file any more",
                NotPaid::Declined => "your bank declined it",
            };
            let next = facts.on.map_or_else(
                || "We do not try the card again.".to_owned(),
                |on| format!("We try the card again on {on}."),
            );
            (
                format!("{label} could not be renewed"),
                format!(
                    "your {label} was to be renewed today, for {price}, on the card {card}, and {why}. Nothing was charged. It works until {ends}. {next}\n\nPay for it yourself here, with any card:\n\n{link}"
                ),
            )
        }
        Language::German => {
            let why = match why {
                NotPaid::Authentication => "Ihre Bank verlangt, dass Sie die Zahlung selbst bestätigen",
                NotPaid::Ended => "die Karte ist abgelaufen",
                NotPaid::Gone => "die Karte ist nicht mehr hinterlegt",
                NotPaid::Declined => "Ihre Bank hat abgelehnt",
            };
            let next = facts.on.map_or_else(
                || "Wir versuchen es mit der Karte nicht noch einmal.".to_owned(),
                |on| format!("Wir versuchen es mit der Karte noch einmal am {}.", german_date(on)),
            );
            (
                format!("{label} konnte nicht verlängert werden"),
                format!(
                    "Ihr {label} sollte heute verlängert werden, für {price}, mit der Karte {card}: {why}. Es wurde nichts abgebucht. Es gilt bis {}. {next}\n\nHier zahlen Sie selbst, mit einer beliebigen Karte:\n\n{link}",
                    german_date(ends)
                ),
            )
        }
    };
    (subject, greeted(facts, &text))
}

#[cfg(test)]
mod tests {
    use stepgate_core::account::StandardClaims;
    use stepgate_core::id::PersonId;
    use stepgate_core::time::Timestamp;

    use super::*;

    #[test]
    fn price_day_and_card_are_told_in_the_persons_language() {
        for (locale, hello, day) in
            [("de-AT", "Guten Tag frieda", "13. Februar 2027"), ("fr", "Hello frieda", "13 Feb 2027")]
        {
            let person = Person {
                id: PersonId::from_uuid(uuid::Uuid::from_u128(1)),
                username: "frieda".parse().unwrap(),
                claims: StandardClaims { locale: Some(locale.to_owned()), ..StandardClaims::default() },
                suspended_at: None,
                proofed_at: None,
                proofing_expires_at: None,
                created_at: Timestamp::from_unix_seconds(0),
                updated_at: Timestamp::from_unix_seconds(0),
            };
            let facts = CardFacts {
                person: &person,
                label: "Mobile ID",
                card: "Visa ending in 4242",
                price: Money::new(3000, "USD".parse().unwrap()),
                on: Some("13 Feb 2027"),
                ends: "15 Mar 2027",
                link: "https://id.example/x",
                brand: "Stepgate",
            };
            let all = [
                announced(&facts, false),
                renewed(&facts),
                not_paid(&facts, NotPaid::Declined),
                not_paid(&CardFacts { on: None, ..facts }, NotPaid::Authentication),
            ];
            for (subject, text) in &all {
                assert!(text.starts_with(hello) && subject.contains("Mobile ID"), "{text}");
                assert!(text.contains("30.00 USD") && text.contains("4242") && text.contains("/x"), "{text}");
            }
            assert!(all[0].1.contains(day) && all[2].1.contains(day));
            assert!(!all[3].1.contains(day));
        }
    }
}
