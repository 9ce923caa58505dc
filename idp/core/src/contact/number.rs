//! What the world's numbering plans know of a telephone number, and which numbers a deployment sends codes to.
//!
//! Owns: national input, the country, the kind of line, and the policy. Never: whether a number is anybody's; only a code
//! that comes back shows that.

use std::fmt;
use std::str::FromStr;

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, Type};
use serde::{Deserialize, Serialize};

use super::PhoneNumber;

/// The names of all countries that the numbering plans know.
const NAMES: &str = include_str!("countries.txt");

/// A country of the numbering plans: two capital letters (ISO 3166-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// The text names no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a country as two letters of ISO 3166-1, such as US or DE")]
pub struct UnknownCountry;

impl Country {
    /// Its two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Its English name, as people write it (Unicode CLDR).
    pub fn name(&self) -> &str {
        let named = NAMES.lines().find_map(|line| line.strip_prefix(self.as_str())?.strip_prefix(' '));
        named.unwrap_or(self.as_str())
    }

    /// Its name within a sentence: `the United States`.
    pub fn in_words(self) -> String {
        const WITH_ARTICLE: [&str; 7] =
            ["Bahamas", "Comoros", "Gambia", "Isle of Man", "Maldives", "Netherlands", "Philippines"];
        const ENDINGS: [&str; 6] = [" Emirates", " Islands", " Kingdom", " Republic", " States", " Territories"];
        let name = self.name();
        let takes_it = WITH_ARTICLE.contains(&name)
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
            || name.contains("Republic of");
        if takes_it { format!("the {name}") } else { name.to_owned() }
    }

    /// Its calling code: 1 for the United States.
    pub fn calling_code(self) -> Option<u16> {
        DATABASE.by_id(self.as_str()).map(phonenumber::Metadata::country_code)
    }

    /// `011 49 …` as it is dialled in the United States becomes `+49 …`.
    fn without_international_prefix(self, text: &str) -> String {
        let prefix = match self.calling_code() {
            Some(1) => "011",
            Some(61) => "0011",
            Some(81) => "010",
            _ => "00",
        };
        let dialled: String =
            text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '#' | ';' | ',')).collect();
        dialled.strip_prefix(prefix).map_or_else(|| text.to_owned(), |rest| format!("+{rest}"))
    }

    /// Whether a number there is domestic to `home`. The United States' territories are.
    pub fn is_domestic_to(self, home: Self) -> bool {
        const AMERICAN: [&str; 6] = ["US", "PR", "VI", "GU", "MP", "AS"];
        self == home || AMERICAN.contains(&home.as_str()) && AMERICAN.contains(&self.as_str())
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        let letters: [u8; 2] = text.trim().to_ascii_uppercase().into_bytes().try_into().map_err(|_| UnknownCountry)?;
        let country = Self(letters);
        country.calling_code().map(|_| country).ok_or(UnknownCountry)
    }
}

impl TryFrom<String> for Country {
    type Error = UnknownCountry;

    fn try_from(text: String) -> Result<Self, UnknownCountry> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of line a number is, as far as its digits tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A mobile phone.
    Mobile,
    /// A landline.
    Fixed,
    /// One of both: in North America the digits do not tell.
    FixedOrMobile,
    /// Telephony over the internet.
    Voip,
    /// The caller pays more than for a call.
    Premium,
    /// A service, a pager, a mailbox: nobody's own line.
    Service,
    /// The plan does not say.
    Unknown,
}

/// How far a Phone OTP product reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Numbers of the deployment's own country.
    Domestic,
    /// Numbers of every country that the deployment sends to.
    #[default]
    International,
}

impl Reach {
    /// Whether whoever pays for this reach has paid for the other.
    pub const fn covers(self, other: Self) -> bool {
        matches!((self, other), (Self::International, _) | (_, Self::Domestic))
    }
}

/// Why no code is sent to a number. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberRefusal {
    /// It does not parse, or the plan has no such number.
    #[error(
        "This is not a number that can be dialled. Write it as you dial it at home, or with + and the country code."
    )]
    NotANumber,
    /// With an extension.
    #[error("A number with an extension cannot get codes. Type a number that rings at your own phone.")]
    Extension,
    /// Satellite phones and other networks without a country.
    #[error("Codes are not sent to satellite phones and other networks without a country. Use a number of a country.")]
    NoCountry,
    /// Not on the list.
    #[error("Codes are not sent to numbers in {}. Use a number of another country, or another kind of credential.", .0.in_words())]
    CountryNotAllowed(Country),
    /// The operator blocked the beginning of the number.
    #[error("Codes are not sent to numbers that begin like this one. Use another number.")]
    Blocked,
    /// The caller would pay more than for a call.
    #[error("This is a number with a surcharge. Use the number of your own phone.")]
    Premium,
    /// A service number.
    #[error("This is the number of a service, not of a phone. Use the number of your own phone.")]
    Service,
    /// Telephony over the internet.
    #[error(
        "This number belongs to an internet telephone service, which anybody who knows its password can read. Use the number of a mobile phone or a landline."
    )]
    Voip,
    /// A landline, and texts are wished for.
    #[error("This is a landline, and texts do not arrive there. Choose calls instead.")]
    NoTexts,
    /// The product is for domestic numbers.
    #[error(
        "Your Phone OTP is for numbers in {} only. Use such a number, or get Phone OTP for international numbers.",
        .0.in_words()
    )]
    NotDomestic(Country),
}

impl PhoneNumber {
    /// A number as people type it: in national form, then of `home`, or in international form.
    ///
    /// # Errors
    /// [`NumberRefusal::NotANumber`] or [`NumberRefusal::Extension`].
    pub fn parse_in(home: Country, text: &str) -> Result<Self, NumberRefusal> {
        // Full-width digits are digits too; letters are a slip, whatever an advertisement spells with them.
        let text: String = text.trim().chars().map(ascii_digit).collect();
        if text.len() > 40 || text.chars().any(char::is_alphabetic) {
            return Err(NumberRefusal::NotANumber);
        }
        let country = home.as_str().parse().map_err(|_| NumberRefusal::NotANumber)?;
        let text = home.without_international_prefix(&text);
        // With a country at hand, the library takes that country's trunk prefix off foreign numbers as well.
        let hint = (!text.starts_with('+')).then_some(country);
        let parsed = phonenumber::parse(hint, &text).map_err(|_| NumberRefusal::NotANumber)?;
        if parsed.extension().is_some() {
            return Err(NumberRefusal::Extension);
        }
        if !parsed.is_valid() {
            return Err(NumberRefusal::NotANumber);
        }
        parsed.format().mode(Mode::E164).to_string().parse().map_err(|_| NumberRefusal::NotANumber)
    }

    /// The country; `None` for satellite phones and the like, and for numbers that no plan has.
    pub fn country(&self) -> Option<Country> {
        let parsed = phonenumber::parse(None, self.as_e164()).ok()?;
        parsed.country().id()?.as_ref().parse().ok()
    }

    /// What kind of line it is.
    pub fn line(&self) -> Line {
        let Ok(parsed) = phonenumber::parse(None, self.as_e164()) else { return Line::Unknown };
        match parsed.number_type(&DATABASE) {
            Type::Mobile => Line::Mobile,
            Type::FixedLine => Line::Fixed,
            Type::FixedLineOrMobile => Line::FixedOrMobile,
            Type::Voip => Line::Voip,
            Type::PremiumRate | Type::SharedCost => Line::Premium,
            Type::TollFree | Type::Pager | Type::Uan | Type::Voicemail | Type::ShortCode | Type::Emergency => {
                Line::Service
            }
            Type::PersonalNumber | Type::StandardRate | Type::Carrier | Type::NoInternational | Type::Unknown => {
                Line::Unknown
            }
        }
    }

    /// The block of ten thousand that the number is in: what is bought, and abused, as one.
    pub fn block(&self) -> &str {
        self.as_e164().split_at_checked(self.as_e164().len().saturating_sub(4)).map_or("", |(block, _)| block)
    }
}

fn ascii_digit(character: char) -> char {
    let full_width = u32::from(character).checked_sub(0xff10).filter(|digit| *digit < 10);
    full_width.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(if character == '\u{ff0b}' {
        '+'
    } else {
        character
    })
}

/// Which numbers a deployment sends codes to. What is not allowed is denied.
#[derive(Clone, Debug)]
pub struct NumberPolicy {
    /// Where national input is dialled, and what *domestic* means.
    pub home: Country,
    /// The countries that codes are sent to.
    pub countries: Vec<Country>,
    /// Beginnings of numbers, `+1900`, that codes are never sent to.
    pub blocked: Vec<String>,
    /// Whether telephony over the internet may get codes.
    pub voip: bool,
}

/// Networks without a country (ITU-T E.164 annex, shared codes): Inmarsat, satellites, international networks, premium.
const WITHOUT_COUNTRY: [&str; 7] = ["+870", "+878", "+881", "+882", "+883", "+888", "+979"];

impl NumberPolicy {
    /// Whether codes may go to a number, by text if `texts`, for a product of this reach.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn judge(&self, number: &PhoneNumber, texts: bool, reach: Reach) -> Result<Country, NumberRefusal> {
        let digits = number.as_e164();
        if WITHOUT_COUNTRY.iter().any(|prefix| digits.starts_with(prefix)) {
            return Err(NumberRefusal::NoCountry);
        }
        if self.blocked.iter().any(|prefix| !prefix.is_empty() && digits.starts_with(prefix.as_str())) {
            return Err(NumberRefusal::Blocked);
        }
        match (number.line(), texts) {
            (Line::Premium, _) => return Err(NumberRefusal::Premium),
            (Line::Service, _) => return Err(NumberRefusal::Service),
            (Line::Voip, _) if !self.voip => return Err(NumberRefusal::Voip),
            (Line::Fixed, true) => return Err(NumberRefusal::NoTexts),
            (Line::Mobile | Line::Fixed | Line::FixedOrMobile | Line::Voip | Line::Unknown, _) => {}
        }
        let country = number.country().ok_or(NumberRefusal::NotANumber)?;
        if !self.countries.contains(&country) {
            return Err(NumberRefusal::CountryNotAllowed(country));
        }
        if reach == Reach::Domestic && !country.is_domestic_to(self.home) {
            return Err(NumberRefusal::NotDomestic(self.home));
        }
        Ok(country)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(text: &str) -> Country {
        text.parse().unwrap()
    }

    #[test]
    fn national_and_international_input_becomes_one_number() {
        for (home, typed, expected) in [
            ("US", "(202) 555-0101", Ok("+12025550101")),
            ("US", "1 202 555 0101", Ok("+12025550101")),
            ("US", "+1 202.555.0101", Ok("+12025550101")),
            ("US", "\u{ff0b}\u{ff11}\u{ff12}\u{ff10}\u{ff12}5550101", Ok("+12025550101")),
            ("DE", "0151 23456789", Ok("+4915123456789")),
            ("US", "+49 151 23456789", Ok("+4915123456789")),
            ("US", "011 49 151 23456789", Ok("+4915123456789")),
            ("GB", "07912 345678", Ok("+447912345678")),
            ("IT", "312 345 6789", Ok("+393123456789")),
            ("US", "2025550101 ext. 5", Err(NumberRefusal::NotANumber)),
            ("US", "202 555 0101 #5", Err(NumberRefusal::Extension)),
            ("US", "1-800-FLOWERS", Err(NumberRefusal::NotANumber)),
            ("US", "555 0101", Err(NumberRefusal::NotANumber)),
            ("US", "+1 102 555 0101", Err(NumberRefusal::NotANumber)),
            ("US", "", Err(NumberRefusal::NotANumber)),
            ("US", "+", Err(NumberRefusal::NotANumber)),
            ("US", "999999999999999999999999999999999999999999", Err(NumberRefusal::NotANumber)),
        ] {
            let parsed = PhoneNumber::parse_in(country(home), typed);
            assert_eq!(parsed.as_ref().map(PhoneNumber::as_e164).map_err(Clone::clone), expected, "{home} {typed}");
        }
    }

    #[test]
    fn t11_what_costs_more_or_belongs_to_nobody_gets_no_code() {
        let policy = NumberPolicy {
            home: country("US"),
            countries: ["US", "GB", "DE", "PR"].map(country).to_vec(),
            blocked: vec!["+4477".to_owned()],
            voip: false,
        };
        let germany = country("DE");
        for (number, texts, reach, expected) in [
            ("+12025550101", true, Reach::Domestic, Ok(country("US"))),
            ("+17875550101", true, Reach::Domestic, Ok(country("PR"))),
            ("+4915123456789", true, Reach::International, Ok(germany)),
            ("+4915123456789", true, Reach::Domestic, Err(NumberRefusal::NotDomestic(country("US")))),
            ("+4930123456", false, Reach::International, Ok(germany)),
            ("+4930123456", true, Reach::International, Err(NumberRefusal::NoTexts)),
            ("+33612345678", true, Reach::International, Err(NumberRefusal::CountryNotAllowed(country("FR")))),
            ("+19002345678", false, Reach::International, Err(NumberRefusal::Premium)),
            ("+18002345678", false, Reach::International, Err(NumberRefusal::Service)),
            ("+447712345678", true, Reach::International, Err(NumberRefusal::Blocked)),
            ("+870773111632", false, Reach::International, Err(NumberRefusal::NoCountry)),
            ("+881612345678", false, Reach::International, Err(NumberRefusal::NoCountry)),
            ("+8821612345678", false, Reach::International, Err(NumberRefusal::NoCountry)),
            ("+883510000000094", false, Reach::International, Err(NumberRefusal::NoCountry)),
            ("+979123456789", false, Reach::International, Err(NumberRefusal::NoCountry)),
            ("+99912345678", false, Reach::International, Err(NumberRefusal::NotANumber)),
            ("+445612345678", true, Reach::International, Err(NumberRefusal::Voip)),
        ] {
            assert_eq!(policy.judge(&number.parse().unwrap(), texts, reach), expected, "{number}");
        }
    }

    #[test]
    fn countries_and_blocks() {
        assert_eq!("us".parse::<Country>().map(|us| us.to_string()), Ok("US".to_owned()));
        assert_eq!(country("DE").calling_code(), Some(49));
        // What the plans know beside countries has a number for a name.
        for known in DATABASE.iter().filter_map(|known| known.id().parse::<Country>().ok()) {
            assert_ne!(known.name(), known.as_str(), "has no name");
        }
        let words = NumberRefusal::NotDomestic(country("US")).to_string();
        assert!(
            words.contains("for numbers in the United States only") && words.contains("get Phone OTP for"),
            "{words}"
        );
        assert!(NumberRefusal::CountryNotAllowed(country("FR")).to_string().contains("numbers in France."));
        assert_eq!(
            (country("CD").in_words(), country("DE").in_words()),
            ("the Democratic Republic of the Congo".to_owned(), "Germany".to_owned())
        );
        for unknown in ["", "USA", "XX", "001", "\u{fc}"] {
            assert_eq!(unknown.parse::<Country>(), Err(UnknownCountry), "{unknown}");
        }
        assert_eq!("+12025550101".parse::<PhoneNumber>().unwrap().block(), "+1202555");
    }
}
