//! Mobile ID: enrolments, phones, requests.

mod challenges;
mod enrolments;

use stepgate_core::credentials::MobileDevice;
use stepgate_core::id::{CredentialId, DeviceId, PersonId};
use stepgate_core::secret::SecretBytes;
use stepgate_core::time::Timestamp;

pub use challenges::{
    Answer, ChallengeState, MobileChallenge, answer_challenge, count_unanswered, find_challenge,
    find_pending_challenge, insert_challenge, redeem_challenge, withdraw_challenge,
};
pub use enrolments::{
    Enrolment, confirm_enrolment, find_enrolment_of_session, insert_enrolment, reserve_confirm_try,
    set_enrolled_device, take_enrolment,
};

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

const DEVICE: &str = "id, credential_id, person_id, label, public_jwk, sealed_totp, last_step, sequence, active";

fn device(row: &Row) -> Result<MobileDevice, StoreError> {
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
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A new phone, not active yet.
pub async fn insert_device(connection: &impl Connection, new: &MobileDevice, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO mobile_devices (id, credential_id, person_id, label, public_jwk, sealed_totp, last_step,
               sequence, active, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
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
        at(now),
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
        "SELECT {DEVICE} FROM mobile_devices WHERE credential_id = ? AND revoked_at IS NULL ORDER BY created_at"
    );
    all(&db.read, &sql, vec![credential.uuid().into()]).await?.iter().map(device).collect()
}

/// The enrolling browser confirmed the phone.
pub async fn activate_device(connection: &impl Connection, id: DeviceId) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET active = TRUE WHERE id = ? AND active = FALSE AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![id.uuid().into()]).await? == 1)
}

/// Gives up a phone.
pub async fn revoke_device(connection: &impl Connection, id: DeviceId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET revoked_at = ?, active = FALSE WHERE id = ? AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// Accepts a message's sequence number: above every one seen. `false` for a replay, or for a clone that lags behind.
pub async fn advance_sequence(db: &Db, id: DeviceId, sequence: u64) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET sequence = ? WHERE id = ? AND sequence < ? AND revoked_at IS NULL";
    let values = vec![signed(sequence).into(), id.uuid().into(), signed(sequence).into()];
    Ok(run(&db.write, sql, values).await? == 1)
}

/// Accepts the step of an offline code: above every one accepted.
pub async fn accept_step(db: &Db, id: DeviceId, step: u64) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_devices SET last_step = ? WHERE id = ? AND last_step < ? AND active = TRUE";
    Ok(run(&db.write, sql, vec![signed(step).into(), id.uuid().into(), signed(step).into()]).await? == 1)
}
