//! The integrators' console: who may be there, and a client's whole life in it.

use std::collections::BTreeMap;

use stepgate_tests::{Browser, Page, RelyingParty, World, logged_in, on_each_backend};

/// What stands between two pieces of a page.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start}")).1;
    rest.split_once(end).unwrap().0
}

fn secret(page: &Page) -> String {
    between(&page.text, "id=\"secret\" data-copy>", "<").to_owned()
}

/// Every field of the long form as it stands, so that a test sends what a browser would.
fn fields(page: &Page) -> BTreeMap<String, String> {
    let form = between(&page.text, "id=\"form\"", "</form>");
    let mut found = BTreeMap::new();
    let attribute = |tag: &str, name: &str| {
        tag.split_once(&format!("{name}=\"")).map(|(_, rest)| rest.split_once('"').unwrap().0.to_owned())
    };
    for tag in form.split('<').filter(|tag| tag.starts_with("input")) {
        let tag = tag.split('>').next().unwrap();
        let Some(name) = attribute(tag, "name") else { continue };
        let unticked = tag.contains("checkbox") && !tag.contains(" checked");
        if !unticked {
            found.insert(name, attribute(tag, "value").unwrap_or_default().replace("&#38;", "&"));
        }
    }
    for tag in form.split("<textarea").skip(1) {
        let value = tag.split_once('>').unwrap().1.split_once("</textarea>").unwrap().0;
        found.insert(attribute(tag, "name").unwrap(), value.replace("&#34;", "\""));
    }
    for tag in form.split("<select").skip(1) {
        let options = tag.split_once("</select>").unwrap().0;
        let chosen = options.split("<option").skip(1).find(|option| option.contains(" selected"));
        let first = options.split("<option").nth(1).unwrap();
        found.insert(attribute(tag, "name").unwrap(), attribute(chosen.unwrap_or(first), "value").unwrap());
    }
    found
}

async fn submit(browser: &mut Browser, changes: &[(&str, &str)]) {
    let mut values = fields(&browser.page);
    values.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    // The first field names the form.
    let mut all: Vec<(&str, &str)> = vec![("csrf", values["csrf"].as_str())];
    let rest = values.iter().filter(|(name, _)| *name != "csrf");
    all.extend(rest.map(|(name, value)| (name.as_str(), value.as_str())));
    let first = all.iter().position(|(name, _)| changes.iter().any(|(changed, _)| changed == name)).unwrap();
    all.swap(0, first);
    browser.submit(&all).await;
}

/// An application, and a client with one redirect URI; its id and its secret.
async fn client(browser: &mut Browser, redirect: &str) -> (String, String, String) {
    browser.open("/developer/applications/new").await;
    browser.submit(&[("name", "Crane Control"), ("url", "")]).await;
    let application = browser.page.url.path().rsplit('/').next().unwrap().to_owned();
    browser.open(&format!("/developer/applications/{application}/clients/new")).await;
    submit(browser, &[("redirect_uris", redirect), ("client_name", "Crane server")]).await;
    assert_eq!(browser.page.name(), "developer-client", "{}", browser.page.words());
    let id = between(&browser.page.text, "id=\"ident\" data-copy>", "<").to_owned();
    (application, id, secret(&browser.page))
}

#[tokio::test]
async fn integrators_and_those_above_them_and_nobody_else() {
    on_each_backend(|world| async move {
        let paths = ["/developer", "/developer/playground", "/developer/applications/new"];
        for (username, expected) in
            [("ingrid", 200), ("petra", 200), ("admin", 200), ("alice", 403), ("oscar", 403), ("agnes", 403)]
        {
            let mut browser = logged_in(&world, username).await;
            for path in paths {
                assert_eq!(browser.open(path).await.status.as_u16(), expected, "{username} {path}");
            }
            browser.open("/account").await;
            assert_eq!(browser.page.text.contains("href=\"/developer\""), expected == 200, "{username}");
            let act = browser.post_with_proof("/developer/playground/sandbox").await;
            assert_eq!(act, if expected == 200 { 303 } else { 403 }, "{username}");
        }
        for path in paths {
            assert_eq!(world.browser().open(path).await.name(), "login", "{path}");
        }
        // What is not their partner's is not there at all.
        let (ok, said) = world.operate(&[
            "client",
            "add",
            "--id",
            "stranger",
            "--name",
            "Stranger",
            "--partner",
            "Strangers Inc.",
            "--redirect-uri",
            "https://stranger.example/cb",
        ]);
        assert!(ok, "{said}");
        let mut ingrid = logged_in(&world, "ingrid").await;
        for part in ["", "/edit", "/secrets", "/configuration", "/checks", "/go-live"] {
            let path = format!("/developer/clients/stranger{part}");
            assert_eq!(ingrid.open(&path).await.status.as_u16(), 404, "{path}");
        }
        assert!(!ingrid.open("/developer?q=stranger").await.words().contains("Stranger"));
        ingrid.open("/account").await;
        for part in ["edit", "do", "secrets/add", "secrets/end", "go-live"] {
            assert_eq!(ingrid.post_with_proof(&format!("/developer/clients/stranger/{part}")).await, 404, "{part}");
        }
        // A form without its proof is not believed.
        let forged = reqwest::Client::new().post(format!("{}/developer/applications/new", world.issuer));
        assert_eq!(forged.form(&[("name", "x")]).send().await.unwrap().status().as_u16(), 403);
    })
    .await;
}

#[tokio::test]
async fn a_client_is_made_used_looked_into_and_its_secret_rotated() {
    on_each_backend(|world| async move {
        let mut ingrid = logged_in(&world, "ingrid").await;
        let redirect = "http://127.0.0.1/crane";
        // What is wrong is said at its field, and what was typed is kept.
        ingrid.open("/developer/applications/new").await;
        ingrid.submit(&[("name", "Crane"), ("url", "")]).await;
        let path = ingrid.page.url.path().to_owned();
        ingrid.open(&format!("{path}/clients/new")).await;
        submit(&mut ingrid, &[("redirect_uris", "http://evil.example/cb#x"), ("tos_uri", "nonsense")]).await;
        assert_eq!(ingrid.page.name(), "developer-client-form");
        let text = ingrid.page.text.clone();
        assert!(text.contains("href=\"#form-redirect_uris\"") && text.contains("href=\"#form-tos_uri\""), "{text}");
        assert!(text.contains("http://evil.example/cb#x") && text.contains("nonsense"));

        let (application, id, first) = client(&mut ingrid, redirect).await;
        let rp = RelyingParty::discover(&world.issuer, &id, Some(&first), redirect).await;
        let acr = [("acr_values", "urn:stepgate:acr:hardware-token")];
        let (mut dave, started) = (world.browser(), rp.start(&acr));
        dave.open(&started.url).await;
        dave.log_in("dave").await;
        dave.show_token(&world, "dave").await;
        dave.submit(&[("decision", "allow")]).await;
        assert_eq!(rp.finish(&started, &dave.page).await.acr(), "urn:stepgate:acr:hardware-token");

        // A mistake is in the log, with its rule; nothing secret is.
        let code = [("grant_type", "authorization_code"), ("code", "a-secret-code"), ("redirect_uri", redirect)];
        assert_eq!(rp.token(&code).await.0.as_u16(), 400);
        let mut stranger = world.browser();
        stranger.open(&started.url.replace("crane", "elsewhere")).await;
        let log = format!("/developer/applications/{application}/requests");
        world
            .until("the refused requests are in the log", async || {
                let mut ingrid = ingrid.clone();
                let words = ingrid.open(&format!("{log}?outcome=failed")).await.words();
                words.contains("invalid_grant") && words.contains("redirect_uri: not registered")
            })
            .await;
        ingrid.open(&format!("{log}?outcome=failed&endpoint=token")).await;
        let request =
            format!("/developer/requests/{}", between(&ingrid.page.text, "href=\"/developer/requests/", "\""));
        ingrid.open(&request).await;
        let words = ingrid.page.words();
        assert!(words.contains("token.code") && words.contains("RFC 6749 §4.1.2"), "{words}");
        assert!(words.contains("code given") && !ingrid.page.text.contains("a-secret-code"), "{words}");
        // Nor does another partner's integrator see it.
        assert_eq!(logged_in(&world, "alice").await.open(&request).await.status.as_u16(), 403);

        // The linter has seen a strength asked for in the clear; a floor mends it.
        ingrid.open(&format!("/developer/clients/{id}/checks")).await;
        assert!(ingrid.page.has("finding-acr-in-the-clear"), "{}", ingrid.page.words());
        ingrid.open(&format!("/developer/clients/{id}/edit")).await;
        submit(&mut ingrid, &[("required_acr.urn:stepgate:acr:otp", "1")]).await;
        assert!(ingrid.page.words().contains("Saved"), "{}", ingrid.page.words());
        ingrid.open(&format!("/developer/clients/{id}/checks")).await;
        assert!(!ingrid.page.has("finding-acr-in-the-clear") && ingrid.page.has("finding-check-acr"));
        // And the floor holds.
        let (mut alice, started) = (world.browser(), rp.start(&[]));
        alice.open(&started.url).await;
        alice.log_in("alice").await;
        assert_eq!(alice.page.name(), "requirements-not-met");

        // What was seen is ticked; what only people know is confirmed.
        ingrid.open(&format!("/developer/clients/{id}/go-live")).await;
        let ticked = |page: &Page, step: &str| page.text.contains(&format!("id=\"step-{step}\" class=\"done\""));
        assert!(ticked(&ingrid.page, "login") && ticked(&ingrid.page, "elevation"), "{}", ingrid.page.words());
        assert!(!ticked(&ingrid.page, "logout") && !ticked(&ingrid.page, "secret"));
        ingrid.submit(&[("step", "checks-acr"), ("set", "1")]).await;
        assert!(ticked(&ingrid.page, "checks-acr"));

        // A second secret works beside the first; the first dies when it is said to.
        ingrid.open(&format!("/developer/clients/{id}/secrets")).await;
        let fingerprint = between(&ingrid.page.text, "<option value=\"", "\"").to_owned();
        ingrid.submit(&[("add", "1")]).await;
        let second = secret(&ingrid.page);
        let answers = async |secret: &str| {
            let rp = RelyingParty::discover(&world.issuer, &id, Some(secret), redirect).await;
            rp.token(&[("grant_type", "refresh_token"), ("refresh_token", "none")]).await.1["error"].clone()
        };
        world.until("the second secret works", async || answers(&second).await == "invalid_grant").await;
        assert_eq!(answers(&first).await, "invalid_grant");
        ingrid.submit(&[("secret", &fingerprint), ("days", "1")]).await;
        assert_eq!(answers(&first).await, "invalid_grant", "it works until its end");
        world.advance(24 * 3600 + 1).await;
        assert_eq!(answers(&first).await, "invalid_client");
        assert_eq!(answers(&second).await, "invalid_grant");

        // Switched off, nothing works; the audit log remembers all of it, and no secret.
        let mut ingrid = logged_in(&world, "ingrid").await;
        ingrid.open(&format!("/developer/clients/{id}")).await;
        ingrid.submit(&[("act", "off")]).await;
        world.until("the client is off", async || answers(&second).await == "invalid_client").await;
        ingrid.post_with_proof(&format!("/developer/clients/{id}/do")).await;
        for kind in ["client.created", "client.changed", "secret.added", "secret.ended", "client.disabled"] {
            let sql = format!(
                "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'developer.{kind}' AND client_id = '{id}'"
            );
            assert_eq!(world.count(&sql).await, 1, "{kind}");
        }
        let told = format!("SELECT COUNT(*) AS found FROM audit_events WHERE data LIKE '%{second}%'");
        assert_eq!(world.count(&told).await, 0);
    })
    .await;
}

#[tokio::test]
async fn configuration_is_filled_with_the_clients_own_values() {
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let mut ingrid = logged_in(&world, "ingrid").await;
    let (_, id, secret) = client(&mut ingrid, "http://127.0.0.1/crane").await;
    for library in ["openid-client", "authlib", "spring-security", "mod-auth-openidc", "curl"] {
        ingrid.open(&format!("/developer/clients/{id}/configuration?library={library}")).await;
        let snippet = between(&ingrid.page.text, &format!("id=\"snippet-{library}\""), "</code>");
        assert!(snippet.contains(&id) && snippet.contains(&world.issuer), "{library}");
        assert!(snippet.contains("urn:stepgate:acr:") && !ingrid.page.text.contains(&secret), "{library}");
    }
}

#[tokio::test]
async fn the_playground_runs_a_request_as_oneself_and_as_each_demo_person() {
    on_each_backend(|world| async move {
        let mut ingrid = logged_in(&world, "ingrid").await;
        ingrid.open("/developer/playground").await;
        ingrid.submit(&[("sandbox", "1")]).await;
        assert_eq!(ingrid.page.name(), "developer-playground", "{}", ingrid.page.words());
        let filled = fields(&ingrid.page);
        assert!(!filled["client"].is_empty());

        // As a demo person: at each strength, in a session that is not the integrator's.
        let all = [
            ("alice", "password", "urn:stepgate:acr:password", "pwd"),
            ("bob", "phone_otp", "urn:stepgate:acr:phone-otp", "sms"),
            ("dave", "hardware_token", "urn:stepgate:acr:hardware-token", "hwk"),
            ("carol", "mobile_id", "urn:stepgate:acr:mobile-id", "swk"),
        ];
        for (username, strength, acr, amr) in all {
            let mut values = filled.clone();
            for (name, value) in [("as", username), ("strength", strength), ("acr_values", acr)] {
                values.insert(name.to_owned(), value.to_owned());
            }
            ingrid.open("/developer/playground").await;
            ingrid.post_form("/demo/playground", &values).await;
            let words = ingrid.page.words();
            assert_eq!(ingrid.page.name(), "developer-run", "{username}: {words}");
            for part in ["Token request", "200 OK", "Userinfo", "Introspection", acr, amr, "Why this strength"] {
                assert!(words.contains(part), "{username}: no {part} in {words}");
            }
            assert_eq!(ingrid.page.strength(), "Password", "the integrator's own session is untouched");
        }

        // Somebody who lacks what is demanded gives up, and the reason is told.
        let mut values = filled.clone();
        for (name, value) in [("as", "alice"), ("strength", "password"), ("acr_values", "urn:stepgate:acr:otp")] {
            values.insert(name.to_owned(), value.to_owned());
        }
        ingrid.open("/developer/playground").await;
        ingrid.post_form("/demo/playground", &values).await;
        let words = ingrid.page.words();
        assert!(words.contains("refused") && !words.contains("Token request"), "{words}");

        // As oneself, through the browser.
        ingrid.open("/developer/playground").await;
        ingrid.post_form("/developer/playground", &filled).await;
        assert_eq!(ingrid.page.name(), "consent", "{}", ingrid.page.words());
        ingrid.submit(&[("decision", "allow")]).await;
        assert_eq!(ingrid.page.name(), "developer-run", "{}", ingrid.page.words());
        assert!(ingrid.page.words().contains("ID token: claims"));
        // The run is its owner's alone.
        let path = ingrid.page.url.path().to_owned();
        assert_eq!(logged_in(&world, "petra").await.open(&path).await.status.as_u16(), 404);
        // The demo's sessions have ended.
        let open = "SELECT COUNT(*) AS found FROM sessions s JOIN persons p ON p.id = s.person_id
                    WHERE s.ended_at IS NULL AND p.username IN ('alice', 'bob', 'carol', 'dave')";
        assert_eq!(world.count(open).await, 0);
    })
    .await;
}
