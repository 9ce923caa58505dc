//! Relying parties: what a registered client may do and how it proves who it is.

pub mod golive;
pub mod lint;
mod metadata;
pub mod requests;
mod subject;
pub mod certificate;

use std::time::Duration;

use crate::id::{ApplicationId, PartnerId, RegistrationTokenId};
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

/// A client's secret, as the store keeps it.
#[derive(Clone, Debug)]
pub struct ClientSecret {
    /// Its hash.
    pub hash: TokenHash,
    /// The secret itself, sealed, where it makes MACs (`client_secret_jwt`).
    pub sealed: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to count.
    pub expires_at: Option<Timestamp>,
}

/// Secrets of one client that count at the same time: enough to rotate, too few to lose sight of.
pub const MOST_SECRETS: usize = 5;

impl ClientSecret {
    /// A secret without an end.
    pub fn of(secret: &str, now: Timestamp) -> Self {
        Self { hash: TokenHash::of(secret), sealed: None, created_at: now, expires_at: None }
    }

    /// Whether it counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What lets somebody register clients for a partner: an initial access token (RFC 7591 §3).
#[derive(Clone, Debug)]
pub struct RegistrationToken {
    /// Its id.
    pub id: RegistrationTokenId,
    /// What it was made for, in its maker's words.
    pub name: String,
    /// For whom clients are registered.
    pub partner: PartnerId,
    /// For which application; a new one for each client when absent.
    pub application: Option<ApplicationId>,
    /// How many clients it still registers.
    pub uses_left: u32,
    /// When it stops to count.
    pub expires_at: Option<Timestamp>,
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
    /// Its secrets: several while one is being rotated. Whether one counts is asked when it is shown.
    pub secrets: Vec<ClientSecret>,
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
