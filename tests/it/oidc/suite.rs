//! The deployment that the modules share, and the web server of the relying parties that they play.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::Value;
use stepgate_tests::{Backend, World};

/// Outlives every test, each of which has a runtime of its own.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

/// A provider, and what is known about it. The last test that holds it stops it.
pub(super) struct Suite {
    pub(super) world: World,
    pub(super) metadata: Value,
    pub(super) http: reqwest::Client,
    ahead: AtomicI64,
}

/// The deployment on a backend, started when nobody holds one.
pub(super) async fn shared(backend: Backend) -> Arc<Suite> {
    static SHARED: tokio::sync::Mutex<[Weak<Suite>; 2]> = tokio::sync::Mutex::const_new([Weak::new(), Weak::new()]);
    let mut shared = SHARED.lock().await;
    let slot = &mut shared[usize::from(backend == Backend::PostgresRedis)];
    if let Some(suite) = slot.upgrade() {
        return suite;
    }
    let suite = started(backend).await;
    *slot = Arc::downgrade(&suite);
    suite
}

/// A deployment of one's own.
pub(super) async fn started(backend: Backend) -> Arc<Suite> {
    let start = move || RUNTIME.block_on(Suite::start(backend));
    Arc::new(RUNTIME.spawn_blocking(start).await.unwrap())
}

impl Suite {
    async fn start(backend: Backend) -> Self {
        let allow: &'static str = format!("[\"{}\"]", SITE.address).leak();
        let world = World::start_with(
            backend,
            &[("STEPGATE__OUTBOUND__ALLOW", allow), ("STEPGATE__REGISTRATION__OPEN_PER_HOUR", "1000000")],
        )
        .await;
        let http = reqwest::Client::builder().pool_max_idle_per_host(0);
        let http = http.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let url = format!("{}/.well-known/openid-configuration", world.issuer);
        let metadata = http.get(url).send().await.unwrap().json().await.unwrap();
        Self { world, metadata, http, ahead: AtomicI64::new(0) }
    }

    /// The keys, as they are published now.
    pub(super) async fn jwks(&self) -> Value {
        self.http.get(self.endpoint("jwks_uri")).send().await.unwrap().json().await.unwrap()
    }

    /// An address from the metadata.
    pub(super) fn endpoint(&self, name: &str) -> &str {
        self.metadata[name].as_str().unwrap_or_else(|| panic!("the metadata has no {name}"))
    }

    /// Whether a list of the metadata has a value.
    pub(super) fn supports(&self, list: &str, value: &str) -> bool {
        self.metadata[list].as_array().is_some_and(|values| values.iter().any(|known| known == value))
    }

    /// Lets time pass for the provider.
    pub(super) async fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
        self.world.advance(seconds.unsigned_abs()).await;
    }

    /// The provider's time.
    #[expect(clippy::disallowed_methods, reason = "relying parties have clocks of their own")]
    pub(super) fn now(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        i64::try_from(now).unwrap() + self.ahead.load(Ordering::Relaxed)
    }
}

/// A request that the provider made.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) content_type: String,
    pub(super) body: String,
}

#[derive(Default)]
struct Pages {
    served: HashMap<String, (&'static str, String)>,
    called: HashMap<String, Vec<Called>>,
}

/// What relying parties publish: keys, request objects, lists of redirect URIs, addresses for logout.
pub(super) struct Site {
    address: std::net::SocketAddr,
    pages: Arc<Mutex<Pages>>,
}

pub(super) static SITE: LazyLock<Site> = LazyLock::new(|| {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let pages = Arc::new(Mutex::new(Pages::default()));
    let answering = Arc::clone(&pages);
    let app = Router::new().fallback(move |request: Request| answer(Arc::clone(&answering), request));
    RUNTIME.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, app).await.unwrap();
    });
    Site { address, pages }
});

async fn answer(pages: Arc<Mutex<Pages>>, request: Request) -> axum::response::Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let called = Called { content_type: content_type.to_owned(), body: String::from_utf8_lossy(&body).into_owned() };
    let mut pages = pages.lock().unwrap();
    pages.called.entry(head.uri.path().to_owned()).or_default().push(called);
    match pages.served.get(head.uri.path()) {
        Some((content_type, body)) => ([(header::CONTENT_TYPE, *content_type)], body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Site {
    /// Publishes a document; its address.
    pub(super) fn publish(&self, path: &str, content_type: &'static str, body: String) -> String {
        self.pages.lock().unwrap().served.insert(path.to_owned(), (content_type, body));
        format!("http://{}{path}", self.address)
    }

    /// The requests to a path, in order.
    pub(super) fn called(&self, path: &str) -> Vec<Called> {
        self.pages.lock().unwrap().called.get(path).cloned().unwrap_or_default()
    }
}

/// A word that was not used before in this process.
pub(super) fn fresh() -> String {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
