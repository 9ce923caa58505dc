//! Devices that wait to be let in (RFC 8628): polled, decided about once, redeemed once.

use std::net::IpAddr;

use serde_json::Value;
use stepgate_core::id::{DeviceAuthorizationId, GrantId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{Row, at, json, one, run};
use crate::{Connection, Db, StoreError};

/// One device's wish to be let in.
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// Its id.
    pub id: DeviceAuthorizationId,
    /// The client that the device runs.
    pub client: String,
    /// What it asks for.
    pub request: Value,
    /// Where it asked from.
    pub ip: Option<IpAddr>,
    /// When it asked.
    pub created_at: Timestamp,
    /// End of life of both codes.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: DeviceState,
}

/// What became of a device's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has decided yet.
    Pending,
    /// A person said yes; this is what the device gets.
    Allowed(GrantId),
    /// It was refused, for this reason.
    Refused(String),
    /// The device has got what it asked for.
    Redeemed(GrantId),
}

/// A wish and the hashes of its two codes.
#[derive(Clone, Debug)]
pub struct NewDeviceAuthorization {
    /// The wish; pending, whatever its state says.
    pub authorization: DeviceAuthorization,
    /// SHA-256 of the device's code.
    pub device_hash: TokenHash,
    /// Keyed hash of the code that a person types: it is too short for a plain one.
    pub user_hash: Vec<u8>,
    /// Seconds that the device must wait between polls.
    pub interval_seconds: u32,
}

const COLUMNS: &str = "id, client_id, request, ip, created_at, expires_at, decided_at, grant_id, refusal, used_at";

fn device(row: &Row) -> Result<DeviceAuthorization, StoreError> {
    let grant = row.get::<Option<uuid::Uuid>>("grant_id")?.map(GrantId::from_uuid);
    let refusal: Option<String> = row.get("refusal")?;
    let state = match (grant, row.time_if("used_at")?, refusal) {
        (Some(grant), Some(_), _) => DeviceState::Redeemed(grant),
        (Some(grant), None, _) => DeviceState::Allowed(grant),
        (None, _, Some(reason)) => DeviceState::Refused(reason),
        (None, _, None) => DeviceState::Pending,
    };
    Ok(DeviceAuthorization {
        id: DeviceAuthorizationId::from_uuid(row.get("id")?),
        client: row.get("client_id")?,
        request: row.json("device_authorizations", "request")?,
        ip: row.get::<Option<String>>("ip")?.and_then(|text| text.parse().ok()),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        state,
    })
}

/// A new wish; [`StoreError::Conflict`] when the code that a person types is another device's.
pub async fn insert_device(connection: &impl Connection, new: &NewDeviceAuthorization) -> Result<(), StoreError> {
    let sql = "INSERT INTO device_authorizations
                 (id, device_hash, user_hash, client_id, request, ip, created_at, expires_at, interval_seconds)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let wish = &new.authorization;
    let values = vec![
        wish.id.uuid().into(),
        new.device_hash.as_bytes().to_vec().into(),
        new.user_hash.clone().into(),
        wish.client.as_str().into(),
        json(&wish.request)?,
        wish.ip.map(|ip| ip.to_string()).into(),
        at(wish.created_at),
        at(wish.expires_at),
        i64::from(new.interval_seconds).into(),
    ];
    run(connection, sql, values).await.map(drop)
}

/// A wish by its id.
pub async fn find_device(db: &Db, id: DeviceAuthorizationId) -> Result<Option<DeviceAuthorization>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM device_authorizations WHERE id = ?");
    one(&db.write, &sql, vec![id.uuid().into()]).await?.as_ref().map(device).transpose()
}

/// The wish of the device that holds a code, whatever became of it. Read where it is written: a device learns of the
/// answer with the next poll, on whichever node.
pub async fn find_device_by_code(db: &Db, hash: &TokenHash) -> Result<Option<DeviceAuthorization>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM device_authorizations WHERE device_hash = ?");
    one(&db.write, &sql, vec![hash.as_bytes().to_vec().into()]).await?.as_ref().map(device).transpose()
}

/// The wish that a typed code names, while it can still be decided.
pub async fn find_device_by_user_code(
    db: &Db,
    hash: &[u8],
    now: Timestamp,
) -> Result<Option<DeviceAuthorization>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM device_authorizations WHERE user_hash = ? AND expires_at > ? AND decided_at IS NULL"
    );
    one(&db.write, &sql, vec![hash.to_vec().into(), at(now)]).await?.as_ref().map(device).transpose()
}

/// Decides about a wish, for whoever comes first; `false` when it was decided before, or is too old.
pub async fn allow_device(
    connection: &impl Connection,
    id: DeviceAuthorizationId,
    grant: GrantId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE device_authorizations SET decided_at = ?, grant_id = ?
               WHERE id = ? AND decided_at IS NULL AND expires_at > ?";
    Ok(run(connection, sql, vec![at(now), grant.uuid().into(), id.uuid().into(), at(now)]).await? == 1)
}

/// Refuses a wish, for whoever comes first; `false` as for [`allow_device`].
pub async fn refuse_device(
    connection: &impl Connection,
    id: DeviceAuthorizationId,
    reason: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE device_authorizations SET decided_at = ?, refusal = ?
               WHERE id = ? AND decided_at IS NULL AND expires_at > ?";
    Ok(run(connection, sql, vec![at(now), reason.into(), id.uuid().into(), at(now)]).await? == 1)
}

/// Whether a poll came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// It did.
    InTime,
    /// Too soon: from now on the device waits five seconds longer (RFC 8628 §3.5).
    TooSoon,
}

/// A clock of the network's that is off by so much, in milliseconds, does not count against a device.
const LEEWAY: i64 = 500;

/// Counts a poll. Of two at the same moment, on whichever nodes, one at most is in time.
pub async fn poll_device(db: &Db, id: DeviceAuthorizationId, now: Timestamp) -> Result<Poll, StoreError> {
    let sql = "UPDATE device_authorizations SET polled_at = ?
               WHERE id = ? AND (polled_at IS NULL OR polled_at + interval_seconds * 1000 - ? <= ?)";
    if run(&db.write, sql, vec![at(now), id.uuid().into(), LEEWAY.into(), at(now)]).await? == 1 {
        return Ok(Poll::InTime);
    }
    let sql = "UPDATE device_authorizations SET polled_at = ?, interval_seconds = interval_seconds + 5 WHERE id = ?";
    run(&db.write, sql, vec![at(now), id.uuid().into()]).await?;
    Ok(Poll::TooSoon)
}

/// Uses up a device's code by one conditional statement; what it gives, to this caller alone. `None` when it was used
/// up before, is too old, or nobody said yes.
pub async fn redeem_device(db: &Db, id: DeviceAuthorizationId, now: Timestamp) -> Result<Option<GrantId>, StoreError> {
    let sql = "UPDATE device_authorizations SET used_at = ?
               WHERE id = ? AND grant_id IS NOT NULL AND used_at IS NULL AND expires_at > ? RETURNING grant_id";
    let row = one(&db.write, sql, vec![at(now), id.uuid().into(), at(now)]).await?;
    row.map(|row| row.get("grant_id").map(GrantId::from_uuid)).transpose()
}
