//! Vouchers: so many keys, paid before. A use is taken by one conditional statement, right over all nodes.

use stepgate_core::id::{OrderId, PersonId, VoucherId};
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// A voucher, as it is kept.
#[derive(Clone, Debug)]
pub struct Voucher {
    /// Its id.
    pub id: VoucherId,
    /// The only product that it pays; any while this is unset.
    pub product: Option<ProductId>,
    /// Who paid it before.
    pub sponsor: Option<Sponsor>,
    /// Keys that it pays.
    pub uses: i64,
    /// Those that are left.
    pub remaining: i64,
    /// What it is for, in the words of who made it.
    pub note: String,
    /// Who made it.
    pub created_by: PersonId,
    /// When.
    pub created_at: Timestamp,
    /// Until when it pays.
    pub expires_at: Timestamp,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

const VOUCHER: &str = "id, product, sponsor_kind, sponsor_id, uses, remaining, note, created_by, created_at,
    expires_at, withdrawn_at";

fn voucher(row: &Row) -> Result<Voucher, StoreError> {
    let sponsor = match row.get::<Option<uuid::Uuid>>("sponsor_id")? {
        Some(id) => Some(row.parsed("vouchers", "sponsor_kind", |kind| Sponsor::from_parts(kind, id))?),
        None => None,
    };
    Ok(Voucher {
        id: VoucherId::from_uuid(row.get("id")?),
        product: row.get::<Option<String>>("product")?.and_then(|text| ProductId::try_from(text).ok()),
        sponsor,
        uses: row.get("uses")?,
        remaining: row.get("remaining")?,
        note: row.get("note")?,
        created_by: PersonId::from_uuid(row.get("created_by")?),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        withdrawn_at: row.time_if("withdrawn_at")?,
    })
}

/// A new voucher; its code is kept as a hash.
pub async fn insert_voucher(connection: &impl Connection, new: &Voucher, hash: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO vouchers (id, hash, product, sponsor_kind, sponsor_id, uses, remaining, note, created_by,
                 created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let sponsor = new.sponsor.map(Sponsor::parts);
    let values = vec![
        new.id.uuid().into(),
        hash.to_vec().into(),
        new.product.as_ref().map(|product| product.as_str().to_owned()).into(),
        sponsor.map(|(kind, _)| kind.to_owned()).into(),
        sponsor.map(|(_, id)| id).into(),
        new.uses.into(),
        new.remaining.into(),
        new.note.as_str().into(),
        new.created_by.uuid().into(),
        at(new.created_at),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The voucher that was typed.
pub async fn find_voucher_by_hash(db: &Db, hash: &[u8]) -> Result<Option<Voucher>, StoreError> {
    let sql = format!("SELECT {VOUCHER} FROM vouchers WHERE hash = ?");
    one(&db.write, &sql, vec![hash.to_vec().into()]).await?.as_ref().map(voucher).transpose()
}

/// A voucher by id.
pub async fn find_voucher(db: &Db, id: VoucherId) -> Result<Option<Voucher>, StoreError> {
    let sql = format!("SELECT {VOUCHER} FROM vouchers WHERE id = ?");
    one(&db.write, &sql, vec![id.uuid().into()]).await?.as_ref().map(voucher).transpose()
}

/// All vouchers, newest first.
pub async fn list_vouchers(db: &Db) -> Result<Vec<Voucher>, StoreError> {
    let sql = format!("SELECT {VOUCHER} FROM vouchers ORDER BY created_at DESC, id LIMIT 500");
    all(&db.read, &sql, vec![]).await?.iter().map(voucher).collect()
}

/// Takes so many uses; `false` when not so many are left, or it pays nothing any more.
pub async fn take_uses(
    connection: &impl Connection,
    id: VoucherId,
    uses: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE vouchers SET remaining = remaining - ?
               WHERE id = ? AND remaining >= ? AND expires_at > ? AND withdrawn_at IS NULL";
    let uses = i64::from(uses);
    Ok(run(connection, sql, vec![uses.into(), id.uuid().into(), uses.into(), at(now)]).await? == 1)
}

/// Gives back what an order took, whether or not it still pays.
pub async fn release_uses_of(connection: &impl Connection, order: OrderId, uses: u32) -> Result<(), StoreError> {
    let sql = "UPDATE vouchers SET remaining = remaining + ?
               WHERE id = (SELECT voucher_id FROM orders WHERE id = ?) AND remaining + ? <= uses";
    let uses = i64::from(uses);
    run(connection, sql, vec![uses.into(), order.uuid().into(), uses.into()]).await.map(drop)
}

/// It pays nothing any more; `false` when that was so before.
pub async fn withdraw_voucher(connection: &impl Connection, id: VoucherId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE vouchers SET withdrawn_at = ? WHERE id = ? AND withdrawn_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}
