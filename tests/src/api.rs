//! The API of a provider, shaped as the provider publishes it: it keeps what it was asked, and answers what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

type Inside = Arc<Mutex<(Vec<Asked>, StatusCode, String)>>;

/// The server; it lives as long as the test.
pub struct Api {
    /// Where it is.
    pub address: SocketAddr,
    inside: Inside,
}

impl Api {
    /// Starts one that answers this.
    pub async fn start(status: u16, body: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside: Inside = Arc::new(Mutex::new((Vec::new(), status.try_into().unwrap(), body.to_owned())));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, inside }
    }

    /// Answers this from now on.
    pub fn answers(&self, status: u16, body: &str) {
        let mut inside = self.inside.lock().unwrap();
        (inside.1, inside.2) = (status.try_into().unwrap(), body.to_owned());
    }

    /// What it was asked, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.inside.lock().unwrap().0.clone()
    }

    /// Its address, for `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `STEPGATE__OUTBOUND__ALLOW`.
    pub fn allowed(&self) -> String {
        format!("['{}']", self.address)
    }
}

async fn answer(State(inside): State<Inside>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut inside = inside.lock().unwrap();
    inside.0.push(Asked { method, uri, headers, body });
    (inside.1, [(header::CONTENT_TYPE, "application/json")], inside.2.clone()).into_response()
}
