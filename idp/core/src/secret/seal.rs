//! Encryption at rest: AES-256-GCM-SIV, with the key's id in front and the row it belongs to as associated data.
//!
//! A sealed value is `version (1) | key id (4) | nonce (12) | ciphertext and tag`. Opening it in another row, or for
//! another purpose, fails: swapping two rows' ciphertexts gains nothing.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::SecretBytes;
use crate::entropy::Entropy;

const VERSION: u8 = 1;
const HEADER: usize = 1 + 4;

/// Why a sealed value could not be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The value is not in the sealed format.
    #[error("not a sealed value")]
    Malformed,
    /// The key that sealed the value is not configured.
    #[error("sealed with key {0:08x}, which is not configured")]
    UnknownKey(u32),
    /// Wrong key, touched, or moved to another row or purpose.
    #[error("the sealed value does not belong here or was touched")]
    Forged,
    /// A key must have 32 bytes.
    #[error("a sealing key must have 32 bytes")]
    KeyLength,
}

/// One key for values at rest.
pub struct SealingKey {
    id: u32,
    key: LessSafeKey,
}

impl SealingKey {
    /// From 32 secret bytes; the key's id is derived from them.
    pub fn new(bytes: &[u8]) -> Result<Self, SealError> {
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, bytes).map_err(|_| SealError::KeyLength)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[b"stepgate key id", bytes].concat());
        let id = digest.as_ref().iter().take(4).fold(0, |id, byte| (id << 8) | u32::from(*byte));
        Ok(Self { id, key: LessSafeKey::new(unbound) })
    }
}

/// The keys in use: the first seals, all of them open.
pub struct SealingKeys {
    current: SealingKey,
    previous: Vec<SealingKey>,
}

impl SealingKeys {
    /// `current` seals; `previous` still open what they sealed.
    pub const fn new(current: SealingKey, previous: Vec<SealingKey>) -> Self {
        Self { current, previous }
    }

    /// Seals `plaintext` for one `purpose` (a constant, such as `"oath seed"`) in one `row` (its id).
    pub fn seal(
        &self,
        entropy: &dyn Entropy,
        purpose: &str,
        row: &str,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut body = plaintext.to_vec();
        self.current
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(purpose, row), &mut body)
            .map_err(|_| SealError::Malformed)?;
        let mut sealed = Vec::with_capacity(HEADER + NONCE_LEN + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what [`SealingKeys::seal`] made for the same `purpose` and `row`.
    pub fn open(&self, purpose: &str, row: &str, sealed: &[u8]) -> Result<SecretBytes, SealError> {
        let (&version, rest) = sealed.split_first().ok_or(SealError::Malformed)?;
        let (&id, rest) = rest.split_first_chunk::<4>().ok_or(SealError::Malformed)?;
        let (&nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Malformed)?;
        if version != VERSION {
            return Err(SealError::Malformed);
        }
        let id = u32::from_be_bytes(id);
        let key = std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == id)
            .ok_or(SealError::UnknownKey(id))?;
        let mut body = body.to_vec();
        let plaintext = key
            .key
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad(purpose, row), &mut body)
            .map_err(|_| SealError::Forged)?;
        Ok(SecretBytes::new(plaintext.to_vec()))
    }
}

fn aad(purpose: &str, row: &str) -> Aad<Vec<u8>> {
    // The length keeps ("a", "bc") and ("ab", "c") apart.
    Aad::from([&(purpose.len() as u64).to_be_bytes(), purpose.as_bytes(), row.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn keys(byte: u8, previous: Vec<u8>) -> SealingKeys {
        let key = |byte| SealingKey::new(&[byte; 32]).unwrap_or_else(|_| unreachable!("32 bytes"));
        SealingKeys::new(key(byte), previous.into_iter().map(key).collect())
    }

    #[test]
    fn opens_only_where_it_was_sealed() -> Result<(), SealError> {
        let sealed = keys(1, vec![]).seal(&Fixed, "oath seed", "row 1", b"12345678901234567890")?;
        assert_eq!(keys(1, vec![]).open("oath seed", "row 1", &sealed)?.expose(), b"12345678901234567890");
        assert_eq!(keys(2, vec![1]).open("oath seed", "row 1", &sealed)?.expose(), b"12345678901234567890");
        assert_eq!(keys(1, vec![]).open("oath seed", "row 2", &sealed).err(), Some(SealError::Forged));
        assert_eq!(keys(1, vec![]).open("phone", "row 1", &sealed).err(), Some(SealError::Forged));
        assert!(matches!(keys(2, vec![]).open("oath seed", "row 1", &sealed).err(), Some(SealError::UnknownKey(_))));
        for cut in 0..sealed.len() {
            assert!(keys(1, vec![]).open("oath seed", "row 1", sealed.get(..cut).unwrap_or_default()).is_err());
        }
        Ok(())
    }
}
