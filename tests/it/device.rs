//! Devices without a browser (RFC 8628): a code on a screen, a person who logs in as strongly as is asked, a yes or no.

use std::sync::Arc;

use serde_json::{Value, json};
use stepgate_tests::{Backend, Browser, RelyingParty, World, on_each_backend_with};
use tokio::sync::Barrier;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TOKEN: &str = "urn:stepgate:acr:hardware-token";
const OTP: &str = "urn:stepgate:acr:otp";

/// All worlds come from one address and share one Redis: its caps would count the tries of other tests.
const ROOMY: &[(&str, &str)] =
    &[("STEPGATE__DEVICE__TRIES_PER_ADDRESS", "100000"), ("STEPGATE__DEVICE__DEVICES_PER_ADDRESS", "100000")];

/// A device: knows the provider's address and its client id, and has no secret.
struct Device {
    rp: RelyingParty,
    issuer: String,
}

impl Device {
    async fn of(world: &World) -> Self {
        let rp = RelyingParty::discover(&world.issuer, "demo-device", None, "http://127.0.0.1/none").await;
        Self { rp, issuer: world.issuer.clone() }
    }

    /// Asks to be let in.
    async fn ask(&self, fields: &[(&str, &str)]) -> Value {
        let answer = self.rp.post("/device_authorization", fields).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
        answer.json().await.unwrap()
    }

    /// Polls once; the error, or `tokens`, and the whole answer.
    async fn poll(&self, asked: &Value) -> (String, Value) {
        let code = asked["device_code"].as_str().unwrap();
        let (status, answer) = self.rp.token(&[("grant_type", GRANT), ("device_code", code)]).await;
        assert_eq!(status.is_success(), answer["error"].is_null(), "{answer}");
        (answer["error"].as_str().unwrap_or("tokens").to_owned(), answer)
    }
}

fn text<'a>(asked: &'a Value, name: &str) -> &'a str {
    asked[name].as_str().unwrap()
}

/// Types a device's code and logs in.
async fn type_code(browser: &mut Browser, code: &str, username: &str) {
    browser.open("/device").await;
    browser.submit(&[("user_code", code)]).await;
    browser.log_in(username).await;
}

#[tokio::test]
async fn a_device_gets_tokens_with_the_strength_that_was_asked_for() {
    on_each_backend_with(ROOMY, |world| async move {
        let (device, rp) = (Device::of(&world).await, world.relying_party().await);
        let discovery: Value = rp
            .http
            .get(format!("{}/.well-known/openid-configuration", world.issuer))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(discovery["device_authorization_endpoint"], format!("{}/device_authorization", world.issuer));
        assert!(discovery["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));

        let asked = device.ask(&[("scope", "openid profile offline_access"), ("acr_values", TOKEN)]).await;
        assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(900), &json!(5)));
        let code = text(&asked, "user_code");
        assert_eq!(text(&asked, "verification_uri"), format!("{}/device", world.issuer));
        assert_eq!(text(&asked, "verification_uri_complete"), format!("{}/device?user_code={code}", world.issuer));
        assert_eq!(device.poll(&asked).await.0, "authorization_pending");

        // The address with the code only fills the field: the person still has to look at it.
        let mut browser = world.browser();
        let page = browser.open(text(&asked, "verification_uri_complete")).await;
        assert_eq!(page.name(), "device");
        assert!(page.text.contains(&format!("value=\"{code}\"")) && page.words().contains("a device of yours"));
        // However it is typed.
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(browser.submit(&[("user_code", &typed)]).await.name(), "login");
        assert!(browser.page.words().contains("Iron Works Site Display"), "{}", browser.page.words());
        browser.log_in("dave").await;
        // The same engine as for applications: only what is accepted is offered, and nothing can be skipped.
        assert_eq!(browser.page.name(), "factor", "{}", browser.page.words());
        assert!(browser.page.has("factor-hardware_token") && !browser.page.has("skip-otp"));
        assert_eq!(device.poll(&asked).await.0, "slow_down", "within five seconds");
        browser.show_token(&world, "dave").await;
        let words = browser.page.words();
        assert_eq!(browser.page.name(), "device", "{words}");
        assert!(browser.page.has("allow") && browser.page.has("deny"), "{words}");
        for said in ["Iron Works Site Display", "127.0.0.1", "a device of yours", "dave", "Stay connected"] {
            assert!(words.contains(said), "{said}: {words}");
        }
        browser.submit(&[("decision", "allow")]).await;
        assert!(browser.page.words().contains("Your device is connected"), "{}", browser.page.words());

        let (answer, tokens) = device.poll(&asked).await;
        assert_eq!(answer, "tokens", "{tokens}");
        let access = text(&tokens, "access_token");
        let now = rp.introspect(access).await;
        assert_eq!(
            (&now["active"], &now["acr"], &now["client_id"]),
            (&json!(true), &json!(TOKEN), &json!("demo-device"))
        );
        let payload = text(&tokens, "id_token").split('.').nth(1).unwrap();
        let claims: Value =
            serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap();
        assert_eq!((&claims["acr"], &claims["amr"]), (&json!(TOKEN), &json!(["pwd", "otp", "hwk", "mfa"])));
        assert_eq!((&claims["aud"], &claims["auth_time"]), (&json!("demo-device"), &now["auth_time"]));
        assert_eq!(device.rp.userinfo(access).await.1["preferred_username"], "dave");
        // It stays connected: the session may end.
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
        let (status, again) = device.rp.token(&refresh).await;
        assert_eq!((status.as_u16(), &again["scope"]), (200, &json!("openid profile offline_access")), "{again}");
        // Used twice: recognised, and what it gave is worth nothing any more.
        assert_eq!(device.poll(&asked).await.0, "invalid_grant");
        assert_eq!(rp.introspect(text(&again, "access_token")).await, json!({ "active": false }));
        // The code on the screen is over as well.
        browser.open("/device").await;
        browser.submit(&[("user_code", code)]).await;
        assert!(browser.page.words().contains("No device shows that code now"), "{}", browser.page.words());
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_or_cannot_be_met_is_told_to_the_device() {
    on_each_backend_with(ROOMY, |world| async move {
        let device = Device::of(&world).await;
        // No, at the end.
        let asked = device.ask(&[]).await;
        let mut browser = world.browser();
        type_code(&mut browser, text(&asked, "user_code"), "alice").await;
        assert_eq!(browser.page.name(), "device", "{}", browser.page.words());
        browser.submit(&[("decision", "deny")]).await;
        assert!(browser.page.words().contains("was not connected"), "{}", browser.page.words());
        assert_eq!(device.poll(&asked).await.0, "access_denied");

        // What the person holds does not do.
        let asked = device.ask(&[("acr_values", TOKEN)]).await;
        type_code(&mut world.browser(), text(&asked, "user_code"), "bob").await;
        let mut browser = world.browser();
        type_code(&mut browser, text(&asked, "user_code"), "bob").await;
        assert_eq!(browser.page.name(), "requirements-not-met", "{}", browser.page.words());
        assert!(browser.page.words().contains("Phones are not accepted"), "{}", browser.page.words());
        // Off to mend it, and back by the way that Manage OTP shows.
        browser.open("/account/otp").await;
        assert!(browser.page.words().contains("Go on to Iron Works Site Display"), "{}", browser.page.words());
        let (_, rest) = browser.page.text.split_once("/interaction/").unwrap();
        let back = format!("/interaction/{}", rest.split_once('"').unwrap().0);
        assert_eq!(browser.open(&back).await.name(), "requirements-not-met");
        browser.submit(&[("cancel", "1")]).await;
        let (answer, told) = device.poll(&asked).await;
        assert_eq!(answer, "access_denied");
        assert!(text(&told, "error_description").contains("requested acr"), "{told}");

        // The policy's floor holds without being asked for; a login that is there is asked for the rest only.
        world.tamper(
            "UPDATE applications SET policy = '{\"accepts\":[\"urn:stepgate:acr:otp\"]}' WHERE name = 'Iron Works Site Display'",
        ).await;
        world.advance(70).await;
        let asked = device.ask(&[]).await;
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("dave").await;
        browser.submit(&[("skip", "1")]).await;
        browser.open("/device").await;
        assert_eq!(browser.submit(&[("user_code", text(&asked, "user_code"))]).await.name(), "factor");
        browser.show_token(&world, "dave").await;
        browser.submit(&[("decision", "allow")]).await;
        world.advance(6).await;
        let (answer, tokens) = device.poll(&asked).await;
        assert_eq!(answer, "tokens", "{tokens}");
        assert!(world.relying_party().await.introspect(text(&tokens, "access_token")).await["acr"].is_string());
    })
    .await;
}

#[tokio::test]
async fn codes_end_and_the_first_to_decide_decides() {
    on_each_backend_with(ROOMY, |world| async move {
        let device = Device::of(&world).await;
        let (asked, late) = (device.ask(&[]).await, device.ask(&[]).await);
        let (mut one, mut other) = (world.browser(), world.browser());
        type_code(&mut one, text(&asked, "user_code"), "alice").await;
        type_code(&mut other, text(&asked, "user_code"), "petra").await;
        one.submit(&[("decision", "allow")]).await;
        other.submit(&[("decision", "deny")]).await;
        assert!(other.page.words().contains("That code has ended"), "{}", other.page.words());

        // A session that ended before the device came takes its tokens along: it asked for no `offline_access`.
        let ended = device.ask(&[]).await;
        let mut browser = world.browser();
        type_code(&mut browser, text(&ended, "user_code"), "alice").await;
        browser.submit(&[("decision", "allow")]).await;
        browser.open("/logout").await;
        browser.submit(&[("decision", "logout")]).await;
        assert_eq!(device.poll(&ended).await.0, "invalid_grant");

        // A person who is too late: the code ended while the page was open.
        let mut browser = world.browser();
        type_code(&mut browser, text(&late, "user_code"), "alice").await;
        world.advance(901).await;
        browser.submit(&[("decision", "allow")]).await;
        assert!(browser.page.words().contains("That code has ended"), "{}", browser.page.words());
        assert_eq!(device.poll(&late).await.0, "expired_token");
        assert_eq!(device.poll(&asked).await.0, "expired_token", "allowed, but never fetched");
        browser.open("/device").await;
        browser.submit(&[("user_code", text(&late, "user_code"))]).await;
        assert!(browser.page.words().contains("No device shows that code now"), "{}", browser.page.words());
    })
    .await;
}

/// Polls of all nodes, by turns and at once.
async fn at_once(world: &World, asked: &Value, count: usize) -> Vec<String> {
    let barrier = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
            let fields =
                [("grant_type", GRANT), ("client_id", "demo-device"), ("device_code", text(asked, "device_code"))];
            let request = http.post(format!("{}/token", world.node(number % world.nodes()))).form(&fields);
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                let answer: Value = request.send().await.unwrap().json().await.unwrap();
                answer["error"].as_str().unwrap_or("tokens").to_owned()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers.sort();
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_a_code_is_redeemed_once_and_polls_are_counted_over_all_nodes() {
    on_each_backend_with(ROOMY, |world| async move {
        let (device, rp) = (Device::of(&world).await, world.relying_party().await);
        // Of two polls at once one is in time; from then on the device waits ten seconds, on every node.
        let asked = device.ask(&[]).await;
        assert_eq!(at_once(&world, &asked, 2).await, ["authorization_pending", "slow_down"]);
        world.advance(6).await;
        assert_eq!(device.poll(&asked).await.0, "slow_down", "ten seconds now");
        world.advance(11).await;
        assert_eq!(device.poll(&asked).await.0, "slow_down", "fifteen seconds now");
        world.advance(21).await;
        assert_eq!(device.poll(&asked).await.0, "authorization_pending");
        for round in 0..5 {
            let asked = device.ask(&[]).await;
            let mut browser = world.browser();
            type_code(&mut browser, text(&asked, "user_code"), "alice").await;
            // The button pressed several times counts once and leads to one place.
            let allow = browser.prepared(&[("decision", "allow")]);
            let (first, second) = tokio::join!(allow.try_clone().unwrap().send(), allow.send());
            for answer in [first.unwrap(), second.unwrap()] {
                let place = answer.headers()["location"].to_str().unwrap();
                assert_eq!(browser.open(place).await.url.query(), Some("done=allowed"), "round {round}");
            }
            let answers = at_once(&world, &asked, 8).await;
            assert_eq!(answers.iter().filter(|answer| *answer == "tokens").count(), 1, "round {round}: {answers:?}");
            assert_eq!(answers.iter().filter(|answer| *answer == "invalid_grant").count(), 7, "{answers:?}");
        }
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'device.allowed'").await, 5);
        assert_eq!(rp.introspect("nonsense").await["active"], false);
    })
    .await;
}

#[tokio::test]
async fn guesses_are_capped_and_bad_requests_are_named() {
    on_each_backend_with(ROOMY, |world| async move {
        let (device, rp) = (Device::of(&world).await, world.relying_party().await);
        let asked = device.ask(&[]).await;
        // Another client's code, no code, no such code.
        let token = async |fields: &[(&str, &str)]| rp.token(fields).await.1["error"].clone();
        let stolen = [("grant_type", GRANT), ("device_code", text(&asked, "device_code"))];
        assert_eq!(token(&stolen).await, "invalid_grant");
        assert_eq!(token(&[("grant_type", GRANT)]).await, "invalid_request");
        assert_eq!(token(&[("grant_type", GRANT), ("device_code", "x")]).await, "invalid_grant");
        // What a device may not ask.
        let refused = async |client: &RelyingParty, fields: &[(&str, &str)]| {
            let answer = client.post("/device_authorization", fields).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["error"].clone())
        };
        assert_eq!(refused(&device.rp, &[("scope", "openid nonsense!\"")]).await, (400, json!("invalid_scope")));
        assert_eq!(refused(&device.rp, &[("max_age", "-1")]).await, (400, json!("invalid_request")));
        let spa = world.public_client().await;
        assert_eq!(refused(&spa, &[]).await, (400, json!("unauthorized_client")));
        let unknown = RelyingParty::discover(&world.issuer, "nobody", None, "http://127.0.0.1/none").await;
        assert_eq!(refused(&unknown, &[]).await, (401, json!("invalid_client")));

        // Ten tries of one browser, on whichever node; then even the right code is not looked at.
        let mut browser = world.browser();
        browser.open("/device").await;
        browser.submit(&[("user_code", "not a code")]).await;
        for _ in 0..10 {
            browser.submit(&[("user_code", "BBBB-BBBB")]).await;
            assert!(browser.page.words().contains("No device shows that code now"), "{}", browser.page.words());
        }
        browser.submit(&[("user_code", text(&asked, "user_code"))]).await;
        assert_eq!((browser.page.status.as_u16(), browser.page.name()), (429, "device"));
        assert!(browser.page.words().contains("Wait ten minutes"), "{}", browser.page.words());
        world.advance(601).await;
        browser.open("/device").await;
        browser.submit(&[("user_code", text(&asked, "user_code"))]).await;
        assert_eq!(browser.page.name(), "login");
        assert_eq!(browser.page.url.origin().ascii_serialization(), device.issuer);
    })
    .await;
}

#[tokio::test]
async fn a_new_browser_does_not_help_whoever_guesses() {
    let world = World::start(Backend::Sqlite).await;
    let device = Device::of(&world).await;
    let asked = device.ask(&[]).await;
    for _ in 0..5 {
        let mut browser = world.browser();
        browser.open("/device").await;
        for _ in 0..10 {
            browser.submit(&[("user_code", "BBBB-BBBB")]).await;
        }
        assert_eq!(browser.page.status, 200);
    }
    let mut browser = world.browser();
    browser.open("/device").await;
    browser.submit(&[("user_code", text(&asked, "user_code"))]).await;
    assert_eq!(browser.page.status, 429, "the address is counted as well");
    // Nor can anybody fill the database with codes through a client that has no secret.
    for _ in 0..99 {
        device.ask(&[]).await;
    }
    let (status, answer) = {
        let answer = device.rp.post("/device_authorization", &[]).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!((status, &answer["error"]), (400, &json!("slow_down")), "{answer}");
}

#[tokio::test]
async fn elevation_on_a_device_follows_what_otp_means() {
    let world = World::start(Backend::Sqlite).await;
    let device = Device::of(&world).await;
    for (username, kind) in [("erin", "hardware_token"), ("erin", "mobile_id"), ("bob", "phone_otp")] {
        let asked = device.ask(&[("acr_values", OTP)]).await;
        let mut browser = world.browser();
        type_code(&mut browser, text(&asked, "user_code"), username).await;
        match kind {
            "hardware_token" => browser.show_token(&world, username).await,
            "mobile_id" => browser.show_mobile(&world, username).await,
            _ => browser.show_phone(&world, "+12025550101").await,
        };
        browser.submit(&[("decision", "allow")]).await;
        let (answer, tokens) = device.poll(&asked).await;
        assert_eq!(answer, "tokens", "{username} {kind}: {tokens}");
        assert_eq!(world.relying_party().await.introspect(text(&tokens, "access_token")).await["acr"], OTP, "{kind}");
    }
}
