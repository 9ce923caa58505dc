//! Terms of credentials: how long they are paid for, and who has to be told that they end.

use stepgate_core::contact::Reach;
use stepgate_core::credentials::Credential;
use stepgate_core::id::{CredentialId, LicenseKeyId, OrderId, PersonId, TermId};
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::subscriptions::term::next_notice;
use stepgate_core::time::Timestamp;

use crate::credentials::{CREDENTIAL, credential};
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
    (id, term): (TermId, &Term),
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO terms (id, credential_id, person_id, license_key_id, order_id, from_at, until_at, created_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        id.uuid().into(),
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
    /// How far a Phone OTP reaches.
    pub reach: Reach,
    /// Whether its person must be identity-proofed before it is bound.
    pub needs_proofing: bool,
}

pub(crate) const SOLD_AS: &str = "id, product, license_key_id, auto_renew, needs_proofing, parameters";

pub(crate) fn sold_as(row: &Row) -> Result<SoldAs, StoreError> {
    let parameters: serde_json::Value = row.json("credentials", "parameters")?;
    let reach = parameters.get("reach").cloned().and_then(|reach| serde_json::from_value(reach).ok());
    Ok(SoldAs {
        product: row.get::<Option<String>>("product")?.and_then(|text| ProductId::try_from(text).ok()),
        key: row.get::<Option<uuid::Uuid>>("license_key_id")?.map(LicenseKeyId::from_uuid),
        auto_renew: row.get("auto_renew")?,
        reach: reach.unwrap_or_default(),
        needs_proofing: row.get("needs_proofing")?,
    })
}

/// What a credential was sold as.
pub async fn find_sold_as(db: &Db, id: CredentialId) -> Result<SoldAs, StoreError> {
    let sql = format!("SELECT {SOLD_AS} FROM credentials WHERE id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map_or(Ok(SoldAs::default()), sold_as)
}

/// What each credential of a person was sold as, all at once.
pub async fn list_sold_as(db: &Db, person: PersonId) -> Result<Vec<(CredentialId, SoldAs)>, StoreError> {
    let sql = format!("SELECT {SOLD_AS} FROM credentials WHERE person_id = ?");
    let sold = |row: &Row| Ok((CredentialId::from_uuid(row.get("id")?), sold_as(row)?));
    all(&db.read, &sql, vec![person.uuid().into()]).await?.iter().map(sold).collect()
}

/// The credentials that a key was activated as: several for a bundle.
pub async fn list_credentials_of_key(db: &Db, key: LicenseKeyId) -> Result<Vec<Credential>, StoreError> {
    let sql = format!("SELECT {CREDENTIAL} FROM credentials WHERE license_key_id = ? ORDER BY created_at, id");
    all(&db.read, &sql, vec![key.uuid().into()]).await?.iter().map(credential).collect()
}

/// Begins the term of a credential that counts from its activation; `false` when it has one.
pub async fn begin_term(
    connection: &impl Connection,
    id: CredentialId,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET expires_at = ?, notice_at = ?
               WHERE id = ? AND expires_at IS NULL AND license_key_id IS NOT NULL AND stage <> 'revoked'";
    let next = next_notice(until, now).map(|notice| notice.due);
    Ok(run(connection, sql, vec![at(until), at_if(next), id.uuid().into()]).await? == 1)
}

/// The person must be identity-proofed before this is bound.
pub async fn set_needs_proofing(connection: &impl Connection, id: CredentialId) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET needs_proofing = TRUE WHERE id = ?";
    run(connection, sql, vec![id.uuid().into()]).await.map(drop)
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

/// Makes what was bought, and waits for a device, the subscription of a device of the same kind that its holder has had
/// without one: product, key and paid years move there. `false`: either is not (any more) what it was.
pub async fn move_subscription(
    connection: &impl Connection,
    person: PersonId,
    (from, to): (CredentialId, CredentialId),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET product = f.product, license_key_id = f.license_key_id,
                 purchased_at = f.purchased_at, expires_at = f.expires_at, needs_proofing = f.needs_proofing,
                 auto_renew = f.auto_renew
               FROM (SELECT kind, product, license_key_id, purchased_at, expires_at, needs_proofing, auto_renew
                     FROM credentials WHERE id = ? AND person_id = ? AND stage = 'pending' AND serial IS NULL
                       AND license_key_id IS NOT NULL) f
               WHERE credentials.id = ? AND credentials.person_id = ? AND credentials.stage = 'active'
                 AND credentials.kind = f.kind AND credentials.license_key_id IS NULL AND credentials.expires_at IS NULL
               RETURNING credentials.expires_at AS expires_at";
    let values = vec![from.uuid().into(), person.uuid().into(), to.uuid().into(), person.uuid().into()];
    let Some(row) = one(connection, sql, values).await? else { return Ok(false) };
    let next = row.time_if("expires_at")?.and_then(|until| next_notice(until, now)).map(|notice| notice.due);
    let notices = "UPDATE credentials SET notice_at = ? WHERE id = ?";
    run(connection, notices, vec![at_if(next), to.uuid().into()]).await?;
    let gone = "UPDATE credentials SET stage = 'revoked', license_key_id = NULL, notice_at = NULL
                WHERE id = ? AND stage = 'pending'";
    if run(connection, gone, vec![from.uuid().into()]).await? != 1 {
        return Ok(false);
    }
    let terms = "UPDATE terms SET credential_id = ? WHERE credential_id = ?";
    run(connection, terms, vec![to.uuid().into(), from.uuid().into()]).await.map(|_| true)
}

/// Renews without being asked, or not.
pub async fn set_auto_renew(connection: &impl Connection, id: CredentialId, on: bool) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET auto_renew = ? WHERE id = ?";
    run(connection, sql, vec![on.into(), id.uuid().into()]).await.map(drop)
}
