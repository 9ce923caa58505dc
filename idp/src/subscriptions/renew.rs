//! A longer term for a credential that its holder keeps.

use stepgate_core::assurance::CredentialState;
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_core::subscriptions::term::Renewal;
use stepgate_core::time::Timestamp;
use stepgate_store::subscriptions::{self as store, Term};
use stepgate_store::{Connection, license_keys};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The term now ends then.
    Until(Timestamp),
    /// The credential cannot be renewed (any more): the key stays good for a new one.
    NotRenewable,
    /// Something else changed it at the same moment: read it again, in a new transaction.
    Raced,
}

/// Whether a credential can be renewed at `now`.
pub fn is_renewable(cx: &Cx, credential: &Credential) -> bool {
    let kept = !matches!(credential.stage, CredentialState::Revoked | CredentialState::Pending);
    let rules = cx.app.settings.subscriptions.rules();
    kept && credential.expires_at.is_some_and(|ends| matches!(rules.renewal(ends, cx.now), Renewal::Open { .. }))
}

/// Uses a key up for another year of `credential`, which was read before the transaction began. A year is added to the old
/// end, so that nobody loses days by being early; device and proofing stay what they are.
///
/// # Errors
/// The store.
pub async fn renew(
    cx: &Cx,
    transaction: &impl Connection,
    (key, credential): (&LicenseKey, &Credential),
) -> Result<Renewed, Fault> {
    let Some(ends) = credential.expires_at.filter(|_| is_renewable(cx, credential)) else {
        return Ok(Renewed::NotRenewable);
    };
    let until = cx.app.settings.subscriptions.rules().renewed(ends);
    if license_keys::take_key(transaction, key.id, credential.person, cx.now).await?.is_none()
        || !store::extend_term(transaction, credential.id, (Some(ends), until), cx.now).await?
    {
        return Ok(Renewed::Raced);
    }
    let term =
        Term { credential: credential.id, person: credential.person, key: key.id, order: key.order, from: ends, until };
    store::insert_term(transaction, (stepgate_core::id::EventId::random(cx.entropy()).uuid(), &term), cx.now).await?;
    let data = serde_json::json!({ "credential": credential.id, "license_key": key.id, "until": until });
    audit::record(cx, transaction, Event::new("subscription.renewed").to(credential.person).data(data)).await?;
    Ok(Renewed::Until(until))
}
