//! Carts: one for each person, the same in every browser and on every node.

use stepgate_core::id::PersonId;
use stepgate_core::subscriptions::order::CartLine;
use stepgate_core::time::Timestamp;

use crate::row::{at, json, one, run};
use crate::{Connection, Db, StoreError};

/// A cart as it was read.
#[derive(Clone, Debug, Default)]
pub struct Cart {
    /// What is in it.
    pub lines: Vec<CartLine>,
    /// Counts its changes: a page that shows an older one is told so.
    pub version: i64,
}

/// A person's cart; an empty one where there is none.
pub async fn find_cart(db: &Db, person: PersonId) -> Result<Cart, StoreError> {
    let sql = "SELECT person_id AS id, lines, version FROM carts WHERE person_id = ?";
    let row = one(&db.write, sql, vec![person.uuid().into()]).await?;
    row.map_or(Ok(Cart::default()), |row| Ok(Cart { lines: row.json("carts", "lines")?, version: row.get("version")? }))
}

/// Writes a cart; `false` when it was changed since it was read.
pub async fn save_cart(
    connection: &impl Connection,
    person: PersonId,
    (lines, read): (&[CartLine], i64),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO carts (person_id, lines, version, changed_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (person_id) DO UPDATE SET lines = excluded.lines, version = excluded.version,
                 changed_at = excluded.changed_at WHERE carts.version = ?";
    let values = vec![person.uuid().into(), json(&lines)?, (read + 1).into(), at(now), read.into()];
    Ok(run(connection, sql, values).await? == 1)
}
