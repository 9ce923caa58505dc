//! The provider says that a session has ended: by a signed token from server to server, or by a hidden frame in the
//! browser. Either way the application ends what it has of that session.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, JsonWebKeyId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Partner;
use super::login::RelyingParty;
use crate::cx::Clock;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[derive(Deserialize)]
pub(super) struct BackChannel {
    #[serde(default)]
    logout_token: String,
}

/// OpenID Connect Back-Channel Logout §2.5, §2.8. Hearing it twice does no harm: the session is gone already.
pub(super) async fn post_back_channel(State(partner): State<Arc<Partner>>, Form(form): Form<BackChannel>) -> Response {
    let never_stored = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match judge(&partner.rp, &form.logout_token).await {
        Ok((sid, sub)) => {
            partner.forget(&sid, &sub);
            (StatusCode::OK, never_stored).into_response()
        }
        Err(reason) => {
            let body = json!({ "error": "invalid_request", "error_description": reason });
            (StatusCode::BAD_REQUEST, never_stored, Json(body)).into_response()
        }
    }
}

/// Validates a logout token (§2.6): its `sid` and `sub`, either of which may be empty.
async fn judge(rp: &RelyingParty, token: &str) -> Result<(String, String), &'static str> {
    let mut parts = token.splitn(3, '.');
    let (Some(head), Some(body), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("logout_token: not a signed token");
    };
    let read = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let object = |part: &str| read(part).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let (Some(header), Some(claims), Some(signature)) = (object(head), object(body), read(signature)) else {
        return Err("logout_token: not a signed token");
    };
    // An ID token has another type: it cannot stand in for a logout token.
    if header.get("typ").and_then(Value::as_str) != Some("logout+jwt") {
        return Err("logout_token: its typ is not logout+jwt");
    }
    let algorithm: Option<CoreJwsSigningAlgorithm> =
        header.get("alg").and_then(|alg| serde_json::from_value(alg.clone()).ok());
    let Some(algorithm) = algorithm.filter(|algorithm| *algorithm != CoreJwsSigningAlgorithm::None) else {
        return Err("logout_token: its alg is not acceptable");
    };
    let kid = header.get("kid").and_then(Value::as_str).map(|kid| JsonWebKeyId::new(kid.to_owned()));
    let message = format!("{head}.{body}");
    let signed = |keys: &[CoreJsonWebKey]| {
        let fitting = keys.iter().filter(|key| kid.is_none() || key.key_id() == kid.as_ref());
        fitting.into_iter().any(|key| key.verify_signature(&algorithm, message.as_bytes(), &signature).is_ok())
    };
    // The provider may have new keys since we looked: look once more.
    let known = rp.keys(false).await.map_err(|_| "the provider cannot be reached")?;
    if !signed(&known) && !signed(&rp.keys(true).await.map_err(|_| "the provider cannot be reached")?) {
        return Err("logout_token: not signed by the provider");
    }
    said(&claims, &rp.config.issuer, &rp.config.client_id)
}

fn said(claims: &Value, issuer: &str, client_id: &str) -> Result<(String, String), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let now = Clock::default().now().unix_seconds();
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if text("iss") != issuer || text("aud") != client_id {
        Err("logout_token: from another provider, or for somebody else")
    } else if claims.get("exp").and_then(Value::as_i64).unwrap_or(i64::MAX) < now || claims.get("iat").is_none() {
        Err("logout_token: too old")
    } else if !event.is_some_and(Value::is_object) || text("jti").is_empty() {
        Err("logout_token: tells of no logout")
    } else if claims.get("nonce").is_some() {
        Err("logout_token: has a nonce")
    } else if text("sid").is_empty() && text("sub").is_empty() {
        Err("logout_token: names neither a session nor a person")
    } else {
        Ok((text("sid").to_owned(), text("sub").to_owned()))
    }
}

#[derive(Deserialize)]
pub(super) struct FrontChannel {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sid: String,
}

/// OpenID Connect Front-Channel Logout §2. The frame's cookies may be hidden from us: the `sid` is enough.
pub(super) async fn get_front_channel(
    State(partner): State<Arc<Partner>>,
    Query(told): Query<FrontChannel>,
) -> Response {
    if told.iss == partner.rp.config.issuer && !told.sid.is_empty() {
        partner.forget(&told.sid, "");
    }
    let policy = format!("default-src 'none'; frame-ancestors {}", partner.rp.config.issuer);
    let headers = [(header::CACHE_CONTROL, "no-store".to_owned()), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, Html("<!doctype html><title>Logged out</title><p>Logged out.</p>")).into_response()
}
