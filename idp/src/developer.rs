//! wip
use std::sync::Arc;
use axum::Router;
use crate::app::App;
/// The routes.
pub fn routes() -> Router<Arc<App>> { Router::new() }
