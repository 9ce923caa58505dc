//! Keys that are somebody's and wait to be used: bought, and worth nothing before that.

use stepgate_core::account::Person;
use stepgate_core::assurance::{Acceptable, CredentialKind};
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_core::subscriptions::product::Fit;
use stepgate_store::license_keys;

use super::redeem::{judge, verified_mail};
use crate::cx::Cx;
use crate::fault::Fault;

/// The keys that a person can use without typing them: bought for them, handed to them or to their address.
///
/// # Errors
/// The store.
pub async fn keys_of(cx: &Cx, person: &Person) -> Result<Vec<LicenseKey>, Fault> {
    let mail = verified_mail(person);
    let mut keys = license_keys::list_keys_waiting(&cx.app.db, person.id, mail.as_deref()).await?;
    keys.retain(|key| judge(cx, person, key).is_none());
    Ok(keys)
}

/// The key among them that would let its person in where these are accepted, with what they hold already.
pub fn fitting<'a>(
    keys: &'a [LicenseKey],
    accepts: &[Acceptable],
    (held, proofed): (&[CredentialKind], bool),
) -> Option<&'a LicenseKey> {
    keys.iter().find(|key| key.gives.fit(accepts, held, proofed) == Fit::Accepted)
}
