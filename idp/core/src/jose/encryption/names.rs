//! The names of what is in use: how the content's key travels (`alg`), and how the content is encrypted (`enc`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the key of the content travels to the recipient (RFC 7518 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyManagement {
    /// RSAES OAEP with SHA-256 and MGF1 with SHA-256.
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// An ephemeral agreement makes the content's key itself.
    #[serde(rename = "ECDH-ES")]
    EcdhEs,
    /// An ephemeral agreement makes a key that wraps the content's key with AES-128.
    #[serde(rename = "ECDH-ES+A128KW")]
    EcdhEsA128Kw,
    /// The same with AES-256.
    #[serde(rename = "ECDH-ES+A256KW")]
    EcdhEsA256Kw,
}

/// How the content is encrypted and protected (RFC 7518 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContentEncryption {
    /// AES-128 in CBC with HMAC SHA-256: what OpenID Connect takes where a client names none.
    #[default]
    #[serde(rename = "A128CBC-HS256")]
    A128CbcHs256,
    /// AES-256 in CBC with HMAC SHA-512.
    #[serde(rename = "A256CBC-HS512")]
    A256CbcHs512,
    /// AES-128 in GCM.
    #[serde(rename = "A128GCM")]
    A128Gcm,
    /// AES-256 in GCM.
    #[serde(rename = "A256GCM")]
    A256Gcm,
}

/// The text names no encryption in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown encryption: alg is RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW or ECDH-ES+A256KW; enc is A128CBC-HS256, \
     A256CBC-HS512, A128GCM or A256GCM"
)]
pub struct UnknownEncryption;

impl KeyManagement {
    /// All of them, in the order in which discovery names them.
    pub const ALL: &'static [Self] = &[Self::RsaOaep256, Self::EcdhEs, Self::EcdhEsA128Kw, Self::EcdhEsA256Kw];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
        }
    }
}

impl ContentEncryption {
    /// All of them, the default first.
    pub const ALL: &'static [Self] = &[Self::A128CbcHs256, Self::A256CbcHs512, Self::A128Gcm, Self::A256Gcm];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// Bytes of its key: for CBC one half authenticates, the other encrypts.
    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// Bytes of its initialization vector.
    pub(super) const fn iv_length(self) -> usize {
        match self {
            Self::A128Gcm | Self::A256Gcm => 12,
            Self::A128CbcHs256 | Self::A256CbcHs512 => 16,
        }
    }
}

impl FromStr for KeyManagement {
    type Err = UnknownEncryption;

    fn from_str(text: &str) -> Result<Self, UnknownEncryption> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or(UnknownEncryption)
    }
}

impl FromStr for ContentEncryption {
    type Err = UnknownEncryption;

    fn from_str(text: &str) -> Result<Self, UnknownEncryption> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or(UnknownEncryption)
    }
}

impl fmt::Display for KeyManagement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ContentEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
