//! Response types and modes, and what access tokens are for.

use serde_json::{Value, json};
use stepgate_tests::{Browser, Page, RelyingParty, World, logged_in, on_each_backend, on_each_backend_with};

/// In an order of words that differs from the registered one.
const TYPES: [&str; 6] = ["code", "id_token", "token id_token", "id_token code", "token code", "token code id_token"];

/// The answer, however it travels.
fn answer(page: &Page) -> Page {
    if page.name() == "outside" { page.clone() } else { page.posted() }
}

#[tokio::test]
async fn each_response_type_gives_what_its_words_say() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (world.relying_party().await, logged_in(&world, "erin").await);
        for (response_type, mode) in TYPES.iter().flat_map(|known| [(*known, ""), (*known, "form_post")]) {
            let words: Vec<&str> = response_type.split(' ').collect();
            let started = rp.start(&[("response_type", response_type), ("response_mode", mode)]);
            browser.open(&started.url).await;
            if words == ["code"] && mode.is_empty() {
                assert!(browser.page.url.query().unwrap().contains("code="), "a code alone comes in the query");
                rp.finish(&started, &browser.page).await;
                continue;
            }
            let page = answer(&browser.page);
            let front = rp.front(&started, &page);
            assert_eq!(front.code.is_some(), words.contains(&"code"), "{response_type}");
            assert_eq!(front.access_token.is_some(), words.contains(&"token"), "{response_type}");
            assert_eq!(front.claims.is_some(), words.contains(&"id_token"), "{response_type}");
            if let Some(claims) = &front.claims {
                // The claims of the scopes are in the ID token only where userinfo can never be asked for them.
                assert_eq!(claims["email"].is_string(), words == ["id_token"], "{response_type}: {claims}");
                assert_eq!(claims["acr"], "urn:stepgate:acr:password:proofed");
            }
            if let Some(token) = &front.access_token {
                assert_eq!(page.parameter("scope").as_deref(), Some("openid profile email"));
                assert_eq!(page.parameter("expires_in").as_deref(), Some("600"));
                let (_, userinfo) = rp.userinfo(token).await;
                assert_eq!(userinfo["email"], "erin@iron-builders.example");
                if let Some(claims) = &front.claims {
                    assert_eq!(userinfo["sub"], claims["sub"]);
                }
            } else {
                assert_eq!(page.parameter("expires_in").or(page.parameter("scope")), None);
            }
            if front.code.is_some() {
                // The ID token of the token endpoint is about the same login.
                let login = rp.finish(&started, &page).await;
                for name in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid", "nonce"] {
                    assert!(front.claims.as_ref().is_none_or(|claims| claims[name] == login.claims[name]), "{name}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_demand_is_met_and_told_by_every_response_type() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        for response_type in ["id_token", "id_token token", "code id_token token"] {
            let acr = "urn:stepgate:acr:phone-otp";
            let (mut browser, started) =
                (world.browser(), rp.start(&[("response_type", response_type), ("acr_values", acr)]));
            browser.open(&started.url).await;
            browser.log_in("bob").await;
            browser.show_phone(&world, "+12025550101").await;
            let front = rp.front(&started, &browser.page);
            let claims = front.claims.unwrap();
            assert_eq!((&claims["acr"], &claims["amr"]), (&json!(acr), &json!(["pwd", "otp", "sms", "mca", "mfa"])));
            if let Some(token) = &front.access_token {
                let now = rp.introspect(token).await;
                assert_eq!((&now["acr"], &now["auth_time"]), (&claims["acr"], &claims["auth_time"]));
            }
            // Silently again: the same authentication.
            world.advance(5).await;
            let again = rp.start(&[("response_type", response_type), ("prompt", "none"), ("acr_values", acr)]);
            browser.open(&again.url).await;
            assert_eq!(rp.front(&again, &browser.page).claims.unwrap()["auth_time"], claims["auth_time"]);
            world.advance(3700).await;
        }
    })
    .await;
}

#[tokio::test]
async fn errors_go_where_the_client_reads_them() {
    on_each_backend(|world| async move {
        let (rp, spa, mut browser) = (world.relying_party().await, world.public_client().await, world.browser());
        for response_type in &TYPES[1..] {
            let id_token = response_type.contains("id_token");
            for (more, error) in [
                (&[("prompt", "none")][..], "login_required"),
                (&[("max_age", "x")], "invalid_request"),
                (&[("scope", "openid phone calls"), ("max_age", "-1")], "invalid_request"),
                (&[("response_mode", "query")], "invalid_request"),
                (&[("response_mode", "jwt")], "invalid_request"),
                (&[("nonce", ""), ("prompt", "none")], if id_token { "invalid_request" } else { "login_required" }),
            ] {
                let started = rp.start(&[&[("response_type", *response_type)], more].concat());
                browser.open(&started.url).await;
                assert_eq!(rp.error(&started, &browser.page), error, "{response_type} {more:?}");
                assert_eq!(browser.page.url.query(), None, "{response_type} {more:?}: {}", browser.page.url);
            }
            let started =
                rp.start(&[("response_type", response_type), ("response_mode", "form_post"), ("prompt", "none")]);
            let page = browser.open(&started.url).await.posted();
            assert_eq!(rp.error(&started, &page), "login_required");
            // A person who gives up.
            let (mut other, started) = (world.browser(), rp.start(&[("response_type", response_type)]));
            other.open(&started.url).await;
            other.submit(&[("cancel", "1")]).await;
            assert_eq!((rp.error(&started, &other.page).as_str(), other.page.url.query()), ("access_denied", None));
            // What a client did not register.
            let started = spa.start(&[("response_type", response_type)]);
            browser.open(&started.url).await;
            assert_eq!(spa.error(&started, &browser.page), "unauthorized_client");
            assert_eq!(browser.page.url.query(), None);
        }
        let codes_only = world.partner("codes-only", json!({ "grant_types": ["authorization_code"] })).await;
        for (response_type, refused) in [("code", false), ("id_token", true), ("code token", true)] {
            let started = codes_only.start(&[("response_type", response_type), ("prompt", "none")]);
            browser.open(&started.url).await;
            let error = if refused { "unauthorized_client" } else { "login_required" };
            assert_eq!(codes_only.error(&started, &browser.page), error, "{response_type} without implicit");
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_shown_twice_takes_the_token_that_came_beside_it_along() {
    on_each_backend(|world| async move {
        let opaque = world.partner("opaque", json!({ "access_token_format": "opaque" })).await;
        for rp in [world.relying_party().await, opaque] {
            let mut browser = logged_in(&world, "alice").await;
            let started = rp.start(&[("response_type", "code token")]);
            browser.open(&started.url).await;
            let front = rp.front(&started, &browser.page);
            let (code, token) = (front.code.unwrap(), front.access_token.unwrap());
            assert_eq!(token.contains('.'), rp.client_id != "opaque");
            let login = rp.finish(&started, &browser.page).await;
            for good in [&token, &login.access_token] {
                assert_eq!(rp.userinfo(good).await.0, 200);
            }
            let (status, again) = rp.token(&rp.exchange_fields(&started, &code)).await;
            assert_eq!((status.as_u16(), &again["error"]), (400, &json!("invalid_grant")));
            for dead in [&token, &login.access_token] {
                assert_eq!(rp.userinfo(dead).await.0, 401);
                assert_eq!(rp.introspect(dead).await, json!({ "active": false }));
            }
            // A token without a code ends with the session, like the others.
            let started = rp.start(&[("response_type", "id_token token")]);
            browser.open(&started.url).await;
            let token = rp.front(&started, &browser.page).access_token.unwrap();
            assert_eq!(rp.introspect(&token).await["active"], true);
            world.advance(12 * 3600 + 1).await;
            assert_eq!(rp.introspect(&token).await, json!({ "active": false }));
        }
    })
    .await;
}

#[tokio::test]
async fn a_deployment_offers_what_its_settings_name() {
    let settings = [("STEPGATE__AUTHORIZATION__RESPONSE_TYPES", r#"["code", "id_token"]"#)];
    on_each_backend_with(&settings, |world| async move {
        let (rp, mut browser) = (world.relying_party().await, logged_in(&world, "alice").await);
        let metadata = discovery(&world).await;
        assert_eq!(metadata["response_types_supported"], json!(["code", "id_token"]));
        for (response_type, offered) in
            [("code", true), ("id_token", true), ("code token", false), ("id_token token", false)]
        {
            let started = rp.start(&[("response_type", response_type), ("prompt", "none")]);
            browser.open(&started.url).await;
            if !offered {
                assert_eq!(rp.error(&started, &browser.page), "unsupported_response_type", "{response_type}");
                assert_eq!(browser.page.url.query(), None, "{response_type}");
            } else {
                assert_eq!(browser.page.parameter("error"), None, "{}", browser.page.url);
            }
        }
    })
    .await;
    on_each_backend(|world| async move {
        let metadata = discovery(&world).await;
        assert_eq!(metadata["response_types_supported"].as_array().unwrap().len(), 6);
        for (name, value) in [
            ("response_modes_supported", json!(["query", "fragment", "form_post"])),
            ("request_parameter_supported", json!(true)),
            ("request_uri_parameter_supported", json!(true)),
            ("require_request_uri_registration", json!(true)),
            ("request_object_signing_alg_values_supported", json!(["RS256", "ES256", "EdDSA", "PS256", "none"])),
            ("pushed_authorization_request_endpoint", json!(format!("{}/par", world.issuer))),
            ("require_pushed_authorization_requests", json!(false)),
            ("claims_locales_supported", json!(["en"])),
        ] {
            assert_eq!(metadata[name], value, "{name}");
        }
        assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!("implicit")));
    })
    .await;
}

async fn discovery(world: &World) -> Value {
    let url = format!("{}/.well-known/openid-configuration", world.issuer);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// Whom an access token is for.
fn audience(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    let claims = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["aud"].clone()
}

#[tokio::test]
async fn access_tokens_are_for_what_was_asked() {
    const ORDERS: &str = "https://orders.example";
    const STOCK: &str = "https://stock.example/api";
    const BILLS: &str = "urn:bills";
    on_each_backend(|world| async move {
        let rp = world.partner("buyer", json!({ "audience": [ORDERS, STOCK, BILLS] })).await;
        let mut browser = logged_in(&world, "alice").await;
        let code = async |browser: &mut Browser, rp: &RelyingParty, more: &str| {
            let started = rp.start(&[]);
            browser.open(&format!("{}{more}", started.url)).await;
            let code = rp.code(&started, &browser.page);
            (started, code)
        };
        // Nothing asked: all that is registered. Two asked, then one of them at the token endpoint.
        let (started, all) = code(&mut browser, &rp, "").await;
        let (_, tokens) = rp.token(&rp.exchange_fields(&started, &all)).await;
        assert_eq!(audience(tokens["access_token"].as_str().unwrap()), json!([ORDERS, STOCK, BILLS]));
        let two = format!("&resource={STOCK}&resource={ORDERS}");
        let (started, both) = code(&mut browser, &rp, &two).await;
        let fields = [rp.exchange_fields(&started, &both), vec![("resource", ORDERS)]].concat();
        let (_, tokens) = rp.token(&fields).await;
        let one = tokens["access_token"].as_str().unwrap();
        assert_eq!((audience(one), &rp.introspect(one).await["aud"]), (json!(ORDERS), &json!(ORDERS)));
        // A refresh narrows from what was authorized, not from what was asked for last; and never widens.
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let again = |token: &str, resource: &str| {
            [("grant_type", "refresh_token"), ("refresh_token", token), ("resource", resource)]
                .map(|(name, value)| (name, value.to_owned()))
        };
        let send = async |fields: [(&str, String); 3]| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            rp.token(&fields).await.1
        };
        assert_eq!(send(again(refresh, BILLS)).await["error"], "invalid_target");
        let tokens = send(again(refresh, STOCK)).await;
        assert_eq!(audience(tokens["access_token"].as_str().unwrap()), json!(STOCK), "{tokens}");
        let tokens = send(again(tokens["refresh_token"].as_str().unwrap(), "")).await;
        assert_eq!(audience(tokens["access_token"].as_str().unwrap()), json!([ORDERS, STOCK]));
        // Straight from the authorization endpoint, and for the client itself.
        let started = rp.start(&[("response_type", "id_token token"), ("resource", BILLS)]);
        browser.open(&started.url).await;
        assert_eq!(audience(&rp.front(&started, &browser.page).access_token.unwrap()), json!(BILLS));
        let (_, service) = rp.token(&[("grant_type", "client_credentials"), ("resource", STOCK)]).await;
        assert_eq!(audience(service["access_token"].as_str().unwrap()), json!(STOCK));
        // What is not registered.
        let started = rp.start(&[("resource", "https://elsewhere.example")]);
        browser.open(&started.url).await;
        assert_eq!(rp.error(&started, &browser.page), "invalid_target");
        let (_, refused) =
            rp.token(&[("grant_type", "client_credentials"), ("resource", "https://elsewhere.example")]).await;
        assert_eq!(refused["error"], "invalid_target");
        let (started, ours) = code(&mut browser, &rp, &two).await;
        let fields = [rp.exchange_fields(&started, &ours), vec![("resource", BILLS)]].concat();
        assert_eq!(rp.token(&fields).await.1["error"], "invalid_target");
        // Harmless wishes.
        let started = rp.start(&[("claims_locales", "se de-CH"), ("ui_locales", "se")]);
        browser.open(&started.url).await;
        rp.finish(&started, &browser.page).await;
    })
    .await;
}
