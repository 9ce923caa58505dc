//! The one table of protocol errors: code, HTTP status, and a description that is safe to send.

use std::fmt;

use serde::Serialize;

macro_rules! error_codes {
    ($($variant:ident = $text:literal, $status:literal, $source:literal;)+) => {
        /// An error code of OAuth 2.0, OpenID Connect or one of their extensions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $source] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The status of a direct answer (token endpoint, protected resource); a redirect does not use it.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// The document that defines it.
            pub const fn source(self) -> &'static str {
                match self { $(Self::$variant => $source),+ }
            }
        }
    };
}

error_codes! {
    InvalidRequest = "invalid_request", 400, "RFC 6749 §4.1.2.1, §5.2";
    InvalidClient = "invalid_client", 401, "RFC 6749 §5.2";
    InvalidGrant = "invalid_grant", 400, "RFC 6749 §5.2";
    UnauthorizedClient = "unauthorized_client", 400, "RFC 6749 §4.1.2.1, §5.2";
    UnsupportedGrantType = "unsupported_grant_type", 400, "RFC 6749 §5.2";
    InvalidScope = "invalid_scope", 400, "RFC 6749 §4.1.2.1, §5.2";
    AccessDenied = "access_denied", 400, "RFC 6749 §4.1.2.1";
    UnsupportedResponseType = "unsupported_response_type", 400, "RFC 6749 §4.1.2.1";
    ServerError = "server_error", 500, "RFC 6749 §4.1.2.1";
    TemporarilyUnavailable = "temporarily_unavailable", 503, "RFC 6749 §4.1.2.1";
    LoginRequired = "login_required", 400, "OpenID Connect Core §3.1.2.6";
    InteractionRequired = "interaction_required", 400, "OpenID Connect Core §3.1.2.6";
    ConsentRequired = "consent_required", 400, "OpenID Connect Core §3.1.2.6";
    AccountSelectionRequired = "account_selection_required", 400, "OpenID Connect Core §3.1.2.6";
    RequestNotSupported = "request_not_supported", 400, "OpenID Connect Core §3.1.2.6";
    RequestUriNotSupported = "request_uri_not_supported", 400, "OpenID Connect Core §3.1.2.6";
    RegistrationNotSupported = "registration_not_supported", 400, "OpenID Connect Core §3.1.2.6";
    InvalidRequestUri = "invalid_request_uri", 400, "OpenID Connect Core §3.1.2.6, RFC 9126 §2.3";
    InvalidRequestObject = "invalid_request_object", 400, "OpenID Connect Core §3.1.2.6, RFC 9101 §7";
    UnmetAuthenticationRequirements = "unmet_authentication_requirements", 400,
        "OpenID Connect Core Unmet Authentication Requirements §2";
    InvalidToken = "invalid_token", 401, "RFC 6750 §3.1";
    InsufficientScope = "insufficient_scope", 403, "RFC 6750 §3.1";
    InsufficientUserAuthentication = "insufficient_user_authentication", 401, "RFC 9470 §3";
    InvalidRedirectUri = "invalid_redirect_uri", 400, "RFC 7591 §3.2.2";
    InvalidClientMetadata = "invalid_client_metadata", 400, "RFC 7591 §3.2.2";
    InvalidSoftwareStatement = "invalid_software_statement", 400, "RFC 7591 §3.2.2";
    UnapprovedSoftwareStatement = "unapproved_software_statement", 400, "RFC 7591 §3.2.2";
    AuthorizationPending = "authorization_pending", 400, "RFC 8628 §3.5";
    SlowDown = "slow_down", 400, "RFC 8628 §3.5";
    ExpiredToken = "expired_token", 400, "RFC 8628 §3.5";
    InvalidTarget = "invalid_target", 400, "RFC 8693 §2.2.2, RFC 8707 §2";
    UnsupportedTokenType = "unsupported_token_type", 400, "RFC 7009 §2.2.1";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An error as a client gets it. Serialises to the body of RFC 6749 §5.2. What the log should know besides is not in
/// here.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    #[serde(rename = "error")]
    code: ErrorCode,
    #[serde(rename = "error_description")]
    description: String,
    #[serde(skip)]
    rule: Option<&'static str>,
}

/// Two errors are the same when the client gets the same.
impl PartialEq for OAuthError {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code && self.description == other.description
    }
}

impl Eq for OAuthError {}

/// Longer descriptions are cut: they may quote the name of a parameter that the client chose.
const LONGEST_DESCRIPTION: usize = 240;

impl OAuthError {
    /// An error with a description for the client's developer. Characters outside of RFC 6749's set
    /// (§4.1.2.1: `%x20-21 / %x23-5B / %x5D-7E`) become `'` for quotation marks and `?` for all others.
    pub fn new(code: ErrorCode, description: impl AsRef<str>) -> Self {
        let description = description.as_ref().chars().take(LONGEST_DESCRIPTION).map(describable).collect();
        Self { code, description, rule: None }
    }

    /// An error of one parameter: `max_age: must be a whole number of seconds`.
    pub fn parameter(code: ErrorCode, parameter: &str, fault: &str) -> Self {
        Self::new(code, format!("{parameter}: {fault}"))
    }

    /// `invalid_request` about one parameter.
    pub fn invalid(parameter: &str, fault: &str) -> Self {
        Self::parameter(ErrorCode::InvalidRequest, parameter, fault)
    }

    /// The same, with the id of the broken rule (see [`super::rules`]) unless it has one. It stays on this side: the
    /// integrator's request log names it.
    #[must_use]
    pub fn by_rule(mut self, rule: &'static str) -> Self {
        self.rule.get_or_insert(rule);
        self
    }

    /// The id of the broken rule, where whoever made the error named it.
    pub const fn rule(&self) -> Option<&'static str> {
        self.rule
    }

    /// The code.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The description, within RFC 6749's character set.
    pub fn description(&self) -> &str {
        &self.description
    }
}

fn describable(character: char) -> char {
    match character {
        '"' => '\'',
        '\\' => '?',
        ' '..='~' => character,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_distinct_and_refusals_have_refusing_statuses() {
        let names: std::collections::BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        assert!(ErrorCode::ALL.iter().all(|code| (400..=503).contains(&code.http_status())));
    }

    #[test]
    fn the_body_is_that_of_rfc_6749() {
        let error = OAuthError::invalid("max_age", "must be a \"number\"");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"error":"invalid_request","error_description":"max_age: must be a 'number'"}"#
        );
    }

    proptest! {
        #[test]
        fn a_description_never_leaves_the_character_set(text in any::<String>()) {
            let error = OAuthError::new(ErrorCode::InvalidRequest, text);
            prop_assert!(error.description().len() <= LONGEST_DESCRIPTION);
            prop_assert!(error.description().bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }
}
