//! Terms of credentials: how long they are paid for, and who has to be told that they end.

use stepgate_core::id::{CredentialId, LicenseKeyId, OrderId, PersonId};
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::subscriptions::term::next_notice;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, at_if, one, run};
use crate::{Connection, Db, StoreError};

/// One paid year of a credential.
#[derive(Clone, Debug)]
pub struct Term {
    /// Of which credential.
    pub credential: CredentialId,
    /// Whose.
    pub person: PersonId,
    /// The key that paid for it.
    pub key: LicenseKeyId,
    /// The order that the key came from.
    pub order: Option<OrderId>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Writes a term down. [`StoreError::Conflict`] when the key paid for this credential before.
pub async fn insert_term(
    connection: &impl Connection,
    (id, term): (uuid::Uuid, &Term),
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO terms (id, credential_id, person_id, license_key_id, order_id, from_at, until_at, created_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        id.into(),
        term.credential.uuid().into(),
        term.person.uuid().into(),
        term.key.uuid().into(),
        term.order.map(OrderId::uuid).into(),
        at(term.from),
        at(term.until),
        at(now),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The terms of a credential, newest first.
pub async fn list_terms(db: &Db, credential: CredentialId) -> Result<Vec<Term>, StoreError> {
    let sql = "SELECT id, credential_id, person_id, license_key_id, order_id, from_at, until_at FROM terms
               WHERE credential_id = ? ORDER BY created_at DESC, id LIMIT 100";
    let term = |row: &Row| {
        Ok(Term {
            credential: CredentialId::from_uuid(row.get("credential_id")?),
            person: PersonId::from_uuid(row.get("person_id")?),
            key: LicenseKeyId::from_uuid(row.get("license_key_id")?),
            order: row.get::<Option<uuid::Uuid>>("order_id")?.map(OrderId::from_uuid),
            from: row.time("from_at")?,
            until: row.time("until_at")?,
        })
    };
    all(&db.read, sql, vec![credential.uuid().into()]).await?.iter().map(term).collect()
}

/// Moves the end of a term; `false` when it is not `from` any more: another renewal came first, read again.
pub async fn extend_term(
    connection: &impl Connection,
    id: CredentialId,
    (from, until): (Option<Timestamp>, Timestamp),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET expires_at = ?, notice_at = ?
               WHERE id = ? AND COALESCE(expires_at, -1) = ? AND stage <> 'revoked'";
    let next = next_notice(until, now).map(|notice| notice.due);
    let from = from.map_or(-1, Timestamp::unix_millis);
    Ok(run(connection, sql, vec![at(until), at_if(next), id.uuid().into(), from.into()]).await? == 1)
}

/// What a credential was sold as, and by which key.
#[derive(Clone, Debug, Default)]
pub struct SoldAs {
    /// The product.
    pub product: Option<ProductId>,
    /// The key that it was activated with.
    pub key: Option<LicenseKeyId>,
    /// Whether it is renewed without being asked.
    pub auto_renew: bool,
}

/// What a credential was sold as.
pub async fn find_sold_as(db: &Db, id: CredentialId) -> Result<SoldAs, StoreError> {
    let sql = "SELECT id, product, license_key_id, auto_renew FROM credentials WHERE id = ?";
    let row = one(&db.read, sql, vec![id.uuid().into()]).await?;
    row.map_or(Ok(SoldAs::default()), |row| {
        Ok(SoldAs {
            product: row.get::<Option<String>>("product")?.and_then(|text| ProductId::try_from(text).ok()),
            key: row.get::<Option<uuid::Uuid>>("license_key_id")?.map(LicenseKeyId::from_uuid),
            auto_renew: row.get("auto_renew")?,
        })
    })
}

/// Notes what a credential was sold as.
pub async fn set_sold_as(
    connection: &impl Connection,
    id: CredentialId,
    product: &ProductId,
    key: LicenseKeyId,
) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET product = ?, license_key_id = ? WHERE id = ?";
    run(connection, sql, vec![product.as_str().into(), key.uuid().into(), id.uuid().into()]).await.map(drop)
}

/// Renews without being asked, or not.
pub async fn set_auto_renew(connection: &impl Connection, id: CredentialId, on: bool) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET auto_renew = ? WHERE id = ?";
    run(connection, sql, vec![on.into(), id.uuid().into()]).await.map(drop)
}

/// A credential whose holder is to be told that it ends.
#[derive(Clone, Copy, Debug)]
pub struct DueNotice {
    /// The credential.
    pub credential: CredentialId,
    /// Whose.
    pub person: PersonId,
    /// When it ends.
    pub ends: Timestamp,
    /// Since when the notice is due.
    pub due: Timestamp,
}

/// Notices that are due at `now`, the longest overdue first; of credentials that are given up there are none.
pub async fn list_due_notices(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<DueNotice>, StoreError> {
    let sql = format!(
        "SELECT id, person_id, expires_at, notice_at FROM credentials
         WHERE notice_at IS NOT NULL AND notice_at <= ? AND expires_at IS NOT NULL ORDER BY notice_at LIMIT {limit}"
    );
    let due = |row: &Row| {
        Ok(DueNotice {
            credential: CredentialId::from_uuid(row.get("id")?),
            person: PersonId::from_uuid(row.get("person_id")?),
            ends: row.time("expires_at")?,
            due: row.time("notice_at")?,
        })
    };
    all(&db.read, &sql, vec![at(now)]).await?.iter().map(due).collect()
}

/// Takes a notice that is due, and sets when the next one is: of several nodes one sends it. Call it in the transaction
/// that puts it into the outbox.
pub async fn take_notice(connection: &impl Connection, notice: &DueNotice, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET notice_at = ? WHERE id = ? AND notice_at = ? AND expires_at = ?";
    let next = next_notice(notice.ends, now).map(|next| next.due);
    let values = vec![at_if(next), notice.credential.uuid().into(), at(notice.due), at(notice.ends)];
    Ok(run(connection, sql, values).await? == 1)
}
