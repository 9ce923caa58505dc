//! Initial access tokens, and the tokens by which registered clients manage themselves (RFC 7591 §3, RFC 7592 §1.2).

use stepgate_core::clients::RegistrationToken;
use stepgate_core::id::{ApplicationId, PartnerId, RegistrationTokenId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, at_if, one, run};
use crate::{Connection, Db, StoreError};

/// The hash of the token by which a client manages itself; `None` for a client that somebody else manages.
pub async fn find_client_token(db: &Db, client_id: &str) -> Result<Option<TokenHash>, StoreError> {
    let sql = "SELECT registration_token FROM clients WHERE client_id = ?";
    let Some(row) = one(&db.read, sql, vec![client_id.into()]).await? else { return Ok(None) };
    let bad = || StoreError::BadRow { table: "clients", column: "registration_token", id: client_id.to_owned() };
    let hash: Option<Vec<u8>> = row.get("registration_token")?;
    hash.map(|hash| TokenHash::from_slice(&hash).ok_or_else(bad)).transpose()
}

/// Lets a client manage itself.
pub async fn set_client_token(
    connection: &impl Connection,
    client_id: &str,
    token: &TokenHash,
) -> Result<(), StoreError> {
    let sql = "UPDATE clients SET registration_token = ? WHERE client_id = ?";
    run(connection, sql, vec![token.as_bytes().to_vec().into(), client_id.into()]).await.map(drop)
}

const TOKEN: &str = "id, name, partner_id, application_id, uses_left, expires_at, created_at";

fn token(row: &Row) -> Result<RegistrationToken, StoreError> {
    let uses: i64 = row.get("uses_left")?;
    let application: Option<uuid::Uuid> = row.get("application_id")?;
    Ok(RegistrationToken {
        id: RegistrationTokenId::from_uuid(row.get("id")?),
        name: row.get("name")?,
        partner: PartnerId::from_uuid(row.get("partner_id")?),
        application: application.map(ApplicationId::from_uuid),
        uses_left: u32::try_from(uses).unwrap_or(0),
        expires_at: row.time_if("expires_at")?,
        created_at: row.time("created_at")?,
    })
}

/// A new initial access token.
pub async fn insert_token(
    connection: &impl Connection,
    new: &RegistrationToken,
    hash: &TokenHash,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO registration_tokens (id, hash, name, partner_id, application_id, uses_left, expires_at,
               created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        hash.as_bytes().to_vec().into(),
        new.name.as_str().into(),
        new.partner.uuid().into(),
        new.application.map(ApplicationId::uuid).into(),
        i64::from(new.uses_left).into(),
        at_if(new.expires_at),
        at(new.created_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The initial access token of that hash, if it still counts.
pub async fn find_token(db: &Db, hash: &TokenHash, now: Timestamp) -> Result<Option<RegistrationToken>, StoreError> {
    let sql = format!(
        "SELECT {TOKEN} FROM registration_tokens
         WHERE hash = ? AND uses_left > 0 AND (expires_at IS NULL OR expires_at > ?)"
    );
    one(&db.read, &sql, vec![hash.as_bytes().to_vec().into(), at(now)]).await?.as_ref().map(token).transpose()
}

/// Uses an initial access token once; `false` when it does not count any more. In the transaction of what it is used
/// for, so that a use that comes to nothing is none.
pub async fn take_token(
    connection: &impl Connection,
    id: RegistrationTokenId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE registration_tokens SET uses_left = uses_left - 1
               WHERE id = ? AND uses_left > 0 AND (expires_at IS NULL OR expires_at > ?)";
    Ok(run(connection, sql, vec![id.uuid().into(), at(now)]).await? == 1)
}

/// All initial access tokens, newest first.
pub async fn list_tokens(db: &Db) -> Result<Vec<RegistrationToken>, StoreError> {
    let sql = format!("SELECT {TOKEN} FROM registration_tokens ORDER BY created_at DESC LIMIT 500");
    all(&db.read, &sql, vec![]).await?.iter().map(token).collect()
}

/// Removes an initial access token; `false` when there was none. What was registered with it stays.
pub async fn delete_token(connection: &impl Connection, id: RegistrationTokenId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM registration_tokens WHERE id = ?";
    Ok(run(connection, sql, vec![id.uuid().into()]).await? == 1)
}
