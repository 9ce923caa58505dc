//! What outlives a request: settings, stores, keys, caches, the ways out.

use std::sync::{Arc, RwLock};

use stepgate_core::assurance::Catalogue;
use stepgate_core::oidc::ResponseType;
use stepgate_store::Db;
use stepgate_store::ephemeral::Ephemeral;
use stepgate_store::invalidations::Invalidations;

use crate::clients::ClientCache;
use crate::credentials::attestation::Attestation;
use crate::cx::Clock;
use crate::discovery::Documents;
use crate::http::cookies::CookieNames;
use crate::keys::KeySet;
use crate::mutual_tls::MutualTls;
use crate::outbound::Outbound;
use crate::passwords::PasswordHasher;
use crate::requests::RequestLog;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// The application. One per node, shared by all requests.
pub struct App {
    /// The configuration.
    pub settings: Settings,
    /// The issuer's origin (`https://id.example`): where our own forms come from.
    pub origin: String,
    /// The primary database.
    pub db: Db,
    /// Counters and other short-lived values.
    pub ephemeral: Ephemeral,
    /// News between nodes: which cached thing has changed.
    pub invalidations: Invalidations,
    /// The acr classes.
    pub catalogue: Catalogue,
    /// Derived secrets.
    pub secrets: Secrets,
    /// Cookie names.
    pub cookies: CookieNames,
    /// Registered clients, parsed.
    pub clients: ClientCache,
    /// What clients sent, for their integrators.
    pub requests: RequestLog,
    /// Password verification on its own threads.
    pub passwords: PasswordHasher,
    /// The ways out: text, voice, mail.
    pub outbound: Outbound,
    /// Whom we believe about clients' certificates.
    pub mutual_tls: MutualTls,
    /// Documents that are made once.
    pub documents: Documents,
    /// The response types that the deployment offers.
    pub response_types: Vec<ResponseType>,
    /// The scopes that the deployment knows.
    pub scopes: Vec<String>,
    /// What the operator's graphs show.
    pub telemetry: Telemetry,
    /// Who vouches for security keys.
    pub attestation: Attestation,
    /// The clock.
    pub clock: Clock,
    /// Whether this is the demo.
    pub demo: bool,
    keys: RwLock<Arc<KeySet>>,
}

/// The parts that [`App::new`] puts together.
pub struct Parts {
    /// See [`App`].
    pub settings: Settings,
    /// See [`App`].
    pub db: Db,
    /// See [`App`].
    pub ephemeral: Ephemeral,
    /// See [`App`].
    pub invalidations: Invalidations,
    /// See [`App`].
    pub catalogue: Catalogue,
    /// See [`App`].
    pub secrets: Secrets,
    /// See [`App`].
    pub passwords: PasswordHasher,
    /// See [`App`].
    pub outbound: Outbound,
    /// See [`App`].
    pub mutual_tls: MutualTls,
    /// See [`App`].
    pub attestation: Attestation,
    /// See [`App`].
    pub clock: Clock,
    /// See [`App`].
    pub keys: KeySet,
    /// See [`App`].
    pub demo: bool,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let origin = url::Url::parse(&parts.settings.server.issuer)
            .map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
        let counts = parts.demo || parts.settings.metrics.listen.is_some();
        Self {
            telemetry: if counts { Telemetry::counting() } else { Telemetry::silent() },
            origin,
            cookies: CookieNames::for_server(&parts.settings.server),
            documents: Documents::new(&parts.settings, &parts.catalogue),
            clients: ClientCache::default(),
            response_types: parts.settings.authorization.response_types(),
            requests: RequestLog::default(),
            scopes: crate::authorize::supported_scopes(),
            settings: parts.settings,
            db: parts.db,
            ephemeral: parts.ephemeral,
            invalidations: parts.invalidations,
            catalogue: parts.catalogue,
            secrets: parts.secrets,
            passwords: parts.passwords,
            outbound: parts.outbound,
            mutual_tls: parts.mutual_tls,
            attestation: parts.attestation,
            clock: parts.clock,
            demo: parts.demo,
            keys: RwLock::new(Arc::new(parts.keys)),
        }
    }

    /// The signing keys in force.
    pub fn keys(&self) -> Arc<KeySet> {
        // A poisoned lock still holds a whole key set: the writer only swaps pointers.
        Arc::clone(&self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Puts newly loaded signing keys in force.
    pub fn replace_keys(&self, keys: KeySet) {
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(keys);
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.settings.server.issuer
    }

    /// An absolute URL of ours.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.server.issuer)
    }
}
