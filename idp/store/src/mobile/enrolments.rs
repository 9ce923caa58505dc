//! Enrolments: a code that a phone uses up, and digits that the browser confirms.

use stepgate_core::id::{CredentialId, DeviceId, PersonId, SessionId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, at, one, run};
use crate::{Connection, Db, StoreError};

/// One enrolment under way.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// SHA-256 of the code in the QR picture.
    pub code_hash: Vec<u8>,
    /// The credential that gets the phone.
    pub credential: CredentialId,
    /// Whose.
    pub person: PersonId,
    /// The browser session that started it, and alone may confirm it.
    pub session: SessionId,
    /// The phone, once one has used the code.
    pub device: Option<DeviceId>,
    /// The phone that the new one takes the place of.
    pub replaces: Option<DeviceId>,
    /// End of life.
    pub expires_at: Timestamp,
    /// When the browser confirmed the phone.
    pub confirmed_at: Option<Timestamp>,
}

const ENROLMENT: &str = "code_hash, credential_id, person_id, session_id, device_id, expires_at, confirmed_at,
    replaces_id";

fn enrolment(row: &Row) -> Result<Enrolment, StoreError> {
    Ok(Enrolment {
        code_hash: row.get("code_hash")?,
        credential: CredentialId::from_uuid(row.get("credential_id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        session: SessionId::from_uuid(row.get("session_id")?),
        device: row.get::<Option<uuid::Uuid>>("device_id")?.map(DeviceId::from_uuid),
        replaces: row.get::<Option<uuid::Uuid>>("replaces_id")?.map(DeviceId::from_uuid),
        expires_at: row.time("expires_at")?,
        confirmed_at: row.time_if("confirmed_at")?,
    })
}

/// A new enrolment; earlier ones of the session are over.
pub async fn insert_enrolment(connection: &impl Connection, new: &Enrolment) -> Result<(), StoreError> {
    let sql = "DELETE FROM mobile_enrolments WHERE session_id = ? AND confirmed_at IS NULL";
    run(connection, sql, vec![new.session.uuid().into()]).await?;
    let sql = "INSERT INTO mobile_enrolments (code_hash, credential_id, person_id, session_id, tries, expires_at,
               replaces_id) VALUES (?, ?, ?, ?, 0, ?, ?)";
    let values = vec![
        new.code_hash.clone().into(),
        new.credential.uuid().into(),
        new.person.uuid().into(),
        new.session.uuid().into(),
        at(new.expires_at),
        new.replaces.map(DeviceId::uuid).into(),
    ];
    run(connection, sql, values).await.map(drop)
}

/// Uses up an enrolment code: one phone, once.
pub async fn take_enrolment(
    connection: &impl Connection,
    code_hash: &[u8],
    now: Timestamp,
) -> Result<Option<Enrolment>, StoreError> {
    let sql = format!(
        "UPDATE mobile_enrolments SET used_at = ? WHERE code_hash = ? AND used_at IS NULL AND expires_at > ?
         RETURNING {ENROLMENT}"
    );
    let values = vec![at(now), code_hash.to_vec().into(), at(now)];
    one(connection, &sql, values).await?.as_ref().map(enrolment).transpose()
}

/// Notes which phone used the code and which digits it shows.
pub async fn set_enrolled_device(
    connection: &impl Connection,
    code_hash: &[u8],
    device: DeviceId,
    confirm_hash: &[u8],
) -> Result<(), StoreError> {
    let sql = "UPDATE mobile_enrolments SET device_id = ?, confirm_hash = ? WHERE code_hash = ?";
    let values = vec![device.uuid().into(), confirm_hash.to_vec().into(), code_hash.to_vec().into()];
    run(connection, sql, values).await.map(drop)
}

/// The enrolment under way in a browser session.
pub async fn find_enrolment_of_session(
    db: &Db,
    session: SessionId,
    now: Timestamp,
) -> Result<Option<Enrolment>, StoreError> {
    let sql = format!(
        "SELECT {ENROLMENT} FROM mobile_enrolments WHERE session_id = ? AND expires_at > ?
         ORDER BY expires_at DESC LIMIT 1"
    );
    one(&db.read, &sql, vec![session.uuid().into(), at(now)]).await?.as_ref().map(enrolment).transpose()
}

/// Counts a try at the digits before they are compared; what to compare with.
pub async fn reserve_confirm_try(
    db: &Db,
    code_hash: &[u8],
    now: Timestamp,
    max_tries: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "UPDATE mobile_enrolments SET tries = tries + 1 WHERE code_hash = ? AND confirmed_at IS NULL
               AND confirm_hash IS NOT NULL AND expires_at > ? AND tries < ? RETURNING confirm_hash";
    let values = vec![code_hash.to_vec().into(), at(now), i64::from(max_tries).into()];
    one(&db.write, sql, values).await?.map(|row| row.get("confirm_hash")).transpose()
}

/// The browser confirmed the phone; `false` when it had already.
pub async fn confirm_enrolment(
    connection: &impl Connection,
    code_hash: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_enrolments SET confirmed_at = ? WHERE code_hash = ? AND confirmed_at IS NULL";
    Ok(run(connection, sql, vec![at(now), code_hash.to_vec().into()]).await? == 1)
}
