//! What was bought and the device that it becomes: a security key that is there already, and a token that is taken back,
//! lost, recalled, or replaced under warranty. The subscription is paid once, and outlives its device.

use stepgate_tests::{Backend, Browser, SecurityKey, World, on_each_backend};

use crate::hardware_tokens::{act, open_token, registration_code, shown};
use crate::license_keys::at;
use crate::shop::{add, keys, logged_in, number, order};

/// Adds a key to the account of somebody who is logged in.
async fn add_key(browser: &mut Browser, key: &mut SecurityKey, label: &str) {
    browser.open("/account/otp").await;
    browser.submit_to("/account/otp/key/new").await;
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", label)]).await;
}

async fn redeem(browser: &mut Browser, key: &str) {
    browser.open("/account/otp/license").await;
    browser.submit(&[("key", key)]).await;
}

/// Shows a key, so that devices may be changed.
async fn show_key(browser: &mut Browser, key: &mut SecurityKey) {
    browser.open("/account/otp").await;
    browser.submit_with("/account/elevate", &[("kind", "security_key")]).await;
    if browser.page.name() == "factor" {
        browser.submit(&[("factor", "security_key")]).await;
    }
    let response = key.sign(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response)]).await;
    assert_eq!(browser.page.strength(), "Security Key", "{}", browser.page.words());
}

#[tokio::test]
async fn a_security_key_that_was_bought_is_a_new_one_or_the_one_that_is_there() {
    on_each_backend(|world| async move {
        let keys = world.sell("alice", "security-key", 2).await;
        let bought = "SELECT COUNT(*) AS found FROM credentials WHERE kind = 'security_key' AND stage = 'active'
                        AND license_key_id IS NOT NULL AND expires_at IS NOT NULL";
        let terms = "SELECT COUNT(*) AS found FROM terms t JOIN credentials c ON c.id = t.credential_id
                     WHERE c.stage = 'active' AND c.kind = 'security_key' AND t.until_at = c.expires_at";
        let waits = "SELECT COUNT(*) AS found FROM credentials WHERE kind = 'security_key' AND stage = 'pending'";
        let mut alice = at(&world, "alice", "/account/otp").await;
        let (mut blue, mut grey) = (SecurityKey::new(&world.issuer), SecurityKey::new(&world.issuer));
        // A key of her own, then one that she bought: the card says what can become of it.
        add_key(&mut alice, &mut blue, "Blue").await;
        redeem(&mut alice, &keys[0]).await;
        assert_eq!((world.count(bought).await, world.count(waits).await), (0, 1));
        alice.open("/account/otp").await;
        assert!(alice.page.words().contains("Use “Blue”"), "{}", alice.page.words());
        // Set up again it cannot be.
        show_key(&mut alice, &mut blue).await;
        alice.open("/account/otp").await;
        alice.submit_to("/account/otp/key/new").await;
        let response = blue.register(&alice.page.attribute("data-key-options"));
        alice.submit(&[("response", &response), ("label", "Twice")]).await;
        assert!(alice.page.words().contains("did not answer as it should"), "{}", alice.page.words());
        alice.open("/account/otp").await;
        let form = alice.page.text.split("<form").find(|form| form.contains("/account/otp/key/adopt")).unwrap();
        let (waiting, key) = (
            super::mobile_phones::between(form, "name=\"credential\" value=\"", "\""),
            super::mobile_phones::between(form, "name=\"key\" value=\"", "\""),
        );
        let fields = [("credential", waiting.as_str()), ("key", key.as_str())];
        let press = alice.prepared(&[("key", key.as_str())]);
        alice.submit_with("/account/otp/key/adopt", &fields).await;
        assert!(alice.page.words().contains("has the subscription now"), "{}", alice.page.words());
        press.send().await.unwrap();
        assert_eq!(
            (world.count(bought).await, world.count(terms).await, world.count(waits).await),
            (1, 1, 0),
            "pressed twice"
        );
        world.mail("alice@iron-builders.example", "has the subscription now that you bought").await;
        // The same key goes on to work.
        let mut again = at(&world, "alice", "/account/otp").await;
        show_key(&mut again, &mut blue).await;
        // Another that is bought does not become one that is paid for: it takes another key.
        redeem(&mut again, &keys[1]).await;
        again.open("/account/otp").await;
        assert!(!again.page.text.contains("/account/otp/key/adopt"), "{}", again.page.words());
        assert_eq!(again.submit_with("/account/otp/key/adopt", &fields).await.name(), "manage-otp");
        add_key(&mut again, &mut grey, "Grey").await;
        assert_eq!((world.count(bought).await, world.count(terms).await, world.count(waits).await), (2, 2, 0));
        // Somebody else's is out of reach.
        let bobs = world.sell("bob", "security-key", 1).await.remove(0);
        let mut bob = at(&world, "bob", "/account/otp").await;
        redeem(&mut bob, &bobs).await;
        bob.open("/account/otp").await;
        assert_eq!(bob.submit_with("/account/otp/key/adopt", &fields).await.status.as_u16(), 404);
    })
    .await;
}

/// Activates a token that waits for somebody.
async fn activate(world: &World, browser: &mut Browser, username: &str, serial: &str, moved: (i64, u64)) {
    let code = registration_code(world, username).await;
    browser.open("/account/otp/token").await;
    let (first, second) = (shown(moved.0, moved.1), shown(moved.0 + 1, moved.1));
    let typed = [("serial", serial), ("registration", &code), ("first", &first), ("second", &second)];
    browser.submit(&typed).await;
    assert!(browser.page.words().contains("Your token is set up"), "{}", browser.page.words());
}

#[tokio::test]
async fn a_token_that_was_bought_is_taken_back_lost_and_recalled_and_its_term_goes_on_with_the_next() {
    on_each_backend(|world| async move {
        let key = world.sell("alice", "hardware-token", 1).await.remove(0);
        let mut alice = at(&world, "alice", "/account/otp/license").await;
        alice.submit(&[("key", &key)]).await;
        let of = "FROM credentials c JOIN persons p ON p.id = c.person_id
                  WHERE p.username = 'alice' AND c.kind = 'hardware_token'";
        let ends = format!("SELECT c.expires_at AS found {of}");
        let stage = async || world.texts(&format!("SELECT c.stage AS found {of}")).await;
        let paid = world.count(&ends).await;
        let mut simon = logged_in(&world, "simon").await;
        // Taken back before it was set up: it waits for another one.
        act(&mut simon, "HT-1001", "assign", &[("username", "alice"), ("note", "bought")]).await;
        alice.open("/account/otp").await;
        assert!(alice.page.words().contains("HT-1001"), "{}", alice.page.words());
        act(&mut simon, "HT-1001", "take-back", &[("note", "the wrong model")]).await;
        alice.open("/account/otp").await;
        assert!(alice.page.words().contains("A token is being made ready for you"), "{}", alice.page.words());
        let first = registration_code(&world, "alice").await;
        let newer = async |than: &str| registration_code(&world, "alice").await != than;
        // Lost in the post; lost in use: each time what was paid for waits, and the old token opens nothing.
        act(&mut simon, "HT-1003", "assign", &[("username", "alice"), ("note", "bought")]).await;
        act(&mut simon, "HT-1003", "lost", &[("note", "in the post")]).await;
        assert_eq!(stage().await, ["pending"]);
        world.until("the second code came", async || newer(&first).await).await;
        let second = registration_code(&world, "alice").await;
        act(&mut simon, "HT-1001", "assign", &[("username", "alice"), ("note", "bought")]).await;
        world.until("the third code came", async || newer(&second).await).await;
        activate(&world, &mut alice, "alice", "HT-1001", (0, 0)).await;
        assert_eq!((stage().await, world.count(&ends).await), (vec!["active".to_owned()], paid));
        act(&mut simon, "HT-1001", "lost", &[("note", "on a train")]).await;
        assert!(simon.page.words().contains("Lost"), "{}", simon.page.words());
        assert_eq!((stage().await, world.count(&ends).await), (vec!["pending".to_owned()], paid));
        world.mail("alice@iron-builders.example", "it waits for another token").await;
        let keyless = "SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-1001' OR sealed_secret IS NOT NULL
                         AND kind = 'hardware_token' AND stage = 'pending'";
        assert_eq!(world.count(keyless).await, 0, "its seed is gone");
        alice.open("/account/otp").await;
        assert!(alice.page.words().contains("A token is being made ready for you"), "{}", alice.page.words());
        // The next one has the same year.
        let third = registration_code(&world, "alice").await;
        act(&mut simon, "HT-1002", "assign", &[("username", "alice"), ("note", "the next")]).await;
        world.until("the fourth code came", async || newer(&third).await).await;
        activate(&world, &mut alice, "alice", "HT-1002", (0, 0)).await;
        assert_eq!((stage().await, world.count(&ends).await), (vec!["active".to_owned()], paid));
        open_token(&mut simon, "HT-1001").await;
        assert!(simon.page.words().contains("Lost"), "{}", simon.page.words());
        // A series that is recalled takes tokens, not subscriptions.
        let path = simon.page.text.split("href=\"/admin/tokens/files/").nth(1).unwrap().split('"').next().unwrap();
        let path = format!("/admin/tokens/files/{path}");
        simon.open(&path).await;
        simon.submit_with(&format!("{path}/do"), &[("act", "recall"), ("note", "bad clocks")]).await;
        assert_eq!((stage().await, world.count(&ends).await), (vec!["pending".to_owned()], paid));
        // What was never paid for is not brought back: Oscar's token of that series waited for him.
        let others = "SELECT COUNT(*) AS found FROM credentials WHERE kind = 'hardware_token' AND stage = 'pending'";
        assert_eq!(world.count(others).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_token_under_warranty_is_replaced_and_its_subscription_is_not_doubled() {
    let world = World::start(Backend::Sqlite).await;
    let mut alice = logged_in(&world, "alice").await;
    add(&mut alice, "hardware-token", "1", "me").await;
    alice.open("/checkout").await;
    order(&mut alice, &[("method", "invoice")]).await;
    let bought = number(&alice.page);
    let mut fiona = logged_in(&world, "fiona").await;
    let path = format!("/admin/orders/{bought}");
    fiona.open(&path).await;
    fiona.submit_to(&format!("{path}/paid")).await;
    fiona.submit(&[("carrier", "Bring"), ("tracking", "TR-1"), ("serials", "HT-1001")]).await;
    alice.open("/account/otp/license").await;
    alice.submit_to("/account/otp/license/activate").await;
    if alice.page.name() != "manage-otp" {
        alice.open(&format!("/orders/{bought}")).await;
        let id = super::mobile_phones::between(&alice.page.text, "id=\"activate-", "\"");
        alice.submit_with("/account/otp/license/activate", &[("id", &id)]).await;
    }
    activate(&world, &mut alice, "alice", "HT-1001", (0, 0)).await;
    let paid =
        "SELECT expires_at AS found FROM credentials WHERE license_key_id IS NOT NULL AND kind = 'hardware_token'";
    let before = world.count(paid).await;
    world.advance(20 * 86_400).await;
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open(&path).await;
    assert!(fiona.page.words().contains("HT-1001: Alice Archer (alice)"), "{}", fiona.page.words());
    let key = super::mobile_phones::between(&fiona.page.text, "<option value=\"", "\"");
    fiona.submit(&[("key", &key)]).await;
    assert!(fiona.page.words().contains(&format!("Replaces a token of {bought}")), "{}", fiona.page.words());
    assert!(fiona.page.words().contains("Ship"), "it is to be sent: {}", fiona.page.words());
    // No second year, no second key; the old token is worthless, and what was paid for waits for the new one.
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM license_keys WHERE order_id IS NOT NULL").await, 1);
    let mut simon = logged_in(&world, "simon").await;
    open_token(&mut simon, "HT-1001").await;
    assert!(simon.page.words().contains("Revoked"), "{}", simon.page.words());
    act(&mut simon, "HT-1002", "assign", &[("username", "alice"), ("note", "warranty")]).await;
    let mut alice = logged_in(&world, "alice").await;
    let old = registration_code(&world, "alice").await;
    world
        .until("the code of the new one came", async || {
            registration_code(&world, "alice").await != old
                || world.mails("alice@iron-builders.example", "HT-1002").await > 0
        })
        .await;
    activate(&world, &mut alice, "alice", "HT-1002", (0, 20 * 86_400)).await;
    assert_eq!(world.count(paid).await, before, "the year that was bought, no day more");
}

#[tokio::test]
async fn a_token_is_sent_and_a_broken_one_is_replaced_once_within_its_days() {
    let world = World::start(Backend::Sqlite).await;
    let mut alice = logged_in(&world, "alice").await;
    add(&mut alice, "hardware-token", "2", "later").await;
    alice.open("/checkout").await;
    let elsewhere = [("same_address", ""), ("ship_name", "Мария"), ("ship_street", "ул. Ленина 1")];
    order(&mut alice, &elsewhere).await;
    assert!(alice.page.words().contains("Write the town"), "{}", alice.page.words());
    let more = [("ship_town", "Москва"), ("ship_country", "Россия"), ("method", "invoice")];
    let all: Vec<_> = elsewhere.into_iter().chain(more).collect();
    order(&mut alice, &all).await;
    let bought = number(&alice.page);
    assert!(alice.page.words().contains("Мария, ул. Ленина 1, Москва, Россия"), "{}", alice.page.words());
    let mut fiona = logged_in(&world, "fiona").await;
    let path = format!("/admin/orders/{bought}");
    let ship = [("carrier", "Bring"), ("tracking", "TR-1"), ("serials", "HT-1001, HT-1002")];
    fiona.open(&path).await;
    fiona.submit_with(&format!("{path}/ship"), &ship).await;
    assert!(fiona.page.words().contains("Nothing was done"), "not before it is paid: {}", fiona.page.words());
    fiona.submit_to(&format!("{path}/paid")).await;
    fiona.submit(&[("carrier", "Bring"), ("tracking", "")]).await;
    assert_eq!(fiona.page.status.as_u16(), 422);
    assert!(fiona.page.words().contains("Write 1 to 80 characters"), "{}", fiona.page.words());
    assert!(fiona.page.text.contains("value=\"Bring\""), "what was typed stays");
    fiona.submit(&ship).await;
    assert!(alice.open(&format!("/orders/{bought}")).await.words().contains("Bring: TR-1"), "{}", alice.page.words());
    assert!(world.mail("alice@iron-builders.example", "TR-1").await.contains(&bought));
    // The button pressed twice is one order; it costs nothing, gives no second key, and says what it replaces.
    let (mut twice, orders) = (fiona.clone(), "SELECT COUNT(*) AS found FROM orders");
    let form = fiona.page.text.split("name=\"key\"").nth(1).unwrap();
    let key = form.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    fiona.submit(&[("key", &key)]).await;
    twice.submit(&[("key", &key)]).await;
    assert_eq!(world.count(orders).await, 2);
    let words = fiona.page.words();
    assert!(words.contains(&format!("Replaces a token of {bought}")) && words.contains("Total 0.00 USD"), "{words}");
    assert_eq!(keys(&world, "unredeemed").await, 2);
    world.advance(45 * 86_400 + 1).await;
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open(&path).await;
    fiona.submit(&[("key", &key)]).await;
    assert!(fiona.page.words().contains("Nothing was done"), "{}", fiona.page.words());
    assert_eq!(world.count(orders).await, 2);
    // What she bought for herself is nothing for her organization, nor for a partner.
    for username in ["oscar", "petra"] {
        let mut administrator = logged_in(&world, username).await;
        assert!(!administrator.open("/admin/orders").await.words().contains(&bought), "{username}");
        assert_eq!(administrator.open(&path).await.status.as_u16(), 404, "{username}");
        assert_eq!(administrator.open("/admin/vouchers").await.status.as_u16(), 403, "{username}");
    }
}
