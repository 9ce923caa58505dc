//! What a client assertion says before it is believed, and whether anything unsigned is ever believed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stepgate_core::jose::{self, JwkSet, PrivateKey, PublicKeys, SigningAlgorithm, VerifyRules};

static KEYS: LazyLock<PublicKeys> = LazyLock::new(|| {
    let key = |algorithm| {
        let pkcs8 = PrivateKey::generate_pkcs8(algorithm).unwrap();
        PrivateKey::from_pkcs8(algorithm, &pkcs8).unwrap().public_jwk().clone().meant_for(None, None)
    };
    PublicKeys::new(&JwkSet { keys: SigningAlgorithm::ALL.iter().map(|algorithm| key(*algorithm)).collect() })
});

fuzz_target!(|text: &str| {
    let _ = (jose::unverified_issuer(text), jose::unverified_kid(text));
    // Nobody has these keys: whatever comes is refused.
    let rules = VerifyRules::any_typ(SigningAlgorithm::ALL);
    assert!(jose::verify::<serde_json::Value>(text, &KEYS, &rules).is_err());
    let _ = jose::verify_with_embedded_jwk::<serde_json::Value>(text, &rules);
});
