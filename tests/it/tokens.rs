//! Codes, tokens, and what becomes of them.

use serde_json::{Value, json};
use stepgate_core::jose::{PrivateKey, SigningAlgorithm};
use stepgate_tests::{Browser, Login, RelyingParty, World, on_each_backend};

async fn log_in(world: &World, rp: &RelyingParty, username: &str) -> (Browser, Login) {
    let (mut browser, started) = (world.browser(), rp.start(&[]));
    browser.open(&started.url).await;
    browser.log_in(username).await;
    if browser.page.name() == "factor" {
        browser.submit(&[("skip", "1")]).await;
    }
    if browser.page.name() == "consent" {
        browser.submit(&[("decision", "allow")]).await;
    }
    let login = rp.finish(&started, &browser.page).await;
    (browser, login)
}

#[tokio::test]
async fn a_code_is_for_one_client_one_request_and_one_use() {
    on_each_backend(|world| async move {
        let (rp, spa) = (world.relying_party().await, world.public_client().await);
        let (mut browser, _) = log_in(&world, &rp, "alice").await;
        let new_code = async |browser: &mut Browser| {
            let started = rp.start(&[]);
            browser.open(&started.url).await;
            let code = rp.code(&started, &browser.page);
            (started, code)
        };
        // The verifier missing, wrong, too short; the redirect URI another one; the client another one.
        let wrong = "x".repeat(43);
        let changes: [(&str, Option<&str>, &str); 5] = [
            ("code_verifier", None, "invalid_"),
            ("code_verifier", Some(&wrong), "invalid_grant"),
            ("code_verifier", Some("short"), "invalid_"),
            ("redirect_uri", Some("http://127.0.0.1/other"), "invalid_grant"),
            ("redirect_uri", None, "invalid_grant"),
        ];
        for (name, value, error) in changes {
            let (started, code) = new_code(&mut browser).await;
            let mut fields = rp.exchange_fields(&started, &code);
            fields.retain(|(known, _)| *known != name);
            fields.extend(value.map(|value| (name, value)));
            let (status, answer) = rp.token(&fields).await;
            assert_eq!(status, 400, "{name} {value:?}: {answer}");
            assert!(answer["error"].as_str().unwrap().starts_with(error), "{name} {value:?}: {answer}");
            assert!(answer["error_description"].as_str().unwrap().contains(name), "{answer}");
        }
        let (started, code) = new_code(&mut browser).await;
        let (status, answer) = spa.token(&rp.exchange_fields(&started, &code)).await;
        assert_eq!((status.as_u16(), &answer["error"]), (400, &json!("invalid_grant")), "another client's code");

        // Used twice: refused, and what it gave is worth nothing any more.
        let (started, code) = new_code(&mut browser).await;
        let (_, tokens) = rp.token(&rp.exchange_fields(&started, &code)).await;
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(rp.userinfo(access).await.0, 200);
        let (status, answer) = rp.token(&rp.exchange_fields(&started, &code)).await;
        assert_eq!((status.as_u16(), &answer["error"]), (400, &json!("invalid_grant")));
        assert_eq!(rp.userinfo(access).await.0, 401);
        assert_eq!(rp.introspect(access).await, json!({ "active": false }));

        // Sixty seconds and not one more.
        let (started, code) = new_code(&mut browser).await;
        world.advance(61).await;
        assert_eq!(rp.token(&rp.exchange_fields(&started, &code)).await.1["error"], "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_rotates_and_its_reuse_ends_the_family() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let (_, first) = log_in(&world, &rp, "alice").await;
        let second = rp.refresh(&first).await;
        assert_ne!(first.refresh_token, second.refresh_token);
        let use_again = async |login: &Login| {
            let token = login.refresh_token.as_deref().unwrap();
            rp.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await.1
        };
        // Narrower, never wider.
        let token = second.refresh_token.as_deref().unwrap();
        let wider = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid phone")];
        assert_eq!(rp.token(&wider).await.1["error"], "invalid_scope");
        let narrower = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid")];
        let (_, third) = rp.token(&narrower).await;
        assert_eq!(third["scope"], "openid");
        // A lost answer is given again within the grace; later the same is a theft.
        world.advance(5).await;
        let retried = use_again(&second).await;
        assert!(retried["refresh_token"].is_string(), "{retried}");
        world.advance(60).await;
        assert_eq!(use_again(&second).await["error"], "invalid_grant");
        let newest = retried["refresh_token"].as_str().unwrap();
        let last = rp.token(&[("grant_type", "refresh_token"), ("refresh_token", newest)]).await.1;
        assert_eq!(last["error"], "invalid_grant", "the family is revoked");
        assert_eq!(rp.introspect(&second.access_token).await, json!({ "active": false }));
    })
    .await;
}

#[tokio::test]
async fn tokens_end_with_revocation_and_with_the_session() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        for revoke_access in [true, false] {
            let (_, login) = log_in(&world, &rp, "alice").await;
            let refresh = login.refresh_token.clone().unwrap();
            let token = if revoke_access { &login.access_token } else { &refresh };
            for _ in 0..2 {
                assert_eq!(rp.post("/revoke", &[("token", token)]).send().await.unwrap().status(), 200);
            }
            assert_eq!(rp.introspect(&login.access_token).await, json!({ "active": false }));
            let again = rp.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await.1;
            assert_eq!(again["error"], "invalid_grant");
        }
        // A foreign client revokes nothing.
        let (mut browser, login) = log_in(&world, &rp, "alice").await;
        let spa = world.public_client().await;
        spa.post("/revoke", &[("token", &login.access_token)]).send().await.unwrap();
        assert_eq!(rp.introspect(&login.access_token).await["active"], true);
        // Logout with the hint: at once, with the state; the session and its tokens are over.
        let page = browser
            .open(&format!(
                "/logout?id_token_hint={}&post_logout_redirect_uri=http://127.0.0.1/&state=x%20y",
                login.id_token
            ))
            .await;
        assert_eq!((page.name(), page.url.as_str()), ("outside", "http://127.0.0.1/?state=x%20y"));
        assert_eq!(rp.introspect(&login.access_token).await, json!({ "active": false }));
        let started = rp.start(&[("prompt", "none")]);
        browser.open(&started.url).await;
        assert_eq!(rp.error(&started, &browser.page), "login_required");
        // Without a hint the person is asked; to an unregistered address nobody is sent.
        let (mut browser, login) = log_in(&world, &rp, "alice").await;
        assert_eq!(browser.open("/logout").await.name(), "logout-confirm");
        browser.submit(&[("decision", "logout")]).await;
        assert_eq!(browser.page.name(), "logged-out");
        let evil = format!("/logout?id_token_hint={}&post_logout_redirect_uri=https://evil.example/", login.id_token);
        assert_eq!(browser.open(&evil).await.name(), "error");
    })
    .await;
}

#[tokio::test]
async fn bad_requests_get_errors_that_name_the_parameter() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (world.relying_party().await, world.browser());
        // Nobody is sent to an address that is not registered.
        for redirect in
            ["https://evil.example/", "http://127.0.0.1/callback/../x", "http://127.0.0.1/callback?x=1", "//evil"]
        {
            let started = rp.start(&[("redirect_uri", redirect)]);
            let page = browser.open(&started.url).await;
            assert_eq!((page.name(), page.status.as_u16()), ("error", 400), "{redirect}");
        }
        let cases = [
            ("response_type", "none", "unsupported_response_type"),
            ("resource", "https://api.example", "invalid_target"),
            ("response_type", "", "invalid_request"),
            ("scope", "openid admin", "invalid_scope"),
            ("prompt", "none login", "invalid_request"),
            ("max_age", "-1", "invalid_request"),
            ("claims", "{", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("request", "e30.e30.", "invalid_request_object"),
            ("request_uri", "https://a.example/", "invalid_request_uri"),
            ("id_token_hint", "not.a.token", "invalid_request"),
        ];
        for (name, value, error) in cases {
            let started = rp.start(&[(name, value)]);
            browser.open(&started.url).await;
            if name == "scope" && browser.page.name() == "login" {
                // Unknown scopes may also be left out (OpenID Connect Core §3.1.2.1).
                continue;
            }
            assert_eq!(rp.error(&started, &browser.page), error, "{name}={value}");
            let description = browser.page.parameter("error_description").unwrap();
            assert!(description.contains(name), "{name}={value}: {description}");
        }
        // A public client needs PKCE.
        let spa = world.public_client().await;
        let started = spa.start(&[("code_challenge", ""), ("code_challenge_method", "")]);
        browser.open(&started.url).await;
        assert_eq!(spa.error(&started, &browser.page), "invalid_request");
        // Token endpoint.
        let token = async |fields: &[(&str, &str)]| -> (u16, Value) {
            let (status, answer) = rp.token(fields).await;
            (status.as_u16(), answer["error"].clone())
        };
        assert_eq!(token(&[]).await, (400, json!("invalid_request")));
        assert_eq!(token(&[("grant_type", "password")]).await, (400, json!("unsupported_grant_type")));
        assert_eq!(token(&[("grant_type", "authorization_code")]).await, (400, json!("invalid_request")));
        assert_eq!(token(&[("grant_type", "authorization_code"), ("code", "x")]).await, (400, json!("invalid_grant")));
        assert_eq!(
            token(&[("grant_type", "client_credentials"), ("scope", "openid")]).await,
            (400, json!("invalid_scope"))
        );
        let wrong = rp.http.post(format!("{}/token", world.issuer)).basic_auth("demo-local", Some("wrong"));
        let wrong = wrong.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
        assert_eq!(wrong.status(), 401);
        assert!(wrong.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
        let nothing = rp.http.get(format!("{}/userinfo", world.issuer)).send().await.unwrap();
        assert_eq!(nothing.status(), 401);
        let challenge = nothing.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer realm=\"stepgate\"") && !challenge.contains("error"), "{challenge}");
    })
    .await;
}

#[tokio::test]
async fn documents_modes_and_methods_are_as_published() {
    on_each_backend(|world| async move {
        let (rp, http) = (world.relying_party().await, reqwest::Client::new());
        let get = async |path: &str| http.get(format!("{}{path}", world.issuer)).send().await.unwrap();
        let metadata = get("/.well-known/openid-configuration").await;
        let etag = metadata.headers()["etag"].clone();
        let metadata: Value = metadata.json().await.unwrap();
        let rfc8414: Value = get("/.well-known/oauth-authorization-server").await.json().await.unwrap();
        assert_eq!(metadata, rfc8414);
        assert!(
            metadata["acr_values_supported"].as_array().unwrap().contains(&json!("urn:stepgate:acr:hardware-token"))
        );
        let again =
            http.get(format!("{}/.well-known/openid-configuration", world.issuer)).header("if-none-match", etag);
        assert_eq!(again.send().await.unwrap().status(), 304);
        let keys: Value = get("/jwks.json").await.json().await.unwrap();
        let algorithms: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| key["alg"].clone()).collect();
        assert_eq!(algorithms, ["RS256", "ES256", "EdDSA", "PS256"]);
        assert!(keys["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none() && key["use"] == "sig"));

        // The request by POST, the answer by a form.
        let (mut browser, _) = log_in(&world, &rp, "alice").await;
        let started = rp.start(&[("response_mode", "form_post")]);
        let page = browser.open(&started.url).await.clone();
        assert!(page.text.contains("action=\"http://127.0.0.1/callback\"") && page.text.contains("name=\"code\""));
        let (address, query) = started.url.split_once('?').unwrap();
        let posted =
            http.post(address).header("content-type", "application/x-www-form-urlencoded").body(query.to_owned());
        assert_eq!(posted.send().await.unwrap().url().path().split('/').nth(1), Some("interaction"));

        // Userinfo three ways; a service token is not a person.
        let (_, login) = log_in(&world, &rp, "alice").await;
        let url = format!("{}/userinfo", world.issuer);
        for request in [
            http.get(&url).bearer_auth(&login.access_token),
            http.get(&url).header("authorization", format!("bEaReR {}", login.access_token)),
            http.post(&url).bearer_auth(&login.access_token),
            http.post(&url).form(&[("access_token", &login.access_token)]),
        ] {
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["email"], "alice@iron-builders.example");
        }
        let (_, service) = rp.token(&[("grant_type", "client_credentials"), ("scope", "orders")]).await;
        let service = service["access_token"].as_str().unwrap();
        assert_eq!(rp.userinfo(service).await.0, 403);
        assert_eq!(rp.introspect(service).await["sub"], "demo-local");

        // RFC 9068.
        let part = |number| {
            let part = login.access_token.split('.').nth(number).unwrap();
            serde_json::from_slice::<Value>(&data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
        };
        let (header, claims) = (part(0), part(1));
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("RS256")));
        for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "auth_time", "acr", "scope"] {
            assert!(claims.get(name).is_some(), "{name} is missing in {claims}");
        }
        assert_eq!((&claims["client_id"], &claims["iss"]), (&json!("demo-local"), &json!(world.issuer)));

        // The public client: PKCE in place of a secret.
        let spa = world.public_client().await;
        let (_, login) = log_in(&world, &spa, "alice").await;
        assert_eq!(login.claims["aud"], "demo-spa");
    })
    .await;
}

/// A client's key: a file with the public half for the operator, and assertions signed with the private one.
struct ClientKey(PrivateKey);

impl ClientKey {
    fn new() -> Self {
        let pkcs8 = PrivateKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
        Self(PrivateKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).unwrap())
    }

    fn file(&self) -> std::path::PathBuf {
        let file = std::env::temp_dir().join(format!("stepgate-test-{}.jwks", self.0.kid()));
        std::fs::write(&file, json!({ "keys": [self.0.public_jwk()] }).to_string()).unwrap();
        file
    }

    /// What a good assertion says, with these changes.
    fn assertion(&self, client: &str, issuer: &str, changes: Value) -> String {
        let now = stepgate::cx::Clock::default().now().unix_seconds();
        let jti = stepgate_core::entropy::random_token(&stepgate::cx::OsEntropy);
        let mut claims =
            json!({ "iss": client, "sub": client, "aud": issuer, "iat": now, "exp": now + 60, "jti": jti });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.0.sign("JWT", &claims).unwrap()
    }
}

#[tokio::test]
async fn a_client_with_a_key_authenticates_by_it_and_each_assertion_counts_once() {
    on_each_backend(|world| async move {
        let (key, stranger) = (ClientKey::new(), ClientKey::new());
        let (file, redirect) = (key.file(), "http://127.0.0.1/callback");
        let add =
            ["client", "add", "--id", "keyed", "--name", "Keyed", "--partner", "Acme", "--redirect-uri", redirect];
        let (done, said) = world.operate(&[&add[..], &["--jwks", file.to_str().unwrap()]].concat());
        assert!(done, "{said}");
        std::fs::remove_file(&file).unwrap();

        let rp = RelyingParty::discover(&world.issuer, "keyed", None, redirect).await;
        let (mut browser, started) = (world.browser(), rp.start(&[]));
        browser.open(&started.url).await;
        browser.log_in("erin").await;
        if browser.page.name() == "factor" {
            browser.submit(&[("skip", "1")]).await;
        }
        browser.submit(&[("decision", "allow")]).await;
        let code = rp.code(&started, &browser.page);
        let send = async |assertion: &str| {
            let mut fields = rp.exchange_fields(&started, &code);
            fields.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            fields.push(("client_assertion", assertion));
            rp.token(&fields).await
        };
        // The code survives what is refused before it is looked at.
        let faults = [
            ("aud", json!({ "aud": "https://elsewhere.example" })),
            ("exp", json!({ "exp": 1_000_000_000 })),
            ("exp", json!({ "exp": 10_000_000_000_i64 })),
            ("sub", json!({ "sub": "demo-local" })),
            ("jti", json!({ "jti": "" })),
        ];
        for (name, change) in faults {
            let (status, answer) = send(&key.assertion("keyed", &world.issuer, change)).await;
            assert_eq!((status.as_u16(), &answer["error"]), (401, &json!("invalid_client")), "{name}: {answer}");
            assert!(answer["error_description"].as_str().unwrap().contains(name), "{name}: {answer}");
        }
        let forged = stranger.assertion("keyed", &world.issuer, json!({}));
        assert_eq!(send(&forged).await.1["error"], "invalid_client", "another's key");
        let (status, answer) = rp.token(&rp.exchange_fields(&started, &code)).await;
        assert_eq!((status.as_u16(), &answer["error"]), (401, &json!("invalid_client")), "no assertion at all");

        let good = key.assertion("keyed", &world.issuer, json!({}));
        let (status, tokens) = send(&good).await;
        assert_eq!(status, 200, "{tokens}");
        let (status, answer) = send(&good).await;
        assert_eq!((status.as_u16(), &answer["error"]), (401, &json!("invalid_client")));
        assert!(answer["error_description"].as_str().unwrap().contains("jti"), "{answer}");
        assert_eq!(rp.userinfo(tokens["access_token"].as_str().unwrap()).await.0, 200, "the code was not shown twice");
    })
    .await;
}

#[tokio::test]
async fn opaque_tokens_say_nothing_themselves_and_are_worth_the_same() {
    on_each_backend(|world| async move {
        let redirect = "http://127.0.0.1/callback";
        let add =
            ["client", "add", "--id", "opaque", "--name", "Opaque", "--partner", "Acme", "--redirect-uri", redirect];
        let (done, said) = world.operate(&[&add[..], &["--opaque", "--json"]].concat());
        assert!(done, "{said}");
        let added: Value = serde_json::from_str(&said).unwrap();
        let secret = added["client_secret"].as_str();
        let rp = RelyingParty::discover(&world.issuer, "opaque", secret, redirect).await;
        let (_, login) = log_in(&world, &rp, "erin").await;
        let token = login.access_token.as_str();
        assert!(!token.contains('.') && token.len() >= 43, "a JWT, or short: {}", token.len());
        let (_, claims) = rp.userinfo(token).await;
        assert_eq!(claims["sub"], login.claims["sub"]);
        let worth = rp.introspect(token).await;
        assert_eq!((&worth["active"], &worth["client_id"]), (&json!(true), &json!("opaque")), "{worth}");
        assert_eq!((&worth["acr"], &worth["auth_time"]), (&login.claims["acr"], &login.claims["auth_time"]), "{worth}");
        let other = world.relying_party().await.introspect(token).await;
        assert_eq!(other, worth, "a service that was handed the token learns the same");
        world.advance(601).await;
        assert_eq!(rp.introspect(token).await, json!({ "active": false }), "its time is up");
        let renewed = rp.refresh(&login).await;
        assert!(!renewed.access_token.contains('.'));
        let answer = rp.post("/revoke", &[("token", &renewed.access_token)]).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(rp.userinfo(&renewed.access_token).await.0, 401);
    })
    .await;
}
