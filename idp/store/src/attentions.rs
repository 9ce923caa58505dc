//! What finance has to look at: each matter of an order for itself, raised once however often and wherever it is seen, and
//! settled by itself. What was settled stays settled: the same cause does not bring it back.

use stepgate_core::id::{AttentionId, OrderId, PersonId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, run};
use crate::{Connection, Db, StoreError};

/// A matter.
#[derive(Clone, Copy, Debug)]
pub struct Matter<'a> {
    /// What brought it about: the same is raised once.
    pub cause: &'a str,
    /// What to look at, in words.
    pub reason: &'a str,
    /// Whether it stays until the money of the order went back: nobody can put it aside before.
    pub until_refunded: bool,
}

/// A matter that is open.
#[derive(Clone, Debug)]
pub struct Attention {
    /// Its id.
    pub id: AttentionId,
    /// What to look at.
    pub reason: String,
    /// Whether it stays until the money went back.
    pub until_refunded: bool,
}

/// Lays a matter before finance; `false` when the same was laid before them already, looked after or not.
pub async fn raise(
    connection: &impl Connection,
    (id, order): (AttentionId, OrderId),
    matter: Matter<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO order_attentions (id, order_id, cause, reason, until_refunded, raised_at)
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (order_id, cause) DO NOTHING";
    let values = vec![
        id.uuid().into(),
        order.uuid().into(),
        matter.cause.into(),
        matter.reason.into(),
        matter.until_refunded.into(),
        at(now),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Notes that somebody has looked after a matter; `false` when somebody has before, or it stays until the money went back.
pub async fn settle(
    connection: &impl Connection,
    (id, order): (AttentionId, OrderId),
    (by, now): (PersonId, Timestamp),
) -> Result<bool, StoreError> {
    let sql = "UPDATE order_attentions SET settled_at = ?, settled_by = ?
               WHERE id = ? AND order_id = ? AND settled_at IS NULL AND NOT until_refunded";
    let values = vec![at(now), by.uuid().into(), id.uuid().into(), order.uuid().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// The money went back, or will not: what waited for that is over. Other matters stay.
pub async fn settle_refund(
    connection: &impl Connection,
    order: OrderId,
    (by, now): (Option<PersonId>, Timestamp),
) -> Result<(), StoreError> {
    let sql = "UPDATE order_attentions SET settled_at = ?, settled_by = ?
               WHERE order_id = ? AND settled_at IS NULL AND until_refunded";
    run(connection, sql, vec![at(now), by.map(PersonId::uuid).into(), order.uuid().into()]).await.map(drop)
}

/// The open matters of an order, oldest first.
pub async fn list_open(db: &Db, order: OrderId) -> Result<Vec<Attention>, StoreError> {
    let sql = "SELECT id, reason, until_refunded FROM order_attentions WHERE order_id = ? AND settled_at IS NULL
               ORDER BY raised_at, id LIMIT 50";
    let attention = |row: &Row| {
        Ok(Attention {
            id: AttentionId::from_uuid(row.get("id")?),
            reason: row.get("reason")?,
            until_refunded: row.get("until_refunded")?,
        })
    };
    all(&db.write, sql, vec![order.uuid().into()]).await?.iter().map(attention).collect()
}
