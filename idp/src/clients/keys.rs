//! The keys of a client: those that it registered, or those that it serves at its `jwks_uri`.
//!
//! Owns: the cache of served keys. They are fetched when a token names a key that is not known, at most once in five
//! seconds; whoever asks meanwhile waits for the same answer. A token with a known key never waits.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::de::DeserializeOwned;
use stepgate_core::jose::{self, JoseError, JwkSet, PublicKeys, Verified, VerifyRules, unverified_kid};
use stepgate_core::registration::served_keys;
use stepgate_core::time::Timestamp;
use url::Url;

use super::Registered;
use crate::cx::Cx;
use crate::outbound::fetch::FetchRequest;

/// Keys are believed for so long; a key that is taken away stops to count after it.
const FRESH: Duration = Duration::from_secs(600);
/// Where the host does not answer, the last keys are believed for so long.
const STALE: Duration = Duration::from_secs(3600);
/// Not more often than this is a host asked, whatever tokens name.
const PAUSE: Duration = Duration::from_secs(5);

/// The keys of a client, parsed.
pub struct ClientKeys {
    /// All of them: those for encryption, too.
    pub set: JwkSet,
    /// Those that verify signatures.
    pub signing: PublicKeys,
}

impl ClientKeys {
    /// Parses a set.
    pub fn new(set: JwkSet) -> Self {
        Self { signing: PublicKeys::new(&set), set }
    }

    /// Whether a token that names `kid` may be by one of them.
    fn may_have(&self, kid: Option<&str>) -> bool {
        let fits = |known: Option<&str>| kid.is_none_or(|kid| known.is_none_or(|known| known == kid));
        self.set.keys.iter().any(|key| fits(key.kid.as_deref()))
    }
}

/// Why there are no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// None registered.
    #[error("the client registered neither jwks nor jwks_uri")]
    NotRegistered,
    /// The client's host does not answer, or not with a JWK Set of public keys.
    #[error("jwks_uri: could not be fetched, or is not a JWK Set of public keys")]
    Unreachable,
}

/// The keys of a client, with that of this `kid` among them if the client has it.
///
/// # Errors
/// There are none.
pub async fn client_keys(cx: &Cx, client: &Registered, kid: Option<&str>) -> Result<Arc<ClientKeys>, KeysError> {
    match (&client.keys, &client.client.metadata.jwks_uri) {
        (Some(keys), _) => Ok(Arc::clone(keys)),
        (None, Some(uri)) => served(cx, uri).with(cx, uri, kid).await,
        (None, None) => Err(KeysError::NotRegistered),
    }
}

/// Why a token of a client is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTheClients {
    /// There are no keys to verify it with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// It breaks a rule.
    #[error(transparent)]
    Jose(#[from] JoseError),
}

/// Verifies a token that a client signed: a client assertion, a request object.
///
/// # Errors
/// Why it is not believed.
pub async fn verify<C: DeserializeOwned>(
    cx: &Cx,
    client: &Registered,
    token: &str,
    rules: &VerifyRules<'_>,
) -> Result<Verified<C>, NotTheClients> {
    let kid = unverified_kid(token);
    let keys = client_keys(cx, client, kid.as_deref()).await?;
    let judged = jose::verify(token, &keys.signing, rules);
    let Some(uri) = client.client.metadata.jwks_uri.as_deref().filter(|_| client.keys.is_none()) else {
        return Ok(judged?);
    };
    // Without a `kid` a new key shows only by signatures that do not fit the old ones.
    if kid.is_none() && matches!(judged, Err(JoseError::Signature | JoseError::UnknownKey)) {
        let newer = served(cx, uri).newer(cx, uri, &keys).await;
        return Ok(jose::verify(token, &newer.signing, rules)?);
    }
    Ok(judged?)
}

/// Something among the keys of a client; where it is not among those that are known, the client's host is asked again.
///
/// # Errors
/// There are no keys.
pub async fn find<T>(
    cx: &Cx,
    client: &Registered,
    pick: impl Fn(&ClientKeys) -> Option<T>,
) -> Result<Option<T>, KeysError> {
    let keys = client_keys(cx, client, None).await?;
    let uri = client.client.metadata.jwks_uri.as_deref().filter(|_| client.keys.is_none());
    match (pick(&keys), uri) {
        (None, Some(uri)) => Ok(pick(&*served(cx, uri).newer(cx, uri, &keys).await)),
        (found, _) => Ok(found),
    }
}

fn served(cx: &Cx, uri: &str) -> Arc<ServedKeys> {
    let cache = &cx.app.clients.served;
    let made: Result<_, std::convert::Infallible> = cache.get_or_insert_with(uri, || Ok(Arc::default()));
    let Ok(served) = made;
    served
}

/// What is known of the keys at one address.
#[derive(Default)]
pub struct ServedKeys {
    known: RwLock<Known>,
    /// Held by the one who fetches.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    /// The keys, and when they came.
    keys: Option<(Arc<ClientKeys>, Timestamp)>,
    /// When the host was asked last.
    asked_at: Option<Timestamp>,
}

impl Known {
    fn within(&self, age: Duration, now: Timestamp) -> Option<&Arc<ClientKeys>> {
        self.keys.as_ref().filter(|(_, at)| now.since(*at) < age).map(|(keys, _)| keys)
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        self.asked_at.is_none_or(|at| now.since(at) >= PAUSE)
    }
}

impl ServedKeys {
    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    async fn with(&self, cx: &Cx, uri: &str, kid: Option<&str>) -> Result<Arc<ClientKeys>, KeysError> {
        let fits = |known: &Known| known.within(FRESH, cx.now).filter(|keys| keys.may_have(kid)).cloned();
        if let Some(keys) = fits(&self.known()) {
            return Ok(keys);
        }
        let _turn = self.turn.lock().await;
        let known = self.known();
        if let Some(keys) = fits(&known) {
            return Ok(keys);
        }
        if known.may_ask(cx.now) {
            self.fetch(cx, uri, &known).await;
        }
        self.known().within(STALE, cx.now).cloned().ok_or(KeysError::Unreachable)
    }

    /// Keys that came after `old`, if there are any to be had.
    async fn newer(&self, cx: &Cx, uri: &str, old: &Arc<ClientKeys>) -> Arc<ClientKeys> {
        let _turn = self.turn.lock().await;
        let known = self.known();
        let is_old = known.keys.as_ref().is_some_and(|(keys, _)| Arc::ptr_eq(keys, old));
        if is_old && known.may_ask(cx.now) {
            self.fetch(cx, uri, &known).await;
        }
        self.known().keys.map_or_else(|| Arc::clone(old), |(keys, _)| keys)
    }

    async fn fetch(&self, cx: &Cx, uri: &str, known: &Known) {
        let asked = Known { asked_at: Some(cx.now), keys: known.keys.clone() };
        self.learn(asked.clone());
        match document(cx, uri).await.and_then(|document| served_keys(&document)) {
            Some(set) => self.learn(Known { keys: Some((Arc::new(ClientKeys::new(set)), cx.now)), ..asked }),
            None => tracing::info!("the keys of a client could not be fetched"),
        }
    }
}

/// A document that a client serves; `None` when it does not.
pub async fn document(cx: &Cx, uri: &str) -> Option<Vec<u8>> {
    let url = Url::parse(uri).ok()?;
    match cx.app.outbound.fetcher.send(FetchRequest::get(url)).await {
        Ok(answer) if answer.status == http::StatusCode::OK => Some(answer.body),
        Ok(answer) => {
            tracing::info!(status = answer.status.as_u16(), "a client's document could not be fetched");
            None
        }
        Err(error) => {
            tracing::info!(%error, "a client's document could not be fetched");
            None
        }
    }
}
