//! The attack corpus on signatures: what was tried on other libraries, and must not work here.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::*;
use crate::secret::SecretBytes;

fn key(algorithm: SigningAlgorithm) -> PrivateKey {
    PrivateKey::from_pkcs8(algorithm, &PrivateKey::generate_pkcs8(algorithm).unwrap()).unwrap()
}

fn set(keys: &[&PrivateKey]) -> PublicKeys {
    PublicKeys::new(&JwkSet { keys: keys.iter().map(|key| key.public_jwk().clone()).collect() })
}

fn judge(token: &str, keys: &PublicKeys) -> Result<Value, JoseError> {
    verify::<Value>(token, keys, &VerifyRules::any_typ(SigningAlgorithm::ALL)).map(|verified| verified.claims)
}

fn encode(text: &str) -> String {
    BASE64URL_NOPAD.encode(text.as_bytes())
}

/// A token with the header as given, and the payload and signature of a good one.
fn headed(good: &str, header: &str) -> String {
    format!("{}.{}", encode(header), good.split_once('.').unwrap().1)
}

#[test]
fn algorithms_that_are_not_on_the_list() {
    let rsa = key(SigningAlgorithm::Rs256);
    let keys = set(&[&rsa]);
    let good = rsa.sign("JWT", &json!({ "sub": "a" })).unwrap();
    assert_eq!(judge(&good, &keys), Ok(json!({ "sub": "a" })));
    let names = "none None nOnE NONE noneX HS256 HS384 HS512 RS1 RS384 RS512 PS512 ES256K ES384 ES512 Ed448 rs256 RS256\u{0} \
                 dir RSA1_5 RSA-OAEP-256 A128KW PBES2-HS256+A128KW";
    for name in names.split(' ').filter(|name| !name.is_empty()) {
        let header = json!({ "alg": name, "kid": rsa.kid() }).to_string();
        assert_eq!(judge(&headed(&good, &header), &keys), Err(JoseError::Algorithm), "{name}");
        // The same without any signature.
        let (unsigned, _) = headed(&good, &header).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(judge(&format!("{unsigned}."), &keys), Err(JoseError::Algorithm), "{name}, unsigned");
    }
    for header in [
        "{}",
        r#"{"alg":null}"#,
        r#"{"alg":1}"#,
        r#"{"alg":["RS256"]}"#,
        r#"{"alg":{"a":"RS256"}}"#,
        "null",
        "\"RS256\"",
    ] {
        assert_eq!(judge(&headed(&good, header), &keys), Err(JoseError::Header), "{header}");
    }
}

/// The public key, which everybody has, as the secret of an HMAC: in each spelling that a library could take.
#[test]
fn a_public_key_is_no_shared_secret() {
    let rsa = key(SigningAlgorithm::Rs256);
    let keys = set(&[&rsa]);
    let jwk = serde_json::to_string(rsa.public_jwk()).unwrap();
    let n = BASE64URL_NOPAD.decode(rsa.public_jwk().n.as_deref().unwrap().as_bytes()).unwrap();
    for secret in [jwk.as_bytes(), &n, rsa.public_jwk().n.as_deref().unwrap().as_bytes(), b""] {
        let signed = format!(
            "{}.{}",
            encode(&json!({ "alg": "HS256", "kid": rsa.kid() }).to_string()),
            encode(r#"{"sub":"a"}"#)
        );
        let mac =
            aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret), signed.as_bytes());
        let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(mac.as_ref()));
        assert_eq!(judge(&token, &keys), Err(JoseError::Algorithm));
    }
}

/// A key of one type never verifies an algorithm of another, whatever the header says.
#[test]
fn keys_are_bound_to_their_type() {
    let keys = SigningAlgorithm::ALL.iter().map(|algorithm| key(*algorithm)).collect::<Vec<_>>();
    for signer in &keys {
        let good = signer.sign("JWT", &json!({ "sub": "a" })).unwrap();
        for other in &keys {
            let header = json!({ "alg": other.algorithm(), "kid": signer.kid() }).to_string();
            let outcome = judge(&headed(&good, &header), &set(&[signer]));
            if other.algorithm() == signer.algorithm() {
                assert_ne!(outcome, Err(JoseError::UnknownKey));
            } else {
                assert_eq!(outcome, Err(JoseError::UnknownKey), "{} as {}", signer.algorithm(), other.algorithm());
            }
        }
    }
}

#[test]
fn signatures_that_some_curves_took() {
    let (ec, ed) = (key(SigningAlgorithm::Es256), key(SigningAlgorithm::EdDsa));
    let keys = set(&[&ec, &ed]);
    // The order of P-256, and its neighbours.
    let order =
        data_encoding::HEXLOWER.decode(b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    let (zero, mut one) = (vec![0; 32], vec![0; 32]);
    one[31] = 1;
    let pieces = [zero.clone(), one, order, vec![0xff; 32]];
    for (signer, algorithm) in [(&ec, "ES256"), (&ed, "EdDSA")] {
        let good = signer.sign("JWT", &json!({ "sub": "a" })).unwrap();
        let (signed, signature) = good.rsplit_once('.').unwrap();
        for r in &pieces {
            for s in &pieces {
                let forged = BASE64URL_NOPAD.encode(&[r.as_slice(), s.as_slice()].concat());
                assert_eq!(judge(&format!("{signed}.{forged}"), &keys), Err(JoseError::Signature), "{algorithm}");
            }
        }
        // DER in place of two numbers, cut short, made longer, empty.
        let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let der = [&[0x30, 0x44, 0x02, 0x20], &bytes[..32], &[0x02, 0x20], &bytes[32..]].concat();
        for forged in [der, bytes[..63].to_vec(), [bytes.as_slice(), &[0]].concat(), Vec::new()] {
            let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(&forged));
            assert_eq!(judge(&token, &keys), Err(JoseError::Signature), "{algorithm} of {} bytes", forged.len());
        }
    }
}

#[test]
fn what_a_token_brings_along_is_not_followed() {
    let (ours, mine) = (key(SigningAlgorithm::Es256), key(SigningAlgorithm::Es256));
    let keys = set(&[&ours]);
    let forged = |more: Value| {
        let mut header = json!({ "alg": "ES256", "kid": ours.kid() });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let signed = format!("{}.{}", encode(&header.to_string()), encode(r#"{"sub":"admin"}"#));
        // Signed by the attacker's key, as `jwk` says.
        let by_mine = mine.sign_as("JWT", ours.kid(), &json!({})).unwrap();
        format!("{signed}.{}", by_mine.rsplit_once('.').unwrap().1)
    };
    for more in [
        json!({ "jwk": mine.public_jwk() }),
        json!({ "jku": "https://attacker.example/jwks.json" }),
        json!({ "jku": "file:///etc/passwd" }),
        json!({ "x5u": "https://attacker.example/chain.pem" }),
        json!({ "x5c": ["MIIB"] }),
        json!({ "x5t": "AAAA", "x5t#S256": "AAAA" }),
    ] {
        assert_eq!(judge(&forged(more.clone()), &keys), Err(JoseError::Signature), "{more}");
    }
    let private = json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" } });
    assert_eq!(judge(&forged(private), &keys), Err(JoseError::Header));
    for more in [
        json!({ "crit": ["exp"], "exp": 1 }),
        json!({ "crit": [] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "b64": false }),
        json!({ "b64": true }),
        json!({ "crit": "exp" }),
    ] {
        assert_eq!(judge(&forged(more.clone()), &keys), Err(JoseError::Critical), "{more}");
    }
    for kid in ["' OR '1'='1", "../../../../dev/null", "/etc/passwd", "", "\u{0}", "key\r\nX: y", &"k".repeat(3000)] {
        let good = ours.sign_as("JWT", kid, &json!({ "sub": "a" })).unwrap();
        let outcome = judge(&good, &keys);
        assert!(matches!(outcome, Err(JoseError::UnknownKey | JoseError::Malformed)), "{kid}: {outcome:?}");
    }
}

#[test]
fn one_token_has_one_spelling() {
    let ec = key(SigningAlgorithm::Es256);
    let keys = set(&[&ec]);
    let good = ec.sign("JWT", &json!({ "sub": "a" })).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { panic!("three parts") };
    // 64 bytes leave four spare bits in the last character: another character with the same bytes.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let mut spare = (*signature).to_owned();
    spare.pop();
    spare.push(next);
    let spellings = [
        format!("{header}.{payload}.{spare}"),
        format!("{good}="),
        format!("{good}=="),
        format!("{good}."),
        format!("{good}.."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}..{payload}.{signature}"),
        format!("{good}\n"),
        format!("\u{feff}{good}"),
        format!("{header}.{payload}.{}", signature.replace(['-', '_'], "+")) + "+",
        format!("{header}.{payload} .{signature}"),
        format!("{header}.{payload}"),
        format!("{header}."),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "....".to_owned(),
        json!({ "protected": header, "payload": payload, "signature": signature }).to_string(),
    ];
    for token in spellings {
        assert!(judge(&token, &keys).is_err(), "{token}");
    }
    assert!(judge(&good, &keys).is_ok());
}

#[test]
fn size_depth_and_duplicates() {
    let ec = key(SigningAlgorithm::Es256);
    let keys = set(&[&ec]);
    let good = ec.sign("JWT", &json!({ "sub": "a" })).unwrap();
    let megabyte = "a".repeat(1024 * 1024);
    for token in [
        headed(&good, &json!({ "alg": "ES256", "kid": megabyte }).to_string()),
        headed(&good, &format!("{{{}\"alg\":\"ES256\"}}", " ".repeat(1024 * 1024))),
        format!("{good}{megabyte}"),
        ec.sign("JWT", &json!({ "sub": megabyte })).unwrap(),
    ] {
        assert_eq!(judge(&token, &keys), Err(JoseError::Malformed));
    }
    let raw = |text: String| ec.sign("JWT", &serde_json::value::RawValue::from_string(text).unwrap()).unwrap();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
    assert_eq!(judge(&headed(&good, &deep), &keys), Err(JoseError::Header), "deep");
    for claims in [
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"sub":"a","s\u0075b":"b"}"#,
        r#"{"act":{"sub":"a","sub":"b"}}"#,
        r#"[{"sub":"a"}]"#,
        r#""sub""#,
        "1",
        "null",
    ] {
        assert_eq!(judge(&raw(claims.to_owned()), &keys), Err(JoseError::Claims), "{claims}");
    }
    for header in [
        r#"{"alg":"ES256","alg":"none"}"#,
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","\u0061lg":"none"}"#,
        r#"{"alg":"ES256","kid":"a","kid":"b"}"#,
    ] {
        assert_eq!(judge(&headed(&good, header), &keys), Err(JoseError::Header), "{header}");
    }
    // A token inside a token is not unpacked: it is no object of claims.
    let nested = raw(format!("\"{good}\""));
    assert_eq!(judge(&nested, &keys), Err(JoseError::Claims));
}

#[test]
fn weak_keys_are_left_out() {
    let weak = |bytes: usize, e: &str| json!({ "kty": "RSA", "n": BASE64URL_NOPAD.encode(&vec![0xc5; bytes]), "e": e });
    for jwk in [
        weak(64, "AQAB"),
        weak(128, "AQAB"),
        weak(255, "AQAB"),
        weak(256, "AQ"),
        weak(256, "Ag"),
        weak(256, "AA"),
        weak(2048, "AQAB"),
        json!({ "kty": "EC", "crv": "P-256K", "x": "AA", "y": "AA" }),
        json!({ "kty": "EC", "crv": "P-256", "x": BASE64URL_NOPAD.encode(&[1; 32]), "y": BASE64URL_NOPAD.encode(&[1; 32]) }),
        json!({ "kty": "OKP", "crv": "Ed448", "x": "AA" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": BASE64URL_NOPAD.encode(&[9; 32]) }),
    ] {
        let parsed: Jwk = serde_json::from_value(jwk.clone()).unwrap();
        assert!(PublicKeys::new(&JwkSet { keys: vec![parsed] }).is_empty(), "{jwk}");
    }
    for jwk in [json!({ "kty": "oct", "k": "AAAA" }), json!({ "kty": "RSA", "n": "AA", "e": "AQAB", "d": "AA" })] {
        assert!(serde_json::from_value::<Jwk>(jwk).is_err());
    }
    assert!(PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &SecretBytes::new(vec![0; 138])).is_err());
}
