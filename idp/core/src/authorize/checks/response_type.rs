//! The response type is given, offered, and one that the client registered (RFC 6749 §3.1.1).

use super::Case;
use crate::oidc::{ErrorCode, OAuthError, ResponseType};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    let Some(response_type) = case.parsed.response_type else {
        return Err(OAuthError::invalid("response_type", "missing"));
    };
    if !case.context.response_types.contains(&response_type) {
        return Err(ResponseType::unsupported());
    }
    let registered = &case.client.metadata.response_types;
    let mut types = registered.iter().filter_map(|registered| ResponseType::parse(registered).ok());
    // Registration §2: a client that registers no types has registered `code`.
    let allowed =
        types.any(|known| known == response_type) || registered.is_empty() && response_type == ResponseType::Code;
    if allowed {
        Ok(())
    } else {
        Err(OAuthError::parameter(ErrorCode::UnauthorizedClient, "response_type", "not registered for this client"))
    }
}
