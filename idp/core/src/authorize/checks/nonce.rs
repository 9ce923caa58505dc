//! An ID token that travels through the browser is bound to the request by a nonce (OpenID Connect Core §3.2.2.1).

use super::Case;
use crate::oidc::{OAuthError, ResponseType};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    if case.parsed.response_type.is_some_and(ResponseType::has_id_token) && case.parsed.nonce.is_none() {
        return Err(OAuthError::invalid("nonce", "required when the answer holds an ID token"));
    }
    Ok(())
}
