//! License keys: typed, handed over, taken back, used once; and the way from a refusal to the application.

use std::sync::Arc;

use stepgate_tests::{Browser, MobileClient, World, on_each_backend};
use tokio::sync::Barrier;

const MOBILE: &str = "urn:stepgate:acr:mobile-id";

/// Somebody on a page of theirs, with a password and nothing more.
pub(super) async fn at(world: &World, username: &str, path: &str) -> Browser {
    let mut browser = world.browser();
    browser.open(path).await;
    browser.log_in(username).await;
    if browser.page.name() == "factor" {
        browser.submit(&[("skip", "1")]).await;
    }
    browser.open(path).await;
    browser
}

/// Presses *Activate* for the one Mobile ID that waits on the open page.
pub(super) async fn begin_mobile(browser: &mut Browser) {
    let form = browser.page.text.split("<form").find(|form| form.contains("action=\"/account/otp/mobile/start\""));
    let form = form.unwrap_or_else(|| panic!("nothing to activate: {}", browser.page.words()));
    let id = super::mobile_phones::between(form, "name=\"credential\" value=\"", "\"");
    browser.submit_with("/account/otp/mobile/start", &[("credential", &id)]).await;
}

async fn waiting(world: &World, username: &str) -> i64 {
    let sql = format!(
        "SELECT COUNT(*) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
         WHERE p.username = '{username}' AND c.stage = 'pending'"
    );
    world.count(&sql).await
}

#[tokio::test]
async fn a_key_is_typed_in_any_way_and_every_refusal_says_why() {
    on_each_backend(|world| async move {
        let keys = world.sell("oscar", "mobile-id", 3).await;
        let mut alice = at(&world, "alice", "/account/otp/license").await;
        assert_eq!(alice.page.name(), "license");
        let (first, rest) = keys[0].split_at(1);
        let slipped = format!("{}{rest}", if first == "A" { "B" } else { "A" });
        let cases = [
            ("short", "24 letters and digits"),
            (slipped.as_str(), "compare it group by group"),
            ("DEMO-NOBODY-MOBILE-0001", "Codes have no O"),
            ("DEMO-GRACE-MOBILE-0001", "handed to another person"),
        ];
        for (typed, said) in cases {
            alice.submit(&[("key", typed)]).await;
            assert_eq!(alice.page.name(), "license", "{typed}");
            assert!(alice.page.words().contains(said), "{typed}: {}", alice.page.words());
        }
        assert_eq!(waiting(&world, "alice").await, 0);
        alice.submit(&[("key", &keys[0].to_lowercase().replace('-', " "))]).await;
        assert_eq!(alice.page.name(), "manage-otp", "{}", alice.page.words());
        assert!(alice.page.words().contains("Set up your Mobile ID"), "{}", alice.page.words());
        assert!(alice.page.has("status-action"));
        assert_eq!(waiting(&world, "alice").await, 1);
        world.mail("alice@iron-builders.example", "A license key was used").await;

        alice.open("/account/otp/license").await;
        alice.submit(&[("key", &keys[0])]).await;
        assert!(alice.page.words().contains("You have used this key already"), "{}", alice.page.words());
        let mut bob = at(&world, "bob", "/account/otp/license").await;
        bob.submit(&[("key", &keys[0])]).await;
        assert!(bob.page.words().contains("used by somebody else"), "{}", bob.page.words());
        // The purchaser alone sees who used what.
        let oscar = at(&world, "oscar", "/account/otp/keys").await;
        assert!(oscar.page.words().contains("Used alice"), "{}", oscar.page.words());
        assert!(!oscar.page.words().contains(&keys[0]) && oscar.page.words().contains(&keys[1]));
        assert!(!bob.open("/account/otp/keys").await.words().contains("alice"));
        // Given back, and too old.
        world.tamper("UPDATE license_keys SET stage = 'void' WHERE stage = 'unredeemed' AND number = 1").await;
        bob.open("/account/otp/license").await;
        bob.submit(&[("key", &keys[1])]).await;
        assert!(bob.page.words().contains("This key is void"), "{}", bob.page.words());
        world.advance(366 * 24 * 3600).await;
        let mut bob = at(&world, "bob", "/account/otp/license").await;
        bob.submit(&[("key", &keys[2])]).await;
        assert!(bob.page.words().contains("year that this key pays for is over"), "{}", bob.page.words());
        // Nobody tries for ever.
        for _ in 0..20 {
            bob.submit(&[("key", "ABCDEFGHABCDEFGHABCDEFGH")]).await;
        }
        assert!(bob.page.words().contains("You have tried many keys"), "{}", bob.page.words());
    })
    .await;
}

#[tokio::test]
async fn a_key_is_handed_over_taken_back_and_used_by_whom_it_is_for() {
    on_each_backend(|world| async move {
        let keys = world.sell("oscar", "mobile-id", 3).await;
        let mut oscar = at(&world, "oscar", "/account/otp/keys").await;
        let ids: Vec<String> = oscar.page.text.split("/account/otp/keys/").skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned()).filter(|id| id.len() == 36).collect();
        assert_eq!(ids.len(), 3);
        // Nobody who is not of the organization is known by user ID.
        oscar.open(&format!("/account/otp/keys/{}", ids[0])).await;
        oscar.submit(&[("whom", "nobody")]).await;
        assert!(oscar.page.words().contains("Nobody of your organization"), "{}", oscar.page.words());
        oscar.submit(&[("whom", "Alice")]).await;
        assert!(oscar.page.words().contains("It is theirs now"), "{}", oscar.page.words());
        let mail = world.mail("alice@iron-builders.example", "A license key is waiting").await;
        assert!(mail.contains("/account/otp/license") && !mail.contains(&keys[0]), "{mail}");
        // Taken back, it is not hers; handed over again, it is.
        let mut alice = at(&world, "alice", "/account/otp/license").await;
        assert!(alice.page.words().contains("Keys for you"));
        oscar.open(&format!("/account/otp/keys/{}", ids[0])).await;
        oscar.submit_with("/account/otp/keys/take-back", &[("id", &ids[0])]).await;
        assert!(!alice.open("/account/otp/license").await.words().contains("Keys for you"));
        assert_eq!(alice.submit_with("/account/otp/license/activate", &[("id", &ids[0])]).await.status, 404);
        oscar.open(&format!("/account/otp/keys/{}", ids[0])).await;
        oscar.submit(&[("whom", "alice@iron-builders.example")]).await;
        // Bob has its letters, and yet it is not his.
        let mut bob = at(&world, "bob", "/account/otp/license").await;
        bob.submit(&[("key", &keys[0])]).await;
        assert!(bob.page.words().contains("handed to another person"), "{}", bob.page.words());
        assert_eq!(bob.open(&format!("/account/otp/keys/{}", ids[0])).await.status, 404);
        alice.open("/account/otp/license").await;
        alice.submit_with("/account/otp/license/activate", &[("id", &ids[0])]).await;
        assert!(alice.page.words().contains("Set up your Mobile ID"), "{}", alice.page.words());
        // Too late for its purchaser.
        oscar.open("/account/otp/keys").await;
        oscar.submit_with("/account/otp/keys/take-back", &[("id", &ids[0])]).await;
        assert!(oscar.page.words().contains("cannot be taken back any more"), "{}", oscar.page.words());

        // What no mail reaches is no address; whoever had it is told that it went on; one's own is not "theirs".
        for whom in ["<script>@x.y", "zoe@ex\u{e4}mple.org", "eve\u{202e}@elsewhere.example"] {
            oscar.open(&format!("/account/otp/keys/{}", ids[2])).await;
            oscar.submit(&[("whom", whom)]).await;
            assert!(oscar.page.words().contains("no email address"), "{whom}: {}", oscar.page.words());
        }
        oscar.submit(&[("whom", "former@elsewhere.example")]).await;
        oscar.open(&format!("/account/otp/keys/{}", ids[2])).await;
        oscar.submit(&[("whom", "oscar")]).await;
        assert!(oscar.page.words().contains("It is yours") && !oscar.page.words().contains("It is theirs"));
        world.mail("former@elsewhere.example", "was taken back").await;
        oscar.open(&format!("/account/otp/keys/{}", ids[2])).await;
        assert!(!oscar.page.words().contains("Take it back"), "{}", oscar.page.words());

        // To an address that nobody has here yet.
        oscar.open(&format!("/account/otp/keys/{}", ids[1])).await;
        oscar.submit(&[("whom", "Carol.New@elsewhere.example")]).await;
        world.mail("carol.new@elsewhere.example", "A license key is waiting").await;
        bob.open("/account/otp/license").await;
        bob.submit(&[("key", &keys[1])]).await;
        assert!(bob.page.words().contains("handed to another person"), "{}", bob.page.words());
        world
            .tamper(
                "UPDATE persons SET claims = REPLACE(claims, 'heidi@iron-builders.example', 'carol.new@elsewhere.example'),
                 email = 'carol.new@elsewhere.example' WHERE username = 'heidi'",
            )
            .await;
        let mut heidi = at(&world, "heidi", "/account/otp/license").await;
        heidi.submit_with("/account/otp/license/activate", &[("id", &ids[1])]).await;
        assert_eq!(heidi.page.name(), "manage-otp", "{}", heidi.page.words());
        assert!(oscar.open("/account/otp/keys").await.words().contains("Used heidi"), "{}", oscar.page.words());
        for (kind, expected) in
            [("license_key.handed", 5), ("license_key.taken_back", 1), ("license_key.redeemed", 2), ("license_key.claimed", 1)]
        {
            let sql = format!("SELECT COUNT(*) AS found FROM audit_events WHERE kind = '{kind}'");
            assert_eq!(world.count(&sql).await, expected, "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobodys_inbox_is_flooded_with_a_key_that_comes_and_goes() {
    on_each_backend(|world| async move {
        world.sell("oscar", "mobile-id", 1).await;
        let mut oscar = at(&world, "oscar", "/account/otp/keys").await;
        let id =
            oscar.page.text.split("/account/otp/keys/").find_map(|rest| rest.get(..36).filter(|id| id.contains('-')));
        let id = id.unwrap().to_owned();
        for round in 0..6 {
            oscar.open(&format!("/account/otp/keys/{id}")).await;
            oscar.submit(&[("whom", "victim@evil.example")]).await;
            let told = if round < 3 { "It is theirs now" } else { "enough mails went out" };
            assert!(oscar.page.words().contains(told), "{round}: {}", oscar.page.words());
            oscar.open(&format!("/account/otp/keys/{id}")).await;
            oscar.submit_with("/account/otp/keys/take-back", &[("id", &id)]).await;
        }
        world
            .until("three mails came", async || {
                world.mails("victim@evil.example", "A license key is waiting").await == 3
            })
            .await;
        world.advance(3600).await;
        let mut oscar = at(&world, "oscar", &format!("/account/otp/keys/{id}")).await;
        oscar.submit(&[("whom", "victim@evil.example")]).await;
        assert!(oscar.page.words().contains("It is theirs now"), "{}", oscar.page.words());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_use_one_key_at_the_same_moment_one_has_it() {
    on_each_backend(|world| async move {
        let key = world.sell("oscar", "bundle", 1).await.remove(0);
        let alice = at(&world, "alice", "/account/otp/license").await;
        let bob = at(&world, "bob", "/account/otp/license").await;
        let barrier = Arc::new(Barrier::new(12));
        let presses: Vec<_> = (0..12)
            .map(|number| {
                let who = if number % 2 == 0 { &alice } else { &bob };
                let (barrier, request) = (Arc::clone(&barrier), who.prepared(&[("key", &key)]));
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().status().as_u16()
                })
            })
            .collect();
        let mut redirects = 0;
        for press in presses {
            let status = press.await.unwrap();
            assert!([200, 303].contains(&status), "{status}");
            redirects += i32::from(status == 303);
        }
        assert_eq!(redirects, 1);
        let made = "SELECT COUNT(*) AS found FROM credentials WHERE license_key_id IS NOT NULL AND product = 'bundle'";
        assert_eq!(world.count(made).await, 2, "a bundle is two credentials, once");
        assert_eq!(
            world.count("SELECT COUNT(DISTINCT person_id) AS found FROM credentials WHERE product = 'bundle'").await,
            1
        );
        let terms = "SELECT COUNT(*) AS found FROM terms";
        assert_eq!(world.count(terms).await, 2);
    })
    .await;
}

#[tokio::test]
async fn from_the_refusal_by_key_and_phone_back_to_the_application() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let key = world.sell("oscar", "mobile-id", 1).await.remove(0);
        let (mut alice, started) = (world.browser(), rp.start(&[("acr_values", MOBILE)]));
        alice.open(&started.url).await;
        alice.log_in("alice").await;
        assert_eq!(alice.page.name(), "requirements-not-met");
        assert!(alice.page.has("license"));
        // Days go by until the key has come; the request is kept, the session is not.
        world.advance(9 * 24 * 3600).await;
        let mut alice_again = alice.clone();
        alice_again.open("/account/otp/license").await;
        alice_again.log_in("alice").await;
        assert_eq!(alice_again.page.name(), "license", "the page that the mail led to");
        alice_again.submit(&[("key", &key)]).await;
        assert!(alice_again.page.has("resume"), "{}", alice_again.page.words());
        begin_mobile(&mut alice_again).await;
        let code = super::mobile_phones::between(&alice_again.page.text, "id=\"enrol-code\">", "<");
        let (_, digits) =
            MobileClient::enrol_at(&world.issuer, &code, ("Alice's phone", 9 * 24 * 3600), None).await.unwrap();
        alice_again.submit(&[("digits", &digits)]).await;
        // To bind a device is to show it: nothing is asked any more.
        assert_eq!(rp.finish(&started, &alice_again.page).await.acr(), MOBILE);
        assert!(!alice_again.open("/account/otp").await.has("resume"));

        // In another browser the parked request is nobody's; the application is asked to begin again.
        let partner =
            world.partner("days-later", serde_json::json!({ "initiate_login_uri": "https://rp.example/start" })).await;
        let started = partner.start(&[("acr_values", MOBILE)]);
        let mut heidi = world.browser();
        heidi.open(&started.url).await;
        heidi.log_in("heidi").await;
        assert_eq!(heidi.page.name(), "requirements-not-met");
        let parked = heidi.page.url.path().to_owned();
        let mut elsewhere = at(&world, "heidi", "/account/otp").await;
        assert!(elsewhere.page.text.contains("https://rp.example/start?iss="), "{}", elsewhere.page.text);
        assert_eq!(elsewhere.open(&parked).await.status, 410);
        // After a month nothing is kept.
        world.advance(31 * 24 * 3600).await;
        assert!(!at(&world, "heidi", "/account/otp").await.page.has("resume"));
    })
    .await;
}

#[tokio::test]
async fn a_pushed_request_is_kept_as_long_and_answered_once() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let started = rp.start(&[("acr_values", MOBILE)]);
        let (_, answer) = rp.push(&started, &[]).await;
        let uri = answer["request_uri"].as_str().unwrap();
        let url = rp.authorize(&[("client_id", &rp.client_id), ("request_uri", uri)]);
        let mut grace = world.browser();
        grace.open(&url).await;
        grace.log_in("grace").await;
        assert_eq!(grace.page.name(), "requirements-not-met");
        let parked = grace.page.url.path().to_owned();
        world.advance(5 * 24 * 3600).await;
        // The sweep has been; the reference opens nothing any more, the parked request waits.
        assert_ne!(world.browser().open(&url).await.name(), "login");
        world
            .until("the sweep was there", async || {
                let sql = "SELECT COUNT(*) AS found FROM pushed_requests WHERE kept_until IS NOT NULL";
                world.count(sql).await == 1
            })
            .await;
        world.tamper("UPDATE credentials SET stage = 'revoked' WHERE kind = 'mobile_id' AND stage = 'pending'").await;
        grace.open(&parked).await;
        grace.log_in("grace").await;
        assert_eq!(grace.page.name(), "requirements-not-met", "{}", grace.page.words());
        grace.submit(&[("cancel", "1")]).await;
        assert_eq!(rp.error(&started, &grace.page), "unmet_authentication_requirements");
        assert_eq!(grace.open(&parked).await.status, 410);
    })
    .await;
}

#[tokio::test]
async fn the_demo_key_of_grace_is_the_one_that_her_mobile_id_was_bought_with() {
    on_each_backend(|world| async move {
        let mut grace = at(&world, "grace", "/account/otp/license").await;
        grace.submit(&[("key", "demo grace mobile 0001")]).await;
        assert_eq!(grace.page.name(), "manage-otp", "{}", grace.page.words());
        assert_eq!(waiting(&world, "grace").await, 1, "it becomes nothing twice");
        begin_mobile(&mut grace).await;
        assert_eq!(grace.page.name(), "mobile-enrol");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_was_bought_is_what_the_help_desk_assigns_and_its_year_counts_from_the_purchase() {
    on_each_backend(|world| async move {
        let key = world.sell("alice", "hardware-token", 1).await.remove(0);
        let mut alice = at(&world, "alice", "/account/otp/license").await;
        alice.submit(&[("key", &key)]).await;
        assert!(alice.page.words().contains("A token is being made ready for you"), "{}", alice.page.words());
        assert!(!alice.page.text.contains("id=\"activate-"), "nothing to activate before there is one");
        let id = super::mobile_phones::between(&alice.page.text, "credential\" id=\"credential-", "\"");
        assert_eq!(alice.open(&format!("/account/otp/{id}")).await.status, 200);
        assert!(world.shown_code("dave").await.len() == 6, "the demo's codes are not upset");
        let one = "SELECT COUNT(*) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                   WHERE p.username = 'alice' AND c.kind = 'hardware_token'";
        let mut lost = String::new();
        for serial in ["HT-1001", "HT-1002"] {
            let (done, said) = world.operate(&["token", "assign", serial, "alice", "--by", "simon"]);
            assert!(done, "{said}");
            if serial == "HT-1001" {
                lost = super::hardware_tokens::registration_code(&world, "alice").await;
                assert_eq!(world.count(one).await, 1, "what waited was adopted");
                // It got lost in the post: what was bought goes on waiting, for another one.
                let sql = "UPDATE credentials SET serial = NULL WHERE serial = 'HT-1001'";
                world.tamper(sql).await;
                world.tamper("UPDATE hardware_tokens SET stage = 'lost' WHERE serial = 'HT-1001'").await;
            }
        }
        assert_eq!(world.count(one).await, 1);
        let latest = async || super::hardware_tokens::registration_code(&world, "alice").await;
        world.until("the second code came", async || latest().await != lost).await;
        let code = latest().await;
        alice.open("/account/otp/token").await;
        let (first, second) = (super::hardware_tokens::shown(0, 0), super::hardware_tokens::shown(1, 0));
        let typed = [("serial", "HT-1002"), ("registration", &code), ("first", &first), ("second", &second)];
        alice.submit(&typed).await;
        assert!(alice.page.words().contains("Your token is set up"), "{}", alice.page.words());
        let year = "SELECT COUNT(*) AS found FROM credentials c JOIN license_keys k ON k.id = c.license_key_id
                    WHERE c.serial = 'HT-1002' AND c.stage = 'active' AND c.purchased_at = k.purchased_at
                      AND c.expires_at - c.purchased_at BETWEEN 365 * 86400000 AND 366 * 86400000";
        // PostgreSQL reckons the products in 32 bits unless told otherwise.
        let year = year.replace("365 * 86400000", "31536000000").replace("366 * 86400000", "31622400000");
        assert_eq!(world.count(&year).await, 1);
    })
    .await;
}

#[tokio::test]
async fn where_terms_count_from_the_activation_the_year_begins_with_the_device() {
    let settings = [("STEPGATE__SUBSCRIPTIONS__TERM_STARTS", "activation")];
    stepgate_tests::on_each_backend_with(&settings, |world| async move {
        let key = world.sell("alice", "mobile-id", 1).await.remove(0);
        let mut alice = at(&world, "alice", "/account/otp/license").await;
        alice.submit(&[("key", &key)]).await;
        let ends = "SELECT COUNT(*) AS found FROM credentials WHERE product = 'mobile-id' AND license_key_id IN
                    (SELECT id FROM license_keys WHERE stage = 'redeemed') AND expires_at IS NOT NULL";
        assert_eq!(world.count(ends).await, 0);
        world.advance(40 * 24 * 3600).await;
        let mut alice = at(&world, "alice", "/account/otp").await;
        begin_mobile(&mut alice).await;
        let code = super::mobile_phones::between(&alice.page.text, "id=\"enrol-code\">", "<");
        let (_, digits) =
            MobileClient::enrol_at(&world.issuer, &code, ("Alice's phone", 40 * 24 * 3600), None).await.unwrap();
        alice.submit(&[("digits", &digits)]).await;
        assert_eq!(alice.page.name(), "manage-otp", "{}", alice.page.words());
        let later = "SELECT COUNT(*) AS found FROM credentials WHERE product = 'mobile-id' AND stage = 'active'
                     AND expires_at - purchased_at > 34900000000 AND notice_at IS NOT NULL AND license_key_id IN
                    (SELECT license_key_id FROM terms)";
        assert_eq!(world.count(later).await, 1, "a year from today, not from the purchase");
    })
    .await;
}
