//! Passkeys: a login without a name and without a password, and what a key's make is worth.

use std::sync::Arc;

use serde_json::Value;
use stepgate_tests::{Backend, Browser, Maker, SecurityKey, World, on_each_backend};
use tokio::sync::Barrier;

/// Adds a key to the account of somebody who logs in for it.
pub(super) async fn add(world: &World, username: &str, key: &mut SecurityKey) -> Browser {
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in(username).await;
    if browser.page.name() == "factor" {
        browser.show_token(world, username).await;
    }
    browser.submit_to("/account/otp/key/new").await;
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Passkey")]).await;
    browser
}

/// Asks the open login page for something to sign, as its script does.
async fn challenge(browser: &Browser) -> (String, String) {
    let given = browser.ask(&browser.page.attribute("data-passkey")).await;
    let challenge = given["challenge"].as_str().unwrap().to_owned();
    assert!(given["publicKey"]["allowCredentials"].as_array().is_none_or(Vec::is_empty), "nobody is named: {given}");
    assert_eq!(given["publicKey"]["userVerification"], "required");
    given["publicKey"]["rpId"].as_str().unwrap();
    (challenge, given.to_string())
}

/// A login up to its first page.
async fn arriving(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    assert_eq!(browser.page.name(), "login");
    browser
}

pub(super) async fn use_passkey(browser: &mut Browser, key: &mut SecurityKey) {
    let (challenge, options) = challenge(browser).await;
    let response = key.sign(&options);
    browser.submit(&[("passkey", &challenge), ("response", &response)]).await;
}

#[tokio::test]
async fn a_passkey_logs_in_alone_and_the_application_gets_the_truth() {
    on_each_backend(async |world| {
        let mut key = SecurityKey::new(&world.issuer);
        add(&world, "alice", &mut key).await;
        let rp = world.relying_party().await;
        let mut browser = world.browser();
        let started = rp.start(&[("acr_values", "phr")]);
        browser.open(&started.url).await;
        let before = browser.cookies();
        use_passkey(&mut browser, &mut key).await;
        let login = rp.finish(&started, &browser.page).await;
        assert_eq!((login.acr(), login.amr().as_str()), ("phr", "hwk pop user mfa"));
        assert_eq!(rp.userinfo(&login.access_token).await.1["sub"], login.claims["sub"]);
        assert_ne!(browser.cookies(), before, "T15: what the browser had before is nobody's session");
        // It is no password: who demands that gets it.
        let started = rp.start(&[("acr_values", "urn:stepgate:acr:hardware-token")]);
        browser.open(&started.url).await;
        assert_eq!(browser.page.name(), "requirements-not-met", "{}", browser.page.words());
        // Asked again, it is shown again; what was shown before does not do.
        let started = rp.start(&[("prompt", "login")]);
        browser.open(&started.url).await;
        assert_eq!(browser.page.name(), "factor", "{}", browser.page.words());
        browser.submit(&[("factor", "security_key")]).await;
        let response = key.sign(&browser.page.attribute("data-key-options"));
        browser.submit(&[("response", &response)]).await;
        let again = rp.finish(&started, &browser.page).await;
        assert!(again.claims["auth_time"].as_i64() >= login.claims["auth_time"].as_i64());

        // One that is copied to other devices says so.
        let mut synced = SecurityKey::new(&world.issuer);
        synced.synced = true;
        let page = add(&world, "grace", &mut synced).await;
        assert!(page.page.words().contains("Synced between your devices"), "{}", page.page.words());
        let mut browser = world.browser();
        let started = rp.start(&[("acr_values", "phr")]);
        browser.open(&started.url).await;
        use_passkey(&mut browser, &mut synced).await;
        let login = rp.finish(&started, &browser.page).await;
        assert_eq!((login.acr(), login.amr().as_str()), ("phr", "swk pop user mfa"));
    })
    .await;
}

#[tokio::test]
async fn t33_a_passkey_counts_once_at_its_own_site_verified_and_for_its_owner() {
    on_each_backend(async |world| {
        let mut key = SecurityKey::new(&world.issuer);
        add(&world, "alice", &mut key).await;
        let refused = |browser: &Browser| {
            assert_eq!(browser.page.name(), "login", "{}", browser.page.words());
            assert!(browser.page.words().contains("cannot be used here"), "{}", browser.page.words());
        };
        // Without verification it is one factor, and no login.
        let mut browser = arriving(&world).await;
        key.verifies = false;
        use_passkey(&mut browser, &mut key).await;
        refused(&browser);
        key.verifies = true;
        // Signed at another site.
        let mut phished = key.at("https://stepgate.evil.example");
        use_passkey(&mut browser, &mut phished).await;
        refused(&browser);
        let mut key = phished.at(&world.issuer);
        // In the name of somebody else, of nobody, and in more bytes than anybody reads.
        let own = key.user.clone();
        for user in [Some("b29vb29vb29vb29vb29vbw".to_owned()), None] {
            key.user = user;
            use_passkey(&mut browser, &mut key).await;
            refused(&browser);
        }
        key.user = own;
        let (challenge_id, _) = challenge(&browser).await;
        let long = format!("{{\"id\":\"{}\"}}", "x".repeat(20_000));
        browser.submit(&[("passkey", &challenge_id), ("response", &long)]).await;
        refused(&browser);
        // What was signed for one login is worth nothing in another, and nothing a second time.
        let (first, second) = (arriving(&world).await, &mut arriving(&world).await);
        let (challenge_id, options) = challenge(&first).await;
        let response = key.sign(&options);
        second.submit(&[("passkey", &challenge_id), ("response", &response)]).await;
        assert!(second.page.words().contains("took too long"), "{}", second.page.words());
        let barrier = Arc::new(Barrier::new(8));
        let request = first.prepared(&[("passkey", &challenge_id), ("response", &response)]);
        let presses: Vec<_> = (0..8)
            .map(|_| {
                let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap()
                })
            })
            .collect();
        for press in presses {
            press.await.unwrap();
        }
        let sql = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'login.security_key.succeeded'";
        assert_eq!(world.count(sql).await, 1);
        // A request about somebody takes nobody else's.
        let rp = world.relying_party().await;
        let mut browser = world.browser();
        let started = rp.start(&[]);
        browser.open(&started.url).await;
        browser.log_in("dave").await;
        browser.show_token(&world, "dave").await;
        let login = rp.finish(&started, &browser.page).await;
        let started = rp.start(&[("id_token_hint", &login.id_token), ("prompt", "login")]);
        browser.open(&started.url).await;
        use_passkey(&mut browser, &mut key).await;
        assert_eq!(browser.page.name(), "password", "{}", browser.page.words());
        // Neither a suspended person nor a suspended key logs in.
        world.tamper("UPDATE persons SET suspended_at = 1 WHERE username = 'alice'").await;
        let mut browser = arriving(&world).await;
        use_passkey(&mut browser, &mut key).await;
        refused(&browser);
        world.tamper("UPDATE persons SET suspended_at = NULL WHERE username = 'alice'").await;
        key.counter = 0;
        use_passkey(&mut browser, &mut key).await;
        refused(&browser);
        key.counter = 100;
        use_passkey(&mut browser, &mut key).await;
        refused(&browser);
    })
    .await;
}

#[tokio::test]
async fn t13_the_pages_are_the_same_for_every_name() {
    let world = World::start(Backend::Sqlite).await;
    let mut key = SecurityKey::new(&world.issuer);
    add(&world, "alice", &mut key).await;
    let mut pages = Vec::new();
    for name in ["alice", "petra", "zzzzz"] {
        let mut browser = arriving(&world).await;
        browser.submit(&[("username", name)]).await;
        let (_, given) = challenge(&browser).await;
        let mut given: Value = serde_json::from_str(&given).unwrap();
        given["challenge"].take();
        given["publicKey"]["challenge"].take();
        pages.push((browser.page.words().replace(name, "NAME"), given.to_string()));
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:#?}");
}

#[tokio::test]
async fn t6_a_locked_phone_does_not_keep_a_passkey_out() {
    let world = World::start(Backend::Sqlite).await;
    let mut key = SecurityKey::new(&world.issuer);
    add(&world, "alice", &mut key).await;
    world.tamper("UPDATE credentials SET failures = 60 WHERE kind <> 'security_key'").await;
    let mut browser = arriving(&world).await;
    use_passkey(&mut browser, &mut key).await;
    assert_eq!(browser.page.strength(), "Security Key", "{}", browser.page.words());
}

#[tokio::test]
async fn a_list_of_makes_takes_no_other_and_earns_hardware_protection() {
    let aaguid = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";
    let (maker, other) = (Maker::new(aaguid), Maker::new(aaguid));
    let file = std::env::temp_dir().join(format!("stepgate-maker-{}.pem", std::process::id()));
    std::fs::write(&file, &maker.root).unwrap();
    let accepted = format!(
        "[{{ name = \"Test key\", aaguid = \"01234567-89ab-cdef-0123-456789abcdef\", roots = \"{}\" }}]",
        file.display()
    );
    let settings = [("STEPGATE__SECURITY_KEYS__ACCEPTED", &*accepted.leak())];
    let world = World::start_with(Backend::Sqlite, &settings).await;
    let mut unknown = SecurityKey::new(&world.issuer);
    let mut forged = SecurityKey::new(&world.issuer);
    forged.maker = Some(other);
    for key in [&mut unknown, &mut forged] {
        let browser = add(&world, "alice", key).await;
        assert!(browser.page.words().contains("make of key is not accepted"), "{}", browser.page.words());
    }
    let mut key = SecurityKey::new(&world.issuer);
    key.maker = Some(maker);
    let browser = add(&world, "alice", &mut key).await;
    assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
    let rp = world.relying_party().await;
    let mut browser = world.browser();
    let started = rp.start(&[("acr_values", "phrh")]);
    browser.open(&started.url).await;
    use_passkey(&mut browser, &mut key).await;
    let login = rp.finish(&started, &browser.page).await;
    assert_eq!((login.acr(), login.amr().as_str()), ("phrh", "hwk pop user mfa"));
    std::fs::remove_file(file).unwrap();
}
