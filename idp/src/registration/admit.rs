//! Who may register a client, and for whom.

use std::time::Duration;

use stepgate_core::clients::RegistrationToken;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::secret::TokenHash;
use stepgate_store::registrations;

use super::RegistrationMode;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;

/// What a registration is admitted by.
pub(super) enum Permit {
    /// Everybody may.
    Open,
    /// An initial access token.
    Token(RegistrationToken),
}

/// Judges whoever comes to register, before anything that was sent is looked at.
pub(super) async fn admit(cx: &Cx, token: Option<&str>) -> Result<Permit, ProtocolFailure> {
    let mode = cx.app.settings.registration.mode();
    match (mode, token) {
        (RegistrationMode::Closed, _) => {
            let text = "clients are registered by the operator of this provider; ask there";
            Err(OAuthError::new(ErrorCode::RegistrationNotSupported, text).into())
        }
        (RegistrationMode::Token, None) => Err(ProtocolFailure::BearerMissing),
        (RegistrationMode::Token | RegistrationMode::Open, Some(token)) => {
            match registrations::find_token(&cx.app.db, &TokenHash::of(token), cx.now).await? {
                Some(token) => Ok(Permit::Token(token)),
                None => Err(spent()),
            }
        }
        (RegistrationMode::Open, None) => {
            let window = Duration::from_secs(3600);
            let from = cx.ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
            let count = cx.app.ephemeral.incr("open registration", &from, window, cx.now).await?;
            if count > cx.app.settings.registration.open_per_hour {
                return Err(ProtocolFailure::TooOften(window));
            }
            Ok(Permit::Open)
        }
    }
}

/// An initial access token that does not count, or not any more.
pub(super) fn spent() -> ProtocolFailure {
    let text = "the initial access token is unknown, expired or used up; ask whoever gave it for another";
    ProtocolFailure::BearerRefused(OAuthError::new(ErrorCode::InvalidToken, text))
}
