//! What a device asks for that has no browser of its own (RFC 8628), and the code that a person types for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::authorize::checks::{check_scope, granted_scope};
use crate::authorize::parsed::{parse_max_age, words};
use crate::clients::Client;
use crate::entropy::Entropy;
use crate::oidc::params::RawDeviceAuthorization;
use crate::oidc::{ErrorCode, OAuthError, ResponseType, Scopes};

/// The grant type (RFC 8628 §3.4).
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A validated device authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Who asks.
    pub client_id: String,
    /// The scopes that can be granted.
    pub scope: Scopes,
    /// Best first; the client's `default_acr_values` when the request has none.
    pub acr_values: Vec<String>,
    /// Seconds; the client's `default_max_age` when the request has none.
    pub max_age: Option<u64>,
    /// Whether the ID token must carry `auth_time` (OpenID Connect Core §2).
    pub auth_time_wanted: bool,
}

/// A device code is redeemed as an authorization code is.
const CODE: Option<ResponseType> = Some(ResponseType::Code);

impl DeviceRequest {
    /// Weighs a request against its client. Without a `scope` it is about who the person is, and no more.
    ///
    /// # Errors
    /// `unauthorized_client` without the grant type, else the first parameter that is malformed or goes too far.
    pub fn validate(
        raw: &RawDeviceAuthorization,
        client: &Client,
        supported_scopes: &[String],
    ) -> Result<Self, OAuthError> {
        if !client.allows_grant(DEVICE_GRANT) {
            let text = "the client did not register the grant type of RFC 8628 (device_code)";
            return Err(OAuthError::parameter(ErrorCode::UnauthorizedClient, "client_id", text));
        }
        let asked = Scopes::parse(raw.scope.as_deref().unwrap_or("openid"))?;
        check_scope(&asked, client, supported_scopes, CODE)?;
        let max_age = raw.max_age.as_deref().map(parse_max_age).transpose()?.or(client.metadata.default_max_age);
        let mut acr_values = words("acr_values", raw.acr_values.as_deref(), 2048)?;
        if acr_values.is_empty() {
            acr_values.clone_from(&client.metadata.default_acr_values);
        }
        Ok(Self {
            client_id: client.id.clone(),
            scope: granted_scope(&asked, client, CODE),
            acr_values,
            max_age,
            auth_time_wanted: max_age.is_some() || client.metadata.require_auth_time,
        })
    }
}

/// The letters of a user code: no vowels, so that no code is a word, and none that looks like a digit or like another
/// (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How many of them: 34 bits.
const LENGTH: usize = 8;

/// What a person types to say which device is theirs. Lives for minutes, and every try at it is counted.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// A new one. Rejection sampling: no letter is likelier than another.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut code = String::with_capacity(LENGTH);
        let mut bytes = [0; 32];
        while code.len() < LENGTH {
            entropy.fill(&mut bytes);
            // 240 is the largest multiple of twenty that a byte holds.
            let letters = bytes.iter().filter(|byte| **byte < 240);
            let letters = letters.filter_map(|byte| LETTERS.get(usize::from(byte % 20)).copied().map(char::from));
            code.extend(letters.take(LENGTH - code.len()));
        }
        Self(code)
    }

    /// What was typed: in any case, with spaces and hyphens wherever; `None` when it cannot be a code.
    pub fn parse(typed: &str) -> Option<Self> {
        let kept =
            typed.chars().filter(|typed| !typed.is_whitespace() && !matches!(typed, '-' | '\u{2010}'..='\u{2015}'));
        let code: String = kept.map(|typed| typed.to_ascii_uppercase()).take(LENGTH + 1).collect();
        let fits = code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter));
        fits.then_some(Self(code))
    }

    /// The letters alone: what a keyed hash is made of. The code itself is not kept.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

/// `WDJB-MJHT`, as devices show it.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = self.0.split_at(LENGTH / 2);
        write!(f, "{left}-{right}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Counting(std::sync::Mutex<u8>);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            for byte in bytes {
                *byte = *next;
                *next = next.wrapping_add(7);
            }
        }
    }

    proptest! {
        #[test]
        fn a_code_is_read_however_it_is_typed(seed in any::<u8>(), lower in any::<bool>(), gap in "[ -]{0,3}") {
            let code = UserCode::random(&Counting(std::sync::Mutex::new(seed)));
            let shown = code.to_string();
            prop_assert_eq!(shown.len(), 9);
            prop_assert!(!shown.chars().any(|letter| "AEIOUY0123456789".contains(letter)));
            let typed = format!(" {}", shown.replace('-', &gap));
            let typed = if lower { typed.to_lowercase() } else { typed };
            prop_assert!(UserCode::parse(&typed) == Some(code));
        }

        #[test]
        fn anything_can_be_typed(typed in any::<String>()) {
            if let Some(code) = UserCode::parse(&typed) {
                prop_assert_eq!(code.letters().len(), LENGTH);
            }
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for typed in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJH1", "WDJB-MJHA", "wdjb_mjht"] {
            assert!(UserCode::parse(typed).is_none(), "{typed}");
        }
        assert!(UserCode::parse("wdjb\u{2011}mjht").is_some());
    }
}
