//! Where a credential was used: factor events, the sessions that they belong to, and the clients of those.

use std::net::IpAddr;

use stepgate_core::assurance::Method;
use stepgate_core::id::{CredentialId, SessionId};
use stepgate_core::time::Timestamp;

use crate::row::{all, at};
use crate::{Db, StoreError};

/// One use of a credential.
#[derive(Clone, Debug)]
pub struct Use {
    /// When.
    pub at: Timestamp,
    /// How.
    pub method: Method,
    /// In which session.
    pub session: SessionId,
    /// Where the session was seen last.
    pub ip: Option<IpAddr>,
    /// The browser, as it names itself.
    pub user_agent: String,
    /// The clients that the session gave something to from then on, in the order in which they came.
    pub clients: Vec<String>,
}

/// The latest uses of a credential, the latest first.
pub async fn list_uses(db: &Db, credential: CredentialId, limit: u32) -> Result<Vec<Use>, StoreError> {
    let sql = "SELECT e.session_id AS id, e.at, e.method, s.ip, s.user_agent FROM factor_events e
               JOIN sessions s ON s.id = e.session_id WHERE e.credential_id = ? ORDER BY e.at DESC LIMIT ?";
    let rows = all(&db.read, sql, vec![credential.uuid().into(), i64::from(limit).into()]).await?;
    let mut uses = Vec::with_capacity(rows.len());
    for row in &rows {
        let (session, since) = (SessionId::from_uuid(row.get("id")?), row.time("at")?);
        uses.push(Use {
            at: since,
            method: row.parsed("factor_events", "method", |text| text.parse().ok())?,
            session,
            ip: row.get::<Option<String>>("ip")?.and_then(|ip| ip.parse().ok()),
            user_agent: row.get("user_agent")?,
            clients: clients(db, session, since).await?,
        });
    }
    Ok(uses)
}

async fn clients(db: &Db, session: SessionId, since: Timestamp) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT client_id, MIN(created_at) AS first FROM grants WHERE session_id = ? AND created_at >= ?
               GROUP BY client_id ORDER BY first LIMIT 5";
    let rows = all(&db.read, sql, vec![session.uuid().into(), at(since)]).await?;
    rows.iter().map(|row| row.get("client_id")).collect()
}
