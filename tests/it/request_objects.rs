//! Request objects (OpenID Connect Core §6, RFC 9101), by value, by reference, and pushed.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use stepgate_core::jose::{PrivateKey, SigningAlgorithm};
use stepgate_tests::{RelyingParty, Started, logged_in, on_each_backend, on_each_backend_with};

const JAR: &str = "oauth-authz-req+jwt";

fn key(algorithm: SigningAlgorithm) -> PrivateKey {
    PrivateKey::from_pkcs8(algorithm, &PrivateKey::generate_pkcs8(algorithm).unwrap()).unwrap()
}

fn jwks(keys: &[&PrivateKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| json!(key.public_jwk())).collect::<Vec<_>>() })
}

/// A request as claims, with changes; a null takes one out.
fn claims(started: &Started, changes: Value) -> Value {
    let mut claims = started.claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

fn by_value(rp: &RelyingParty, object: &str) -> String {
    rp.authorize(&[("client_id", &rp.client_id), ("request", object)])
}

#[tokio::test]
async fn a_signed_object_is_the_request() {
    on_each_backend(|world| async move {
        for algorithm in SigningAlgorithm::ALL {
            let key = key(*algorithm);
            let id = format!("signing-{}", algorithm.as_str().to_lowercase());
            let rp = world.partner(&id, json!({ "jwks": jwks(&[&key]) })).await;
            let mut browser = logged_in(&world, "alice").await;
            let started = rp.start(&[]);
            let now = stepgate::cx::Clock::default().now().unix_seconds();
            let times = json!({ "iss": id, "aud": world.issuer, "exp": now + 300, "nbf": now - 5, "iat": now });
            let object = key.sign(JAR, &claims(&started, times)).unwrap();
            // By value and pushed; what stands beside it counts for nothing.
            browser.open(&format!("{}&state=x&scope=openid+evil&prompt=login", by_value(&rp, &object))).await;
            let login = rp.finish(&started, &browser.page).await;
            assert_eq!(login.claims["nonce"], started.claims()["nonce"]);
            let answer = rp.post("/par", &[("request", &object), ("state", "x")]).send().await.unwrap();
            assert_eq!(answer.status(), 201);
            let answer: Value = answer.json().await.unwrap();
            let uri = answer["request_uri"].as_str().unwrap();
            browser.open(&rp.authorize(&[("client_id", &rp.client_id), ("request_uri", uri)])).await;
            rp.finish(&started, &browser.page).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_object_is_told_to_the_client_where_the_way_back_is_known() {
    on_each_backend(|world| async move {
        let (ours, others) = (key(SigningAlgorithm::Es256), key(SigningAlgorithm::Es256));
        let rp =
            world.partner("signing", json!({ "jwks": jwks(&[&ours]), "request_object_signing_alg": "ES256" })).await;
        let (mut browser, started) = (logged_in(&world, "alice").await, rp.start(&[]));
        let good = |changes: Value| ours.sign("JWT", &claims(&started, changes)).unwrap();
        let bad = [
            others.sign("JWT", &claims(&started, json!({}))).unwrap(),
            unsigned(&claims(&started, json!({}))),
            good(json!({ "aud": "https://elsewhere.example" })),
            good(json!({ "iss": "demo-local" })),
            good(json!({ "client_id": "demo-local" })),
            good(json!({ "response_type": "id_token" })),
            good(json!({ "exp": 1_000_000_000 })),
            good(json!({ "nbf": 4_000_000_000_i64 })),
            good(json!({ "request_uri": "https://rp.example/" })),
            good(json!({ "request": "e30.e30." })),
            "not a token".to_owned(),
        ];
        for object in &bad {
            let (address, _) = started.url.split_once("&code_challenge=").unwrap();
            let page = browser.open(&format!("{address}&request={}", object.replace(' ', "+"))).await.clone();
            assert_eq!(rp.error(&started, &page), "invalid_request_object", "{object}");
            assert!(page.parameter("error_description").unwrap().starts_with("request: "));
            // Without a redirect URI beside it there is no way back.
            let page = browser.open(&format!("{}&response_type=code", by_value(&rp, object))).await;
            assert_eq!((page.name(), page.status.as_u16()), ("error", 400), "{object}");
            assert!(page.words().contains("invalid_request_object"), "{}", page.words());
        }
        // Inside, only a registered redirect URI counts, too; and what is wrong inside is told there.
        let page = browser.open(&by_value(&rp, &good(json!({ "redirect_uri": "https://evil.example/" })))).await;
        assert_eq!((page.name(), page.status.as_u16()), ("error", 400));
        browser.open(&by_value(&rp, &good(json!({ "response_type": "id_token", "max_age": -1 })))).await;
        assert_eq!(rp.error(&started, &browser.page), "invalid_request");
        assert_eq!(browser.page.url.query(), None, "an error of a fragment flow");
        // Both ways at once.
        let both = format!("{}&request_uri=https://rp.example/", by_value(&rp, &good(json!({}))));
        assert_eq!(browser.open(&both).await.name(), "error");
        // The good one, beside other values: it wins, redirect URI included.
        let object = good(json!({ "max_age": 10_000, "claims": { "userinfo": { "name": null } } }));
        let beside = format!("{}&state=x&redirect_uri=https://evil.example/", by_value(&rp, &object));
        browser.open(&beside).await;
        rp.finish(&started, &browser.page).await;
    })
    .await;
}

#[tokio::test]
async fn unsigned_objects_are_for_the_deployment_to_allow() {
    let off = [("STEPGATE__AUTHORIZATION__UNSIGNED_REQUEST_OBJECTS", "false")];
    for settings in [&off[..], &[]] {
        on_each_backend_with(settings, |world| async move {
            let (rp, mut browser) = (world.relying_party().await, logged_in(&world, "alice").await);
            let strict = world.partner("strict", json!({ "require_signed_request_object": true })).await;
            let started = rp.start(&[]);
            // As OpenID Connect Core has it: what the object does not say may stand beside it.
            let object = unsigned(&claims(&started, json!({ "nonce": null, "redirect_uri": rp.redirect })));
            let nonce = started.claims()["nonce"].as_str().unwrap().to_owned();
            browser.open(&format!("{}&redirect_uri={}&nonce={nonce}", by_value(&rp, &object), rp.redirect)).await;
            if settings.is_empty() {
                rp.finish(&started, &browser.page).await;
            } else {
                assert_eq!(browser.page.parameter("error").as_deref(), Some("invalid_request_object"));
            }
            let metadata: Value = reqwest::get(format!("{}/.well-known/openid-configuration", world.issuer))
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let algorithms = metadata["request_object_signing_alg_values_supported"].as_array().unwrap();
            assert_eq!(algorithms.contains(&json!("none")), settings.is_empty());
            // Who registered to sign must, whatever the deployment allows: no object, or an unsigned one, will not do.
            let started = strict.start(&[]);
            browser.open(&started.url).await;
            assert_eq!(strict.error(&started, &browser.page), "invalid_request");
            browser.open(&format!("{}&request={}", started.url, unsigned(&started.claims()))).await;
            assert_eq!(strict.error(&started, &browser.page), "invalid_request_object");
        })
        .await;
    }
}

/// A host of request objects: what it serves, by path.
async fn host(object: Arc<Mutex<String>>) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new()
        .route("/object", get(async move || object.lock().unwrap().clone()))
        .route("/long", get(async || "a".repeat(20_000)))
        .route("/gone", get(async || StatusCode::NOT_FOUND))
        .route("/away", get(async || axum::response::Redirect::to("/object")));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

#[tokio::test]
async fn a_registered_reference_is_fetched_without_its_fragment() {
    on_each_backend_with(&[("STEPGATE__OUTBOUND__ALLOW", r#"["127.0.0.1/32"]"#)], |world| async move {
        let (key, object) = (key(SigningAlgorithm::Rs256), Arc::new(Mutex::new(String::new())));
        let host = host(Arc::clone(&object)).await;
        // The fragment looks like the hash of the content, and is that of something else.
        let fragment = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        let mut uris: Vec<String> = ["gone", "long", "away", "nowhere"].map(|path| format!("{host}/{path}")).to_vec();
        uris.push(format!("{host}/object#{fragment}"));
        uris.push("https://10.0.0.1/object".to_owned());
        uris.push("http://localhost.evil.example/object".to_owned());
        let rp = world.partner("remote", json!({ "jwks": jwks(&[&key]), "request_uris": uris })).await;
        let mut browser = logged_in(&world, "alice").await;
        let by_reference = |uri: &str| rp.authorize(&[("client_id", &rp.client_id), ("request_uri", uri)]);
        for typ in [JAR, "JWT", ""] {
            let started = rp.start(&[]);
            let request = claims(&started, json!({ "iss": "remote", "aud": world.issuer }));
            *object.lock().unwrap() =
                if typ.is_empty() { unsigned(&request) } else { key.sign(typ, &request).unwrap() };
            browser.open(&by_reference(&format!("{host}/object#{fragment}"))).await;
            rp.finish(&started, &browser.page).await;
        }
        let unregistered = [format!("{host}/object"), format!("{host}/object#other"), format!("{host}/elsewhere")];
        let faulty: Vec<String> = uris.iter().filter(|uri| !uri.contains('#')).cloned().collect();
        for uri in unregistered.iter().chain(&faulty) {
            let page = browser.open(&by_reference(uri)).await;
            assert_eq!((page.name(), page.status.as_u16()), ("error", 400), "{uri}");
            assert!(page.words().contains("invalid_request_uri"), "{uri}: {}", page.words());
            let started = rp.start(&[("request_uri", uri)]);
            browser.open(&started.url).await;
            assert_eq!(rp.error(&started, &browser.page), "invalid_request_uri", "{uri}");
        }
        *object.lock().unwrap() = "<html>".to_owned();
        let started = rp.start(&[("request_uri", &format!("{host}/object#{fragment}"))]);
        browser.open(&started.url).await;
        assert_eq!(rp.error(&started, &browser.page), "invalid_request_object");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_fetched_from_who_is_not_on_the_public_internet() {
    on_each_backend(|world| async move {
        let object = Arc::new(Mutex::new(String::new()));
        let uri = format!("{}/object", host(Arc::clone(&object)).await);
        let rp = world.partner("remote", json!({ "request_uris": [uri] })).await;
        let started = rp.start(&[("request_uri", &uri)]);
        *object.lock().unwrap() = unsigned(&started.claims());
        let mut browser = logged_in(&world, "alice").await;
        browser.open(&started.url).await;
        assert_eq!(rp.error(&started, &browser.page), "invalid_request_uri");
    })
    .await;
}

/// Whichever way a request comes, it can only ask for more than the client's floor.
#[tokio::test]
async fn no_request_lowers_the_floor_of_its_client() {
    on_each_backend(|world| async move {
        let (otp, password) = ("urn:stepgate:acr:otp", "urn:stepgate:acr:password");
        let key = key(SigningAlgorithm::Es256);
        let metadata = json!({ "jwks": jwks(&[&key]), "required_acr": [otp], "acr_values_voluntary": true });
        let rp = world.partner("careful", metadata).await;
        let essential = json!({ "id_token": { "acr": { "essential": true, "value": password } } }).to_string();
        for asking in [
            &[("acr_values", password)][..],
            &[("claims", essential.as_str())],
            &[("acr_values", "unknown"), ("max_age", "99999999")],
            &[("claims", r#"{"id_token":{"acr":null}}"#), ("acr_values", "")],
        ] {
            let started = rp.start(asking);
            let signed = key.sign(JAR, &started.claims()).unwrap();
            let (status, pushed) = rp.push(&started, &[]).await;
            assert_eq!(status, 201, "{pushed}");
            let uri = pushed["request_uri"].as_str().unwrap();
            let weakened =
                format!("{}&acr_values={password}", by_value(&rp, &key.sign("JWT", &started.claims()).unwrap()));
            let ways = [
                ("in the clear", started.url.clone()),
                ("unsigned", by_value(&rp, &unsigned(&started.claims()))),
                ("signed", by_value(&rp, &signed)),
                ("signed, and changed on the way", weakened),
                ("pushed", rp.authorize(&[("client_id", &rp.client_id), ("request_uri", uri)])),
            ];
            for (way, url) in ways {
                let mut browser = logged_in(&world, "alice").await;
                assert_eq!(browser.open(&url).await.name(), "requirements-not-met", "{way} {asking:?}");
                let mut browser = world.browser();
                browser.open(&url).await;
                browser.log_in("dave").await;
                assert_eq!(browser.page.name(), "factor", "{way} {asking:?}: {}", browser.page.words());
                assert!(!browser.page.has("skip-otp"), "{way} {asking:?}");
            }
            // More than the floor is asked for as well in the clear.
            let mut browser = logged_in(&world, "dave").await;
            let more = rp.start(&[("prompt", "login")]);
            assert_eq!(browser.open(&more.url).await.name(), "password");
        }
    })
    .await;
}
