//! From what is missing to what mends it: what is offered, to whom, first; and what is theirs already.

use stepgate_tests::{Backend, Browser, World, on_each_backend};

use super::license_keys::{at, begin_mobile};
use super::shop::{add, buy, logged_in};

const PROOFED: &str = "urn:stepgate:acr:otp:proofed";
const MOBILE: &str = "urn:stepgate:acr:mobile-id";

/// Somebody whom an application refuses that asks for this.
async fn refused(world: &World, username: &str, acr: &str) -> Browser {
    let rp = world.relying_party().await;
    let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", acr)]));
    browser.open(&started.url).await;
    browser.log_in(username).await;
    assert_eq!(browser.page.name(), "requirements-not-met", "{}", browser.page.words());
    browser
}

/// The products of the open catalogue that the application accepts, in their order.
fn accepted(browser: &Browser) -> Vec<String> {
    let shelf = browser.page.text.split("Not accepted there").next().unwrap();
    let products = shelf.split("id=\"product-").skip(1);
    products.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// The product whose button is the filled one.
fn first(browser: &Browser) -> String {
    let filled = browser.page.text.split("class=\"main\" id=\"add-").nth(1);
    let filled = filled.unwrap_or_else(|| panic!("no filled button: {}", browser.page.words()));
    filled.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn all_that_the_application_accepts_is_offered_and_the_upgrade_only_to_whom_it_helps() {
    let world = World::start(Backend::Sqlite).await;
    // Whoever holds nothing chooses among all kinds; proofing alone would be another refusal.
    let mut petra = refused(&world, "petra", PROOFED).await;
    assert!(petra.page.words().contains("Get a credential"), "{}", petra.page.words());
    petra.open("/account/otp/get").await;
    let proofed: Vec<String> =
        ["phone-otp-domestic", "phone-otp-international", "mobile-id", "hardware-token", "bundle", "security-key"]
            .map(|id| format!("{id}-proofed"))
            .into();
    assert_eq!(accepted(&petra), proofed);
    assert!(petra.page.words().contains("asks for another credential with it"), "{}", petra.page.words());
    assert!(petra.page.words().contains("asks for identity proofing as well"), "{}", petra.page.words());
    // Whoever lacks nothing else gets the upgrade first, straight from the refusal.
    let mut carol = refused(&world, "carol", PROOFED).await;
    assert!(carol.page.words().contains("Get proofed"), "{}", carol.page.words());
    assert!(carol.page.text.contains("href=\"/account/otp/get\""), "{}", carol.page.text);
    carol.open("/account/otp/get").await;
    assert_eq!(accepted(&carol)[0], "proofing-upgrade");
    assert_eq!(first(&carol), "proofing-upgrade");
    assert_eq!(accepted(&carol).len(), 7);
    // What is refused there is sold all the same, for elsewhere.
    let mut alice = refused(&world, "alice", MOBILE).await;
    alice.open("/account/otp/get").await;
    assert_eq!(first(&alice), "mobile-id");
    assert!(alice.page.words().contains("does not accept it 24.00 USD a year"), "{}", alice.page.words());
    assert_eq!(add(&mut alice, "phone-otp-domestic", "1", "me").await.name(), "cart");
}

#[tokio::test]
async fn my_applications_leads_to_a_catalogue_that_knows_the_application_and_back() {
    on_each_backend(|world| async move {
        let set = format!(r#"UPDATE applications SET policy = '{{"accepts":["{MOBILE}"]}}' WHERE url IS NOT NULL"#);
        world.tamper(&set).await;
        let mut alice = at(&world, "alice", "/applications").await;
        assert!(alice.page.words().contains("Get credential"), "{}", alice.page.words());
        alice.submit(&[("application", &application(&alice))]).await;
        assert_eq!(alice.page.name(), "acquire", "{}", alice.page.words());
        assert!(alice.page.url.query().unwrap().starts_with("application="), "{}", alice.page.url);
        assert_eq!(accepted(&alice), ["mobile-id", "mobile-id-proofed", "bundle", "bundle-proofed"]);
        // The way there is remembered: without the address, and in another browser.
        let mut elsewhere = at(&world, "alice", "/account/otp/get").await;
        assert_eq!(accepted(&elsewhere), accepted(&alice));
        assert!(elsewhere.page.has("resume") && elsewhere.open("/account/otp").await.has("resume"));
        // Nobody is led to something that is not an application.
        assert_eq!(alice.submit_with("/applications/mend", &[("application", "nonsense")]).await.status, 404);
    })
    .await;
}

/// The application behind the button that mends.
fn application(browser: &Browser) -> String {
    super::mobile_phones::between(&browser.page.text, "name=\"application\" value=\"", "\"")
}

#[tokio::test]
async fn a_key_that_is_not_used_yet_is_offered_everywhere_before_anything_is_sold() {
    on_each_backend(|world| async move {
        let mut alice = refused(&world, "alice", MOBILE).await;
        let parked = alice.page.url.path().to_owned();
        add(&mut alice, "mobile-id", "1", "me").await;
        buy(&mut alice, "pay").await;
        // The refusal, days later.
        alice.open(&parked).await;
        assert_eq!(alice.page.name(), "requirements-not-met");
        let words = alice.page.words();
        assert!(words.contains("Bought, not activated yet") && words.contains("Activate Mobile ID"), "{words}");
        assert!(!words.contains("no OTP credential yet") && !words.contains("Get Mobile ID"), "{words}");
        // The catalogue, with nothing to buy first.
        let words = alice.open("/account/otp/get").await.words();
        assert!(words.contains("You have Mobile ID already"), "{words}");
        assert!(!alice.page.text.contains("class=\"main\" id=\"add-"), "{words}");
        // Manage OTP, every other page, and My Applications.
        let words = alice.open("/account/otp").await.words();
        assert!(words.contains("Mobile ID waits for you") && !words.contains("no OTP credential yet"), "{words}");
        assert!(alice.open("/account/sessions").await.has("banner-action"), "{}", alice.page.words());
        let set = format!(r#"UPDATE applications SET policy = '{{"accepts":["{MOBILE}"]}}' WHERE url IS NOT NULL"#);
        world.tamper(&set).await;
        assert!(alice.open("/applications").await.words().contains("bought and not activated yet"));
        // One press from the refusal, and it is theirs.
        alice.open(&parked).await;
        let key = super::mobile_phones::between(&alice.page.text, "name=\"id\" value=\"", "\"");
        alice.submit(&[("id", &key)]).await;
        let waiting = "SELECT COUNT(*) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                       WHERE p.username = 'alice' AND c.stage = 'pending'";
        assert_eq!(world.count(waiting).await, i64::from(alice.page.name() == "manage-otp"), "{}", alice.page.words());
        // A key that would not do is no reason to keep somebody from buying what does.
        let mut bob = refused(&world, "bob", MOBILE).await;
        add(&mut bob, "security-key", "1", "me").await;
        buy(&mut bob, "pay").await;
        bob.open("/account/otp/get").await;
        assert_eq!(first(&bob), "mobile-id");
    })
    .await;
}

#[tokio::test]
async fn whoever_a_colleague_buys_for_is_told() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        add(&mut oscar, "hardware-token", "1", "person:dave").await;
        add(&mut oscar, "mobile-id", "1", "me").await;
        buy(&mut oscar, "pay").await;
        let mail = world.mail("dave@iron-builders.example", "A license key is waiting").await;
        assert!(mail.contains("Oscar Owen has a license key for you: Hardware token"), "{mail}");
        assert!(mail.contains("/account/otp/license"), "{mail}");
        assert_eq!(world.mails("oscar@iron-builders.example", "has a license key for you").await, 0);
        assert!(at(&world, "dave", "/account/otp").await.page.words().contains("Hardware token waits for you"));
    })
    .await;
}

#[tokio::test]
async fn a_key_of_a_small_reach_does_not_renew_a_large_one() {
    on_each_backend(|world| async move {
        let ends = "SELECT MAX(c.expires_at) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                    WHERE p.username = 'frank' AND c.kind = 'phone_otp' AND c.stage = 'active'";
        let before = world.count(ends).await;
        let key = world.sell("oscar", "phone-otp-domestic", 1).await.remove(0);
        let mut frank = at(&world, "frank", "/account/otp/license").await;
        frank.submit(&[("key", &key)]).await;
        assert_eq!(frank.page.name(), "license-choice", "{}", frank.page.words());
        assert!(frank.page.words().contains("cannot renew that"), "{}", frank.page.words());
        assert!(!frank.page.text.contains("value=\"renew\""), "{}", frank.page.text);
        // Nor past the page.
        frank.submit_with("/account/otp/license", &[("key", &key), ("way", "renew")]).await;
        assert_eq!(world.count(ends).await, before);
        // The other way round it does.
        let key = world.sell("oscar", "phone-otp-international", 1).await.remove(0);
        frank.open("/account/otp/license").await;
        frank.submit(&[("key", &key)]).await;
        frank.submit_with("/account/otp/license", &[("key", &key), ("way", "renew")]).await;
        assert!(world.count(ends).await > before, "{}", frank.page.words());
    })
    .await;
}

#[tokio::test]
async fn proofing_is_not_paid_for_in_vain() {
    on_each_backend(|world| async move {
        // Erin is proofed: in the catalogue, in the cart and with a key in hand.
        let mut erin = logged_in(&world, "erin").await;
        let words = erin.open("/account/otp/get").await.words();
        assert!(words.contains("You are proofed: that counts"), "{words}");
        for product in ["proofing-upgrade", "mobile-id-proofed"] {
            let page = add(&mut erin, product, "1", "me").await;
            assert_eq!(page.status.as_u16(), 422, "{product}");
            assert!(page.words().contains("You are proofed: that counts"), "{}", page.words());
        }
        let key = world.sell("oscar", "proofing-upgrade", 1).await.remove(0);
        erin.open("/account/otp/license").await;
        erin.submit(&[("key", &key)]).await;
        assert!(erin.page.words().contains("The key stays good"), "{}", erin.page.words());
        let unused = "SELECT COUNT(*) AS found FROM license_keys WHERE product = 'proofing-upgrade'
                      AND stage = 'unredeemed'";
        assert_eq!(world.count(unused).await, 1);
        // Carol may be proofed, once.
        let mut carol = at(&world, "carol", "/account/otp/license").await;
        carol.submit(&[("key", &key)]).await;
        assert_eq!(carol.page.name(), "proofing", "{}", carol.page.words());
        let page = add(&mut carol, "proofing-upgrade", "1", "me").await;
        assert!(page.words().contains("in the queue for proofing already"), "{}", page.words());
        let second = world.sell("oscar", "proofing-upgrade", 1).await.remove(0);
        carol.open("/account/otp/license").await;
        carol.submit(&[("key", &second)]).await;
        assert!(carol.page.words().contains("The key stays good"), "{}", carol.page.words());
        assert_eq!(world.count(unused).await, 1);
        let asked = "SELECT COUNT(*) AS found FROM proofing_requests";
        assert_eq!(world.count(asked).await, 1);
        // Where it stands is on Manage OTP.
        let words = carol.open("/account/otp").await.words();
        assert!(words.contains("Your identity proofing You are in the queue"), "{words}");
        // Others can still have one from erin.
        assert_eq!(add(&mut erin, "proofing-upgrade", "1", "later").await.name(), "cart");
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_its_device_is_set_up_straight_from_the_refusal() {
    let world = World::start(Backend::Sqlite).await;
    let heidi = refused(&world, "heidi", "urn:stepgate:acr:phone-otp").await;
    assert!(heidi.page.words().contains("Activate your Phone OTP"), "{}", heidi.page.words());
    assert!(heidi.page.text.contains("href=\"/account/otp/phones?credential="), "{}", heidi.page.text);
    let mut grace = refused(&world, "grace", MOBILE).await;
    assert!(grace.page.words().contains("Activate your Mobile ID"), "{}", grace.page.words());
    begin_mobile(&mut grace).await;
    assert!(grace.page.has("enrol-code"), "{}", grace.page.words());
    // A security key: the factor that it takes says why, and leads back to it.
    let key = world.sell("oscar", "security-key", 1).await.remove(0);
    let mut bob = at(&world, "bob", "/account/otp/license").await;
    bob.submit(&[("key", &key)]).await;
    let link = bob.page.text.contains("href=\"/account/otp/key/new\"");
    assert!(link, "{}", bob.page.text);
    bob.open("/account/otp/key/new").await;
    assert_eq!(bob.page.name(), "factor");
    assert!(bob.page.words().contains("about to change what you sign in with"), "{}", bob.page.words());
    bob.show_phone(&world, "+12025550101").await;
    assert_eq!(bob.page.name(), "security-key-add", "{}", bob.page.words());
}

#[tokio::test]
async fn proofing_comes_before_the_form_and_leads_back_to_the_application() {
    let world = World::start(Backend::Sqlite).await;
    let mut alice = refused(&world, "alice", PROOFED).await;
    let key = world.sell("oscar", "phone-otp-domestic-proofed", 1).await.remove(0);
    alice.open("/account/otp/license").await;
    alice.submit(&[("key", &key)]).await;
    assert_eq!(alice.page.name(), "proofing", "{}", alice.page.words());
    assert!(alice.page.has("resume"), "the way back to the application: {}", alice.page.words());
    let id = world
        .texts(
            "SELECT lower(substr(hex(c.id),1,8)||'-'||substr(hex(c.id),9,4)||'-'||substr(hex(c.id),13,4)||'-'||
             substr(hex(c.id),17,4)||'-'||substr(hex(c.id),21)) AS found
             FROM credentials c JOIN persons p ON p.id = c.person_id
             WHERE p.username = 'alice' AND c.kind = 'phone_otp'",
        )
        .await
        .remove(0);
    alice.open(&format!("/account/otp/phones?credential={id}")).await;
    assert_eq!(alice.page.name(), "proofing", "no form that would be refused: {}", alice.page.words());
}
