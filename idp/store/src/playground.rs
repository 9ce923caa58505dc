//! The playground: a sandbox client for each partner, and runs with their messages, sealed.

use stepgate_core::id::{PartnerId, PersonId, RunId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, at, one, run};
use crate::{Connection, Db, StoreError};

/// A partner's sandbox client: its id and its sealed secret.
pub async fn find_sandbox(db: &Db, partner: PartnerId) -> Result<Option<(String, Vec<u8>)>, StoreError> {
    let sql = "SELECT client_id, sealed_secret FROM client_sandboxes WHERE partner_id = ?";
    let row = one(&db.read, sql, vec![partner.uuid().into()]).await?;
    row.map(|row| Ok((row.get("client_id")?, row.get("sealed_secret")?))).transpose()
}

/// Notes a partner's sandbox client; [`StoreError::Conflict`] when it has one.
pub async fn insert_sandbox(
    connection: &impl Connection,
    partner: PartnerId,
    client_id: &str,
    sealed_secret: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO client_sandboxes (partner_id, client_id, sealed_secret) VALUES (?, ?, ?)";
    let values = vec![partner.uuid().into(), client_id.into(), sealed_secret.to_vec().into()];
    run(connection, sql, values).await.map(drop)
}

/// A run of the playground.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose.
    pub person: PersonId,
    /// The `state` of its authorization request.
    pub state: String,
    /// Everything else, sealed.
    pub sealed: Vec<u8>,
    /// Whether the answer has come.
    pub answered: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

fn read(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        id: RunId::from_uuid(row.get("id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        state: row.get("state")?,
        sealed: row.get("sealed")?,
        answered: row.get("answered")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

const RUN: &str = "id, person_id, state, sealed, answered, created_at, expires_at";

/// A new run.
pub async fn insert_run(db: &Db, new: &Run) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO playground_runs ({RUN}) VALUES (?, ?, ?, ?, ?, ?, ?)");
    let values = vec![
        new.id.uuid().into(),
        new.person.uuid().into(),
        new.state.as_str().into(),
        new.sealed.clone().into(),
        new.answered.into(),
        at(new.created_at),
        at(new.expires_at),
    ];
    run(&db.write, &sql, values).await.map(drop)
}

/// A run of a person.
pub async fn find_run(db: &Db, id: RunId, person: PersonId, now: Timestamp) -> Result<Option<Run>, StoreError> {
    let sql = format!("SELECT {RUN} FROM playground_runs WHERE id = ? AND person_id = ? AND expires_at > ?");
    let values = vec![id.uuid().into(), person.uuid().into(), at(now)];
    one(&db.read, &sql, values).await?.as_ref().map(read).transpose()
}

/// The answer to a run's request has come: the run, once. A second answer finds nothing.
pub async fn take_run(db: &Db, state: &str, person: PersonId, now: Timestamp) -> Result<Option<Run>, StoreError> {
    let sql = format!(
        "UPDATE playground_runs SET answered = ? WHERE state = ? AND person_id = ? AND answered = ? AND expires_at > ?
         RETURNING {RUN}"
    );
    let values = vec![true.into(), state.into(), person.uuid().into(), false.into(), at(now)];
    one(&db.write, &sql, values).await?.as_ref().map(read).transpose()
}

/// Keeps what a run has become.
pub async fn update_run(db: &Db, id: RunId, sealed: &[u8]) -> Result<(), StoreError> {
    let sql = "UPDATE playground_runs SET sealed = ? WHERE id = ?";
    run(&db.write, sql, vec![sealed.to_vec().into(), id.uuid().into()]).await.map(drop)
}
