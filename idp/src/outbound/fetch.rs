//! The guarded client: the one way in which a request leaves to an address that somebody else named (a partner's
//! `jwks_uri`, a logout URI, a push endpoint, a provider).
//!
//! HTTPS only. Names are resolved here, each address is checked, and the connection is made to the checked addresses and
//! no others, so a name that answers differently a moment later gains nothing. No redirects, no proxy, no cookies, no
//! decompression; 5 s and 1 MiB at most.

mod address;
mod resolver;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use url::{Host, Url};

use address::{Destination, Scheme};
use resolver::{Names, Refused, Resolver};

pub use settings::{AllowedNetwork, AllowedNetworkError, OutboundSettings};

/// How long an exchange may take as a whole unless the request says less.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// What an answer's body may hold.
pub const MAX_BODY: usize = 1024 * 1024;

/// More ports than anyone needs; beyond, the connections kept open are let go.
const MAX_CLIENTS: usize = 64;

/// Why a request was not made or gave no answer. Names no address: partners see some of these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Neither `https`, nor `http` to an allowed loopback address.
    #[error("only https addresses are fetched")]
    Scheme,
    /// `https://user:password@host`.
    #[error("the address holds a user name or password")]
    Credentials,
    /// No host, or one that ends in a dot.
    #[error("the address has no usable host name")]
    Host,
    /// A port of another well-known service.
    #[error("port {0} is not fetched from")]
    Port(u16),
    /// At least one of its addresses is private, local or otherwise not for the public.
    #[error("the host is not on the public internet")]
    NotPublic,
    /// No answer in time.
    #[error("the host did not answer in time")]
    TimedOut,
    /// The name does not resolve, nobody listens, TLS failed, or the connection broke.
    #[error("the host could not be reached")]
    Unreachable,
    /// More than [`MAX_BODY`].
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
    /// TLS could not be set up on this machine.
    #[error("the outbound client could not be set up")]
    Setup,
}

/// The extra certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FetchSetupError {
    /// The file cannot be read.
    #[error("outbound.ca_file {path}: {error}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file has no certificates in PEM.
    #[error("outbound.ca_file {0}: not a file of PEM certificates")]
    Certificates(String),
}

/// A request to be made.
pub struct FetchRequest {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; empty for none.
    pub body: Vec<u8>,
    /// How long the exchange may take as a whole.
    pub timeout: Duration,
}

impl FetchRequest {
    /// A GET without headers.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new(), timeout: TIMEOUT }
    }

    /// A POST of `body`.
    pub fn post(url: Url, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { method: Method::POST, url, headers, body, timeout: TIMEOUT }
    }
}

/// An answer, of whatever status; a redirect is one too.
#[derive(Debug)]
pub struct FetchAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// At most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// The guarded client; shared by all requests.
pub struct Fetcher {
    allowed: Arc<[AllowedNetwork]>,
    certificates: Vec<Certificate>,
    names: Names,
    /// One per scheme and port, because what a name may resolve to depends on them.
    clients: Mutex<HashMap<(Scheme, u16), Client>>,
}

impl Fetcher {
    /// Reads the extra certificates; connects nowhere.
    pub fn new(settings: &OutboundSettings) -> Result<Self, FetchSetupError> {
        Self::with_names(settings, resolver::system_names)
    }

    fn with_names(settings: &OutboundSettings, names: Names) -> Result<Self, FetchSetupError> {
        let certificates = settings.certificates()?;
        let clients = Mutex::new(HashMap::new());
        Ok(Self { allowed: settings.allow.clone().into(), certificates, names, clients })
    }

    /// Makes the request and reads the whole answer.
    pub async fn send(&self, request: FetchRequest) -> Result<FetchAnswer, FetchError> {
        let client = self.client(self.destination(&request.url)?)?;
        let outgoing = client.request(request.method, request.url).headers(request.headers).timeout(request.timeout);
        let outgoing = if request.body.is_empty() { outgoing } else { outgoing.body(request.body) };
        let mut response = outgoing.send().await.map_err(|error| fact_of(&error))?;
        // What announces to be too large is not read at all.
        if response.content_length().is_some_and(|length| length > MAX_BODY as u64) {
            return Err(FetchError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fact_of(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(FetchAnswer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    }

    /// Whether a request there would be made: by the form of the address, and by what its name resolves to now. What the
    /// name resolves to later is checked again with each request.
    pub async fn check(&self, url: &Url) -> Result<(), FetchError> {
        let destination = self.destination(url)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let addresses = (self.names)(name.to_owned()).await.map_err(|_| FetchError::Unreachable)?;
        if addresses.iter().all(|address| destination.admits(*address)) { Ok(()) } else { Err(FetchError::NotPublic) }
    }

    /// What can be told from the URL alone. Addresses written into it are checked here, names when they are resolved.
    fn destination(&self, url: &Url) -> Result<Destination, FetchError> {
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(FetchError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        let port = url.port_or_known_default().ok_or(FetchError::Host)?;
        let destination = Destination { scheme, port, allowed: Arc::clone(&self.allowed) };
        let address = match url.host().ok_or(FetchError::Host)? {
            Host::Domain(name) if name.is_empty() || name.ends_with('.') => return Err(FetchError::Host),
            // Only an allowed network may be reached there, and which it is shows when the name is resolved.
            Host::Domain(_) if !destination.may_exist() => {
                return Err(if scheme == Scheme::Http { FetchError::Scheme } else { FetchError::Port(port) });
            }
            Host::Domain(_) => return Ok(destination),
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
        };
        if destination.admits(address) { Ok(destination) } else { Err(FetchError::NotPublic) }
    }

    fn client(&self, destination: Destination) -> Result<Client, FetchError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (destination.scheme, destination.port);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        let client = self.build(destination)?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn build(&self, destination: Destination) -> Result<Client, FetchError> {
        let resolver = Arc::new(Resolver { destination, names: self.names });
        let configured = || -> ClientBuilder {
            Client::builder()
                .dns_resolver(Arc::clone(&resolver))
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .timeout(TIMEOUT)
                .user_agent(concat!("Stepgate/", env!("CARGO_PKG_VERSION")))
        };
        let certificates = || self.certificates.iter().cloned();
        let build = configured().tls_certs_merge(certificates()).build().or_else(|error| {
            // A machine without any certificates can still talk to what ca_file vouches for, and to the loopback.
            tracing::warn!(%error, "the system has no certificates; https works with outbound.ca_file only");
            configured().tls_certs_only(certificates()).build()
        });
        build.map_err(|error| {
            tracing::error!(%error, "the outbound client could not be set up");
            FetchError::Setup
        })
    }
}

/// What of reqwest's error we tell. The cause goes to the log without the URL, whose query may hold a secret.
fn fact_of(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    let mut innermost = None;
    while let Some(inner) = cause {
        if inner.is::<Refused>() {
            return FetchError::NotPublic;
        }
        innermost = Some(inner);
        cause = inner.source();
    }
    if error.is_timeout() {
        return FetchError::TimedOut;
    }
    tracing::debug!(cause = innermost.map(tracing::field::display), "an outbound request failed");
    FetchError::Unreachable
}
