//! What a person allowed a client.

use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;

use crate::row::{all, at, one, run};
use crate::{Connection, Db, StoreError};

/// The scopes that a person allowed a client; empty when none.
pub async fn find_consent(db: &Db, person: PersonId, client: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT scopes FROM consents WHERE person_id = ? AND client_id = ?";
    let row = one(&db.read, sql, vec![person.uuid().into(), client.into()]).await?;
    let scopes: String = row.map(|row| row.get("scopes")).transpose()?.unwrap_or_default();
    Ok(scopes.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
}

/// Remembers what a person allowed a client, in place of what was remembered.
pub async fn upsert_consent(
    connection: &impl Connection,
    person: PersonId,
    client: &str,
    scopes: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO consents (person_id, client_id, scopes, granted_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (person_id, client_id) DO UPDATE SET scopes = excluded.scopes, granted_at = excluded.granted_at";
    run(connection, sql, vec![person.uuid().into(), client.into(), scopes.join(" ").into(), at(now)]).await.map(drop)
}

/// All that a person allowed: client and scopes.
pub async fn list_consents(db: &Db, person: PersonId) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT client_id, scopes FROM consents WHERE person_id = ? ORDER BY client_id";
    let rows = all(&db.read, sql, vec![person.uuid().into()]).await?;
    rows.iter().map(|row| Ok((row.get("client_id")?, row.get("scopes")?))).collect()
}

/// Forgets what a person allowed a client.
pub async fn delete_consent(connection: &impl Connection, person: PersonId, client: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM consents WHERE person_id = ? AND client_id = ?";
    Ok(run(connection, sql, vec![person.uuid().into(), client.into()]).await? == 1)
}
