//! Private keys: parsed once, kept, used to sign.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey as AgreementKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

use super::{JoseError, Jwk, SigningAlgorithm};
use crate::secret::SecretBytes;

/// A parsed private key. No `Debug`.
pub struct PrivateKey {
    material: Material,
    algorithm: SigningAlgorithm,
    public: Jwk,
    kid: String,
    /// The protected headers that are always the same, encoded once.
    headers: [(&'static str, String); 2],
}

enum Material {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// A new key in PKCS #8, for the store: RSA-2048, P-256 or Ed25519.
    ///
    /// # Errors
    /// [`JoseError::Key`] when the generator fails.
    pub fn generate_pkcs8(algorithm: SigningAlgorithm) -> Result<SecretBytes, JoseError> {
        let fail = |_| JoseError::Key;
        let bytes = match algorithm {
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(fail)?;
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(fail)?;
                der.as_ref().to_vec()
            }
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                    .map_err(fail)?
                    .as_ref()
                    .to_vec()
            }
            SigningAlgorithm::EdDsa => {
                Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(fail)?.as_ref().to_vec()
            }
        };
        Ok(SecretBytes::new(bytes))
    }

    /// Parses a key once; parsing an RSA key costs as much as signing.
    ///
    /// # Errors
    /// [`JoseError::Key`] when it is not a key of the algorithm.
    pub fn from_pkcs8(algorithm: SigningAlgorithm, pkcs8: &SecretBytes) -> Result<Self, JoseError> {
        let (material, public) = match algorithm {
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| JoseError::Key)?;
                let key = pair.public_key();
                let (n, e) =
                    (key.modulus().big_endian_without_leading_zero(), key.exponent().big_endian_without_leading_zero());
                let jwk = Jwk::rsa(algorithm, n, e);
                (Material::Rsa(pair), jwk)
            }
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose())
                    .map_err(|_| JoseError::Key)?;
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..33).zip(point.get(33..65)).ok_or(JoseError::Key)?;
                let jwk = Jwk::p256(x, y);
                (Material::P256(pair), jwk)
            }
            SigningAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| JoseError::Key)?;
                let jwk = Jwk::ed25519(pair.public_key().as_ref());
                (Material::Ed25519(pair), jwk)
            }
        };
        let kid = public.kid.clone().ok_or(JoseError::Key)?;
        let headers = ["JWT", "at+jwt"].map(|typ| (typ, header(algorithm, typ, &kid)));
        Ok(Self { material, algorithm, public, kid, headers })
    }

    /// A P-256 key from its number (FIPS 186-5 §6.2), for ES256: one that is derived rather than kept.
    ///
    /// # Errors
    /// [`JoseError::Key`] when the number is not between 1 and the order of the curve.
    pub fn from_p256_scalar(scalar: &SecretBytes) -> Result<Self, JoseError> {
        let agreement = AgreementKey::from_private_key(&ECDH_P256, scalar.expose()).map_err(|_| JoseError::Key)?;
        let public = agreement.compute_public_key().map_err(|_| JoseError::Key)?;
        let point = public.as_ref();
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, scalar.expose(), point)
                .map_err(|_| JoseError::Key)?;
        let (x, y) = point.get(1..33).zip(point.get(33..65)).ok_or(JoseError::Key)?;
        let public = Jwk::p256(x, y);
        let (algorithm, kid) = (SigningAlgorithm::Es256, public.kid.clone().ok_or(JoseError::Key)?);
        let headers = ["JWT", "at+jwt"].map(|typ| (typ, header(algorithm, typ, &kid)));
        Ok(Self { material: Material::P256(pair), algorithm, public, kid, headers })
    }

    /// The key id: the thumbprint of the public key (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm it signs with.
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The public half.
    pub const fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    /// Signs claims: a compact JWS with the `typ`.
    ///
    /// # Errors
    /// [`JoseError::Claims`] when they do not serialise, [`JoseError::Signing`] when the signature fails.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        let prepared = self.headers.iter().find(|(known, _)| *known == typ);
        let header = prepared.map_or_else(|| header(self.algorithm, typ, &self.kid), |(_, header)| header.clone());
        self.sign_under(header, claims)
    }

    /// Signs claims under another `kid` than its own: a phone is known by its id.
    ///
    /// # Errors
    /// As [`PrivateKey::sign`].
    pub fn sign_as(&self, typ: &str, kid: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        self.sign_under(header(self.algorithm, typ, kid), claims)
    }

    /// Signs claims and puts the public key into the header, as an enrolment does (RFC 7515 §4.1.3).
    ///
    /// # Errors
    /// As [`PrivateKey::sign`].
    pub fn sign_with_embedded_jwk(&self, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        let header = serde_json::json!({ "alg": self.algorithm, "typ": typ, "jwk": self.public });
        self.sign_under(BASE64URL_NOPAD.encode(header.to_string().as_bytes()), claims)
    }

    fn sign_under(&self, header: String, claims: &impl Serialize) -> Result<String, JoseError> {
        let claims = serde_json::to_vec(claims).map_err(|_| JoseError::Claims)?;
        let mut token = header;
        token.reserve(claims.len() * 4 / 3 + 360);
        token.push('.');
        BASE64URL_NOPAD.encode_append(&claims, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Ok(token)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let rng = SystemRandom::new();
        match (&self.material, self.algorithm) {
            (Material::Rsa(pair), algorithm) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding: &dyn aws_lc_rs::signature::RsaEncoding =
                    if algorithm == SigningAlgorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &rng, message, &mut signature).map_err(|_| JoseError::Signing)?;
                Ok(signature)
            }
            (Material::P256(pair), _) => {
                pair.sign(&rng, message).map(|signature| signature.as_ref().to_vec()).map_err(|_| JoseError::Signing)
            }
            (Material::Ed25519(pair), _) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn header(algorithm: SigningAlgorithm, typ: &str, kid: &str) -> String {
    let header = serde_json::json!({ "alg": algorithm, "typ": typ, "kid": kid });
    BASE64URL_NOPAD.encode(header.to_string().as_bytes())
}
