//! Forged tokens over HTTP: as a client's proof, as a hint, as an access token. The whole corpus is in the core's tests.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use stepgate_core::jose::{PrivateKey, SigningAlgorithm};
use stepgate_tests::{RelyingParty, World, on_each_backend};

fn encode(value: &str) -> String {
    BASE64URL_NOPAD.encode(value.as_bytes())
}

/// Forgeries of a token: other headers over the same claims, with signatures that somebody once took.
fn forgeries(good: &str, kid: &str, public_key: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = good.split('.').collect();
    let (payload, signature) = (parts[1], parts[2]);
    let zeros = BASE64URL_NOPAD.encode(&[0; 64]);
    let mut forged = Vec::new();
    let mut add = |name: &str, header: Value, signature: &str| {
        forged.push((name.to_owned(), format!("{}.{payload}.{signature}", encode(&header.to_string()))));
    };
    for alg in ["none", "None", "nOnE"] {
        add(alg, json!({ "alg": alg }), "");
        add(alg, json!({ "alg": alg, "kid": kid }), signature);
    }
    for (name, header) in [
        ("r = s = 0", json!({ "alg": "ES256", "kid": kid })),
        ("crit", json!({ "alg": "ES256", "kid": kid, "crit": ["exp"], "exp": 1 })),
        ("b64", json!({ "alg": "ES256", "kid": kid, "b64": false, "crit": ["b64"] })),
        ("jku", json!({ "alg": "ES256", "kid": "x", "jku": "https://attacker.example/jwks" })),
        ("kid", json!({ "alg": "ES256", "kid": "' OR 1=1; DROP TABLE clients; --" })),
        ("kid", json!({ "alg": "ES256", "kid": "../../../../dev/null" })),
        ("another type", json!({ "alg": "RS256", "kid": kid })),
        ("giant", json!({ "alg": "ES256", "kid": "k".repeat(6_000) })),
    ] {
        add(name, header, &zeros);
    }
    let signed = format!("{}.{payload}", encode(&json!({ "alg": "HS256", "kid": kid }).to_string()));
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public_key.as_bytes());
    let mac = BASE64URL_NOPAD.encode(aws_lc_rs::hmac::sign(&mac, signed.as_bytes()).as_ref());
    forged.push(("HS256 with the public key".to_owned(), format!("{signed}.{mac}")));
    forged.push(("twice".to_owned(), format!("{}.{payload}.{signature}", encode(r#"{"alg":"ES256","alg":"none"}"#))));
    let spellings = [format!("{good}."), format!("{good}="), format!(".{good}"), format!("{good}.{signature}")];
    forged.extend(spellings.into_iter().map(|token| ("spelling".to_owned(), token)));
    let encrypted = encode(r#"{"alg":"dir","enc":"A128GCM"}"#);
    forged
        .push(("encrypted to nobody".to_owned(), format!("{encrypted}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA")));
    forged
}

#[tokio::test]
async fn no_forged_assertion_is_a_client() {
    on_each_backend(|world| async move {
        let pkcs8 = PrivateKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
        let key = PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).unwrap();
        let changes = json!({
            "jwks": { "keys": [key.public_jwk()] },
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["client_credentials"],
            "scope": "orders",
        });
        world.register_as("asserting", changes).await;
        let rp = RelyingParty::discover(&world.issuer, "asserting", None, "http://127.0.0.1/callback").await;
        let send = async |assertion: &str| {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            rp.token(&[
                ("grant_type", "client_credentials"),
                ("client_assertion_type", kind),
                ("client_assertion", assertion),
            ])
            .await
        };
        let now = stepgate::cx::Clock::default().now().unix_seconds();
        let good = |jti: &str| {
            let claims =
                json!({ "iss": "asserting", "sub": "asserting", "aud": world.issuer, "exp": now + 60, "jti": jti });
            key.sign("JWT", &claims).unwrap()
        };
        let public = serde_json::to_string(key.public_jwk()).unwrap();
        for (name, token) in forgeries(&good("forged"), key.kid(), &public) {
            let (status, answer) = send(&token).await;
            assert_eq!(answer["error"], "invalid_client", "{name}: {status} {answer}");
        }
        // The claims of one who brings a key along.
        let stranger = PrivateKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
        let stranger = PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &stranger).unwrap();
        let claims =
            json!({ "iss": "asserting", "sub": "asserting", "aud": world.issuer, "exp": now + 60, "jti": "j" });
        let brought = stranger.sign_with_embedded_jwk("JWT", &claims).unwrap();
        assert_eq!(send(&brought).await.1["error"], "invalid_client");
        let (status, answer) = send(&good("good")).await;
        assert_eq!(status, 200, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn no_forged_hint_or_access_token_is_believed() {
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let rp = world.relying_party().await;
    let (mut browser, started) = (world.browser(), rp.start(&[]));
    browser.open(&started.url).await;
    browser.log_in("alice").await;
    let login = rp.finish(&started, &browser.page).await;
    let keys = reqwest::get(format!("{}/jwks.json", world.issuer)).await.unwrap().text().await.unwrap();
    let kid = |token: &str| stepgate_core::jose::unverified_kid(token).unwrap();
    for (name, token) in forgeries(&login.access_token, &kid(&login.access_token), &keys) {
        if token.len() < 8000 {
            assert_eq!(rp.userinfo(&token).await.0, 401, "{name}");
        }
        assert_eq!(rp.introspect(&token).await, json!({ "active": false }), "{name}");
    }
    // An ID token is no access token.
    assert_eq!(rp.userinfo(&login.id_token).await.0, 401);
    for (name, token) in forgeries(&login.id_token, &kid(&login.id_token), &keys) {
        let started = rp.start(&[("prompt", "none"), ("id_token_hint", &token)]);
        if started.url.len() > 16_000 {
            continue;
        }
        browser.open(&started.url).await;
        let code = browser.page.parameter("code");
        assert!(code.is_none(), "{name}: {}", browser.page.url);
    }
}
