//! What the authorization endpoint answers to a client, and how it travels.

use crate::authorize::RegisteredRedirect;
use crate::oidc::{OAuthError, ResponseMode};
use crate::secret::SecretString;

/// An answer on its way to a client. Always carries `iss` (RFC 9207), and `state` exactly when the request had one.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    redirect: RegisteredRedirect,
    mode: ResponseMode,
    fields: Vec<(&'static str, String)>,
}

/// How the browser is made to carry an answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// A redirect (303) to this URL.
    Location(String),
    /// A page whose form posts the fields (Form Post Response Mode §2).
    FormPost {
        /// Where to.
        action: &'a str,
        /// Names and values, not escaped for HTML.
        fields: &'a [(&'static str, String)],
    },
}

impl AuthorizationResponse {
    pub(super) fn code(
        redirect: RegisteredRedirect,
        mode: ResponseMode,
        code: &SecretString,
        state: Option<&str>,
        issuer: &str,
    ) -> Self {
        Self::new(redirect, mode, vec![("code", code.expose().clone())], state, issuer)
    }

    pub(super) fn error(
        redirect: RegisteredRedirect,
        mode: ResponseMode,
        error: &OAuthError,
        state: Option<&str>,
        issuer: &str,
    ) -> Self {
        let mut fields = vec![("error", error.code().as_str().to_owned())];
        if !error.description().is_empty() {
            fields.push(("error_description", error.description().to_owned()));
        }
        Self::new(redirect, mode, fields, state, issuer)
    }

    fn new(
        redirect: RegisteredRedirect,
        mode: ResponseMode,
        mut fields: Vec<(&'static str, String)>,
        state: Option<&str>,
        issuer: &str,
    ) -> Self {
        fields.extend(state.map(|state| ("state", state.to_owned())));
        fields.push(("iss", issuer.to_owned()));
        Self { redirect, mode, fields }
    }

    /// The same with `session_state` (OpenID Connect Session Management §2).
    #[must_use]
    pub fn with_session_state(mut self, state: String) -> Self {
        self.fields.push(("session_state", state));
        self
    }

    /// What the browser is told.
    pub fn delivery(&self) -> Delivery<'_> {
        match self.mode {
            ResponseMode::Query => Delivery::Location(self.redirect.with_query(&self.fields)),
            ResponseMode::Fragment => Delivery::Location(self.redirect.with_fragment(&self.fields)),
            ResponseMode::FormPost => Delivery::FormPost { action: self.redirect.as_str(), fields: &self.fields },
        }
    }
}

/// The fields may hold a code: only where it goes may be printed.
impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationResponse")
            .field("redirect", &self.redirect)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
