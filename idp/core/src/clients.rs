//! Relying parties: what a registered client may do and how it proves who it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, PartnerId};
use crate::secret::TokenHash;
use crate::time::Timestamp;

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

/// How a client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// HTTP Basic.
    #[default]
    ClientSecretBasic,
    /// In the form body.
    ClientSecretPost,
    /// A JWT signed with the client's key (RFC 7523).
    PrivateKeyJwt,
    /// A public client.
    None,
}

/// The form of a client's access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// RFC 9068.
    #[default]
    Jwt,
    /// A random string; what it means is asked by introspection.
    Opaque,
}

/// Registered metadata (RFC 7591 §2, OpenID Connect Dynamic Client Registration §2). Names are the registered ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the registered metadata of the same name")]
pub struct ClientMetadata {
    pub client_name: String,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub grant_types: Vec<String>,
    pub response_types: Vec<String>,
    /// Scopes it may ask for, separated by spaces.
    pub scope: String,
    pub token_endpoint_auth_method: ClientAuthMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    pub default_acr_values: Vec<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    pub require_auth_time: bool,
    /// Stepgate's own: the form of access tokens.
    pub access_token_format: AccessTokenFormat,
    /// Stepgate's own: signing algorithm of JWT access tokens; the deployment's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_signed_response_alg: Option<String>,
    /// Stepgate's own: take `acr_values` as the voluntary claim that OpenID Connect Core §3.1.2.1 makes of it.
    pub acr_values_voluntary: bool,
    /// Stepgate's own: no consent page; the operator vouches for the client.
    pub skip_consent: bool,
    /// Stepgate's own: the acr classes of which one must hold for any of its tokens (server-side floor).
    pub required_acr: Vec<String>,
    /// Stepgate's own: floors per scope: `{"payments": ["urn:stepgate:acr:otp"]}`.
    pub required_acr_by_scope: std::collections::BTreeMap<String, Vec<String>>,
    /// Stepgate's own: audiences its access tokens are for; the issuer when empty.
    pub audience: Vec<String>,
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
