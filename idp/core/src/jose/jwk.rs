//! Public keys: JWKs (RFC 7517) and what they parse to.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::{JoseError, SigningAlgorithm};

/// A public key. Reading one that holds private members is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// Key id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `sig` for ours.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// Algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// RSA modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Curve point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Curve point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Certificates of the key, its own first (RFC 7517 §4.7): standard base64 of DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub x5c: Vec<String>,
    /// A private member: never accepted, never written.
    #[serde(default, skip_serializing)]
    d: Option<Never>,
    /// A symmetric key: never accepted, never written.
    #[serde(default, skip_serializing)]
    k: Option<Never>,
}

/// A member that must not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Never {}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("a private or symmetric key where a public one is wanted"))
    }
}

impl Jwk {
    pub(super) fn rsa(alg: SigningAlgorithm, n: &[u8], e: &[u8]) -> Self {
        let (n, e) = (Some(BASE64URL_NOPAD.encode(n)), Some(BASE64URL_NOPAD.encode(e)));
        Self { n, e, ..Self::empty("RSA", Some(alg)) }.named()
    }

    /// A P-256 key from its coordinates.
    pub fn p256(x: &[u8], y: &[u8]) -> Self {
        let (x, y) = (Some(BASE64URL_NOPAD.encode(x)), Some(BASE64URL_NOPAD.encode(y)));
        let crv = Some("P-256".to_owned());
        Self { crv, x, y, ..Self::empty("EC", Some(SigningAlgorithm::Es256)) }.named()
    }

    pub(super) fn ed25519(x: &[u8]) -> Self {
        let crv = Some("Ed25519".to_owned());
        Self { crv, x: Some(BASE64URL_NOPAD.encode(x)), ..Self::empty("OKP", Some(SigningAlgorithm::EdDsa)) }.named()
    }

    fn empty(kty: &str, alg: Option<SigningAlgorithm>) -> Self {
        Self {
            kty: kty.to_owned(),
            kid: None,
            usage: Some("sig".to_owned()),
            alg: alg.map(|alg| alg.as_str().to_owned()),
            crv: None,
            n: None,
            e: None,
            x: None,
            y: None,
            x5c: Vec::new(),
            d: None,
            k: None,
        }
    }

    /// The same key for another use, or for any; for another `alg`, or for any.
    pub fn meant_for(self, usage: Option<&str>, alg: Option<&str>) -> Self {
        Self { usage: usage.map(str::to_owned), alg: alg.map(str::to_owned), ..self }
    }

    /// Modulus and exponent of an RSA key of 2048 to 8192 bits, by whole bytes, with an odd exponent above 1.
    pub(super) fn rsa_numbers(&self) -> Result<(Vec<u8>, Vec<u8>), JoseError> {
        let (n, e) = (bytes(&self.n)?, bytes(&self.e)?);
        let sound = (256..=1024).contains(&n.len())
            && n.first().is_some_and(|byte| *byte >= 0x80)
            && (1..=8).contains(&e.len())
            && e.last().is_some_and(|byte| byte % 2 == 1)
            && e != [1];
        if sound { Ok((n, e)) } else { Err(JoseError::Key) }
    }

    fn named(mut self) -> Self {
        self.kid = self.thumbprint();
        self
    }

    /// The thumbprint (RFC 7638 §3) with SHA-256, in base64url; `None` for an unknown key type.
    pub fn thumbprint(&self) -> Option<String> {
        let text = |value: &Option<String>| value.clone().filter(|value| value.bytes().all(is_base64url));
        let canonical = match self.kty.as_str() {
            "RSA" => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(&self.e)?, text(&self.n)?),
            "EC" => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                self.crv.as_deref().filter(|crv| *crv == "P-256")?,
                text(&self.x)?,
                text(&self.y)?
            ),
            "OKP" => format!(
                r#"{{"crv":"{}","kty":"OKP","x":"{}"}}"#,
                self.crv.as_deref().filter(|crv| *crv == "Ed25519")?,
                text(&self.x)?
            ),
            _ => return None,
        };
        Some(BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref()))
    }
}

fn bytes(field: &Option<String>) -> Result<Vec<u8>, JoseError> {
    let text = field.as_deref().ok_or(JoseError::Key)?;
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| JoseError::Key)
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// A set of public keys (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// A parsed public key, fit to verify.
#[derive(Clone)]
pub struct PublicKey {
    kid: Option<String>,
    alg: Option<SigningAlgorithm>,
    material: Material,
}

/// The key as the library holds it, parsed once; an RSA key once for each padding.
#[derive(Clone)]
enum Material {
    Rsa { pkcs1: Arc<ParsedPublicKey>, pss: Arc<ParsedPublicKey> },
    P256(Arc<ParsedPublicKey>),
    Ed25519(Arc<ParsedPublicKey>),
}

impl PublicKey {
    /// Parses a JWK: RSA of 2048 to 8192 bits, P-256, Ed25519.
    ///
    /// # Errors
    /// [`JoseError::Key`].
    pub fn parse(jwk: &Jwk) -> Result<Self, JoseError> {
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => {
                let (n, e) = jwk.rsa_numbers()?;
                let key = RsaPublicKeyComponents { n, e };
                let parsed = |padding| key.to_parsed_public_key(padding).map(Arc::new).map_err(|_| JoseError::Key);
                Material::Rsa { pkcs1: parsed(&RSA_PKCS1_2048_8192_SHA256)?, pss: parsed(&RSA_PSS_2048_8192_SHA256)? }
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(JoseError::Key);
                }
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                Material::P256(Arc::new(parsed.map_err(|_| JoseError::Key)?))
            }
            ("OKP", Some("Ed25519")) => {
                let x = bytes(&jwk.x)?;
                if x.len() != 32 {
                    return Err(JoseError::Key);
                }
                Material::Ed25519(Arc::new(ParsedPublicKey::new(&ED25519, x).map_err(|_| JoseError::Key)?))
            }
            _ => return Err(JoseError::Key),
        };
        let alg = match jwk.alg.as_deref() {
            None => None,
            Some(name) => Some(name.parse().map_err(|_| JoseError::Key)?),
        };
        let key = Self { kid: jwk.kid.clone(), alg, material };
        if alg.is_some_and(|alg| !key.fits_type(alg)) { Err(JoseError::Key) } else { Ok(key) }
    }

    fn fits_type(&self, algorithm: SigningAlgorithm) -> bool {
        matches!(
            (&self.material, algorithm),
            (Material::Rsa { .. }, SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256)
                | (Material::P256(_), SigningAlgorithm::Es256)
                | (Material::Ed25519(_), SigningAlgorithm::EdDsa)
        )
    }

    /// Whether the key may verify signatures of the algorithm: its type fits, and its own `alg` says nothing else.
    pub(super) fn fits(&self, algorithm: SigningAlgorithm) -> bool {
        self.fits_type(algorithm) && self.alg.is_none_or(|alg| alg == algorithm)
    }

    pub(super) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), JoseError> {
        let key = match (&self.material, algorithm) {
            (Material::Rsa { pkcs1, .. }, SigningAlgorithm::Rs256) => pkcs1,
            (Material::Rsa { pss, .. }, SigningAlgorithm::Ps256) => pss,
            (Material::P256(key), SigningAlgorithm::Es256) | (Material::Ed25519(key), SigningAlgorithm::EdDsa) => key,
            _ => return Err(JoseError::Algorithm),
        };
        key.verify_sig(message, signature).map_err(|_| JoseError::Signature)
    }
}

/// Parsed keys to verify with.
#[derive(Clone, Default)]
pub struct PublicKeys(Vec<PublicKey>);

impl PublicKeys {
    /// The keys of a set that can verify signatures; others (of unknown type, for encryption) are left out.
    pub fn new(set: &JwkSet) -> Self {
        let signing = set.keys.iter().filter(|key| key.usage.as_deref().is_none_or(|usage| usage == "sig"));
        Self(signing.filter_map(|key| PublicKey::parse(key).ok()).collect())
    }

    /// The keys that may have signed a token: the one with its `kid`, or where it has none all that fit the algorithm.
    pub(super) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> impl Iterator<Item = &PublicKey> {
        self.0.iter().filter(move |key| {
            key.fits(algorithm) && kid.is_none_or(|kid| key.kid.as_deref().is_none_or(|known| known == kid))
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
