//! A push service (RFC 8030) on the loopback address: it takes pushes, keeps what it was told, and can say that a
//! subscription is gone.

use std::sync::{Arc, Mutex};

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// One push as it came.
#[derive(Clone)]
pub struct Push {
    /// To which subscription.
    pub to: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body: encrypted for a browser.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Told {
    pushes: Vec<Push>,
    gone: Vec<String>,
}

/// The service; it lives as long as the test. The provider reaches it with [`PushService::SETTINGS`].
#[derive(Clone)]
pub struct PushService {
    port: u16,
    told: Arc<Mutex<Told>>,
}

async fn take(
    State(told): State<Arc<Mutex<Told>>>,
    Path(to): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut told = told.lock().unwrap();
    if told.gone.contains(&to) {
        return StatusCode::GONE;
    }
    told.pushes.push(Push { to, headers, body: body.to_vec() });
    StatusCode::CREATED
}

impl PushService {
    /// What lets a provider speak to it.
    pub const SETTINGS: &'static [(&'static str, &'static str)] = &[
        ("STEPGATE__OUTBOUND__ALLOW", "['127.0.0.1']"),
        ("STEPGATE__MOBILE__PUSH_HOSTS", "['127.0.0.1', '10.0.0.1']"),
    ];

    /// Starts one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::<Mutex<Told>>::default();
        let routes = Router::new().route("/push/{to}", axum::routing::post(take)).with_state(Arc::clone(&told));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { port, told }
    }

    /// Its origin: what a VAPID token is for.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A subscription, as a browser makes one.
    pub fn subscription(&self, name: &str) -> Value {
        let key = PrivateKey::generate(&ECDH_P256).unwrap();
        json!({
            "endpoint": format!("{}/push/{name}", self.origin()),
            "p256dh": BASE64URL_NOPAD.encode(key.compute_public_key().unwrap().as_ref()),
            "auth": BASE64URL_NOPAD.encode(&[7; 16]),
        })
    }

    /// From now on the subscription is gone.
    pub fn forget(&self, name: &str) {
        self.told.lock().unwrap().gone.push(name.to_owned());
    }

    /// What came so far.
    pub fn pushes(&self) -> Vec<Push> {
        self.told.lock().unwrap().pushes.clone()
    }
}
