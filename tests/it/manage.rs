//! Manage OTP: details, history, test, suspend, resume, report lost, revoke; and the notices of it all.

use std::sync::Arc;

use stepgate_tests::{Browser, SecurityKey, World, on_each_backend};
use tokio::sync::Barrier;

const TOKEN: &str = "urn:stepgate:acr:hardware-token";

/// Somebody on Manage OTP with a password and nothing more.
async fn at_home(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in(username).await;
    if browser.page.name() == "factor" {
        browser.submit(&[("skip", "1")]).await;
    }
    assert_eq!(browser.page.name(), "manage-otp", "{}", browser.page.words());
    browser
}

/// The ids of the cards of a kind that the open page shows.
fn cards(browser: &Browser, kind: &str) -> Vec<String> {
    let text = &browser.page.text;
    let found = text
        .split("id=\"credential-")
        .skip(1)
        .filter(|card| card.split("</li>").next().unwrap().contains(&format!("<h2>{kind}")));
    found.map(|card| card.split('"').next().unwrap().to_owned()).filter(|id| id != "strength").collect()
}

fn link(mail: &str) -> String {
    let start = mail.find("http").unwrap();
    let link = mail[start..].split_whitespace().next().unwrap();
    assert!(link.contains("/not-me?token="), "{mail}");
    link.split_once("//").unwrap().1.split_once('/').map(|(_, path)| format!("/{path}")).unwrap()
}

#[tokio::test]
async fn a_suspended_credential_counts_nowhere_and_comes_back_by_its_own_code() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", TOKEN)]));
        browser.open(&started.url).await;
        browser.log_in("dave").await;
        browser.show_token(&world, "dave").await;
        let login = rp.finish(&started, &browser.page).await;
        assert_eq!(rp.introspect(&login.access_token).await["acr"], TOKEN);

        browser.open("/account/otp").await;
        assert!(browser.page.strength().contains("Hardware Token"));
        let token = cards(&browser, "OTP Hardware Token").remove(0);
        browser.submit_with("/account/otp/suspend", &[("credential", &token)]).await;
        assert!(browser.page.words().contains("You put it to rest"), "{}", browser.page.words());
        assert_eq!(browser.page.strength(), "Password", "its events do not count any more");
        let now = rp.introspect(&login.access_token).await;
        assert_ne!(now["acr"], TOKEN, "{now}");
        let mail = world.mail("dave@iron-builders.example", "was suspended").await;
        assert!(mail.contains("From: 127.0.0.1") || mail.contains("From: ::1"), "{mail}");

        // Nothing but the password is held beside it: a code of its own brings it back, once.
        browser.submit_with("/account/otp/resume", &[("credential", &token)]).await;
        assert_eq!(browser.page.name(), "credential");
        assert!(browser.page.words().contains("type the code that it shows now"), "{}", browser.page.words());
        browser.submit(&[("code", "000000")]).await;
        assert!(browser.page.words().contains("not right"), "{}", browser.page.words());
        world.advance(60).await;
        let code = world.shown_code("dave").await;
        browser.submit(&[("code", &code)]).await;
        assert!(browser.page.words().contains("It can be used again"), "{}", browser.page.words());
        let acts = ["credential.suspended", "credential.resumed"];
        for act in acts {
            let sql = format!("SELECT COUNT(*) AS found FROM audit_events WHERE kind = '{act}'");
            assert_eq!(world.count(&sql).await, 1, "{act}");
        }
        // The code that resumed it is used up.
        browser.submit_with("/account/otp/test", &[("credential", &token)]).await;
        browser.submit(&[("factor", "hardware_token")]).await;
        browser.submit(&[("code", &code)]).await;
        assert!(browser.page.words().contains("already used"), "{}", browser.page.words());
    })
    .await;
}

#[tokio::test]
async fn what_rests_comes_back_by_a_proof_of_its_own() {
    on_each_backend(|world| async move {
        for (username, kind, factor) in
            [("bob", "Phone OTP", "phone_otp"), ("carol", "Mobile ID", "mobile_id"), ("erin", "Mobile ID", "mobile_id")]
        {
            let mut browser = at_home(&world, username).await;
            let id = cards(&browser, kind).remove(0);
            browser.submit_with("/account/otp/suspend", &[("credential", &id)]).await;
            let suspended = format!(
                "SELECT COUNT(*) AS found FROM credentials WHERE kind = '{factor}' AND stage = 'suspended' AND person_id =
                 (SELECT id FROM persons WHERE username = '{username}')"
            );
            assert_eq!(world.count(&suspended).await, 1, "{username}");
            // At rest it opens nothing.
            let mut other = world.browser();
            other.open("/account").await;
            other.log_in(username).await;
            assert!(!other.page.has(&format!("factor-{factor}")), "{username}: {}", other.page.words());
            // Its own page offers to ask it; given up, it rests on.
            let details = format!("/account/otp/{id}");
            browser.open(&details).await;
            let itself = [("credential", id.as_str()), ("by", "itself")];
            browser.submit_with("/account/otp/resume", &itself).await;
            assert!(browser.page.has(&format!("factor-{factor}")), "{username}: {}", browser.page.words());
            assert_eq!(browser.page.text.matches("id=\"factor-").count(), 1, "nothing else does for it");
            browser.submit(&[("cancel", "1")]).await;
            assert_eq!((browser.page.name(), world.count(&suspended).await), ("credential", 1));
            browser.submit_with("/account/otp/resume", &itself).await;
            if factor == "phone_otp" {
                browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
                browser.submit(&[("code", "000000")]).await;
                assert!(browser.page.words().contains("not right"), "{}", browser.page.words());
                let code = world.text_code("+12025550101").await;
                browser.submit(&[("code", &code)]).await;
            } else {
                browser.show_mobile(&world, username).await;
            }
            assert_eq!(browser.page.name(), "manage-otp", "{}", browser.page.words());
            assert!(browser.page.words().contains("It can be used again"), "{}", browser.page.words());
            assert_eq!(world.count(&suspended).await, 0, "{username}");
            assert!(!browser.page.strength().contains(kind), "it was no login: {}", browser.page.strength());
            world.mail(&format!("{username}@iron-builders.example"), "put to rest can be used again").await;
        }
        // What was reported lost is not asked: whoever has it would bring it back.
        let mut thief = at_home(&world, "carol").await;
        let id = cards(&thief, "Mobile ID").remove(0);
        thief.submit_with("/account/otp/lost", &[("credential", &id)]).await;
        thief.submit_with("/account/otp/resume", &[("credential", &id), ("by", "itself")]).await;
        assert!(thief.page.words().contains("you need another credential"), "{}", thief.page.words());
    })
    .await;
}

#[tokio::test]
async fn a_loss_is_reported_with_one_factor_and_mended_with_another() {
    on_each_backend(|world| async move {
        let mut thief = at_home(&world, "erin").await;
        thief.submit_with("/account/elevate", &[("kind", "hardware_token")]).await;
        thief.show_token(&world, "erin").await;
        assert!(thief.page.strength().contains("Hardware Token"));

        let mut owner = at_home(&world, "erin").await;
        let token = cards(&owner, "OTP Hardware Token").remove(0);
        owner.open(&format!("/account/otp/lost?credential={token}")).await;
        assert!(owner.page.words().contains("Logins elsewhere in which it was used end"), "{}", owner.page.words());
        owner.submit_with("/account/otp/lost", &[("credential", &token)]).await;
        assert!(owner.page.words().contains("You reported it lost"), "{}", owner.page.words());
        assert_eq!(thief.open("/account/otp").await.name(), "login", "the login in which it was used has ended");

        // A password does not bring it back, and the credential itself is not asked for.
        owner.submit_with("/account/otp/resume", &[("credential", &token)]).await;
        assert_eq!(owner.page.name(), "factor");
        assert!(!owner.page.has("factor-hardware_token"));
        owner.show_mobile(&world, "erin").await;
        owner.submit_with("/account/otp/resume", &[("credential", &token)]).await;
        assert!(owner.page.words().contains("It can be used again"), "{}", owner.page.words());

        // Whoever holds nothing else cannot resume what was lost.
        let mut alone = at_home(&world, "dave").await;
        let token = cards(&alone, "OTP Hardware Token").remove(0);
        alone.submit_with("/account/otp/lost", &[("credential", &token)]).await;
        alone.submit_with("/account/otp/resume", &[("credential", &token)]).await;
        assert!(alone.page.words().contains("you need another credential"), "{}", alone.page.words());
        let code = world.shown_code("dave").await;
        alone.submit_with("/account/otp/resume", &[("credential", &token), ("code", &code)]).await;
        assert_eq!(alone.page.name(), "credential");
        assert!(alone.page.words().contains("Suspended"), "{}", alone.page.words());
    })
    .await;
}

#[tokio::test]
async fn changes_take_a_fresh_factor_and_nobody_elses_credential_can_be_touched() {
    on_each_backend(|world| async move {
        let mut dave = at_home(&world, "dave").await;
        let token = cards(&dave, "OTP Hardware Token").remove(0);
        for (path, more) in [("/account/otp/rename", ("label", "Mine")), ("/account/otp/revoke", ("x", "1"))] {
            dave.open("/account/otp").await;
            dave.submit_with(path, &[("credential", &token), more]).await;
            assert_eq!(dave.page.name(), "factor", "{path}");
        }
        let mut bob = at_home(&world, "bob").await;
        for act in ["suspend", "resume", "lost", "revoke", "test", "rename"] {
            bob.open("/account/otp").await;
            let path = format!("/account/otp/{act}");
            assert_eq!(bob.submit_with(&path, &[("credential", &token), ("label", "x")]).await.status, 404, "{act}");
        }
        assert_eq!(bob.open(&format!("/account/otp/{token}")).await.status, 404);

        dave.show_token(&world, "dave").await;
        dave.open(&format!("/account/otp/revoke?credential={token}")).await;
        assert!(dave.page.words().contains("given up for good"), "{}", dave.page.words());
        dave.submit_with("/account/otp/revoke", &[("credential", &token)]).await;
        assert!(cards(&dave, "OTP Hardware Token").is_empty(), "{}", dave.page.words());
        assert_eq!(dave.page.strength(), "Password");
        world.mail("dave@iron-builders.example", "was revoked").await;
        let mut again = world.browser();
        again.open("/account").await;
        assert_eq!(again.log_in("dave").await.name(), "account", "nothing is left to choose");
    })
    .await;
}

#[tokio::test]
async fn a_test_shows_that_it_works_and_lifts_nothing() {
    on_each_backend(|world| async move {
        let mut erin = at_home(&world, "erin").await;
        for (name, kind) in [("OTP Hardware Token", "token"), ("Mobile ID", "mobile")] {
            erin.open("/account/otp").await;
            let id = cards(&erin, name).remove(0);
            // Nobody is told that something works which was not tested.
            assert_eq!(erin.open(&format!("/account/otp/test?credential={id}")).await.name(), "credential");
            erin.submit_with("/account/otp/test", &[("credential", &id)]).await;
            if kind == "token" {
                erin.show_token(&world, "erin").await;
            } else {
                erin.show_mobile(&world, "erin").await;
            }
            assert_eq!(erin.page.name(), "otp-test", "{}", erin.page.words());
            assert!(erin.page.words().contains("works"), "{}", erin.page.words());
            assert_eq!(erin.page.strength(), "Password, proofed");
            assert!(erin.open(&format!("/account/otp/{id}")).await.words().contains("Tested: it works"));
        }
        let mut bob = at_home(&world, "bob").await;
        let id = cards(&bob, "Phone OTP").remove(0);
        bob.submit_with("/account/otp/test", &[("credential", &id)]).await;
        bob.show_phone(&world, "+12025550101").await;
        assert_eq!((bob.page.name(), bob.page.strength().as_str()), ("otp-test", "Password"));
    })
    .await;
}

#[tokio::test]
async fn the_history_says_when_where_and_for_which_application() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", TOKEN)]));
        browser.open(&started.url).await;
        browser.log_in("dave").await;
        browser.submit(&[("factor", "hardware_token")]).await;
        browser.submit(&[("code", "000000")]).await;
        let code = world.shown_code("dave").await;
        browser.submit(&[("code", &code)]).await;
        rp.finish(&started, &browser.page).await;
        browser.open("/account/otp").await;
        let token = cards(&browser, "OTP Hardware Token").remove(0);
        let words = browser.open(&format!("/account/otp/{token}")).await.words();
        for expected in ["HT-0001", "in step with ours", "Used", "127.0.0.1", "A client on this machine", "Failed try"]
        {
            assert!(words.contains(expected), "{expected}: {words}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn this_was_not_me_works_once_and_stops_what_happened() {
    on_each_backend(|world| async move {
        let mut thief = at_home(&world, "bob").await;
        let id = cards(&thief, "Phone OTP").remove(0);
        thief.submit_with("/account/elevate", &[("kind", "phone_otp")]).await;
        thief.show_phone(&world, "+12025550101").await;
        thief.submit_with("/account/otp/rename", &[("credential", &id), ("label", "Ours now")]).await;
        assert!(thief.page.words().contains("The new name is saved"), "{}", thief.page.words());

        let address = link(&world.mail("bob@iron-builders.example", "Ours now").await);
        let mut owner = world.browser();
        owner.open(&address).await;
        assert_eq!((owner.page.name(), owner.page.has("continue")), ("not-me", true));
        assert!(owner.page.words().contains("Ours now") && owner.page.words().contains("127.0.0.1"));
        // Whoever scans mail changes nothing.
        world.browser().open(&address).await;
        assert_eq!(thief.open("/account/otp").await.name(), "manage-otp");

        let (barrier, request) =
            (Arc::new(Barrier::new(8)), owner.prepared(&[("token", address.split_once('=').unwrap().1)]));
        let presses: Vec<_> = (0..8)
            .map(|_| {
                let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().status().as_u16()
                })
            })
            .collect();
        for press in presses {
            assert_eq!(press.await.unwrap(), 200);
        }
        let told = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'security.not_me'";
        assert_eq!(world.count(told).await, 1, "one press counts");
        assert_eq!(thief.open("/account/otp").await.name(), "login", "all sessions have ended");
        assert!(owner.open(&address).await.words().contains("It is stopped"));
        assert!(!owner.page.has("token"));
        world.mail("bob@iron-builders.example", "is suspended").await;
        let mut owner = at_home(&world, "bob").await;
        assert!(owner.page.words().contains("this was not me"), "{}", owner.page.words());
        owner.submit_with("/account/otp/resume", &[("credential", &id)]).await;
        assert!(owner.page.words().contains("you need another credential"), "{}", owner.page.words());

        // After three days, and with another token, there is nothing.
        world.advance(73 * 3600).await;
        assert_eq!(world.browser().open(&address).await.status, 404);
        assert_eq!(world.browser().open("/not-me?token=guess").await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn this_was_not_me_stops_the_very_device_that_was_added() {
    on_each_backend(|world| async move {
        // Somebody knows the password of a person who holds nothing else, and adds a key of their own.
        let mut thief = at_home(&world, "alice").await;
        let mut key = SecurityKey::new(&world.issuer);
        thief.submit_to("/account/otp/key/new").await;
        let response = key.register(&thief.page.attribute("data-key-options"));
        thief.submit(&[("response", &response), ("label", "Theirs")]).await;
        assert!(thief.page.words().contains("Your security key is set up"), "{}", thief.page.words());

        let address = link(&world.mail("alice@iron-builders.example", "Theirs").await);
        let mut owner = world.browser();
        owner.open(&address).await;
        owner.submit(&[("token", address.split_once('=').unwrap().1)]).await;
        let owner = at_home(&world, "alice").await;
        assert_eq!(cards(&owner, "Theirs").len(), 1);
        assert!(owner.page.words().contains("this was not me"), "{}", owner.page.words());
        // It opens nothing any more, by itself least of all.
        thief.open("/account").await;
        assert_eq!(thief.page.name(), "login");
        let given = thief.ask(&thief.page.attribute("data-passkey")).await;
        let response = key.sign(&given.to_string());
        thief.submit(&[("passkey", given["challenge"].as_str().unwrap()), ("response", &response)]).await;
        assert_eq!(thief.page.name(), "login", "{}", thief.page.words());
    })
    .await;
}

#[tokio::test]
async fn fifty_credentials_are_shown_quickly() {
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let mut browser = at_home(&world, "bob").await;
    let copy = "INSERT INTO credentials (id, person_id, kind, label, serial, stage, failures, retry_at, last_used_at,
        activated_at, purchased_at, expires_at, created_at, sealed_secret, parameters, counter, drift)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
        SELECT randomblob(16), c.person_id, c.kind, c.label || ' ' || n.i, NULL, 'active', 0, NULL, NULL,
        c.activated_at, c.purchased_at, c.expires_at, c.created_at, NULL, c.parameters, -1, 0
        FROM credentials c JOIN persons p ON p.id = c.person_id, n WHERE p.username = 'bob' AND c.kind = 'phone_otp'";
    world.tamper(copy).await;
    browser.open("/account/otp").await;
    assert!(cards(&browser, "Phone OTP").len() > 50);
    let mut best = std::time::Duration::MAX;
    for _ in 0..20 {
        let started = std::time::Instant::now();
        browser.open("/account/otp").await;
        best = best.min(started.elapsed());
    }
    println!("Manage OTP with 51 credentials, unoptimised: {} ms", best.as_millis());
    assert!(best.as_millis() < 150, "{best:?}");
}
