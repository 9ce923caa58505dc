//! Token exchange (RFC 8693): what an application received becomes a token for what stands behind it, never a stronger
//! one.

use serde_json::{Value, json};
use stepgate_tests::{Login, RelyingParty, World, on_each_backend};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ORDERS: &str = "https://orders.example";
const STOCK: &str = "https://stock.example";

/// What is sent, the error it gets, and a word of its description.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

/// The application that the person logs in to, and the gateway that its tokens are for.
async fn parties(world: &World) -> (RelyingParty, RelyingParty) {
    let audience = async |client: &str, audience: &str| {
        let sql = format!(
            "UPDATE clients SET metadata = REPLACE(metadata, '\"scope\":', '\"audience\":[{audience}],\"scope\":')
             WHERE client_id = '{client}'"
        );
        world.tamper(&sql).await;
    };
    audience("demo-local", &format!("\"{ORDERS}\"")).await;
    audience("demo-partner", &format!("\"{ORDERS}\",\"{STOCK}\"")).await;
    let redirect = format!("{}/callback", world.partner);
    let gateway = RelyingParty::discover(&world.issuer, "demo-partner", Some("demo-partner-secret"), &redirect);
    (world.relying_party().await, gateway.await)
}

async fn exchange(client: &RelyingParty, token: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let mut fields = vec![("grant_type", GRANT), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    let (status, answer) = client.token(&fields).await;
    (status.as_u16(), answer)
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

fn access(answer: &Value) -> &str {
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

async fn log_in(world: &World, rp: &RelyingParty, username: &str, more: &[(&str, &str)]) -> Login {
    let (mut browser, started) = (world.browser(), rp.start(more));
    browser.open(&started.url).await;
    browser.log_in(username).await;
    if browser.page.has("skip-otp") {
        browser.submit(&[("skip", "1")]).await;
    } else if browser.page.name() == "factor" {
        browser.show_token(world, username).await;
    }
    if browser.page.name() == "consent" {
        browser.submit(&[("decision", "allow")]).await;
    }
    rp.finish(&started, &browser.page).await
}

#[tokio::test]
async fn a_token_becomes_one_for_what_stands_behind() {
    on_each_backend(|world| async move {
        let (rp, gateway) = parties(&world).await;
        let scope = [("scope", "openid profile email offline_access orders")];
        let login =
            log_in(&world, &rp, "dave", &[&scope[..], &[("acr_values", "urn:stepgate:acr:otp")]].concat()).await;
        let subject = claims(&login.access_token);
        assert_eq!(subject["aud"], ORDERS);
        world.advance(200).await;
        let (status, answer) = exchange(&gateway, &login.access_token, &[]).await;
        assert_eq!((status, &answer["issued_token_type"]), (200, &json!(ACCESS_TOKEN)), "{answer}");
        assert_eq!(
            (&answer["token_type"], &answer["scope"]),
            (&json!("Bearer"), &json!("openid profile email orders"))
        );
        assert!(answer["refresh_token"].is_null() && answer["id_token"].is_null());
        let token = claims(access(&answer));
        assert_eq!((&token["aud"], &token["client_id"]), (&json!([ORDERS, STOCK]), &json!("demo-partner")));
        for same in ["sub", "acr", "amr", "auth_time", "exp", "iss", "gid"] {
            assert_eq!(token[same], subject[same], "{same}");
        }
        let left = token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap();
        assert!((395..=400).contains(&left) && answer["expires_in"] == left, "{answer}");
        assert!(token["act"].is_null());
        // Both say what they are, each with its own audience.
        let now = rp.introspect(&login.access_token).await;
        assert_eq!((&now["active"], &now["aud"]), (&json!(true), &json!(ORDERS)));
        let now = gateway.introspect(access(&answer)).await;
        assert_eq!((&now["active"], &now["aud"], &now["acr"]), (&json!(true), &json!([ORDERS, STOCK]), &token["acr"]));
        assert_eq!(gateway.userinfo(access(&answer)).await.1["sub"], subject["sub"]);

        // Narrower in every respect; the actor is named, and those before it.
        let own = gateway.token(&[("grant_type", "client_credentials"), ("scope", "orders")]).await.1;
        let actor = [("actor_token", access(&own)), ("actor_token_type", ACCESS_TOKEN)];
        let narrow = [("audience", STOCK), ("scope", "orders"), ("requested_token_type", ACCESS_TOKEN)];
        let (_, narrowed) = exchange(&gateway, &login.access_token, &[&narrow[..], &actor[..]].concat()).await;
        let token = claims(access(&narrowed));
        assert_eq!((&token["aud"], &token["scope"]), (&json!(STOCK), &json!("orders")));
        assert_eq!(token["act"], json!({ "iss": world.issuer, "sub": "demo-partner" }));
        assert_eq!(gateway.introspect(access(&narrowed)).await["act"]["sub"], "demo-partner");
        let (_, chained) = exchange(&gateway, access(&narrowed), &actor).await;
        assert_eq!(claims(access(&chained))["act"]["act"]["sub"], "demo-partner", "a chain");
        assert_eq!(
            claims(access(&exchange(&gateway, access(&chained), &[]).await.1))["act"],
            claims(access(&chained))["act"]
        );
        assert_eq!(gateway.userinfo(access(&narrowed)).await.0, 403, "no openid");

        // Ended by whoever got it: it alone. Ended by the person's application: all.
        gateway.post("/revoke", &[("token", access(&narrowed))]).send().await.unwrap();
        assert_eq!(gateway.introspect(access(&narrowed)).await, json!({ "active": false }));
        assert_eq!(exchange(&gateway, access(&narrowed), &[]).await.1["error"], "invalid_request");
        assert_eq!(gateway.introspect(access(&answer)).await["active"], true);
        assert_eq!(rp.introspect(&login.access_token).await["active"], true);
        rp.post("/revoke", &[("token", &login.access_token)]).send().await.unwrap();
        for token in [access(&answer), access(&chained)] {
            assert_eq!(gateway.introspect(token).await, json!({ "active": false }));
        }
        let events = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'token.exchanged'";
        assert_eq!(world.count(events).await, 4);
    })
    .await;
}

#[tokio::test]
async fn protected_resources_say_where_their_tokens_come_from() {
    on_each_backend(|world| async move {
        let (rp, _) = parties(&world).await;
        // Our own, and the demo's API: the challenge leads to the metadata, the metadata to the issuer.
        for resource in [format!("{}/userinfo", world.issuer), format!("{}/api/orders", world.partner)] {
            for token in [None, Some("nonsense")] {
                let request = rp.http.get(&resource);
                let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 401, "{resource}");
                let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
                let (_, rest) = challenge.split_once("resource_metadata=\"").unwrap_or_else(|| panic!("{challenge}"));
                let place = rest.split_once('"').unwrap().0;
                let metadata: Value = rp.http.get(place).send().await.unwrap().json().await.unwrap();
                assert_eq!(
                    (&metadata["resource"], &metadata["authorization_servers"]),
                    (&json!(resource), &json!([world.issuer]))
                );
            }
        }
        // For an API of somebody else's the operator makes it.
        let (made, said) = world.operate(&["--json", "resource", ORDERS, "--name", "Orders"]);
        let document: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
        assert!(made && document["resource"] == ORDERS && document["resource_name"] == "Orders", "{said}");
        assert_eq!(
            (&document["scopes_supported"], &document["bearer_methods_supported"]),
            (&json!(["orders"]), &json!(["header"]))
        );
        assert!(!world.operate(&["resource", "https://bank.example"]).0 && !world.operate(&["resource", "orders"]).0);
    })
    .await;
}

#[tokio::test]
async fn who_may_not_is_told_why() {
    on_each_backend(|world| async move {
        let (rp, gateway) = parties(&world).await;
        let login = log_in(&world, &rp, "alice", &[]).await;
        let token = login.access_token.as_str();
        let service = gateway.token(&[("grant_type", "client_credentials"), ("scope", "orders")]).await.1;
        let cases: [Case<'_>; 14] = [
            (&[("subject_token", "")], "invalid_request", "subject_token"),
            (&[("subject_token", "nonsense")], "invalid_request", "subject_token"),
            (&[("subject_token", access(&service))], "invalid_request", "about no person"),
            (&[("subject_token_type", "")], "invalid_request", "subject_token_type"),
            (&[("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")], "invalid_request", "subject_token_type"),
            (&[("requested_token_type", "urn:ietf:params:oauth:token-type:saml2")], "invalid_request", "requested_token_type"),
            (&[("audience", "https://bank.example")], "invalid_target", "audience"),
            (&[("resource", "https://bank.example")], "invalid_target", "resource"),
            (&[("audience", STOCK), ("resource", "https://orders.example/")], "invalid_target", "resource"),
            (&[("scope", "openid reports")], "invalid_scope", "scope"),
            (&[("scope", "orders")], "invalid_scope", "scope"),
            (&[("actor_token", token)], "invalid_request", "actor_token_type"),
            (&[("actor_token_type", ACCESS_TOKEN)], "invalid_request", "actor_token_type"),
            (&[("actor_token", token), ("actor_token_type", ACCESS_TOKEN)], "invalid_request", "another client"),
        ];
        for (fields, error, named) in cases {
            let (status, answer) = exchange(&gateway, token, fields).await;
            assert_eq!((status, answer["error"].as_str()), (400, Some(error)), "{fields:?}: {answer}");
            assert!(answer["error_description"].as_str().unwrap().contains(named), "{fields:?}: {answer}");
        }
        // Clients that did not register it, and one that keeps no secret.
        let spa = world.public_client().await;
        assert_eq!(exchange(&spa, token, &[]).await.1["error"], "unauthorized_client");
        let service = RelyingParty::discover(&world.issuer, "demo-service", Some("demo-service-secret"), "x").await;
        assert_eq!(exchange(&service, token, &[]).await.1["error"], "unauthorized_client");
        world.tamper(&format!(
            "UPDATE clients SET metadata = REPLACE(metadata, '\"refresh_token\"', '\"refresh_token\",\"{GRANT}\"')
             WHERE client_id IN ('demo-spa', 'demo-service')"
        )).await;
        world.advance(61).await;
        assert_eq!(exchange(&spa, token, &[]).await.1["error"], "unauthorized_client", "anybody could");
        // A token that is meant for somebody else.
        let other = log_in(&world, &spa, "alice", &[]).await;
        let (_, answer) = exchange(&gateway, &other.access_token, &[]).await;
        assert!(answer["error_description"].as_str().unwrap().contains("neither issued to this client"), "{answer}");
        // Its own tokens a client may always exchange; for the issuer when it registered no audience, with the floor of
        // its application.
        world.tamper(
            "UPDATE applications SET policy = '{\"accepts\":[\"urn:stepgate:acr:otp\"]}' WHERE name = 'Iron Works Portal'",
        ).await;
        world.advance(61).await;
        let (_, answer) = exchange(&gateway, token, &[]).await;
        assert_eq!(answer["error"], "invalid_request", "{answer}");
        assert!(answer["error_description"].as_str().unwrap().contains("strength"), "{answer}");
        let login = log_in(&world, &rp, "dave", &[("acr_values", "urn:stepgate:acr:otp")]).await;
        assert_eq!(exchange(&gateway, &login.access_token, &[]).await.0, 200);
    })
    .await;
}

/// Something that can happen between two exchanges.
const STEPS: &[&str] = &["wait", "refresh", "suspend", "restore", "elevate", "exchange", "exchange_own"];

/// A walk over what can happen: whatever it is, no exchanged token says more than the token it was exchanged for.
#[tokio::test]
async fn an_exchanged_token_is_never_stronger() {
    on_each_backend(|world| async move {
        let (rp, gateway) = parties(&world).await;
        let mut seed: u64 = 0x5354_4550;
        let mut fell = 0;
        for username in ["dave", "erin"] {
            let (mut browser, started) = (world.browser(), rp.start(&[("scope", "openid offline_access orders"), ("acr_values", "urn:stepgate:acr:hardware-token")]));
            browser.open(&started.url).await;
            browser.log_in(username).await;
            browser.show_token(&world, username).await;
            browser.submit(&[("decision", "allow")]).await;
            let mut login = rp.finish(&started, &browser.page).await;
            let mut held = vec![login.access_token.clone()];
            for _ in 0..24 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let step = STEPS[usize::try_from(seed >> 33).unwrap() % STEPS.len()];
                let set = |stage: &str| {
                    format!("UPDATE credentials SET stage = '{stage}' WHERE kind = 'hardware_token' AND person_id = (SELECT id FROM persons WHERE username = '{username}')")
                };
                match step {
                    "wait" => world.advance(35).await,
                    "refresh" => {
                        let fields = [("grant_type", "refresh_token"), ("refresh_token", login.refresh_token.as_deref().unwrap())];
                        let (_, answer) = rp.token(&fields).await;
                        login.refresh_token = answer["refresh_token"].as_str().map(str::to_owned);
                        held.push(access(&answer).to_owned());
                    }
                    "suspend" => world.tamper(&set("suspended")).await,
                    "restore" => world.tamper(&set("active")).await,
                    // The session grows stronger or fresher; the tokens do not.
                    "elevate" => {
                        world.tamper(&set("active")).await;
                        world.advance(35).await;
                        let again = rp.start(&[("prompt", "login"), ("acr_values", "urn:stepgate:acr:hardware-token")]);
                        browser.open(&again.url).await;
                        browser.log_in(username).await;
                        if browser.page.name() == "factor" {
                            browser.show_token(&world, username).await;
                        }
                    }
                    _ => {
                        let client = if step == "exchange" { &gateway } else { &rp };
                        let subject = held[usize::try_from(seed >> 40).unwrap() % held.len()].clone();
                        let (status, answer) = exchange(client, &subject, &[]).await;
                        let before = claims(&subject);
                        if status != 200 {
                            // Over, or a gateway's token that the application has no business with.
                            assert_eq!(answer["error"], "invalid_request", "{answer}");
                            continue;
                        }
                        let after = claims(access(&answer));
                        assert!(after["acr"].is_null() || after["acr"] == before["acr"], "{before} {after}");
                        assert!(after["amr"].is_null() || after["amr"] == before["amr"], "{before} {after}");
                        assert!(after["auth_time"].as_i64() <= before["auth_time"].as_i64(), "{before} {after}");
                        assert!(after["exp"].as_i64() <= before["exp"].as_i64(), "{before} {after}");
                        assert_eq!((&after["sub"], &after["gid"]), (&before["sub"], &before["gid"]));
                        fell += usize::from(after["acr"].is_null() && !before["acr"].is_null());
                        held.push(access(&answer).to_owned());
                    }
                }
            }
            // And at the end for certain: what fell stays fallen in the tokens that were made meanwhile.
            world.tamper(&format!("UPDATE credentials SET stage = 'suspended' WHERE kind = 'hardware_token' AND person_id = (SELECT id FROM persons WHERE username = '{username}')")).await;
            let fields = [("grant_type", "refresh_token"), ("refresh_token", login.refresh_token.as_deref().unwrap())];
            let fallen = rp.token(&fields).await.1;
            assert!(claims(access(&fallen))["acr"].is_null(), "{fallen}");
            world.tamper("UPDATE credentials SET stage = 'active' WHERE kind = 'hardware_token'").await;
            let (_, answer) = exchange(&gateway, access(&fallen), &[]).await;
            let token = claims(access(&answer));
            assert!(token["acr"].is_null() && token["amr"].is_null(), "{token}");
        }
        println!("{fell} tokens lost their acr on the walk");
    })
    .await;
}
