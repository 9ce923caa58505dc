//! Recovery codes, forgotten user IDs and passwords: each door shows what it proves, and is no wider than the login.

use std::sync::Arc;

use reqwest::RequestBuilder;
use serde_json::Value;
use stepgate_tests::{Browser, SecurityKey, World, on_each_backend};
use tokio::sync::Barrier;

const AT_ONCE: usize = 8;
/// All worlds come from one address and share one Redis.
pub const ROOMY: &[(&str, &str)] =
    &[("STEPGATE__RECOVERY__TRIES_PER_ADDRESS", "100000"), ("STEPGATE__RECOVERY__MAILS_PER_HOUR", "1000")];

/// The mails to an address, latest first, from all nodes.
pub async fn mails(world: &World, to: &str) -> Vec<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for node in 0..world.nodes() {
        let url = format!("{}/demo/inbox.json", world.node(node));
        let messages: Vec<Value> = reqwest::get(url).await.unwrap().json().await.unwrap();
        let mails = messages.iter().filter(|message| message["channel"] == "mail" && message["to"] == to);
        found.extend(
            mails.map(|mail| (mail["at"].as_str().unwrap().to_owned(), mail["text"].as_str().unwrap().to_owned())),
        );
    }
    found.sort();
    found.into_iter().rev().map(|(_, text)| text).collect()
}

/// Waits for a mail with these words; its text.
pub async fn mail(world: &World, username: &str, words: &str) -> String {
    let to = format!("{username}@iron-builders.example");
    world.until(words, async || mails(world, &to).await.iter().any(|text| text.contains(words))).await;
    mails(world, &to).await.into_iter().find(|text| text.contains(words)).unwrap()
}

/// The link in a mail.
pub fn link(text: &str) -> String {
    text.split_whitespace().find(|word| word.starts_with("http") && word.contains("?link=")).unwrap().to_owned()
}

/// Sends the same request from many tasks at the same moment; the bodies of the answers.
pub async fn at_once(request: &RequestBuilder) -> Vec<String> {
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
            tokio::spawn(async move {
                barrier.wait().await;
                request.send().await.unwrap().text().await.unwrap()
            })
        })
        .collect();
    let mut bodies = Vec::new();
    for task in tasks {
        bodies.push(task.await.unwrap());
    }
    bodies
}

pub async fn logged_in(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in(username).await;
    browser
}

/// Makes recovery codes for somebody who has shown a fresh factor.
pub async fn make(browser: &mut Browser) -> Vec<String> {
    browser.open("/account/otp/recovery").await;
    browser.submit_to("/account/otp/recovery/make").await;
    assert_eq!(browser.page.name(), "recovery-codes", "{}", browser.page.words());
    let (_, list) = browser.page.text.split_once("class=\"panel codes\"").unwrap();
    let (list, _) = list.split_once("</ol>").unwrap();
    list.split("<code>").skip(1).map(|rest| rest.split_once("</code>").unwrap().0.to_owned()).collect()
}

pub async fn use_code(browser: &mut Browser, code: &str) -> String {
    browser.open("/account/otp/recovery/use").await;
    browser.submit(&[("code", code)]).await;
    browser.page.words()
}

#[tokio::test]
async fn a_recovery_code_opens_the_pages_of_credentials_once_and_nothing_else() {
    on_each_backend(async |world| {
        let mut browser = logged_in(&world, "dave").await;
        browser.show_token(&world, "dave").await;
        assert!(browser.page.words().contains("You have one device only"), "{}", browser.page.words());
        let old = make(&mut browser).await;
        let codes = make(&mut browser).await;
        assert_eq!((codes.len(), codes[0].len()), (10, 29));
        mail(&world, "dave", "New recovery codes were made").await;
        assert!(!browser.open("/account/otp/recovery").await.text.contains(&codes[0]), "shown once");

        // With the password only, and the token out of reach.
        let mut browser = logged_in(&world, "dave").await;
        assert!(browser.page.has("none-works"));
        // One wrong letter is always noticed; other changes almost always.
        let slip = format!("{}{}", if codes[0].starts_with('A') { "B" } else { "A" }, &codes[0][1..]);
        for (typed, said) in [
            ("1234", "Codes have no 1"),
            (&codes[0][..20], "these are 16"),
            (&slip, "mistyped"),
            (&old[0], "none of your codes"),
        ] {
            let words = use_code(&mut browser, typed).await;
            assert!(words.contains(said), "{typed}: {words}");
            assert_eq!(browser.page.name(), "recovery-use");
        }
        let words = use_code(&mut browser, &codes[0].to_lowercase().replace('-', " ")).await;
        assert!(words.contains("Set up a new device now") && words.contains("9 left"), "{words}");
        assert_eq!(browser.page.strength(), "Recovery code");
        mail(&world, "dave", "9 are left").await;
        // Past the moment in which a second press of the same button follows the first.
        world.advance(11).await;
        assert!(use_code(&mut browser, &codes[0]).await.contains("was used before"));

        // Nothing but the pages of credentials.
        for path in ["/applications", "/account/applications", "/admin", "/developer"] {
            assert_eq!(browser.open(path).await.url.path(), "/account/otp", "{path}");
        }
        assert!(!browser.open("/account/otp/recovery").await.has("make"));
        browser.submit_with("/account/otp/recovery/make", &[("x", "")]).await;
        assert_eq!(browser.page.name(), "manage-otp", "a code makes no codes");
        let rp = world.relying_party().await;
        browser.open(&rp.start(&[("acr_values", "urn:stepgate:acr:recovery")]).url).await;
        assert_eq!(browser.page.name(), "requirements-not-met", "no application gets what only opens our own pages");
        for asked in [vec![], vec![("acr_values", "urn:stepgate:acr:password")]] {
            let started = rp.start(&asked);
            browser.open(&started.url).await;
            assert_eq!((browser.page.name(), browser.page.has("skip-otp")), ("factor", false), "{asked:?}");
            browser.submit(&[("cancel", "1")]).await;
            assert_eq!(browser.page.parameter("error").unwrap(), "unmet_authentication_requirements");
            browser.open(&rp.start(&[&asked[..], &[("prompt", "none")]].concat()).url).await;
            assert_eq!(browser.page.parameter("error").unwrap(), "login_required");
        }

        // A new key, bound with it; signing with that opens applications again, for exactly what it is.
        let mut key = SecurityKey::new(&world.issuer);
        browser.open("/account/otp").await;
        browser.submit_to("/account/otp/key/new").await;
        let response = key.register(&browser.page.attribute("data-key-options"));
        browser.submit(&[("response", &response), ("label", "New key")]).await;
        assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
        let started = rp.start(&[]);
        browser.open(&started.url).await;
        browser.submit(&[("factor", "security_key")]).await;
        let response = key.sign(&browser.page.attribute("data-key-options"));
        browser.submit(&[("response", &response)]).await;
        let login = rp.finish(&started, &browser.page).await;
        assert_eq!((login.acr(), login.amr().as_str()), ("urn:stepgate:acr:security-key", "pwd hwk pop user mfa"));
    })
    .await;
}

#[tokio::test]
async fn somebody_without_any_device_is_led_to_get_one() {
    on_each_backend(async |world| {
        let mut browser = logged_in(&world, "alice").await;
        let codes = make(&mut browser).await;
        let mut browser = logged_in(&world, "alice").await;
        use_code(&mut browser, &codes[3]).await;
        let rp = world.relying_party().await;
        assert_eq!(browser.open(&rp.start(&[]).url).await.name(), "requirements-not-met");
        // Guesses count, and wait.
        world.advance(11).await;
        for _ in 0..5 {
            use_code(&mut browser, &codes[3]).await;
        }
        assert!(use_code(&mut browser, &codes[4]).await.contains("too many tries"));
        world.advance(31).await;
        assert!(use_code(&mut browser, &codes[4]).await.contains("8 left"), "{}", browser.page.words());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_a_recovery_code_is_used_once_whoever_presses() {
    on_each_backend(async |world| {
        let mut browser = logged_in(&world, "alice").await;
        let codes = make(&mut browser).await;
        for (round, code) in codes.iter().enumerate().take(5) {
            // Two sessions of the same person; all presses at one moment.
            let mut browsers = [logged_in(&world, "alice").await, logged_in(&world, "alice").await];
            for browser in &mut browsers {
                browser.open("/account/otp/recovery/use").await;
            }
            let requests = browsers.each_ref().map(|browser| browser.prepared(&[("code", code)]));
            tokio::join!(at_once(&requests[0]), at_once(&requests[1]));
            let used = "SELECT COUNT(*) AS found FROM recovery_codes WHERE used_at IS NOT NULL";
            let shown = "SELECT COUNT(*) AS found FROM factor_events WHERE method = 'recovery_code'";
            let expected = i64::try_from(round + 1).unwrap();
            assert_eq!((world.count(used).await, world.count(shown).await), (expected, expected));
            world.advance(3700).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_of_guesses_at_once_five_are_evaluated_and_a_new_set_ends_the_old() {
    on_each_backend(async |world| {
        let mut browser = logged_in(&world, "alice").await;
        let old = make(&mut browser).await;
        make(&mut browser).await;
        browser.open("/account/otp/recovery/use").await;
        at_once(&browser.prepared(&[("code", &old[0])])).await;
        let evaluated = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'recovery.code.failed'";
        assert_eq!(world.count(evaluated).await, 5);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM recovery_codes WHERE used_at IS NOT NULL").await, 0);
    })
    .await;
}
