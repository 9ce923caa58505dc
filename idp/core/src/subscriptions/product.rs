//! What can be bought: credentials, bundles of them, identity proofing; each with its prices.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::money::{Currency, Money};
use crate::assurance::{Acceptable, CredentialKind};
use crate::contact::Reach;

/// The name of a product in configuration, orders and reports: `mobile-id-proofed`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProductId(String);

impl ProductId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ProductId {
    type Error = ProductError;

    fn try_from(text: String) -> Result<Self, ProductError> {
        let fits = (1..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(Self(text)) } else { Err(ProductError::Id) }
    }
}

impl From<ProductId> for String {
    fn from(id: ProductId) -> Self {
        id.0
    }
}

/// A product of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name in orders and reports.
    pub id: ProductId,
    /// Its name on pages.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// The kinds of credential that one key becomes, each for a year. None: identity proofing alone.
    #[serde(default)]
    pub kinds: Vec<CredentialKind>,
    /// How far a Phone OTP among them reaches.
    #[serde(default)]
    pub reach: Reach,
    /// Whether the person is identity-proofed before anything is bound.
    #[serde(default)]
    pub proofing: bool,
    /// Whether something is sent by post.
    #[serde(default)]
    pub ships: bool,
    /// Price for the first year without tax, in minor units, by currency.
    pub prices: BTreeMap<Currency, i64>,
    /// Price of another year; none where it cannot be renewed.
    #[serde(default)]
    pub renewal_prices: BTreeMap<Currency, i64>,
    /// Only for people who come from applications of these partners (by name); none: for everybody.
    #[serde(default)]
    pub partners: Vec<String>,
    /// Not sold any more. What was sold of it can be renewed.
    #[serde(default)]
    pub withdrawn: bool,
}

/// What one key of a product becomes, as it was sold: later changes of the catalogue do not touch it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gives {
    /// Credentials of these kinds.
    pub kinds: Vec<CredentialKind>,
    /// How far a Phone OTP among them reaches.
    #[serde(default)]
    pub reach: Reach,
    /// Whether the person is identity-proofed first.
    #[serde(default)]
    pub proofing: bool,
    /// Whether a token is sent by post.
    #[serde(default)]
    pub ships: bool,
}

impl Gives {
    /// Whether a key of it would become nothing.
    pub const fn is_nothing(&self) -> bool {
        self.kinds.is_empty() && !self.proofing
    }
}

/// What is wrong with a product.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// Its id.
    #[error("id: 1 to 40 small letters, digits and hyphens")]
    Id,
    /// Two of one name.
    #[error("{0}: there are two products of this id")]
    Twice(ProductId),
    /// It gives nothing.
    #[error("{0}: kinds is empty and proofing is false, so it gives nothing")]
    Nothing(ProductId),
    /// A kind that is not sold.
    #[error("{0}: kinds: {1} is not sold")]
    NotSold(ProductId, CredentialKind),
    /// No name.
    #[error("{0}: name and summary are needed")]
    Unnamed(ProductId),
    /// A price below zero, or above all reason.
    #[error("{0}: a price lies between 0 and 100000000 minor units")]
    Price(ProductId),
    /// No price at all.
    #[error("{0}: prices is empty")]
    Unpriced(ProductId),
}

const HIGHEST_PRICE: i64 = 100_000_000;

impl Product {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// What is wrong, with the product's id.
    pub fn check(&self) -> Result<(), ProductError> {
        let id = || self.id.clone();
        if self.kinds.is_empty() && !self.proofing {
            return Err(ProductError::Nothing(id()));
        }
        let unsold = |kind: &&CredentialKind| matches!(kind, CredentialKind::Password | CredentialKind::Recovery);
        if let Some(kind) = self.kinds.iter().find(unsold) {
            return Err(ProductError::NotSold(id(), *kind));
        }
        if self.name.trim().is_empty() || self.summary.trim().is_empty() {
            return Err(ProductError::Unnamed(id()));
        }
        if self.prices.is_empty() {
            return Err(ProductError::Unpriced(id()));
        }
        let prices = self.prices.values().chain(self.renewal_prices.values());
        if prices.into_iter().any(|price| !(0..=HIGHEST_PRICE).contains(price)) {
            return Err(ProductError::Price(id()));
        }
        Ok(())
    }

    /// What one key of it becomes.
    pub fn gives(&self) -> Gives {
        Gives { kinds: self.kinds.clone(), reach: self.reach, proofing: self.proofing, ships: self.ships }
    }

    /// The price of the first year.
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.get(&currency).map(|minor| Money::new(*minor, currency))
    }

    /// The price of another year.
    pub fn renewal_price(&self, currency: Currency) -> Option<Money> {
        self.renewal_prices.get(&currency).map(|minor| Money::new(*minor, currency))
    }

    /// Whether this person can buy it: who comes from, or has access to, these partners' applications.
    pub fn is_sold_to(&self, partners: &[String]) -> bool {
        !self.withdrawn && (self.partners.is_empty() || self.partners.iter().any(|it| partners.contains(it)))
    }

    /// Whether an application that accepts these would let somebody in who gets it, with what they hold already.
    pub fn fit(&self, accepts: &[Acceptable], held: &[CredentialKind], proofed: bool) -> Fit {
        self.gives().fit(accepts, held, proofed)
    }
}

impl Gives {
    /// Whether an application that accepts these would let somebody in who gets it, with what they hold already.
    pub fn fit(&self, accepts: &[Acceptable], held: &[CredentialKind], proofed: bool) -> Fit {
        let gives = |option: &&Acceptable| option.kinds.iter().any(|kind| self.kinds.contains(kind));
        let whole =
            |option: &&Acceptable| option.kinds.iter().all(|kind| self.kinds.contains(kind) || held.contains(kind));
        let helps = |option: &&Acceptable| {
            // Proofing alone is for those who lack nothing else: with a credential that is refused it is dear.
            let proofs = option.proofed && !proofed && (self.kinds.is_empty() || option.kinds.is_empty());
            gives(option) || proofs && self.proofing || option.kinds.is_empty() && !option.proofed
        };
        let proofs = |option: &&Acceptable| !option.proofed || proofed || self.proofing;
        if accepts.iter().any(|option| helps(&option) && whole(&option) && proofs(&option)) {
            return Fit::Accepted;
        }
        if accepts.iter().any(|option| gives(&option) && whole(&option)) {
            return Fit::LacksProofing;
        }
        let proofing_alone = self.kinds.is_empty() && !proofed && accepts.iter().any(|option| option.proofed);
        if proofing_alone || accepts.iter().any(|option| gives(&option)) { Fit::LacksCredential } else { Fit::Refused }
    }
}

/// How a product stands with what an application accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It lets its person in.
    Accepted,
    /// Its kind would do, of a proofed person.
    LacksProofing,
    /// It would do together with a credential that is not held.
    LacksCredential,
    /// It is not accepted.
    Refused,
}

/// Checks a whole catalogue.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_all(products: &[Product]) -> Result<(), ProductError> {
    for (place, product) in products.iter().enumerate() {
        product.check()?;
        if products.iter().skip(place + 1).any(|other| other.id == product.id) {
            return Err(ProductError::Twice(product.id.clone()));
        }
    }
    Ok(())
}

/// The products that a deployment starts with: each kind with and without proofing, the bundle, and the upgrade.
pub fn shipped() -> Vec<Product> {
    use CredentialKind::{HardwareToken, MobileId, PhoneOtp, SecurityKey};
    let usd = Currency::try_from("USD".to_owned()).ok();
    let priced = |minor: i64| usd.map(|usd| (usd, minor)).into_iter().collect::<BTreeMap<_, _>>();
    type Row = (&'static str, &'static str, &'static str, &'static [CredentialKind], i64, i64);
    let rows: [Row; 6] = [
        (
            "phone-otp-domestic",
            "Phone OTP, domestic",
            "Codes by text or call to numbers of this country.",
            &[PhoneOtp],
            2400,
            2400,
        ),
        (
            "phone-otp-international",
            "Phone OTP, international",
            "Codes by text or call to numbers abroad as well.",
            &[PhoneOtp],
            4800,
            4800,
        ),
        ("mobile-id", "Mobile ID", "Approve on your phone; codes work without a network.", &[MobileId], 3000, 3000),
        (
            "hardware-token",
            "Hardware token",
            "A small device that shows codes, sent to you by post.",
            &[HardwareToken],
            9000,
            4500,
        ),
        (
            "bundle",
            "Mobile ID and hardware token",
            "Your phone, and a token for when it is not at hand.",
            &[MobileId, HardwareToken],
            10500,
            6000,
        ),
        ("security-key", "Security key", "Use your own FIDO2 key or passkey.", &[SecurityKey], 1800, 1800),
    ];
    let mut products = Vec::new();
    for (name, title, summary, kinds, price, renewal) in rows {
        for proofing in [false, true] {
            let suffix = if proofing { ("-proofed", " with identity proofing", 4500) } else { ("", "", 0) };
            let Ok(id) = ProductId::try_from(format!("{name}{}", suffix.0)) else { continue };
            products.push(Product {
                id,
                name: format!("{title}{}", suffix.1),
                summary: summary.to_owned(),
                kinds: kinds.to_vec(),
                reach: if name == "phone-otp-domestic" { Reach::Domestic } else { Reach::International },
                proofing,
                ships: kinds.contains(&HardwareToken),
                prices: priced(price + suffix.2),
                renewal_prices: priced(renewal),
                partners: Vec::new(),
                withdrawn: false,
            });
        }
    }
    if let Ok(id) = ProductId::try_from("proofing-upgrade".to_owned()) {
        products.push(Product {
            id,
            name: "Proofing Upgrade".to_owned(),
            summary: "Your identity is proofed; every credential that you hold counts as proofed.".to_owned(),
            kinds: Vec::new(),
            reach: Reach::default(),
            proofing: true,
            ships: false,
            prices: priced(4500),
            renewal_prices: BTreeMap::new(),
            partners: Vec::new(),
            withdrawn: false,
        });
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: &str) -> Product {
        shipped().into_iter().find(|product| product.id.as_str() == id).unwrap()
    }

    #[test]
    fn the_shipped_catalogue_is_whole() {
        let products = shipped();
        assert_eq!(products.len(), 13);
        check_all(&products).unwrap();
        let usd = "USD".parse().unwrap();
        assert_eq!(product("hardware-token-proofed").price(usd).unwrap().to_string(), "135.00 USD");
        assert_eq!(product("hardware-token").renewal_price(usd).unwrap().to_string(), "45.00 USD");
        assert_eq!(product("mobile-id").price("EUR".parse().unwrap()), None);
        assert_eq!(product("proofing-upgrade").renewal_price(usd), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = product("mobile-id");
        let check = |change: &dyn Fn(&mut Product)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad.check().unwrap_err().to_string()
        };
        assert!(check(&|it| it.kinds.clear()).contains("gives nothing"));
        assert!(check(&|it| it.kinds.push(CredentialKind::Password)).contains("password is not sold"));
        assert!(check(&|it| it.name.clear()).contains("name"));
        assert!(check(&|it| it.prices.clear()).contains("prices is empty"));
        assert!(check(&|it| it.prices = it.prices.keys().map(|key| (*key, -1)).collect()).contains("between 0"));
        assert!(matches!(check_all(&[good.clone(), good]), Err(ProductError::Twice(_))));
        for wrong in ["", "Mobile", "mobile id", &"a".repeat(41)] {
            assert_eq!(ProductId::try_from(wrong.to_owned()), Err(ProductError::Id), "{wrong}");
        }
    }

    #[test]
    fn what_an_application_accepts_is_told_from_what_it_refuses() {
        use CredentialKind::{HardwareToken, MobileId, PhoneOtp};
        let wants = |kinds: &[CredentialKind], proofed| [Acceptable { kinds: kinds.to_vec(), proofed }];
        let fit = |id: &str, accepts: &[Acceptable], held: &[CredentialKind]| product(id).fit(accepts, held, false);
        let mobile = wants(&[MobileId], false);
        assert_eq!(fit("mobile-id", &mobile, &[]), Fit::Accepted);
        assert_eq!(fit("bundle", &mobile, &[]), Fit::Accepted);
        assert_eq!(fit("phone-otp-domestic", &mobile, &[]), Fit::Refused);
        assert_eq!(fit("proofing-upgrade", &mobile, &[MobileId]), Fit::Refused);
        let proofed = wants(&[MobileId], true);
        assert_eq!(fit("mobile-id", &proofed, &[]), Fit::LacksProofing);
        assert_eq!(product("mobile-id").fit(&proofed, &[], true), Fit::Accepted, "proofing belongs to the person");
        assert_eq!(fit("mobile-id-proofed", &proofed, &[]), Fit::Accepted);
        // Proofing alone is nothing to somebody who holds nothing that is accepted; then a refusal would follow.
        assert_eq!(fit("proofing-upgrade", &proofed, &[]), Fit::LacksCredential);
        assert_eq!(fit("proofing-upgrade", &proofed, &[PhoneOtp]), Fit::LacksCredential);
        assert_eq!(fit("proofing-upgrade", &proofed, &[MobileId]), Fit::Accepted);
        assert_eq!(product("proofing-upgrade").fit(&proofed, &[], true), Fit::Refused, "there is nothing to proof");
        assert_eq!(fit("phone-otp-domestic-proofed", &proofed, &[MobileId]), Fit::Refused);
        let both = wants(&[MobileId, HardwareToken], false);
        assert_eq!(fit("mobile-id", &both, &[]), Fit::LacksCredential);
        assert_eq!(fit("mobile-id", &both, &[HardwareToken]), Fit::Accepted);
        assert_eq!(fit("bundle", &both, &[]), Fit::Accepted);
        // Where a login will do, nothing is refused.
        assert_eq!(fit("phone-otp-domestic", &wants(&[], false), &[]), Fit::Accepted);
        assert_eq!(fit("proofing-upgrade", &wants(&[], true), &[]), Fit::Accepted);
        let mut theirs = product("mobile-id");
        theirs.partners.push("Iron Works Inc.".to_owned());
        assert!(!theirs.is_sold_to(&[]));
        assert!(theirs.is_sold_to(&["Iron Works Inc.".to_owned()]));
    }
}
