//! The log of what clients sent, and what was seen of each of them.
//!
//! Written in batches by a background task, never by the request itself. Kept for a few days and a few hundred rows a
//! client.

use stepgate_core::clients::requests::{Endpoint, Failure, LoggedRequest, Outcome};
use stepgate_core::id::{ApplicationId, RequestId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, json, one, run};
use crate::{Connection, Db, StoreError};

/// Rows that one statement inserts at most: SQLite binds 32,766 values.
const ROWS: usize = 100;

/// Appends to the log.
pub async fn insert_requests(db: &Db, requests: &[LoggedRequest]) -> Result<(), StoreError> {
    for batch in requests.chunks(ROWS) {
        let places = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; batch.len()].join(", ");
        let sql = format!(
            "INSERT INTO client_requests (id, at, client_id, application_id, endpoint, failed, error, description,
             rule, parameters, shown) VALUES {places}"
        );
        let mut values = Vec::with_capacity(batch.len() * 11);
        for request in batch {
            let failure = if let Outcome::Failed(failure) = &request.outcome { Some(failure) } else { None };
            values.extend([
                request.id.uuid().into(),
                at(request.at),
                request.client.as_str().into(),
                request.application.uuid().into(),
                request.endpoint.as_str().into(),
                failure.is_some().into(),
                failure.map(|failure| failure.error.clone()).into(),
                failure.map(|failure| failure.description.clone()).into(),
                failure.and_then(|failure| failure.rule.clone()).into(),
                json(&request.parameters)?,
                json(&request.shown)?,
            ]);
        }
        run(&db.write, &sql, values).await?;
    }
    Ok(())
}

const REQUEST: &str =
    "id, at, client_id, application_id, endpoint, failed, error, description, rule, parameters, shown";

fn request(row: &Row) -> Result<LoggedRequest, StoreError> {
    let id = RequestId::from_uuid(row.get("id")?);
    let endpoint: String = row.get("endpoint")?;
    let bad = || StoreError::BadRow { table: "client_requests", column: "endpoint", id: id.to_string() };
    let outcome = if row.get::<bool>("failed")? {
        Outcome::Failed(Failure {
            error: row.get::<Option<String>>("error")?.unwrap_or_default(),
            description: row.get::<Option<String>>("description")?.unwrap_or_default(),
            rule: row.get("rule")?,
        })
    } else {
        Outcome::Answered
    };
    Ok(LoggedRequest {
        id,
        at: row.time("at")?,
        client: row.get("client_id")?,
        application: ApplicationId::from_uuid(row.get("application_id")?),
        endpoint: Endpoint::parse(&endpoint).ok_or_else(bad)?,
        outcome,
        parameters: row.json("client_requests", "parameters")?,
        shown: row.json("client_requests", "shown")?,
    })
}

/// Which requests to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this client only.
    pub client: Option<String>,
    /// Only refused ones, or only answered ones.
    pub failed: Option<bool>,
    /// To this endpoint only.
    pub endpoint: Option<Endpoint>,
    /// Before this one (its time and id).
    pub before: Option<(Timestamp, RequestId)>,
}

/// The requests of an application's clients, the latest first.
pub async fn list_requests(
    db: &Db,
    application: ApplicationId,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<LoggedRequest>, StoreError> {
    let mut sql = format!("SELECT {REQUEST} FROM client_requests WHERE application_id = ?");
    let mut values = vec![application.uuid().into()];
    if let Some(client) = &filter.client {
        sql.push_str(" AND client_id = ?");
        values.push(client.as_str().into());
    }
    if let Some(failed) = filter.failed {
        sql.push_str(" AND failed = ?");
        values.push(failed.into());
    }
    if let Some(endpoint) = filter.endpoint {
        sql.push_str(" AND endpoint = ?");
        values.push(endpoint.as_str().into());
    }
    if let Some((time, id)) = filter.before {
        sql.push_str(" AND (at < ? OR (at = ? AND id < ?))");
        values.extend([at(time), at(time), id.uuid().into()]);
    }
    sql.push_str(" ORDER BY at DESC, id DESC LIMIT ?");
    values.push(i64::from(limit).into());
    all(&db.read, &sql, values).await?.iter().map(request).collect()
}

/// The latest requests of one client.
pub async fn list_requests_of_client(db: &Db, client_id: &str, limit: u32) -> Result<Vec<LoggedRequest>, StoreError> {
    let sql = format!("SELECT {REQUEST} FROM client_requests WHERE client_id = ? ORDER BY at DESC, id DESC LIMIT ?");
    all(&db.read, &sql, vec![client_id.into(), i64::from(limit).into()]).await?.iter().map(request).collect()
}

/// One request.
pub async fn find_request(db: &Db, id: RequestId) -> Result<Option<LoggedRequest>, StoreError> {
    let sql = format!("SELECT {REQUEST} FROM client_requests WHERE id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(request).transpose()
}

/// Removes what is older than `oldest`, and of each client what is beyond its latest `most`.
pub async fn delete_old_requests(db: &Db, oldest: Timestamp, most: u32) -> Result<u64, StoreError> {
    let by_age = "DELETE FROM client_requests WHERE id IN (SELECT id FROM client_requests WHERE at < ? LIMIT 2000)";
    let mut gone = run(&db.write, by_age, vec![at(oldest)]).await?;
    let crowded = "SELECT client_id FROM client_requests GROUP BY client_id HAVING COUNT(*) > ?";
    for row in all(&db.read, crowded, vec![i64::from(most).into()]).await? {
        let client: String = row.get("client_id")?;
        let beyond = "DELETE FROM client_requests WHERE client_id = ? AND id NOT IN
                      (SELECT id FROM client_requests WHERE client_id = ? ORDER BY at DESC, id DESC LIMIT ?)";
        let values = vec![client.as_str().into(), client.as_str().into(), i64::from(most).into()];
        gone += run(&db.write, beyond, values).await?;
    }
    Ok(gone)
}

/// Notes that something was seen of a client, or confirmed by its integrator.
pub async fn upsert_milestone(
    connection: &impl Connection,
    client_id: &str,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO client_milestones (client_id, name, first_at, last_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (client_id, name) DO UPDATE SET last_at = excluded.last_at";
    run(connection, sql, vec![client_id.into(), name.into(), at(now), at(now)]).await.map(drop)
}

/// Takes a confirmation back.
pub async fn delete_milestone(connection: &impl Connection, client_id: &str, name: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM client_milestones WHERE client_id = ? AND name = ?";
    run(connection, sql, vec![client_id.into(), name.into()]).await.map(drop)
}

/// What was seen of a client, and when first.
pub async fn milestones_of(db: &Db, client_id: &str) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let sql = "SELECT name, first_at FROM client_milestones WHERE client_id = ?";
    let rows = all(&db.read, sql, vec![client_id.into()]).await?;
    rows.iter().map(|row| Ok((row.get("name")?, row.time("first_at")?))).collect()
}

/// Removes everything that is known of a client that is gone.
pub async fn forget_client(connection: &impl Connection, client_id: &str) -> Result<(), StoreError> {
    run(connection, "DELETE FROM client_requests WHERE client_id = ?", vec![client_id.into()]).await?;
    run(connection, "DELETE FROM client_milestones WHERE client_id = ?", vec![client_id.into()]).await?;
    run(connection, "DELETE FROM client_sandboxes WHERE client_id = ?", vec![client_id.into()]).await.map(drop)
}
