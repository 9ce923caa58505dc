//! The one writer of OAuth errors (invariant 6).

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use stepgate_core::oidc::{ErrorCode, OAuthError};

use crate::fault::Fault;

/// Why a protocol endpoint answers with an error.
#[derive(Debug)]
pub enum ProtocolFailure {
    /// The client's doing.
    Refused(OAuthError),
    /// Client authentication failed and HTTP Basic was tried (RFC 6749 §5.2 wants a challenge then).
    BasicRefused(OAuthError),
    /// A bearer token was not good enough (RFC 6750 §3).
    BearerRefused(OAuthError),
    /// A bearer token was missing altogether: a bare challenge (RFC 6750 §3.1).
    BearerMissing,
    /// More often than is allowed; when it may be tried again.
    TooOften(Duration),
    /// Ours.
    Fault(Fault),
}

impl ProtocolFailure {
    /// The answer of a protected resource, whose challenge says where its metadata are (RFC 9728 §5.1).
    pub fn at_resource(self, metadata: &str) -> Response {
        let mut response = self.into_response();
        let named = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let named = named.map(|challenge| format!("{challenge}, resource_metadata=\"{metadata}\""));
        if let Some(challenge) = named.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl<E: Into<Fault>> From<E> for ProtocolFailure {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl From<OAuthError> for ProtocolFailure {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

/// What was refused, carried beside the response for whoever watches requests. Never sent.
#[derive(Clone, Debug)]
pub enum Refused {
    /// The client was told.
    Error(OAuthError),
    /// The person was told, on a page, with these words for the client's developers.
    Page(String),
}

/// The response, with what it refuses beside it.
pub fn refused(mut response: Response, what: Refused) -> Response {
    response.extensions_mut().insert(what);
    response
}

impl IntoResponse for ProtocolFailure {
    fn into_response(self) -> Response {
        let (error, challenge) = match self {
            Self::Refused(error) => (error, None),
            Self::BasicRefused(error) => (error, Some("Basic realm=\"stepgate\", charset=\"UTF-8\"".to_owned())),
            Self::BearerRefused(error) => {
                let text = format!(
                    "Bearer realm=\"stepgate\", error=\"{}\", error_description=\"{}\"",
                    error.code().as_str(),
                    error.description()
                );
                (error, Some(text))
            }
            Self::BearerMissing => {
                let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"stepgate\""))];
                return (StatusCode::UNAUTHORIZED, challenge).into_response();
            }
            Self::TooOften(wait) => {
                let text = "too many requests from this address; try again later";
                let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
                let mut response = body(StatusCode::TOO_MANY_REQUESTS, &error);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
                return response;
            }
            Self::Fault(fault) => return answer_fault(&fault),
        };
        let status = StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = body(status, &error);
        if let Some(challenge) = challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        refused(response, Refused::Error(error))
    }
}

fn answer_fault(fault: &Fault) -> Response {
    match fault.retry_after() {
        Some(wait) => {
            tracing::warn!(error = %fault, "a request met a fault that will pass");
            let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, "the server cannot answer now, try again");
            let mut response = body(StatusCode::SERVICE_UNAVAILABLE, &error);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
            response
        }
        None => {
            tracing::error!(error = %fault, "a request met a fault");
            body(
                StatusCode::INTERNAL_SERVER_ERROR,
                &OAuthError::new(ErrorCode::ServerError, "an internal error occurred"),
            )
        }
    }
}

fn body(status: StatusCode, error: &OAuthError) -> Response {
    let never_stored = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (status, never_stored, Json(error)).into_response()
}
