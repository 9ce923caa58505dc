//! Request objects and self-issued registration are not offered (OpenID Connect Core §3.1.2.6, §6, §7.2.1).

use super::Case;
use crate::oidc::{ErrorCode, OAuthError};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    let given = case.parsed.not_supported;
    let refuse = |code, parameter| Err(OAuthError::parameter(code, parameter, "not supported"));
    if given.request {
        return refuse(ErrorCode::RequestNotSupported, "request");
    }
    if given.request_uri {
        return refuse(ErrorCode::RequestUriNotSupported, "request_uri");
    }
    if given.registration {
        return refuse(ErrorCode::RegistrationNotSupported, "registration");
    }
    Ok(())
}
