//! A relying party's own server: what the provider tells it, and a page of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};

/// What it was told, in order, and how it behaves.
#[derive(Default)]
struct Inside {
    /// Logout tokens, with what was answered.
    told: Vec<(String, u16)>,
    /// Queries of the hidden frame.
    framed: Vec<HashMap<String, String>>,
    /// The next answers; 200 when they are used up. 0 never answers.
    answers: Vec<u16>,
    page: String,
}

/// The server; it lives as long as the test.
#[derive(Clone)]
pub struct Listener {
    /// Its port on the loopback address.
    pub port: u16,
    inside: Arc<Mutex<Inside>>,
}

impl Listener {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = Arc::new(Mutex::new(Inside::default()));
        let routes = Router::new()
            .route("/told", post(told))
            .route("/framed", get(framed))
            .route("/page", get(page))
            .with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { port, inside }
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How it answers the next logout tokens; with 200 when these are used up, and never where one is 0.
    pub fn answers(&self, answers: &[u16]) {
        self.inside.lock().unwrap().answers = answers.to_vec();
    }

    /// What `/page` shows.
    pub fn shows(&self, html: &str) {
        self.inside.lock().unwrap().page = html.to_owned();
    }

    /// All logout tokens so far, and what was answered.
    pub fn told(&self) -> Vec<(String, u16)> {
        self.inside.lock().unwrap().told.clone()
    }

    /// Those that it took.
    pub fn taken(&self) -> Vec<String> {
        self.told().into_iter().filter(|(_, answer)| *answer == 200).map(|(token, _)| token).collect()
    }

    /// The queries that its hidden frame was opened with.
    pub fn framed(&self) -> Vec<HashMap<String, String>> {
        self.inside.lock().unwrap().framed.clone()
    }
}

async fn told(State(inside): State<Arc<Mutex<Inside>>>, Form(form): Form<HashMap<String, String>>) -> StatusCode {
    let answer = {
        let mut inside = inside.lock().unwrap();
        let answer = if inside.answers.is_empty() { 200 } else { inside.answers.remove(0) };
        inside.told.push((form["logout_token"].clone(), answer));
        answer
    };
    if answer == 0 {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(answer).unwrap()
}

async fn framed(
    State(inside): State<Arc<Mutex<Inside>>>,
    Query(query): Query<HashMap<String, String>>,
) -> Html<&'static str> {
    inside.lock().unwrap().framed.push(query);
    Html("<!doctype html><title>Signed out</title>")
}

async fn page(State(inside): State<Arc<Mutex<Inside>>>) -> Html<String> {
    Html(inside.lock().unwrap().page.clone())
}
