//! RFC vectors, the usual attacks, and a round trip.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jose::{JwkSet, PrivateKey};

fn keys(jwk: Value) -> PublicKeys {
    PublicKeys::new(&serde_json::from_value(json!({ "keys": [jwk] })).unwrap())
}

fn anything() -> VerifyRules<'static> {
    VerifyRules::any_typ(SigningAlgorithm::ALL)
}

fn encode(value: &str) -> String {
    BASE64URL_NOPAD.encode(value.as_bytes())
}

/// RFC 7515 A.2.
const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn rfc_rsa_key() -> Value {
    json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "e": "AQAB",
    })
}

/// RFC 7515 A.3.
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn rfc_ec_key() -> Value {
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

/// RFC 8037 A.4.
const EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

#[test]
fn the_vectors_of_the_rfcs_verify() {
    for (token, key) in [(RS256, rfc_rsa_key()), (ES256, rfc_ec_key())] {
        let verified = verify::<Value>(token, &keys(key), &anything()).unwrap();
        assert_eq!((&verified.claims["iss"], &verified.claims["exp"]), (&json!("joe"), &json!(1_300_819_380)));
    }
    // Its payload is not JSON: the signature is right, the claims are not.
    let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    assert_eq!(verify::<Value>(EDDSA, &keys(key), &anything()).err(), Some(JoseError::Claims));
    // RFC 7638 §3.1.
    let jwk: Jwk = serde_json::from_value(json!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    }))
    .unwrap();
    assert_eq!(jwk.thumbprint().as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
}

#[test]
fn the_usual_attacks_are_refused() {
    let payload = encode(r#"{"iss":"joe"}"#);
    let zeros = BASE64URL_NOPAD.encode(&[0; 64]);
    let with = |header: &str| format!("{}.{payload}.{zeros}", encode(header));
    let ec = keys(rfc_ec_key());
    let cases = [
        (with(r#"{"alg":"none"}"#), JoseError::Algorithm),
        (with(r#"{"alg":"nOnE"}"#), JoseError::Algorithm),
        (format!("{}.{payload}.", encode(r#"{"alg":"none"}"#)), JoseError::Algorithm),
        (with(r#"{"alg":"HS256"}"#), JoseError::Algorithm),
        (with(r#"{"alg":"ES256"}"#), JoseError::Signature), // r = s = 0
        (with(r#"{"alg":"RS256"}"#), JoseError::UnknownKey), // key confusion: the only key is an EC key
        (with(r#"{"alg":"ES256","crit":["exp"],"exp":1}"#), JoseError::Critical),
        (with(r#"{"alg":"ES256","b64":false}"#), JoseError::Critical),
        (with(r#"{"alg":"ES256","alg":"none"}"#), JoseError::Header),
        (with(r#"["ES256"]"#), JoseError::Header),
        (with(&format!(r#"{{"alg":"ES256","x":"{}"}}"#, "a".repeat(5000))), JoseError::Malformed),
        (format!("{ES256}="), JoseError::Malformed),
        (format!("{ES256}.x"), JoseError::Malformed),
        (format!(" {ES256}"), JoseError::Malformed),
        (ES256.replace('.', ""), JoseError::Malformed),
        ("a".repeat(20_000), JoseError::Malformed),
    ];
    for (token, expected) in cases {
        let shown: String = token.chars().take(60).collect();
        assert_eq!(verify::<Value>(&token, &ec, &anything()).err(), Some(expected), "{shown}");
    }
    // A key that the token brings along is not looked at.
    let mine =
        PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &PrivateKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap())
            .unwrap();
    let token = mine.sign_with_embedded_jwk("JWT", &json!({"iss": "joe"})).unwrap();
    assert_eq!(verify::<Value>(&token, &ec, &anything()).err(), Some(JoseError::Signature));
    // The same member twice among the claims.
    let twice = mine
        .sign("JWT", &serde_json::value::RawValue::from_string(r#"{"sub":"a","sub":"b"}"#.to_owned()).unwrap())
        .unwrap();
    let set = PublicKeys::new(&JwkSet { keys: vec![mine.public_jwk().clone()] });
    assert_eq!(verify::<Value>(&twice, &set, &anything()).err(), Some(JoseError::Claims));
}

#[test]
fn unfit_keys_are_refused() {
    let private = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "AA"});
    assert!(serde_json::from_value::<Jwk>(private).is_err());
    assert!(serde_json::from_value::<Jwk>(json!({"kty": "oct", "k": "AA"})).is_err());
    for unfit in [
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
        json!({"kty": "XYZ"}),
    ] {
        let jwk: Jwk = serde_json::from_value(unfit).unwrap();
        assert!(PublicKey::parse(&jwk).is_err(), "{jwk:?}");
    }
}

#[test]
fn typ_is_checked_where_a_use_has_one() {
    let key =
        PrivateKey::from_pkcs8(SigningAlgorithm::EdDsa, &PrivateKey::generate_pkcs8(SigningAlgorithm::EdDsa).unwrap())
            .unwrap();
    let set = PublicKeys::new(&JwkSet { keys: vec![key.public_jwk().clone()] });
    let id_token = key.sign("JWT", &json!({"sub": "a"})).unwrap();
    let rules = VerifyRules::typ(SigningAlgorithm::ALL, &["at+jwt"]);
    assert_eq!(verify::<Value>(&id_token, &set, &rules).err(), Some(JoseError::Type));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn what_is_signed_verifies_and_what_is_touched_does_not(text in ".{0,40}", flip in any::<proptest::sample::Index>()) {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa] {
            let key = PrivateKey::from_pkcs8(algorithm, &PrivateKey::generate_pkcs8(algorithm).unwrap()).unwrap();
            let set = PublicKeys::new(&JwkSet { keys: vec![key.public_jwk().clone()] });
            let token = key.sign("JWT", &json!({"text": text})).unwrap();
            prop_assert_eq!(&verify::<Value>(&token, &set, &anything()).unwrap().claims["text"], &json!(text));
            let mut touched = token.into_bytes();
            let at = flip.index(touched.len());
            touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
            prop_assert!(verify::<Value>(std::str::from_utf8(&touched).unwrap(), &set, &anything()).is_err());
        }
    }
}

#[test]
fn rsa_keys_sign_both_ways() {
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256] {
        let key = PrivateKey::from_pkcs8(algorithm, &PrivateKey::generate_pkcs8(algorithm).unwrap()).unwrap();
        let set = PublicKeys::new(&JwkSet { keys: vec![key.public_jwk().clone()] });
        let token = key.sign("at+jwt", &json!({"a": 1})).unwrap();
        assert_eq!(verify::<Value>(&token, &set, &anything()).unwrap().kid.as_deref(), Some(key.kid()));
    }
}

#[test]
fn a_mac_is_made_under_a_shared_secret_and_a_named_algorithm() {
    use aws_lc_rs::hmac;

    use crate::jose::{MacAlgorithm, verify_mac};
    use crate::secret::SecretString;

    let made = |alg: &str, algorithm, secret: &str| {
        let part = |text: String| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!("{}.{}", part(format!(r#"{{"alg":"{alg}"}}"#)), part(r#"{"sub":"rp"}"#.to_owned()));
        let mac = hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(mac.as_ref()))
    };
    let secrets = [SecretString::new("old".to_owned()), SecretString::new("new".to_owned())];
    let judge = |token: &str, algorithms| {
        verify_mac::<serde_json::Value>(token, &secrets, &VerifyRules::any_typ(algorithms))
            .map(|it| it.claims["sub"].clone())
    };
    for (alg, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        for secret in ["old", "new"] {
            assert_eq!(judge(&made(alg, algorithm, secret), MacAlgorithm::ALL).unwrap(), "rp");
        }
        assert_eq!(judge(&made(alg, algorithm, "other"), MacAlgorithm::ALL), Err(JoseError::Signature));
    }
    let short = made("HS256", hmac::HMAC_SHA256, "new");
    assert_eq!(judge(&short, &[MacAlgorithm::Hs512]), Err(JoseError::Algorithm));
    assert_eq!(judge(&made("none", hmac::HMAC_SHA256, "new"), MacAlgorithm::ALL), Err(JoseError::Algorithm));
    assert_eq!(judge(short.rsplit_once('.').unwrap().0, MacAlgorithm::ALL), Err(JoseError::Malformed));
}
