//! Registered clients, read once and kept parsed.
//!
//! Owns: the cache on the hot path. A change is published to all nodes; a short time to live bounds what a lost
//! message can cost.

pub mod keys;

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use stepgate_core::assurance::{Acr, ApplicationPolicy};
use stepgate_core::clients::{self, Application, Client};
use stepgate_core::id::PersonId;
use stepgate_core::jose::{JwkSet, SigningAlgorithm};
use stepgate_core::time::Timestamp;
use stepgate_store::applications;

use crate::cx::Cx;
use crate::fault::Fault;
use keys::{ClientKeys, ServedKeys};

/// How long a cached client is believed without news.
const TIME_TO_LIVE: Duration = Duration::from_secs(60);

/// A client with everything parsed that a request may need.
pub struct Registered {
    /// The client.
    pub client: Client,
    /// Its application.
    pub application: Application,
    /// What its application and it itself demand on every request.
    pub floors: Vec<ApplicationPolicy>,
    /// Its keys, where it registered them; [`keys::client_keys`] also knows those that it serves.
    pub keys: Option<Arc<ClientKeys>>,
    /// Its sector, where it sees pairwise subjects.
    pub sector: Option<String>,
    /// How its ID tokens are signed.
    pub id_token_algorithm: SigningAlgorithm,
    /// How its JWT access tokens are signed.
    pub access_token_algorithm: SigningAlgorithm,
    loaded_at: Timestamp,
}

impl Registered {
    /// The person's `sub` as this client sees it (OpenID Connect Core §8).
    pub fn subject(&self, cx: &Cx, person: PersonId) -> String {
        cx.app.secrets.subjects.subject(self.sector.as_deref(), person)
    }

    /// The person behind a `sub` that this client brings back.
    pub fn person(&self, cx: &Cx, subject: &str) -> Option<PersonId> {
        cx.app.secrets.subjects.person(self.sector.as_deref(), subject)
    }

    /// The floors that hold for a request with these scopes.
    pub fn floors_for(&self, scopes: &[String]) -> Vec<ApplicationPolicy> {
        let by_scope = &self.client.metadata.required_acr_by_scope;
        let scoped = scopes.iter().filter_map(|scope| by_scope.get(scope)).map(|acr| accepting(acr));
        self.floors.iter().cloned().chain(scoped).collect()
    }
}

/// A policy that accepts any of the named classes.
fn accepting(classes: &[String]) -> ApplicationPolicy {
    ApplicationPolicy {
        accepts: classes.iter().filter_map(|class| class.parse::<Acr>().ok()).collect(),
        ..ApplicationPolicy::default()
    }
}

/// How many clients, and sets of keys, a node keeps parsed.
const KEPT: usize = 32_768;

/// The cache.
pub struct ClientCache {
    registered: Cache<String, Arc<Registered>>,
    served: Cache<String, Arc<ServedKeys>>,
}

impl Default for ClientCache {
    fn default() -> Self {
        Self { registered: Cache::new(KEPT), served: Cache::new(KEPT) }
    }
}

impl ClientCache {
    /// Forgets one client.
    pub fn forget(&self, client_id: &str) {
        self.registered.remove(client_id);
    }

    /// Forgets all: after news may have been missed.
    pub fn forget_all(&self) {
        self.registered.clear();
    }
}

/// The enabled client of that id.
pub async fn find(cx: &Cx, client_id: &str) -> Result<Option<Arc<Registered>>, Fault> {
    if let Some(found) = cx.app.clients.registered.get(client_id)
        && cx.now.since(found.loaded_at) < TIME_TO_LIVE
    {
        return Ok(Some(found));
    }
    let Some(client) = applications::find_client(&cx.app.db, client_id).await? else { return Ok(None) };
    let Some(application) = applications::find_application(&cx.app.db, client.application).await? else {
        return Ok(None);
    };
    if client.disabled_at.is_some() || application.disabled_at.is_some() {
        return Ok(None);
    }
    let registered = Arc::new(parse(cx, client, application)?);
    cx.app.clients.registered.insert(client_id.to_owned(), Arc::clone(&registered));
    Ok(Some(registered))
}

fn parse(cx: &Cx, client: Client, application: Application) -> Result<Registered, Fault> {
    let metadata = &client.metadata;
    let algorithm = |name: Option<&str>, default: &str| {
        name.unwrap_or(default)
            .parse::<SigningAlgorithm>()
            .map_err(|_| Fault::Internal(format!("client {} has an unknown signing algorithm", client.id)))
    };
    let policy = serde_json::from_value::<ApplicationPolicy>(application.policy.clone())
        .map_err(|error| Fault::Internal(format!("policy of application {}: {error}", application.id)))?;
    let keys = metadata.jwks.as_ref().map(|set| Arc::new(ClientKeys::new(readable_keys(set))));
    let mut floors = vec![policy];
    if !metadata.required_acr.is_empty() {
        floors.push(accepting(&metadata.required_acr));
    }
    let default_access = &cx.app.settings.keys.access_token_algorithm;
    Ok(Registered {
        id_token_algorithm: algorithm(metadata.id_token_signed_response_alg.as_deref(), "RS256")?,
        access_token_algorithm: algorithm(metadata.access_token_signed_response_alg.as_deref(), default_access)?,
        sector: clients::sector(metadata).map_err(|error| Fault::Internal(format!("client {}: {error}", client.id)))?,
        floors,
        keys,
        application,
        client,
        loaded_at: cx.now,
    })
}

/// The keys of a registered set that this version can read; of others it could not make any use.
fn readable_keys(set: &serde_json::Value) -> JwkSet {
    let keys = set.get("keys").and_then(serde_json::Value::as_array).into_iter().flatten();
    JwkSet { keys: keys.filter_map(|key| serde_json::from_value(key.clone()).ok()).collect() }
}
