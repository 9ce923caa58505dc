//! Clients that register themselves (RFC 7591, OpenID Connect Dynamic Client Registration) and manage themselves
//! (RFC 7592).
//!
//! Owns: who may register, what is written, what is answered. What may be registered is decided by
//! `core::registration`. Never: privileges. Those an operator grants.

mod admit;
mod documents;
mod http;
mod manage;
mod register;
mod settings;
mod statement;

use serde_json::{Value, json};
use stepgate_core::clients::ClientMetadata;
use stepgate_core::registration::Deployment;
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;

use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;

pub(crate) use documents::check_sector;
pub use http::routes;
pub(crate) use manage::secret_for;
pub use settings::{RegistrationMode, RegistrationSettings, StatementIssuer};

/// What this deployment lets clients register. The console asks the same.
pub fn deployment(app: &App) -> Deployment<'_> {
    let documents = &app.documents;
    Deployment {
        catalogue: &app.catalogue,
        scopes: &documents.scopes,
        response_types: &documents.response_types,
        grant_types: &documents.grant_types,
        auth_methods: &documents.auth_methods,
        loopback_pages: app.settings.server.is_loopback_http(),
        loopback_documents: app.settings.outbound.allows_loopback(),
    }
}

/// What a client is told about itself (RFC 7591 §3.2.1, RFC 7592 §3).
pub struct Answer {
    /// `client_id`.
    pub client_id: String,
    /// Since when.
    pub issued_at: Timestamp,
    /// A secret that was just made; older ones are not known any more.
    pub secret: Option<SecretString>,
    /// The token by which it manages itself.
    pub token: SecretString,
    /// Everything that it registered.
    pub metadata: ClientMetadata,
}

impl Answer {
    /// The body.
    fn body(&self, cx: &Cx) -> Result<Value, Fault> {
        let mut body = serde_json::to_value(&self.metadata).map_err(Fault::internal)?;
        let Value::Object(members) = &mut body else { return Err(Fault::internal("metadata is an object")) };
        members.insert("client_id".to_owned(), json!(self.client_id));
        members.insert("client_id_issued_at".to_owned(), json!(self.issued_at.unix_seconds()));
        if let Some(secret) = &self.secret {
            members.insert("client_secret".to_owned(), json!(secret.expose()));
            members.insert("client_secret_expires_at".to_owned(), json!(0));
        }
        members
            .insert("registration_client_uri".to_owned(), json!(cx.app.url(&format!("/register/{}", self.client_id))));
        members.insert("registration_access_token".to_owned(), json!(self.token.expose()));
        Ok(body)
    }
}
