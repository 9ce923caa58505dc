//! Answers that are signed and encrypted as a client registered, opened with its keys.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stepgate_core::jose::{
    self, ContentEncryption, DecryptionKey, JwkSet, KeyManagement, PrivateKey, PublicKeys, SigningAlgorithm,
    VerifyRules,
};
use stepgate_core::secret::SecretBytes;
use stepgate_tests::{Page, RelyingParty, Started, World, on_each_backend};

const REDIRECT: &str = "http://127.0.0.1/callback";

/// A client's keys: their public halves to register, their private ones to open with.
struct Keys {
    own: Vec<DecryptionKey>,
    jwks: Value,
}

impl Keys {
    fn new() -> Self {
        let pkcs8 = DecryptionKey::generate_rsa_pkcs8().unwrap();
        let rsa = PrivateKey::from_pkcs8(SigningAlgorithm::Rs256, &pkcs8).unwrap();
        let mut rsa = serde_json::to_value(rsa.public_jwk().clone().meant_for(Some("enc"), None)).unwrap();
        rsa["kid"] = json!("my-rsa");
        let ec = DecryptionKey::p256(Some("my-ec"), &SecretBytes::new(vec![7; 32])).unwrap();
        // A signing key of the same type comes first: it must not be encrypted to.
        let signing = PrivateKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
        let signing = PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &signing).unwrap();
        let jwks = json!({ "keys": [signing.public_jwk(), rsa, ec.p256_jwk().unwrap()] });
        Self { own: vec![DecryptionKey::rsa(Some("my-rsa"), &pkcs8).unwrap(), ec], jwks }
    }

    /// Opens a message that is for us, by the way that we registered, and says which of our keys it names.
    fn open(&self, token: &str, alg: KeyManagement, enc: ContentEncryption) -> (String, Option<String>) {
        assert_eq!(token.split('.').count(), 5, "not encrypted: {token}");
        let kid = if alg == KeyManagement::RsaOaep256 { "my-rsa" } else { "my-ec" };
        assert_eq!(header(token)["kid"], kid);
        let opened = jose::open(token, &self.own, (&[alg], &[enc])).unwrap();
        (String::from_utf8(opened.plain).unwrap(), opened.cty)
    }
}

fn header(token: &str) -> Value {
    let header = data_encoding::BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

/// What a token of the provider says, once its signature and type are right.
async fn verified(world: &World, token: &str, alg: SigningAlgorithm, typ: &str) -> Value {
    let keys: JwkSet = reqwest::get(format!("{}/jwks.json", world.issuer)).await.unwrap().json().await.unwrap();
    jose::verify::<Value>(token, &PublicKeys::new(&keys), &VerifyRules::typ(&[alg], &[typ])).unwrap().claims
}

async fn tokens(world: &World, rp: &RelyingParty, more: &[(&str, &str)]) -> (Started, Page, Value) {
    let (mut browser, started) = (world.browser(), rp.start(more));
    browser.open(&started.url).await;
    browser.log_in("alice").await;
    if browser.page.name() == "consent" {
        browser.submit(&[("decision", "allow")]).await;
    }
    let code = rp.code(&started, &browser.page);
    let (status, answer) = rp.token(&rp.exchange_fields(&started, &code)).await;
    assert_eq!(status, 200, "{answer}");
    (started, browser.page.clone(), answer)
}

#[tokio::test]
async fn every_answer_is_protected_as_it_was_registered() {
    on_each_backend(|world| async move {
        let keys = Keys::new();
        let ways = [
            (SigningAlgorithm::Rs256, KeyManagement::RsaOaep256, ContentEncryption::A128CbcHs256),
            (SigningAlgorithm::Es256, KeyManagement::EcdhEs, ContentEncryption::A256Gcm),
            (SigningAlgorithm::Ps256, KeyManagement::EcdhEsA128Kw, ContentEncryption::A256CbcHs512),
            (SigningAlgorithm::EdDsa, KeyManagement::EcdhEsA256Kw, ContentEncryption::A128Gcm),
        ];
        for (number, (sig, alg, enc)) in ways.into_iter().enumerate() {
            let id = format!("sealed-{number}");
            let mut metadata = json!({ "jwks": keys.jwks });
            for what in ["id_token", "userinfo", "introspection"] {
                metadata[format!("{what}_signed_response_alg")] = json!(sig);
                metadata[format!("{what}_encrypted_response_alg")] = json!(alg);
                // The default is left unsaid.
                if enc != ContentEncryption::default() {
                    metadata[format!("{what}_encrypted_response_enc")] = json!(enc);
                }
            }
            let secret = world.register_as(&id, metadata).await;
            let rp = RelyingParty::discover(&world.issuer, &id, secret.as_deref(), REDIRECT).await;
            let (_, _, answer) = tokens(&world, &rp, &[("nonce", "n")]).await;
            let (inner, cty) = keys.open(answer["id_token"].as_str().unwrap(), alg, enc);
            assert_eq!(cty.as_deref(), Some("JWT"));
            let id_token = verified(&world, &inner, sig, "JWT").await;
            assert_eq!((&id_token["aud"], &id_token["nonce"]), (&json!(id), &json!("n")), "{id_token}");
            let access_token = answer["access_token"].as_str().unwrap();
            assert_eq!(id_token["at_hash"], jose::left_half_hash(sig, access_token));

            let userinfo = rp.http.get(format!("{}/userinfo", world.issuer)).bearer_auth(access_token);
            let userinfo = userinfo.send().await.unwrap();
            assert_eq!(
                (userinfo.status().as_u16(), userinfo.headers()["content-type"].as_bytes()),
                (200, &b"application/jwt"[..])
            );
            let (inner, cty) = keys.open(&userinfo.text().await.unwrap(), alg, enc);
            let userinfo = verified(&world, &inner, sig, "JWT").await;
            assert_eq!((cty.as_deref(), &userinfo["sub"]), (Some("JWT"), &id_token["sub"]));
            assert_eq!((&userinfo["iss"], &userinfo["aud"]), (&json!(world.issuer), &json!(id)));
            assert_eq!(userinfo["email"], "alice@iron-builders.example");

            let worth = rp.post("/introspect", &[("token", access_token)]).send().await.unwrap();
            assert_eq!(worth.headers()["content-type"], "application/token-introspection+jwt");
            let (inner, _) = keys.open(&worth.text().await.unwrap(), alg, enc);
            let worth = verified(&world, &inner, sig, "token-introspection+jwt").await;
            assert_eq!((&worth["iss"], &worth["aud"]), (&json!(world.issuer), &json!(id)));
            assert_eq!(worth["token_introspection"]["active"], true, "{worth}");
            assert!(worth.get("sub").is_none() && worth.get("exp").is_none(), "it must not pass for a token: {worth}");
        }
    })
    .await;
}

#[tokio::test]
async fn encrypted_without_a_signature_and_signed_without_encryption() {
    on_each_backend(|world| async move {
        let keys = Keys::new();
        let changes = json!({ "jwks": keys.jwks, "userinfo_encrypted_response_alg": "ECDH-ES" });
        let secret = world.register_as("hidden", changes).await;
        let rp = RelyingParty::discover(&world.issuer, "hidden", secret.as_deref(), REDIRECT).await;
        let (_, _, answer) = tokens(&world, &rp, &[]).await;
        assert_eq!(answer["id_token"].as_str().unwrap().split('.').count(), 3);
        let access_token = answer["access_token"].as_str().unwrap();
        let userinfo = rp.http.get(format!("{}/userinfo", world.issuer)).bearer_auth(access_token);
        let userinfo = userinfo.send().await.unwrap().text().await.unwrap();
        let (plain, cty) = keys.open(&userinfo, KeyManagement::EcdhEs, ContentEncryption::A128CbcHs256);
        let plain: Value = serde_json::from_str(&plain).unwrap();
        assert_eq!((cty, &plain["email"]), (None, &json!("alice@iron-builders.example")));

        // RFC 9701: whoever asks for it gets a signed answer; a signed answer is no access token.
        let signed = "application/token-introspection+jwt";
        let ask = async |accept: &str, token: &str| {
            let answer = rp.post("/introspect", &[("token", token)]).header("accept", accept).send().await.unwrap();
            (answer.headers()["content-type"].to_str().unwrap().to_owned(), answer.text().await.unwrap())
        };
        for accept in ["application/json", "*/*", "application/jwt"] {
            assert_eq!(ask(accept, access_token).await.0, "application/json", "{accept}");
        }
        for accept in [signed, "application/json;q=0.5, Application/Token-Introspection+JWT;q=0.9"] {
            let (form, token) = ask(accept, access_token).await;
            assert_eq!(form, signed, "{accept}");
            let worth = verified(&world, &token, SigningAlgorithm::Rs256, "token-introspection+jwt").await;
            assert_eq!(worth["token_introspection"]["active"], true);
            assert_eq!(rp.userinfo(&token).await.0, 401);
            let (_, again) = ask(signed, &token).await;
            let worth = verified(&world, &again, SigningAlgorithm::Rs256, "token-introspection+jwt").await;
            assert_eq!(worth["token_introspection"], json!({ "active": false }));
        }
    })
    .await;
}

#[tokio::test]
async fn a_decrypted_id_token_is_a_hint_and_a_client_without_a_key_is_told() {
    on_each_backend(|world| async move {
        let keys = Keys::new();
        let changes = json!({ "jwks": keys.jwks, "id_token_encrypted_response_alg": "RSA-OAEP-256" });
        let secret = world.register_as("hinting", changes).await;
        let rp = RelyingParty::discover(&world.issuer, "hinting", secret.as_deref(), REDIRECT).await;
        let (mut browser, started) = (world.browser(), rp.start(&[]));
        browser.open(&started.url).await;
        browser.log_in("alice").await;
        browser.submit(&[("decision", "allow")]).await;
        let code = rp.code(&started, &browser.page);
        let (_, answer) = rp.token(&rp.exchange_fields(&started, &code)).await;
        let id_token = answer["id_token"].as_str().unwrap();
        let (hint, _) = keys.open(id_token, KeyManagement::RsaOaep256, ContentEncryption::A128CbcHs256);
        let again = rp.start(&[("prompt", "none"), ("id_token_hint", &hint)]);
        browser.open(&again.url).await;
        rp.code(&again, &browser.page);

        let keyless = json!({ "id_token_encrypted_response_alg": "ECDH-ES", "jwks": { "keys": [] } });
        let secret = world.register_as("keyless", keyless).await;
        let rp = RelyingParty::discover(&world.issuer, "keyless", secret.as_deref(), REDIRECT).await;
        let (mut browser, started) = (world.browser(), rp.start(&[]));
        browser.open(&started.url).await;
        browser.log_in("alice").await;
        browser.submit(&[("decision", "allow")]).await;
        let code = rp.code(&started, &browser.page);
        let (status, answer) = rp.token(&rp.exchange_fields(&started, &code)).await;
        assert_eq!((status.as_u16(), &answer["error"]), (400, &json!("invalid_request")), "{answer}");
        let said = answer["error_description"].as_str().unwrap();
        assert!(said.contains("id_token_encrypted_response_alg") && said.contains("use=enc"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn discovery_names_what_works() {
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let document = format!("{}/.well-known/openid-configuration", world.issuer);
    let document: Value = reqwest::get(document).await.unwrap().json().await.unwrap();
    let names = |name: &str| {
        let values = document[name].as_array().unwrap_or_else(|| panic!("{name}: {document}"));
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    for what in ["id_token", "userinfo", "introspection"] {
        let algs: BTreeSet<_> = KeyManagement::ALL.iter().map(ToString::to_string).collect();
        let encs: BTreeSet<_> = ContentEncryption::ALL.iter().map(ToString::to_string).collect();
        let sigs: BTreeSet<_> = SigningAlgorithm::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names(&format!("{what}_encryption_alg_values_supported")), algs);
        assert_eq!(names(&format!("{what}_encryption_enc_values_supported")), encs);
        assert_eq!(names(&format!("{what}_signing_alg_values_supported")), sigs);
    }
    // Plain HTTP on loopback: nobody's certificate is seen, and nothing is promised.
    assert_eq!(document["tls_client_certificate_bound_access_tokens"], false);
    assert!(!names("token_endpoint_auth_methods_supported").iter().any(|method| method.contains("tls")));
}
