//! What a relying party checks, written from the specifications alone: nothing here calls the provider's code.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

fn bytes(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_else(|error| panic!("not base64url: {text}: {error}"))
}

/// Header and claims of a compact JWS; nothing is verified.
pub(super) fn read(token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "no compact JWS: {token}");
    let part = |index: usize| serde_json::from_slice(&bytes(parts[index])).unwrap();
    (part(0), part(1))
}

/// The claims of a JWS that one of these keys signed with this algorithm. The `kid` must name exactly one key.
pub(super) fn verified(token: &str, jwks: &Value, alg: &str) -> Value {
    let (header, claims) = read(token);
    assert_eq!(header["alg"], alg, "{header}");
    let kid = header["kid"].as_str().unwrap_or_else(|| panic!("no kid: {header}"));
    let keys: Vec<&Value> = jwks["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == kid).collect();
    assert_eq!(keys.len(), 1, "{kid} names {} keys", keys.len());
    let part = |name: &str| bytes(keys[0][name].as_str().unwrap());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (signed, signature) = (signed.as_bytes(), bytes(signature));
    let rsa = |parameters| {
        RsaPublicKeyComponents { n: part("n"), e: part("e") }.verify(parameters, signed, &signature).is_ok()
    };
    let good = match alg {
        "RS256" => rsa(&RSA_PKCS1_2048_8192_SHA256),
        "PS256" => rsa(&RSA_PSS_2048_8192_SHA256),
        "ES256" => {
            let point = [vec![4], part("x"), part("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &signature).is_ok()
        }
        other => panic!("{other} is not expected here"),
    };
    assert!(good, "the signature is not that of {kid}");
    claims
}

/// `at_hash`, `c_hash`: the left half of the SHA-256 hash (OpenID Connect Core §3.1.3.6, §3.3.2.11).
pub(super) fn half_hash(value: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value.as_bytes());
    BASE64URL_NOPAD.encode(&digest.as_ref()[..16])
}

/// Long enough, and varied enough, not to be guessed: 16 bytes and 96 bits of Shannon entropy.
pub(super) fn unguessable(what: &str, value: &str) {
    let length = f64::from(u32::try_from(value.len()).unwrap());
    let mut counts = std::collections::BTreeMap::<u8, f64>::new();
    for byte in value.bytes() {
        assert!((0x20..0x7f).contains(&byte), "{what}: {value}");
        *counts.entry(byte).or_default() += 1.0;
    }
    let bits: f64 = counts.values().map(|count| -count * (count / length).log2()).sum();
    assert!(value.len() >= 16 && bits > 96.0, "{what} has {bits} bits: {value}");
}

/// What an ID token may say without being asked; anything else is a warning in the suite.
const PROTOCOL_CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
    "jti",
    "nbf",
    "txn",
];

/// What an ID token is compared with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: Option<&'a str>,
    /// The provider's time.
    pub(super) now: i64,
    /// Claims that were asked for by scope.
    pub(super) asked: &'a [&'a str],
}

/// OpenID Connect Core §2 and §3.1.3.7.
pub(super) fn id_token(claims: &Value, expected: &Expected<'_>) {
    let number = |name: &str| claims[name].as_i64();
    assert_eq!(claims["iss"], expected.issuer, "{claims}");
    let audiences: Vec<&str> = match &claims["aud"] {
        Value::String(one) => vec![one],
        many => many.as_array().unwrap().iter().filter_map(Value::as_str).collect(),
    };
    assert!(audiences.contains(&expected.client), "{claims}");
    assert!(audiences.len() == 1 || claims["azp"] == expected.client, "{claims}");
    assert!(claims.get("azp").is_none_or(|azp| azp == expected.client), "{claims}");
    let (iat, exp) = (number("iat").expect("iat"), number("exp").expect("exp"));
    assert!((iat - expected.now).abs() < 300, "iat {iat}, now {}", expected.now);
    assert!(exp > expected.now && exp - iat < 86_400 * 365, "{claims}");
    if claims.get("auth_time").is_some() {
        let auth_time = number("auth_time").expect("auth_time is a number");
        assert!(auth_time > 1_500_000_000 && auth_time <= iat + 1, "{claims}");
    }
    assert!(claims.get("acr").is_none_or(|acr| acr.as_str().is_some_and(|acr| !acr.is_empty())), "{claims}");
    let amr = claims.get("amr").map(|amr| amr.as_array().expect("amr is an array"));
    assert!(amr.is_none_or(|amr| amr.iter().all(Value::is_string)), "{claims}");
    let sub = claims["sub"].as_str().unwrap();
    assert!((1..=255).contains(&sub.len()) && sub.is_ascii(), "{sub}");
    assert_eq!(claims.get("nonce").and_then(Value::as_str), expected.nonce, "nonce");
    for name in claims.as_object().unwrap().keys().map(String::as_str) {
        let known = PROTOCOL_CLAIMS.contains(&name) || expected.asked.contains(&name);
        assert!(known, "nobody asked for {name}: {claims}");
    }
}

/// The claims of each scope (OpenID Connect Core §5.4).
pub(super) fn claims_of(scope: &str) -> Vec<&'static str> {
    let claims: &[(&str, &[&str])] = &[
        (
            "profile",
            &[
                "name",
                "given_name",
                "family_name",
                "middle_name",
                "nickname",
                "preferred_username",
                "profile",
                "picture",
                "website",
                "gender",
                "birthdate",
                "zoneinfo",
                "locale",
                "updated_at",
            ],
        ),
        ("email", &["email", "email_verified"]),
        ("address", &["address"]),
        ("phone", &["phone_number", "phone_number_verified"]),
    ];
    let asked = claims.iter().filter(|(name, _)| scope.split(' ').any(|word| word == *name));
    asked.flat_map(|(_, claims)| claims.iter().copied()).collect()
}

/// Each claim of OpenID Connect Core §5.1 that is there has the right type, and none is empty.
pub(super) fn standard_claims(claims: &Value) {
    for (name, value) in claims.as_object().unwrap() {
        let right = match name.as_str() {
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" => value.is_number(),
            "birthdate" => value.as_str().is_some_and(|date| date.len() == 10 || date.len() == 4),
            "address" => value.as_object().is_some_and(|parts| !parts.is_empty() && parts.values().all(filled)),
            _ if claims_of("profile email phone").contains(&name.as_str()) => filled(value),
            _ => !value.is_null(),
        };
        assert!(right, "{name}: {value}");
    }
}

fn filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty() && text != "null")
}
