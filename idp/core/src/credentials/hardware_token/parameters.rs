//! The parameters of one OATH token.

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

/// What moves a token on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mode {
    /// Each press of its button (RFC 4226).
    Hotp,
    /// Time (RFC 6238).
    Totp {
        /// The length of a step in seconds: 30 or 60.
        period_seconds: u32,
    },
}

/// The hash under the token's HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// HMAC-SHA-1, what nearly all tokens use; as a MAC it is still sound.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name that `otpauth` URIs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    pub(super) const fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// What is wrong with a token's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// RFC 4226 §5.3 knows six digits and more; tokens have up to eight.
    #[error("a token's codes have 6, 7 or 8 digits")]
    Digits,
    /// NIST SP 800-63B-4 §3.1.4 allows two minutes at most; tokens have 30 or 60 s.
    #[error("a token's time step is 30 or 60 seconds")]
    Period,
}

/// What a token computes with. Its JSON, `{"mode":{"totp":{"period_seconds":30}},"algorithm":"sha1","digits":6}`, is
/// kept with the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct OathParameters {
    mode: Mode,
    algorithm: Algorithm,
    digits: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    mode: Mode,
    algorithm: Algorithm,
    digits: u32,
}

impl TryFrom<Unchecked> for OathParameters {
    type Error = ParametersError;

    fn try_from(unchecked: Unchecked) -> Result<Self, ParametersError> {
        Self::new(unchecked.mode, unchecked.algorithm, unchecked.digits)
    }
}

impl OathParameters {
    /// The parameters of most tokens and of every authenticator app: TOTP, HMAC-SHA-1, six digits, 30 s.
    pub const COMMON_TOTP: Self =
        Self { mode: Mode::Totp { period_seconds: 30 }, algorithm: Algorithm::Sha1, digits: 6 };

    /// Checked parameters: 6 to 8 `digits`, steps of 30 or 60 s.
    pub const fn new(mode: Mode, algorithm: Algorithm, digits: u32) -> Result<Self, ParametersError> {
        if !matches!(digits, 6..=8) {
            return Err(ParametersError::Digits);
        }
        match mode {
            Mode::Hotp | Mode::Totp { period_seconds: 30 | 60 } => Ok(Self { mode, algorithm, digits }),
            Mode::Totp { .. } => Err(ParametersError::Period),
        }
    }

    /// What moves the token on.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The hash under its HMAC.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits of a code: 6, 7 or 8.
    pub const fn digits(&self) -> u32 {
        self.digits
    }
}
