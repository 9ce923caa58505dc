//! Secrets that cannot be printed, hashes of high-entropy tokens, and encryption at rest.

mod seal;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

pub use seal::{SealError, SealingKey, SealingKeys};

/// A value that must not be shown: no `Debug`, no `Display`, no `Serialize`, no `==`; wiped when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

/// A secret text: a password, a code, a token in the clear.
pub type SecretString = Secret<String>;

/// Secret bytes: a seed, a private key.
pub type SecretBytes = Secret<Vec<u8>>;

impl<T: Zeroize> Secret<T> {
    /// Wraps a secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself. Each use is a place to look at in a review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// Whether two byte strings are equal, in time that depends on their lengths only.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// SHA-256 of a high-entropy token: what the store keeps in place of the token. Not for passwords or short codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }

    /// The hash as the store keeps it.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From the store; `None` when it is not 32 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Whether `token` is the one that was hashed, in constant time.
    pub fn matches(&self, token: &str) -> bool {
        constant_time_eq(&self.0, &Self::of(token).0)
    }
}
