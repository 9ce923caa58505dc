//! The response type is given, and one that the client registered (RFC 6749 §3.1.1).

use super::Case;
use crate::oidc::{ErrorCode, OAuthError};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    let Some(response_type) = case.parsed.response_type else {
        return Err(OAuthError::invalid("response_type", "missing"));
    };
    let registered = &case.client.metadata.response_types;
    // Registration §2: a client that registers no types has registered `code`.
    let allowed = registered.is_empty() || registered.iter().any(|registered| registered == response_type.as_str());
    if allowed {
        Ok(())
    } else {
        Err(OAuthError::parameter(ErrorCode::UnauthorizedClient, "response_type", "not registered for this client"))
    }
}
