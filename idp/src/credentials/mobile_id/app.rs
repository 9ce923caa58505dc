//! The installable page at `/mobile` and the files beside it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::app::App;

#[derive(Template)]
#[template(path = "mobile.html")]
struct MobilePage<'a> {
    issuer: &'a str,
    demo: bool,
}

/// The routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/mobile", get(get_app)).route("/mobile/{name}", get(get_file))
}

async fn get_app(State(app): State<Arc<App>>) -> Response {
    match (MobilePage { issuer: app.issuer(), demo: app.demo }).render() {
        Ok(html) => ([(header::CACHE_CONTROL, "no-cache")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the mobile page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, media type, bytes.
const FILES: &[(&str, &str, &[u8])] = &[
    ("mobile.js", SCRIPT, include_bytes!("../../../static/mobile/mobile.js")),
    ("keys.js", SCRIPT, include_bytes!("../../../static/mobile/keys.js")),
    ("server.js", SCRIPT, include_bytes!("../../../static/mobile/server.js")),
    ("screen.js", SCRIPT, include_bytes!("../../../static/mobile/screen.js")),
    ("push.js", SCRIPT, include_bytes!("../../../static/mobile/push.js")),
    ("verifier.js", SCRIPT, include_bytes!("../../../static/mobile/verifier.js")),
    ("sw.js", SCRIPT, include_bytes!("../../../static/mobile/sw.js")),
    ("mobile.css", "text/css; charset=utf-8", include_bytes!("../../../static/mobile/mobile.css")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../../static/mobile/icon.svg")),
    (
        "manifest.webmanifest",
        "application/manifest+json",
        include_bytes!("../../../static/mobile/manifest.webmanifest"),
    ),
];

async fn get_file(Path(name): Path<String>) -> Response {
    let Some((_, media_type, bytes)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
    // The service worker lies below the page that it serves.
    headers.insert("service-worker-allowed", header::HeaderValue::from_static("/mobile"));
    (headers, *bytes).into_response()
}
