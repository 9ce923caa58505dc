//! Phones. Whatever happens once (a message, a code, the change to new keys) is one conditional statement.

use stepgate_core::credentials::{MobileDevice, NextKeys};
use stepgate_core::id::{CredentialId, DeviceId, PersonId};
use stepgate_core::secret::SecretBytes;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

const DEVICE: &str = "id, credential_id, person_id, label, public_jwk, sealed_totp, last_step, sequence, active,
    verifier, next_jwk, next_sealed_totp, previous_jwk, keyed_at, message_at, seen_at, suspended_at, sealed_push,
    created_at";

fn device(row: &Row) -> Result<MobileDevice, StoreError> {
    let next = row.get::<Option<String>>("next_jwk")?.zip(row.get::<Option<Vec<u8>>>("next_sealed_totp")?);
    let created_at = row.time("created_at")?;
    Ok(MobileDevice {
        id: DeviceId::from_uuid(row.get("id")?),
        credential: CredentialId::from_uuid(row.get("credential_id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        label: row.get("label")?,
        public_jwk: row.get("public_jwk")?,
        sealed_totp: SecretBytes::new(row.get("sealed_totp")?),
        last_step: u64::try_from(row.get::<i64>("last_step")?).unwrap_or(0),
        sequence: u64::try_from(row.get::<i64>("sequence")?).unwrap_or(0),
        active: row.get("active")?,
        verifier: row.get("verifier")?,
        next: next.map(|(public_jwk, sealed)| NextKeys { public_jwk, sealed_totp: SecretBytes::new(sealed) }),
        previous_jwk: row.get("previous_jwk")?,
        sealed_push: row.get("sealed_push")?,
        created_at,
        keyed_at: row.time_if("keyed_at")?.unwrap_or(created_at),
        message_at: row.time_if("message_at")?,
        seen_at: row.time_if("seen_at")?,
        suspended_at: row.time_if("suspended_at")?,
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A new phone, not active yet.
pub async fn insert_device(connection: &impl Connection, new: &MobileDevice) -> Result<(), StoreError> {
    let sql = "INSERT INTO mobile_devices (id, credential_id, person_id, label, public_jwk, sealed_totp, last_step,
               sequence, active, created_at, keyed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        new.credential.uuid().into(),
        new.person.uuid().into(),
        new.label.as_str().into(),
        new.public_jwk.as_str().into(),
        new.sealed_totp.expose().clone().into(),
        signed(new.last_step).into(),
        signed(new.sequence).into(),
        new.active.into(),
        at(new.created_at),
        at(new.keyed_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// A phone that was not revoked.
pub async fn find_device(db: &Db, id: DeviceId) -> Result<Option<MobileDevice>, StoreError> {
    let sql = format!("SELECT {DEVICE} FROM mobile_devices WHERE id = ? AND revoked_at IS NULL");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(device).transpose()
}

/// The phones of a credential that were not revoked.
pub async fn list_devices(db: &Db, credential: CredentialId) -> Result<Vec<MobileDevice>, StoreError> {
    let sql = format!(
        "SELECT {DEVICE} FROM mobile_devices WHERE credential_id = ? AND revoked_at IS NULL ORDER BY created_at, id"
    );
    all(&db.read, &sql, vec![credential.uuid().into()]).await?.iter().map(device).collect()
}

/// The enrolling browser confirmed the phone.
pub async fn activate_device(connection: &impl Connection, id: DeviceId) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET active = TRUE WHERE id = ? AND active = FALSE AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![id.uuid().into()]).await? == 1)
}

/// Gives up a phone, and the place that wakes it up.
pub async fn revoke_device(connection: &impl Connection, id: DeviceId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET revoked_at = ?, active = FALSE, sealed_push = NULL
               WHERE id = ? AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// A credential without a phone is not bound to a device any more.
pub async fn unbind_without_devices(connection: &impl Connection, credential: CredentialId) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET stage = 'pending' WHERE id = ? AND stage = 'active' AND NOT EXISTS
                 (SELECT 1 FROM mobile_devices WHERE credential_id = ? AND active = TRUE)";
    run(connection, sql, vec![credential.uuid().into(), credential.uuid().into()]).await.map(drop)
}

/// There are two of it: neither counts any more.
pub async fn suspend_device(connection: &impl Connection, id: DeviceId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET suspended_at = ?, sealed_push = NULL
               WHERE id = ? AND suspended_at IS NULL AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// Another name.
pub async fn update_device_label(connection: &impl Connection, id: DeviceId, label: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET label = ? WHERE id = ? AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![label.into(), id.uuid().into()]).await? == 1)
}

/// Accepts a message by its number, made at `made_at` by the phone's clock: above every one seen. `false` for a replay,
/// and for a copy that lags behind.
pub async fn advance_sequence(
    db: &Db,
    id: DeviceId,
    (sequence, made_at): (u64, Timestamp),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET sequence = ?, message_at = ?, seen_at = ?
               WHERE id = ? AND sequence < ? AND suspended_at IS NULL AND revoked_at IS NULL";
    let values = vec![signed(sequence).into(), at(made_at), at(now), id.uuid().into(), signed(sequence).into()];
    Ok(run(&db.write, sql, values).await? == 1)
}

/// Accepts the step of an offline code: above every one accepted.
pub async fn accept_step(db: &Db, id: DeviceId, step: u64) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET last_step = ?
               WHERE id = ? AND last_step < ? AND active = TRUE AND suspended_at IS NULL";
    Ok(run(&db.write, sql, vec![signed(step).into(), id.uuid().into(), signed(step).into()]).await? == 1)
}

/// Keeps what verifies the phone's user: once, before the browser has confirmed the phone.
pub async fn set_verifier(connection: &impl Connection, id: DeviceId, data: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET verifier = ?
               WHERE id = ? AND verifier IS NULL AND active = FALSE AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![data.into(), id.uuid().into()]).await? == 1)
}

/// Keeps what a signature said of it (its counter). `false` when another one was faster.
pub async fn replace_verifier(
    connection: &impl Connection,
    id: DeviceId,
    (old, new): (&str, &str),
) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET verifier = ? WHERE id = ? AND verifier = ?";
    Ok(run(connection, sql, vec![new.into(), id.uuid().into(), old.into()]).await? == 1)
}

/// Keeps the keys that a phone has announced, in place of earlier ones that were never used.
pub async fn set_next_keys(connection: &impl Connection, id: DeviceId, next: &NextKeys) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET next_jwk = ?, next_sealed_totp = ?
               WHERE id = ? AND active = TRUE AND suspended_at IS NULL";
    let values = vec![next.public_jwk.as_str().into(), next.sealed_totp.expose().clone().into(), id.uuid().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// The announced keys take over, once; the old ones are gone.
pub async fn promote_keys(
    connection: &impl Connection,
    id: DeviceId,
    public_jwk: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET previous_jwk = public_jwk, public_jwk = next_jwk,
               sealed_totp = next_sealed_totp, keyed_at = ?, next_jwk = NULL, next_sealed_totp = NULL
               WHERE id = ? AND next_jwk = ?";
    Ok(run(connection, sql, vec![at(now), id.uuid().into(), public_jwk.into()]).await? == 1)
}

/// Where the phone is woken up from now on, sealed; nowhere where there is none.
pub async fn set_push(connection: &impl Connection, id: DeviceId, sealed: Option<Vec<u8>>) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET sealed_push = ? WHERE id = ? AND suspended_at IS NULL AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![sealed.into(), id.uuid().into()]).await? == 1)
}

/// The push service knows the place no more. One that the phone has named since then stays.
pub async fn clear_push(connection: &impl Connection, id: DeviceId, sealed: &[u8]) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET sealed_push = NULL WHERE id = ? AND sealed_push = ?";
    Ok(run(connection, sql, vec![id.uuid().into(), sealed.to_vec().into()]).await? == 1)
}
