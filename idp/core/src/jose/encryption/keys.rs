//! Keys to encrypt to, and keys to open with.

use super::agreement::{self, Ephemeral};
use super::{ContentEncryption, KeyManagement};
use crate::entropy::Entropy;
use crate::jose::{JoseError, Jwk, JwkSet};
use crate::secret::SecretBytes;
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey as AgreementKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey, PublicKeyComponents,
};

/// A recipient's public key, fit to encrypt to.
pub struct EncryptionKey {
    kid: Option<String>,
    recipient: Recipient,
}

enum Recipient {
    Rsa(OaepPublicEncryptingKey),
    P256(Vec<u8>),
}

/// A content key, how it travels, and the `epk` that the recipient needs.
pub(super) struct Delivered {
    pub(super) key: SecretBytes,
    pub(super) encrypted: Vec<u8>,
    pub(super) epk: Option<Ephemeral>,
}

impl EncryptionKey {
    /// Parses a JWK: RSA of 2048 to 8192 bits, or P-256; `use` is `enc` or absent, `alg` is absent or `alg`.
    ///
    /// # Errors
    /// [`JoseError::Key`].
    pub fn parse(jwk: &Jwk, alg: KeyManagement) -> Result<Self, JoseError> {
        let fits = jwk.usage.as_deref().is_none_or(|usage| usage == "enc")
            && jwk.alg.as_deref().is_none_or(|name| name == alg.as_str());
        let recipient = match (alg, jwk.kty.as_str(), jwk.crv.as_deref()) {
            _ if !fits => return Err(JoseError::Key),
            (KeyManagement::RsaOaep256, "RSA", None) => Recipient::Rsa(rsa(jwk)?),
            (
                KeyManagement::EcdhEs | KeyManagement::EcdhEsA128Kw | KeyManagement::EcdhEsA256Kw,
                "EC",
                Some("P-256"),
            ) => {
                let (x, y) = jwk.x.as_deref().zip(jwk.y.as_deref()).ok_or(JoseError::Key)?;
                Recipient::P256(agreement::point(x, y)?)
            }
            _ => return Err(JoseError::Key),
        };
        Ok(Self { kid: jwk.kid.clone(), recipient })
    }

    /// The key of a set to encrypt to: the first that says it is for encryption, else the first that could be.
    pub fn choose(set: &JwkSet, alg: KeyManagement) -> Option<Self> {
        let marked = set.keys.iter().filter(|jwk| jwk.usage.as_deref() == Some("enc"));
        let unmarked = set.keys.iter().filter(|jwk| jwk.usage.is_none());
        marked.chain(unmarked).find_map(|jwk| Self::parse(jwk, alg).ok())
    }

    /// Its key id, which the recipient finds it by.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// A new content key on its way to the recipient.
    pub(super) fn deliver(
        &self,
        alg: KeyManagement,
        enc: ContentEncryption,
        entropy: &dyn Entropy,
    ) -> Result<Delivered, JoseError> {
        let fresh = || {
            let mut key = vec![0; enc.key_length()];
            entropy.fill(&mut key);
            SecretBytes::new(key)
        };
        match (&self.recipient, alg) {
            (Recipient::Rsa(recipient), KeyManagement::RsaOaep256) => {
                let key = fresh();
                let mut encrypted = vec![0; recipient.ciphertext_size()];
                // The padding's own randomness is the library's: it takes none from outside.
                let written = recipient.encrypt(&OAEP_SHA256_MGF1SHA256, key.expose(), &mut encrypted, None);
                written.map_err(|_| JoseError::Encryption)?;
                Ok(Delivered { key, encrypted, epk: None })
            }
            (Recipient::P256(recipient), KeyManagement::EcdhEs) => {
                let (epk, shared) = agreement::begin(recipient, entropy)?;
                let key = agreement::derive(shared.expose(), enc.as_str(), b"", b"", enc.key_length());
                Ok(Delivered { key, encrypted: Vec::new(), epk: Some(epk) })
            }
            (Recipient::P256(recipient), KeyManagement::EcdhEsA128Kw | KeyManagement::EcdhEsA256Kw) => {
                let (epk, shared) = agreement::begin(recipient, entropy)?;
                let (key, kek) = (fresh(), wrapping_key(alg, shared.expose(), b"", b"")?);
                let mut encrypted = vec![0; key.expose().len() + 8];
                kek.wrap(key.expose(), &mut encrypted).map_err(|_| JoseError::Encryption)?;
                Ok(Delivered { key, encrypted, epk: Some(epk) })
            }
            _ => Err(JoseError::Algorithm),
        }
    }
}

fn rsa(jwk: &Jwk) -> Result<OaepPublicEncryptingKey, JoseError> {
    let (n, e) = jwk.rsa_numbers()?;
    let key: PublicEncryptingKey = PublicKeyComponents { n, e }.try_into().map_err(|_| JoseError::Key)?;
    OaepPublicEncryptingKey::new(key).map_err(|_| JoseError::Key)
}

/// The key that wraps the content's key (RFC 7518 §4.6): its algorithm's name is the `alg`.
fn wrapping_key(alg: KeyManagement, shared: &[u8], party_u: &[u8], party_v: &[u8]) -> Result<AesKek, JoseError> {
    let (cipher, length) = match alg {
        KeyManagement::EcdhEsA128Kw => (&AES_128, 16),
        KeyManagement::EcdhEsA256Kw => (&AES_256, 32),
        KeyManagement::RsaOaep256 | KeyManagement::EcdhEs => return Err(JoseError::Algorithm),
    };
    let key = agreement::derive(shared, alg.as_str(), party_u, party_v, length);
    AesKek::new(cipher, key.expose()).map_err(|_| JoseError::Encryption)
}

/// A private key that opens what was encrypted to us. No `Debug`.
pub struct DecryptionKey {
    kid: Option<String>,
    own: Own,
}

enum Own {
    Rsa(OaepPrivateDecryptingKey),
    P256(AgreementKey),
}

/// What a message says about how its key travels.
pub(super) struct Delivery<'a> {
    pub(super) alg: KeyManagement,
    pub(super) enc: ContentEncryption,
    pub(super) epk: Option<&'a Ephemeral>,
    pub(super) party_u: &'a [u8],
    pub(super) party_v: &'a [u8],
    pub(super) encrypted: &'a [u8],
}

impl DecryptionKey {
    /// A new RSA-2048 key in PKCS #8.
    ///
    /// # Errors
    /// [`JoseError::Key`] when the generator fails.
    pub fn generate_rsa_pkcs8() -> Result<SecretBytes, JoseError> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| JoseError::Key)?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(|_| JoseError::Key)?;
        Ok(SecretBytes::new(der.as_ref().to_vec()))
    }

    /// An RSA key in PKCS #8.
    ///
    /// # Errors
    /// [`JoseError::Key`].
    pub fn rsa(kid: Option<&str>, pkcs8: &SecretBytes) -> Result<Self, JoseError> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.expose()).map_err(|_| JoseError::Key)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| JoseError::Key)?;
        Ok(Self { kid: kid.map(str::to_owned), own: Own::Rsa(key) })
    }

    /// A P-256 key from its 32 secret bytes.
    ///
    /// # Errors
    /// [`JoseError::Key`].
    pub fn p256(kid: Option<&str>, scalar: &SecretBytes) -> Result<Self, JoseError> {
        let key = AgreementKey::from_private_key(&ECDH_P256, scalar.expose()).map_err(|_| JoseError::Key)?;
        Ok(Self { kid: kid.map(str::to_owned), own: Own::P256(key) })
    }

    /// The public half of a P-256 key, for encryption.
    ///
    /// # Errors
    /// [`JoseError::Key`] for an RSA key, whose public half its maker knows.
    pub fn p256_jwk(&self) -> Result<Jwk, JoseError> {
        let Own::P256(key) = &self.own else { return Err(JoseError::Key) };
        let point = key.compute_public_key().map_err(|_| JoseError::Key)?;
        let (x, y) = point.as_ref().get(1..33).zip(point.as_ref().get(33..65)).ok_or(JoseError::Key)?;
        let mut jwk = Jwk::p256(x, y).meant_for(Some("enc"), None);
        jwk.kid = self.kid.clone().or(jwk.kid);
        Ok(jwk)
    }

    /// Whether a message with this `kid` may be for it.
    pub(super) fn answers(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.kid.as_deref().is_none_or(|own| own == kid))
    }

    /// The content's key. A key of the wrong length or an unwrapping that fails are the same failure.
    pub(super) fn receive(&self, delivery: &Delivery<'_>) -> Result<SecretBytes, JoseError> {
        let length = delivery.enc.key_length();
        let fail = |_| JoseError::Decryption;
        let key = match (&self.own, delivery.alg) {
            (Own::Rsa(own), KeyManagement::RsaOaep256) => {
                let mut key = vec![0; own.min_output_size()];
                let opened = own.decrypt(&OAEP_SHA256_MGF1SHA256, delivery.encrypted, &mut key, None).map_err(fail)?;
                opened.to_vec()
            }
            (Own::P256(own), alg) if alg != KeyManagement::RsaOaep256 => {
                let point = delivery.epk.ok_or(JoseError::Header)?.point()?;
                let shared = agreement::agree(own, &point)?;
                let (shared, u, v) = (shared.expose(), delivery.party_u, delivery.party_v);
                if alg == KeyManagement::EcdhEs {
                    if !delivery.encrypted.is_empty() {
                        return Err(JoseError::Malformed);
                    }
                    return Ok(agreement::derive(shared, delivery.enc.as_str(), u, v, length));
                }
                // Of exactly the one good length, so that nothing can be written past the end.
                if delivery.encrypted.len() != length + 8 {
                    return Err(JoseError::Decryption);
                }
                let mut key = vec![0; length];
                wrapping_key(alg, shared, u, v)?.unwrap(delivery.encrypted, &mut key).map_err(fail)?;
                key
            }
            _ => return Err(JoseError::UnknownKey),
        };
        if key.len() == length { Ok(SecretBytes::new(key)) } else { Err(JoseError::Decryption) }
    }
}
