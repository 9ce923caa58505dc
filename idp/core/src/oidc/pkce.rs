//! Proof Key for Code Exchange (RFC 7636), S256 only.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::oidc::errors::{ErrorCode, OAuthError};
use crate::secret::constant_time_eq;

/// Why a challenge or a verifier is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// Not 43 characters of base64url.
    #[error("code_challenge: must be the base64url form of a SHA-256 hash, 43 characters without padding")]
    Challenge,
    /// RFC 7636 §4.1.
    #[error("code_verifier: must have 43 to 128 characters out of A-Z, a-z, 0-9, hyphen, dot, underscore and tilde")]
    Verifier,
    /// The verifier is another one.
    #[error("code_verifier: does not belong to the code_challenge of the authorization request")]
    Mismatch,
    /// The request had a challenge.
    #[error("code_verifier: missing, the authorization request had a code_challenge")]
    MissingVerifier,
    /// The request had no challenge: somebody may have stripped it (RFC 9700 §4.8.2).
    #[error("code_verifier: given, but the authorization request had no code_challenge")]
    UnexpectedVerifier,
}

impl From<PkceError> for OAuthError {
    fn from(error: PkceError) -> Self {
        let code = match error {
            PkceError::Challenge | PkceError::Verifier | PkceError::MissingVerifier => ErrorCode::InvalidRequest,
            // RFC 7636 §4.6
            PkceError::Mismatch | PkceError::UnexpectedVerifier => ErrorCode::InvalidGrant,
        };
        Self::new(code, error.to_string())
    }
}

/// An S256 code challenge: base64url of SHA-256 of the verifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads `code_challenge`.
    ///
    /// # Errors
    /// [`PkceError::Challenge`] when it cannot be an S256 challenge.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        // Decoding also refuses the second spelling of the last character, with stray bits set.
        match BASE64URL_NOPAD.decode(text.as_bytes()) {
            Ok(hash) if hash.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(PkceError::Challenge),
        }
    }

    /// The challenge that belongs to a verifier.
    ///
    /// # Errors
    /// [`PkceError::Verifier`] when the verifier is malformed.
    pub fn of(verifier: &str) -> Result<Self, PkceError> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(PkceError::Verifier);
        }
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        Ok(Self(BASE64URL_NOPAD.encode(hash.as_ref())))
    }

    /// Checks a verifier against this challenge, in constant time (RFC 7636 §4.6).
    ///
    /// # Errors
    /// [`PkceError::Verifier`] or [`PkceError::Mismatch`].
    pub fn verify(&self, verifier: &str) -> Result<(), PkceError> {
        let presented = Self::of(verifier)?;
        if constant_time_eq(presented.0.as_bytes(), self.0.as_bytes()) { Ok(()) } else { Err(PkceError::Mismatch) }
    }

    /// The challenge on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = PkceError;

    fn try_from(text: String) -> Result<Self, PkceError> {
        Self::parse(&text)
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.0
    }
}

/// The PKCE rule of a code exchange: a challenge needs its verifier, and a verifier needs a challenge.
///
/// # Errors
/// What is wrong with the pair; becomes `invalid_request` or `invalid_grant`.
pub fn check_exchange(code_challenge: Option<&str>, code_verifier: Option<&str>) -> Result<(), PkceError> {
    match (code_challenge, code_verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) => CodeChallenge::parse(challenge)?.verify(verifier),
        (Some(_), None) => Err(PkceError::MissingVerifier),
        (None, Some(_)) => Err(PkceError::UnexpectedVerifier),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn rfc_7636_appendix_b() {
        assert_eq!(CodeChallenge::of(VERIFIER).unwrap().as_str(), CHALLENGE);
        assert_eq!(CodeChallenge::parse(CHALLENGE).unwrap().verify(VERIFIER), Ok(()));
    }

    #[test]
    fn exchanges() {
        let other = "A".repeat(43);
        let cases = [
            (None, None, Ok(())),
            (Some(CHALLENGE), Some(VERIFIER), Ok(())),
            (Some(CHALLENGE), Some(other.as_str()), Err(PkceError::Mismatch)),
            (Some(CHALLENGE), Some(CHALLENGE), Err(PkceError::Mismatch)),
            (Some(CHALLENGE), Some("short"), Err(PkceError::Verifier)),
            (Some(CHALLENGE), None, Err(PkceError::MissingVerifier)),
            (None, Some(VERIFIER), Err(PkceError::UnexpectedVerifier)),
        ];
        for (challenge, verifier, expected) in cases {
            assert_eq!(check_exchange(challenge, verifier), expected, "{challenge:?} {verifier:?}");
        }
    }

    #[test]
    fn lengths_and_characters() {
        for length in [42, 129] {
            assert_eq!(CodeChallenge::of(&"a".repeat(length)), Err(PkceError::Verifier));
        }
        assert!(CodeChallenge::of(&"~".repeat(128)).is_ok());
        assert_eq!(CodeChallenge::of(&"+".repeat(43)), Err(PkceError::Verifier));
        // Too short, too long, padded, not base64url, stray bits in the last character.
        let stray = CHALLENGE.replace("-cM", "-cN");
        for text in ["", "abc", &"A".repeat(44), &format!("{}=", "A".repeat(43)), &"+".repeat(43), stray.as_str()] {
            assert_eq!(CodeChallenge::parse(text), Err(PkceError::Challenge), "{text}");
        }
    }
}
