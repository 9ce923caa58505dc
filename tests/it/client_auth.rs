//! How clients prove who they are: each by the method that it registered, with keys and secrets that change.

use std::sync::Arc;

use serde_json::{Value, json};
use stepgate_tests::{ASSERTION_TYPE, Backend, ClientKey, Publisher, RelyingParty, World, mac, on_each_backend};
use tokio::sync::Barrier;

const LOOPBACK: (&str, &str) = ("STEPGATE__OUTBOUND__ALLOW", "[\"127.0.0.1\"]");
const SERVICE: &[(&str, &str)] = &[("grant_type", "client_credentials")];

fn service(method: &str) -> Value {
    json!({ "token_endpoint_auth_method": method, "grant_types": ["client_credentials"], "redirect_uris": [] })
}

/// The error of a token request with this assertion; `null` when it is believed.
async fn shown(rp: &RelyingParty, assertion: &str) -> Value {
    let fields = [SERVICE[0], ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
    let answer = rp.http.post(url(rp, "/token")).form(&fields).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status == 200, body["error"].is_null(), "{body}");
    body["error"].clone()
}

fn url(rp: &RelyingParty, path: &str) -> String {
    let uri = rp.registration["registration_client_uri"].as_str().unwrap();
    format!("{}{path}", uri.split("/register/").next().unwrap())
}

#[tokio::test]
async fn every_method_works_at_every_endpoint_and_no_other_in_its_place() {
    on_each_backend(|world| async move {
        let key = ClientKey::new(Some("k1"));
        let mut clients = Vec::new();
        for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"] {
            let mut metadata = service(method);
            if method == "private_key_jwt" {
                metadata["jwks"] = key.jwks();
            }
            let mut rp = RelyingParty::register(&world, metadata).await;
            assert_eq!(rp.registration.get("client_secret").is_some(), method != "private_key_jwt", "{method}");
            rp.key = (method == "private_key_jwt").then(|| key.clone());
            let (status, tokens) = rp.token(SERVICE).await;
            assert_eq!(status, 200, "{method}: {tokens}");
            let token = tokens["access_token"].as_str().unwrap();
            assert_eq!(rp.introspect(token).await["active"], true, "{method}");
            assert_eq!(rp.post("/revoke", &[("token", token)]).send().await.unwrap().status(), 200, "{method}");
            assert_eq!(rp.introspect(token).await["active"], false, "{method}");
            clients.push(rp);
        }
        let [_, post, shared, private] = clients.try_into().ok().unwrap();
        // The secret of a stronger method is not taken in the clear, nor a weaker secret for a MAC.
        let secret = shared.registration["client_secret"].as_str().unwrap();
        let basic = shared.http.post(url(&shared, "/token")).basic_auth(&shared.client_id, Some(secret)).form(SERVICE);
        let refused = basic.send().await.unwrap();
        assert_eq!(refused.status(), 401);
        assert!(refused.headers().contains_key("www-authenticate"));
        assert_eq!(shown(&post, &post.assertion(&json!({}))).await, "invalid_client");
        assert_eq!(shown(&private, &mac("HS256", &key.jwk().to_string(), &json!({ "iss": private.client_id }))).await, "invalid_client");
        // A method without a secret registered leaves nothing to try.
        let fields = [SERVICE[0], ("client_id", private.client_id.as_str())];
        assert_eq!(private.http.post(url(&private, "/token")).form(&fields).send().await.unwrap().status(), 401);
        // All MACs, but where one was named only that.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let claims = |rp: &RelyingParty, jti: &str| json!({ "iss": rp.client_id, "sub": rp.client_id, "aud": world.issuer, "exp": now + 600, "jti": jti });
        for algorithm in ["HS256", "HS384", "HS512"] {
            assert_eq!(shown(&shared, &mac(algorithm, secret, &claims(&shared, algorithm))).await, Value::Null);
        }
        let mut pinned = service("client_secret_jwt");
        pinned["token_endpoint_auth_signing_alg"] = json!("HS512");
        let pinned = RelyingParty::register(&world, pinned).await;
        let secret = pinned.registration["client_secret"].as_str().unwrap();
        assert_eq!(shown(&pinned, &mac("HS256", secret, &claims(&pinned, "a"))).await, "invalid_client");
        assert_eq!(shown(&pinned, &mac("HS512", secret, &claims(&pinned, "a"))).await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn t21_an_assertion_is_for_this_provider_fresh_and_used_once() {
    on_each_backend(|world| async move {
        let key = ClientKey::new(None);
        let mut clients = Vec::new();
        for audience in ["endpoint", "issuer"] {
            let mut metadata = service("private_key_jwt");
            metadata["jwks"] = key.jwks();
            metadata["assertion_audience"] = json!(audience);
            let mut rp = RelyingParty::register(&world, metadata).await;
            rp.key = Some(key.clone());
            clients.push(rp);
        }
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let (issuer, at) = (world.issuer.clone(), |path: &str| format!("{}{path}", world.issuer));
        // Who is named, and whether either profile takes it.
        let audiences = [
            (json!(issuer), true, true),
            (json!([issuer]), true, false),
            (json!(["https://other.example", issuer]), true, false),
            (json!(at("/token")), true, false),
            (json!(at("/introspect")), true, false),
            (json!(at("/authorize")), false, false),
            (json!(at("/")), false, false),
            (json!("https://other.example"), false, false),
            (Value::Null, false, false),
        ];
        for (audience, endpoint, only_issuer) in audiences {
            for (rp, taken) in clients.iter().zip([endpoint, only_issuer]) {
                let error = shown(rp, &rp.assertion(&json!({ "aud": audience }))).await;
                assert_eq!(error.is_null(), taken, "{audience}");
            }
        }
        let rp = &clients[0];
        for bad in [
            json!({ "exp": now - 120 }),
            json!({ "exp": now + 9000 }),
            json!({ "exp": null }),
            json!({ "nbf": now + 600 }),
            json!({ "sub": "another" }),
            json!({ "jti": null }),
            json!({ "jti": "" }),
        ] {
            assert_eq!(shown(rp, &rp.assertion(&bad)).await, "invalid_client", "{bad}");
        }
        // Shown many times at the same moment, to all nodes and endpoints: believed once.
        let assertion = rp.assertion(&json!({}));
        let barrier = Arc::new(Barrier::new(8));
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let path = if number % 2 == 0 { "/introspect" } else { "/revoke" };
                let fields =
                    [("token", "x"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)];
                let (barrier, request) = (Arc::clone(&barrier), rp.http.post(url(rp, path)).form(&fields));
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().status().as_u16()
                })
            })
            .collect();
        let mut believed = 0;
        for task in tasks {
            believed += usize::from(task.await.unwrap() == 200);
        }
        assert_eq!(believed, 1);
    })
    .await;
}

#[tokio::test]
async fn served_keys_are_fetched_when_a_new_one_appears_and_not_more_often() {
    let world = World::start_with(Backend::Sqlite, &[LOOPBACK]).await;
    let publisher = Publisher::start().await;
    let mut key = ClientKey::new(Some("k1"));
    let mut metadata = service("private_key_jwt");
    metadata["jwks_uri"] = json!(publisher.serve("jwks", key.jwks()));
    let mut rp = RelyingParty::register(&world, metadata).await;
    // Many at once share one fetch.
    let barrier = Arc::new(Barrier::new(8));
    rp.key = Some(key.clone());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (barrier, rp) = (Arc::clone(&barrier), rp.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                rp.token(SERVICE).await.0
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(publisher.asked("jwks"), 1);
    // Unknown keys ask the host once in five seconds, whatever is shown.
    let stranger = ClientKey::new(Some("unknown"));
    world.advance(10).await;
    for _ in 0..5 {
        rp.key = Some(stranger.clone());
        assert_eq!(rp.token(SERVICE).await.0, 401);
        rp.key = Some(key.clone());
        assert_eq!(rp.token(SERVICE).await.0, 200);
    }
    assert_eq!(publisher.asked("jwks"), 2);
    // A new key is found at once; the old one is gone with it.
    let old = std::mem::replace(&mut key, ClientKey::new(Some("k2")));
    publisher.serve("jwks", key.jwks());
    world.advance(10).await;
    rp.key = Some(key.clone());
    assert_eq!(rp.token(SERVICE).await.0, 200);
    assert_eq!(publisher.asked("jwks"), 3);
    rp.key = Some(old);
    assert_eq!(rp.token(SERVICE).await.0, 401);
    // Keys without a name: a signature that does not fit asks again.
    key = ClientKey::new(None);
    publisher.serve("jwks", key.jwks());
    world.advance(10).await;
    rp.key = Some(key.clone());
    assert_eq!(rp.token(SERVICE).await.0, 200);
    key = ClientKey::new(None);
    publisher.serve("jwks", key.jwks());
    rp.key = Some(key.clone());
    assert_eq!(rp.token(SERVICE).await.0, 401, "within five seconds of the last fetch");
    world.advance(10).await;
    assert_eq!(rp.token(SERVICE).await.0, 200);
    // A host that is down for a while costs nothing; a private key in the set, everything.
    publisher.withdraw("jwks");
    world.advance(700).await;
    rp.ahead = 740;
    assert_eq!(rp.token(SERVICE).await.0, 200);
    let mut leaked = key.jwk();
    leaked["d"] = json!("AAAA");
    publisher.serve("jwks", json!({ "keys": [leaked] }));
    world.advance(3600).await;
    rp.ahead = 4340;
    assert_eq!(rp.token(SERVICE).await.0, 401);
    publisher.serve("jwks", key.jwks());
    world.advance(10).await;
    assert_eq!(rp.token(SERVICE).await.0, 200);
}

#[tokio::test]
async fn secrets_overlap_while_one_is_replaced() {
    on_each_backend(|world| async move {
        let ahead = std::cell::Cell::new(0);
        for method in ["client_secret_basic", "client_secret_jwt"] {
            let mut rp = RelyingParty::register(&world, service(method)).await;
            let id = rp.client_id.clone();
            let run = |arguments: &[&str]| {
                let (done, said) = world.operate(&[&["client", "secret"], arguments, &["--json"]].concat());
                (done, serde_json::from_str::<Value>(&said).unwrap_or(json!(said)))
            };
            let (done, new) = run(&["add", &id]);
            assert!(done, "{new}");
            let mut answer = rp.registration.clone();
            answer["client_secret"] = new["client_secret"].clone();
            let mut renewed = RelyingParty::of_registration(&world.issuer, answer).await;
            // What the old and the new secret are worth so much later.
            let mut later = async |seconds: u64| {
                world.advance(seconds).await;
                ahead.set(ahead.get() + seconds);
                (rp.ahead, renewed.ahead) = (ahead.get(), ahead.get());
                (rp.token(SERVICE).await.0.as_u16(), renewed.token(SERVICE).await.0.as_u16())
            };
            // A running provider takes it within a minute.
            assert_eq!(later(61).await, (200, 200), "{method}");
            let (_, listed) = run(&["list", &id]);
            let listed: Vec<_> = listed.as_array().unwrap().iter().map(|secret| secret["secret"].clone()).collect();
            assert_eq!(listed.len(), 2);
            let old = listed.iter().find(|name| **name != new["secret"]).unwrap().as_str().unwrap();
            // The old one ends at its time, by the clock of the command.
            let hours = (ahead.get() / 3600 + 1).to_string();
            assert!(run(&["expire", &id, old, "--hours", &hours]).0);
            assert_eq!(later(61).await, (200, 200), "{method}");
            assert_eq!(later(3600).await, (401, 200), "{method}");
            // Five at most, of those that count.
            for _ in 0..5 {
                run(&["add", &id]);
            }
            let (done, said) = run(&["add", &id]);
            assert!(!done && said.to_string().contains("expire or remove one"), "{said}");
            assert!(run(&["remove", &id, old]).0);
            assert!(!run(&["remove", &id, old]).0);
        }
    })
    .await;
}
