//! `POST /token` (RFC 6749 §3.2).

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use stepgate_core::authorize::DEVICE_GRANT;
use stepgate_core::oidc::params::{Params, RawDeviceToken, RawToken, RawTokenExchange};
use stepgate_core::oidc::{ErrorCode, OAuthError};

use super::{client_credentials, code, device_code, exchange, refresh};
use crate::app::App;
use crate::client_auth;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::mutual_tls;
use crate::telemetry::TokenGrant;

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
    let Some(grant) = grant_of(grant_type) else {
        let text = "must be one of the grant_types_supported that discovery names";
        return Err(OAuthError::parameter(ErrorCode::UnsupportedGrantType, "grant_type", text).into());
    };
    if !client.client.allows_grant(grant_type) {
        let text = "the client is not registered for it";
        return Err(OAuthError::parameter(ErrorCode::UnauthorizedClient, "grant_type", text).into());
    }
    let answer = match grant {
        TokenGrant::AuthorizationCode => never_stored(code::exchange(&cx, &client, &raw).await?),
        TokenGrant::RefreshToken => never_stored(refresh::exchange(&cx, &client, &raw).await?),
        TokenGrant::ClientCredentials => never_stored(client_credentials::exchange(&cx, &client, &raw)?),
        TokenGrant::DeviceCode => {
            never_stored(device_code::exchange(&cx, &client, &RawDeviceToken::from(&params)).await?)
        }
        TokenGrant::TokenExchange => {
            never_stored(exchange::exchange(&cx, &client, &RawTokenExchange::from(&params)).await?)
        }
    };
    cx.app.telemetry.token(grant);
    Ok(answer)
}

/// The grant types that there are.
fn grant_of(grant_type: &str) -> Option<TokenGrant> {
    Some(match grant_type {
        "authorization_code" => TokenGrant::AuthorizationCode,
        "refresh_token" => TokenGrant::RefreshToken,
        "client_credentials" => TokenGrant::ClientCredentials,
        DEVICE_GRANT => TokenGrant::DeviceCode,
        exchange::GRANT => TokenGrant::TokenExchange,
        _ => return None,
    })
}

/// The parameters of a form body.
pub fn form(headers: &HeaderMap, body: &[u8]) -> Result<Params, OAuthError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(OAuthError::invalid("Content-Type", "must be application/x-www-form-urlencoded"));
    }
    Ok(Params::parse(body)?)
}

fn never_stored(tokens: impl serde::Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(tokens)).into_response()
}
