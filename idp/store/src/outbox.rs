//! The outbox: messages that must go out even if the node that wrote them dies.

use stepgate_core::id::MessageId;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// A message to keep, sealed.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// What kind of message it is.
    pub kind: String,
    /// The message, sealed.
    pub sealed_payload: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
    /// From then on any node may deliver it.
    pub due_at: Timestamp,
    /// Two messages with the same key are one.
    pub dedupe_key: Option<String>,
}

/// A message as it was kept.
#[derive(Clone, Debug)]
pub struct Leased {
    /// Its id.
    pub id: MessageId,
    /// What kind of message it is.
    pub kind: String,
    /// The message, sealed.
    pub sealed_payload: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
    /// How often its delivery was begun, this time included where it was leased.
    pub attempts: u32,
}

/// Writes a message, in the transaction of the act that it tells of; `false` when its key was there already.
pub async fn insert_message(connection: &impl Connection, new: &NewMessage) -> Result<bool, StoreError> {
    let sql = "INSERT INTO outbox (id, kind, sealed_payload, created_at, due_at, attempts, dedupe_key)
               VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING";
    let values = vec![
        new.id.uuid().into(),
        new.kind.as_str().into(),
        new.sealed_payload.clone().into(),
        at(new.created_at),
        at(new.due_at),
        new.dedupe_key.clone().into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Leases messages of a kind that are due: until `until` no other node takes them.
pub async fn lease_messages(
    db: &Db,
    kind: &str,
    limit: u32,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Leased>, StoreError> {
    let sql = "UPDATE outbox SET due_at = ?, attempts = attempts + 1 WHERE id IN
                 (SELECT id FROM outbox WHERE due_at <= ? AND kind = ? AND done_at IS NULL AND failed_at IS NULL
                  ORDER BY due_at LIMIT ?)
               AND due_at <= ? RETURNING id, kind, sealed_payload, created_at, attempts";
    let values = vec![at(until), at(now), kind.into(), i64::from(limit).into(), at(now)];
    let rows = all(&db.write, sql, values).await?;
    rows.iter().map(leased).collect()
}

fn leased(row: &Row) -> Result<Leased, StoreError> {
    Ok(Leased {
        id: MessageId::from_uuid(row.get("id")?),
        kind: row.get("kind")?,
        sealed_payload: row.get("sealed_payload")?,
        created_at: row.time("created_at")?,
        attempts: u32::try_from(row.get::<i64>("attempts")?).unwrap_or(u32::MAX),
    })
}

/// A message that was not given up, delivered or not.
pub async fn find_message(db: &Db, id: MessageId) -> Result<Option<Leased>, StoreError> {
    let sql = "SELECT id, kind, sealed_payload, created_at, attempts FROM outbox WHERE id = ? AND failed_at IS NULL";
    one(&db.read, sql, vec![id.uuid().into()]).await?.as_ref().map(leased).transpose()
}

/// It was delivered.
pub async fn finish_message(db: &Db, id: MessageId, now: Timestamp) -> Result<(), StoreError> {
    run(&db.write, "UPDATE outbox SET done_at = ? WHERE id = ?", vec![at(now), id.uuid().into()]).await.map(drop)
}

/// It was not delivered and is tried again.
pub async fn fail_message(db: &Db, id: MessageId, retry_at: Timestamp, error: &str) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET due_at = ?, last_error = ? WHERE id = ?";
    run(&db.write, sql, vec![at(retry_at), error.into(), id.uuid().into()]).await.map(drop)
}

/// It was not delivered and is not tried again.
pub async fn abandon_message(db: &Db, id: MessageId, now: Timestamp, error: &str) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET failed_at = ?, last_error = ? WHERE id = ?";
    run(&db.write, sql, vec![at(now), error.into(), id.uuid().into()]).await.map(drop)
}
