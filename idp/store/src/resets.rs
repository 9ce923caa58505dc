//! Supervised resets. Every transition is one conditional statement on the version that was read.

use stepgate_core::credentials::reset::{CODE_TRIES, Reset, ResetStage};
use stepgate_core::id::{PersonId, ResetId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, at_if, one, run};
use crate::{Connection, Db, StoreError};

/// A case as it was read.
#[derive(Clone, Debug)]
pub struct Case {
    /// The case.
    pub reset: Reset,
    /// Why.
    pub reason: String,
    /// How the identity was checked.
    pub checked: String,
    version: i64,
}

const CASE: &str =
    "id, person_id, stage, version, reason, checked, asked_by, asked_at, decided_by, ready_at, code_until";
const OPEN: &str = "stage IN ('asked', 'waiting', 'coded')";

fn case(row: &Row) -> Result<Case, StoreError> {
    let id: uuid::Uuid = row.get("id")?;
    let decided_by = row.get::<Option<uuid::Uuid>>("decided_by")?.map(PersonId::from_uuid);
    let (ready_at, until) = (row.time_if("ready_at")?, row.time_if("code_until")?);
    let stage = row.parsed("reset_cases", "stage", |name| {
        Some(match (name, decided_by, ready_at, until) {
            ("asked", ..) => ResetStage::Asked,
            ("waiting", Some(by), Some(ready_at), _) => ResetStage::Waiting { by, ready_at },
            ("coded", Some(by), Some(ready_at), Some(until)) => ResetStage::Coded { by, ready_at, until },
            ("bound", ..) => ResetStage::Bound,
            ("refused", Some(by), ..) => ResetStage::Refused { by },
            ("undone" | "lapsed", ..) => ResetStage::Undone,
            _ => return None,
        })
    })?;
    Ok(Case {
        reset: Reset {
            id: ResetId::from_uuid(id),
            person: PersonId::from_uuid(row.get("person_id")?),
            asked_by: PersonId::from_uuid(row.get("asked_by")?),
            asked_at: row.time("asked_at")?,
            stage,
        },
        reason: row.get("reason")?,
        checked: row.get("checked")?,
        version: row.get("version")?,
    })
}

/// A new case; [`StoreError::Conflict`] when the person has an open one. One that lapsed makes room.
pub async fn insert_reset(
    connection: &impl Connection,
    reset: &Reset,
    (reason, checked): (&str, &str),
) -> Result<(), StoreError> {
    let lapse = format!("UPDATE reset_cases SET stage = 'lapsed' WHERE person_id = ? AND {OPEN} AND expires_at <= ?");
    run(connection, &lapse, vec![reset.person.uuid().into(), at(reset.asked_at)]).await?;
    let sql = "INSERT INTO reset_cases (id, person_id, stage, version, reason, checked, asked_by, asked_at, tries, expires_at)
               VALUES (?, ?, ?, 0, ?, ?, ?, ?, 0, ?)";
    let values = vec![
        reset.id.uuid().into(),
        reset.person.uuid().into(),
        reset.stage.name().into(),
        reason.into(),
        checked.into(),
        reset.asked_by.uuid().into(),
        at(reset.asked_at),
        at(reset.expires_at()),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The latest case about a person.
pub async fn find_reset_of(db: &Db, person: PersonId) -> Result<Option<Case>, StoreError> {
    let sql = format!("SELECT {CASE} FROM reset_cases WHERE person_id = ? ORDER BY asked_at DESC LIMIT 1");
    one(&db.write, &sql, vec![person.uuid().into()]).await?.as_ref().map(case).transpose()
}

/// The case that a mailed link can undo.
pub async fn find_reset_by_undo(db: &Db, hash: &TokenHash) -> Result<Option<Case>, StoreError> {
    let sql = format!("SELECT {CASE} FROM reset_cases WHERE undo_hash = ?");
    one(&db.write, &sql, vec![hash.as_bytes().to_vec().into()]).await?.as_ref().map(case).transpose()
}

/// The open cases, oldest first.
pub async fn list_open_resets(db: &Db, now: Timestamp) -> Result<Vec<Case>, StoreError> {
    let sql = format!("SELECT {CASE} FROM reset_cases WHERE {OPEN} AND expires_at > ? ORDER BY asked_at LIMIT 200");
    all(&db.read, &sql, vec![at(now)]).await?.iter().map(case).collect()
}

/// What a transition brings along.
#[derive(Clone, Debug, Default)]
pub struct With {
    /// Hash of what is in the undo link.
    pub undo: Option<TokenHash>,
    /// Hash of the binding code.
    pub code: Option<Vec<u8>>,
}

/// Writes a transition; `false` when the case has moved on since it was read.
pub async fn update_reset(
    connection: &impl Connection,
    read: &Case,
    moved: &Reset,
    with: With,
) -> Result<bool, StoreError> {
    let (by, ready_at, until) = match moved.stage {
        ResetStage::Waiting { by, ready_at } => (Some(by), Some(ready_at), None),
        ResetStage::Coded { by, ready_at, until } => (Some(by), Some(ready_at), Some(until)),
        ResetStage::Refused { by } => (Some(by), None, None),
        ResetStage::Asked | ResetStage::Bound | ResetStage::Undone => (None, None, None),
    };
    // A new code brings new tries; no code is kept beyond its stage.
    let sql = "UPDATE reset_cases SET stage = ?, version = version + 1, decided_by = COALESCE(?, decided_by),
                 ready_at = COALESCE(?, ready_at), code_hash = ?, code_until = ?, tries = 0,
                 undo_hash = COALESCE(?, undo_hash)
               WHERE id = ? AND stage = ? AND version = ?";
    let values = vec![
        moved.stage.name().into(),
        by.map(PersonId::uuid).into(),
        at_if(ready_at),
        with.code.into(),
        at_if(until),
        with.undo.map(|hash| hash.as_bytes().to_vec()).into(),
        moved.id.uuid().into(),
        read.reset.stage.name().into(),
        read.version.into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Counts a try of a binding code before it is compared; what it is to be compared with. `None`: no try is allowed now.
pub async fn reserve_code_try(db: &Db, read: &Case, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = format!(
        "UPDATE reset_cases SET tries = tries + 1
         WHERE id = ? AND version = ? AND stage = 'coded' AND tries < {CODE_TRIES} AND code_until > ?
         RETURNING code_hash"
    );
    let values = vec![read.reset.id.uuid().into(), read.version.into(), at(now)];
    one(&db.write, &sql, values).await?.map(|row| row.get("code_hash")).transpose()
}
