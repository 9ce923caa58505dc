//! Suspended for a while: by whom, and who may end it. One conditional write each.

use stepgate_core::credentials::suspension::Cause;
use stepgate_core::id::CredentialId;
use stepgate_core::time::Timestamp;

use super::{Reserved, reservation, reserved};
use crate::row::{at, one, run};
use crate::{Connection, Db, StoreError};

/// Why a credential is suspended, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// Why.
    pub cause: Cause,
    /// Since when; `None` where an administrator did it before this was kept.
    pub at: Option<Timestamp>,
}

/// Suspends an active credential, or gives one that its holder had put to rest a graver cause. `false` when neither was
/// the case.
pub async fn suspend_credential(
    connection: &impl Connection,
    id: CredentialId,
    cause: Cause,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET stage = 'suspended', suspended_for = ?, suspended_at = ?
               WHERE id = ? AND (stage = 'active' OR stage = 'suspended' AND suspended_for = 'paused' AND ? <> 'paused')";
    let cause = cause.as_str();
    Ok(run(connection, sql, vec![cause.into(), at(now), id.uuid().into(), cause.into()]).await? == 1)
}

/// Ends a suspension with this cause. The failures stay counted: a pause is no way to more tries.
pub async fn resume_credential(
    connection: &impl Connection,
    id: CredentialId,
    cause: Cause,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET stage = 'active', suspended_for = NULL, suspended_at = NULL
               WHERE id = ? AND stage = 'suspended' AND suspended_for = ?";
    Ok(run(connection, sql, vec![id.uuid().into(), cause.as_str().into()]).await? == 1)
}

/// Why a credential is suspended; `None` when it is not.
pub async fn find_suspension(db: &Db, id: CredentialId) -> Result<Option<Suspended>, StoreError> {
    let sql = "SELECT id, suspended_for, suspended_at FROM credentials WHERE id = ? AND stage = 'suspended'";
    let Some(row) = one(&db.read, sql, vec![id.uuid().into()]).await? else { return Ok(None) };
    let cause: Option<String> = row.get("suspended_for")?;
    let cause = cause.as_deref().and_then(|text| text.parse().ok()).unwrap_or(Cause::Administrator);
    Ok(Some(Suspended { cause, at: row.time_if("suspended_at")? }))
}

/// Counts a try with a credential that its holder has put to rest, as [`super::reserve_try`] does with an active one.
pub async fn reserve_try_of_paused(db: &Db, id: CredentialId, now: Timestamp) -> Result<Option<Reserved>, StoreError> {
    let sql = reservation("", "stage = 'suspended' AND suspended_for = 'paused'");
    let row = one(&db.write, &sql, vec![at(now), id.uuid().into(), at(now), at(now)]).await?;
    row.as_ref().map(reserved).transpose()
}

/// Accepts a proof of a credential that its holder has put to rest, as [`super::accept_secret`] does of an active one.
pub(super) async fn accept_secret_of_paused(
    connection: &impl Connection,
    id: CredentialId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET failures = 0, retry_at = NULL, last_used_at = ?
               WHERE id = ? AND stage = 'suspended' AND suspended_for = 'paused'";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// Ends a pause by a code of the credential itself, once: its moving factor must lie above all that were accepted.
pub async fn resume_by_code(
    connection: &impl Connection,
    id: CredentialId,
    (counter, drift): (i64, i32),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE credentials SET stage = 'active', suspended_for = NULL, suspended_at = NULL, counter = ?, drift = ?,
               failures = 0, retry_at = NULL, last_used_at = ?
               WHERE id = ? AND counter < ? AND stage = 'suspended' AND suspended_for = 'paused'";
    let values = vec![counter.into(), i64::from(drift).into(), at(now), id.uuid().into(), counter.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Gives a credential up for good, with the phones behind it. `false` when it was given up already.
pub async fn revoke_credential(
    connection: &impl Connection,
    id: CredentialId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET stage = 'revoked', suspended_for = NULL, suspended_at = NULL
               WHERE id = ? AND stage <> 'revoked'";
    if run(connection, sql, vec![id.uuid().into()]).await? == 0 {
        return Ok(false);
    }
    let sql = "UPDATE mobile_devices SET revoked_at = ? WHERE credential_id = ? AND revoked_at IS NULL";
    run(connection, sql, vec![at(now), id.uuid().into()]).await?;
    Ok(true)
}
