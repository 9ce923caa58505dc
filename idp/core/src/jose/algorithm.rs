//! The signature algorithms in use (RFC 7518 §3.1, RFC 8037).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what everybody understands.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
}

/// The text names no algorithm in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown signing algorithm: RS256, ES256, EdDSA and PS256 are supported")]
pub struct UnknownAlgorithm;

impl SigningAlgorithm {
    /// Every algorithm, the default first.
    pub const ALL: &'static [Self] = &[Self::Rs256, Self::Es256, Self::EdDsa, Self::Ps256];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
        }
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `at_hash`, `c_hash` and `s_hash`: the left half of the hash of a value, by the hash of the ID token's algorithm
/// (OpenID Connect Core §3.1.3.6; for Ed25519 that is SHA-512).
pub fn left_half_hash(algorithm: SigningAlgorithm, value: &str) -> String {
    let hash = match algorithm {
        SigningAlgorithm::Rs256 | SigningAlgorithm::Es256 | SigningAlgorithm::Ps256 => &digest::SHA256,
        SigningAlgorithm::EdDsa => &digest::SHA512,
    };
    let hash = digest::digest(hash, value.as_bytes());
    BASE64URL_NOPAD.encode(hash.as_ref().get(..hash.as_ref().len() / 2).unwrap_or_default())
}
