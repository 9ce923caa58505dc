//! Response types and modes (OAuth 2.0 Multiple Response Type Encoding Practices, Form Post Response Mode).

use serde::{Deserialize, Serialize};

use crate::oidc::errors::{ErrorCode, OAuthError};

/// What the authorization endpoint answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    /// An authorization code.
    Code,
}

impl ResponseType {
    /// Reads `response_type`; the order of its words does not matter.
    ///
    /// # Errors
    /// `unsupported_response_type` for every type that Stepgate does not offer.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        match words.as_slice() {
            ["code"] => Ok(Self::Code),
            _ => Err(OAuthError::parameter(
                ErrorCode::UnsupportedResponseType,
                "response_type",
                "only code is supported",
            )),
        }
    }

    /// The type as clients register it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
        }
    }
}

/// How the answer travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In a form that the browser posts to the redirect URI.
    FormPost,
    /// In the fragment. Not offered; it carries the errors of requests that asked for it.
    Fragment,
}

impl ResponseMode {
    /// The modes a request may ask for.
    pub const SUPPORTED: &'static [&'static str] = &["query", "form_post"];

    /// The mode that a request asks for; a code travels in the query when it does not say.
    ///
    /// # Errors
    /// `invalid_request` for every other mode.
    pub fn parse(text: Option<&str>) -> Result<Self, OAuthError> {
        match text {
            None | Some("query") => Ok(Self::Query),
            Some("form_post") => Ok(Self::FormPost),
            Some(_) => Err(OAuthError::invalid("response_mode", "only query and form_post are supported")),
        }
    }

    /// The mode in which a request gets its error, before anything is known to be right with it: as it asked, else by
    /// the default of its response type (Multiple Response Types §2.1, §5), so that nothing leaks into the query of a
    /// client that reads the fragment.
    pub fn for_error(response_mode: Option<&str>, response_type: Option<&str>) -> Self {
        let by_fragment = |word: &str| matches!(word, "token" | "id_token");
        match response_mode {
            Some("query") => Self::Query,
            Some("form_post") => Self::FormPost,
            Some("fragment") => Self::Fragment,
            _ if response_type.is_some_and(|types| types.split(' ').any(by_fragment)) => Self::Fragment,
            _ => Self::Query,
        }
    }
}
