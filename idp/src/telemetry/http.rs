//! `GET /metrics`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use stepgate_store::outbox;
use tokio::net::TcpListener;

use crate::app::App;

/// The route, for an address of its own; the demo has it on the provider's.
pub fn routes(app: &Arc<App>) -> Router {
    Router::new().route("/metrics", get(get_metrics)).with_state(Arc::clone(app))
}

/// Answers at the address of the settings, until the process ends.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(app: &Arc<App>, listen: SocketAddr) -> Result<(), std::io::Error> {
    let (listener, routes) = (TcpListener::bind(listen).await?, routes(app));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "the numbers cannot be read any more");
        }
    });
    Ok(())
}

async fn get_metrics(State(app): State<Arc<App>>) -> Response {
    let waiting = match outbox::count_waiting(&app.db).await {
        Ok(waiting) => waiting,
        Err(error) => {
            tracing::warn!(%error, "the outbox cannot be counted");
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "2")]).into_response();
        }
    };
    match app.telemetry.text(app.passwords.waiting(), waiting) {
        Some(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
