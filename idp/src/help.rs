//! The first help page: the places where people get stuck.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use crate::pages::{self, Layout};

#[derive(Template)]
#[template(path = "help/help.html")]
struct HelpPage {
    layout: Layout,
}

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/help", get(get_help))
}

async fn get_help(State(app): State<Arc<App>>) -> Response {
    pages::respond(StatusCode::OK, &HelpPage { layout: Layout::plain("Help", app.demo) })
}
