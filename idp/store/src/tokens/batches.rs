//! Files of tokens: read, proposed by one person, approved by another, recalled.

use stepgate_core::credentials::hardware_token::OathParameters;
use stepgate_core::id::{BatchId, PersonId, TokenId};
use stepgate_core::time::Timestamp;

use super::{OUTLIVES, WAITS};
use crate::row::{Row, all, at, at_if, json, one, run};
use crate::{Connection, Db, StoreError};

/// Where a file is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStage {
    /// It is being read.
    Reading,
    /// It waits for a second person.
    Proposed,
    /// Its tokens are in stock.
    Approved,
    /// Somebody said no; its seeds are erased.
    Rejected,
    /// All its tokens were revoked.
    Recalled,
}

impl BatchStage {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Recalled => "recalled",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Reading, Self::Proposed, Self::Approved, Self::Rejected, Self::Recalled]
            .into_iter()
            .find(|stage| stage.as_str() == name)
    }
}

/// A file of tokens.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// What its proposer calls it.
    pub name: String,
    /// How it was written.
    pub format: String,
    /// Where it is in its life.
    pub stage: BatchStage,
    /// How many tokens it has, so far.
    pub total: i64,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// Their user ID.
    pub proposer: Option<String>,
    /// When.
    pub proposed_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// The user ID of who decided.
    pub decider: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// When it was recalled, and why.
    pub recalled: Option<(Timestamp, String)>,
}

const BATCH: &str =
    "b.id, b.name, b.format, b.stage, b.total, b.proposed_by, b.proposed_at, b.expires_at, b.decided_at,
    b.recalled_at, b.recall_note, p.username AS proposer, d.username AS decider
    FROM token_batches b LEFT JOIN persons p ON p.id = b.proposed_by LEFT JOIN persons d ON d.id = b.decided_by";

fn batch(row: &Row) -> Result<Batch, StoreError> {
    let note: Option<String> = row.get("recall_note")?;
    Ok(Batch {
        id: BatchId::from_uuid(row.get("id")?),
        name: row.get("name")?,
        format: row.get("format")?,
        stage: row.parsed("token_batches", "stage", BatchStage::from_name)?,
        total: row.get("total")?,
        proposed_by: PersonId::from_uuid(row.get("proposed_by")?),
        proposer: row.get("proposer")?,
        proposed_at: row.time("proposed_at")?,
        expires_at: row.time("expires_at")?,
        decider: row.get("decider")?,
        decided_at: row.time_if("decided_at")?,
        recalled: row.time_if("recalled_at")?.map(|at| (at, note.unwrap_or_default())),
    })
}

/// Files, the latest first.
pub async fn list_batches(db: &Db, before: Timestamp, limit: u32) -> Result<Vec<Batch>, StoreError> {
    let sql = format!("SELECT {BATCH} WHERE b.proposed_at < ? ORDER BY b.proposed_at DESC, b.id LIMIT ?");
    all(&db.read, &sql, vec![at(before), i64::from(limit).into()]).await?.iter().map(batch).collect()
}

/// A file by id.
pub async fn find_batch(db: &Db, id: BatchId) -> Result<Option<Batch>, StoreError> {
    let sql = format!("SELECT {BATCH} WHERE b.id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(batch).transpose()
}

/// A file that is about to be read.
pub struct NewBatch<'a> {
    /// Its id.
    pub id: BatchId,
    /// What its proposer calls it.
    pub name: &'a str,
    /// How it is written.
    pub format: &'a str,
    /// Who proposes it.
    pub by: PersonId,
    /// Now.
    pub now: Timestamp,
    /// When what was read of it is swept away, should the reading break off.
    pub expires_at: Timestamp,
}

/// A new file, of which nothing counts yet.
pub async fn insert_batch(connection: &impl Connection, new: &NewBatch<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_batches (id, name, format, stage, total, proposed_by, proposed_at, expires_at)
               VALUES (?, ?, ?, 'reading', 0, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        new.name.into(),
        new.format.into(),
        new.by.uuid().into(),
        at(new.now),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// A token of a file.
pub struct NewToken {
    /// Its id: its sealed seed belongs to it.
    pub id: TokenId,
    /// The number on its back.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Which model.
    pub model: String,
    /// What it computes with.
    pub parameters: OathParameters,
    /// Its sealed seed.
    pub sealed_seed: Vec<u8>,
    /// The next counter.
    pub counter: i64,
    /// Its drift.
    pub drift: i32,
    /// When its life ends.
    pub life_ends_at: Option<Timestamp>,
}

/// Rows of one statement: SQLite takes 32,766 values, PostgreSQL 65,535.
const AT_ONCE: usize = 250;

/// Tokens of a file that is being read. A serial number that is taken is a [`StoreError::Conflict`].
pub async fn insert_tokens(
    connection: &impl Connection,
    batch: BatchId,
    tokens: &[NewToken],
    now: Timestamp,
) -> Result<(), StoreError> {
    for some in tokens.chunks(AT_ONCE) {
        let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'stock', 0, 0, ?)"; some.len()].join(", ");
        let sql = format!(
            "INSERT INTO hardware_tokens (id, batch_id, serial, manufacturer, model, parameters, sealed_seed, counter,
             drift, life_ends_at, stage, version, registration_tries, imported_at) VALUES {rows}"
        );
        let mut values = Vec::with_capacity(some.len() * 11);
        for token in some {
            values.extend([
                token.id.uuid().into(),
                batch.uuid().into(),
                token.serial.as_str().into(),
                token.manufacturer.as_str().into(),
                token.model.as_str().into(),
                json(&token.parameters)?,
                token.sealed_seed.clone().into(),
                token.counter.into(),
                i64::from(token.drift).into(),
                at_if(token.life_ends_at),
                at(now),
            ]);
        }
        run(connection, &sql, values).await?;
    }
    let sql = "UPDATE token_batches SET total = total + ? WHERE id = ? AND stage = 'reading'";
    let count = i64::try_from(tokens.len()).unwrap_or(i64::MAX);
    run(connection, sql, vec![count.into(), batch.uuid().into()]).await.map(drop)
}

/// Which of these serial numbers are taken: by a token of the inventory, approved or not, or by somebody's credential.
pub async fn find_taken_serials(db: &Db, serials: &[&str]) -> Result<Vec<String>, StoreError> {
    let mut taken = Vec::new();
    for some in serials.chunks(AT_ONCE) {
        let marks = vec!["?"; some.len()].join(", ");
        let sql = format!(
            "SELECT serial FROM hardware_tokens WHERE serial IN ({marks})
             UNION SELECT serial FROM credentials WHERE kind = 'hardware_token' AND serial IN ({marks})"
        );
        let values = some.iter().chain(some).map(|serial| (*serial).into()).collect();
        for row in all(&db.read, &sql, values).await? {
            taken.push(row.get("serial")?);
        }
    }
    Ok(taken)
}

/// The file was read to its end: it waits for a second person.
pub async fn propose_batch(
    connection: &impl Connection,
    id: BatchId,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token_batches SET stage = 'proposed', expires_at = ? WHERE id = ? AND stage = 'reading'";
    Ok(run(connection, sql, vec![at(expires_at), id.uuid().into()]).await? == 1)
}

/// A second person approves: one conditional write puts all tokens of the file in stock. `false`: it is the proposer,
/// or somebody decided before, or it waited too long.
pub async fn approve_batch(
    connection: &impl Connection,
    id: BatchId,
    by: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token_batches SET stage = 'approved', decided_by = ?, decided_at = ?
               WHERE id = ? AND stage = 'proposed' AND proposed_by <> ? AND expires_at > ?";
    let values = vec![by.uuid().into(), at(now), id.uuid().into(), by.uuid().into(), at(now)];
    Ok(run(connection, sql, values).await? == 1)
}

/// Somebody, also the proposer, says no.
pub async fn reject_batch(
    connection: &impl Connection,
    id: BatchId,
    by: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token_batches SET stage = 'rejected', decided_by = ?, decided_at = ?
               WHERE id = ? AND stage = 'proposed'";
    Ok(run(connection, sql, vec![by.uuid().into(), at(now), id.uuid().into()]).await? == 1)
}

/// Erases what was read of a file that was refused or broken off, some at a time, and then the file itself.
pub async fn delete_batch(db: &Db, id: BatchId) -> Result<(), StoreError> {
    erase(db, id).await?;
    let sql = "DELETE FROM token_batches WHERE id = ? AND stage = 'reading'";
    run(&db.write, sql, vec![id.uuid().into()]).await.map(drop)
}

/// Erases the tokens of a file that never counted.
pub async fn erase(db: &Db, id: BatchId) -> Result<(), StoreError> {
    let sql = "DELETE FROM hardware_tokens WHERE id IN (SELECT t.id FROM hardware_tokens t JOIN token_batches b
               ON b.id = t.batch_id WHERE b.id = ? AND b.stage IN ('reading', 'rejected') LIMIT 1000)";
    while run(&db.write, sql, vec![id.uuid().into()]).await? > 0 {}
    Ok(())
}

/// Files whose time ran out while they were read or waited: their seeds are erased.
pub async fn sweep_batches(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE token_batches SET stage = 'rejected', decided_at = ?
               WHERE stage IN ('reading', 'proposed') AND expires_at <= ? RETURNING id";
    let gone = all(&db.write, sql, vec![at(now), at(now)]).await?;
    for row in &gone {
        erase(db, BatchId::from_uuid(row.get("id")?)).await?;
    }
    Ok(u64::try_from(gone.len()).unwrap_or(0))
}

/// Whether a recall leaves tokens of a file as they are: they are worthless already.
const ALIVE: &str = "stage IN ('stock', 'shipped', 'assigned', 'active', 'lost')";

/// Recalls a file: every token of it is revoked, with its credential and a line of the custody log. Whose tokens they
/// were; `None`: it was recalled before, or never approved.
pub async fn recall_batch(
    connection: &impl Connection,
    id: BatchId,
    by: PersonId,
    note: &str,
    now: Timestamp,
) -> Result<Option<Vec<PersonId>>, StoreError> {
    let sql = "UPDATE token_batches SET stage = 'recalled', recalled_by = ?, recalled_at = ?, recall_note = ?
               WHERE id = ? AND stage = 'approved'";
    if run(connection, sql, vec![by.uuid().into(), at(now), note.into(), id.uuid().into()]).await? != 1 {
        return Ok(None);
    }
    let batch = || vec![id.uuid().into()];
    let sql = format!(
        "SELECT DISTINCT person_id FROM hardware_tokens WHERE batch_id = ? AND person_id IS NOT NULL AND {ALIVE}"
    );
    let holders = all(connection, &sql, batch()).await?;
    let sql = format!(
        "INSERT INTO token_custody (token_id, version, at, actor, from_stage, to_stage, person_id, note)
         SELECT t.id, t.version + 1, b.recalled_at, b.recalled_by, t.stage, 'revoked', t.person_id, b.recall_note
         FROM hardware_tokens t JOIN token_batches b ON b.id = t.batch_id WHERE b.id = ? AND t.{ALIVE}"
    );
    run(connection, &sql, batch()).await?;
    // What was bought outlives the series.
    let sql = format!(
        "UPDATE credentials SET {WAITS} WHERE {OUTLIVES} AND id IN
         (SELECT credential_id FROM hardware_tokens WHERE batch_id = ? AND {ALIVE})"
    );
    run(connection, &sql, vec![at(now), id.uuid().into()]).await?;
    let sql = format!(
        "UPDATE credentials SET serial = NULL WHERE kind = 'hardware_token' AND stage = 'pending'
           AND license_key_id IS NOT NULL AND id IN
         (SELECT credential_id FROM hardware_tokens WHERE batch_id = ? AND {ALIVE})"
    );
    run(connection, &sql, batch()).await?;
    let sql = "UPDATE hardware_tokens SET credential_id = NULL WHERE batch_id = ? AND credential_id IN
               (SELECT id FROM credentials WHERE kind = 'hardware_token' AND stage = 'pending' AND serial IS NULL)";
    run(connection, sql, batch()).await?;
    let sql = format!(
        "UPDATE credentials SET stage = 'revoked' WHERE kind = 'hardware_token' AND stage <> 'revoked' AND id IN
         (SELECT credential_id FROM hardware_tokens WHERE batch_id = ? AND {ALIVE})"
    );
    run(connection, &sql, batch()).await?;
    let sql = format!(
        "UPDATE hardware_tokens SET stage = 'revoked', version = version + 1, sealed_seed = NULL, registration_hash = NULL
         WHERE batch_id = ? AND {ALIVE}"
    );
    run(connection, &sql, batch()).await?;
    holders
        .iter()
        .map(|row| Ok(PersonId::from_uuid(row.get("person_id")?)))
        .collect::<Result<_, StoreError>>()
        .map(Some)
}
