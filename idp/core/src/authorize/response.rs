//! What the authorization endpoint answers to a client, and how it travels.

use crate::authorize::RegisteredRedirect;
use crate::oidc::{OAuthError, ResponseMode, Scopes};
use crate::secret::SecretString;

/// An answer on its way to a client. Always carries `iss` (RFC 9207), and `state` exactly when the request had one.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    redirect: RegisteredRedirect,
    mode: ResponseMode,
    fields: Vec<(&'static str, String)>,
}

/// What an authorization gives at once, as far as its response type asks for it.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// The code.
    pub code: Option<&'a SecretString>,
    /// The access token.
    pub access_token: Option<GivenAccessToken<'a>>,
    /// The ID token.
    pub id_token: Option<&'a SecretString>,
}

/// An access token and what stands beside it (RFC 6749 §4.2.2).
#[derive(Clone, Copy)]
pub struct GivenAccessToken<'a> {
    /// The token.
    pub token: &'a SecretString,
    /// Seconds.
    pub expires_in: u64,
    /// What it is good for.
    pub scope: &'a Scopes,
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
    pub(super) fn given(
        redirect: RegisteredRedirect,
        mode: ResponseMode,
        given: Given<'_>,
        state: Option<&str>,
        issuer: &str,
    ) -> Self {
        let mut fields = Vec::new();
        fields.extend(given.code.map(|code| ("code", code.expose().clone())));
        if let Some(access) = given.access_token {
            fields.push(("access_token", access.token.expose().clone()));
            fields.push(("token_type", "Bearer".to_owned()));
            fields.push(("expires_in", access.expires_in.to_string()));
            fields.push(("scope", access.scope.to_string()));
        }
        fields.extend(given.id_token.map(|token| ("id_token", token.expose().clone())));
        Self::new(redirect, mode, fields, state, issuer)
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

/// The fields may hold a code and tokens: only where it goes may be printed.
impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationResponse")
            .field("redirect", &self.redirect)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
