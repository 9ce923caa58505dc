//! The scope of a refreshed access token (RFC 6749 §6).

use crate::oidc::{ErrorCode, OAuthError, Scopes};

/// The scope of the new access token: all that was granted, or the part of it that the client asks for. The grant
/// itself stays as it is.
///
/// # Errors
/// `invalid_scope` for a scope that was not granted.
pub fn narrow_scope(granted: &[String], asked: Option<&str>) -> Result<Scopes, OAuthError> {
    let granted: Scopes = granted.iter().map(String::as_str).collect();
    let asked = asked.map(Scopes::parse).transpose()?.filter(|asked| !asked.is_empty());
    match asked {
        None => Ok(granted),
        Some(asked) if granted.covers(&asked) => Ok(asked),
        Some(_) => {
            Err(OAuthError::parameter(ErrorCode::InvalidScope, "scope", "goes beyond what was originally granted"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_never_widens() {
        let granted = ["openid".to_owned(), "email".to_owned()];
        let narrowed = |asked| narrow_scope(&granted, asked).map(|scopes| scopes.to_string());
        assert_eq!(narrowed(None).unwrap(), "openid email");
        assert_eq!(narrowed(Some(" ")).unwrap(), "openid email");
        assert_eq!(narrowed(Some("email")).unwrap(), "email");
        assert_eq!(narrowed(Some("openid phone")).unwrap_err().code(), ErrorCode::InvalidScope);
    }
}
