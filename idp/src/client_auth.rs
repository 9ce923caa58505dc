//! Who is calling: client authentication at the token, introspection and revocation endpoints.
//!
//! Owns: `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `none`; certificates are `mutual_tls`'s. A secret is checked by one SHA-256,
//! never by a password hash: secrets are random and long, and this is the hottest path there is.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;
use serde::Deserialize;
use stepgate_core::clients::ClientAuthMethod;
use stepgate_core::jose::{self, Audience, SigningAlgorithm, VerifyRules};
use stepgate_core::oidc::params::RawClientAuthentication;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;
use stepgate_store::ephemeral;

use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::mutual_tls;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest life of a client assertion (RFC 7523 §3 leaves it open).
const LONGEST_ASSERTION: Duration = Duration::from_secs(3600);
/// How far a client's clock may be off.
const LEEWAY: Duration = Duration::from_secs(60);

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
                mutual_tls::authenticate(cx, &client).map_err(|why| invalid(&why))?;
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

async fn check_secret(
    cx: &Cx,
    id: &str,
    secret: &SecretString,
    method: ClientAuthMethod,
) -> Result<Arc<Registered>, ProtocolFailure> {
    let client = find(cx, id).await?;
    // All of them, so that the time does not tell which one matched.
    let matches = client.client.secrets.iter().filter(|hash| hash.matches(secret.expose())).count();
    if matches == 0 {
        return Err(invalid("the client is unknown or its credentials are wrong"));
    }
    // A client registered for one of the two ways of sending its secret may use the other: libraries differ in their
    // default, and the strength is the same.
    let registered = client.client.metadata.token_endpoint_auth_method;
    let sends_secret = matches!(registered, ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost);
    if registered == method || sends_secret { Ok(client) } else { Err(invalid("the client registered another method")) }
}

/// The claims of a client assertion (RFC 7523 §3).
#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
    jti: String,
}

async fn check_assertion(
    cx: &Cx,
    body: &RawClientAuthentication,
    assertion: &SecretString,
    named: Option<&str>,
) -> Result<Arc<Registered>, ProtocolFailure> {
    if body.client_assertion_type.as_deref() != Some(ASSERTION_TYPE) {
        return Err(OAuthError::invalid("client_assertion_type", "must be the jwt-bearer type of RFC 7523").into());
    }
    let text = assertion.expose();
    let issuer = jose::unverified_issuer(text).ok_or_else(|| invalid("client_assertion: not a JWT with an iss"))?;
    if named.is_some_and(|named| named != issuer) {
        return Err(invalid("client_assertion: iss differs from client_id"));
    }
    let client = find(cx, &issuer).await?;
    let registered = &client.client.metadata;
    let keys =
        client.keys.as_ref().filter(|_| registered.token_endpoint_auth_method == ClientAuthMethod::PrivateKeyJwt);
    let keys = keys.ok_or_else(|| invalid("the client registered another method"))?;
    let pinned = registered.token_endpoint_auth_signing_alg.as_deref().and_then(|name| name.parse().ok());
    let algorithms: &[SigningAlgorithm] = pinned.as_ref().map_or(SigningAlgorithm::ALL, std::slice::from_ref);
    let verified = jose::verify::<Assertion>(text, keys, &VerifyRules::any_typ(algorithms))
        .map_err(|error| invalid(&format!("client_assertion: {error}")))?;
    check_claims(cx, &verified.claims, &issuer)?;
    // Used once: the identifier is remembered until the assertion has expired.
    let key = format!("{issuer} {}", verified.claims.jti);
    let until = Timestamp::from_unix_seconds(verified.claims.exp) + LEEWAY;
    if !ephemeral::put_new(&cx.app.db, "client assertion", &key, until, cx.now).await? {
        return Err(invalid("client_assertion: jti was used before"));
    }
    Ok(client)
}

fn check_claims(cx: &Cx, claims: &Assertion, client: &str) -> Result<(), ProtocolFailure> {
    let now = cx.now;
    let at = Timestamp::from_unix_seconds;
    let token_endpoint = cx.app.url("/token");
    // RFC 10070 wants the issuer; the token endpoint's URL is what OpenID Connect Core §9 told clients for years.
    let for_us = claims.aud.contains(cx.app.issuer()) || claims.aud.contains(&token_endpoint);
    let fault = if claims.iss != client || claims.sub != client {
        "iss and sub must both be the client_id"
    } else if !for_us {
        "aud must be the issuer"
    } else if at(claims.exp) + LEEWAY <= now {
        "exp has passed"
    } else if at(claims.exp) > now + LONGEST_ASSERTION + LEEWAY {
        "exp is more than an hour ahead"
    } else if claims.nbf.is_some_and(|nbf| at(nbf) > now + LEEWAY)
        || claims.iat.is_some_and(|iat| at(iat) > now + LEEWAY)
    {
        "nbf or iat lies in the future"
    } else if claims.jti.is_empty() || claims.jti.len() > 255 {
        "jti must have 1 to 255 characters"
    } else {
        return Ok(());
    };
    Err(invalid(&format!("client_assertion: {fault}")))
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
