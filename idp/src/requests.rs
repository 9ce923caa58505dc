//! What clients send and what becomes of it, for their integrators.
//!
//! Owns: one layer around the protocol endpoints that sees each request and its answer, the sampling of what went
//! well, and a bounded queue to the task that writes. Never: a secret, a code or a token; a wait on the request's own
//! path. What does not fit into the queue is counted and lost.

mod capture;
mod settings;
pub mod writer;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use quick_cache::sync::Cache;
use stepgate_core::assurance::Granted;
use stepgate_core::authorize::AuthorizationRequest;
use stepgate_core::clients::requests::{Endpoint, Failure, Outcome, Shown};
use stepgate_core::oidc::{OAuthError, rules};
use stepgate_core::time::Timestamp;
use tokio::sync::mpsc;

use crate::cx::Cx;

pub use capture::{note, observed, read_ahead};
pub use settings::DeveloperSettings;

/// A request on its way into the log.
#[derive(Debug)]
pub struct Observed {
    at: Timestamp,
    client: String,
    endpoint: Endpoint,
    outcome: Outcome,
    parameters: Vec<(String, String)>,
    shown: Shown,
}

/// What waits to be written at most.
const QUEUE: usize = 2048;
/// Refused requests of one client that are kept in a window: more tell its integrator nothing new.
const FAILURES: u32 = 60;
/// The length of that window, in milliseconds.
const WINDOW: i64 = 10_000;
/// Answered requests that a node keeps in one second, of all clients together: a sample is for people who look at a
/// quiet application, and must cost a busy node nothing.
const SAMPLES: u32 = 100;

/// The way into the log.
pub struct RequestLog {
    sender: mpsc::Sender<Observed>,
    receiver: Mutex<Option<mpsc::Receiver<Observed>>>,
    answered: Cache<u64, Timestamp>,
    failing: Cache<u64, (Timestamp, u32)>,
    samples: Mutex<(i64, u32)>,
    dropped: AtomicU64,
}

impl Default for RequestLog {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
            answered: Cache::new(20_000),
            failing: Cache::new(5_000),
            samples: Mutex::default(),
            dropped: AtomicU64::new(0),
        }
    }
}

fn key(parts: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

impl RequestLog {
    /// How many requests were not kept because the writer did not keep up, since this node started.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether an answered request of this kind is due for a sample.
    fn due(&self, kind: u64, now: Timestamp, every: std::time::Duration) -> bool {
        if self.answered.get(&kind).is_some_and(|last| now.since(last) < every) || !self.samples_left(now) {
            return false;
        }
        self.answered.insert(kind, now);
        true
    }

    /// Whether this second has room for one more.
    fn samples_left(&self, now: Timestamp) -> bool {
        let this = now.unix_millis() / 1000;
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let (second, taken) = *samples;
        let taken = if second == this { taken } else { 0 };
        *samples = (this, taken.saturating_add(1));
        taken < SAMPLES
    }

    fn push(&self, observed: Observed) {
        let too_many = matches!(observed.outcome, Outcome::Failed(_)) && !self.bearable(&observed);
        if too_many || self.sender.try_send(observed).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("request_log_dropped").increment(1);
        }
    }

    fn bearable(&self, observed: &Observed) -> bool {
        let client = key(&[observed.client.as_bytes()]);
        let (since, count) = self.failing.get(&client).unwrap_or((observed.at, 0));
        let fresh = observed.at.unix_millis() - since.unix_millis() < WINDOW;
        let (since, count) = if fresh { (since, count + 1) } else { (observed.at, 1) };
        self.failing.insert(client, (since, count));
        count <= FAILURES
    }

    /// The writer's end; there is one.
    fn take_receiver(&self) -> Option<mpsc::Receiver<Observed>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The failure that a client was told, with its rule.
fn failure(endpoint: Endpoint, error: &OAuthError) -> Failure {
    Failure {
        error: error.code().as_str().to_owned(),
        description: error.description().to_owned(),
        rule: Some(rules::of_error(endpoint.as_str(), error).id.to_owned()),
    }
}

/// A login ended with an answer for the client.
pub fn granted(cx: &Cx, request: &AuthorizationRequest, granted: &Granted) {
    let acr = granted.acr.as_ref().map(ToString::to_string);
    let every = cx.app.settings.developer.sample();
    let kind = key(&[b"login", request.client_id.as_bytes(), acr.as_deref().unwrap_or_default().as_bytes()]);
    if !cx.app.requests.due(kind, cx.now, every) {
        return;
    }
    let kinds: BTreeSet<_> = granted.events.iter().map(|event| event.method.credential_kind()).collect();
    cx.app.requests.push(Observed {
        at: cx.now,
        client: request.client_id.clone(),
        endpoint: Endpoint::Login,
        outcome: Outcome::Answered,
        parameters: effective(request),
        shown: Shown { acr, several_factors: kinds.len() > 1 },
    });
}

/// A login ended with an error for the client.
pub fn refused(cx: &Cx, request: &AuthorizationRequest, error: &OAuthError) {
    cx.app.requests.push(Observed {
        at: cx.now,
        client: request.client_id.clone(),
        endpoint: Endpoint::Login,
        outcome: Outcome::Failed(failure(Endpoint::Authorize, error)),
        parameters: effective(request),
        shown: Shown::default(),
    });
}

/// The request as it was understood: with the client's defaults, without what could not be granted.
fn effective(request: &AuthorizationRequest) -> Vec<(String, String)> {
    let mut fields = vec![
        ("client_id".to_owned(), request.client_id.clone()),
        ("redirect_uri".to_owned(), request.redirect_uri().to_owned()),
        ("scope".to_owned(), request.scope.iter().collect::<Vec<_>>().join(" ")),
    ];
    if !request.acr_values.is_empty() {
        fields.push(("acr_values".to_owned(), request.acr_values.join(" ")));
    }
    if let Some(max_age) = request.max_age {
        fields.push(("max_age".to_owned(), max_age.to_string()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(client: usize, outcome: Outcome) -> Observed {
        Observed {
            at: Timestamp::from_unix_seconds(1_000),
            client: client.to_string(),
            endpoint: Endpoint::Token,
            outcome,
            parameters: Vec::new(),
            shown: Shown::default(),
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_nobody_waits() {
        let log = RequestLog::default();
        for number in 0..QUEUE + 7 {
            log.push(observed(number, Outcome::Answered));
        }
        assert_eq!(log.dropped(), 7);
        assert!(log.take_receiver().is_some() && log.take_receiver().is_none(), "one reader");
    }

    #[test]
    fn one_clients_refusals_do_not_crowd_out_the_others() {
        let log = RequestLog::default();
        let failed = || {
            let (error, description) = ("invalid_grant".to_owned(), String::new());
            Outcome::Failed(Failure { error, description, rule: None })
        };
        for _ in 0..FAILURES + 5 {
            log.push(observed(1, failed()));
        }
        log.push(observed(2, failed()));
        assert_eq!(log.dropped(), 5);
        let now = Timestamp::from_unix_seconds(1_000);
        let minute = std::time::Duration::from_secs(60);
        assert!(log.due(7, now, minute) && !log.due(7, now, minute) && log.due(7, now + minute, minute));
        // However many clients there are, a second has room for so many samples; the next one has again.
        let later = now + minute * 2;
        let due = |at| (1_000..2_000).filter(|kind| log.due(*kind, at, minute)).count();
        assert_eq!((due(later), due(later + std::time::Duration::from_secs(1))), (100, 100));
    }
}
