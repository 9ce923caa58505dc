//! Self-issued registration is not offered (OpenID Connect Core §3.1.2.6, §7.2.1).

use super::Case;
use crate::oidc::{ErrorCode, OAuthError};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    if case.parsed.registration {
        let code = ErrorCode::RegistrationNotSupported;
        return Err(OAuthError::parameter(code, "registration", "not supported"));
    }
    Ok(())
}
