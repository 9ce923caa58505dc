//! The words for a code that was not sent.

use jiff::tz::TimeZone;
use stepgate_core::contact::{Country, NumberRefusal};

use super::phone::Sending;
use crate::pages::When;
use crate::phones::risk::Risk;
use crate::words::Language;

/// Why no code was sent, and what to do.
pub fn not_sent(language: Language, sending: &Sending) -> String {
    let key = match sending {
        Sending::Sent(_) => "sending-sent",
        Sending::TooSoon(at) => {
            let when = When::clock_in(language, *at, &TimeZone::UTC);
            return language.say("sending-too-soon", [("time", when.text.into())]);
        }
        Sending::Capped => "sending-capped",
        Sending::Failed => "sending-failed",
        Sending::Stopped => "sending-stopped",
        Sending::NoSuchPhone => "sending-no-such-phone",
        Sending::TooNew(from) => {
            let time = When::clock_in(language, *from, &TimeZone::UTC).text;
            let day = When::date_in(language, *from, &TimeZone::UTC).text;
            return language.say("sending-too-new", [("day", day.into()), ("time", time.into())]);
        }
        Sending::Refused(refusal) => return refused(language, refusal),
        Sending::Risky(Risk::Swapped) => "sending-swapped",
        Sending::Risky(Risk::Forwarded) => "sending-forwarded",
        Sending::Risky(Risk::Inactive) => "sending-inactive",
    };
    language.text(key)
}

/// Why a number gets no codes.
fn refused(language: Language, refusal: &NumberRefusal) -> String {
    let of = |key: &str, country: &Country| {
        // Names of countries are known in English only; their letters are the same everywhere.
        let name = if language == Language::English { country.in_words() } else { country.to_string() };
        language.say(key, [("country", name.into())])
    };
    match refusal {
        NumberRefusal::NotANumber => language.text("number-none"),
        NumberRefusal::Extension => language.text("number-extension"),
        NumberRefusal::NoCountry => language.text("number-no-country"),
        NumberRefusal::CountryNotAllowed(country) => of("number-country", country),
        NumberRefusal::Blocked => language.text("number-blocked"),
        NumberRefusal::Premium => language.text("number-premium"),
        NumberRefusal::Service => language.text("number-service"),
        NumberRefusal::Voip => language.text("number-voip"),
        NumberRefusal::NoTexts => language.text("number-no-texts"),
        NumberRefusal::NotDomestic(country) => of("number-not-domestic", country),
    }
}
