//! Security keys: added with a fresh factor, used at a login and to elevate, each challenge once, for one site.

use std::sync::Arc;

use stepgate_tests::{Backend, Browser, SecurityKey, World, on_each_backend};
use tokio::sync::Barrier;

/// What the open page gives the browser to have signed.
fn options(browser: &Browser) -> String {
    let text = browser.page.attribute("data-key-options");
    assert!(!text.is_empty(), "{}", browser.page.words());
    text
}

/// Adds a key to the account of somebody who is logged in and on Manage OTP.
async fn add(browser: &mut Browser, key: &mut SecurityKey, label: &str) {
    browser.open("/account/otp").await;
    browser.submit_to("/account/otp/key/new").await;
    let response = key.register(&options(browser));
    browser.submit(&[("response", &response), ("label", label)]).await;
    assert!(browser.page.words().contains("Your security key is set up"), "{}", browser.page.words());
}

async fn logged_in(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in(username).await;
    browser
}

/// A login up to where the key is asked.
async fn asked(world: &World, username: &str) -> Browser {
    let mut browser = logged_in(world, username).await;
    browser.submit(&[("factor", "security_key")]).await;
    assert_eq!(browser.page.name(), "security-key", "{}", browser.page.words());
    browser
}

#[tokio::test]
async fn a_key_is_added_used_and_removed_and_the_application_gets_the_truth() {
    on_each_backend(async |world| {
        let mut key = SecurityKey::new(&world.issuer);
        let mut browser = logged_in(&world, "alice").await;
        add(&mut browser, &mut key, "Blue key").await;
        assert!(browser.page.words().contains("Blue key"));

        let mut browser = asked(&world, "alice").await;
        let response = key.sign(&options(&browser));
        browser.submit(&[("response", &response)]).await;
        assert_eq!(browser.page.strength(), "Security Key");

        let rp = world.relying_party().await;
        let started = rp.start(&[("acr_values", "urn:stepgate:acr:security-key")]);
        browser.open(&started.url).await;
        let login = rp.finish(&started, &browser.page).await;
        assert_eq!((login.acr(), login.amr().as_str()), ("urn:stepgate:acr:security-key", "pwd hwk pop user mfa"));

        // Without verification the key is one factor beside the password; and phishing-resistant all the same.
        let mut plain = SecurityKey::new(&world.issuer);
        plain.verifies = false;
        add(&mut browser, &mut plain, "Grey key").await;
        let mut browser = world.browser();
        let started = rp.start(&[("acr_values", "phr")]);
        browser.open(&started.url).await;
        browser.log_in("alice").await;
        browser.submit(&[("factor", "security_key")]).await;
        let response = plain.sign(&options(&browser));
        browser.submit(&[("response", &response)]).await;
        let login = rp.finish(&started, &browser.page).await;
        assert_eq!((login.acr(), login.amr().as_str()), ("phr", "pwd hwk pop user mfa"));

        for _ in 0..2 {
            browser.open("/account/otp").await;
            let key = browser.page.attribute("name=\"credential\" value");
            browser.submit_with("/account/otp/revoke", &[("credential", &key)]).await;
            assert!(browser.page.words().contains("It is given up"), "{}", browser.page.words());
        }
        let started = rp.start(&[("acr_values", "urn:stepgate:acr:security-key")]);
        browser.open(&started.url).await;
        assert_eq!(browser.page.name(), "requirements-not-met", "a removed key counts no more");
    })
    .await;
}

#[tokio::test]
async fn t33_what_a_key_signed_counts_once_at_its_own_site_for_its_own_person() {
    on_each_backend(async |world| {
        let mut key = SecurityKey::new(&world.issuer);
        let mut browser = logged_in(&world, "alice").await;
        add(&mut browser, &mut key, "Mine").await;

        // Signed once, used twice: in another login of the same person it is worth nothing.
        let mut first = asked(&world, "alice").await;
        let mut second = asked(&world, "alice").await;
        let response = key.sign(&options(&first));
        second.submit(&[("response", &response)]).await;
        assert!(second.page.words().contains("did not answer"), "{}", second.page.words());
        first.submit(&[("response", &response)]).await;
        assert_eq!(first.page.strength(), "Security Key");

        // A page of another site got the key to sign the very challenge.
        let mut browser = asked(&world, "alice").await;
        let mut phished = key.at("https://stepgate.evil.example");
        let response = phished.sign(&options(&browser));
        browser.submit(&[("response", &response)]).await;
        assert!(browser.page.words().contains("did not answer"), "{}", browser.page.words());
        let mut key = phished.at(&world.issuer);

        // Somebody else cannot have the same key, nor use it.
        let mut other = logged_in(&world, "grace").await;
        other.open("/account/otp").await;
        other.submit_to("/account/otp/key/new").await;
        let response = key.register(&options(&other));
        other.submit(&[("response", &response), ("label", "Hers")]).await;
        assert!(other.page.words().contains("set up already"), "{}", other.page.words());

        // A key that counts backwards was copied: it is suspended.
        let mut browser = asked(&world, "alice").await;
        key.counter = 0;
        let response = key.sign(&options(&browser));
        browser.submit(&[("response", &response)]).await;
        browser.open("/account/otp").await;
        assert!(browser.page.words().contains("Suspended"), "{}", browser.page.words());
    })
    .await;
}

#[tokio::test]
async fn t17_a_rise_that_one_began_is_not_finished_by_another() {
    on_each_backend(async |world| {
        let (mut hers, mut his) = (SecurityKey::new(&world.issuer), SecurityKey::new(&world.issuer));
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, &mut hers, "Hers").await;
        let mut frank = logged_in(&world, "frank").await;
        add(&mut frank, &mut his, "His").await;
        // Frank's key signs what Alice's page asks for, at the right site: it is not hers.
        let mut alice = asked(&world, "alice").await;
        let response = his.sign(&options(&alice));
        alice.submit(&[("response", &response)]).await;
        assert!(alice.page.words().contains("not one of yours"), "{}", alice.page.words());
        assert_eq!(alice.page.name(), "security-key", "she is still asked");
        // What his own page was given counts neither in her place nor for her key.
        let mut frank = asked(&world, "frank").await;
        let response = hers.sign(&options(&frank));
        frank.submit(&[("response", &response)]).await;
        assert!(frank.page.words().contains("not one of yours"), "{}", frank.page.words());
        let response = hers.sign(&options(&alice));
        alice.submit(&[("response", &response)]).await;
        assert_eq!(alice.page.strength(), "Security Key");
    })
    .await;
}

#[tokio::test]
async fn a_new_device_takes_a_fresh_factor_of_those_that_are_held() {
    let world = World::start(Backend::Sqlite).await;
    let mut browser = logged_in(&world, "dave").await;
    browser.submit(&[("skip", "1")]).await;
    browser.submit_to("/account/otp/key/new").await;
    assert_eq!(browser.page.name(), "factor", "a password is not enough for somebody who holds a token");
    browser.show_token(&world, "dave").await;
    let mut key = SecurityKey::new(&world.issuer);
    add(&mut browser, &mut key, "Second way").await;
    world.advance(301).await;
    browser.open("/account/otp").await;
    browser.submit_to("/account/otp/key/new").await;
    assert_eq!(browser.page.name(), "factor", "five minutes later it is not fresh any more");
}

#[tokio::test]
async fn t8_an_answer_sent_many_times_at_once_counts_once() {
    const AT_ONCE: usize = 8;
    on_each_backend(async |world| {
        let mut key = SecurityKey::new(&world.issuer);
        let mut browser = logged_in(&world, "alice").await;
        add(&mut browser, &mut key, "Mine").await;
        for round in 1..=5 {
            let browser = asked(&world, "alice").await;
            let response = key.sign(&options(&browser));
            let request = browser.prepared(&[("response", &response)]);
            let barrier = Arc::new(Barrier::new(AT_ONCE));
            let presses: Vec<_> = (0..AT_ONCE)
                .map(|_| {
                    let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
                    tokio::spawn(async move {
                        barrier.wait().await;
                        request.send().await.unwrap()
                    })
                })
                .collect();
            for press in presses {
                assert_eq!(press.await.unwrap().status(), 303);
            }
            let sql = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'login.security_key.succeeded'";
            assert_eq!(world.count(sql).await, round);
        }
    })
    .await;
}
