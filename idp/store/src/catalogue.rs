//! What administrators changed about the catalogue, over the configuration.

use serde_json::Value;
use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, json, run};
use crate::{Connection, Db, StoreError};

/// What was changed about one product, or about all.
#[derive(Clone, Debug)]
pub struct Override {
    /// The product's id; [`EVERYTHING`] for what concerns all.
    pub product: String,
    /// What was changed.
    pub data: Value,
    /// Counts the changes.
    pub version: i64,
}

/// The name under which what concerns all products is kept. No product has it: it is no small letter.
pub const EVERYTHING: &str = "*";

/// All changes.
pub async fn list_overrides(db: &Db) -> Result<Vec<Override>, StoreError> {
    let change = |row: &Row| {
        Ok(Override {
            product: row.get("product")?,
            data: row.json("catalogue_overrides", "data")?,
            version: row.get("version")?,
        })
    };
    all(&db.read, "SELECT product, data, version FROM catalogue_overrides", vec![]).await?.iter().map(change).collect()
}

/// Writes a change; `false` when it was changed since it was read.
pub async fn save_override(
    connection: &impl Connection,
    (product, data, read): (&str, &Value, i64),
    by: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO catalogue_overrides (product, data, version, changed_by, changed_at) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (product) DO UPDATE SET data = excluded.data, version = excluded.version,
                 changed_by = excluded.changed_by, changed_at = excluded.changed_at
               WHERE catalogue_overrides.version = ?";
    let values = vec![product.into(), json(data)?, (read + 1).into(), by.uuid().into(), at(now), read.into()];
    Ok(run(connection, sql, values).await? == 1)
}
