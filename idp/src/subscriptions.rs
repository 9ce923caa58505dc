//! Credentials as annual subscriptions, from the payment on: keys, activation, terms, renewal.
//!
//! Owns: what a payment sets in motion, in one transaction; which credential a key becomes; how a term gets longer.
//! Never: how money comes in (`shop`), and how a device is bound (`account`).

mod renew;
mod settings;
mod settle;

pub use renew::{Renewed, is_renewable, renew};
pub use settings::{ProductSettings, SubscriptionSettings};
pub use settle::{Holder, Settled, settle, settle_in};

use stepgate_core::id::LicenseKeyId;
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::license_key;

use crate::app::App;

/// The letters of a key, for those who may see them: its purchaser and its holder, until it is redeemed.
pub fn key_letters(app: &App, id: LicenseKeyId) -> SecretString {
    license_key::derive(&app.secrets.licenses, id).grouped()
}
