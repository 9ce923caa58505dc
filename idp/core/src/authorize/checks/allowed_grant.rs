//! The client may redeem a code at all.

use super::Case;
use crate::oidc::{ErrorCode, OAuthError};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    if case.client.allows_grant("authorization_code") {
        Ok(())
    } else {
        Err(OAuthError::parameter(
            ErrorCode::UnauthorizedClient,
            "client_id",
            "the client did not register the grant type authorization_code",
        ))
    }
}
