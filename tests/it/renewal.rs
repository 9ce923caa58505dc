//! Renewal: only when its time has come, once, to the old end, and back at the application.

use std::sync::Arc;

use serde_json::json;
use stepgate_tests::{Backend, World, on_each_backend};
use tokio::sync::Barrier;

use super::license_keys::at;

const DAY: u64 = 24 * 3600;
const OTP: &str = "urn:stepgate:acr:otp";

pub(super) async fn credential(world: &World, username: &str, kind: &str) -> String {
    let browser = at(world, username, "/account/otp").await;
    let text = &browser.page.text;
    let cards = text.split("id=\"credential-").skip(1);
    let card = cards.map(|card| card.split("</li>").next().unwrap()).find(|card| card.contains(&format!("<h2>{kind}")));
    card.unwrap().split('"').next().unwrap().to_owned()
}

/// When a person's credential of a kind ends, in milliseconds.
pub(super) async fn ends(world: &World, username: &str, kind: &str) -> i64 {
    let sql = format!(
        "SELECT MAX(c.expires_at) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
         WHERE p.username = '{username}' AND c.kind = '{kind}'"
    );
    world.count(&sql).await
}

pub(super) fn is_a_year(from: i64, to: i64) -> bool {
    let days = (to - from) / 86_400_000;
    (365..=366).contains(&days) && (to - from) % 86_400_000 == 0
}

#[tokio::test]
async fn t29_what_has_expired_says_so_at_the_application_and_goes_on_there_once_renewed() {
    on_each_backend(|world| async move {
        // Nothing to renew: no button.
        let bob = at(&world, "bob", "/account/otp").await;
        assert!(!bob.page.words().contains("Renew") && !bob.page.text.contains("/cart/add"), "{}", bob.page.words());
        let id = credential(&world, "bob", "Phone OTP").await;
        let words = at(&world, "bob", &format!("/account/otp/renew?credential={id}")).await.page.words();
        assert!(words.contains("It can be renewed from"), "{words}");

        let rp = world.relying_party().await;
        let (mut frank, started) = (world.browser(), rp.start(&[("acr_values", OTP)]));
        frank.open(&started.url).await;
        frank.log_in("frank").await;
        assert_eq!(frank.page.name(), "requirements-not-met");
        assert!(frank.page.words().contains("expired on"), "{}", frank.page.words());
        let parked = frank.page.url.path().to_owned();
        let renew = super::mobile_phones::between(&frank.page.text, "/account/otp/renew?credential=", "\"");
        frank.open(&format!("/account/otp/renew?credential={renew}")).await;
        assert_eq!(frank.page.name(), "renew");
        assert!(frank.page.words().contains("48.00 USD"), "{}", frank.page.words());
        assert!(
            frank.page.text.contains(&format!("value=\"renew:{renew}\""))
                && frank.page.text.contains("action=\"/cart/add\"")
        );
        // Every page of the portal says it.
        assert!(frank.open("/account/sessions").await.has("banner-action"));
        frank.open("/account/otp").await;
        assert!(frank.page.has(&format!("renew-{renew}")) && frank.page.has("status-action"), "{}", frank.page.text);

        let before = ends(&world, "frank", "phone_otp").await;
        let sale = json!({ "to": "frank", "product": "phone-otp-international", "renew": renew });
        let keys = world.sell_at(0, sale).await;
        assert_eq!(keys[0]["stage"], "redeemed");
        let after = ends(&world, "frank", "phone_otp").await;
        assert!(is_a_year(before, after), "{before} {after}: a year to the old end");
        assert!(!frank.open("/account/otp").await.text.contains("/cart/add"), "renewed: the button is gone");
        frank.open(&parked).await;
        frank.show_phone(&world, "+12025550106").await;
        assert_eq!(rp.finish(&started, &frank.page).await.acr(), OTP);

        // My Applications says what is wrong with what one has, and offers to mend it.
        let sql = format!("UPDATE credentials SET expires_at = {before} WHERE kind = 'phone_otp'");
        world.tamper(&sql).await;
        world
            .tamper(r#"UPDATE applications SET policy = '{"accepts":["urn:stepgate:acr:otp"]}' WHERE url IS NOT NULL"#)
            .await;
        let mut mine = at(&world, "frank", "/applications").await;
        assert!(mine.page.words().contains("which expired on"), "{}", mine.page.words());
        let application = super::mobile_phones::between(&mine.page.text, "name=\"application\" value=\"", "\"");
        mine.submit(&[("application", &application)]).await;
        assert!(mine.page.url.query().unwrap_or_default().starts_with("credential="), "{}", mine.page.url);
        assert_eq!(mine.page.name(), "renew", "{}", mine.page.words());
        let none = at(&world, "alice", "/applications").await;
        assert!(none.page.words().contains("Get credential"), "{}", none.page.words());
        let unbound = at(&world, "grace", "/applications").await;
        assert!(unbound.page.words().contains("is not activated yet"), "{}", unbound.page.words());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_renewals_at_the_same_moment_add_one_year_and_leave_a_key() {
    on_each_backend(|world| async move {
        let id = credential(&world, "frank", "Phone OTP").await;
        let before = ends(&world, "frank", "phone_otp").await;
        let (world, barrier) = (Arc::new(world), Arc::new(Barrier::new(4)));
        let sales: Vec<_> = (0..4)
            .map(|number| {
                let (world, barrier, id) = (Arc::clone(&world), Arc::clone(&barrier), id.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    let sale = json!({ "to": "frank", "product": "phone-otp-international", "renew": id });
                    world.sell_at(number % world.nodes(), sale).await.remove(0)["stage"].as_str().unwrap().to_owned()
                })
            })
            .collect();
        let mut stages = Vec::new();
        for sale in sales {
            stages.push(sale.await.unwrap());
        }
        stages.sort();
        assert_eq!(stages, ["redeemed", "unredeemed", "unredeemed", "unredeemed"], "nothing lost, nothing free");
        assert!(is_a_year(before, ends(&world, "frank", "phone_otp").await));
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM terms").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_bundle_is_renewed_as_one_and_a_key_can_renew_instead_of_starting_anew() {
    on_each_backend(|world| async move {
        let key = world.sell("oscar", "bundle", 1).await.remove(0);
        let mut alice = at(&world, "alice", "/account/otp/license").await;
        alice.submit(&[("key", &key)]).await;
        world
            .tamper("UPDATE credentials SET stage = 'active', activated_at = created_at WHERE product = 'bundle'")
            .await;
        world.advance(310 * DAY).await;
        let (mobile, token) = (ends(&world, "alice", "mobile_id").await, ends(&world, "alice", "hardware_token").await);
        let id = credential(&world, "alice", "Mobile ID").await;
        let words = at(&world, "alice", &format!("/account/otp/renew?credential={id}")).await.page.words();
        assert!(words.contains("60.00 USD") && words.contains("together with it"), "{words}");
        world.sell_at(0, json!({ "to": "oscar", "product": "bundle", "renew": id })).await;
        assert!(is_a_year(mobile, ends(&world, "alice", "mobile_id").await));
        assert!(is_a_year(token, ends(&world, "alice", "hardware_token").await), "both that came of the key");
        // What a cheaper product does not give, it does not renew.
        let id = credential(&world, "frank", "Phone OTP").await;
        let before = ends(&world, "frank", "phone_otp").await;
        let left = world.sell_at(0, json!({ "to": "oscar", "product": "security-key", "renew": id })).await;
        assert_eq!((left[0]["stage"].as_str(), ends(&world, "frank", "phone_otp").await), (Some("unredeemed"), before));

        // Buying new while a renewal is possible is answered with the renewal.
        let key = world.sell("oscar", "phone-otp-international", 1).await.remove(0);
        let mut frank = at(&world, "frank", "/account/otp/license").await;
        frank.submit(&[("key", &key)]).await;
        assert_eq!(frank.page.name(), "license-choice", "{}", frank.page.words());
        frank.submit_with("/account/otp/license", &[("key", &key), ("way", "renew")]).await;
        assert!(frank.page.words().contains("It is renewed"), "{}", frank.page.words());
        assert!(is_a_year(before, ends(&world, "frank", "phone_otp").await));
        let held = "SELECT COUNT(*) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                    WHERE p.username = 'frank' AND c.kind = 'phone_otp'";
        assert_eq!(world.count(held).await, 1);
        // After the window a new one is needed.
        world.advance(800 * DAY).await;
        let late = at(&world, "frank", "/account/otp").await;
        assert!(late.page.words().contains("too long ago to be renewed"), "{}", late.page.words());
        assert!(!late.page.text.contains("/cart/add") && late.page.words().contains("Get a new one"));
    })
    .await;
}

#[tokio::test]
async fn an_organization_renews_by_itself_and_for_many_at_once() {
    on_each_backend(|world| async move {
        world.tamper("DELETE FROM sponsor_accounts").await;
        let bob = credential(&world, "bob", "Phone OTP").await;
        let mut browser = at(&world, "bob", &format!("/account/otp/{bob}")).await;
        assert!(browser.page.words().contains("once your organization has an account"), "{}", browser.page.words());
        browser.submit(&[("on", "1")]).await;
        assert_eq!(browser.page.name(), "card", "where a card can be given for it");
        browser.open(&format!("/account/otp/{bob}")).await;
        assert!(browser.page.words().contains("account or card pays for it yet"), "{}", browser.page.words());
        let account = "INSERT INTO sponsor_accounts (kind, id, currency, most, used)
                       SELECT 'organization', id, 'USD', 5000, 0 FROM organizations LIMIT 1";
        world.tamper(account).await;
        // An account alone pays for nobody's wish; the organization's administrator lets it, and nobody else's does.
        let words = at(&world, "bob", &format!("/account/otp/{bob}")).await.page.words();
        assert!(words.contains("account or card pays for it yet"), "{words}");
        let mut oscar = at(&world, "oscar", "/admin/sponsors").await;
        let (_, switch) = oscar.page.text.split_once("name=\"organization\" value=\"").unwrap();
        let organization = switch.split('"').next().unwrap().to_owned();
        let switch = [("organization", organization.as_str()), ("on", "1")];
        for username in ["petra", "alice", "ingrid"] {
            let mut other = at(&world, username, "/account").await;
            let status = other.submit_with("/admin/sponsors/renewals", &switch).await.status.as_u16();
            assert_eq!(status, 403, "{username}");
        }
        assert_eq!(oscar.submit_with("/admin/sponsors", &[("most", "9999")]).await.status.as_u16(), 403);
        oscar.open("/admin/sponsors").await;
        oscar.submit_with("/admin/sponsors/renewals", &switch).await;
        assert!(oscar.page.words().contains("From now on the account renews"), "{}", oscar.page.words());
        let words = at(&world, "bob", &format!("/account/otp/{bob}")).await.page.words();
        assert!(words.contains("organization's account") || words.contains("organization&#39;s account"), "{words}");
        let before = ends(&world, "bob", "phone_otp").await;
        world.advance(250 * DAY).await;
        world.until("it is renewed", async || ends(&world, "bob", "phone_otp").await > before).await;
        assert!(is_a_year(before, ends(&world, "bob", "phone_otp").await));
        world.mail("bob@iron-builders.example", "was renewed for another year").await;
        assert_eq!(world.count("SELECT used AS found FROM sponsor_accounts").await, 4800);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders WHERE stage = 'paid'").await, 1);
        assert_eq!(world.mails("bob@iron-builders.example", "ends in 60 days").await, 0, "nothing to remind of");

        // The others of the organization, by hand.
        let mut oscar = at(&world, "oscar", "/admin/renewals").await;
        assert_eq!(oscar.page.name(), "renewals", "{}", oscar.page.words());
        for name in ["carol", "dave", "erin", "frank"] {
            assert!(oscar.page.words().contains(name), "{name}: {}", oscar.page.words());
        }
        assert!(!oscar.page.words().contains(" bob "), "{}", oscar.page.words());
        let ids: Vec<String> = oscar
            .page
            .text
            .split("name=\"renew\" value=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        let two: Vec<(&str, &str)> = vec![("renew", &ids[0]), ("renew", &ids[1]), ("renew", &bob), ("renew", "x")];
        oscar.submit_with("/cart/add-renewals", &two).await;
        let lines = world.texts("SELECT lines AS found FROM carts").await.remove(0);
        assert_eq!(lines.matches("renewal").count(), 2, "{lines}");
        assert!(lines.contains(&ids[0]) && lines.contains(&ids[1]) && !lines.contains(&bob), "{lines}");
        let mut alice = at(&world, "alice", "/account").await;
        assert_eq!(alice.submit_with("/cart/add-renewals", &[("renew", &ids[0])]).await.status, 403);
    })
    .await;
}

/// SQLite only: its triggers play what breaks in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_by_itself_is_told_with_it_and_one_that_fails_stops_no_reminder() {
    let world = World::start(Backend::Sqlite).await;
    world.tamper("DELETE FROM sponsor_accounts").await;
    let account = "INSERT INTO sponsor_accounts (kind, id, currency, most, used, renews)
                   SELECT 'organization', id, 'USD', 500000, 0, TRUE FROM organizations LIMIT 1";
    world.tamper(account).await;
    let by_itself = |username: &str| {
        format!(
            "UPDATE credentials SET auto_renew = TRUE WHERE person_id IN (SELECT id FROM persons WHERE username = '{username}')"
        )
    };
    world.tamper(&by_itself("bob")).await;
    // Of two mails of one moment the second cannot be kept.
    let trigger = "CREATE TRIGGER one_mail BEFORE INSERT ON outbox
                   WHEN EXISTS (SELECT 1 FROM outbox WHERE created_at = NEW.created_at)
                   BEGIN SELECT RAISE(ABORT, 'broken'); END";
    world.tamper(trigger).await;
    let before = ends(&world, "bob", "phone_otp").await;
    world.advance(246 * DAY).await;
    world.until("it is ordered", async || world.count("SELECT COUNT(*) AS found FROM orders").await == 1).await;
    world.tamper("DROP TRIGGER one_mail").await;
    world.until("it is renewed", async || ends(&world, "bob", "phone_otp").await > before).await;
    world.mail("bob@iron-builders.example", "was renewed for another year").await;
    let receipt = world.mail("bob@iron-builders.example", "Your receipt").await;
    assert!(receipt.contains("1 x Renewal: Phone OTP") && receipt.contains("Nobody has anything to do"), "{receipt}");
    assert!(!receipt.contains("license key"), "{receipt}");
    let number = world.texts("SELECT number AS found FROM orders").await.remove(0);
    let words = at(&world, "bob", &format!("/orders/{number}")).await.page.words();
    assert!(words.contains("Nobody has anything to do") && !words.contains("hand on"), "{words}");
    let words = at(&world, "fiona", &format!("/admin/orders/{number}")).await.page.words();
    assert!(!words.contains("Given up") && !words.contains("Provider"), "rows of nothing: {words}");

    // Nothing can be ordered: the others are reminded all the same.
    world.tamper(&by_itself("carol")).await;
    world.tamper("CREATE TRIGGER no_order BEFORE INSERT ON orders BEGIN SELECT RAISE(ABORT, 'broken'); END").await;
    world.advance(30 * DAY).await;
    world.mail("dave@iron-builders.example", "ends in 2").await;
    world.mail("carol@iron-builders.example", "by itself, and was not").await;
}
