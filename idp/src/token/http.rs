//! `POST /token` (RFC 6749 §3.2).

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use stepgate_core::oidc::params::{Params, RawToken};
use stepgate_core::oidc::{ErrorCode, OAuthError};

use super::{TokenSet, client_credentials, code, refresh};
use crate::app::App;
use crate::client_auth;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::mutual_tls;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/token", post(post_token))
}

async fn post_token(cx: Cx, headers: HeaderMap, body: Bytes) -> Result<Response, ProtocolFailure> {
    let params = form(&headers, &body)?;
    let raw = RawToken::from(&params);
    let client = client_auth::authenticate(&cx, &headers, &raw.client).await?;
    mutual_tls::check_binding(&cx, &client)?;
    let grant_type = raw.grant_type.as_deref().ok_or_else(|| OAuthError::invalid("grant_type", "missing"))?;
    if !matches!(grant_type, "authorization_code" | "refresh_token" | "client_credentials") {
        let text = "must be authorization_code, refresh_token or client_credentials";
        return Err(OAuthError::parameter(ErrorCode::UnsupportedGrantType, "grant_type", text).into());
    }
    if !client.client.allows_grant(grant_type) {
        let text = "the client is not registered for it";
        return Err(OAuthError::parameter(ErrorCode::UnauthorizedClient, "grant_type", text).into());
    }
    let tokens = match grant_type {
        "authorization_code" => code::exchange(&cx, &client, &raw).await?,
        "refresh_token" => refresh::exchange(&cx, &client, &raw).await?,
        _ => client_credentials::exchange(&cx, &client, &raw)?,
    };
    Ok(never_stored(tokens))
}

/// The parameters of a form body.
pub fn form(headers: &HeaderMap, body: &[u8]) -> Result<Params, OAuthError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(OAuthError::invalid("Content-Type", "must be application/x-www-form-urlencoded"));
    }
    Ok(Params::parse(body)?)
}

fn never_stored(tokens: TokenSet) -> Response {
    ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(tokens)).into_response()
}
