//! Parked requests: a stage, data, a version. Every transition is one conditional statement.

use serde_json::Value;
use stepgate_core::id::{InteractionId, SessionId};
use stepgate_core::time::Timestamp;

use crate::row::{at, json, one, run};
use crate::{Connection, Db, StoreError};

/// The stage of a parked request that is over.
pub const CLOSED: &str = "closed";

/// A parked request as it is kept.
#[derive(Clone, Debug)]
pub struct Interaction {
    /// Its id.
    pub id: InteractionId,
    /// The name of its stage.
    pub stage: String,
    /// Everything else.
    pub data: Value,
    /// Counts its transitions.
    pub version: i64,
    /// The session that it belongs to, once there is one.
    pub session: Option<SessionId>,
    /// When it was parked.
    pub created_at: Timestamp,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// Parks a request.
pub async fn insert_interaction(connection: &impl Connection, new: &Interaction) -> Result<(), StoreError> {
    let sql = "INSERT INTO interactions (id, stage, data, version, session_id, created_at, expires_at)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        new.stage.as_str().into(),
        json(&new.data)?,
        new.version.into(),
        new.session.map(SessionId::uuid).into(),
        at(new.created_at),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// A parked request that has not expired. Read where it is written: on a replica a transition could still be missing.
pub async fn find_interaction(db: &Db, id: InteractionId, now: Timestamp) -> Result<Option<Interaction>, StoreError> {
    let sql = "SELECT id, stage, data, version, session_id, created_at, expires_at FROM interactions
               WHERE id = ? AND expires_at > ?";
    let Some(row) = one(&db.read, sql, vec![id.uuid().into(), at(now)]).await? else { return Ok(None) };
    Ok(Some(Interaction {
        id,
        stage: row.get("stage")?,
        data: row.json("interactions", "data")?,
        version: row.get("version")?,
        session: row.get::<Option<uuid::Uuid>>("session_id")?.map(SessionId::from_uuid),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    }))
}

/// Moves a parked request on: only from the version that was read. `false` when another request was faster.
pub async fn advance_interaction(
    connection: &impl Connection,
    read: &Interaction,
    stage: &str,
    data: &Value,
    session: Option<SessionId>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE interactions SET stage = ?, data = ?, session_id = ?, version = version + 1
               WHERE id = ? AND stage = ? AND version = ?";
    let values = vec![
        stage.into(),
        json(data)?,
        session.map(SessionId::uuid).into(),
        read.id.uuid().into(),
        read.stage.as_str().into(),
        read.version.into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Uses up a parked request and keeps what became of it, until it would have been given up. `false` for everybody but
/// the first.
pub async fn close_interaction(
    connection: &impl Connection,
    read: &Interaction,
    data: &Value,
) -> Result<bool, StoreError> {
    advance_interaction(connection, read, CLOSED, data, read.session).await
}

/// Uses up a parked request: whoever removes it may finish it. `false` for everybody else.
pub async fn finish_interaction(connection: &impl Connection, read: &Interaction) -> Result<bool, StoreError> {
    let sql = "DELETE FROM interactions WHERE id = ? AND stage = ? AND version = ?";
    let values = vec![read.id.uuid().into(), read.stage.as_str().into(), read.version.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Keeps a parked request longer, while its person gets what they lack. Only one that waits for that, and never shorter.
pub async fn keep_interaction(
    connection: &impl Connection,
    id: InteractionId,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE interactions SET expires_at = ?
               WHERE id = ? AND stage = 'requirements_not_met' AND expires_at < ?";
    Ok(run(connection, sql, vec![at(until), id.uuid().into(), at(until)]).await? == 1)
}
