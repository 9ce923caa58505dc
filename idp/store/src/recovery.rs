//! Recovery codes and mailed links: each used up by one conditional statement.

use stepgate_core::id::{CredentialId, PersonId, SessionId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{Row, at, one, run};
use crate::{Connection, Db, StoreError};

/// A person's set of recovery codes.
#[derive(Clone, Copy, Debug)]
pub struct RecoverySet {
    /// The credential that it is.
    pub credential: CredentialId,
    /// When it was made.
    pub made_at: Timestamp,
    /// How many codes are left.
    pub left: u32,
}

/// The set that is in force. Read where it is written: what was used just now is used.
pub async fn find_set(connection: &impl Connection, person: PersonId) -> Result<Option<RecoverySet>, StoreError> {
    let sql = "SELECT c.id, c.created_at, SUM(CASE WHEN r.used_at IS NULL THEN 1 ELSE 0 END) AS codes_left
               FROM credentials c JOIN recovery_codes r ON r.credential_id = c.id
               WHERE c.person_id = ? AND c.kind = 'recovery' AND c.stage = 'active'
               GROUP BY c.id, c.created_at ORDER BY c.created_at DESC LIMIT 1";
    let set = |row: Row| {
        Ok(RecoverySet {
            credential: CredentialId::from_uuid(row.get("id")?),
            made_at: row.time("created_at")?,
            left: u32::try_from(row.get::<i64>("codes_left")?).unwrap_or(0),
        })
    };
    one(connection, sql, vec![person.uuid().into()]).await?.map(set).transpose()
}

/// Makes room for a new set: the ones before open nothing any more. The person's row is locked until the transaction
/// ends, so that of two new sets at the same moment one stays.
pub async fn revoke_sets(connection: &impl Connection, person: PersonId) -> Result<u64, StoreError> {
    run(connection, "UPDATE persons SET updated_at = updated_at WHERE id = ?", vec![person.uuid().into()]).await?;
    let sql = "UPDATE credentials SET stage = 'revoked' WHERE person_id = ? AND kind = 'recovery' AND stage = 'active'
               AND id IN (SELECT credential_id FROM recovery_codes)";
    run(connection, sql, vec![person.uuid().into()]).await
}

/// One code of a set.
pub async fn insert_code(
    connection: &impl Connection,
    credential: CredentialId,
    hash: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO recovery_codes (hash, credential_id) VALUES (?, ?)";
    run(connection, sql, vec![hash.to_vec().into(), credential.uuid().into()]).await.map(drop)
}

/// Uses a code up; `false` when it is none of this set, or was used before.
pub async fn take_code(
    connection: &impl Connection,
    credential: CredentialId,
    hash: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE recovery_codes SET used_at = ? WHERE hash = ? AND credential_id = ? AND used_at IS NULL";
    Ok(run(connection, sql, vec![at(now), hash.to_vec().into(), credential.uuid().into()]).await? == 1)
}

/// Whether a code of this set was used before.
pub async fn is_used(db: &Db, credential: CredentialId, hash: &[u8]) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS found FROM recovery_codes WHERE hash = ? AND credential_id = ? AND used_at IS NOT NULL";
    Ok(one(&db.write, sql, vec![hash.to_vec().into(), credential.uuid().into()]).await?.is_some())
}

/// Whether a code is one of this set and has not been used.
pub async fn is_left(db: &Db, credential: CredentialId, hash: &[u8]) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS found FROM recovery_codes WHERE hash = ? AND credential_id = ? AND used_at IS NULL";
    Ok(one(&db.read, sql, vec![hash.to_vec().into(), credential.uuid().into()]).await?.is_some())
}

/// A mailed link for a new password.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Hash of what is in the link.
    pub hash: TokenHash,
    /// Whose.
    pub person: PersonId,
    /// The session in which a second factor is shown for it.
    pub session: Option<SessionId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// End of its life.
    pub expires_at: Timestamp,
}

const LINK: &str = "hash, person_id, session_id, created_at, expires_at";

fn link(row: &Row) -> Result<Link, StoreError> {
    let bytes: Vec<u8> = row.get("hash")?;
    let bad = StoreError::BadRow { table: "recovery_links", column: "hash", id: "?".to_owned() };
    Ok(Link {
        hash: TokenHash::from_slice(&bytes).ok_or(bad)?,
        person: PersonId::from_uuid(row.get("person_id")?),
        session: row.get::<Option<uuid::Uuid>>("session_id")?.map(SessionId::from_uuid),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

/// A new link.
pub async fn insert_link(connection: &impl Connection, new: &Link) -> Result<(), StoreError> {
    let sql = "INSERT INTO recovery_links (hash, person_id, created_at, expires_at) VALUES (?, ?, ?, ?)";
    let values =
        vec![new.hash.as_bytes().to_vec().into(), new.person.uuid().into(), at(new.created_at), at(new.expires_at)];
    run(connection, sql, values).await.map(drop)
}

/// The link of that hash, while it can be used.
pub async fn find_link(db: &Db, hash: &TokenHash, now: Timestamp) -> Result<Option<Link>, StoreError> {
    let sql = format!("SELECT {LINK} FROM recovery_links WHERE hash = ? AND used_at IS NULL AND expires_at > ?");
    one(&db.write, &sql, vec![hash.as_bytes().to_vec().into(), at(now)]).await?.as_ref().map(link).transpose()
}

/// The link for which a session was begun, while it can be used.
pub async fn find_link_of_session(db: &Db, session: SessionId, now: Timestamp) -> Result<Option<Link>, StoreError> {
    let sql = format!(
        "SELECT {LINK} FROM recovery_links WHERE session_id = ? AND used_at IS NULL AND expires_at > ?
         ORDER BY created_at DESC LIMIT 1"
    );
    one(&db.write, &sql, vec![session.uuid().into(), at(now)]).await?.as_ref().map(link).transpose()
}

/// Notes in which session the second factor is shown.
pub async fn update_link_session(
    connection: &impl Connection,
    hash: &TokenHash,
    session: SessionId,
) -> Result<bool, StoreError> {
    let sql = "UPDATE recovery_links SET session_id = ? WHERE hash = ? AND used_at IS NULL";
    Ok(run(connection, sql, vec![session.uuid().into(), hash.as_bytes().to_vec().into()]).await? == 1)
}

/// Uses a link up; `false` when it was used before, or is too old.
pub async fn take_link(connection: &impl Connection, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE recovery_links SET used_at = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ?";
    Ok(run(connection, sql, vec![at(now), hash.as_bytes().to_vec().into(), at(now)]).await? == 1)
}

/// Ends the links of a person: the password has changed.
pub async fn end_links(connection: &impl Connection, person: PersonId, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE recovery_links SET used_at = ? WHERE person_id = ? AND used_at IS NULL";
    run(connection, sql, vec![at(now), person.uuid().into()]).await
}
