//! License keys: made with the payment, handed on, redeemed once.

use stepgate_core::id::{CredentialId, LicenseKeyId, OrderId, PersonId};
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey};
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, json, one, run};
use crate::{Connection, Db, StoreError};

const KEY: &str = "id, order_id, line, product, gives, stage, purchaser_id, purchased_at, holder_id, holder_mail,
    renews, redeemed_by, redeemed_at";

fn key(row: &Row) -> Result<LicenseKey, StoreError> {
    let person = |column: &str| row.get::<Option<uuid::Uuid>>(column).map(|id| id.map(PersonId::from_uuid));
    Ok(LicenseKey {
        id: LicenseKeyId::from_uuid(row.get("id")?),
        order: row.get::<Option<uuid::Uuid>>("order_id")?.map(OrderId::from_uuid),
        line: u32::try_from(row.get::<i64>("line")?).unwrap_or(0),
        product: row.parsed("license_keys", "product", |text| ProductId::try_from(text.to_owned()).ok())?,
        gives: row.json("license_keys", "gives")?,
        stage: row.parsed("license_keys", "stage", KeyStage::parse)?,
        purchaser: person("purchaser_id")?,
        purchased_at: row.time("purchased_at")?,
        holder: person("holder_id")?,
        holder_mail: row.get("holder_mail")?,
        renews: row.get::<Option<uuid::Uuid>>("renews")?.map(CredentialId::from_uuid),
        redeemed_by: person("redeemed_by")?,
        redeemed_at: row.time_if("redeemed_at")?,
    })
}

/// A new key: the `number`th of its line. [`StoreError::Conflict`] when it was made before.
pub async fn insert_key(
    connection: &impl Connection,
    new: &LicenseKey,
    (number, hash): (u32, &[u8]),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO license_keys (id, hash, order_id, line, number, product, gives, stage, purchaser_id,
                 purchased_at, holder_id, holder_mail, renews) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        hash.to_vec().into(),
        new.order.map(OrderId::uuid).into(),
        i64::from(new.line).into(),
        i64::from(number).into(),
        new.product.as_str().into(),
        json(&new.gives)?,
        new.stage.as_str().into(),
        new.purchaser.map(PersonId::uuid).into(),
        at(new.purchased_at),
        new.holder.map(PersonId::uuid).into(),
        new.holder_mail.clone().into(),
        new.renews.map(CredentialId::uuid).into(),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The key that was typed.
pub async fn find_key_by_hash(db: &Db, hash: &[u8]) -> Result<Option<LicenseKey>, StoreError> {
    let sql = format!("SELECT {KEY} FROM license_keys WHERE hash = ?");
    one(&db.write, &sql, vec![hash.to_vec().into()]).await?.as_ref().map(key).transpose()
}

/// A key by id.
pub async fn find_key(db: &Db, id: LicenseKeyId) -> Result<Option<LicenseKey>, StoreError> {
    let sql = format!("SELECT {KEY} FROM license_keys WHERE id = ?");
    one(&db.write, &sql, vec![id.uuid().into()]).await?.as_ref().map(key).transpose()
}

/// The keys of an order, in its order.
pub async fn list_keys_of_order(db: &Db, order: OrderId) -> Result<Vec<LicenseKey>, StoreError> {
    let sql = format!("SELECT {KEY} FROM license_keys WHERE order_id = ? ORDER BY line, number");
    all(&db.write, &sql, vec![order.uuid().into()]).await?.iter().map(key).collect()
}

/// The keys that a person can redeem without typing them: bought for them, or handed to them.
pub async fn list_keys_for(db: &Db, holder: PersonId) -> Result<Vec<LicenseKey>, StoreError> {
    let sql = format!(
        "SELECT {KEY} FROM license_keys WHERE holder_id = ? AND stage = 'unredeemed' ORDER BY purchased_at, id LIMIT 200"
    );
    all(&db.read, &sql, vec![holder.uuid().into()]).await?.iter().map(key).collect()
}

/// Those, and the ones that were handed to an address of theirs, in one statement: every page of theirs says so.
pub async fn list_keys_waiting(
    db: &Db,
    holder: PersonId,
    verified_mail: Option<&str>,
) -> Result<Vec<LicenseKey>, StoreError> {
    let sql = format!(
        "SELECT {KEY} FROM license_keys WHERE holder_id = ? AND stage = 'unredeemed'
         UNION ALL SELECT {KEY} FROM license_keys WHERE holder_mail = ? AND holder_id IS NULL AND stage = 'unredeemed'
         ORDER BY purchased_at, id LIMIT 200"
    );
    let mail = verified_mail.map(str::to_lowercase);
    all(&db.read, &sql, vec![holder.uuid().into(), mail.into()]).await?.iter().map(key).collect()
}

/// How many keys of an order stand where, by product.
pub async fn count_keys_of_order(db: &Db, order: OrderId) -> Result<Vec<(String, KeyStage, i64)>, StoreError> {
    let sql = "SELECT product, stage, COUNT(*) AS keys FROM license_keys WHERE order_id = ?
               GROUP BY product, stage ORDER BY product, stage";
    let count =
        |row: &Row| Ok((row.get("product")?, row.parsed("license_keys", "stage", KeyStage::parse)?, row.get("keys")?));
    all(&db.read, sql, vec![order.uuid().into()]).await?.iter().map(count).collect()
}

/// Hands a key on: to a person, to an address, or back to nobody. `false` when it was redeemed or given back, is not the
/// purchaser's, or belongs to an invitation, which names whose it is.
pub async fn assign_key(
    connection: &impl Connection,
    (id, purchaser): (LicenseKeyId, PersonId),
    holder: Option<PersonId>,
    mail: Option<&str>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE license_keys SET holder_id = ?, holder_mail = ?
               WHERE id = ? AND purchaser_id = ? AND stage = 'unredeemed' AND renews IS NULL
                 AND NOT EXISTS (SELECT 1 FROM invitations WHERE license_key_id = license_keys.id)";
    let values = vec![
        holder.map(PersonId::uuid).into(),
        mail.map(str::to_owned).into(),
        id.uuid().into(),
        purchaser.uuid().into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Redeems a key, once: of two who try it at the same moment on two nodes, one has it. `None` when it was redeemed or
/// given back, or is somebody else's.
pub async fn take_key(
    connection: &impl Connection,
    id: LicenseKeyId,
    person: PersonId,
    now: Timestamp,
) -> Result<Option<LicenseKey>, StoreError> {
    let sql = format!(
        "UPDATE license_keys SET stage = 'redeemed', redeemed_by = ?, redeemed_at = ?
         WHERE id = ? AND stage = 'unredeemed'
           AND (holder_id = ? OR holder_id IS NULL AND holder_mail IS NULL) RETURNING {KEY}"
    );
    let values = vec![person.uuid().into(), at(now), id.uuid().into(), person.uuid().into()];
    one(connection, &sql, values).await?.as_ref().map(key).transpose()
}

/// Makes the keys of an order void; how many were. What was redeemed stays.
pub async fn void_keys_of_order(
    connection: &impl Connection,
    order: OrderId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE license_keys SET stage = 'void', voided_at = ? WHERE order_id = ? AND stage = 'unredeemed'";
    run(connection, sql, vec![at(now), order.uuid().into()]).await
}

/// Makes void keys of an order good again: the money did not go back after all.
pub async fn restore_keys_of_order(connection: &impl Connection, order: OrderId) -> Result<u64, StoreError> {
    let sql = "UPDATE license_keys SET stage = 'unredeemed', voided_at = NULL WHERE order_id = ? AND stage = 'void'";
    run(connection, sql, vec![order.uuid().into()]).await
}

/// A key that was handed to an address becomes its reader's, once they have shown that the address is theirs. `false`
/// when it was taken back, redeemed, or handed to somebody else since.
pub async fn claim_key(
    connection: &impl Connection,
    id: LicenseKeyId,
    (person, verified_mail): (PersonId, &str),
) -> Result<bool, StoreError> {
    let sql = "UPDATE license_keys SET holder_id = ?
               WHERE id = ? AND holder_id IS NULL AND holder_mail = ? AND stage = 'unredeemed'";
    let values = vec![person.uuid().into(), id.uuid().into(), verified_mail.to_lowercase().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// A key that somebody bought, with the user IDs of whom it was handed to and who redeemed it.
#[derive(Clone, Debug)]
pub struct BoughtKey {
    /// The key.
    pub key: LicenseKey,
    /// Its holder's user ID.
    pub holder: Option<String>,
    /// The user ID of who redeemed it.
    pub redeemed_by: Option<String>,
}

/// What a purchaser bought, newest first: what is left, and who redeemed what when. Nobody else is told.
pub async fn list_keys_bought(db: &Db, purchaser: PersonId, limit: u32) -> Result<Vec<BoughtKey>, StoreError> {
    let columns = KEY.split(',').map(|column| format!("k.{}", column.trim())).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {columns}, h.username AS holder, r.username AS redeemer FROM license_keys k
         LEFT JOIN persons h ON h.id = k.holder_id LEFT JOIN persons r ON r.id = k.redeemed_by
         WHERE k.purchaser_id = ? ORDER BY k.purchased_at DESC, k.order_id, k.line, k.number LIMIT {limit}"
    );
    let bought =
        |row: &Row| Ok(BoughtKey { key: key(row)?, holder: row.get("holder")?, redeemed_by: row.get("redeemer")? });
    all(&db.read, &sql, vec![purchaser.uuid().into()]).await?.iter().map(bought).collect()
}
