//! People who want no requests on their phones for a while.

use stepgate_core::id::CredentialId;
use stepgate_core::time::Timestamp;

use crate::row::{at, one, run};
use crate::{Connection, Db, StoreError};

/// From now on no phone of the credential is asked; `false` when that was so before.
pub async fn insert_hold(
    connection: &impl Connection,
    credential: CredentialId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO mobile_holds (credential_id, since) VALUES (?, ?) ON CONFLICT DO NOTHING";
    Ok(run(connection, sql, vec![credential.uuid().into(), at(now)]).await? == 1)
}

/// Since when the phones of a credential are not asked.
pub async fn find_hold(db: &Db, credential: CredentialId) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT since FROM mobile_holds WHERE credential_id = ?";
    one(&db.read, sql, vec![credential.uuid().into()]).await?.map(|row| row.time("since")).transpose()
}

/// The phones are asked again; `false` when they were all along.
pub async fn delete_hold(connection: &impl Connection, credential: CredentialId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM mobile_holds WHERE credential_id = ?";
    Ok(run(connection, sql, vec![credential.uuid().into()]).await? == 1)
}
