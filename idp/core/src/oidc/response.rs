//! Response types and modes (OAuth 2.0 Multiple Response Type Encoding Practices, Form Post Response Mode).

use serde::{Deserialize, Serialize};

use crate::oidc::errors::{ErrorCode, OAuthError};

/// What the authorization endpoint answers with (OpenID Connect Core §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    /// An authorization code.
    Code,
    /// An ID token.
    IdToken,
    /// An ID token and an access token.
    IdTokenToken,
    /// A code and an ID token.
    CodeIdToken,
    /// A code and an access token.
    CodeToken,
    /// A code, an ID token and an access token.
    CodeIdTokenToken,
}

impl ResponseType {
    /// Every type.
    pub const ALL: &'static [Self] =
        &[Self::Code, Self::IdToken, Self::IdTokenToken, Self::CodeIdToken, Self::CodeToken, Self::CodeIdTokenToken];

    /// Reads `response_type`; the order of its words does not matter (Multiple Response Types §3).
    ///
    /// # Errors
    /// `unsupported_response_type` for every type that Stepgate does not know.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        let asked = sorted(text);
        let known = Self::ALL.iter().copied().find(|known| sorted(known.as_str()) == asked);
        known.ok_or_else(Self::unsupported)
    }

    /// The refusal of a type that is unknown, or switched off.
    pub fn unsupported() -> OAuthError {
        let text = "not supported here; response_types_supported in the discovery document lists what is";
        OAuthError::parameter(ErrorCode::UnsupportedResponseType, "response_type", text)
    }

    /// The type as clients register it, and as the discovery document lists it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::IdToken => "id_token",
            Self::IdTokenToken => "id_token token",
            Self::CodeIdToken => "code id_token",
            Self::CodeToken => "code token",
            Self::CodeIdTokenToken => "code id_token token",
        }
    }

    /// Whether a code is part of the answer.
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Code | Self::CodeIdToken | Self::CodeToken | Self::CodeIdTokenToken)
    }

    /// Whether an ID token is part of the answer.
    pub const fn has_id_token(self) -> bool {
        matches!(self, Self::IdToken | Self::IdTokenToken | Self::CodeIdToken | Self::CodeIdTokenToken)
    }

    /// Whether an access token is part of the answer.
    pub const fn has_access_token(self) -> bool {
        matches!(self, Self::IdTokenToken | Self::CodeToken | Self::CodeIdTokenToken)
    }

    /// Whether tokens travel through the browser.
    pub const fn has_tokens(self) -> bool {
        self.has_id_token() || self.has_access_token()
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
    /// In the fragment of the redirect URI.
    Fragment,
}

impl ResponseMode {
    /// The modes a request may ask for.
    pub const SUPPORTED: &'static [&'static str] = &["query", "fragment", "form_post"];

    /// The mode of a request: as it asks, else the default of its type: the query for a code alone, the fragment for
    /// everything else (Multiple Response Types §2.1, §5).
    ///
    /// # Errors
    /// `invalid_request` for an unknown mode, and for tokens in the query, where servers and histories keep them.
    pub fn parse(text: Option<&str>, response_type: Option<ResponseType>) -> Result<Self, OAuthError> {
        let tokens = response_type.is_some_and(ResponseType::has_tokens);
        match text {
            Some("query") if tokens => {
                Err(OAuthError::invalid("response_mode", "tokens are not sent in the query; use fragment or form_post"))
            }
            None if tokens => Ok(Self::Fragment),
            None | Some("query") => Ok(Self::Query),
            Some("fragment") => Ok(Self::Fragment),
            Some("form_post") => Ok(Self::FormPost),
            Some(_) => Err(OAuthError::invalid("response_mode", "only query, fragment and form_post are supported")),
        }
    }

    /// The mode in which a request gets its error, before anything is known to be right with it: as it asked, else by
    /// the default of its response type. Where tokens are asked for never the query, whatever it asked, so that nothing
    /// leaks there to a client that reads the fragment.
    pub fn for_error(response_mode: Option<&str>, response_type: Option<&str>) -> Self {
        let by_fragment = |word: &str| matches!(word, "token" | "id_token");
        let tokens = response_type.is_some_and(|types| types.split(' ').any(by_fragment));
        match response_mode {
            Some("form_post") => Self::FormPost,
            Some("fragment") => Self::Fragment,
            _ if tokens => Self::Fragment,
            _ => Self::Query,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_type_is_known_by_its_words_and_by_what_it_brings() {
        for (position, known) in ResponseType::ALL.iter().enumerate() {
            assert_eq!(ResponseType::parse(known.as_str()), Ok(*known));
            assert_eq!(ResponseType::ALL.iter().position(|other| other.as_str() == known.as_str()), Some(position));
            let words: Vec<&str> = known.as_str().split(' ').collect();
            assert_eq!(words.contains(&"code"), known.has_code());
            assert_eq!(words.contains(&"id_token"), known.has_id_token());
            assert_eq!(words.contains(&"token"), known.has_access_token());
        }
        for unknown in ["", "token", "none", "code code", "Code", "code id_token token none", "code,token"] {
            assert_eq!(ResponseType::parse(unknown).unwrap_err().code(), ErrorCode::UnsupportedResponseType);
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_words_does_not_matter(
            words in proptest::sample::subsequence(vec!["code", "id_token", "token"], 1..=3).prop_shuffle(),
            mode in proptest::option::of("query|fragment|form_post|jwt|"),
        ) {
            let text = words.join(" ");
            let parsed = ResponseType::parse(&text).ok();
            prop_assert_eq!(parsed.is_none(), text == "token");
            let tokens = words.len() > 1 || text != "code";
            // Neither an answer nor an error of a request for tokens ever travels in the query.
            prop_assert!(!tokens || ResponseMode::for_error(mode.as_deref(), Some(&text)) != ResponseMode::Query);
            if let (Some(parsed), Ok(mode)) = (parsed, ResponseMode::parse(mode.as_deref(), parsed)) {
                prop_assert!(!parsed.has_tokens() || mode != ResponseMode::Query);
            }
        }
    }
}
