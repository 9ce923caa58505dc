use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::assurance::CatalogueSettings;
use crate::clients::{AssertionAudience, ClientAuthMethod};
use crate::jose::{PrivateKey, SigningAlgorithm};

const CALLBACK: &str = "https://rp.example/cb";

struct World {
    catalogue: Catalogue,
    scopes: Vec<String>,
    response_types: Vec<String>,
    grant_types: Vec<String>,
    auth_methods: Vec<String>,
    loopback: bool,
}

fn world() -> World {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    World {
        catalogue: Catalogue::new(&CatalogueSettings::default()).unwrap(),
        scopes: list(&["openid", "profile", "email", "address", "phone", "offline_access", "orders"]),
        response_types: list(&[
            "code",
            "id_token",
            "id_token token",
            "code id_token",
            "code token",
            "code id_token token",
        ]),
        grant_types: list(&["authorization_code", "implicit", "refresh_token", "client_credentials"]),
        auth_methods: ClientAuthMethod::ALL.iter().map(|method| method.as_str().to_owned()).collect(),
        loopback: false,
    }
}

impl World {
    fn deployment(&self) -> Deployment<'_> {
        Deployment {
            catalogue: &self.catalogue,
            scopes: &self.scopes,
            response_types: &self.response_types,
            grant_types: &self.grant_types,
            auth_methods: &self.auth_methods,
            loopback_pages: self.loopback,
            loopback_documents: self.loopback,
        }
    }

    fn register(&self, members: Value) -> Result<ClientMetadata, RegistrationError> {
        let body = serde_json::to_vec(&members).unwrap();
        validate(&parse(&body)?, &ClientMetadata::default(), &self.deployment())
    }
}

fn key() -> Value {
    let pkcs8 = PrivateKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
    let mut key =
        serde_json::to_value(PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).unwrap().public_jwk()).unwrap();
    key.as_object_mut().unwrap().remove("kid");
    key
}

#[test]
fn the_least_that_can_be_registered_gets_the_defaults() {
    let client = world().register(json!({ "redirect_uris": [CALLBACK] })).unwrap();
    assert_eq!(client.grant_types, ["authorization_code"]);
    assert_eq!(client.response_types, ["code"]);
    assert_eq!(client.id_token_signed_response_alg.as_deref(), Some("RS256"));
    assert_eq!(client.token_endpoint_auth_method, ClientAuthMethod::ClientSecretBasic);
    assert_eq!(client.scope, "openid profile email address phone offline_access");
    let service = world().register(json!({ "grant_types": ["client_credentials"], "scope": "orders" })).unwrap();
    assert!(service.response_types.is_empty() && service.scope == "orders");
    let implicit =
        world().register(json!({ "redirect_uris": [CALLBACK], "response_types": ["token id_token"] })).unwrap();
    assert_eq!(
        (implicit.response_types, implicit.grant_types),
        (vec!["id_token token".to_owned()], vec!["implicit".to_owned()])
    );
    let hidden = json!({ "redirect_uris": [CALLBACK], "id_token_encrypted_response_alg": "ECDH-ES", "jwks": { "keys": [key()] } });
    assert_eq!(world().register(hidden).unwrap().id_token_encrypted_response_enc.as_deref(), Some("A128CBC-HS256"));
}

#[test]
fn everything_that_is_fit_is_kept() {
    let members = json!({
        "client_name": "Acme", "client_name#de": "Acme GmbH", "colour_of_the_logo": "mauve", "contacts": ["a@acme.example"],
        "redirect_uris": [CALLBACK, "https://rp.example/cb?dummy1=lorem"], "grant_types": ["authorization_code", "implicit"],
        "response_types": ["code token id_token"], "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256", "jwks": { "keys": [key(), { "kty": "oct-like", "use": "enc" }] },
        "logo_uri": "https://cdn.example/logo.png", "tos_uri": "https://openid.net", "policy_uri": "https://a.example/p",
        "initiate_login_uri": "https://rp.example/start", "request_uris": ["https://rp.example/r#abc"],
        "default_acr_values": ["urn:stepgate:acr:otp"], "default_max_age": 0, "require_auth_time": true,
        "required_acr": ["urn:stepgate:acr:password"], "required_acr_by_scope": { "orders": ["urn:stepgate:acr:otp"] },
        "frontchannel_logout_uri": "https://rp.example/out", "backchannel_logout_uri": "https://back.example/out",
        "assertion_audience": "issuer", "subject_type": "pairwise", "request_object_signing_alg": "none", "client_uri": null,
        "skip_consent": false, "audience": [],
    });
    let client = world().register(members).unwrap();
    assert_eq!(client.response_types, ["code id_token token"]);
    assert_eq!((client.default_max_age, client.assertion_audience), (Some(0), AssertionAudience::Issuer));
    // What it gets back it can register again.
    let again = world().register(serde_json::to_value(&client).unwrap()).unwrap();
    assert_eq!(again, client);
}

#[test]
fn each_bad_member_is_named() {
    let mut private = key();
    private["d"] = json!("AAAA");
    let cases = [
        ("client_name", json!("")),
        ("client_name", json!(7)),
        ("client_name", json!("a\u{202e}b")),
        ("contacts", json!("a@b.example")),
        ("contacts", json!([7])),
        ("logo_uri", json!("http://rp.example/l.png")),
        ("logo_uri", json!("javascript:alert(1)")),
        ("policy_uri", json!("https://u:p@rp.example/")),
        ("tos_uri", json!("/relative")),
        ("application_type", json!("desktop")),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!(CALLBACK)),
        ("redirect_uris", json!(["https://rp.example/cb#fragment"])),
        ("redirect_uris", json!(["http://rp.example/cb"])),
        ("redirect_uris", json!(["com.example.app:/cb"])),
        ("redirect_uris", json!([CALLBACK, "https://*.example/cb"])),
        ("post_logout_redirect_uris", json!(["http://rp.example/"])),
        ("grant_types", json!(["password"])),
        ("grant_types", json!(["refresh_token"])),
        ("grant_types", json!([])),
        ("response_types", json!(["code magic"])),
        ("scope", json!("openid admin")),
        ("scope", json!(["openid"])),
        ("initiate_login_uri", json!("http://rp.example/start")),
        ("token_endpoint_auth_method", json!("private_key")),
        ("jwks", json!({ "keys": [] })),
        ("jwks", json!({ "keys": [private] })),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })),
        ("jwks", json!({ "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB" }] })),
        ("jwks_uri", json!("http://rp.example/jwks")),
        ("tls_client_auth_san_ip", json!("here")),
        ("subject_type", json!("secret")),
        ("sector_identifier_uri", json!("http://rp.example/s")),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("HS256")),
        ("userinfo_signed_response_alg", json!("none")),
        ("id_token_encrypted_response_alg", json!("RSA1_5")),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP-256")),
        ("id_token_encrypted_response_enc", json!("A128GCM")),
        ("id_token_encrypted_response_enc", json!("A192GCM")),
        ("request_object_signing_alg", json!("HS256")),
        ("request_uris", json!(["http://rp.example/r"])),
        ("require_signed_request_object", json!("yes")),
        ("default_acr_values", json!(["urn:example:none"])),
        ("required_acr", json!("urn:stepgate:acr:otp")),
        ("required_acr_by_scope", json!({ "orders": ["urn:example:none"] })),
        ("default_max_age", json!(-1)),
        ("default_max_age", json!("60")),
        ("require_auth_time", json!(1)),
        ("frontchannel_logout_uri", json!("https://other.example/out")),
        ("backchannel_logout_uri", json!("http://rp.example/out")),
        ("access_token_format", json!("paseto")),
        ("skip_consent", json!(true)),
        ("acr_values_voluntary", json!(true)),
        ("audience", json!(["https://api.example"])),
        ("self_registered", json!(true)),
        ("software_statement", json!(7)),
    ];
    for (member, value) in cases {
        let mut members = json!({ "redirect_uris": [CALLBACK] });
        members[member] = value.clone();
        let error = world().register(members).expect_err(&format!("{member} {value}"));
        assert_eq!(error.member, member, "{value}: {error}");
        let code = if member == "redirect_uris" { "invalid_redirect_uri" } else { "invalid_client_metadata" };
        assert_eq!(error.code.as_str(), code);
        assert!(OAuthError::from(error).description().starts_with(member));
    }
}

#[test]
fn members_must_agree() {
    let cases = [
        ("grant_types", json!({ "response_types": ["code id_token"], "grant_types": ["authorization_code"] })),
        ("response_types", json!({ "response_types": ["code"], "grant_types": ["authorization_code", "implicit"] })),
        (
            "response_types",
            json!({ "response_types": ["id_token"], "grant_types": ["authorization_code", "implicit"] }),
        ),
        (
            "grant_types",
            json!({ "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "client_credentials"] }),
        ),
        ("redirect_uris", json!({ "response_types": ["id_token"], "redirect_uris": ["http://localhost/cb"] })),
        ("redirect_uris", json!({ "response_types": ["id_token"], "redirect_uris": ["https://localhost/cb"] })),
        ("redirect_uris", json!({ "application_type": "native", "redirect_uris": ["https://127.0.0.1/cb"] })),
        ("jwks", json!({ "jwks": { "keys": [key()] }, "jwks_uri": "https://rp.example/jwks" })),
        ("jwks", json!({ "token_endpoint_auth_method": "private_key_jwt" })),
        ("tls_client_auth_subject_dn", json!({ "token_endpoint_auth_method": "tls_client_auth" })),
        (
            "token_endpoint_auth_signing_alg",
            json!({ "token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256" }),
        ),
        (
            "token_endpoint_auth_signing_alg",
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://rp.example/j", "token_endpoint_auth_signing_alg": "HS256" }),
        ),
        (
            "request_object_signing_alg",
            json!({ "require_signed_request_object": true, "request_object_signing_alg": "none" }),
        ),
        (
            "sector_identifier_uri",
            json!({ "subject_type": "pairwise", "redirect_uris": [CALLBACK, "https://other.example/cb"] }),
        ),
    ];
    for (member, more) in cases {
        let mut members = json!({ "redirect_uris": [CALLBACK] });
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = world().register(members.clone()).expect_err(&members.to_string());
        assert_eq!(error.member, member, "{members}: {error}");
    }
}

#[test]
fn native_applications_and_loopback_deployments_have_their_own_addresses() {
    let native = json!({ "application_type": "native", "token_endpoint_auth_method": "none",
        "redirect_uris": ["com.example.app:/cb", "http://127.0.0.1/cb", "https://rp.example/claimed"] });
    assert!(world().register(native).is_ok());
    let local = json!({ "redirect_uris": ["http://127.0.0.1/cb"], "response_types": ["id_token"], "jwks_uri": "http://127.0.0.1:1/j",
        "frontchannel_logout_uri": "http://127.0.0.1:9/out", "logo_uri": "http://localhost:1/l.png" });
    assert!(World { loopback: true, ..world() }.register(local.clone()).is_ok());
    assert!(world().register(local).is_err());
}

#[test]
fn an_operators_grants_survive_and_can_be_repeated() {
    let granted = ClientMetadata {
        skip_consent: true,
        audience: vec!["https://api.example".to_owned()],
        ..ClientMetadata::default()
    };
    let world = world();
    for members in [
        json!({ "redirect_uris": [CALLBACK] }),
        json!({ "redirect_uris": [CALLBACK], "skip_consent": true, "audience": ["https://api.example"] }),
    ] {
        let members = members.as_object().unwrap().clone();
        let client = validate(&members, &granted, &world.deployment()).unwrap();
        assert!(client.skip_consent && client.audience == granted.audience);
    }
}

#[test]
fn a_body_is_one_small_strict_object() {
    let deep = format!("{{\"jwks\":{}{}}}", "[".repeat(20), "]".repeat(20));
    for body in ["", "[]", "{", "{\"a\":1,\"a\":2}", "\"x\"", deep.as_str(), &" ".repeat(LONGEST + 1)] {
        assert_eq!(parse(body.as_bytes()).unwrap_err().member, "body", "{}", body.len());
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_registered_or_refused(
        member in proptest::sample::select(names().collect::<Vec<_>>()),
        text in ".{0,40}", number in any::<i64>(), shape in 0..6,
    ) {
        let value = match shape {
            0 => json!(text), 1 => json!([text]), 2 => json!(number), 3 => json!({ text: [number] }), 4 => json!([[number]]), _ => json!(true),
        };
        let mut members = json!({ "redirect_uris": [CALLBACK] });
        members[member] = value;
        if let Ok(client) = world().register(members) {
            // What was let through is fit to be registered again.
            prop_assert_eq!(world().register(serde_json::to_value(&client).unwrap()).unwrap(), client);
        }
    }
}

proptest! {
    /// Keys are kept as they were registered, whatever else stands in them: a number is the same after it was written
    /// and read, to the last bit.
    #[test]
    fn numbers_among_a_clients_keys_are_kept(number in any::<f64>().prop_filter("a JSON number", |it| it.is_finite())) {
        let text = format!(r#"{{"jwks":{{"keys":[],"x":{number:e}}}}}"#);
        let read: ClientMetadata = serde_json::from_str(&text).unwrap();
        let again: ClientMetadata = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
        prop_assert_eq!(again.jwks.as_ref().and_then(|keys| keys["x"].as_f64()), Some(number));
        prop_assert_eq!(again, read);
    }
}
