//! Pushed where the client or the deployment wants that (RFC 9126 §5, §6), signed where the client does (RFC 9101
//! §10.5).

use super::Case;
use crate::oidc::OAuthError;

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    let (arrival, wanted) = (case.context.arrival, &case.client.metadata);
    if (case.context.pushed_only || wanted.require_pushed_authorization_requests) && arrival.pushed.is_none() {
        return Err(OAuthError::invalid("request_uri", "the request must be pushed to the PAR endpoint first"));
    }
    if wanted.require_signed_request_object && !arrival.signed {
        return Err(OAuthError::invalid("request", "the client registered that it signs its requests"));
    }
    Ok(())
}
