//! The audit log: appended to, then chained by hash.
//!
//! Events are inserted without a place in the chain, so that a login never waits for another login. One node at a time
//! gives them their places: `seq` without gaps, and a hash over the row and the hash before it. The head of the chain
//! is kept apart, so that cutting off the tail is noticed as well.

use std::net::IpAddr;

use serde_json::{Value, json};
use stepgate_core::id::{EventId, PersonId, SessionId};
use stepgate_core::secret::sha256;
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// An event to append.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// Who did it.
    pub actor: Option<PersonId>,
    /// To whom.
    pub person: Option<PersonId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// For which client.
    pub client: Option<String>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// Further facts.
    pub data: Value,
}

/// An event that was recorded.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place in the chain; `None` until it has one.
    pub seq: Option<i64>,
    /// What was recorded.
    pub event: NewEvent,
}

/// Appends an event.
pub async fn insert_event(connection: &impl Connection, new: &NewEvent) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_events (id, at, kind, actor, person_id, session_id, client_id, ip, data)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        at(new.at),
        new.kind.as_str().into(),
        new.actor.map(PersonId::uuid).into(),
        new.person.map(PersonId::uuid).into(),
        new.session.map(SessionId::uuid).into(),
        new.client.clone().into(),
        new.ip.map(|ip| ip.to_string()).into(),
        new.data.to_string().into(),
    ];
    run(connection, sql, values).await.map(drop)
}

const EVENT: &str = "id, at, kind, actor, person_id, session_id, client_id, ip, data, seq, previous_hash, hash";

struct Chained {
    event: Event,
    previous: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    raw_data: String,
    raw_ip: Option<String>,
}

fn chained(row: &Row) -> Result<Chained, StoreError> {
    let person = |column| Ok::<_, StoreError>(row.get::<Option<Uuid>>(column)?.map(PersonId::from_uuid));
    let raw_data: String = row.get("data")?;
    let raw_ip: Option<String> = row.get("ip")?;
    let event = NewEvent {
        id: EventId::from_uuid(row.get("id")?),
        at: row.time("at")?,
        kind: row.get("kind")?,
        actor: person("actor")?,
        person: person("person_id")?,
        session: row.get::<Option<Uuid>>("session_id")?.map(SessionId::from_uuid),
        client: row.get("client_id")?,
        ip: raw_ip.as_deref().and_then(|ip| ip.parse().ok()),
        data: serde_json::from_str(&raw_data).unwrap_or(Value::Null),
    };
    Ok(Chained {
        event: Event { seq: row.get("seq")?, event },
        previous: row.get("previous_hash")?,
        hash: row.get("hash")?,
        raw_data,
        raw_ip,
    })
}

/// The hash of a row: over everything in it, byte for byte, and the hash before it.
fn hash(seq: i64, row: &Chained, previous: &[u8]) -> Vec<u8> {
    let event = &row.event.event;
    let text = json!([
        seq,
        event.id,
        event.at,
        event.kind,
        event.actor,
        event.person,
        event.session,
        event.client,
        row.raw_ip,
        row.raw_data
    ])
    .to_string();
    sha256(&[previous, text.as_bytes()].concat()).to_vec()
}

async fn head(connection: &impl Connection) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let row = one(connection, "SELECT seq, hash FROM audit_head WHERE id = 1", vec![]).await?;
    row.map(|row| Ok((row.get("seq")?, row.get("hash")?))).transpose()
}

/// Gives up to `limit` events their places in the chain; how many. Only one node may do so at a time; should two try,
/// the unique `seq` lets only one through.
pub async fn seal_events(db: &Db, limit: u32) -> Result<u32, StoreError> {
    let transaction = db.begin().await?;
    let known = head(&transaction).await?;
    let (mut seq, mut previous) = known.clone().unwrap_or((0, Vec::new()));
    let sql = format!("SELECT {EVENT} FROM audit_events WHERE seq IS NULL ORDER BY at, id LIMIT ?");
    let rows = all(&transaction, &sql, vec![i64::from(limit).into()]).await?;
    for row in &rows {
        let row = chained(row)?;
        seq += 1;
        let hash = hash(seq, &row, &previous);
        let sql = "UPDATE audit_events SET seq = ?, previous_hash = ?, hash = ? WHERE id = ? AND seq IS NULL";
        let id = row.event.event.id.uuid();
        run(&transaction, sql, vec![seq.into(), previous.into(), hash.clone().into(), id.into()]).await?;
        previous = hash;
    }
    if !rows.is_empty() {
        let sql = match known {
            Some(_) => "UPDATE audit_head SET seq = ?, hash = ? WHERE id = 1",
            None => "INSERT INTO audit_head (id, seq, hash) VALUES (1, ?, ?)",
        };
        run(&transaction, sql, vec![seq.into(), previous.into()]).await?;
        transaction.commit().await?;
    }
    Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// About or by this person.
    pub person: Option<PersonId>,
    /// Kinds that begin so.
    pub kind: String,
    /// Before this place in the chain; the latest when `None`.
    pub before: Option<i64>,
}

/// Events that have a place in the chain, the latest first.
pub async fn list_events(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<Event>, StoreError> {
    let sql = format!(
        "SELECT {EVENT} FROM audit_events WHERE seq < ? AND kind LIKE ?{} ORDER BY seq DESC LIMIT ?",
        if filter.person.is_some() { " AND person_id = ?" } else { "" }
    );
    let kind = format!("{}%", filter.kind.replace(['%', '_'], ""));
    let mut values = vec![filter.before.unwrap_or(i64::MAX).into(), kind.into()];
    values.extend(filter.person.map(|person| person.uuid().into()));
    values.push(i64::from(limit).into());
    all(&db.read, &sql, values).await?.iter().map(|row| Ok(chained(row)?.event)).collect()
}

/// The latest events about or by a person, whether they have a place in the chain yet or not, the latest first.
pub async fn list_latest_of(db: &Db, person: PersonId, limit: u32) -> Result<Vec<Event>, StoreError> {
    let sql = format!("SELECT {EVENT} FROM audit_events WHERE person_id = ? ORDER BY at DESC LIMIT ?");
    let values = vec![person.uuid().into(), i64::from(limit).into()];
    all(&db.read, &sql, values).await?.iter().map(|row| Ok(chained(row)?.event)).collect()
}

/// What verification finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The chain is whole.
    Whole {
        /// Events in it.
        count: i64,
    },
    /// It was touched.
    Broken {
        /// The place.
        seq: i64,
        /// What is wrong there.
        why: &'static str,
    },
}

/// Walks the whole chain and names the first row that was touched, removed, added or moved.
pub async fn verify_chain(db: &Db) -> Result<Verdict, StoreError> {
    let (mut expected, mut previous) = (1_i64, Vec::new());
    loop {
        let sql = format!("SELECT {EVENT} FROM audit_events WHERE seq >= ? ORDER BY seq LIMIT 1000");
        let rows = all(&db.read, &sql, vec![expected.into()]).await?;
        for row in &rows {
            let row = chained(row)?;
            let broken = |why| Ok(Verdict::Broken { seq: expected, why });
            if row.event.seq != Some(expected) {
                return broken("the row is missing");
            }
            if row.previous.as_deref() != Some(previous.as_slice()) {
                return broken("the hash before it differs");
            }
            let computed = hash(expected, &row, &previous);
            if row.hash.as_deref() != Some(computed.as_slice()) {
                return broken("the row was changed");
            }
            previous = computed;
            expected += 1;
        }
        if rows.len() < 1000 {
            break;
        }
    }
    let count = expected - 1;
    match head(&db.read).await? {
        None if count == 0 => Ok(Verdict::Whole { count }),
        Some((seq, hash)) if seq == count && hash == previous => Ok(Verdict::Whole { count }),
        Some((seq, _)) if seq > count => Ok(Verdict::Broken { seq: expected, why: "rows at the end are missing" }),
        _ => Ok(Verdict::Broken { seq: count, why: "the head of the chain differs" }),
    }
}
