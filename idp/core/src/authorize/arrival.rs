//! How an authorization request reached us: in the clear, signed, or pushed.

use crate::id::PushedRequestId;
use crate::oidc::OAuthError;
use crate::oidc::params::RawAuthorization;

/// How a request came. Whatever came in the clear was written by whoever held the browser: it can ask for more than
/// the client's floor, never for less. The same holds for the others; what they add is that nobody changed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// As which pushed request (RFC 9126), if it was one.
    pub pushed: Option<PushedRequestId>,
    /// Whether it came in a request object that the client signed (RFC 9101).
    pub signed: bool,
}

/// How the `request_uri` of every pushed request begins (RFC 9126 §2.2).
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";

/// The reference that a pushed request is known by.
pub fn pushed_reference(request_uri: &str) -> Option<&str> {
    request_uri.strip_prefix(PUSHED).filter(|reference| !reference.is_empty())
}

impl Arrival {
    /// The `request_uri` of a pushed request with this reference.
    pub fn request_uri(reference: &str) -> String {
        format!("{PUSHED}{reference}")
    }
}

/// A request object comes in one way (OpenID Connect Core §6.1, RFC 9101 §5).
///
/// # Errors
/// `invalid_request` for both at once.
pub fn check_references(raw: &RawAuthorization) -> Result<(), OAuthError> {
    match (&raw.request, &raw.request_uri) {
        (Some(_), Some(_)) => Err(OAuthError::invalid("request", "must not be sent together with request_uri")),
        _ => Ok(()),
    }
}
