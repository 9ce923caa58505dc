//! Files of tokens that go out: proposed by one person, approved by another, fetched by the first until it arrived.
//!
//! The first time fixes which tokens the file holds; each further time gives the same ones, as far as their seeds are
//! still there.

use stepgate_core::credentials::hardware_token::OathParameters;
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::id::{BatchId, ExportId, PersonId, TokenId};
use stepgate_core::time::Timestamp;

use super::custody::{Line, insert_line};
use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// A wish to hand tokens over.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// Of which file.
    pub batch: BatchId,
    /// To whom, and why.
    pub note: String,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// Their user ID.
    pub proposer: Option<String>,
    /// When.
    pub proposed_at: Timestamp,
    /// Until when it can be approved and fetched.
    pub expires_at: Timestamp,
    /// The user ID of who approved it.
    pub approver: Option<String>,
    /// When it was first fetched.
    pub taken_at: Option<Timestamp>,
    /// How often it was.
    pub fetches: i64,
    /// When its proposer said that the file is there: it cannot be fetched any more.
    pub arrived_at: Option<Timestamp>,
}

impl Export {
    /// Whether the file can still be fetched by whoever proposed it.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.approver.is_some() && self.arrived_at.is_none() && now < self.expires_at
    }
}

/// The wishes about a file, the latest first.
pub async fn list_exports(db: &Db, batch: BatchId) -> Result<Vec<Export>, StoreError> {
    let sql = "SELECT e.id, e.batch_id, e.note, e.proposed_by, e.proposed_at, e.expires_at, e.taken_at, e.fetches, e.arrived_at,
                 p.username AS proposer, a.username AS approver
               FROM token_exports e LEFT JOIN persons p ON p.id = e.proposed_by
               LEFT JOIN persons a ON a.id = e.approved_by WHERE e.batch_id = ? ORDER BY e.proposed_at DESC LIMIT 20";
    let export = |row: &Row| {
        Ok(Export {
            id: ExportId::from_uuid(row.get("id")?),
            batch: BatchId::from_uuid(row.get("batch_id")?),
            note: row.get("note")?,
            proposed_by: PersonId::from_uuid(row.get("proposed_by")?),
            proposer: row.get("proposer")?,
            proposed_at: row.time("proposed_at")?,
            expires_at: row.time("expires_at")?,
            approver: row.get("approver")?,
            taken_at: row.time_if("taken_at")?,
            fetches: row.get("fetches")?,
            arrived_at: row.time_if("arrived_at")?,
        })
    };
    all(&db.read, sql, vec![batch.uuid().into()]).await?.iter().map(export).collect()
}

/// A new wish.
pub async fn insert_export(
    connection: &impl Connection,
    (id, batch): (ExportId, BatchId),
    by: PersonId,
    note: &str,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_exports (id, batch_id, note, proposed_by, proposed_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)";
    let values = vec![id.uuid().into(), batch.uuid().into(), note.into(), by.uuid().into(), at(now), at(expires_at)];
    run(connection, sql, values).await.map(drop)
}

/// A second person approves. `false`: it is the proposer, or it is decided, or it waited too long.
pub async fn approve_export(
    connection: &impl Connection,
    (id, batch): (ExportId, BatchId),
    by: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token_exports SET approved_by = ?, approved_at = ?
               WHERE id = ? AND batch_id = ? AND approved_by IS NULL AND proposed_by <> ? AND expires_at > ?";
    let values = vec![by.uuid().into(), at(now), id.uuid().into(), batch.uuid().into(), by.uuid().into(), at(now)];
    Ok(run(connection, sql, values).await? == 1)
}

/// Its proposer fetches the file: how often that was, this time included. `None`: not theirs, not approved, arrived, or
/// too old.
pub async fn count_fetch(
    connection: &impl Connection,
    (id, batch): (ExportId, BatchId),
    by: PersonId,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let sql = "UPDATE token_exports SET taken_at = COALESCE(taken_at, ?), fetches = fetches + 1
               WHERE id = ? AND batch_id = ? AND proposed_by = ? AND approved_by IS NOT NULL AND arrived_at IS NULL
                 AND expires_at > ? RETURNING fetches";
    let values = vec![at(now), id.uuid().into(), batch.uuid().into(), by.uuid().into(), at(now)];
    one(connection, sql, values).await?.map(|row| row.get("fetches")).transpose()
}

/// The file arrived: from now on it cannot be fetched. `false`: not theirs, never fetched, or said before.
pub async fn close_export(
    connection: &impl Connection,
    (id, batch): (ExportId, BatchId),
    by: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token_exports SET arrived_at = ? WHERE id = ? AND batch_id = ? AND proposed_by = ?
               AND taken_at IS NOT NULL AND arrived_at IS NULL";
    let values = vec![at(now), id.uuid().into(), batch.uuid().into(), by.uuid().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// A token that goes out.
pub struct Exported {
    /// Its id.
    pub id: TokenId,
    /// The number on its back.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it computes with.
    pub parameters: OathParameters,
    /// Its sealed seed.
    pub sealed_seed: Vec<u8>,
    /// The next counter.
    pub counter: i64,
    /// Its drift.
    pub drift: i32,
    /// When its life ends.
    pub life_ends_at: Option<Timestamp>,
}

/// Marks all tokens of the file that are in stock as known elsewhere, with a line of the custody log, and keeps which
/// they were.
pub async fn mark_exported(
    connection: &impl Connection,
    (id, batch): (ExportId, BatchId),
    by: PersonId,
    note: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE hardware_tokens SET exported_at = ?, version = version + 1 WHERE batch_id = ? AND stage = 'stock'
               AND sealed_seed IS NOT NULL RETURNING id, version";
    let rows = all(connection, sql, vec![at(now), batch.uuid().into()]).await?;
    let items = "INSERT INTO token_export_items (export_id, token_id) VALUES (?, ?)";
    for row in &rows {
        let token = TokenId::from_uuid(row.get("id")?);
        let (from, to) = (TokenStage::Stock, TokenStage::Stock);
        let line = Line { actor: Some(by), from, to, person: None, note, at: now };
        insert_line(connection, (token, row.get("version")?), &line).await?;
        run(connection, items, vec![id.uuid().into(), token.uuid().into()]).await?;
    }
    Ok(())
}

/// The tokens of an export whose seeds are still there.
pub async fn list_exported(connection: &impl Connection, id: ExportId) -> Result<Vec<Exported>, StoreError> {
    let sql = "SELECT t.id, t.serial, t.manufacturer, t.parameters, t.sealed_seed, t.counter, t.drift, t.life_ends_at
               FROM token_export_items i JOIN hardware_tokens t ON t.id = i.token_id
               WHERE i.export_id = ? AND t.sealed_seed IS NOT NULL ORDER BY t.serial";
    let exported = |row: &Row| {
        Ok(Exported {
            id: TokenId::from_uuid(row.get("id")?),
            serial: row.get("serial")?,
            manufacturer: row.get("manufacturer")?,
            parameters: row.json("hardware_tokens", "parameters")?,
            sealed_seed: row.get("sealed_seed")?,
            counter: row.get("counter")?,
            drift: i32::try_from(row.get::<i64>("drift")?).unwrap_or(0),
            life_ends_at: row.time_if("life_ends_at")?,
        })
    };
    all(connection, sql, vec![id.uuid().into()]).await?.iter().map(exported).collect()
}

/// Whether anything of a file can go out.
pub async fn has_stock(db: &Db, batch: BatchId) -> Result<bool, StoreError> {
    let sql =
        "SELECT id FROM hardware_tokens WHERE batch_id = ? AND stage = 'stock' AND sealed_seed IS NOT NULL LIMIT 1";
    Ok(one(&db.read, sql, vec![batch.uuid().into()]).await?.is_some())
}
