//! Messages encrypted to us: as they come, and well-formed ones with a byte changed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stepgate_core::entropy::Entropy;
use stepgate_core::jose::{
    self, ContentEncryption, DecryptionKey, EncryptionKey, JwkSet, KeyManagement, PublicKeys, SigningAlgorithm,
};
use stepgate_core::secret::SecretBytes;

struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

static KEYS: LazyLock<[DecryptionKey; 1]> =
    LazyLock::new(|| [DecryptionKey::p256(None, &SecretBytes::new(vec![7; 32])).unwrap()]);

fuzz_target!(|data: (&str, &[u8], u8, u8, u16, u8)| {
    let (text, plain, alg, enc, at, flip) = data;
    let everything = (KeyManagement::ALL, ContentEncryption::ALL);
    let _ = jose::open(text, KEYS.as_slice(), everything);
    if let Ok(set) = serde_json::from_str::<JwkSet>(text) {
        let _ = PublicKeys::new(&set);
        for alg in KeyManagement::ALL {
            let _ = EncryptionKey::choose(&set, *alg);
        }
        let _ = set.keys.first().and_then(jose::Jwk::thumbprint);
    }
    let _ = text.parse::<SigningAlgorithm>();
    let set = JwkSet { keys: vec![KEYS[0].p256_jwk().unwrap()] };
    let alg = KeyManagement::ALL[1 + usize::from(alg) % 3];
    let enc = ContentEncryption::ALL[usize::from(enc) % 4];
    let key = EncryptionKey::choose(&set, alg).unwrap();
    let token = jose::encrypt(plain, &key, (alg, enc), None, &Fixed).unwrap();
    assert_eq!(jose::open(&token, KEYS.as_slice(), everything).unwrap().plain, plain);
    let mut touched = token.into_bytes();
    let at = usize::from(at) % touched.len();
    if flip % 128 != 0 {
        touched[at] ^= flip % 128;
        let touched = String::from_utf8_lossy(&touched);
        assert!(jose::open(&touched, KEYS.as_slice(), everything).is_err());
    }
});
