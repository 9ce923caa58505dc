//! What a client registers about itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a client authenticates at the token endpoint (OpenID Connect Core §9, RFC 8705 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// HTTP Basic.
    #[default]
    ClientSecretBasic,
    /// In the form body.
    ClientSecretPost,
    /// A JWT with a MAC by the client's secret (RFC 7523).
    ClientSecretJwt,
    /// A JWT signed with the client's key (RFC 7523).
    PrivateKeyJwt,
    /// A certificate of a known authority, by its subject (RFC 8705 §2.1).
    TlsClientAuth,
    /// A certificate of the client's own, by its key (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
    /// A public client.
    None,
}

impl ClientAuthMethod {
    /// Every method, in the order in which discovery names them.
    pub const ALL: &'static [Self] = &[
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }

    /// Whether it rests on a secret that client and provider share.
    pub const fn needs_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }
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

/// Whom a client's assertions must name as their audience (RFC 7523 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer, or an endpoint that takes assertions (OpenID Connect Core §9); among others, if it wants.
    #[default]
    Endpoint,
    /// The issuer alone, as a string (FAPI 2.0 Security Profile §5.3.2.1).
    Issuer,
}

/// What kind of program it is (OpenID Connect Dynamic Client Registration §2): decides which redirect URIs it may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// Runs on a server, or in a browser.
    #[default]
    Web,
    /// Runs on a person's own device.
    Native,
}

/// Whether all clients see the same `sub` of a person (OpenID Connect Core §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// They do.
    #[default]
    Public,
    /// Each sector sees another one, so that sectors cannot compare.
    Pairwise,
}

/// Registered metadata (RFC 7591 §2, OpenID Connect Dynamic Client Registration §2). Names are the registered ones.
/// Unknown members are ignored when it is read, so that nodes of two versions can share a database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the registered metadata of the same name")]
pub struct ClientMetadata {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_name: String,
    pub redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    pub grant_types: Vec<String>,
    pub response_types: Vec<String>,
    /// Scopes it may ask for, separated by spaces.
    pub scope: String,
    pub application_type: ApplicationType,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// The statement (RFC 7591 §2.3) whose claims took precedence, as it was presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_statement: Option<String>,

    pub token_endpoint_auth_method: ClientAuthMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,

    /// RFC 8705 §3.4: its access tokens are good only with the certificate that it asked for them with.
    pub tls_client_certificate_bound_access_tokens: bool,

    pub subject_type: SubjectType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_enc: Option<String>,

    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<String>,
    /// RFC 9101 §10.5.
    pub require_signed_request_object: bool,
    /// RFC 9126 §6.
    pub require_pushed_authorization_requests: bool,

    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    pub require_auth_time: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<String>,
    pub frontchannel_logout_session_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    pub backchannel_logout_session_required: bool,

    /// Stepgate's own: the form of access tokens.
    pub access_token_format: AccessTokenFormat,
    /// Stepgate's own: signing algorithm of JWT access tokens; the deployment's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_signed_response_alg: Option<String>,
    /// Stepgate's own: take `acr_values` as the voluntary claim that OpenID Connect Core §3.1.2.1 makes of it.
    pub acr_values_voluntary: bool,
    /// Stepgate's own: whom its assertions must be addressed to.
    pub assertion_audience: AssertionAudience,
    /// Stepgate's own: it came by the registration endpoint. It may ask about its own tokens only, whatever grants it
    /// has.
    pub self_registered: bool,
    /// Stepgate's own: the operator vouches for the client: no consent page, unless it wishes one
    /// or wants `offline_access`.
    pub skip_consent: bool,
    /// Stepgate's own: the acr classes of which one must hold for any of its tokens (server-side floor).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_acr: Vec<String>,
    /// Stepgate's own: floors per scope: `{"payments": ["urn:stepgate:acr:otp"]}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub required_acr_by_scope: BTreeMap<String, Vec<String>>,
    /// Stepgate's own: audiences its access tokens are for; the issuer when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
}
