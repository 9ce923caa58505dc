//! A client's key pair, as any library would use it: by `aws-lc-rs` alone.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// A key pair on P-256.
#[derive(Clone)]
pub struct ClientKey {
    kid: Option<String>,
    pair: Arc<EcdsaKeyPair>,
}

fn encoded(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

/// A JWS under a secret: `HS256`, `HS384` or `HS512`.
pub fn mac(algorithm: &str, secret: &str, claims: &Value) -> String {
    let by = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let signed = format!("{}.{}", encoded(&json!({ "alg": algorithm })), encoded(claims));
    let mac = hmac::sign(&hmac::Key::new(by, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(mac.as_ref()))
}

impl ClientKey {
    /// A new pair; tokens name it by `kid` if it has one.
    pub fn new(kid: Option<&str>) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.map(str::to_owned), pair: Arc::new(pair) }
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let coordinate = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let mut jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "x": coordinate(&point[1..33]), "y": coordinate(&point[33..]),
        });
        if let Some(kid) = &self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// A set with the public half.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// A signed JWT.
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = json!({ "alg": "ES256" });
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        let signed = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}
