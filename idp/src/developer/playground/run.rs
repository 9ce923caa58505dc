//! One run: the request, the answer, the messages after it. It holds tokens, so it is sealed at rest and soon forgotten.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::id::{PersonId, RunId};
use stepgate_store::playground;

use crate::cx::Cx;
use crate::fault::Fault;

const SEAL: &str = "playground run";
/// How long a run can be looked at.
const KEPT: Duration = Duration::from_secs(3600);

/// A made-up person who is sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Acting {
    /// User ID.
    pub username: String,
    /// How strong: the kind of credential, or `password`.
    pub strength: String,
}

/// A message after the answer. No `Debug`: it holds tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct Exchange {
    pub heading: String,
    pub line: String,
    pub fields: Vec<(String, String)>,
    pub status: String,
    pub body: String,
    pub note: String,
}

/// A run.
#[derive(Clone, Serialize, Deserialize)]
pub struct Run {
    /// `client_id`.
    pub client_id: String,
    /// How the client authenticates.
    pub method: String,
    /// The secret, where one was typed or the sandbox has it.
    pub secret: Option<String>,
    /// The authorization request.
    pub parameters: Vec<(String, String)>,
    /// PKCE.
    pub verifier: Option<String>,
    /// Who was sent, in the demo.
    pub acting: Option<Acting>,
    /// The answer.
    pub answer: Vec<(String, String)>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) id_token: Option<String>,
    pub(super) strength: Vec<(String, String, String)>,
}

impl Run {
    /// A parameter of the request.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }

    /// A field of the answer.
    pub fn answered(&self, name: &str) -> Option<&str> {
        find(&self.answer, name)
    }

    /// Its `state`.
    pub fn state(&self) -> &str {
        self.parameter("state").unwrap_or_default()
    }

    /// The request as an address.
    pub(super) fn url(&self, cx: &Cx) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.parameters);
        format!("{}?{}", cx.app.url("/authorize"), query.finish())
    }

    pub(super) async fn insert(&self, cx: &Cx, person: PersonId) -> Result<RunId, Fault> {
        let id = RunId::random(cx.entropy());
        let row = playground::Run {
            id,
            person,
            state: self.state().to_owned(),
            sealed: self.sealed(cx, id)?,
            answered: false,
            created_at: cx.now,
            expires_at: cx.now + KEPT,
        };
        playground::insert_run(&cx.app.db, &row).await?;
        Ok(id)
    }

    pub(super) async fn update(&self, cx: &Cx, id: RunId) -> Result<(), Fault> {
        Ok(playground::update_run(&cx.app.db, id, &self.sealed(cx, id)?).await?)
    }

    fn sealed(&self, cx: &Cx, id: RunId) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(self).map_err(Fault::internal)?;
        Ok(cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &id.to_string(), &plain)?)
    }

    pub(super) fn open(cx: &Cx, row: &playground::Run) -> Result<Self, Fault> {
        let plain = cx.app.secrets.sealing.open(SEAL, &row.id.to_string(), &row.sealed)?;
        serde_json::from_slice(plain.expose()).map_err(Fault::internal)
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
