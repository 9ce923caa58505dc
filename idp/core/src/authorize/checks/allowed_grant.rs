//! The client may redeem a code where it gets one, and be given tokens at once where it gets those (OpenID Connect
//! Dynamic Client Registration §2).

use super::Case;
use crate::oidc::{ErrorCode, OAuthError, ResponseType};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    let has = |part: fn(ResponseType) -> bool| case.parsed.response_type.is_some_and(part);
    let needed = [("authorization_code", has(ResponseType::has_code)), ("implicit", has(ResponseType::has_tokens))];
    match needed.iter().find(|(grant, needed)| *needed && !case.client.allows_grant(grant)) {
        None => Ok(()),
        Some((grant, _)) => Err(OAuthError::parameter(
            ErrorCode::UnauthorizedClient,
            "client_id",
            &format!("the client did not register the grant type {grant}"),
        )),
    }
}
