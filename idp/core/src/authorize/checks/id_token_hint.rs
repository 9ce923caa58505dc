//! An `id_token_hint` is a token of ours (OpenID Connect Core §3.1.2.1); it may have expired.

use super::Case;
use crate::authorize::Hint;
use crate::oidc::OAuthError;

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    match case.context.hint {
        Hint::Absent | Hint::Verified(_) => Ok(()),
        Hint::Refused => Err(OAuthError::invalid("id_token_hint", "not an ID token of this issuer")),
    }
}
