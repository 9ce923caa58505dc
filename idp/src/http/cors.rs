//! Which answers scripts of other origins may read (Fetch §3.3): those of the protocol's endpoints, which look at no
//! cookie and let in by a token, a code or a secret alone.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::telemetry::Route;

/// What a browser is told before it sends anything: how long to remember it, and what a script may send.
const PREFLIGHT: [(HeaderName, &str); 4] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
    (ACCESS_CONTROL_MAX_AGE, "7200"),
];

/// Whether scripts of other origins may read what these routes answer.
pub const fn is_shared(route: Route) -> bool {
    matches!(route, Route::Discovery | Route::Token | Route::Userinfo | Route::Revocation)
}

/// The answer to a browser's question beforehand; `None` where it asks for the thing itself.
pub fn preflight(request: &Request) -> Option<Response> {
    let asks = request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    asks.then(|| (StatusCode::NO_CONTENT, PREFLIGHT).into_response())
}

/// Lets scripts read an answer.
pub fn share(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate"));
}
