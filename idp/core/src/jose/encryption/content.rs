//! The content: AES in GCM (RFC 7518 §5.3), or AES in CBC with an HMAC over everything (§5.2).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::hmac;

use super::ContentEncryption;
use crate::jose::JoseError;
use crate::secret::constant_time_eq;

/// Ciphertext and tag.
pub(super) type Sealed = (Vec<u8>, Vec<u8>);

const GCM_TAG: usize = 16;

/// Encrypts `plain` with a key and vector of the lengths that `enc` has.
pub(super) fn seal(
    enc: ContentEncryption,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    plain: &[u8],
) -> Result<Sealed, JoseError> {
    let mut body = plain.to_vec();
    match enc {
        ContentEncryption::A128Gcm | ContentEncryption::A256Gcm => {
            let nonce = Nonce::try_assume_unique_for_key(iv).map_err(|_| JoseError::Encryption)?;
            let sealed = gcm(enc, key)?.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut body);
            let tag = sealed.map_err(|_| JoseError::Encryption)?.as_ref().to_vec();
            Ok((body, tag))
        }
        ContentEncryption::A128CbcHs256 | ContentEncryption::A256CbcHs512 => {
            let halves = Halves::of(enc, key)?;
            let key = PaddedBlockEncryptingKey::cbc_pkcs7(halves.cipher()?).map_err(|_| JoseError::Encryption)?;
            let iv: [u8; 16] = iv.try_into().map_err(|_| JoseError::Encryption)?;
            key.less_safe_encrypt(&mut body, EncryptionContext::Iv128((&iv).into()))
                .map_err(|_| JoseError::Encryption)?;
            let tag = halves.tag(aad, &iv, &body)?;
            Ok((body, tag))
        }
    }
}

/// Opens what [`seal`] made. Whatever is wrong, the answer is the same, and for CBC the tag is compared, in constant
/// time, before anything is decrypted: there is no padding to ask about.
pub(super) fn open(
    enc: ContentEncryption,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    (cipher, tag): (&[u8], &[u8]),
) -> Result<Vec<u8>, JoseError> {
    let mut body = cipher.to_vec();
    match enc {
        ContentEncryption::A128Gcm | ContentEncryption::A256Gcm => {
            if tag.len() != GCM_TAG {
                return Err(JoseError::Decryption);
            }
            let nonce = Nonce::try_assume_unique_for_key(iv).map_err(|_| JoseError::Decryption)?;
            body.extend_from_slice(tag);
            let opened = gcm(enc, key).map_err(|_| JoseError::Decryption)?;
            let plain = opened.open_in_place(nonce, Aad::from(aad), &mut body).map_err(|_| JoseError::Decryption)?;
            Ok(plain.to_vec())
        }
        ContentEncryption::A128CbcHs256 | ContentEncryption::A256CbcHs512 => {
            let halves = Halves::of(enc, key).map_err(|_| JoseError::Decryption)?;
            if !constant_time_eq(&halves.tag(aad, iv, cipher)?, tag) {
                return Err(JoseError::Decryption);
            }
            let key = PaddedBlockDecryptingKey::cbc_pkcs7(halves.cipher()?).map_err(|_| JoseError::Decryption)?;
            let iv: [u8; 16] = iv.try_into().map_err(|_| JoseError::Decryption)?;
            let plain = key.decrypt(&mut body, DecryptionContext::Iv128((&iv).into()));
            Ok(plain.map_err(|_| JoseError::Decryption)?.to_vec())
        }
    }
}

fn gcm(enc: ContentEncryption, key: &[u8]) -> Result<LessSafeKey, JoseError> {
    let algorithm = if enc == ContentEncryption::A128Gcm { &AES_128_GCM } else { &AES_256_GCM };
    UnboundKey::new(algorithm, key).map(LessSafeKey::new).map_err(|_| JoseError::Encryption)
}

/// The two halves of a key for CBC with HMAC: the first authenticates, the second encrypts (RFC 7518 §5.2.2.1).
struct Halves<'a> {
    mac: hmac::Key,
    encrypt: &'a [u8],
    tag_length: usize,
}

impl<'a> Halves<'a> {
    fn of(enc: ContentEncryption, key: &'a [u8]) -> Result<Self, JoseError> {
        if key.len() != enc.key_length() {
            return Err(JoseError::Encryption);
        }
        let (mac, encrypt) = key.split_at(key.len() / 2);
        let hash = if enc == ContentEncryption::A128CbcHs256 { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA512 };
        Ok(Self { mac: hmac::Key::new(hash, mac), encrypt, tag_length: mac.len() })
    }

    fn cipher(&self) -> Result<UnboundCipherKey, JoseError> {
        let algorithm = if self.encrypt.len() == 16 { &AES_128 } else { &AES_256 };
        UnboundCipherKey::new(algorithm, self.encrypt).map_err(|_| JoseError::Encryption)
    }

    /// The first half of the HMAC of `AAD | IV | ciphertext | length of AAD in bits`.
    fn tag(&self, aad: &[u8], iv: &[u8], cipher: &[u8]) -> Result<Vec<u8>, JoseError> {
        let mut context = hmac::Context::with_key(&self.mac);
        let bits = u64::try_from(aad.len()).unwrap_or(u64::MAX).saturating_mul(8).to_be_bytes();
        for part in [aad, iv, cipher, &bits] {
            context.update(part);
        }
        let tag = context.sign();
        tag.as_ref().get(..self.tag_length).map(<[u8]>::to_vec).ok_or(JoseError::Encryption)
    }
}
