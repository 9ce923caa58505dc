//! `application/x-www-form-urlencoded`, from a query or a body, into raw parameters with the names of their RFCs.
//!
//! Nothing is interpreted here; an empty parameter is an absent one (RFC 6749 §3.1).

use serde::{Deserialize, Serialize};

use crate::oidc::errors::OAuthError;
use crate::secret::SecretString;

/// Bytes of a query or body that are looked at; more is refused.
pub const LONGEST: usize = 16 * 1024;

/// Parameters in one request; more is refused.
pub const MOST: usize = 100;

/// The one parameter that may be given more than once (RFC 8707 §2).
pub const REPEATABLE: &str = "resource";

/// Why a query or body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// More than [`LONGEST`] bytes or [`MOST`] parameters.
    #[error("the parameters are larger than 16 KiB or more than 100")]
    TooLarge,
    /// RFC 6749 §3.1: a parameter must not be included more than once.
    #[error("{0}: given more than once")]
    Duplicate(String),
    /// A percent sign without two hexadecimal digits, bytes that are not UTF-8, or a NUL.
    #[error("{0}: malformed encoding")]
    Malformed(String),
}

impl From<ParamsError> for OAuthError {
    fn from(error: ParamsError) -> Self {
        Self::new(super::ErrorCode::InvalidRequest, error.to_string())
    }
}

/// The decoded parameters of one request: each name once but for [`REPEATABLE`], no empty values.
#[derive(Clone)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes a query string or a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, ParamsError> {
        if encoded.len() > LONGEST {
            return Err(ParamsError::TooLarge);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())
                .ok_or_else(|| ParamsError::Malformed("a parameter name".to_owned()))?;
            let Some(value) = decode(halves.next().unwrap_or_default()) else {
                return Err(ParamsError::Malformed(name));
            };
            if name != REPEATABLE && pairs.iter().any(|(seen, _)| *seen == name) {
                return Err(ParamsError::Duplicate(name));
            }
            if pairs.len() == MOST {
                return Err(ParamsError::TooLarge);
            }
            pairs.push((name, value));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may be given more than once.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect()
    }
}

/// `+` is a space, `%XX` a byte; the bytes must be UTF-8 without NUL.
fn decode(encoded: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'+' => b' ',
            b'%' => hex_digit(*rest.next()?)? << 4 | hex_digit(*rest.next()?)?,
            plain => *plain,
        };
        if decoded == 0 {
            return None;
        }
        bytes.push(decoded);
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

macro_rules! raw_requests {
    ($($(#[$doc:meta])+ $request:ident {
        plain { $($field:ident,)* } $(list { $($list:ident,)+ })? $(secret { $($secret:ident,)+ })? $(with $part:ident: $part_type:ident,)?
    })+) => {$(
        $(#[$doc])+
        #[derive(Clone, Default)]
        #[expect(missing_docs, reason = "each field is the protocol's parameter of the same name")]
        pub struct $request {
            $(pub $field: Option<String>,)*
            $($(pub $list: Vec<String>,)+)?
            $($(pub $secret: Option<SecretString>,)+)?
            $(pub $part: $part_type,)?
        }

        impl From<&Params> for $request {
            fn from(params: &Params) -> Self {
                Self {
                    $($field: params.get(stringify!($field)).map(str::to_owned),)*
                    $($($list: params.all(stringify!($list)),)+)?
                    $($($secret: params.get(stringify!($secret)).map(|text| SecretString::new(text.to_owned())),)+)?
                    $($part: $part_type::from(params),)?
                }
            }
        }
    )+};
}

raw_requests! {
    /// An authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 7636 §4.3, RFC 8707 §2). What was
    /// pushed is kept in this form.
    #[derive(Serialize, Deserialize)]
    #[serde(default)]
    RawAuthorization {
        plain {
            client_id, redirect_uri, response_type, response_mode, scope, state, nonce, code_challenge,
            code_challenge_method, prompt, max_age, display, ui_locales, claims_locales, id_token_hint, login_hint,
            acr_values, claims, request, request_uri, registration,
        }
        list { resource, }
    }

    /// How a client shows in a body who it is (RFC 6749 §2.3.1, RFC 7521 §4.2).
    RawClientAuthentication {
        plain { client_id, client_assertion_type, }
        secret { client_secret, client_assertion, }
    }

    /// A token request (RFC 6749 §4.1.3, §4.4.2, §6; RFC 7636 §4.5; RFC 8707 §2.2).
    RawToken {
        plain { grant_type, redirect_uri, scope, }
        list { resource, }
        secret { code, code_verifier, refresh_token, }
        with client: RawClientAuthentication,
    }

    /// A revocation (RFC 7009 §2.1) or introspection (RFC 7662 §2.1) request.
    RawTokenQuestion {
        plain { token_type_hint, }
        secret { token, }
        with client: RawClientAuthentication,
    }

    /// A userinfo request with the token in the body (RFC 6750 §2.2).
    RawUserinfo {
        plain {}
        secret { access_token, }
    }

    /// A logout request (OpenID Connect RP-Initiated Logout §2).
    RawLogout {
        plain { id_token_hint, logout_hint, client_id, post_logout_redirect_uri, state, ui_locales, }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(encoded: &str) -> ParamsError {
        Params::parse(encoded.as_bytes()).err().unwrap()
    }

    #[test]
    fn parameters_are_decoded_and_empty_ones_are_absent() {
        let params = Params::parse(b"&state=a%2Bb+c%C3%A9&scope=&prompt&nonce=x=y&extra=1&").unwrap();
        let raw = RawAuthorization::from(&params);
        assert_eq!(raw.state.as_deref(), Some("a+b c\u{e9}"));
        assert_eq!((raw.scope, raw.prompt), (None, None));
        assert_eq!(raw.nonce.as_deref(), Some("x=y"));
        assert_eq!(params.get("extra"), Some("1"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        assert_eq!(refused("state=1&state=2"), ParamsError::Duplicate("state".to_owned()));
        assert_eq!(refused("scope=&scope=openid"), ParamsError::Duplicate("scope".to_owned()));
        assert_eq!(refused("st%61te=1&state=2"), ParamsError::Duplicate("state".to_owned()));
        for malformed in ["state=%", "state=%4", "state=%zz", "state=%00", "state=%ff", "state=%+1", "state=\0"] {
            assert_eq!(refused(malformed), ParamsError::Malformed("state".to_owned()), "{malformed}");
        }
        assert_eq!(refused(&format!("state={}", "a".repeat(LONGEST))), ParamsError::TooLarge);
        let many: String = (0..=MOST).map(|number| format!("{number}=1&")).collect();
        assert_eq!(refused(&many), ParamsError::TooLarge);
    }

    #[test]
    fn only_a_resource_may_be_given_again() {
        let params = Params::parse(b"resource=https://a.example&scope=x&resource=&resource=urn:b").unwrap();
        assert_eq!(RawAuthorization::from(&params).resource, ["https://a.example", "urn:b"]);
        assert_eq!(RawToken::from(&params).resource.len(), 2);
        assert_eq!(refused("resource=a&scope=x&scope=x"), ParamsError::Duplicate("scope".to_owned()));
    }

    #[test]
    fn secrets_and_client_authentication_are_read() {
        let params = Params::parse(b"grant_type=authorization_code&code=abc&client_id=me&client_secret=s").unwrap();
        let raw = RawToken::from(&params);
        assert_eq!(raw.code.unwrap().expose(), "abc");
        assert_eq!(raw.client.client_id.as_deref(), Some("me"));
        assert_eq!(raw.client.client_secret.unwrap().expose(), "s");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Params::parse(&bytes);
        }

        #[test]
        fn what_a_form_encoder_writes_is_read_back(value in "[^\0]{1,60}") {
            let encoded = form_urlencoded::Serializer::new(String::new()).append_pair("state", &value).finish();
            let params = Params::parse(encoded.as_bytes()).unwrap();
            prop_assert_eq!(params.get("state"), Some(value.as_str()));
        }
    }
}
