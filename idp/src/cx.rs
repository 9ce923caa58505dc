//! The long-lived application and the context of one request.
//!
//! This is the only place that reads the clock and the operating system's randomness (invariant 5).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stepgate_core::entropy::Entropy;
use stepgate_core::time::Timestamp;

use crate::app::App;
use crate::mutual_tls::PresentedCertificate;
use crate::words::Language;

/// The operating system's randomness.
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the operating system's randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // Without randomness every secret would be guessable: there is no way to go on.
            std::process::abort();
        }
    }
}

/// The clock. The demo can move its own forward; nothing can move it back.
#[derive(Default)]
pub struct Clock {
    ahead_millis: AtomicI64,
}

impl Clock {
    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_unix_millis(millis.saturating_add(self.ahead_millis.load(Ordering::Relaxed)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.ahead_millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

/// One request, or one run of a background task: what it may use and the moment at which it happens.
#[derive(Clone)]
pub struct Cx {
    /// What outlives the request.
    pub app: Arc<App>,
    /// The moment of the request, read once.
    pub now: Timestamp,
    /// Where the request came from; `None` for background work and the command line.
    pub ip: Option<IpAddr>,
    /// The certificate that the request came with; what it is worth is decided for each client.
    pub client_certificate: Option<Arc<PresentedCertificate>>,
    /// The browser, as it names itself, cut to 200 characters.
    pub user_agent: String,
    /// The language that the browser asks for, for those of whom nothing better is known.
    pub language: Language,
}

impl Cx {
    /// The context of background work that starts now.
    pub fn background(app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            now: app.clock.now(),
            ip: None,
            client_certificate: None,
            user_agent: String::new(),
            language: Language::English,
        }
    }

    /// Randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        &OsEntropy
    }
}
