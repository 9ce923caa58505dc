//! Applications and clients as their partners' integrators see and change them.

use stepgate_core::clients::{Application, Client};
use stepgate_core::id::{ApplicationId, PartnerId};

use crate::applications::{APPLICATION, application, find_client};
use crate::row::{all, at_if, run};
use crate::{Connection, Db, StoreError};

/// Whose applications to list.
#[derive(Clone, Debug)]
pub enum Owners {
    /// Everybody's.
    All,
    /// These partners'.
    Partners(Vec<PartnerId>),
}

/// Applications by name from (`name`, id) on, whose name, or the id of a client of theirs, holds the filter.
pub async fn list_applications(
    db: &Db,
    owners: &Owners,
    filter: &str,
    after: Option<(&str, ApplicationId)>,
    limit: u32,
) -> Result<Vec<Application>, StoreError> {
    let mut sql = format!("SELECT {APPLICATION} FROM applications WHERE 1 = 1");
    let mut values = Vec::new();
    if let Owners::Partners(partners) = owners {
        let places = vec!["?"; partners.len()].join(", ");
        sql.push_str(&format!(" AND partner_id IN ({places})"));
        values.extend(partners.iter().map(|partner| partner.uuid().into()));
    }
    if !filter.is_empty() {
        sql.push_str(
            " AND (LOWER(name) LIKE ? OR id IN (SELECT application_id FROM clients WHERE LOWER(client_id) LIKE ?))",
        );
        let pattern = format!("%{}%", filter.to_lowercase().replace(['%', '_'], ""));
        values.extend([pattern.as_str().into(), pattern.as_str().into()]);
    }
    if let Some((name, id)) = after {
        sql.push_str(" AND (name > ? OR (name = ? AND id > ?))");
        values.extend([name.into(), name.into(), id.uuid().into()]);
    }
    sql.push_str(" ORDER BY name, id LIMIT ?");
    values.push(i64::from(limit).into());
    all(&db.read, &sql, values).await?.iter().map(application).collect()
}

/// The clients of an application.
pub async fn clients_of(db: &Db, application: ApplicationId) -> Result<Vec<Client>, StoreError> {
    let sql = "SELECT client_id FROM clients WHERE application_id = ? ORDER BY client_id LIMIT 200";
    let mut clients = Vec::new();
    for row in all(&db.read, sql, vec![application.uuid().into()]).await? {
        let id: String = row.get("client_id")?;
        clients.extend(find_client(db, &id).await?);
    }
    Ok(clients)
}

/// Writes what an integrator can change about an application.
pub async fn update_application(connection: &impl Connection, changed: &Application) -> Result<bool, StoreError> {
    let sql = "UPDATE applications SET name = ?, url = ?, disabled_at = ? WHERE id = ?";
    let values = vec![
        changed.name.as_str().into(),
        changed.url.clone().into(),
        at_if(changed.disabled_at),
        changed.id.uuid().into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Removes an application that has no clients; `false` when it has some, or is gone.
pub async fn delete_application(connection: &impl Connection, id: ApplicationId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM applications WHERE id = ? AND NOT EXISTS (SELECT 1 FROM clients WHERE application_id = ?)";
    Ok(run(connection, sql, vec![id.uuid().into(), id.uuid().into()]).await? == 1)
}
