//! `client_credentials` (RFC 6749 §4.4): a cached client, one hash, one signature, no write.

use stepgate_core::oidc::params::RawToken;
use stepgate_core::oidc::{ErrorCode, OAuthError, Scopes, narrow_resource};

use super::{TokenSet, mint};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;

/// A token for the client's own resources.
pub fn exchange(cx: &Cx, client: &Registered, raw: &RawToken) -> Result<TokenSet, ProtocolFailure> {
    if client.client.is_public() {
        let text = "a public client has no credentials";
        return Err(OAuthError::parameter(ErrorCode::UnauthorizedClient, "grant_type", text).into());
    }
    let registered = Scopes::parse(&client.client.metadata.scope)?;
    let scope = match raw.scope.as_deref() {
        Some(asked) => Scopes::parse(asked)?,
        None => registered.iter().filter(|scope| !is_about_a_person(scope)).collect(),
    };
    if scope.iter().any(is_about_a_person) {
        return Err(OAuthError::parameter(ErrorCode::InvalidScope, "scope", "openid needs a person").into());
    }
    if !registered.covers(&scope) {
        return Err(OAuthError::parameter(ErrorCode::InvalidScope, "scope", "not registered for the client").into());
    }
    let resource = narrow_resource(&client.client.metadata.audience, &raw.resource)?;
    Ok(TokenSet {
        access_token: mint::service_token(cx, client, &scope, &resource)?,
        token_type: "Bearer",
        expires_in: cx.app.settings.tokens.access_seconds,
        refresh_token: None,
        id_token: None,
        scope,
    })
}

fn is_about_a_person(scope: &str) -> bool {
    stepgate_core::oidc::STANDARD_SCOPES.contains(&scope)
}
