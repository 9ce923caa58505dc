//! Pushed authorization requests (RFC 9126): read as often as a browser comes, used up once.

use serde_json::Value;
use stepgate_core::id::PushedRequestId;
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{at, json, one, run};
use crate::{Connection, Db, StoreError};

/// A pushed request.
#[derive(Clone, Debug)]
pub struct PushedRequest {
    /// Its id.
    pub id: PushedRequestId,
    /// SHA-256 of the reference in its `request_uri`.
    pub reference: TokenHash,
    /// Who pushed it, and alone may use it.
    pub client: String,
    /// Its parameters.
    pub parameters: Value,
    /// Whether they came in an object that the client signed.
    pub signed: bool,
    /// When it was pushed.
    pub created_at: Timestamp,
    /// Until when a browser may come with it.
    pub expires_at: Timestamp,
}

/// What a reference leads to.
#[derive(Debug)]
pub enum FoundPushed {
    /// A request that can be answered.
    Open(PushedRequest),
    /// One that was answered already.
    Used,
    /// One whose time is over.
    Expired,
    /// Nothing, or what another client pushed.
    Unknown,
}

/// A new pushed request.
pub async fn insert_pushed(connection: &impl Connection, new: &PushedRequest) -> Result<(), StoreError> {
    let sql = "INSERT INTO pushed_requests (id, reference_hash, client_id, parameters, signed, created_at, expires_at)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        new.reference.as_bytes().to_vec().into(),
        new.client.as_str().into(),
        json(&new.parameters)?,
        new.signed.into(),
        at(new.created_at),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// What a client's reference leads to. Reading does not use it up: people reload pages.
pub async fn find_pushed(
    db: &Db,
    reference: &TokenHash,
    client: &str,
    now: Timestamp,
) -> Result<FoundPushed, StoreError> {
    let sql = "SELECT id, parameters, signed, created_at, expires_at, used_at FROM pushed_requests
               WHERE reference_hash = ? AND client_id = ?";
    let values = vec![reference.as_bytes().to_vec().into(), client.into()];
    let Some(row) = one(&db.read, sql, values).await? else { return Ok(FoundPushed::Unknown) };
    if row.time_if("used_at")?.is_some() {
        return Ok(FoundPushed::Used);
    }
    let expires_at = row.time("expires_at")?;
    if expires_at <= now {
        return Ok(FoundPushed::Expired);
    }
    Ok(FoundPushed::Open(PushedRequest {
        id: PushedRequestId::from_uuid(row.get("id")?),
        reference: *reference,
        client: client.to_owned(),
        parameters: row.json("pushed_requests", "parameters")?,
        signed: row.get("signed")?,
        created_at: row.time("created_at")?,
        expires_at,
    }))
}

/// Uses up a pushed request, in the transaction that answers it; `false` when it was answered before. A person may take
/// longer over a login than a browser may take to come, so its time does not matter here.
pub async fn take_pushed(
    connection: &impl Connection,
    id: PushedRequestId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE pushed_requests SET used_at = ? WHERE id = ? AND used_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// Keeps the row of a pushed request as long as the parked request that it became: it must still be there to be used up
/// once. Its reference opens nothing longer for that.
pub async fn keep_pushed(
    connection: &impl Connection,
    id: PushedRequestId,
    until: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE pushed_requests SET kept_until = ? WHERE id = ?";
    run(connection, sql, vec![at(until), id.uuid().into()]).await.map(drop)
}
