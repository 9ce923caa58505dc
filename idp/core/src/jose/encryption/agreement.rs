//! The ephemeral agreement on P-256 and the key that is derived from it (RFC 7518 §4.6).

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::entropy::Entropy;
use crate::jose::JoseError;
use crate::secret::SecretBytes;

/// The ephemeral public key in the header (`epk`). Private members are not read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ephemeral {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl Ephemeral {
    fn of(point: &[u8]) -> Option<Self> {
        let part = |range| point.get(range).map(|bytes: &[u8]| BASE64URL_NOPAD.encode(bytes));
        Some(Self { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: part(1..33)?, y: part(33..65)? })
    }

    /// The point, if it claims to be one of P-256; whether it lies on the curve shows when it is used.
    pub(super) fn point(&self) -> Result<Vec<u8>, JoseError> {
        if self.kty != "EC" || self.crv != "P-256" {
            return Err(JoseError::Key);
        }
        point(&self.x, &self.y)
    }
}

/// An uncompressed point from its coordinates.
pub(super) fn point(x: &str, y: &str) -> Result<Vec<u8>, JoseError> {
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == 32);
    let (x, y) = decode(x).zip(decode(y)).ok_or(JoseError::Key)?;
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

/// A new ephemeral key: what goes into the header, and what is shared with the recipient.
pub(super) fn begin(recipient: &[u8], entropy: &dyn Entropy) -> Result<(Ephemeral, SecretBytes), JoseError> {
    // A random number is a private key but for one in 2^32; an entropy that never gives one is broken.
    let key = (0..8).find_map(|_| {
        let mut scalar = [0; 32];
        entropy.fill(&mut scalar);
        let key = PrivateKey::from_private_key(&ECDH_P256, &scalar).ok();
        scalar.zeroize();
        key
    });
    let key = key.ok_or(JoseError::Encryption)?;
    let public = key.compute_public_key().map_err(|_| JoseError::Encryption)?;
    let ephemeral = Ephemeral::of(public.as_ref()).ok_or(JoseError::Encryption)?;
    Ok((ephemeral, agree(&key, recipient)?))
}

/// What two keys share. A point that is not on the curve is refused.
pub(super) fn agree(own: &PrivateKey, other: &[u8]) -> Result<SecretBytes, JoseError> {
    agreement::agree(own, UnparsedPublicKey::new(&ECDH_P256, other), JoseError::Key, |shared| {
        Ok(SecretBytes::new(shared.to_vec()))
    })
}

/// Concat KDF with SHA-256 (RFC 7518 §4.6.2): `length` bytes for the algorithm `name`.
pub(super) fn derive(shared: &[u8], name: &str, party_u: &[u8], party_v: &[u8], length: usize) -> SecretBytes {
    let mut key = Vec::with_capacity(length.next_multiple_of(32));
    let bits = u32::try_from(length).unwrap_or(0).saturating_mul(8);
    let mut round: u32 = 1;
    while key.len() < length {
        let mut hash = Context::new(&SHA256);
        hash.update(&round.to_be_bytes());
        hash.update(shared);
        for field in [name.as_bytes(), party_u, party_v] {
            hash.update(&u32::try_from(field.len()).unwrap_or(0).to_be_bytes());
            hash.update(field);
        }
        hash.update(&bits.to_be_bytes());
        key.extend_from_slice(hash.finish().as_ref());
        round = round.saturating_add(1);
    }
    key.truncate(length);
    SecretBytes::new(key)
}
