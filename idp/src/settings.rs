//! Configuration: one TOML file, `STEPGATE__SECTION__KEY` overrides, `…_FILE` for secrets in files.
//!
//! A section's struct lives here unless its reader is a room of its own. Unknown keys are errors; every problem of a
//! file is named at once.

mod document;
mod load;

use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::token::Lifetimes;

pub use document::{DocumentError, defaults, schema};
pub use load::{Problem, load};

/// All settings.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the provider is and how it listens.
    pub server: Server,
    /// The primary database.
    pub database: Database,
    /// Redis, for many nodes.
    pub redis: Redis,
    /// The deployment's secrets.
    pub secrets: SecretSettings,
    /// Passwords.
    pub passwords: crate::passwords::PasswordSettings,
    /// What the authorization endpoint answers.
    pub authorization: crate::authorize::settings::AuthorizationSettings,
    /// Browser sessions.
    pub sessions: Sessions,
    /// Life times of what is issued.
    pub tokens: Tokens,
    /// Signing keys.
    pub keys: Keys,
    /// Phone OTP.
    pub phone: crate::phones::settings::PhoneSettings,
    /// Mobile ID.
    pub mobile: crate::credentials::mobile_id::MobileSettings,
    /// The mail server through which notices go.
    pub mail: crate::outbound::smtp::MailSettings,
    /// Numbers for the operator's graphs.
    pub metrics: crate::telemetry::MetricsSettings,
    /// Devices without a browser of their own.
    pub device: crate::device::DeviceSettings,
    /// Getting back in: mailed links, the supervised reset.
    pub recovery: crate::recovery::RecoverySettings,
    /// Outbound requests.
    pub outbound: crate::outbound::fetch::OutboundSettings,
    /// Registration of clients over HTTP.
    pub registration: crate::registration::RegistrationSettings,
    /// TLS of our own.
    pub tls: crate::tls::TlsSettings,
    /// Clients that are known by a certificate.
    pub mtls: crate::mutual_tls::MutualTlsSettings,
    /// Security keys and passkeys.
    pub security_keys: crate::credentials::attestation::SecurityKeySettings,
    /// What counts as left lying about.
    pub janitor: crate::janitor::JanitorSettings,
    /// Credentials as annual subscriptions: what is sold, and the rules of terms.
    pub subscriptions: crate::subscriptions::SubscriptionSettings,
    /// Identity proofing.
    pub proofing: crate::proofing::ProofingSettings,
    /// Figures for programs.
    pub reports: crate::reports::ReportSettings,
    /// The shop: how orders are paid, and what stands on invoices.
    pub shop: crate::shop::ShopSettings,
    /// The integrators' console.
    pub developer: crate::requests::DeveloperSettings,
}

/// Where the provider is and how it listens.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The issuer: the URL under which everybody reaches the provider, without a trailing slash.
    pub issuer: String,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Addresses of reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// The name people see.
    pub name: String,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            issuer: "http://localhost:8080".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            trusted_proxies: Vec::new(),
            name: "Stepgate".to_owned(),
        }
    }
}

impl Server {
    /// Whether the issuer is plain http on this machine: cookies then go without `Secure` and `__Host-`.
    pub fn is_loopback_http(&self) -> bool {
        url::Url::parse(&self.issuer).is_ok_and(|url| {
            url.scheme() == "http"
                && match url.host() {
                    Some(url::Host::Domain(name)) => name == "localhost",
                    Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                    Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                    None => false,
                }
        })
    }
}

/// The primary database.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite://PATH?mode=rwc` or `postgres://…`.
    pub url: String,
    /// Connections at most.
    pub max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite://stepgate.db?mode=rwc".to_owned(), max_connections: 16 }
    }
}

/// Redis, for many nodes.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://…`; counters and invalidation stay in the database when absent.
    pub url: Option<String>,
}

/// The deployment's secrets.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecretSettings {
    /// At least 32 random bytes in base64; every key at rest is derived from it.
    pub master: String,
    /// Master secrets used before, newest first: they still open what they sealed.
    pub previous: Vec<String>,
}

/// Browser sessions.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// Seconds without use after which a session ends (NIST SP 800-63B-4 §2.2.3 wants 1 hour at most at AAL2).
    pub idle_seconds: u64,
    /// Seconds after which a session ends in any case.
    pub absolute_seconds: u64,
    /// Seconds that a parked authorization request is kept.
    pub interaction_seconds: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle_seconds: 1800, absolute_seconds: 12 * 3600, interaction_seconds: 3600 }
    }
}

impl Sessions {
    /// The idle limit.
    pub const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// The absolute limit.
    pub const fn absolute(&self) -> Duration {
        Duration::from_secs(self.absolute_seconds)
    }
}

/// Life times of what is issued, in seconds.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// Authorization codes (60 at most).
    pub code_seconds: u64,
    /// Access tokens.
    pub access_seconds: u64,
    /// ID tokens.
    pub id_token_seconds: u64,
    /// Refresh tokens, from the last use.
    pub refresh_idle_seconds: u64,
    /// Refresh tokens, from the authorization.
    pub refresh_absolute_seconds: u64,
    /// How long the previous refresh token is answered once more, for a client whose answer was lost.
    pub refresh_grace_seconds: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            code_seconds: 60,
            access_seconds: 600,
            id_token_seconds: 600,
            refresh_idle_seconds: 30 * 24 * 3600,
            refresh_absolute_seconds: 30 * 24 * 3600,
            refresh_grace_seconds: 20,
        }
    }
}

impl Tokens {
    /// The same as the domain takes them.
    pub const fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            code_seconds: self.code_seconds,
            access_token_seconds: self.access_seconds,
            id_token_seconds: self.id_token_seconds,
            refresh_idle_seconds: self.refresh_idle_seconds,
            refresh_absolute_seconds: self.refresh_absolute_seconds,
            refresh_grace_seconds: self.refresh_grace_seconds,
        }
    }
}

/// Signing keys.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// Algorithm of JWT access tokens whose client asks for none: `RS256`, `ES256`, `EdDSA` or `PS256`.
    pub access_token_algorithm: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self { access_token_algorithm: "RS256".to_owned() }
    }
}
