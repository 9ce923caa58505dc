//! How the shop is paid, and what stands on its invoices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::subscriptions::order::PaymentMethod;
use url::Url;

/// The shop: how orders are paid, and what stands on invoices.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShopSettings {
    /// How orders can be paid: `card`, `invoice`, `voucher`, `sponsored`. Cards need `stripe_secret_key`.
    pub methods: Vec<String>,
    /// Days within which invoices are to be paid.
    pub invoice_days: u16,
    /// The page with the terms of sale, which buyers accept.
    pub terms_url: String,
    /// Who sells: the lines at the head of invoices, name first.
    pub seller: Vec<String>,
    /// Where invoices are paid to: the lines at the foot of invoices.
    pub payment_details: Vec<String>,
    /// A TrueType or OpenType file with the letters of invoices, in place of DejaVu Sans, which has no Chinese, Japanese
    /// or Korean ones. Empty for none.
    pub invoice_font: String,
    /// Stripe's secret key (`sk_live_…`); best in a file: `STEPGATE__SHOP__STRIPE_SECRET_KEY_FILE`.
    pub stripe_secret_key: String,
    /// The secret of the webhook `/callbacks/stripe` (`whsec_…`). Without it nothing that claims to come from Stripe is
    /// believed; payments are then noticed when the buyer comes back, and every few minutes.
    pub stripe_webhook_secret: String,
    /// Where Stripe's API is; only tests change it.
    pub stripe_api: String,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self {
            methods: PaymentMethod::ALL.iter().map(|method| method.as_str().to_owned()).collect(),
            invoice_days: 30,
            terms_url: String::new(),
            seller: vec!["Stepgate".to_owned()],
            payment_details: Vec::new(),
            invoice_font: String::new(),
            stripe_secret_key: String::new(),
            stripe_webhook_secret: String::new(),
            stripe_api: "https://api.stripe.com".to_owned(),
        }
    }
}

impl ShopSettings {
    /// Whether orders can be paid so, as far as the settings say.
    pub fn allows(&self, method: PaymentMethod) -> bool {
        self.methods.iter().any(|name| name == method.as_str())
    }

    /// Everything that is wrong, each with its key.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for name in self.methods.iter().filter(|name| PaymentMethod::parse(name).is_none()) {
            found.push(format!("shop.methods: {name} is none of card, invoice, voucher, sponsored"));
        }
        if self.invoice_days > 365 {
            found.push("shop.invoice_days must be at most 365".to_owned());
        }
        if !self.terms_url.is_empty() && Url::parse(&self.terms_url).is_err() {
            found.push("shop.terms_url is not a URL".to_owned());
        }
        if !self.stripe_webhook_secret.is_empty() && self.stripe_secret_key.is_empty() {
            found.push("shop.stripe_webhook_secret needs shop.stripe_secret_key: payments are read anew".to_owned());
        }
        if !self.invoice_font.is_empty() && !std::path::Path::new(&self.invoice_font).is_file() {
            found.push(format!("shop.invoice_font: there is no file {}", self.invoice_font));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        assert!(ShopSettings::default().problems().is_empty());
        let wrong = ShopSettings {
            methods: vec!["cheque".to_owned()],
            invoice_days: 400,
            terms_url: "terms".to_owned(),
            stripe_webhook_secret: "whsec".to_owned(),
            invoice_font: "/no/such/font".to_owned(),
            ..ShopSettings::default()
        };
        let text = wrong.problems().join("\n");
        for key in ["methods", "invoice_days", "terms_url", "stripe_webhook_secret", "invoice_font"] {
            assert!(text.contains(key), "{key}: {text}");
        }
    }
}
