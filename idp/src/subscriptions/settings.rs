//! What is sold and for how much, and the rules of terms.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::Reach;
use stepgate_core::subscriptions::money::Currency;
use stepgate_core::subscriptions::product::{self, Product, ProductId};
use stepgate_core::subscriptions::term::{TermRules, TermStart};

/// Credentials as annual subscriptions.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubscriptionSettings {
    /// The currency of the deployment (ISO 4217). Products without a price in it are not sold.
    pub currency: String,
    /// What the tax is called on receipts.
    pub tax_name: String,
    /// The tax on top of prices, in hundredths of a percent: 1900 is 19 %.
    pub tax_basis_points: u32,
    /// From when the first year counts: `purchase` or `activation`.
    pub term_starts: String,
    /// Days before its end from which a subscription can be renewed.
    pub renewal_opens_days: u16,
    /// Months after its end until which it can be renewed; 12 at most.
    pub renewal_closes_months: u8,
    /// The products, in the order in which they are shown.
    pub products: Vec<ProductSettings>,
}

/// A product of the catalogue.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductSettings {
    /// Its name in orders and reports: small letters, digits and hyphens.
    pub id: String,
    /// Its name on pages.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// What one key becomes: `phone_otp`, `mobile_id`, `hardware_token`, `security_key`, or several of them.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Whether a Phone OTP reaches numbers abroad.
    #[serde(default = "yes")]
    pub international: bool,
    /// Whether the person is identity-proofed first.
    #[serde(default)]
    pub proofing: bool,
    /// Whether something is sent by post.
    #[serde(default)]
    pub ships: bool,
    /// Price of the first year without tax, in minor units (cents), by currency.
    pub prices: BTreeMap<String, i64>,
    /// Price of another year; it cannot be renewed where there is none.
    #[serde(default)]
    pub renewal_prices: BTreeMap<String, i64>,
    /// Only for people with access to applications of these partners, by name; empty: for everybody.
    #[serde(default)]
    pub partners: Vec<String>,
    /// Not sold any more; what was sold of it can be renewed.
    #[serde(default)]
    pub withdrawn: bool,
}

const fn yes() -> bool {
    true
}

impl Default for SubscriptionSettings {
    fn default() -> Self {
        Self {
            currency: "USD".to_owned(),
            tax_name: "Tax".to_owned(),
            tax_basis_points: 0,
            term_starts: "purchase".to_owned(),
            renewal_opens_days: 60,
            renewal_closes_months: 12,
            products: product::shipped().into_iter().map(ProductSettings::from).collect(),
        }
    }
}

impl From<Product> for ProductSettings {
    fn from(product: Product) -> Self {
        let written = |prices: BTreeMap<Currency, i64>| {
            prices.into_iter().map(|(currency, minor)| (currency.to_string(), minor)).collect()
        };
        Self {
            id: product.id.to_string(),
            name: product.name,
            summary: product.summary,
            kinds: product.kinds.into_iter().map(|kind| kind.to_string()).collect(),
            international: product.reach == Reach::International,
            proofing: product.proofing,
            ships: product.ships,
            prices: written(product.prices),
            renewal_prices: written(product.renewal_prices),
            partners: product.partners,
            withdrawn: product.withdrawn,
        }
    }
}

impl ProductSettings {
    /// The product.
    ///
    /// # Errors
    /// The field that is wrong, in words.
    pub fn product(&self) -> Result<Product, String> {
        let at = |field: &str, error: &dyn std::fmt::Display| format!("{}: {field}: {error}", self.id);
        let prices = |field: &str, written: &BTreeMap<String, i64>| {
            let price = |(currency, minor): (&String, &i64)| {
                currency.parse::<Currency>().map(|currency| (currency, *minor)).map_err(|error| at(field, &error))
            };
            written.iter().map(price).collect::<Result<BTreeMap<_, _>, _>>()
        };
        let product = Product {
            id: ProductId::try_from(self.id.clone()).map_err(|error| error.to_string())?,
            name: self.name.clone(),
            summary: self.summary.clone(),
            kinds: self
                .kinds
                .iter()
                .map(|kind| kind.parse().map_err(|error| at("kinds", &error)))
                .collect::<Result<_, _>>()?,
            reach: if self.international { Reach::International } else { Reach::Domestic },
            proofing: self.proofing,
            ships: self.ships,
            prices: prices("prices", &self.prices)?,
            renewal_prices: prices("renewal_prices", &self.renewal_prices)?,
            partners: self.partners.clone(),
            withdrawn: self.withdrawn,
        };
        product.check().map_err(|error| error.to_string())?;
        Ok(product)
    }
}

impl SubscriptionSettings {
    /// The products of the configuration. Those that are wrong were named at the start ([`Self::problems`]).
    pub fn products(&self) -> Vec<Product> {
        self.products.iter().filter_map(|product| product.product().ok()).collect()
    }

    /// The currency of the deployment.
    ///
    /// # Errors
    /// It is not three capital letters; [`Self::problems`] named it at the start.
    pub fn currency(&self) -> Result<Currency, stepgate_core::subscriptions::money::MoneyError> {
        self.currency.parse()
    }

    /// The rules of terms.
    pub fn rules(&self) -> TermRules {
        TermRules {
            starts: if self.term_starts == "activation" { TermStart::Activation } else { TermStart::Purchase },
            opens_days_before: self.renewal_opens_days,
            closes_months_after: self.renewal_closes_months,
        }
    }

    /// Everything that is wrong, each with its key.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Err(error) = self.currency() {
            found.push(format!("subscriptions.currency: {error}"));
        }
        if self.tax_basis_points > 10_000 {
            found.push("subscriptions.tax_basis_points must be at most 10000, which is 100 %".to_owned());
        }
        if !matches!(self.term_starts.as_str(), "purchase" | "activation") {
            found.push("subscriptions.term_starts must be purchase or activation".to_owned());
        }
        if self.renewal_closes_months > 12 {
            found.push("subscriptions.renewal_closes_months must be at most 12".to_owned());
        }
        if self.renewal_opens_days > 364 {
            found.push("subscriptions.renewal_opens_days must be at most 364".to_owned());
        }
        let products: Vec<_> = self.products.iter().map(ProductSettings::product).collect();
        found.extend(
            products.iter().filter_map(|it| it.as_ref().err()).map(|error| format!("subscriptions.products: {error}")),
        );
        let whole: Vec<_> = products.into_iter().flatten().collect();
        if let Err(error) = product::check_all(&whole) {
            found.push(format!("subscriptions.products: {error}"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_sold_and_what_is_wrong_is_named() {
        let settings = SubscriptionSettings::default();
        assert_eq!(settings.products(), product::shipped());
        assert!(settings.problems().is_empty());
        let mut wrong = settings.clone();
        wrong.currency = "usd".to_owned();
        wrong.tax_basis_points = 20_000;
        wrong.term_starts = "tomorrow".to_owned();
        wrong.renewal_closes_months = 13;
        wrong.products[0].kinds.push("password".to_owned());
        wrong.products[1].kinds.push("telepathy".to_owned());
        wrong.products[2].prices.insert("dollar".to_owned(), 1);
        wrong.products[4].id = wrong.products[3].id.clone();
        let text = wrong.problems().join("\n");
        for word in [
            "currency",
            "tax_basis_points",
            "term_starts",
            "closes_months",
            "password is not sold",
            "telepathy",
            "prices",
            "two products",
        ] {
            assert!(
                text.contains(word) || word == "telepathy" && text.contains("kinds: unknown kind"),
                "{word}: {text}"
            );
        }
    }
}
