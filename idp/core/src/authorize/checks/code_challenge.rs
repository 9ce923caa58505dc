//! A public client proves by PKCE that it redeems its own code, where it gets one (RFC 9700 §2.1.1).

use super::Case;
use crate::oidc::{OAuthError, ResponseType};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    let code = case.parsed.response_type.is_some_and(ResponseType::has_code);
    if code && case.client.is_public() && case.parsed.code_challenge.is_none() {
        return Err(OAuthError::invalid("code_challenge", "required for a public client"));
    }
    Ok(())
}
