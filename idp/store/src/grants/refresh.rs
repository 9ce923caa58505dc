//! Refresh tokens: rotated by one conditional write, a second use recognised.

use std::time::Duration;

use stepgate_core::grants::RefreshToken;
use stepgate_core::id::GrantId;
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{at, one, run};
use crate::{Connection, Db, StoreError};

/// What became of the wish to rotate a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Used for the first time: the successor is in force.
    Rotated,
    /// Used once more within the grace, and its successor was never used: a client whose answer was lost. The new
    /// successor takes the place of the lost one.
    Retried,
    /// Being used by another request at this very moment: this one gets nothing, and nothing is revoked.
    InUse,
    /// Used again: stolen, or a client gone wrong. The caller revokes the family.
    Replayed(GrantId),
    /// Its time is over, or its grant is.
    Over,
}

/// A new refresh token.
pub async fn insert_refresh(
    connection: &impl Connection,
    new: &RefreshToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO refresh_tokens (hash, grant_id, issued_at, expires_at) VALUES (?, ?, ?, ?)";
    let values = vec![new.hash.as_bytes().to_vec().into(), new.grant.uuid().into(), at(now), at(new.expires_at)];
    run(connection, sql, values).await.map(drop)
}

/// A refresh token, used or not.
pub async fn find_refresh(db: &Db, hash: &TokenHash) -> Result<Option<RefreshToken>, StoreError> {
    let sql = "SELECT grant_id, expires_at, used_at FROM refresh_tokens WHERE hash = ?";
    let Some(row) = one(&db.read, sql, vec![hash.as_bytes().to_vec().into()]).await? else { return Ok(None) };
    Ok(Some(RefreshToken {
        hash: *hash,
        grant: GrantId::from_uuid(row.get("grant_id")?),
        expires_at: row.time("expires_at")?,
        used_at: row.time_if("used_at")?,
    }))
}

/// Uses up `old` and puts `successor` in its place, in one transaction.
pub async fn rotate_refresh(
    db: &Db,
    old: &TokenHash,
    successor: &RefreshToken,
    now: Timestamp,
    grace: Duration,
) -> Result<Rotation, StoreError> {
    let key = || old.as_bytes().to_vec();
    let next = || successor.hash.as_bytes().to_vec();
    let transaction = db.begin().await?;
    let sql =
        "UPDATE refresh_tokens SET used_at = ?, successor = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ?
               AND EXISTS (SELECT 1 FROM grants g WHERE g.id = grant_id AND g.revoked_at IS NULL)";
    let rotated = run(&transaction, sql, vec![at(now), next().into(), key().into(), at(now)]).await? == 1;
    if rotated {
        insert_refresh(&transaction, successor, now).await?;
        transaction.commit().await?;
        return Ok(Rotation::Rotated);
    }
    drop(transaction);
    if !grace.is_zero() && retry(db, old, successor, now, grace).await? {
        return Ok(Rotation::Retried);
    }
    let sql = "SELECT grant_id, used_at FROM refresh_tokens WHERE hash = ?";
    let row = one(&db.write, sql, vec![key().into()]).await?;
    match row {
        Some(row) => Ok(match row.time_if("used_at")? {
            Some(used_at) if !grace.is_zero() && used_at > now - SHORTEST_WAIT => Rotation::InUse,
            Some(_) => Rotation::Replayed(GrantId::from_uuid(row.get("grant_id")?)),
            None => Rotation::Over,
        }),
        None => Ok(Rotation::Over),
    }
}

/// Two requests at the same moment are not a lost answer: a client that asks again has waited for an answer first.
const SHORTEST_WAIT: Duration = Duration::from_secs(2);

/// Answers a token once more: only within the grace, only once, and only while its successor was never used. That one
/// is removed by the same condition, so of the two only one can ever be used.
async fn retry(
    db: &Db,
    old: &TokenHash,
    successor: &RefreshToken,
    now: Timestamp,
    grace: Duration,
) -> Result<bool, StoreError> {
    let transaction = db.begin().await?;
    let sql = "UPDATE refresh_tokens SET retried_at = ? WHERE hash = ? AND used_at > ? AND used_at < ?
               AND retried_at IS NULL AND expires_at > ?
               AND EXISTS (SELECT 1 FROM grants g WHERE g.id = grant_id AND g.revoked_at IS NULL)
               RETURNING successor";
    let values = vec![at(now), old.as_bytes().to_vec().into(), at(now - grace), at(now - SHORTEST_WAIT), at(now)];
    let Some(row) = one(&transaction, sql, values).await? else { return Ok(false) };
    let lost: Option<Vec<u8>> = row.get("successor")?;
    let sql = "DELETE FROM refresh_tokens WHERE hash = ? AND used_at IS NULL";
    if run(&transaction, sql, vec![lost.into()]).await? != 1 {
        return Ok(false);
    }
    insert_refresh(&transaction, successor, now).await?;
    transaction.commit().await?;
    Ok(true)
}
