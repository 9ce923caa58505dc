//! Browser sessions: found by a cookie, begun by a first factor, raised by each further one, ended.
//!
//! Owns: the limits of a session and the rotation of its cookie. Never: what a session is worth; that is computed by
//! `stepgate_core::assurance` from the factor events.

use axum::http::HeaderValue;
use stepgate_core::assurance::{FactorEvent, Holdings};
use stepgate_core::entropy::random_token;
use stepgate_core::grants::Session;
use stepgate_core::id::{PersonId, SessionId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;
use stepgate_store::Connection;
use stepgate_store::{credentials, people, sessions};

use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::cookies::Cookie;
use crate::logout::check_session::browser_state;
use crate::telemetry::Login;

/// A live session and the cookie that named it.
#[derive(Clone, Debug)]
pub struct Live {
    /// The session.
    pub session: Session,
    /// Hash of the cookie's value.
    pub token: TokenHash,
}

/// A session whose cookie has just been renewed: the browser must be given the new value.
pub struct Renewed {
    /// The session as it is now.
    pub live: Live,
    /// The headers to send: the session's name, and what partners' scripts can learn of it.
    pub cookies: [HeaderValue; 2],
}

fn cookies(cx: &Cx, session: SessionId, name: &str) -> [HeaderValue; 2] {
    let state = browser_state(&cx.app, session);
    [cx.app.cookies.set(Cookie::Session, name), cx.app.cookies.set(Cookie::State, &state)]
}

/// How often `last_seen_at` is written at most, in milliseconds: a write for every click would buy nothing.
const TOUCH_EVERY: i64 = 60_000;

/// The live session that the cookie names, if it is within its limits.
pub async fn find(cx: &Cx, cookie: Option<&str>) -> Result<Option<Live>, Fault> {
    let Some(cookie) = cookie else { return Ok(None) };
    let token = TokenHash::of(cookie);
    let Some(session) = sessions::find_session_by_token(&cx.app.db, &token, cx.now).await? else { return Ok(None) };
    if cx.now.since(session.last_seen_at) > cx.app.settings.sessions.idle() {
        return Ok(None);
    }
    if cx.now.unix_millis() - session.last_seen_at.unix_millis() > TOUCH_EVERY {
        sessions::touch_session(&cx.app.db, session.id, cx.now, cx.ip).await?;
    }
    Ok(Some(Live { session, token }))
}

/// Begins a session with its first factor event, inside the caller's transaction.
pub async fn begin(
    cx: &Cx,
    connection: &impl Connection,
    person: PersonId,
    event: FactorEvent,
) -> Result<Renewed, Fault> {
    let until = cx.now + cx.app.settings.sessions.absolute();
    let renewed = insert(cx, connection, person, (vec![event], until)).await?;
    cx.app.telemetry.login(Login::Succeeded);
    Ok(renewed)
}

/// Begins a session in which nothing was shown yet: no login, but the place for one more factor before a forgotten
/// password is replaced.
pub async fn begin_bare(
    cx: &Cx,
    connection: &impl Connection,
    person: PersonId,
    until: Timestamp,
) -> Result<Renewed, Fault> {
    insert(cx, connection, person, (Vec::new(), until)).await
}

async fn insert(
    cx: &Cx,
    connection: &impl Connection,
    person: PersonId,
    (events, until): (Vec<FactorEvent>, Timestamp),
) -> Result<Renewed, Fault> {
    let cookie = random_token(cx.entropy());
    let session = Session {
        id: SessionId::random(cx.entropy()),
        person,
        events,
        created_at: cx.now,
        last_seen_at: cx.now,
        expires_at: until,
        ended_at: None,
        user_agent: cx.user_agent.clone(),
        ip: cx.ip,
    };
    let token = TokenHash::of(&cookie);
    sessions::insert_session(connection, &session, &token).await?;
    Ok(Renewed { cookies: cookies(cx, session.id, &cookie), live: Live { session, token } })
}

/// Adds a factor event and renews the cookie, so that a cookie stolen before the rise is worth nothing after it.
/// `None` when the session was ended or raised elsewhere in the meantime.
pub async fn raise(
    cx: &Cx,
    connection: &impl Connection,
    mut live: Live,
    event: FactorEvent,
) -> Result<Option<Renewed>, Fault> {
    let cookie = random_token(cx.entropy());
    let token = TokenHash::of(&cookie);
    if !sessions::rotate_session(connection, live.session.id, &live.token, &token, cx.now).await? {
        return Ok(None);
    }
    sessions::append_factor_event(connection, live.session.id, &event).await?;
    live.session.events.push(event);
    live.token = token;
    Ok(Some(Renewed { cookies: cookies(cx, live.session.id, &cookie), live }))
}

/// What a person holds now, as the assurance module asks for it.
pub async fn holdings(cx: &Cx, person: PersonId) -> Result<Holdings, Fault> {
    let held = credentials::list_credentials(&cx.app.db, person).await?;
    let proofed = people::find_person(&cx.app.db, person).await?.is_some_and(|found| found.is_proofed(cx.now));
    Ok(Holdings { credentials: held.iter().map(|credential| credential.held(cx.now)).collect(), proofed })
}

/// When the session ends if it is not used again.
pub fn ends_at(cx: &Cx, session: &Session) -> Timestamp {
    session.expires_at.min(session.last_seen_at + cx.app.settings.sessions.idle())
}
