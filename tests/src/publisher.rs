//! A partner's web server on the loopback address: it serves documents and counts who asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

type Documents = Arc<Mutex<BTreeMap<String, (Option<Value>, usize)>>>;

/// The server; it lives as long as the test. Let the provider reach it: `STEPGATE__OUTBOUND__ALLOW` must have
/// `127.0.0.1`.
#[derive(Clone)]
pub struct Publisher {
    port: u16,
    documents: Documents,
}

async fn serve(State(documents): State<Documents>, Path(path): Path<String>) -> (StatusCode, String) {
    let mut documents = documents.lock().unwrap();
    let entry = documents.entry(path).or_default();
    entry.1 += 1;
    match &entry.0 {
        Some(document) => (StatusCode::OK, document.to_string()),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

impl Publisher {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let documents = Documents::default();
        let routes = Router::new().route("/{path}", axum::routing::get(serve)).with_state(Arc::clone(&documents));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { port, documents }
    }

    /// The address of a document, whether it is there or not.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Serves a document from now on; its address.
    pub fn serve(&self, path: &str, document: Value) -> String {
        self.documents.lock().unwrap().entry(path.to_owned()).or_default().0 = Some(document);
        self.url(path)
    }

    /// Serves a document no more.
    pub fn withdraw(&self, path: &str) {
        self.documents.lock().unwrap().entry(path.to_owned()).or_default().0 = None;
    }

    /// How often a document was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.documents.lock().unwrap().get(path).map_or(0, |entry| entry.1)
    }
}
