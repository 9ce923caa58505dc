//! The settings of Phone OTP: who sends, where to, how often, and for how much.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::{Country, NumberPolicy};

use crate::outbound::http_gateway::GatewaySettings;
use crate::outbound::lookup::LookupSettings;
use crate::outbound::smpp::{SmppSettings, is_private};
use crate::outbound::sns::SnsSettings;
use crate::outbound::twilio::TwilioSettings;
use crate::outbound::twilio::callback::TwilioSignature;
use crate::outbound::vonage::VonageSettings;
use crate::phones::first_text::FirstText;

/// Phone OTP. Without a provider nobody can receive codes, and the page says so.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PhoneSettings {
    /// The country where numbers without `+` are dialled, and whose numbers are domestic.
    pub home_country: String,
    /// The countries that codes are sent to. Every other is denied: pumping fraud lives on rare destinations.
    pub countries: Vec<String>,
    /// Beginnings of numbers, such as `+1900`, that codes are never sent to. Satellite and premium networks never get any.
    pub blocked_prefixes: Vec<String>,
    /// Whether numbers of internet telephone services may get codes.
    pub allow_voip: bool,
    /// Hours for which a number that was added to others cannot be used yet: who stole a session gains nothing at once.
    pub minimum_age_hours: u32,
    /// Seconds after which the next provider is asked where no receipt came.
    pub receipt_seconds: u32,
    /// The providers, in the order in which they are asked.
    pub providers: Vec<ProviderSettings>,
    /// How often.
    pub caps: Caps,
    /// What is looked at before the first code goes to a number that is being added.
    pub first_text: FirstText,
    /// For how much.
    pub spend: Spend,
    /// Which blocks of numbers are cut off because codes sent there never come back.
    pub conversion: ConversionRule,
    /// Who is asked whether a number's SIM card was changed.
    pub lookup: LookupSettings,
    /// Hours for which no code goes to a number whose SIM card was changed.
    pub swap_hours: u32,
}

impl Default for PhoneSettings {
    fn default() -> Self {
        const COUNTRIES: [&str; 20] = [
            "US", "CA", "GB", "IE", "DE", "AT", "CH", "FR", "BE", "NL", "LU", "DK", "NO", "SE", "FI", "ES", "PT", "IT",
            "AU", "NZ",
        ];
        Self {
            home_country: "US".to_owned(),
            countries: COUNTRIES.map(str::to_owned).to_vec(),
            blocked_prefixes: Vec::new(),
            allow_voip: false,
            minimum_age_hours: 72,
            receipt_seconds: 20,
            providers: Vec::new(),
            caps: Caps::default(),
            first_text: FirstText::default(),
            spend: Spend::default(),
            conversion: ConversionRule::default(),
            lookup: LookupSettings::None,
            swap_hours: 72,
        }
    }
}

impl PhoneSettings {
    /// Where codes may go; what of the settings is no country is named.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn policy(&self) -> Result<NumberPolicy, String> {
        let parse =
            |key: &str, text: &String| text.parse::<Country>().map_err(|error| format!("phone.{key}: {text}: {error}"));
        Ok(NumberPolicy {
            home: parse("home_country", &self.home_country)?,
            countries: self.countries.iter().map(|text| parse("countries", text)).collect::<Result<_, _>>()?,
            blocked: self.blocked_prefixes.clone(),
            voip: self.allow_voip,
        })
    }

    /// Everything that makes the settings unfit for production.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(self.policy().err());
        if self.blocked_prefixes.iter().any(|prefix| !prefix.starts_with('+')) {
            found.push("phone.blocked_prefixes: each begins with + and the country code".to_owned());
        }
        if !(5..=90).contains(&self.receipt_seconds) {
            found.push("phone.receipt_seconds must be 5 to 90: a code lives for 120 seconds".to_owned());
        }
        if self.conversion.minimum_percent > 100 {
            found.push("phone.conversion.minimum_percent must be 0 to 100".to_owned());
        }
        if self.first_text.form_seconds > 60 {
            found.push("phone.first_text.form_seconds must be 0 to 60: people wait no longer".to_owned());
        }
        for provider in &self.providers {
            if let ProviderKind::Smpp(smpp) = &provider.kind
                && !smpp.tls
                && !is_private(smpp)
            {
                let warning = "phone.providers: smpp without tls sends codes in the clear; set tls = true, or name an \
                               address of this machine or of a private network, where a tunnel begins";
                found.push(warning.to_owned());
            }
        }
        found
    }

    /// How long a number that was added to others rests.
    pub fn minimum_age(&self) -> Duration {
        Duration::from_secs(3600) * self.minimum_age_hours
    }
}

/// A provider of texts or calls.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct ProviderSettings {
    /// What it is called in logs and on pages; its kind when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// What a text costs there, in minor units; `phone.spend.price` when absent.
    #[serde(default)]
    pub price: Option<u64>,
    /// What a text to a country costs there, in minor units.
    #[serde(default)]
    pub prices: BTreeMap<String, u64>,
    /// What a call costs there, in minor units; `phone.spend.voice_price` when absent.
    #[serde(default)]
    pub voice_price: Option<u64>,
    /// Its kind and its account.
    #[serde(flatten)]
    pub kind: ProviderKind,
}

/// The kinds of providers.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProviderKind {
    /// Twilio: texts, and calls where its signature can be checked.
    Twilio(TwilioAccount),
    /// Vonage: texts.
    Vonage(VonageSettings),
    /// AWS SNS: texts, without receipts.
    Sns(SnsSettings),
    /// Any HTTP API, described by templates: texts, without receipts.
    Gateway(GatewaySettings),
    /// A message centre by SMPP 3.4: texts.
    Smpp(SmppSettings),
}

/// A Twilio account and the secret of its API key.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct TwilioAccount {
    /// The account.
    #[serde(flatten)]
    pub account: TwilioSettings,
    /// The API key's secret.
    pub api_key_secret: String,
    /// The account's auth token: Twilio signs with it what it tells, and what it asks during a call. Without it, or
    /// `webhook_key`, this account sends texts only, and nobody learns what became of them.
    #[serde(default)]
    pub auth_token: Option<String>,
    /// The shared key for webhooks, where the account signs with HMAC-SHA-256. Signatures with the auth token are then
    /// believed no longer.
    #[serde(default)]
    pub webhook_key: Option<String>,
}

impl TwilioAccount {
    /// What its signatures are checked with.
    pub fn signing_key(&self) -> Option<(&str, TwilioSignature)> {
        let strong = self.webhook_key.as_deref().map(|key| (key, TwilioSignature::Sha256));
        strong.or(self.auth_token.as_deref().map(|key| (key, TwilioSignature::Sha1)))
    }
}

impl ProviderSettings {
    /// Its name.
    pub fn name(&self) -> &str {
        let kind = match &self.kind {
            ProviderKind::Twilio(_) => "twilio",
            ProviderKind::Vonage(_) => "vonage",
            ProviderKind::Sns(_) => "sns",
            ProviderKind::Gateway(_) => "gateway",
            ProviderKind::Smpp(_) => "smpp",
        };
        self.name.as_deref().unwrap_or(kind)
    }

    /// What messages cost there.
    pub fn prices(&self, usual: &Spend) -> Prices {
        let mut countries = usual.prices.clone();
        if self.price.is_some() {
            countries.clear();
        }
        countries.extend(self.prices.clone());
        Prices {
            text: self.price.unwrap_or(usual.price),
            countries,
            call: self.voice_price.unwrap_or(usual.voice_price),
        }
    }
}

/// What messages cost, in minor units.
#[derive(Clone, Debug)]
pub struct Prices {
    text: u64,
    countries: BTreeMap<String, u64>,
    call: u64,
}

impl Prices {
    /// What a text to a country costs.
    pub fn text(&self, country: Option<Country>) -> u64 {
        country.and_then(|country| self.countries.get(country.as_str())).copied().unwrap_or(self.text)
    }

    /// What a call costs.
    pub const fn call(&self) -> u64 {
        self.call
    }
}

/// How many codes at most. Counted over all nodes; 0 is no cap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    /// Seconds between two codes to one number, whoever asks.
    pub pause_seconds: u32,
    /// To one number in an hour.
    pub number_hour: u32,
    /// To one number in a day.
    pub number_day: u32,
    /// To one block of ten thousand numbers in an hour.
    pub prefix_hour: u32,
    /// From one network address in an hour.
    pub address_hour: u32,
    /// For one person in an hour, over all their numbers.
    pub person_hour: u32,
    /// For one organization's people in an hour.
    pub organization_hour: u32,
    /// Calls to one number in an hour. Calls count as codes as well.
    pub voice_number_hour: u32,
    /// Calls to one block of ten thousand numbers in an hour.
    pub voice_prefix_hour: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            pause_seconds: 60,
            number_hour: 5,
            number_day: 10,
            prefix_hour: 50,
            address_hour: 60,
            person_hour: 10,
            organization_hour: 500,
            voice_number_hour: 3,
            voice_prefix_hour: 10,
        }
    }
}

impl Caps {
    /// For the demo, where one person plays many people on one machine.
    pub const fn of_the_demo() -> Self {
        Self {
            pause_seconds: 0,
            number_hour: 5,
            number_day: 0,
            prefix_hour: 0,
            address_hour: 0,
            person_hour: 0,
            organization_hour: 0,
            voice_number_hour: 5,
            voice_prefix_hour: 0,
        }
    }
}

/// What may be spent. Prices are in minor units (cents), rounded up.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spend {
    /// The currency, for pages.
    pub currency: String,
    /// In a day (UTC), in minor units; beyond, sending stops until an operator starts it again. 0 is no cap.
    pub per_day: u64,
    /// What a text costs.
    pub price: u64,
    /// What a text to a country costs, where it differs.
    pub prices: BTreeMap<String, u64>,
    /// What a call costs.
    pub voice_price: u64,
}

impl Default for Spend {
    fn default() -> Self {
        Self { currency: "USD".to_owned(), per_day: 10_000, price: 5, prices: BTreeMap::new(), voice_price: 10 }
    }
}

impl Spend {
    /// The usual prices.
    pub fn prices(&self) -> Prices {
        Prices { text: self.price, countries: self.prices.clone(), call: self.voice_price }
    }

    /// An amount as people read it.
    pub fn amount(&self, minor: u64) -> String {
        format!("{}.{:02} {}", minor / 100, minor % 100, self.currency)
    }
}

/// When a block of numbers is cut off.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConversionRule {
    /// Of a hundred codes sent into a block since yesterday, so many at least must have been used. 0 cuts nothing off.
    pub minimum_percent: u32,
    /// A block with fewer codes is not judged.
    pub after: u32,
}

impl Default for ConversionRule {
    fn default() -> Self {
        Self { minimum_percent: 15, after: 50 }
    }
}

impl ConversionRule {
    /// Whether a block is cut off that so many codes were sent into, and used from.
    pub const fn cuts(&self, sent: u64, used: u64) -> bool {
        sent >= self.after as u64 && self.after > 0 && used * 100 < sent * self.minimum_percent as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_of_a_provider_win_over_the_usual_ones() {
        let usual = Spend { prices: BTreeMap::from([("DE".to_owned(), 9)]), ..Spend::default() };
        let provider = |json: &str| serde_json::from_str::<ProviderSettings>(json).unwrap().prices(&usual);
        let account = r#""kind": "sns", "region": "r", "access_key_id": "a", "secret_access_key": "s""#;
        let germany = Some("DE".parse().unwrap());
        let plain = provider(&format!("{{ {account} }}"));
        assert_eq!((plain.text(germany), plain.text(None), plain.call()), (9, 5, 10));
        let own = provider(&format!(r#"{{ {account}, "price": 2, "prices": {{ "US": 1 }} }}"#));
        assert_eq!((own.text(germany), own.text(Some("US".parse().unwrap()))), (2, 1));
    }

    #[test]
    fn t11_a_block_is_cut_off_when_codes_never_come_back() {
        let rule = ConversionRule { minimum_percent: 15, after: 50 };
        let cases = [((49, 0), false), ((50, 7), true), ((50, 8), false), ((1000, 150), false), ((1000, 149), true)];
        for ((sent, used), expected) in cases {
            assert_eq!(rule.cuts(sent, used), expected, "{sent} {used}");
        }
        assert!(!ConversionRule { minimum_percent: 0, after: 50 }.cuts(1000, 0));
    }
}
