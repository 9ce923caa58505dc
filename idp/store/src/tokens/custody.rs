//! The custody log: who had a token in hand, and what became of it. Lines are only added.

use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::id::{CredentialId, PersonId, TokenId};
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// One step of a token's life.
#[derive(Clone, Debug)]
pub struct Custody {
    /// When.
    pub at: Timestamp,
    /// Who did it; `None` for the command line.
    pub actor: Option<String>,
    /// From which stage.
    pub from: TokenStage,
    /// To which.
    pub to: TokenStage,
    /// Whose it was then.
    pub person: Option<String>,
    /// Where it went, and why.
    pub note: String,
}

/// The custody log of a token, oldest first.
pub async fn list_custody(db: &Db, id: TokenId) -> Result<Vec<Custody>, StoreError> {
    let sql =
        "SELECT l.token_id AS id, l.at, l.from_stage, l.to_stage, l.note, a.username AS actor, p.username AS person
               FROM token_custody l LEFT JOIN persons a ON a.id = l.actor LEFT JOIN persons p ON p.id = l.person_id
               WHERE l.token_id = ? ORDER BY l.version";
    let line = |row: &Row| {
        Ok(Custody {
            at: row.time("at")?,
            actor: row.get("actor")?,
            from: row.parsed("token_custody", "from_stage", TokenStage::from_name)?,
            to: row.parsed("token_custody", "to_stage", TokenStage::from_name)?,
            person: row.get("person")?,
            note: row.get("note")?,
        })
    };
    all(&db.read, sql, vec![id.uuid().into()]).await?.iter().map(line).collect()
}

/// A line that is about to be written.
pub(super) struct Line<'a> {
    pub(super) actor: Option<PersonId>,
    pub(super) from: TokenStage,
    pub(super) to: TokenStage,
    pub(super) person: Option<PersonId>,
    pub(super) note: &'a str,
    pub(super) at: Timestamp,
}

pub(super) async fn insert_line(
    connection: &impl Connection,
    (token, version): (TokenId, i64),
    line: &Line<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_custody (token_id, version, at, actor, from_stage, to_stage, person_id, note)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        token.uuid().into(),
        version.into(),
        at(line.at),
        line.actor.map(PersonId::uuid).into(),
        line.from.as_str().into(),
        line.to.as_str().into(),
        line.person.map(PersonId::uuid).into(),
        line.note.into(),
    ];
    run(connection, sql, values).await.map(drop)
}

/// Logs what was done to the credential of a token in use, in the transaction that does it. `false`: no token of the
/// inventory is behind that credential.
pub async fn log_custody(
    connection: &impl Connection,
    credential: CredentialId,
    (from, to): (TokenStage, TokenStage),
    (actor, note): (Option<PersonId>, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE hardware_tokens SET version = version + 1 WHERE credential_id = ? AND stage = 'active'
               RETURNING id, version, person_id";
    let Some(row) = one(connection, sql, vec![credential.uuid().into()]).await? else { return Ok(false) };
    let person = row.get::<Option<Uuid>>("person_id")?.map(PersonId::from_uuid);
    let line = Line { actor, from, to, person, note, at: now };
    insert_line(connection, (TokenId::from_uuid(row.get("id")?), row.get("version")?), &line).await?;
    Ok(true)
}
