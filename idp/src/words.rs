//! Words in the language that a person reads (ADR 30).
//!
//! Owns: the languages, the files in `locales/` that hold their words, and the choice among them. Never: what is said
//! and when; whoever renders a page or writes a mail has decided that. English is the language that every other one is
//! checked against: the same keys, with the same facts in them.

mod choice;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use stepgate_core::account::Person;
use stepgate_core::assurance::{CredentialKind, CredentialState, label};
use stepgate_core::subscriptions::money::Money;

/// What a sentence speaks of: a name, a number.
pub use fluent_bundle::FluentValue as Fact;

type Bundle = FluentBundle<FluentResource>;

/// A language that we speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// Made up, for looking at pages: English with longer words, written from right to left. Nobody can choose it.
    Mirrored,
}

/// One set of words for each language, parsed when the first of them is needed and never again.
static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle("en", include_str!("../locales/en.ftl")));
static GERMAN: LazyLock<Bundle> = LazyLock::new(|| bundle("de", include_str!("../locales/de.ftl")));
static MIRRORED: LazyLock<Bundle> = LazyLock::new(|| {
    let mut bundle = bundle("en", include_str!("../locales/en.ftl"));
    // Where directions mix, each fact is kept apart from the sentence around it.
    bundle.set_use_isolating(true);
    bundle.set_transform(Some(stretched));
    bundle
});

fn bundle(tag: &str, source: &str) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![tag.parse().unwrap_or_default()]);
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(read, errors)| {
        tracing::error!(?errors, language = tag, "a file of words has mistakes");
        read
    });
    if let Err(errors) = bundle.add_resource(resource) {
        tracing::error!(?errors, language = tag, "a file of words says something twice");
    }
    bundle
}

/// Two vowels for each: about as much longer as the longest language.
fn stretched(text: &str) -> Cow<'_, str> {
    let mut longer = String::with_capacity(text.len() * 2);
    for letter in text.chars() {
        longer.push(letter);
        if "aeiou".contains(letter) {
            longer.push(letter);
        }
    }
    Cow::Owned(longer)
}

impl Language {
    /// All that can be chosen, with what they call themselves.
    pub const ALL: &'static [(Self, &'static str)] = &[(Self::English, "English"), (Self::German, "Deutsch")];

    /// Its tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Mirrored => "en-XB",
        }
    }

    /// In which direction it is written.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::English | Self::German => "ltr",
            Self::Mirrored => "rtl",
        }
    }

    /// Reads all words now, so that no request waits for it.
    pub fn prepare() {
        LazyLock::force(&ENGLISH);
        LazyLock::force(&GERMAN);
    }

    fn bundle(self) -> &'static Bundle {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
            Self::Mirrored => &MIRRORED,
        }
    }

    /// The words of a key.
    pub fn text(self, key: &str) -> String {
        self.say(key, [])
    }

    /// The words of a key, with these facts in them.
    pub fn say<'a>(self, key: &str, facts: impl IntoIterator<Item = (&'static str, Fact<'a>)>) -> String {
        let bundle = self.bundle();
        let pattern = bundle.get_message(key).and_then(|message| message.value());
        let Some(pattern) = pattern else {
            debug_assert!(false, "no words for {key}");
            tracing::error!(key, language = self.tag(), "there are no words for this");
            return key.to_owned();
        };
        let mut given: FluentArgs<'a> = FluentArgs::new();
        for (name, fact) in facts {
            let name: &'a str = name;
            given.set(name, fact);
        }
        let mut errors = Vec::new();
        let words = bundle.format_pattern(pattern, Some(&given), &mut errors).into_owned();
        if !errors.is_empty() {
            debug_assert!(false, "{key}: {errors:?}");
            tracing::error!(key, ?errors, language = self.tag(), "a sentence lacks a fact");
        }
        words
    }

    /// The words before and after the fact `name`, where that has markup of its own.
    pub fn around<'a>(
        self,
        key: &str,
        name: &'static str,
        facts: impl IntoIterator<Item = (&'static str, Fact<'a>)>,
    ) -> (String, String) {
        const HERE: &str = "\u{fffc}";
        let words = self.say(key, facts.into_iter().chain([(name, HERE.into())]));
        words.split_once(HERE).map(|(before, after)| (before.to_owned(), after.to_owned())).unwrap_or_default()
    }

    /// A sum as it is written: `24.00 USD` in English, as in orders and on invoices; `24,00 €` in German.
    pub fn money(self, sum: Money) -> String {
        if self != Self::German {
            return sum.to_string();
        }
        let (code, digits) = (sum.currency.as_str(), sum.currency.digits());
        let one = 10_u64.pow(digits);
        let (whole, rest) = (sum.minor.unsigned_abs() / one, sum.minor.unsigned_abs() % one);
        let sign = if sum.minor < 0 { "-" } else { "" };
        let whole = grouped(whole);
        let amount = if digits == 0 { whole } else { format!("{whole},{rest:0width$}", width = digits as usize) };
        let symbol = match code {
            "EUR" => "\u{20ac}",
            "USD" => "$",
            "GBP" => "\u{a3}",
            other => other,
        };
        format!("{sign}{amount}\u{a0}{symbol}")
    }

    /// The name of a card, which is kept as `Visa ending in 4242`.
    pub fn card(self, name: &str) -> String {
        match name.rsplit_once(" ending in ") {
            Some((brand, digits)) => self.say("card-name", [("brand", brand.into()), ("digits", digits.into())]),
            None => name.to_owned(),
        }
    }

    /// The name of a browser, which is made up as `Firefox on Linux`.
    pub fn browser(self, name: &str) -> String {
        match name.split_once(" on ") {
            Some((browser, system)) => self.say("browser-on", [("browser", browser.into()), ("system", system.into())]),
            None if name == "A browser" => self.text("browser-unknown"),
            None => name.to_owned(),
        }
    }

    /// The name of a kind of credential. Most are names of our products, and the same everywhere.
    pub fn kind(self, kind: CredentialKind) -> String {
        match kind {
            CredentialKind::Password => self.text("kind-password"),
            CredentialKind::Recovery => self.text("kind-recovery"),
            CredentialKind::PhoneOtp
            | CredentialKind::MobileId
            | CredentialKind::HardwareToken
            | CredentialKind::SecurityKey => label(kind).to_owned(),
        }
    }

    /// The word for a credential's state.
    pub fn state(self, state: CredentialState) -> String {
        self.text(match state {
            CredentialState::Pending => "state-pending",
            CredentialState::Active => "state-active",
            CredentialState::Suspended => "state-suspended",
            CredentialState::Locked => "state-locked",
            CredentialState::Expired => "state-expired",
            CredentialState::Revoked => "state-revoked",
        })
    }

    /// What a person set; `None` where they set nothing, or a language that we do not speak.
    pub fn of(person: &Person) -> Option<Self> {
        person.claims.locale.as_deref().and_then(Self::of_tag)
    }
}

/// Thousands kept apart, as Germans do.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}
