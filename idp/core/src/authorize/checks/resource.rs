//! Access tokens are asked for resources that the client registered (RFC 8707 §2).

use super::Case;
use crate::oidc::{OAuthError, narrow_resource};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    narrow_resource(&case.client.metadata.audience, &case.parsed.resource).map(drop)
}
