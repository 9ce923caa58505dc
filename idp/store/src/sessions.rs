//! Browser sessions and their factor events.

use std::net::IpAddr;
use std::time::Duration;

use stepgate_core::assurance::FactorEvent;
use stepgate_core::grants::Session;
use stepgate_core::id::{CredentialId, PersonId, SessionId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, json, run};
use crate::{Connection, Db, StoreError};

/// A rotated cookie is still believed for so long: requests that were under way when it changed carry the old one.
pub const ROTATION_OVERLAP: Duration = Duration::from_secs(10);

const SESSION: &str = "s.id, s.person_id, s.created_at, s.last_seen_at, s.expires_at, s.ended_at, s.user_agent, s.ip,
    e.at, e.method, e.credential_id, e.evidence, e.proofed";

/// One row for each event, or one without.
pub(crate) fn sessions(rows: &[Row]) -> Result<Vec<Session>, StoreError> {
    let mut found: Vec<Session> = Vec::new();
    for row in rows {
        let id = SessionId::from_uuid(row.get("id")?);
        if found.last().is_none_or(|session| session.id != id) {
            found.push(Session {
                id,
                person: PersonId::from_uuid(row.get("person_id")?),
                events: Vec::new(),
                created_at: row.time("created_at")?,
                last_seen_at: row.time("last_seen_at")?,
                expires_at: row.time("expires_at")?,
                ended_at: row.time_if("ended_at")?,
                user_agent: row.get("user_agent")?,
                ip: row.get::<Option<String>>("ip")?.and_then(|ip| ip.parse().ok()),
            });
        }
        if let (Some(session), Some(at)) = (found.last_mut(), row.time_if("at")?) {
            session.events.push(FactorEvent {
                method: row.parsed("factor_events", "method", |text| text.parse().ok())?,
                at,
                credential: CredentialId::from_uuid(row.get("credential_id")?),
                evidence: row.json("factor_events", "evidence")?,
                proofed: row.get("proofed")?,
            });
        }
    }
    Ok(found)
}

/// The live session of a cookie, with its events, in one statement. The cookie from before the latest rise is good for
/// [`ROTATION_OVERLAP`] more, for requests that were under way, but never for what the rise added.
pub async fn find_session_by_token(db: &Db, token: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
    let sql = format!(
        "SELECT {SESSION} FROM sessions s
         LEFT JOIN factor_events e ON e.session_id = s.id AND (s.token_hash = ? OR e.at < s.rotated_at)
         WHERE (s.token_hash = ? OR (s.previous_token_hash = ? AND s.rotated_at > ?))
           AND s.ended_at IS NULL AND s.expires_at > ? ORDER BY e.at"
    );
    let token = token.as_bytes().to_vec();
    let values = vec![token.clone().into(), token.clone().into(), token.into(), at(now - ROTATION_OVERLAP), at(now)];
    Ok(sessions(&all(&db.read, &sql, values).await?)?.pop())
}

/// A session by id, ended or not.
pub async fn find_session(db: &Db, id: SessionId) -> Result<Option<Session>, StoreError> {
    let sql = format!(
        "SELECT {SESSION} FROM sessions s LEFT JOIN factor_events e ON e.session_id = s.id WHERE s.id = ? ORDER BY e.at"
    );
    Ok(sessions(&all(&db.read, &sql, vec![id.uuid().into()]).await?)?.pop())
}

/// The live sessions of a person, the latest first.
pub async fn list_sessions(db: &Db, person: PersonId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {SESSION} FROM sessions s LEFT JOIN factor_events e ON e.session_id = s.id
         WHERE s.person_id = ? AND s.ended_at IS NULL AND s.expires_at > ? ORDER BY s.last_seen_at DESC, s.id, e.at"
    );
    sessions(&all(&db.read, &sql, vec![person.uuid().into(), at(now)]).await?)
}

/// A new session with its first events.
pub async fn insert_session(
    connection: &impl Connection,
    session: &Session,
    token: &TokenHash,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions (id, token_hash, person_id, created_at, last_seen_at, expires_at, user_agent, ip)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        session.id.uuid().into(),
        token.as_bytes().to_vec().into(),
        session.person.uuid().into(),
        at(session.created_at),
        at(session.last_seen_at),
        at(session.expires_at),
        session.user_agent.as_str().into(),
        session.ip.map(|ip| ip.to_string()).into(),
    ];
    run(connection, sql, values).await?;
    for event in &session.events {
        append_factor_event(connection, session.id, event).await?;
    }
    Ok(())
}

/// Adds a factor event to a session.
pub async fn append_factor_event(
    connection: &impl Connection,
    session: SessionId,
    event: &FactorEvent,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO factor_events (session_id, at, method, credential_id, evidence, proofed)
               VALUES (?, ?, ?, ?, ?, ?)";
    let values = vec![
        session.uuid().into(),
        at(event.at),
        event.method.as_str().into(),
        event.credential.uuid().into(),
        json(&event.evidence)?,
        event.proofed.into(),
    ];
    run(connection, sql, values).await.map(drop)
}

/// Gives a live session another cookie. `false` when it was ended, or rotated elsewhere in the meantime. The old
/// cookie is believed a little longer, but cannot rotate again.
pub async fn rotate_session(
    connection: &impl Connection,
    id: SessionId,
    old: &TokenHash,
    new: &TokenHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE sessions SET token_hash = ?, previous_token_hash = token_hash, rotated_at = ?, last_seen_at = ?
               WHERE id = ? AND token_hash = ? AND ended_at IS NULL AND expires_at > ?";
    let values = vec![
        new.as_bytes().to_vec().into(),
        at(now),
        at(now),
        id.uuid().into(),
        old.as_bytes().to_vec().into(),
        at(now),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Notes that a session was used.
pub async fn touch_session(db: &Db, id: SessionId, now: Timestamp, ip: Option<IpAddr>) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET last_seen_at = ?, ip = COALESCE(?, ip) WHERE id = ? AND last_seen_at < ?";
    let ip = ip.map(|ip| ip.to_string());
    run(&db.write, sql, vec![at(now), ip.into(), id.uuid().into(), at(now)]).await.map(drop)
}

/// Ends a session; `false` when it had ended already.
pub async fn end_session(connection: &impl Connection, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE sessions SET ended_at = ? WHERE id = ? AND ended_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// Ends a person's sessions but one; those that were still live.
pub async fn end_sessions_of(
    connection: &impl Connection,
    person: PersonId,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let sql = "UPDATE sessions SET ended_at = ? WHERE person_id = ? AND ended_at IS NULL AND id <> ?
               RETURNING id, expires_at";
    let except = except.map_or(uuid::Uuid::nil(), SessionId::uuid);
    let mut ended = Vec::new();
    for row in all(connection, sql, vec![at(now), person.uuid().into(), except.into()]).await? {
        if row.time("expires_at")? > now {
            ended.push(SessionId::from_uuid(row.get("id")?));
        }
    }
    Ok(ended)
}
