//! `jwks`: public keys, of which at least one is of use.

use serde_json::Value;

use crate::jose::{Jwk, JwkSet, PublicKey};

/// More keys than a client needs.
const MOST: usize = 20;

/// The members of a JWK that must stay with their owner (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A JWK Set without private keys. Keys of kinds that are not known here are kept: a client may serve several providers.
pub(super) fn public_keys(value: &Value) -> Result<Value, String> {
    let keys = value.get("keys").and_then(Value::as_array).ok_or("must be a JWK Set: {'keys': [...]}")?;
    if keys.len() > MOST {
        return Err(format!("must not have more than {MOST} keys"));
    }
    for key in keys {
        let members = key.as_object().ok_or("must be a JWK Set: each of its keys an object")?;
        if let Some(name) = PRIVATE.iter().find(|name| members.contains_key(**name)) {
            return Err(format!(
                "holds a private or symmetric key (member {name}); make a new pair and register its public key only"
            ));
        }
    }
    if !keys.iter().any(is_usable) {
        return Err("no key in it can be used; RSA of 2048 bits or more, EC on P-256 and Ed25519 are".to_owned());
    }
    Ok(serde_json::json!({ "keys": keys }))
}

/// Whether a key parses, whatever it is for: a key for encryption is of the same kinds as one for signatures.
fn is_usable(key: &Value) -> bool {
    serde_json::from_value::<Jwk>(key.clone()).is_ok_and(|mut jwk| {
        jwk.alg = None;
        PublicKey::parse(&jwk).is_ok()
    })
}

/// The keys of a set that somebody serves, those that can be read. A set with a private key in it is worth nothing:
/// whoever reads it could sign.
pub fn served_keys(document: &[u8]) -> Option<JwkSet> {
    let document: Value = serde_json::from_slice(document).ok()?;
    let keys = document.get("keys")?.as_array()?;
    let is_private = |key: &Value| PRIVATE.iter().any(|name| key.get(name).is_some());
    if keys.iter().any(is_private) {
        return None;
    }
    Some(JwkSet { keys: keys.iter().take(100).filter_map(|key| serde_json::from_value(key.clone()).ok()).collect() })
}
