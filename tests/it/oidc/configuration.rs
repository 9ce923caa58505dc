//! The module about the discovery document and the keys.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Case;

/// Every field that OpenID Connect Discovery, RFC 8414 and their registered extensions know. Anything else is a warning.
const KNOWN: &[&str] = &[
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "registration_endpoint",
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "acr_values_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "id_token_encryption_alg_values_supported",
    "id_token_encryption_enc_values_supported",
    "userinfo_signing_alg_values_supported",
    "userinfo_encryption_alg_values_supported",
    "userinfo_encryption_enc_values_supported",
    "request_object_signing_alg_values_supported",
    "request_object_encryption_alg_values_supported",
    "request_object_encryption_enc_values_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "display_values_supported",
    "claim_types_supported",
    "claims_supported",
    "service_documentation",
    "claims_locales_supported",
    "ui_locales_supported",
    "claims_parameter_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_request_uri_registration",
    "op_policy_uri",
    "op_tos_uri",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "introspection_signing_alg_values_supported",
    "introspection_encryption_alg_values_supported",
    "introspection_encryption_enc_values_supported",
    "code_challenge_methods_supported",
    "signed_metadata",
    "device_authorization_endpoint",
    "tls_client_certificate_bound_access_tokens",
    "mtls_endpoint_aliases",
    "require_signed_request_object",
    "pushed_authorization_request_endpoint",
    "require_pushed_authorization_requests",
    "authorization_response_iss_parameter_supported",
    "dpop_signing_alg_values_supported",
    "prompt_values_supported",
    "end_session_endpoint",
    "check_session_iframe",
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "protected_resources",
];

fn strings<'v>(metadata: &'v Value, name: &str) -> BTreeSet<&'v str> {
    let values = metadata[name].as_array().unwrap_or_else(|| panic!("{name} is no list"));
    assert!(!values.is_empty(), "{name} is empty");
    values.iter().map(|value| value.as_str().unwrap_or_else(|| panic!("{name} is no list of strings"))).collect()
}

pub(super) async fn discovery(case: &Case) {
    let suite = &case.suite;
    let url = format!("{}/.well-known/openid-configuration", suite.world.issuer);
    let response = suite.http.get(url).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let metadata: Value = response.json().await.unwrap();
    assert_eq!(metadata["issuer"], suite.world.issuer.as_str());
    for (name, value) in metadata.as_object().unwrap() {
        assert!(KNOWN.contains(&name.as_str()), "{name} is in no specification");
        if name.ends_with("_supported") && value.is_array() {
            strings(&metadata, name);
        } else if name.ends_with("_supported") {
            assert!(value.is_boolean(), "{name}");
        }
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            // The demo has plain http on loopback; `serve` has https everywhere.
            assert!(value.as_str().unwrap().starts_with(&format!("{}/", suite.world.issuer)), "{name}");
        }
    }
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint"] {
        suite.endpoint(name);
    }
    let has = |list: &str, wanted: &[&str]| {
        let values = strings(&metadata, list);
        assert!(wanted.iter().all(|value| values.contains(value)), "{list}: {values:?}");
    };
    has("scopes_supported", &["openid", "profile", "email", "address", "phone", "offline_access"]);
    has("grant_types_supported", &["authorization_code", "implicit", "refresh_token"]);
    has("id_token_signing_alg_values_supported", &["RS256"]);
    has("userinfo_signing_alg_values_supported", &["RS256"]);
    has("request_object_signing_alg_values_supported", &["RS256"]);
    has("response_modes_supported", &["query", "fragment", "form_post"]);
    has("code_challenge_methods_supported", &["S256"]);
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    has("token_endpoint_auth_methods_supported", &methods);
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let types: Vec<_> = strings(&metadata, "response_types_supported").into_iter().map(sorted).collect();
    for wanted in ["code", "id_token", "token id_token", "code id_token", "code token", "code id_token token"] {
        assert!(types.contains(&sorted(wanted)), "{wanted}: {types:?}");
    }
    assert!(strings(&metadata, "subject_types_supported").is_subset(&BTreeSet::from(["public", "pairwise"])));
    assert!(strings(&metadata, "claims_supported").contains("sub"));
    // A warning in the suite: the default of this field is true.
    assert_eq!(metadata["request_uri_parameter_supported"], true);
    keys(&suite.jwks().await);
}

/// Sound, public, and each told from the others by its `kid`.
fn keys(jwks: &Value) {
    let mut seen = BTreeSet::new();
    for key in jwks["keys"].as_array().unwrap() {
        assert!(seen.insert(key["kid"].as_str().unwrap()), "{key}");
        assert!(["RSA", "EC", "OKP"].contains(&key["kty"].as_str().unwrap()), "{key}");
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(name).is_none(), "{name} is not for the public");
        }
        for name in ["n", "e", "x", "y"] {
            let Some(part) = key.get(name) else { continue };
            let bytes = data_encoding::BASE64URL_NOPAD.decode(part.as_str().unwrap().as_bytes()).unwrap();
            assert!(name != "n" || bytes.len() >= 256, "an RSA key of {} bytes", bytes.len());
        }
    }
    assert!(!seen.is_empty());
}
