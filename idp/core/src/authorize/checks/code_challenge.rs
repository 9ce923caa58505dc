//! A public client proves by PKCE that it redeems its own code (RFC 9700 §2.1.1).

use super::Case;
use crate::oidc::OAuthError;

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    if case.client.is_public() && case.parsed.code_challenge.is_none() {
        return Err(OAuthError::invalid("code_challenge", "required for a public client"));
    }
    Ok(())
}
