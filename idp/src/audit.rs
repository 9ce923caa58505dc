//! The audit log: every authentication and every administrative act, from the first event on.
//!
//! Owns: what is recorded and in which words. Never: codes, seeds, tokens, full numbers. Events are inserted in the
//! transaction of the act they tell of; a background task chains them by hash (`stepgate_store::audit`).

use serde_json::{Value, json};
use stepgate_core::id::{EventId, PersonId, SessionId};
use stepgate_store::Connection;
use stepgate_store::audit::NewEvent;

use crate::cx::Cx;
use crate::fault::Fault;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// `login.password.succeeded`, `credential.locked`, `admin.person.suspended`, …
    pub kind: &'static str,
    /// Who did it.
    pub actor: Option<PersonId>,
    /// To whom.
    pub person: Option<PersonId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// For which client.
    pub client: Option<String>,
    /// Further facts, never secrets.
    pub data: Value,
}

impl Event {
    /// An event of a kind, about nobody yet.
    pub fn new(kind: &'static str) -> Self {
        Self { kind, actor: None, person: None, session: None, client: None, data: json!({}) }
    }

    /// Done by a person to their own account.
    pub const fn by(mut self, person: PersonId) -> Self {
        self.actor = Some(person);
        self.person = Some(person);
        self
    }

    /// Done to another person's account.
    pub const fn to(mut self, person: PersonId) -> Self {
        self.person = Some(person);
        self
    }

    /// In a session.
    pub const fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// For a client.
    pub fn client(mut self, client: &str) -> Self {
        self.client = Some(client.to_owned());
        self
    }

    /// Further facts.
    pub fn data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

/// Records an event, in the transaction of the act where there is one.
pub async fn record(cx: &Cx, connection: &impl Connection, event: Event) -> Result<(), Fault> {
    tracing::info!(
        kind = event.kind,
        person.id = event.person.map(tracing::field::display),
        client.id = event.client.as_deref(),
        "audit event"
    );
    cx.app.telemetry.event(event.kind);
    let row = NewEvent {
        id: EventId::random(cx.entropy()),
        at: cx.now,
        kind: event.kind.to_owned(),
        actor: event.actor,
        person: event.person,
        session: event.session,
        client: event.client,
        ip: cx.ip,
        data: event.data,
    };
    Ok(stepgate_store::audit::insert_event(connection, &row).await?)
}
