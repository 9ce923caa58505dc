//! Partner applications and their clients.

use std::collections::BTreeMap;

use stepgate_core::clients::{Application, Client, ClientSecret};
use stepgate_core::id::{ApplicationId, PartnerId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, at_if, json, one, run};
use crate::{Connection, Db, StoreError};

/// A client by `client_id`, with its valid secrets, in one statement.
pub async fn find_client(db: &Db, client_id: &str) -> Result<Option<Client>, StoreError> {
    let sql = "SELECT c.client_id, c.application_id, c.metadata, c.disabled_at, c.created_at, s.hash, s.sealed,
               s.created_at AS secret_at, s.expires_at
               FROM clients c LEFT JOIN client_secrets s ON s.client_id = c.client_id WHERE c.client_id = ?";
    Ok(clients(&all(&db.read, sql, vec![client_id.into()]).await?)?.pop())
}

/// All clients, by id, from `after` on.
pub async fn list_clients(db: &Db, after: &str, limit: u32) -> Result<Vec<Client>, StoreError> {
    let sql = "SELECT c.client_id, c.application_id, c.metadata, c.disabled_at, c.created_at, s.hash, s.sealed,
               s.created_at AS secret_at, s.expires_at
               FROM (SELECT * FROM clients WHERE client_id > ? ORDER BY client_id LIMIT ?) c
               LEFT JOIN client_secrets s ON s.client_id = c.client_id ORDER BY c.client_id";
    clients(&all(&db.read, sql, vec![after.into(), i64::from(limit).into()]).await?)
}

/// One row for each secret, or one without.
fn clients(rows: &[Row]) -> Result<Vec<Client>, StoreError> {
    let mut found: BTreeMap<String, Client> = BTreeMap::new();
    for row in rows {
        let id: String = row.get("client_id")?;
        let client = match found.entry(id.clone()) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(Client {
                id: id.clone(),
                application: ApplicationId::from_uuid(row.get("application_id")?),
                secrets: Vec::new(),
                metadata: row.json("clients", "metadata")?,
                disabled_at: row.time_if("disabled_at")?,
                created_at: row.time("created_at")?,
            }),
        };
        if let Some(hash) = row.get::<Option<Vec<u8>>>("hash")? {
            let bad = || StoreError::BadRow { table: "client_secrets", column: "hash", id: id.clone() };
            client.secrets.push(ClientSecret {
                hash: TokenHash::from_slice(&hash).ok_or_else(bad)?,
                sealed: row.get("sealed")?,
                created_at: row.time("secret_at")?,
                expires_at: row.time_if("expires_at")?,
            });
        }
    }
    Ok(found.into_values().collect())
}

/// A new client, with its secrets.
pub async fn insert_client(connection: &impl Connection, new: &Client) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO clients (client_id, application_id, metadata, disabled_at, created_at) VALUES (?, ?, ?, ?, ?)";
    let values = vec![
        new.id.as_str().into(),
        new.application.uuid().into(),
        json(&new.metadata)?,
        at_if(new.disabled_at),
        at(new.created_at),
    ];
    run(connection, sql, values).await?;
    for secret in &new.secrets {
        insert_client_secret(connection, &new.id, secret).await?;
    }
    Ok(())
}

/// Writes what can change about a client.
pub async fn update_client(connection: &impl Connection, client: &Client) -> Result<bool, StoreError> {
    let sql = "UPDATE clients SET metadata = ?, disabled_at = ? WHERE client_id = ?";
    let values = vec![json(&client.metadata)?, at_if(client.disabled_at), client.id.as_str().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Removes a client and its secrets; `false` when there was none.
pub async fn delete_client(connection: &impl Connection, client_id: &str) -> Result<bool, StoreError> {
    Ok(run(connection, "DELETE FROM clients WHERE client_id = ?", vec![client_id.into()]).await? == 1)
}

/// A further valid secret.
pub async fn insert_client_secret(
    connection: &impl Connection,
    client_id: &str,
    secret: &ClientSecret,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO client_secrets (hash, client_id, sealed, created_at, expires_at) VALUES (?, ?, ?, ?, ?)";
    let values = vec![
        secret.hash.as_bytes().to_vec().into(),
        client_id.into(),
        secret.sealed.clone().into(),
        at(secret.created_at),
        at_if(secret.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// Makes sure that a client is there and that nobody else changes it until the transaction ends; `false` when it is
/// gone.
pub async fn hold_client(transaction: &impl Connection, client_id: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE clients SET created_at = created_at WHERE client_id = ?";
    Ok(run(transaction, sql, vec![client_id.into()]).await? == 1)
}

/// How many secrets of a client count.
pub async fn count_client_secrets(
    connection: &impl Connection,
    client_id: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let sql = "SELECT hash FROM client_secrets WHERE client_id = ? AND (expires_at IS NULL OR expires_at > ?)";
    Ok(all(connection, sql, vec![client_id.into(), at(now)]).await?.len())
}

/// Sets when a secret stops to count; `false` when the client has no such secret.
pub async fn expire_client_secret(
    connection: &impl Connection,
    client_id: &str,
    secret: &TokenHash,
    end: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE client_secrets SET expires_at = ? WHERE client_id = ? AND hash = ?";
    let values = vec![at(end), client_id.into(), secret.as_bytes().to_vec().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Removes a secret; `false` when the client has no such secret.
pub async fn delete_client_secret(
    connection: &impl Connection,
    client_id: &str,
    secret: &TokenHash,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM client_secrets WHERE client_id = ? AND hash = ?";
    Ok(run(connection, sql, vec![client_id.into(), secret.as_bytes().to_vec().into()]).await? == 1)
}

/// Removes all secrets of a client.
pub async fn delete_client_secrets(connection: &impl Connection, client_id: &str) -> Result<(), StoreError> {
    run(connection, "DELETE FROM client_secrets WHERE client_id = ?", vec![client_id.into()]).await.map(drop)
}

pub(crate) const APPLICATION: &str = "id, partner_id, name, url, policy, disabled_at, created_at";

pub(crate) fn application(row: &Row) -> Result<Application, StoreError> {
    Ok(Application {
        id: ApplicationId::from_uuid(row.get("id")?),
        partner: PartnerId::from_uuid(row.get("partner_id")?),
        name: row.get("name")?,
        url: row.get("url")?,
        policy: row.json("applications", "policy")?,
        disabled_at: row.time_if("disabled_at")?,
        created_at: row.time("created_at")?,
    })
}

/// An application by id.
pub async fn find_application(db: &Db, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    let sql = format!("SELECT {APPLICATION} FROM applications WHERE id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(application).transpose()
}

/// All applications, by name.
pub async fn list_applications(db: &Db) -> Result<Vec<Application>, StoreError> {
    let sql = format!("SELECT {APPLICATION} FROM applications ORDER BY name LIMIT 500");
    all(&db.read, &sql, vec![]).await?.iter().map(application).collect()
}

/// The applications that people can open, by name.
pub async fn list_open_applications(db: &Db) -> Result<Vec<Application>, StoreError> {
    let sql = format!(
        "SELECT {APPLICATION} FROM applications WHERE url IS NOT NULL AND disabled_at IS NULL ORDER BY name LIMIT 500"
    );
    all(&db.read, &sql, vec![]).await?.iter().map(application).collect()
}

/// A new application.
pub async fn insert_application(connection: &impl Connection, new: &Application) -> Result<(), StoreError> {
    let sql = "INSERT INTO applications (id, partner_id, name, url, policy, disabled_at, created_at)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        new.partner.uuid().into(),
        new.name.as_str().into(),
        new.url.clone().into(),
        json(&new.policy)?,
        at_if(new.disabled_at),
        at(new.created_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// Removes an application of that partner that has no client any more.
pub async fn delete_application_if_empty(
    connection: &impl Connection,
    id: ApplicationId,
    partner: PartnerId,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM applications WHERE id = ? AND partner_id = ?
               AND NOT EXISTS (SELECT 1 FROM clients WHERE application_id = applications.id)
               AND NOT EXISTS (SELECT 1 FROM registration_tokens WHERE application_id = applications.id)";
    Ok(run(connection, sql, vec![id.uuid().into(), partner.uuid().into()]).await? == 1)
}

/// Replaces an application's policy; `false` when there is no such application.
pub async fn update_application_policy(
    connection: &impl Connection,
    id: ApplicationId,
    policy: &serde_json::Value,
) -> Result<bool, StoreError> {
    let sql = "UPDATE applications SET policy = ? WHERE id = ?";
    Ok(run(connection, sql, vec![json(policy)?, id.uuid().into()]).await? == 1)
}

/// The clients of applications that let others start their login (`initiate_login_uri`), with their applications.
pub async fn list_initiable_clients(db: &Db) -> Result<Vec<(ApplicationId, String)>, StoreError> {
    let sql = r#"SELECT c.application_id, c.client_id FROM (SELECT id FROM applications ORDER BY name LIMIT 500) a
                 JOIN clients c ON c.application_id = a.id
                 WHERE c.disabled_at IS NULL AND c.metadata LIKE '%"initiate_login_uri":%' ORDER BY c.client_id"#;
    let rows = all(&db.read, sql, vec![]).await?;
    rows.iter().map(|row| Ok((ApplicationId::from_uuid(row.get("application_id")?), row.get("client_id")?))).collect()
}

/// The ids of an application's clients.
pub async fn client_ids_of(db: &Db, id: ApplicationId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT client_id FROM clients WHERE application_id = ? ORDER BY client_id";
    all(&db.read, sql, vec![id.uuid().into()]).await?.iter().map(|row| row.get("client_id")).collect()
}
