//! Clients that register themselves: what they may say, what they are told, and that a login with them works.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stepgate_tests::{Backend, ClientKey, Publisher, RelyingParty, World, on_each_backend, on_each_backend_with};
use tokio::sync::Barrier;

const LOOPBACK: (&str, &str) = ("STEPGATE__OUTBOUND__ALLOW", "[\"127.0.0.1\"]");

async fn discovered(world: &World) -> Value {
    let url = format!("{}/.well-known/openid-configuration", world.issuer);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_client_registers_logs_in_reads_replaces_and_removes_itself() {
    on_each_backend(|world| async move {
        assert_eq!(discovered(&world).await["registration_endpoint"], format!("{}/register", world.issuer));
        let metadata = json!({
            "client_name": "Acme", "client_name#de": "Acme GmbH", "never_heard_of": 7,
            "redirect_uris": ["https://rp.example/callback", "https://rp.example/callback?dummy1=lorem"],
            "grant_types": ["authorization_code", "refresh_token"], "initiate_login_uri": "https://rp.example/start",
            "tos_uri": "https://openid.net", "logo_uri": "https://cdn.example/logo.png",
        });
        let rp = RelyingParty::register(&world, metadata.clone()).await;
        let answer = &rp.registration;
        assert_eq!(answer["client_secret_expires_at"], 0);
        assert_eq!(answer["registration_client_uri"], format!("{}/register/{}", world.issuer, rp.client_id));
        assert_eq!(
            (&answer["response_types"], &answer["id_token_signed_response_alg"]),
            (&json!(["code"]), &json!("RS256"))
        );
        let (_, login) = world.log_in_with(&rp, "alice", &[]).await;
        assert_eq!(rp.introspect(&login.access_token).await["active"], true);

        // Read.
        let read = rp.manage(Method::GET).send().await.unwrap();
        assert_eq!((read.status(), &read.headers()["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()));
        let read: Value = read.json().await.unwrap();
        assert_eq!(read["initiate_login_uri"], "https://rp.example/start");
        assert!(read.get("client_secret").is_none() && read["client_name"] == "Acme");

        // Replace: what is left out is gone; the secret and the token stay.
        let mut changed = metadata.clone();
        changed["client_id"] = json!(rp.client_id);
        changed["client_name"] = json!("Acme Two");
        changed.as_object_mut().unwrap().remove("tos_uri");
        let replaced = rp.manage(Method::PUT).json(&changed).send().await.unwrap();
        assert_eq!(replaced.status(), 200);
        let replaced: Value = replaced.json().await.unwrap();
        assert!(replaced["client_name"] == "Acme Two" && replaced.get("tos_uri").is_none(), "{replaced}");
        let refreshed = rp.refresh(&login).await;
        for (member, value) in [
            ("client_id", json!("somebody-else")),
            ("client_secret", json!("chosen")),
            ("registration_access_token", json!("x")),
            ("skip_consent", json!(true)),
            ("redirect_uris", json!(["https://rp.example/#fragment"])),
        ] {
            let mut bad = changed.clone();
            bad[member] = value;
            let refused = rp.manage(Method::PUT).json(&bad).send().await.unwrap();
            assert_eq!(refused.status(), 400, "{member}");
            let refused: Value = refused.json().await.unwrap();
            assert!(refused["error_description"].as_str().unwrap().starts_with(member), "{refused}");
        }
        // A method with a secret that can make MACs brings a new one.
        changed["token_endpoint_auth_method"] = json!("client_secret_jwt");
        let replaced: Value = rp.manage(Method::PUT).json(&changed).send().await.unwrap().json().await.unwrap();
        assert_ne!(replaced["client_secret"], answer["client_secret"]);
        let rp = RelyingParty::of_registration(&world.issuer, replaced).await;
        world
            .until("the new method holds", async || rp.introspect(&refreshed.access_token).await["active"] == true)
            .await;

        // Nobody else may.
        let other = RelyingParty::register(&world, json!({})).await;
        let uri = rp.registration["registration_client_uri"].as_str().unwrap();
        for token in [other.registration["registration_access_token"].as_str().unwrap(), "guess"] {
            let refused = rp.http.get(uri).bearer_auth(token).send().await.unwrap();
            assert_eq!(refused.status(), 401);
            assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        }
        assert_eq!(rp.http.delete(uri).send().await.unwrap().status(), 401);

        // Gone, with everything that it was given.
        assert_eq!(rp.manage(Method::DELETE).send().await.unwrap().status(), 204);
        assert_eq!(rp.manage(Method::GET).send().await.unwrap().status(), 401);
        assert_eq!(rp.manage(Method::DELETE).send().await.unwrap().status(), 401);
        world.until("its tokens are worth nothing", async || rp.userinfo(&refreshed.access_token).await.0 == 401).await;
        assert_eq!(rp.post("/introspect", &[("token", "x")]).send().await.unwrap().status(), 401);
        let mut browser = world.browser();
        assert_eq!(browser.open(&rp.start(&[]).url).await.name(), "error");
        assert_eq!(
            world
                .count(&format!("SELECT COUNT(*) AS found FROM client_secrets WHERE client_id = '{}'", rp.client_id))
                .await,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_not_fit_is_refused_by_name() {
    let world = World::start(Backend::Sqlite).await;
    let cases = [
        (json!({ "redirect_uris": ["https://rp.example/#f"] }), "invalid_redirect_uri", "redirect_uris"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri", "redirect_uris"),
        (json!({ "initiate_login_uri": "http://rp.example/" }), "invalid_client_metadata", "initiate_login_uri"),
        (json!({ "grant_types": ["password"] }), "invalid_client_metadata", "grant_types"),
        (json!({ "jwks_uri": "http://rp.example/jwks" }), "invalid_client_metadata", "jwks_uri"),
        (json!({ "software_statement": "a.b.c" }), "invalid_software_statement", "software_statement"),
        (json!({ "sector_identifier_uri": "https://127.0.0.1/s" }), "invalid_client_metadata", "sector_identifier_uri"),
    ];
    for (metadata, error, member) in cases {
        let (status, answer) = world.register(&metadata).await;
        assert_eq!((status.as_u16(), &answer["error"]), (400, &json!(error)), "{metadata}: {answer}");
        assert!(answer["error_description"].as_str().unwrap().starts_with(member), "{answer}");
    }
    let http = reqwest::Client::new();
    let send = async |kind: &str, body: String| {
        let request = http.post(format!("{}/register", world.issuer)).header("content-type", kind).body(body);
        request.send().await.unwrap().status().as_u16()
    };
    let good = json!({ "redirect_uris": ["https://rp.example/"] }).to_string();
    assert_eq!(send("application/json; charset=utf-8", good.clone()).await, 201);
    assert_eq!(send("application/x-www-form-urlencoded", good).await, 400);
    let (large, deep) =
        (format!("{{\"a\":\"{}\"}}", "x".repeat(70_000)), format!("{{\"a\":{}{}}}", "[".repeat(90), "]".repeat(90)));
    for body in [large, deep, "[]".to_owned(), "{\"a\":1,\"a\":2}".to_owned(), "{".to_owned(), String::new()] {
        assert_eq!(send("application/json", body).await, 400);
    }
}

#[tokio::test]
async fn t8_an_initial_access_token_registers_so_many_clients_and_no_more() {
    on_each_backend_with(&[("STEPGATE__REGISTRATION__MODE", "token")], |world| async move {
        let (status, _) = {
            let answer = reqwest::Client::new()
                .post(format!("{}/register", world.issuer))
                .json(&json!({}))
                .send()
                .await
                .unwrap();
            assert!(answer.headers().contains_key("www-authenticate"));
            (answer.status(), ())
        };
        assert_eq!(status, 401);
        let (done, said) = world.operate(&["registration-token", "add", "--partner", "Acme", "--uses", "3", "--json"]);
        assert!(done, "{said}");
        let made: Value = serde_json::from_str(&said).unwrap();
        let token = made["token"].as_str().unwrap().to_owned();
        let request = |metadata: &Value| {
            reqwest::Client::new().post(format!("{}/register", world.issuer)).bearer_auth(&token).json(metadata)
        };
        // A registration that is refused uses nothing up.
        assert_eq!(request(&json!({ "redirect_uris": ["nowhere"] })).send().await.unwrap().status(), 400);
        let barrier = Arc::new(Barrier::new(8));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (barrier, request) =
                    (Arc::clone(&barrier), request(&json!({ "redirect_uris": ["https://rp.example/"] })));
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().status().as_u16()
                })
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 201, 401, 401, 401, 401, 401]);
        let sql =
            "SELECT COUNT(*) AS found FROM applications a JOIN partners p ON p.id = a.partner_id WHERE p.name = 'Acme'";
        assert_eq!(world.count(sql).await, 3, "each client has an application of its own");
        let (_, listed) = world.operate(&["registration-token", "list", "--json"]);
        assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()[0]["uses_left"], 0);
        assert!(!listed.contains(&token));
        // Removed, or expired: worth nothing.
        let (_, said) =
            world.operate(&["registration-token", "add", "--partner", "Acme", "--uses", "9", "--days", "1", "--json"]);
        let made: Value = serde_json::from_str(&said).unwrap();
        let register = async |token: &Value| {
            let request = reqwest::Client::new().post(format!("{}/register", world.issuer));
            let request =
                request.bearer_auth(token.as_str().unwrap()).json(&json!({ "redirect_uris": ["https://rp.example/"] }));
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(register(&made["token"]).await, 201);
        world.advance(24 * 3600 + 1).await;
        assert_eq!(register(&made["token"]).await, 401);
        assert!(world.operate(&["registration-token", "remove", made["id"].as_str().unwrap()]).0);
    })
    .await;
}

#[tokio::test]
async fn a_closed_deployment_registers_nobody_and_an_open_one_not_everybody_at_once() {
    let closed = World::start_with(Backend::Sqlite, &[("STEPGATE__REGISTRATION__MODE", "closed")]).await;
    assert!(discovered(&closed).await.get("registration_endpoint").is_none());
    assert_eq!(closed.register(&json!({})).await.1["error"], "registration_not_supported");
    let open = World::start_with(Backend::Sqlite, &[("STEPGATE__REGISTRATION__OPEN_PER_HOUR", "3")]).await;
    for _ in 0..3 {
        assert_eq!(open.register(&json!({})).await.0, 201);
    }
    assert_eq!(open.register(&json!({})).await.0, 429);
    open.advance(3601).await;
    assert_eq!(open.register(&json!({})).await.0, 201);
}

#[tokio::test]
async fn a_service_that_registered_itself_asks_about_its_own_tokens_only() {
    let world = World::start(Backend::Sqlite).await;
    let rp = RelyingParty::register(&world, json!({})).await;
    let (_, login) = world.log_in_with(&rp, "alice", &[]).await;
    let service =
        RelyingParty::register(&world, json!({ "grant_types": ["client_credentials"], "redirect_uris": [] })).await;
    let (status, own) = service.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!(status, 200, "{own}");
    assert_eq!(service.introspect(own["access_token"].as_str().unwrap()).await["active"], true);
    assert_eq!(service.introspect(&login.access_token).await, json!({ "active": false }));
}

#[tokio::test]
async fn one_sector_sees_one_subject_and_two_see_two() {
    on_each_backend_with(&[LOOPBACK], |world| async move {
        let publisher = Publisher::start().await;
        let pairwise = |redirect: &str| json!({ "subject_type": "pairwise", "redirect_uris": [redirect], "post_logout_redirect_uris": [redirect] });
        assert!(discovered(&world).await["subject_types_supported"].as_array().unwrap().contains(&json!("pairwise")));
        let one = RelyingParty::register(&world, pairwise("https://one.example/cb")).await;
        let same = RelyingParty::register(&world, pairwise("https://one.example/other")).await;
        let two = RelyingParty::register(&world, pairwise("https://two.example/cb")).await;
        let public = RelyingParty::register(&world, json!({})).await;
        let mut subjects = Vec::new();
        for rp in [&one, &same, &two, &public] {
            let (mut browser, login) = world.log_in_with(rp, "alice", &[]).await;
            let sub = login.claims["sub"].as_str().unwrap().to_owned();
            assert_eq!(rp.userinfo(&login.access_token).await.1["sub"], sub.as_str());
            assert_eq!(rp.introspect(&login.access_token).await["sub"], sub.as_str());
            // The subject leads back to the person.
            let claims = json!({ "id_token": { "sub": { "value": sub } } }).to_string();
            for hint in [("id_token_hint", login.id_token.as_str()), ("claims", claims.as_str())] {
                let started = rp.start(&[hint, ("prompt", "none")]);
                browser.open(&started.url).await;
                assert_eq!(rp.finish(&started, &browser.page).await.claims["sub"], sub.as_str());
            }
            let out = format!("/logout?id_token_hint={}&post_logout_redirect_uri={}", login.id_token, rp.redirect);
            if rp.client_id != public.client_id {
                assert_eq!(browser.open(&out).await.name(), "outside");
            }
            subjects.push(sub);
        }
        assert_eq!(subjects[0], subjects[1]);
        assert!(subjects[0] != subjects[2] && subjects[0] != subjects[3] && subjects[2] != subjects[3]);
        // Another sector's subject is nobody here.
        let (mut browser, _) = world.log_in_with(&one, "alice", &[]).await;
        let claims = json!({ "id_token": { "sub": { "value": subjects[2] } } }).to_string();
        let started = one.start(&[("claims", &claims), ("prompt", "none")]);
        browser.open(&started.url).await;
        one.error(&started, &browser.page);

        // Several hosts share a sector by a document that lists them all.
        let redirects = json!(["https://one.example/cb", "https://three.example/cb"]);
        let uri = publisher.serve("sector", redirects.clone());
        let shared = json!({ "subject_type": "pairwise", "redirect_uris": redirects, "sector_identifier_uri": uri });
        RelyingParty::register(&world, shared.clone()).await;
        assert_eq!(publisher.asked("sector"), 1);
        publisher.serve("sector", json!(["https://one.example/cb"]));
        let (_, refused) = world.register(&shared).await;
        assert_eq!(refused["error"], "invalid_client_metadata");
        assert!(refused["error_description"].as_str().unwrap().contains("three.example"), "{refused}");
        publisher.withdraw("sector");
        assert_eq!(world.register(&shared).await.1["error"], "invalid_client_metadata");
        let unnamed = json!({ "subject_type": "pairwise", "redirect_uris": redirects });
        assert_eq!(world.register(&unnamed).await.1["error"], "invalid_client_metadata");
    })
    .await;
}

#[tokio::test]
async fn the_strength_that_a_client_registered_holds_in_a_login() {
    on_each_backend(|world| async move {
        let otp = "urn:stepgate:acr:otp";
        // What it wishes by default, and what it must have: both lead to a factor; no request can lower the floor.
        for member in ["default_acr_values", "required_acr"] {
            let mut metadata = json!({ "post_logout_redirect_uris": ["https://rp.example/bye"] });
            metadata[member] = json!([otp]);
            let rp = RelyingParty::register(&world, metadata).await;
            let (mut browser, started) = (world.browser(), rp.start(&[]));
            browser.open(&started.url).await;
            browser.log_in("dave").await;
            browser.show_token(&world, "dave").await;
            if browser.page.name() == "consent" {
                browser.submit(&[("decision", "allow")]).await;
            }
            let login = rp.finish(&started, &browser.page).await;
            assert!(login.amr().contains("otp"), "{member}: {}", login.claims);
            let out =
                format!("/logout?id_token_hint={}&post_logout_redirect_uri=https://rp.example/bye", login.id_token);
            assert_eq!(browser.open(&out).await.url.as_str(), "https://rp.example/bye");
            let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", "urn:stepgate:acr:password")]));
            browser.open(&started.url).await;
            browser.log_in("alice").await;
            let expected = if member == "required_acr" { "requirements-not-met" } else { "consent" };
            assert_eq!(browser.page.name(), expected, "{member}");
            world.advance(60).await;
        }
        // How old a login may be, and that its time is told.
        let rp = RelyingParty::register(&world, json!({ "default_max_age": 100, "require_auth_time": true })).await;
        let (mut browser, first) = world.log_in_with(&rp, "alice", &[]).await;
        assert!(first.claims["auth_time"].is_i64());
        let silent = async |browser: &mut stepgate_tests::Browser| {
            let started = rp.start(&[("prompt", "none")]);
            browser.open(&started.url).await;
            (browser.page.parameter("error"), started)
        };
        assert_eq!(silent(&mut browser).await.0, None);
        world.advance(200).await;
        assert_eq!(silent(&mut browser).await.0.as_deref(), Some("login_required"));
    })
    .await;
}

#[tokio::test]
async fn what_a_trusted_issuer_says_of_software_takes_precedence() {
    let (issuer, stranger) = (ClientKey::new(Some("s1")), ClientKey::new(Some("s1")));
    let issuers = format!("[{{ iss = \"https://software.example\", jwks = '{}' }}]", issuer.jwks());
    let name = "STEPGATE__REGISTRATION__SOFTWARE_STATEMENT_ISSUERS";
    let world = World::start_with(Backend::Sqlite, &[(name, issuers.leak())]).await;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims = json!({ "iss": "https://software.example", "exp": now + 600, "client_name": "The real Acme", "software_id": "acme-1" });
    let with = |statement: String| json!({ "client_name": "Somebody", "software_statement": statement });
    let statement = issuer.sign(&claims);
    let rp = RelyingParty::register(&world, with(statement.clone())).await;
    assert_eq!(
        (&rp.registration["client_name"], &rp.registration["software_id"]),
        (&json!("The real Acme"), &json!("acme-1"))
    );
    assert_eq!(rp.registration["software_statement"], statement.as_str());
    // Later the client stays bound to it, expired or not, mentioned or not.
    world.advance(3600).await;
    for more in [json!({ "software_statement": statement }), json!({})] {
        let mut metadata = json!({ "client_id": rp.client_id, "client_name": "Somebody", "redirect_uris": ["https://rp.example/callback"] });
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let replaced: Value = rp.manage(Method::PUT).json(&metadata).send().await.unwrap().json().await.unwrap();
        assert_eq!(replaced["client_name"], "The real Acme", "{replaced}");
    }
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let cases = [
        (statement, "invalid_software_statement"),
        (stranger.sign(&changed("exp", json!(now + 9000))), "invalid_software_statement"),
        (issuer.sign(&changed("iss", json!("https://other.example"))), "unapproved_software_statement"),
        (
            issuer.sign(&json!({ "iss": "https://software.example", "redirect_uris": ["http://rp.example/"] })),
            "invalid_redirect_uri",
        ),
        (issuer.sign(&json!({ "iss": "https://software.example", "skip_consent": true })), "invalid_client_metadata"),
        ("nonsense".to_owned(), "invalid_software_statement"),
    ];
    for (statement, error) in cases {
        let (status, answer) = world.register(&with(statement)).await;
        assert_eq!((status.as_u16(), &answer["error"]), (400, &json!(error)), "{answer}");
    }
}
