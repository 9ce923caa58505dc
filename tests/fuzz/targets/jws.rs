//! Request objects and other tokens: header and claims as bytes, under a good signature and under none.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use stepgate_core::jose::{self, JwkSet, PrivateKey, PublicKeys, SigningAlgorithm, VerifyRules};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
    let pkcs8 = PrivateKey::generate_pkcs8(SigningAlgorithm::EdDsa).unwrap();
    PrivateKey::from_pkcs8(SigningAlgorithm::EdDsa, &pkcs8).unwrap()
});

static KEYS: LazyLock<PublicKeys> =
    LazyLock::new(|| PublicKeys::new(&JwkSet { keys: vec![KEY.public_jwk().clone()] }));

fuzz_target!(|data: (&str, &str)| {
    let (typ, text) = data;
    let rules = VerifyRules::any_typ(SigningAlgorithm::ALL);
    let _ = jose::verify::<serde_json::Value>(text, &KEYS, &rules);
    if let Ok(claims) = RawValue::from_string(text.to_owned())
        && let Ok(token) = KEY.sign(typ, &claims)
    {
        if let Ok(verified) = jose::verify::<serde_json::Value>(&token, &KEYS, &rules) {
            assert!(verified.claims.is_object());
        }
    }
});
