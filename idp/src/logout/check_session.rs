//! `check_session_iframe` (OpenID Connect Session Management §3.2): the one page of ours that others may frame.
//!
//! Owns: the browser's state, a value that a script may read, and that changes whenever the session does. Never: the
//! session's own cookie, which no script sees.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use data_encoding::BASE64URL_NOPAD;
use stepgate_core::authorize::AuthorizationRequest;
use stepgate_core::entropy::random_token;
use stepgate_core::id::SessionId;
use stepgate_core::logout::session_state;

use crate::app::App;
use crate::cx::Cx;
use crate::http::cookies::Cookie;
use crate::http::page::Framing;
use crate::pages::assets::Asset;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/session/check", get(get_check))
}

/// The browser's state in a session: tells nothing about the session, and is another one in every other.
pub fn browser_state(app: &App, session: SessionId) -> String {
    let tag = aws_lc_rs::hmac::sign(&app.secrets.browser_state, session.uuid().as_bytes());
    BASE64URL_NOPAD.encode(tag.as_ref())
}

/// The `session_state` of an answer; `None` where no page of the client could ask for it.
pub fn for_answer(cx: &Cx, request: &AuthorizationRequest, session: SessionId) -> Option<String> {
    let salt = random_token(cx.entropy()).chars().take(16).collect::<String>();
    let state = browser_state(&cx.app, session);
    request.is_openid().then(|| session_state(&request.client_id, request.redirect_uri(), &state, &salt))?
}

#[derive(Template)]
#[template(path = "check-session.html")]
struct CheckSession {
    script: String,
    cookie: &'static str,
}

async fn get_check(State(app): State<Arc<App>>) -> Response {
    let page = CheckSession { script: Asset::CheckSessionScript.url(), cookie: app.cookies.name(Cookie::State) };
    let mut response = Html(page.render().unwrap_or_default()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response.extensions_mut().insert(Framing::Framable);
    response
}
