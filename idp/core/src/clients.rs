//! Relying parties: what a registered client may do and how it proves who it is.

pub mod golive;
pub mod lint;
mod metadata;
pub mod requests;
mod subject;

use std::time::Duration;

use crate::id::{ApplicationId, PartnerId};
use crate::secret::TokenHash;
use crate::time::Timestamp;

pub use metadata::{
    AccessTokenFormat, ApplicationType, AssertionAudience, ClientAuthMethod, ClientMetadata, SubjectType,
};
pub use subject::{SectorError, SubjectKey, sector};

/// A partner application, as people see it. One application has one or more clients.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Who owns it.
    pub partner: PartnerId,
    /// The name people see.
    pub name: String,
    /// Where *Open* leads.
    pub url: Option<String>,
    /// What it accepts, in the configuration's form; parsed by `assurance`.
    pub policy: serde_json::Value,
    /// Switched off by its owner.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The application it belongs to.
    pub application: ApplicationId,
    /// Hashes of the valid secrets: several while one is being rotated.
    pub secrets: Vec<TokenHash>,
    /// What it registered.
    pub metadata: ClientMetadata,
    /// Switched off.
    pub disabled_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Client {
    /// Whether it is a public client: it cannot keep a secret, so PKCE is required (RFC 9700 §2.1.1).
    pub fn is_public(&self) -> bool {
        self.metadata.token_endpoint_auth_method == ClientAuthMethod::None
    }

    /// Whether it registered the grant type.
    pub fn allows_grant(&self, grant_type: &str) -> bool {
        self.metadata.grant_types.iter().any(|registered| registered == grant_type)
    }

    /// `default_max_age`.
    pub fn default_max_age(&self) -> Option<Duration> {
        self.metadata.default_max_age.map(Duration::from_secs)
    }
}
