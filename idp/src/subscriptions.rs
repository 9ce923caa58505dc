//! Credentials as annual subscriptions, from the payment on: keys, activation, terms, renewal.
//!
//! Owns: what a payment sets in motion, in one transaction; which credential a key becomes; how a term gets longer.
//! Never: how money comes in (`shop`), and how a device is bound (`account`).

mod adopt;
pub(crate) mod auto_renew;
pub(crate) mod card_words;
mod handed;
mod plan;
mod redeem;
mod remind;
mod renew;
mod renewal;
mod settings;
mod settle;
mod terms;
mod waiting;
mod wording;

pub use adopt::{adopt, is_adoptable};
pub use auto_renew::{Payer, payer};
pub use handed::{Handed, hand_over, take_back};
pub use plan::{Plan, plan, promise};
pub use redeem::{
    NotRedeemed, Redeemed, begin_term, find_typed, judge, may_bind, name_of, redeem, renew_by_key, verified_mail,
};
pub use remind::send_due;
pub use renew::{Renewed, is_renewable, renew, renews};
pub use renewal::{renewal_product, renewal_product_of, stands};
pub use settings::{ProductSettings, SubscriptionSettings};
pub use settle::{Holder, Settled, settle, settle_in};
pub use waiting::{fitting, keys_of};

use stepgate_core::id::LicenseKeyId;
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::license_key;

use crate::app::App;

/// The letters of a key, for those who may see them: its purchaser and its holder, until it is redeemed.
pub fn key_letters(app: &App, id: LicenseKeyId) -> SecretString {
    license_key::derive(&app.secrets.licenses, id).grouped()
}
