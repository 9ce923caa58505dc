//! Words for what was not met, as a client may know them.

use stepgate_core::authorize::interaction::Stage;
use stepgate_core::authorize::next::refusal_when_cancelled;
use stepgate_core::oidc::{ErrorCode, OAuthError};

/// The error for a person who gave up. It tells no more than the client may know: not what the person holds.
pub(super) fn cancelled(stage: &Stage) -> OAuthError {
    let code = refusal_when_cancelled(stage);
    let text = match code {
        ErrorCode::UnmetAuthenticationRequirements => "the person cannot or will not meet the requested acr",
        _ => "the person did not agree",
    };
    OAuthError::new(code, text)
}
