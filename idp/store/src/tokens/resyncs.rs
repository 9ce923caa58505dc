//! The first code of an automatic resync, until the second comes.

use stepgate_core::id::CredentialId;
use stepgate_core::time::Timestamp;

use crate::row::{at, one, run};
use crate::{Db, StoreError};

/// Remembers the moving factor of a code that was right far away; it takes the place of one before.
pub async fn put_factor(
    db: &Db,
    credential: CredentialId,
    factor: i64,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_resyncs (credential_id, factor, expires_at) VALUES (?, ?, ?)
               ON CONFLICT (credential_id) DO UPDATE SET factor = excluded.factor, expires_at = excluded.expires_at";
    run(&db.write, sql, vec![credential.uuid().into(), factor.into(), at(expires_at)]).await.map(drop)
}

/// Uses the remembered factor up, if it is this one and has not expired.
pub async fn take_factor(db: &Db, credential: CredentialId, factor: i64, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "DELETE FROM token_resyncs WHERE credential_id = ? AND factor = ? AND expires_at > ? RETURNING factor";
    Ok(one(&db.write, sql, vec![credential.uuid().into(), factor.into(), at(now)]).await?.is_some())
}
