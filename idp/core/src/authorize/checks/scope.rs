//! Scopes that nobody knows are dropped, scopes that the client did not register are refused (RFC 6749 §3.3).

use super::Case;
use crate::clients::Client;
use crate::oidc::{ClaimsRequest, ErrorCode, OAuthError, ResponseType, Scopes, scope_of_claim};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    let refuse = |fault: &str| Err(OAuthError::parameter(ErrorCode::InvalidScope, "scope", fault));
    let (asked, supported) = (&case.parsed.scope, case.context.supported_scopes);
    if asked.is_empty() {
        return refuse("missing");
    }
    let unregistered =
        asked.iter().find(|scope| supported.iter().any(|known| known == scope) && !is_registered(case.client, scope));
    if let Some(scope) = unregistered {
        return refuse(&format!("{scope} is not registered for this client"));
    }
    let response_type = case.parsed.response_type;
    if response_type.is_some_and(ResponseType::has_id_token) && !asked.contains("openid") {
        return refuse("openid is needed for an ID token");
    }
    if granted_scope(asked, case.client, response_type).is_empty() {
        return refuse("names no known scope");
    }
    Ok(())
}

/// The scopes of a request that can be granted. `offline_access` goes where it would be of no use: without the grant
/// type, or without a code to exchange (OpenID Connect Core §11), there is no refresh token to give.
pub(in crate::authorize) fn granted_scope(
    asked: &Scopes,
    client: &Client,
    response_type: Option<ResponseType>,
) -> Scopes {
    let refreshes = client.allows_grant("refresh_token") && response_type.is_some_and(ResponseType::has_code);
    let useful = |scope: &&str| *scope != "offline_access" || refreshes;
    asked.iter().filter(|scope| is_registered(client, scope)).filter(useful).collect()
}

/// The claims of a request that can be granted: what a scope would bring takes that the client registered the scope, so
/// that `claims` is no way round the registration.
pub(in crate::authorize) fn granted_claims(asked: ClaimsRequest, client: &Client) -> ClaimsRequest {
    asked.limited_to(|claim| scope_of_claim(claim).is_none_or(|scope| is_registered(client, scope)))
}

fn is_registered(client: &Client, scope: &str) -> bool {
    client.metadata.scope.split(' ').any(|registered| registered == scope)
}
