//! Assertions (RFC 7523 §2.2): a JWT by the client's key, or under its secret.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use stepgate_core::clients::{AssertionAudience, ClientAuthMethod};
use stepgate_core::jose::{self, Audience, MacAlgorithm, SigningAlgorithm, VerifyRules};
use stepgate_core::oidc::OAuthError;
use stepgate_core::oidc::params::RawClientAuthentication;
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;
use stepgate_store::ephemeral;

use super::{SEAL, find, invalid};
use crate::clients::{Registered, keys};
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest life of a client assertion (RFC 7523 §3 leaves it open).
const LONGEST_ASSERTION: Duration = Duration::from_secs(3600);
/// How far a client's clock may be off.
const LEEWAY: Duration = Duration::from_secs(60);

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

pub(super) async fn check_assertion(
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
    let claims = verify(cx, &client, text).await?;
    check_claims(cx, &client, &claims)?;
    // Used once: the identifier is remembered until the assertion has expired.
    let key = format!("{issuer} {}", claims.jti);
    let until = Timestamp::from_unix_seconds(claims.exp) + LEEWAY;
    if !ephemeral::put_new(&cx.app.db, "client assertion", &key, until, cx.now).await? {
        return Err(invalid("client_assertion: jti was used before"));
    }
    Ok(client)
}

/// By the method that the client registered, and by no other.
async fn verify(cx: &Cx, client: &Registered, text: &str) -> Result<Assertion, ProtocolFailure> {
    let metadata = &client.client.metadata;
    let pinned = metadata.token_endpoint_auth_signing_alg.as_deref();
    let refused = |error: &dyn std::fmt::Display| invalid(&format!("client_assertion: {error}"));
    match metadata.token_endpoint_auth_method {
        ClientAuthMethod::PrivateKeyJwt => {
            let pinned = pinned.and_then(|name| name.parse().ok());
            let algorithms: &[SigningAlgorithm] = pinned.as_ref().map_or(SigningAlgorithm::ALL, std::slice::from_ref);
            let verified = keys::verify::<Assertion>(cx, client, text, &VerifyRules::any_typ(algorithms)).await;
            verified.map(|verified| verified.claims).map_err(|error| refused(&error))
        }
        ClientAuthMethod::ClientSecretJwt => {
            let pinned = pinned.and_then(|name| name.parse().ok());
            let algorithms: &[MacAlgorithm] = pinned.as_ref().map_or(MacAlgorithm::ALL, std::slice::from_ref);
            let secrets = secrets(cx, client)?;
            let verified = jose::verify_mac::<Assertion>(text, &secrets, &VerifyRules::any_typ(algorithms));
            verified.map(|verified| verified.claims).map_err(|error| refused(&error))
        }
        ClientAuthMethod::ClientSecretBasic
        | ClientAuthMethod::ClientSecretPost
        | ClientAuthMethod::TlsClientAuth
        | ClientAuthMethod::SelfSignedTlsClientAuth
        | ClientAuthMethod::None => Err(invalid("the client registered another method")),
    }
}

/// The client's secrets in the clear, as far as they count and are kept so.
fn secrets(cx: &Cx, client: &Registered) -> Result<Vec<SecretString>, ProtocolFailure> {
    let live = client.client.secrets.iter().filter(|secret| secret.is_live(cx.now));
    let sealed = live.filter_map(|secret| secret.sealed.as_deref());
    let open = |sealed: &[u8]| -> Result<SecretString, ProtocolFailure> {
        let bytes = cx.app.secrets.sealing.open(SEAL, &client.client.id, sealed)?;
        Ok(SecretString::new(String::from_utf8_lossy(bytes.expose()).into_owned()))
    };
    sealed.map(open).collect()
}

/// Whether an assertion is for us. RFC 7523 §3 wants us named; who registered for it must name the issuer and nothing
/// else (FAPI 2.0 Security Profile §5.3.2.1), everybody else may name an endpoint that takes assertions, as OpenID
/// Connect Core §9 told clients for years.
fn is_for_us(cx: &Cx, rule: AssertionAudience, audience: &Audience) -> bool {
    match rule {
        AssertionAudience::Issuer => *audience == Audience::One(cx.app.issuer().to_owned()),
        AssertionAudience::Endpoint => {
            let endpoints = &cx.app.documents.endpoints;
            audience.contains(cx.app.issuer()) || endpoints.iter().any(|endpoint| audience.contains(endpoint))
        }
    }
}

fn check_claims(cx: &Cx, client: &Registered, claims: &Assertion) -> Result<(), ProtocolFailure> {
    let now = cx.now;
    let at = Timestamp::from_unix_seconds;
    let rule = client.client.metadata.assertion_audience;
    let fault = if claims.iss != client.client.id || claims.sub != client.client.id {
        "iss and sub must both be the client_id"
    } else if !is_for_us(cx, rule, &claims.aud) {
        match rule {
            AssertionAudience::Endpoint => "aud must be the issuer, or the URL of the endpoint",
            AssertionAudience::Issuer => "aud must be the issuer, as a string",
        }
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
