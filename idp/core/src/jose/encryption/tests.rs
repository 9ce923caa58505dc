//! The RFCs' vectors, what another library (jwcrypto) encrypted, and round trips.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::entropy::Entropy;
use crate::jose::{JoseError, Jwk, JwkSet};
use crate::secret::SecretBytes;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};

/// An entropy that a test owns: each call gives other bytes, the same in each run.
struct Counting(std::sync::atomic::AtomicU8);

impl Counting {
    const fn new() -> Self {
        Self(std::sync::atomic::AtomicU8::new(1))
    }
}

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let seed = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        for (position, byte) in bytes.iter_mut().enumerate() {
            *byte = seed.wrapping_mul(31).wrapping_add(u8::try_from(position % 251).unwrap());
        }
    }
}

const EVERYTHING: (&[KeyManagement], &[ContentEncryption]) = (KeyManagement::ALL, ContentEncryption::ALL);

#[derive(Deserialize)]
struct Foreign {
    plain: String,
    rsa_pkcs8: String,
    ec_d: String,
    tokens: Vec<ForeignToken>,
    refused: Vec<RefusedToken>,
}

#[derive(Deserialize)]
struct ForeignToken {
    alg: KeyManagement,
    enc: ContentEncryption,
    token: String,
}

#[derive(Deserialize)]
struct RefusedToken {
    why: String,
    token: String,
}

/// Made by jwcrypto 1.5 with keys that exist for this file only.
fn foreign() -> (Foreign, Vec<DecryptionKey>) {
    let foreign: Foreign = serde_json::from_str(include_str!("foreign.json")).unwrap();
    let rsa = SecretBytes::new(BASE64.decode(foreign.rsa_pkcs8.as_bytes()).unwrap());
    let ec = SecretBytes::new(BASE64URL_NOPAD.decode(foreign.ec_d.as_bytes()).unwrap());
    let keys = vec![DecryptionKey::rsa(Some("rsa"), &rsa).unwrap(), DecryptionKey::p256(Some("ec"), &ec).unwrap()];
    (foreign, keys)
}

/// RFC 7518 Appendix C.
#[test]
fn the_agreement_of_the_rfc() {
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
    let bob =
        DecryptionKey::p256(None, &SecretBytes::new(bytes("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"))).unwrap();
    let public = bob.p256_jwk().unwrap();
    assert_eq!(public.x.as_deref(), Some("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ"));
    let epk: super::agreement::Ephemeral = serde_json::from_value(serde_json::json!({
        "kty": "EC", "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
    }))
    .unwrap();
    let delivery = super::keys::Delivery {
        alg: KeyManagement::EcdhEs,
        enc: ContentEncryption::A128Gcm,
        epk: Some(&epk),
        party_u: b"Alice",
        party_v: b"Bob",
        encrypted: &[],
    };
    let key = bob.receive(&delivery).unwrap();
    assert_eq!(BASE64URL_NOPAD.encode(key.expose()), "VqqN6vgjbSBcIijNcacQGg");
}

/// RFC 7518 Appendix B.1 and B.3, RFC 7516 Appendix A.1.5 and A.3.
#[test]
fn the_contents_of_the_rfcs() {
    let plain = b"A cipher system must not be required to be secret, and it must be able to fall into the hands of \
        the enemy without inconvenience";
    let iv = HEXLOWER.decode(b"1af38c2dc2b96ffdd86694092341bc04").unwrap();
    let aad = b"The second principle of Auguste Kerckhoffs";
    for (enc, length, begin, tag) in [
        (ContentEncryption::A128CbcHs256, 32, "c80edfa32ddf39d5ef00c0b468834279", "652c3fa36b0a7c5b3219fab3a30bc1c4"),
        (
            ContentEncryption::A256CbcHs512,
            64,
            "4affaaadb78c31c5da4b1b590d10ffbd",
            "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
        ),
    ] {
        let key: Vec<u8> = (0..length).collect();
        let (cipher, made) = content::seal(enc, &key, &iv, aad, plain).unwrap();
        assert_eq!((HEXLOWER.encode(&cipher[..16]), HEXLOWER.encode(&made)), (begin.to_owned(), tag.to_owned()));
        assert_eq!(content::open(enc, &key, &iv, aad, (&cipher, &made)).unwrap(), plain);
    }
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
    let key = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46, 34, 105,
        47, 130, 203, 46, 122, 234, 64, 252,
    ];
    let aad = b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
    let cipher = bytes("5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A");
    let (iv, tag) = (bytes("48V1_ALb6US04U3b"), bytes("XFBoMYUZodetZdvTiFvSkQ"));
    let opened = content::open(ContentEncryption::A256Gcm, &key, &iv, aad, (&cipher, &tag)).unwrap();
    assert_eq!(opened, b"The true sign of intelligence is not knowledge but imagination.");
    let key = [
        4, 211, 31, 197, 84, 157, 252, 254, 11, 100, 157, 250, 63, 170, 106, 206, 107, 124, 212, 45, 111, 107, 9, 219,
        200, 177, 0, 240, 143, 156, 44, 207,
    ];
    let aad = b"eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0";
    let (cipher, tag) = (bytes("KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY"), bytes("U0m_YmjN04DJvceFICbCVQ"));
    let iv = bytes("AxY8DCtDaGlsbGljb3RoZQ");
    let opened = content::open(ContentEncryption::A128CbcHs256, &key, &iv, aad, (&cipher, &tag)).unwrap();
    assert_eq!(opened, b"Live long and prosper.");
}

#[test]
fn what_another_library_encrypted_is_opened() {
    let (foreign, keys) = foreign();
    assert_eq!(foreign.tokens.len(), KeyManagement::ALL.len() * ContentEncryption::ALL.len());
    for sample in &foreign.tokens {
        let opened = open(&sample.token, &keys, EVERYTHING).unwrap();
        assert_eq!((opened.alg, opened.enc), (sample.alg, sample.enc));
        assert_eq!((opened.plain.as_slice(), opened.cty.as_deref()), (foreign.plain.as_bytes(), Some("JWT")));
        // Allowed is what the use allows, not what the library can.
        let others: Vec<_> = ContentEncryption::ALL.iter().copied().filter(|enc| *enc != sample.enc).collect();
        let refused = open(&sample.token, &keys, (KeyManagement::ALL, &others));
        assert_eq!(refused.err(), Some(JoseError::Algorithm), "{} {}", sample.alg, sample.enc);
    }
}

/// `RSA1_5`, `RSA-OAEP` with SHA-1, `dir`, key wrapping with a shared key, passwords, compression: well made, and refused.
#[test]
fn what_is_not_on_the_list_is_refused() {
    let (foreign, keys) = foreign();
    assert_eq!(foreign.refused.len(), 6);
    for sample in &foreign.refused {
        let expected = if sample.why == "zip" { JoseError::Critical } else { JoseError::Algorithm };
        assert_eq!(open(&sample.token, &keys, EVERYTHING).err(), Some(expected), "{}", sample.why);
    }
}

fn part(token: &str, number: usize, change: impl Fn(&str) -> String) -> String {
    let parts = token.split('.').enumerate();
    parts.map(|(at, part)| if at == number { change(part) } else { part.to_owned() }).collect::<Vec<_>>().join(".")
}

fn touched(part: &str) -> String {
    let mut bytes = BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
    if let Some(byte) = bytes.first_mut() {
        *byte ^= 1;
    }
    BASE64URL_NOPAD.encode(&bytes)
}

#[test]
fn what_was_touched_does_not_open() {
    let (foreign, keys) = foreign();
    for sample in &foreign.tokens {
        let judge = |token: &str| open(token, &keys, EVERYTHING).err();
        let shown = format!("{} {}", sample.alg, sample.enc);
        for number in 1..5 {
            if number == 1 && sample.alg == KeyManagement::EcdhEs {
                let added = part(&sample.token, 1, |_| "AAAA".to_owned());
                assert_eq!(judge(&added), Some(JoseError::Malformed), "{shown}: a key where there is none");
                continue;
            }
            let token = part(&sample.token, number, touched);
            assert_eq!(judge(&token), Some(JoseError::Decryption), "{shown}: part {number}");
        }
        // A tag cut short, none at all; an IV of another length.
        for (number, value) in [(4, "AAAA"), (4, ""), (2, "AAAA"), (2, "")] {
            let token = part(&sample.token, number, |_| value.to_owned());
            assert_eq!(judge(&token), Some(JoseError::Decryption), "{shown}: {number} {value}");
        }
        for token in [
            format!("{}=", sample.token),
            format!("{}.", sample.token),
            format!(".{}", sample.token),
            format!(" {}", sample.token),
            sample.token.rsplit_once('.').unwrap().0.to_owned(),
            format!("{}.{}", "A".repeat(1024 * 1024), sample.token),
        ] {
            assert_eq!(judge(&token), Some(JoseError::Malformed), "{shown}");
        }
    }
}

/// The header says something else than how the message was made, or something that nobody should follow.
#[test]
fn headers_that_mislead() {
    let (foreign, keys) = foreign();
    let (kw, es) = (&foreign.tokens[8].token, &foreign.tokens[4].token);
    let headed = |token: &str, header: &str| part(token, 0, |_| BASE64URL_NOPAD.encode(header.as_bytes()));
    let epk = r#""epk":{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}"#;
    let off_curve = epk.replace("SLW_", "SLW-");
    let infinity = r#""epk":{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let p384 = epk.replace("P-256", "P-384");
    let okp = r#""epk":{"kty":"OKP","crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":""}"#;
    let oct = r#""epk":{"kty":"oct","k":"AAAA"}"#;
    let es = |more: &str| headed(es, &format!(r#"{{"alg":"ECDH-ES","enc":"A128CBC-HS256",{more}}}"#));
    let cases = [
        (es(&off_curve), JoseError::Key),
        (es(infinity), JoseError::Key),
        (es(&p384), JoseError::Key),
        (es(okp), JoseError::Key),
        (es(oct), JoseError::Header),
        (es(r#""kid":"ec""#), JoseError::Header),
        (es(&format!(r#"{epk},"crit":["exp"]"#)), JoseError::Critical),
        (es(&format!(r#"{epk},"crit":[]"#)), JoseError::Critical),
        (es(&format!(r#"{epk},"zip":"DEF""#)), JoseError::Critical),
        (es(&format!(r#"{epk},"alg":"dir""#)), JoseError::Header),
        (es(&format!(r#"{epk},"apu":"====""#)), JoseError::Malformed),
        (es(&format!(r#"{epk},"kid":"' OR 1=1 --""#)), JoseError::UnknownKey),
        (es(&format!(r#"{epk},"kid":"../../etc/passwd""#)), JoseError::UnknownKey),
        // Where to fetch a key is not looked at, and no message opens with another's ephemeral key.
        (
            es(&format!(r#"{epk},"jku":"https://attacker.example/","x5u":"https://attacker.example/""#)),
            JoseError::Decryption,
        ),
        (headed(kw, r#"{"alg":"RSA1_5","enc":"A128CBC-HS256"}"#), JoseError::Algorithm),
        (headed(kw, r#"{"alg":"dir","enc":"A128CBC-HS256"}"#), JoseError::Algorithm),
        (headed(kw, r#"{"alg":"none","enc":"A128CBC-HS256"}"#), JoseError::Algorithm),
        (
            headed(kw, r#"{"alg":"PBES2-HS256+A128KW","p2c":2147483647,"p2s":"AA","enc":"A128CBC-HS256"}"#),
            JoseError::Algorithm,
        ),
        (headed(kw, r#"{"alg":"RSA-OAEP-256","enc":"A128CBC-HS256"}"#), JoseError::Decryption),
        (headed(kw, r#"{"alg":"ECDH-ES+A128KW","enc":"none"}"#), JoseError::Algorithm),
        (headed(kw, r#"{"alg":"ECDH-ES+A128KW"}"#), JoseError::Header),
        (headed(kw, r#"["ECDH-ES+A128KW"]"#), JoseError::Header),
        (headed(kw, &format!(r#"{{"alg":"ECDH-ES","x":"{}"}}"#, "a".repeat(5000))), JoseError::Malformed),
    ];
    for (token, expected) in cases {
        let header = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
        let header: String = String::from_utf8_lossy(&header).chars().take(160).collect();
        assert_eq!(open(&token, &keys, EVERYTHING).err(), Some(expected), "{header}");
    }
}

#[test]
fn keys_to_encrypt_to() {
    let ec = DecryptionKey::p256(None, &SecretBytes::new(vec![7; 32])).unwrap().p256_jwk().unwrap();
    let other = DecryptionKey::p256(None, &SecretBytes::new(vec![8; 32])).unwrap().p256_jwk().unwrap();
    let unmarked = other.clone().meant_for(None, None);
    let signing = other.clone().meant_for(Some("sig"), None);
    let for_wrapping = other.clone().meant_for(Some("enc"), Some("ECDH-ES+A256KW"));
    let kid = |keys: &[&Jwk], alg| {
        let set = JwkSet { keys: keys.iter().map(|jwk| (*jwk).clone()).collect() };
        EncryptionKey::choose(&set, alg).map(|key| key.kid().unwrap().to_owned())
    };
    let alg = KeyManagement::EcdhEs;
    assert_eq!(kid(&[&unmarked, &ec], alg), ec.kid, "the one that says so comes first");
    assert_eq!(kid(&[&signing, &unmarked], alg), unmarked.kid);
    assert_eq!(kid(&[&signing], alg), None);
    assert_eq!(kid(&[&for_wrapping], alg), None);
    assert_eq!(kid(&[&for_wrapping], KeyManagement::EcdhEsA256Kw), for_wrapping.kid);
    assert_eq!(kid(&[&ec], KeyManagement::RsaOaep256), None);
    for unfit in [
        serde_json::json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        serde_json::json!({"kty": "RSA", "n": BASE64URL_NOPAD.encode(&[0xff; 128]), "e": "AQAB"}),
        serde_json::json!({"kty": "RSA", "n": BASE64URL_NOPAD.encode(&[0xff; 256]), "e": "AQ"}),
        serde_json::json!({"kty": "RSA", "n": BASE64URL_NOPAD.encode(&[0xff; 2048]), "e": "AQAB"}),
    ] {
        let jwk: Jwk = serde_json::from_value(unfit).unwrap();
        assert_eq!(EncryptionKey::parse(&jwk, KeyManagement::RsaOaep256).err(), Some(JoseError::Key), "{jwk:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn what_is_encrypted_opens_and_for_nobody_else(plain in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (_, keys) = foreign();
        let rsa = crate::jose::PrivateKey::from_pkcs8(
            crate::jose::SigningAlgorithm::Rs256,
            &SecretBytes::new(BASE64.decode(foreign().0.rsa_pkcs8.as_bytes()).unwrap()),
        ).unwrap();
        let mut rsa = rsa.public_jwk().clone().meant_for(None, None);
        rsa.kid = Some("rsa".to_owned());
        let set = JwkSet { keys: vec![rsa, keys[1].p256_jwk().unwrap()] };
        let entropy = Counting::new();
        let stranger = [DecryptionKey::p256(None, &SecretBytes::new(vec![9; 32])).unwrap()];
        for alg in KeyManagement::ALL.iter().copied() {
            let key = EncryptionKey::choose(&set, alg).unwrap();
            for enc in ContentEncryption::ALL.iter().copied() {
                let token = encrypt(&plain, &key, (alg, enc), Some("JWT"), &entropy).unwrap();
                prop_assert_eq!(&open(&token, &keys, EVERYTHING).unwrap().plain, &plain);
                let error = open(&token, &stranger, EVERYTHING).err();
                prop_assert!(matches!(error, Some(JoseError::Decryption | JoseError::UnknownKey)));
            }
        }
    }

    #[test]
    fn nothing_that_arrives_ends_the_process(text in "[A-Za-z0-9_.-]{0,200}") {
        let (_, keys) = foreign();
        prop_assert!(open(&text, &keys, EVERYTHING).is_err());
    }
}
