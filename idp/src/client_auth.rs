//! Who is calling: client authentication at the token, introspection and revocation endpoints.
//!
//! Owns: `client_secret_basic`, `client_secret_post`, `client_secret_jwt`, `private_key_jwt`, `none`; certificates are
//! `mutual_tls`'s. A secret is checked by one SHA-256, never by a password hash: secrets are random and long, and this is the hottest path there is.

mod assertion;
mod secret;

pub use secret::{NewSecret, SEAL};

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;
use stepgate_core::clients::ClientAuthMethod;
use stepgate_core::oidc::params::RawClientAuthentication;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::secret::SecretString;

use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::mutual_tls;
use assertion::check_assertion;
use secret::check_secret;

/// Authenticates the client of a request, by exactly the method that it registered.
///
/// # Errors
/// `invalid_client`, as a Basic challenge where Basic was tried; `invalid_request` when two methods are used at once.
pub async fn authenticate(
    cx: &Cx,
    headers: &HeaderMap,
    body: &RawClientAuthentication,
) -> Result<Arc<Registered>, ProtocolFailure> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let answer = match value.to_str().ok().and_then(basic) {
            Some((id, secret)) => check_basic(cx, body, &id, &secret).await,
            None => Err(invalid("the Authorization header is not HTTP Basic with an encoded client_id and secret")),
        };
        return answer.map_err(|failure| match failure {
            ProtocolFailure::Refused(error) if error.code() == ErrorCode::InvalidClient => {
                ProtocolFailure::BasicRefused(error)
            }
            other => other,
        });
    }
    match (&body.client_assertion, &body.client_secret, &body.client_id) {
        (Some(_), Some(_), _) => Err(OAuthError::invalid("client_secret", "must not be sent with an assertion").into()),
        (Some(assertion), None, id) => check_assertion(cx, body, assertion, id.as_deref()).await,
        (None, Some(secret), Some(id)) => check_secret(cx, id, secret, ClientAuthMethod::ClientSecretPost).await,
        (None, None, Some(id)) => {
            let client = find(cx, id).await?;
            if !client.client.is_public() {
                mutual_tls::authenticate(cx, &client).await.map_err(|why| invalid(&why))?;
            }
            Ok(client)
        }
        (None, _, None) => Err(invalid("client_id: missing")),
    }
}

fn invalid(description: &str) -> ProtocolFailure {
    OAuthError::new(ErrorCode::InvalidClient, description).into()
}

/// `Basic` with both halves form-encoded before they were joined (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, SecretString)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decode(id)?, SecretString::new(form_decode(secret)?)))
}

fn form_decode(text: &str) -> Option<String> {
    let joined = format!("v={}", text.replace('&', "%26").replace('=', "%3D"));
    form_urlencoded::parse(joined.as_bytes()).next().map(|(_, value)| value.into_owned())
}

async fn check_basic(
    cx: &Cx,
    body: &RawClientAuthentication,
    id: &str,
    secret: &SecretString,
) -> Result<Arc<Registered>, ProtocolFailure> {
    if body.client_secret.is_some() || body.client_assertion.is_some() {
        return Err(OAuthError::invalid("client_secret", "one method of authentication only").into());
    }
    if body.client_id.as_deref().is_some_and(|named| named != id) {
        return Err(OAuthError::invalid("client_id", "differs from the Authorization header").into());
    }
    check_secret(cx, id, secret, ClientAuthMethod::ClientSecretBasic).await
}

async fn find(cx: &Cx, id: &str) -> Result<Arc<Registered>, ProtocolFailure> {
    clients::find(cx, id).await?.ok_or_else(|| invalid("the client is unknown or its credentials are wrong"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_halves_are_form_decoded() {
        let header = format!("bAsIc {}", BASE64.encode(b"my%3Aclient:a+b%26c=%25"));
        let (id, secret) = basic(&header).unwrap();
        assert_eq!((id.as_str(), secret.expose().as_str()), ("my:client", "a b&c=%"));
        assert!(basic("Bearer abc").is_none() && basic("Basic ???").is_none());
    }
}
