//! The application's own API, a resource server: it asks the provider what a token is worth *now*.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::login::RelyingPartyError;
use super::{Partner, PartnerConfig};

/// What the API accepts.
const ACCEPTED: &[&str] = &[
    "urn:stepgate:acr:otp",
    "urn:stepgate:acr:phone-otp",
    "urn:stepgate:acr:mobile-id",
    "urn:stepgate:acr:hardware-token",
    "urn:stepgate:acr:security-key",
];
/// How old the authentication may be, in seconds.
const MAX_AGE: i64 = 900;

fn protocol(what: &str, error: impl std::fmt::Display) -> RelyingPartyError {
    RelyingPartyError::Protocol(format!("{what}: {error}"))
}

/// Asks the provider about a token (RFC 7662).
pub(super) async fn introspect(
    http: &reqwest::Client,
    config: &PartnerConfig,
    token: &str,
) -> Result<Value, RelyingPartyError> {
    let request = http
        .post(format!("{}/introspect", config.issuer))
        .basic_auth(&config.api_client_id, Some(&config.api_client_secret))
        .form(&[("token", token)]);
    let response = request.send().await.map_err(|error| protocol("introspection", error))?;
    response.json().await.map_err(|error| protocol("introspection", error))
}

pub(super) async fn get_orders(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = token.and_then(|text| text.strip_prefix("Bearer ")) else {
        return challenge("Bearer realm=\"orders\"".to_owned());
    };
    let http = crate::demo::http_client(partner.rp.config.trust.as_deref());
    let found = match introspect(&http, &partner.rp.config, token).await {
        Ok(found) => found,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    if found.get("active") != Some(&Value::Bool(true)) {
        return challenge("Bearer error=\"invalid_token\"".to_owned());
    }
    let acr = found.get("acr").and_then(Value::as_str).unwrap_or_default();
    let shown_at = found.get("auth_time").and_then(Value::as_i64).unwrap_or(0);
    let asked_at = found.get("iat").and_then(Value::as_i64).unwrap_or(i64::MAX);
    let strong = ACCEPTED.iter().any(|accepted| acr.strip_suffix(":proofed").unwrap_or(acr) == *accepted);
    if !strong || asked_at.saturating_sub(shown_at) > MAX_AGE {
        let accepted = "urn:stepgate:acr:otp";
        return challenge(format!(
            "Bearer error=\"insufficient_user_authentication\", \
             error_description=\"orders need a one-time password of the last 15 minutes\", \
             acr_values=\"{accepted}\", max_age=\"{MAX_AGE}\""
        ));
    }
    Json(json!({ "orders": [{ "id": 4711, "item": "Girder, 6 m", "count": 12 }], "acr": acr })).into_response()
}

fn challenge(text: String) -> Response {
    let value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, value)]).into_response()
}

/// What the API said.
pub(super) enum Called {
    /// The orders, as text.
    Orders(String),
    /// Show more first (RFC 9470 §3).
    StepUp {
        /// `acr_values`.
        acr_values: Option<String>,
        /// `max_age`.
        max_age: Option<String>,
    },
}

pub(super) async fn call(http: &reqwest::Client, base: &str, token: &str) -> Result<Called, RelyingPartyError> {
    let response = http.get(format!("{base}/api/orders")).bearer_auth(token).send().await;
    let response = response.map_err(|error| protocol("API", error))?;
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    if let Some(challenge) = challenge.filter(|_| response.status() == StatusCode::UNAUTHORIZED) {
        if !challenge.contains("insufficient_user_authentication") {
            // The token is over: a plain login gets a new one.
            return Ok(Called::StepUp { acr_values: None, max_age: None });
        }
        return Ok(Called::StepUp {
            acr_values: quoted(challenge, "acr_values"),
            max_age: quoted(challenge, "max_age"),
        });
    }
    let text = response.text().await.map_err(|error| protocol("API", error))?;
    Ok(Called::Orders(text))
}

/// A parameter of a challenge.
fn quoted(challenge: &str, name: &str) -> Option<String> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}
