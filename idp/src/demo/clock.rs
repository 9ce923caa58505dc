//! `POST /demo/clock`: moves the demo's clock forward.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::app::App;

/// How far.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    advance_seconds: u64,
}

/// Moves the clock of this node.
pub async fn post_clock(State(app): State<Arc<App>>, Json(body): Json<Advance>) -> StatusCode {
    app.clock.advance(Duration::from_secs(body.advance_seconds.min(20 * 365 * 24 * 3600)));
    StatusCode::NO_CONTENT
}
