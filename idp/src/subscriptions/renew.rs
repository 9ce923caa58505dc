//! A longer term for a credential that its holder keeps.

use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::license_key::LicenseKey;
use stepgate_core::subscriptions::term::Renewal;
use stepgate_core::time::Timestamp;
use stepgate_store::subscriptions::{self as store, Term};
use stepgate_store::{Connection, license_keys};

use super::terms::write_term;
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

/// Whether a key pays for another year of a credential: of its kind, and of what it reaches. A cheap one would otherwise
/// make a dear one longer.
///
/// # Errors
/// The store.
pub async fn renews(cx: &Cx, key: &LicenseKey, credential: &Credential) -> Result<bool, Fault> {
    if !key.gives.kinds.contains(&credential.kind) || !is_renewable(cx, credential) {
        return Ok(false);
    }
    let reaches = credential.kind != CredentialKind::PhoneOtp
        || key.gives.reach.covers(store::find_sold_as(&cx.app.db, credential.id).await?.reach);
    Ok(reaches)
}

/// Uses a key up for another year of `credentials`, which were read before the transaction began: one, or those that a
/// bundle became. A year is added to each one's old end, so that nobody loses days by being early; device and proofing
/// stay what they are. What the key does not give, or cannot be renewed, is left alone.
///
/// # Errors
/// The store.
pub async fn renew(
    cx: &Cx,
    transaction: &impl Connection,
    (key, credentials): (&LicenseKey, &[Credential]),
) -> Result<Renewed, Fault> {
    let mut fitting = Vec::new();
    for held in credentials {
        if renews(cx, key, held).await? {
            fitting.extend(held.expires_at.map(|ends| (held, ends)));
        }
    }
    let Some((first, _)) = fitting.first() else { return Ok(Renewed::NotRenewable) };
    if license_keys::take_key(transaction, key.id, first.person, cx.now).await?.is_none() {
        return Ok(Renewed::Raced);
    }
    let rules = cx.app.settings.subscriptions.rules();
    let mut latest = Timestamp::from_unix_millis(0);
    for (credential, ends) in fitting {
        let until = rules.renewed(ends);
        if !store::extend_term(transaction, credential.id, (Some(ends), until), cx.now).await? {
            return Ok(Renewed::Raced);
        }
        let (id, person) = (credential.id, credential.person);
        let term = Term { credential: id, person, key: key.id, order: key.order, from: ends, until };
        write_term(cx, transaction, &term).await?;
        let data = serde_json::json!({ "credential": id, "license_key": key.id, "until": until });
        audit::record(cx, transaction, Event::new("subscription.renewed").to(person).data(data)).await?;
        latest = latest.max(until);
    }
    Ok(Renewed::Until(latest))
}

/// What a renewal of `credential` renews when it is paid for as something that gives these kinds: itself, and what else
/// came of the same key where a bundle is renewed.
///
/// # Errors
/// The store.
pub async fn renewed_with(cx: &Cx, credential: Credential, kinds: &[CredentialKind]) -> Result<Vec<Credential>, Fault> {
    if kinds.len() < 2 {
        return Ok(vec![credential]);
    }
    let sold = store::find_sold_as(&cx.app.db, credential.id).await?;
    let Some(key) = sold.key else { return Ok(vec![credential]) };
    let mut all = store::list_credentials_of_key(&cx.app.db, key).await?;
    all.retain(|other| other.person == credential.person && other.id != credential.id);
    all.insert(0, credential);
    Ok(all)
}
