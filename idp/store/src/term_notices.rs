//! Who has to be told that a subscription ends, and who wants to be.

use stepgate_core::account::Person;
use stepgate_core::credentials::Credential;
use stepgate_core::id::PersonId;
use stepgate_core::subscriptions::term::next_notice;
use stepgate_core::time::Timestamp;

use crate::credentials::{CREDENTIAL, credential};
use crate::row::{Row, all, at, at_if, one, run};
use crate::{Connection, Db, StoreError};

/// A notice that is due.
#[derive(Clone, Debug)]
pub struct DueNotice {
    /// The credential, with the end that is to be told.
    pub credential: Credential,
    /// When it ends.
    pub ends: Timestamp,
    /// Since when the notice is due.
    pub due: Timestamp,
    /// Whose it is.
    pub person: Person,
    /// Whether the person wants to be reminded by mail.
    pub reminders: bool,
    /// Whether it is to be renewed without being asked.
    pub auto_renew: bool,
}

/// Notices that are due at `now`, the longest overdue first, always in the same order: two nodes that work on the same
/// ones wait for one another instead of standing in each other's way.
pub async fn list_due_notices(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<DueNotice>, StoreError> {
    let columns = CREDENTIAL.split(',').map(|column| format!("c.{}", column.trim())).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {columns}, c.notice_at, c.auto_renew, p.username, p.claims, p.suspended_at, p.proofed_at,
           p.proofing_expires_at, p.created_at AS person_created_at, p.updated_at AS person_updated_at, p.reminders
         FROM credentials c JOIN persons p ON p.id = c.person_id
         WHERE c.notice_at IS NOT NULL AND c.notice_at <= ? AND c.expires_at IS NOT NULL
         ORDER BY c.notice_at, c.id LIMIT {limit}"
    );
    let due = |row: &Row| {
        let credential = credential(row)?;
        Ok(DueNotice {
            ends: row.time("expires_at")?,
            due: row.time("notice_at")?,
            person: Person {
                id: credential.person,
                username: row.parsed("persons", "username", |text| text.parse().ok())?,
                claims: row.json("persons", "claims")?,
                suspended_at: row.time_if("suspended_at")?,
                proofed_at: row.time_if("proofed_at")?,
                proofing_expires_at: row.time_if("proofing_expires_at")?,
                created_at: row.time("person_created_at")?,
                updated_at: row.time("person_updated_at")?,
            },
            reminders: row.get("reminders")?,
            auto_renew: row.get("auto_renew")?,
            credential,
        })
    };
    all(&db.write, &sql, vec![at(now)]).await?.iter().map(due).collect()
}

/// Takes a notice that is due, and sets when the next one is: of several nodes one sends it. Call it in the transaction
/// that puts it into the outbox. `false` as well when the term was renewed since.
pub async fn take_notice(connection: &impl Connection, notice: &DueNotice, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET notice_at = ? WHERE id = ? AND notice_at = ? AND expires_at = ?";
    let next = next_notice(notice.ends, now).map(|next| next.due);
    let values = vec![at_if(next), notice.credential.id.uuid().into(), at(notice.due), at(notice.ends)];
    Ok(run(connection, sql, values).await? == 1)
}

/// Puts a notice off that is due too early for its reader: `until` then, it is due again. `false` when another node was
/// faster, or the term was renewed since.
pub async fn postpone_notice(
    connection: &impl Connection,
    notice: &DueNotice,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET notice_at = ? WHERE id = ? AND notice_at = ? AND expires_at = ?";
    let values = vec![at(until), notice.credential.id.uuid().into(), at(notice.due), at(notice.ends)];
    Ok(run(connection, sql, values).await? == 1)
}

/// Whether a person wants to be reminded by mail.
pub async fn wants_reminders(db: &Db, person: PersonId) -> Result<bool, StoreError> {
    let row = one(&db.read, "SELECT id, reminders FROM persons WHERE id = ?", vec![person.uuid().into()]).await?;
    row.map_or(Ok(true), |row| row.get("reminders"))
}

/// Reminds a person by mail, or not.
pub async fn set_reminders(connection: &impl Connection, person: PersonId, on: bool) -> Result<(), StoreError> {
    let sql = "UPDATE persons SET reminders = ? WHERE id = ?";
    run(connection, sql, vec![on.into(), person.uuid().into()]).await.map(drop)
}
