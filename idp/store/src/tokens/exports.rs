//! Files of tokens that go out: proposed by one person, approved by another, fetched once.

use stepgate_core::credentials::hardware_token::OathParameters;
use stepgate_core::id::{BatchId, ExportId, PersonId, TokenId};
use stepgate_core::time::Timestamp;

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
    /// When it was fetched.
    pub taken_at: Option<Timestamp>,
}

/// The wishes about a file, the latest first.
pub async fn list_exports(db: &Db, batch: BatchId) -> Result<Vec<Export>, StoreError> {
    let sql = "SELECT e.id, e.batch_id, e.note, e.proposed_by, e.proposed_at, e.expires_at, e.taken_at,
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

/// Its proposer fetches the file, once.
pub async fn take_export(
    connection: &impl Connection,
    (id, batch): (ExportId, BatchId),
    by: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token_exports SET taken_at = ? WHERE id = ? AND batch_id = ? AND proposed_by = ?
               AND approved_by IS NOT NULL AND taken_at IS NULL AND expires_at > ?";
    let values = vec![at(now), id.uuid().into(), batch.uuid().into(), by.uuid().into(), at(now)];
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

/// Marks all tokens of the file that are in stock as known elsewhere, with a line of the custody log, and returns them.
pub async fn mark_exported(
    connection: &impl Connection,
    batch: BatchId,
    by: PersonId,
    note: &str,
    now: Timestamp,
) -> Result<Vec<Exported>, StoreError> {
    let sql = "UPDATE hardware_tokens SET exported_at = ?, version = version + 1 WHERE batch_id = ? AND stage = 'stock'
               AND sealed_seed IS NOT NULL
               RETURNING id, serial, manufacturer, parameters, sealed_seed, counter, drift, life_ends_at, version";
    let rows = all(connection, sql, vec![at(now), batch.uuid().into()]).await?;
    let sql = "INSERT INTO token_custody (token_id, version, at, actor, from_stage, to_stage, person_id, note)
               VALUES (?, ?, ?, ?, 'stock', 'stock', NULL, ?)";
    let mut exported = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = TokenId::from_uuid(row.get("id")?);
        let version: i64 = row.get("version")?;
        run(connection, sql, vec![id.uuid().into(), version.into(), at(now), by.uuid().into(), note.into()]).await?;
        exported.push(Exported {
            id,
            serial: row.get("serial")?,
            manufacturer: row.get("manufacturer")?,
            parameters: row.json("hardware_tokens", "parameters")?,
            sealed_seed: row.get("sealed_seed")?,
            counter: row.get("counter")?,
            drift: i32::try_from(row.get::<i64>("drift")?).unwrap_or(0),
            life_ends_at: row.time_if("life_ends_at")?,
        });
    }
    Ok(exported)
}

/// Whether anything of a file can go out.
pub async fn has_stock(db: &Db, batch: BatchId) -> Result<bool, StoreError> {
    let sql =
        "SELECT id FROM hardware_tokens WHERE batch_id = ? AND stage = 'stock' AND sealed_seed IS NOT NULL LIMIT 1";
    Ok(one(&db.read, sql, vec![batch.uuid().into()]).await?.is_some())
}
