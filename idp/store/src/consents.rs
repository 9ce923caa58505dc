//! What a person allowed a client, and which clients a person has been at.

use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// What a person allowed a client.
#[derive(Clone, Debug)]
pub struct Consent {
    /// The client.
    pub client: String,
    /// What it may: scopes, and single claims.
    pub items: Vec<String>,
    /// Since when it may any of it.
    pub since: Timestamp,
}

fn items(row: &Row) -> Result<Vec<String>, StoreError> {
    let items: String = row.get("scopes")?;
    Ok(items.split(' ').filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

/// What a person allowed a client; empty when nothing.
pub async fn find_consent(
    connection: &impl Connection,
    person: PersonId,
    client: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT scopes FROM consents WHERE person_id = ? AND client_id = ?";
    let row = one(connection, sql, vec![person.uuid().into(), client.into()]).await?;
    row.as_ref().map(items).transpose().map(Option::unwrap_or_default)
}

/// Adds to what a person allowed a client, in the transaction that grants it.
pub async fn add_consent(
    connection: &impl Connection,
    person: PersonId,
    client: &str,
    allowed: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut all = find_consent(connection, person, client).await?;
    for item in allowed {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
    let sql = "INSERT INTO consents (person_id, client_id, scopes, granted_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (person_id, client_id) DO UPDATE SET scopes = excluded.scopes";
    run(connection, sql, vec![person.uuid().into(), client.into(), all.join(" ").into(), at(now)]).await.map(drop)
}

/// All that a person allowed.
pub async fn list_consents(db: &Db, person: PersonId) -> Result<Vec<Consent>, StoreError> {
    let sql = "SELECT client_id, scopes, granted_at FROM consents WHERE person_id = ? ORDER BY client_id";
    let rows = all(&db.read, sql, vec![person.uuid().into()]).await?;
    let consent =
        |row: &Row| Ok(Consent { client: row.get("client_id")?, items: items(row)?, since: row.time("granted_at")? });
    rows.iter().map(consent).collect()
}

/// Forgets what a person allowed a client.
pub async fn delete_consent(connection: &impl Connection, person: PersonId, client: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM consents WHERE person_id = ? AND client_id = ?";
    Ok(run(connection, sql, vec![person.uuid().into(), client.into()]).await? == 1)
}

/// A client that a person has been at, by the grants that still stand.
#[derive(Clone, Debug)]
pub struct Use {
    /// The client.
    pub client: String,
    /// When it was granted something first.
    pub first: Timestamp,
    /// When it got tokens last, by a login or by a refresh.
    pub last: Timestamp,
}

/// The clients that a person has been at, the latest first.
pub async fn list_uses(db: &Db, person: PersonId) -> Result<Vec<Use>, StoreError> {
    let sql = "SELECT g.client_id, MIN(g.created_at) AS first_at, MAX(g.created_at) AS last_at,
                 MAX(r.issued_at) AS refreshed_at
               FROM grants g LEFT JOIN refresh_tokens r ON r.grant_id = g.id
               WHERE g.person_id = ? AND g.revoked_at IS NULL GROUP BY g.client_id ORDER BY last_at DESC LIMIT 200";
    let rows = all(&db.read, sql, vec![person.uuid().into()]).await?;
    let used = |row: &Row| {
        let (granted, refreshed) = (row.time("last_at")?, row.time_if("refreshed_at")?);
        let last = refreshed.map_or(granted, |refreshed| refreshed.max(granted));
        Ok(Use { client: row.get("client_id")?, first: row.time("first_at")?, last })
    };
    rows.iter().map(used).collect()
}
