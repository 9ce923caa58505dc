//! Secrets are looked for where they must never be (T26), and forged forms at every address that changes something (T16).

use std::path::Path;

use stepgate_tests::{Browser, World, on_each_backend_with};

const SEED: &str = "12345678901234567890";
const NUMBER: &str = "2025550101";

/// Whether a text has the secret as a word of its own; short digits also stand in other numbers.
fn has(text: &str, secret: &str) -> bool {
    if secret.len() > 8 {
        return text.contains(secret);
    }
    text.match_indices(secret).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + secret.len()..].chars().next();
        let apart = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '.');
        apart(before) && apart(after)
    })
}

/// Drives what handles secrets, and returns all of them with what they are.
async fn secrets(world: &World) -> Vec<(&'static str, String)> {
    let mut secrets = vec![
        ("seed", SEED.to_owned()),
        ("seed in base32", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned()),
        ("seed in hex", "3132333435363738393031323334353637383930".to_owned()),
        ("number", NUMBER.to_owned()),
        ("password", stepgate_tests::PASSWORD.to_owned()),
        ("client secret", "demo-partner-secret".to_owned()),
    ];
    let rp = world.relying_party().await;
    let acr = |name: &str| format!("urn:stepgate:acr:{name}");
    for (username, kind) in [("bob", "phone-otp"), ("dave", "hardware-token"), ("carol", "mobile-id")] {
        let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", &acr(kind))]));
        browser.open(&started.url).await;
        browser.log_in(username).await;
        // A wrong one first: what is wrong is often a secret of something else.
        match kind {
            "phone-otp" => {
                browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
                let code = world.text_code("+12025550101").await;
                browser.submit(&[("code", "947135")]).await;
                browser.submit(&[("code", &code)]).await;
                secrets.push(("text code", code));
                secrets.push(("wrong code", "947135".to_owned()));
            }
            "hardware-token" => {
                browser.submit(&[("factor", "hardware_token")]).await;
                let code = world.shown_code("dave").await;
                browser.submit(&[("code", &code)]).await;
                secrets.push(("token code", code));
            }
            _ => {
                browser.show_mobile(world, "carol").await;
            }
        }
        secrets.push(("authorization code", browser.page.parameter("code").unwrap()));
        let login = rp.finish(&started, &browser.page).await;
        rp.introspect(&login.access_token).await;
        secrets.push(("access token", login.access_token.clone()));
        let again = rp.refresh(&login).await;
        secrets.push(("access token", again.access_token.clone()));
        for cookie in browser.cookies().split("; ") {
            let (name, value) = cookie.split_once('=').unwrap();
            if name.contains("session") || name.contains("browser") {
                secrets.push(("cookie", value.to_owned()));
            }
        }
    }
    let mut bob = world.browser();
    bob.open("/account/otp").await;
    bob.log_in("bob").await;
    bob.submit(&[("skip", "1")]).await;
    let (_, rest) = bob.page.text.split_once("<li class=\"panel credential\" id=\"credential-").unwrap();
    let id = rest.split('"').next().unwrap().to_owned();
    bob.submit_with("/account/otp/suspend", &[("credential", &id)]).await;
    let mail = world.mail("bob@iron-builders.example", "was suspended").await;
    let token = mail.split_once("token=").unwrap().1.split_whitespace().next().unwrap().to_owned();
    let mut reader = world.browser();
    reader.open(&format!("/not-me?token={token}")).await;
    reader.submit(&[("token", &token)]).await;
    assert!(reader.page.words().contains("It is stopped"));
    secrets.push(("link token", token));
    secrets
}

#[tokio::test]
async fn t26_no_secret_is_in_logs_audit_or_metrics_at_any_level() {
    on_each_backend_with(&[("RUST_LOG", "trace"), ("NO_COLOR", "1")], |world| async move {
        let secrets = secrets(&world).await;
        let mut places: Vec<(String, String)> = Vec::new();
        for number in 0..world.nodes() {
            // Without the time at the beginning of each line: its digits are not ours.
            let log = world.log(number);
            let lines: Vec<_> = log.lines().map(|line| line.split_once(' ').map_or(line, |(_, rest)| rest)).collect();
            assert!(lines.len() > 50 && log.contains(" DEBUG "), "the whole server speaks: {}", lines.len());
            places.push((format!("log {number}"), lines.join("\n")));
            let metrics = reqwest::get(format!("{}/metrics", world.node(number))).await.unwrap();
            places.push((format!("metrics {number}"), metrics.text().await.unwrap()));
        }
        let events = world.texts("SELECT kind || ' ' || data AS found FROM audit_events").await;
        assert!(events.len() > 10, "{}", events.len());
        places.push(("audit".to_owned(), events.join("\n")));
        // What waits in the outbox, and what is remembered of parked requests.
        let parked = world.texts("SELECT data AS found FROM interactions").await;
        places.push(("interactions".to_owned(), parked.join("\n")));
        let mut found = Vec::new();
        for (place, text) in &places {
            for (what, secret) in &secrets {
                if let Some(line) = text.lines().find(|line| has(line, secret)) {
                    let line: String = line.chars().take(300).collect();
                    found.push(format!("{what} in {place}: {line}"));
                }
            }
        }
        assert!(found.is_empty(), "{found:#?}");
    })
    .await;
}

/// Every address under `/account` that takes a POST, read off the routes.
fn posts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("idp/src/account");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for route in text.split(".route(").skip(1) {
            let Some((_, (address, handlers))) =
                route.split_once('"').and_then(|(before, rest)| Some((before, rest.split_once('"')?)))
            else {
                continue;
            };
            let handlers = handlers.split(".route(").next().unwrap().split('\n').next().unwrap();
            if address.starts_with("/account") && handlers.contains("post(") {
                let address = address.replace("{credential}", "00000000-0000-0000-0000-000000000001");
                found.push(address);
            }
        }
    }
    found
}

async fn forged(world: &World, browser: &Browser, path: &str, site: Option<&str>, csrf: Option<&str>) -> u16 {
    let client = world.client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut request = client.post(format!("{}{path}", world.issuer)).header("cookie", browser.cookies());
    if let Some(site) = site {
        request = request.header("sec-fetch-site", site);
    }
    let fields: Vec<(&str, &str)> = csrf.map(|csrf| ("csrf", csrf)).into_iter().chain([("credential", "x")]).collect();
    request.form(&fields).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn t16_no_form_from_elsewhere_changes_anything_under_account() {
    on_each_backend_with(&[], |world| async move {
        let addresses = posts();
        for known in ["/account/otp/suspend", "/account/otp/revoke", "/account/elevate", "/account/sessions/end"] {
            assert!(addresses.iter().any(|address| address == known), "{known} in {addresses:?}");
        }
        let (mut browser, mut other) = (world.browser(), world.browser());
        for browser in [&mut browser, &mut other] {
            browser.open("/account").await;
            browser.log_in("alice").await;
        }
        let proof = |browser: &Browser| {
            let (_, rest) = browser.page.text.split_once("name=\"csrf\" value=\"").unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let (own, foreign) = (proof(&browser), proof(&other));
        for path in &addresses {
            for (site, csrf) in [
                (Some("cross-site"), Some(own.as_str())),
                (Some("same-site"), Some(own.as_str())),
                (Some("same-origin"), None),
                (None, None),
                (Some("same-origin"), Some(foreign.as_str())),
                (None, Some("guess")),
            ] {
                let status = forged(&world, &browser, path, site, csrf).await;
                assert!(matches!(status, 400 | 403), "{path} {site:?} {}: {status}", csrf.is_some());
            }
        }
        assert_eq!(browser.open("/account").await.name(), "account", "still logged in");
        // The proof itself is good: where the address is right and the form ours, it is taken.
        let status = forged(&world, &browser, "/account/elevate", Some("same-origin"), Some(&own)).await;
        assert_eq!(status, 303);
    })
    .await;
}
