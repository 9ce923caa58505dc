//! Randomness as an argument, and the random values that are made from it.

use data_encoding::BASE64URL_NOPAD;

/// A cryptographically secure source of random bytes. The running server hands in the operating system's; tests hand
/// in one that they own.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// 256 random bits in base64url (43 characters): session cookies, codes, refresh tokens, identifiers of tokens.
pub fn random_token(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}

/// `count` uniformly random decimal digits, leading zeros kept. Rejection sampling: no digit is likelier than another.
pub fn random_digits(entropy: &dyn Entropy, count: usize) -> String {
    let mut digits = String::with_capacity(count);
    let mut bytes = [0; 32];
    while digits.len() < count {
        entropy.fill(&mut bytes);
        // 250 is the largest multiple of ten that a byte holds.
        digits.extend(
            bytes
                .iter()
                .filter(|byte| **byte < 250)
                .take(count - digits.len())
                .map(|byte| char::from(b'0' + byte % 10)),
        );
    }
    digits
}
