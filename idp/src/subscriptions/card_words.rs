//! The mails about renewals by card: what will be charged, that it was, that it was not. Their words are in `locales/`.

use stepgate_core::account::Person;
use stepgate_core::subscriptions::card::NotPaid;
use stepgate_core::subscriptions::money::Money;

use crate::words::Language;

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

/// A mail: the subject's key, and the keys of its sentences with the link at the end.
fn mail(facts: &CardFacts<'_>, subject: &str, sentences: &[&str]) -> Words {
    let language = Language::of(facts.person).unwrap_or_default();
    let on = facts.on.unwrap_or(facts.ends);
    let say = |key: &str| {
        let known = [("label", facts.label.into()), ("on", on.into()), ("ends", facts.ends.into())];
        let money = [("price", language.money(facts.price).into()), ("card", language.card(facts.card).into())];
        language.say(key, known.into_iter().chain(money))
    };
    let greeting = language.say("mail-greeting", [("name", facts.person.display_name().into())]);
    let said: Vec<String> = sentences.iter().map(|key| say(key)).collect();
    let text = said.join("\n\n");
    (say(subject), format!("{greeting}\n\n{text}\n\n{}\n\n{}\n", facts.link, facts.brand))
}

/// The card will be charged. `card_ends`: the card itself ends before then.
pub fn announced(facts: &CardFacts<'_>, card_ends: bool) -> Words {
    let link = if card_ends { "card-announced-ends" } else { "card-announced-link" };
    mail(facts, "card-announced-subject", &["card-announced", link])
}

/// It was renewed.
pub fn renewed(facts: &CardFacts<'_>) -> Words {
    mail(facts, "auto-renewed-subject", &["card-renewed", "card-renewed-link"])
}

/// The card did not pay.
pub fn not_paid(facts: &CardFacts<'_>, why: NotPaid) -> Words {
    let why = match why {
        NotPaid::Authentication => "card-not-paid-authentication",
        NotPaid::Ended => "card-not-paid-ended",
        NotPaid::Gone => "card-not-paid-gone",
        NotPaid::Declined => "card-not-paid-declined",
    };
    let next = if facts.on.is_some() { "card-not-paid-again" } else { "card-not-paid-last" };
    mail(facts, "card-not-paid-subject", &[why, next, "card-not-paid-link"])
}

#[cfg(test)]
mod tests {
    use stepgate_core::account::StandardClaims;
    use stepgate_core::id::PersonId;
    use stepgate_core::time::Timestamp;

    use super::*;

    #[test]
    fn price_day_and_card_are_told_in_the_persons_language() {
        let german = ("de-AT", "Guten Tag frieda", "30,00\u{a0}$");
        for (locale, hello, sum) in [german, ("fr", "Hello frieda", "30.00 USD")] {
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
                assert!(text.contains(sum) && text.contains("4242") && text.contains("/x"), "{text}");
            }
            assert!(all[0].1.contains("13 Feb 2027") && all[2].1.contains("13 Feb 2027"));
            assert!(!all[3].1.contains("13 Feb 2027"));
        }
    }
}
