//! The telephone numbers of a Phone OTP credential: added, verified, preferred, removed.

use stepgate_core::id::{CredentialId, PhoneId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, at_if, one, run};
use crate::{Connection, Db, StoreError};

/// When a number was added, and since when it may be used.
#[derive(Clone, Copy, Debug)]
pub struct PhoneTimes {
    /// The number.
    pub phone: PhoneId,
    /// No login takes it before.
    pub usable_from: Option<Timestamp>,
}

/// Since when the numbers of a credential may be used.
pub async fn list_times(db: &Db, credential: CredentialId) -> Result<Vec<PhoneTimes>, StoreError> {
    let sql = "SELECT id, usable_from FROM phones WHERE credential_id = ?";
    let times = |row: &Row| {
        Ok(PhoneTimes { phone: PhoneId::from_uuid(row.get("id")?), usable_from: row.time_if("usable_from")? })
    };
    all(&db.read, sql, vec![credential.uuid().into()]).await?.iter().map(times).collect()
}

/// Since when a number may be used.
pub async fn find_usable_from(db: &Db, phone: PhoneId) -> Result<Option<Timestamp>, StoreError> {
    let row = one(&db.read, "SELECT usable_from FROM phones WHERE id = ?", vec![phone.uuid().into()]).await?;
    row.map_or(Ok(None), |row| row.time_if("usable_from"))
}

/// Whether the credential has the number, verified.
pub async fn has_number(db: &Db, credential: CredentialId, number_hash: &[u8]) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM phones WHERE credential_id = ? AND number_hash = ? AND verified_at IS NOT NULL";
    Ok(one(&db.write, sql, vec![credential.uuid().into(), number_hash.to_vec().into()]).await?.is_some())
}

/// Takes back numbers of a credential that were typed and never verified.
pub async fn delete_unverified(connection: &impl Connection, credential: CredentialId) -> Result<(), StoreError> {
    let sql = "DELETE FROM phones WHERE credential_id = ? AND verified_at IS NULL";
    run(connection, sql, vec![credential.uuid().into()]).await.map(drop)
}

/// A code came back: the number is the person's. `false` when it was verified before, or taken back.
pub async fn verify_phone(
    connection: &impl Connection,
    phone: PhoneId,
    usable_from: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE phones SET verified_at = ?, added_at = ?, usable_from = ? WHERE id = ? AND verified_at IS NULL";
    let values = vec![at(now), at(now), at_if(usable_from), phone.uuid().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Offers one number first, and no other.
pub async fn prefer_phone(
    connection: &impl Connection,
    credential: CredentialId,
    phone: PhoneId,
) -> Result<bool, StoreError> {
    let sql = "UPDATE phones SET preferred = (id = ?) WHERE credential_id = ? AND EXISTS
                 (SELECT 1 FROM phones WHERE id = ? AND credential_id = ? AND verified_at IS NOT NULL)";
    let (id, credential) = (phone.uuid(), credential.uuid());
    let values = vec![id.into(), credential.into(), id.into(), credential.into()];
    Ok(run(connection, sql, values).await? > 0)
}

/// Whether a number takes texts and calls.
pub async fn update_channels(
    connection: &impl Connection,
    phone: PhoneId,
    (texts, calls): (bool, bool),
) -> Result<bool, StoreError> {
    let sql = "UPDATE phones SET text_messages = ?, voice_calls = ? WHERE id = ?";
    Ok(run(connection, sql, vec![texts.into(), calls.into(), phone.uuid().into()]).await? == 1)
}

/// Removes a number, unless it is the last one that can be used: one conditional statement.
pub async fn delete_phone(
    connection: &impl Connection,
    credential: CredentialId,
    phone: PhoneId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM phones WHERE id = ? AND credential_id = ? AND (verified_at IS NULL OR EXISTS
                 (SELECT 1 FROM phones p WHERE p.credential_id = ? AND p.id <> ? AND p.verified_at IS NOT NULL
                  AND (p.usable_from IS NULL OR p.usable_from <= ?)))";
    let (id, credential) = (phone.uuid(), credential.uuid());
    let values = vec![id.into(), credential.into(), credential.into(), id.into(), at(now)];
    Ok(run(connection, sql, values).await? == 1)
}
