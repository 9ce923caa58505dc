//! What administrators of organizations can renew for their people: found, filtered and paged in the database.

use stepgate_core::assurance::CredentialKind;
use stepgate_core::credentials::Credential;
use stepgate_core::id::{CredentialId, OrganizationId};
use stepgate_core::time::Timestamp;

use crate::credentials::{CREDENTIAL, credential};
use crate::row::{Row, all, at, one};
use crate::subscriptions::{SOLD_AS, SoldAs, sold_as};
use crate::{Db, StoreError};

/// Which of them.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Of people of these organizations.
    pub organizations: Vec<OrganizationId>,
    /// That end after this moment.
    pub after: Timestamp,
    /// And no later than this one.
    pub until: Timestamp,
    /// Of this kind.
    pub kind: Option<CredentialKind>,
    /// Of people whose user ID begins so.
    pub name: String,
    /// Only these.
    pub only: Option<Vec<CredentialId>>,
    /// In which order.
    pub order: Order,
    /// Only what comes after this one.
    pub past: Option<Past>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The first to end first.
    #[default]
    Ends,
    /// By user ID.
    Person,
}

/// The last one of the page before: what it is ordered by, and its id.
#[derive(Clone, Debug)]
pub enum Past {
    /// When it ends.
    Ends(Timestamp, CredentialId),
    /// Whose it is.
    Person(String, CredentialId),
}

/// A credential that may be renewed, with what it was sold as, and whose it is.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The credential.
    pub credential: Credential,
    /// What it was sold as.
    pub sold: SoldAs,
    /// The user ID of its holder.
    pub username: String,
}

impl Filter {
    fn conditions(&self) -> (String, Vec<sea_orm::Value>) {
        let marks = vec!["?"; self.organizations.len()].join(", ");
        let mut text = format!(
            "c.expires_at > ? AND c.expires_at <= ? AND p.suspended_at IS NULL AND c.stage NOT IN ('revoked', 'pending')
             AND c.person_id IN (SELECT m.person_id FROM memberships m WHERE m.organization_id IN ({marks}))"
        );
        let mut values = vec![at(self.after), at(self.until)];
        values.extend(self.organizations.iter().map(|id| sea_orm::Value::from(id.uuid())));
        if let Some(kind) = self.kind {
            // Found by its people, not by all of its kind.
            text.push_str(" AND COALESCE(c.kind, '') = ?");
            values.push(kind.as_str().into());
        }
        let name = self.name.trim().to_lowercase().replace(['%', '_'], "");
        if !name.is_empty() {
            text.push_str(" AND p.username LIKE ?");
            values.push(format!("{name}%").into());
        }
        if let Some(only) = &self.only {
            let marks = vec!["?"; only.len().max(1)].join(", ");
            text.push_str(&format!(" AND c.id IN ({marks})"));
            values.extend(only.iter().map(|id| sea_orm::Value::from(id.uuid())));
            values.extend(only.is_empty().then(|| sea_orm::Value::from(uuid::Uuid::nil())));
        }
        match &self.past {
            Some(Past::Ends(ends, id)) => {
                text.push_str(" AND (c.expires_at > ? OR c.expires_at = ? AND c.id > ?)");
                values.extend([at(*ends), at(*ends), id.uuid().into()]);
            }
            Some(Past::Person(username, id)) => {
                text.push_str(" AND (p.username > ? OR p.username = ? AND c.id > ?)");
                values.extend([username.as_str().into(), username.as_str().into(), id.uuid().into()]);
            }
            None => {}
        }
        (text, values)
    }
}

const FROM: &str = "FROM credentials c JOIN persons p ON p.id = c.person_id";

fn columns(names: &str) -> String {
    names.split(',').map(|column| format!("c.{}", column.trim())).collect::<Vec<_>>().join(", ")
}

/// A page of them.
pub async fn list_endings(db: &Db, filter: &Filter, limit: usize) -> Result<Vec<Ending>, StoreError> {
    if filter.organizations.is_empty() {
        return Ok(Vec::new());
    }
    let (conditions, values) = filter.conditions();
    let order = match filter.order {
        Order::Ends => "c.expires_at, c.id",
        Order::Person => "p.username, c.id",
    };
    let sold = columns(SOLD_AS.trim_start_matches("id,"));
    let sql = format!(
        "SELECT {}, {sold}, p.username AS username {FROM} WHERE {conditions} ORDER BY {order} LIMIT {limit}",
        columns(CREDENTIAL)
    );
    let ending =
        |row: &Row| Ok(Ending { credential: credential(row)?, sold: sold_as(row)?, username: row.get("username")? });
    all(&db.read, &sql, values).await?.iter().map(ending).collect()
}

/// How many there are.
pub async fn count_endings(db: &Db, filter: &Filter) -> Result<usize, StoreError> {
    if filter.organizations.is_empty() {
        return Ok(0);
    }
    let (conditions, values) = filter.conditions();
    let sql = format!("SELECT COUNT(*) AS found {FROM} WHERE {conditions}");
    let found: i64 = one(&db.read, &sql, values).await?.map_or(Ok(0), |row| row.get("found"))?;
    Ok(usize::try_from(found).unwrap_or_default())
}
