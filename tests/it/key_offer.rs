//! Whether a security key costs nothing or takes a subscription, and what is said of it.

use stepgate_tests::{Browser, SecurityKey, on_each_backend, on_each_backend_with};

use crate::license_keys::at;

const SOLD: (&str, &str) = ("STEPGATE__SECURITY_KEYS__OFFER", "sold");

/// What the button on Manage OTP is.
fn add(browser: &Browser) -> &'static str {
    let link = browser.page.text.contains("href=\"/account/otp/get?kind=security_key\"");
    let form = browser.page.text.contains("action=\"/account/otp/key/new\"");
    match (link, form) {
        (true, false) => "buy",
        (false, true) => "add",
        _ => "?",
    }
}

async fn sign(browser: &mut Browser, key: &mut SecurityKey) {
    let response = key.register(&browser.page.attribute("data-key-options"));
    browser.submit(&[("response", &response), ("label", "Blue")]).await;
}

#[tokio::test]
async fn where_keys_are_sold_one_that_was_bought_is_added_and_no_other() {
    on_each_backend_with(&[SOLD], |world| async move {
        let bought = world.sell("alice", "security-key", 1).await.remove(0);
        let mut alice = at(&world, "alice", "/account/otp").await;
        assert_eq!(add(&alice), "buy", "{}", alice.page.words());
        let words = alice.open("/account/otp/get?kind=security_key").await.words();
        let place = |text: &str| words.find(text).unwrap_or_else(|| panic!("{text}: {words}"));
        assert!(place("For your security key") < place("Other products"), "{words}");
        assert!(words.contains("Each key that you add takes one"), "{words}");
        // Past the button: refused, with the remedy.
        alice.submit_with("/account/otp/key/new", &[]).await;
        assert_eq!((alice.page.name(), alice.page.status.as_u16()), ("key-not-paid", 403), "{}", alice.page.words());
        assert!(alice.page.text.contains("href=\"/account/otp/get?kind=security_key\""), "{}", alice.page.words());
        assert_eq!(alice.open("/account/otp/key/new").await.name(), "key-not-paid");
        // What was bought is activated as ever; two tabs add one key.
        alice.open("/account/otp/license").await;
        alice.submit(&[("key", &bought)]).await;
        alice.open("/account/otp").await;
        alice.submit_with("/account/otp/key/new", &[]).await;
        let mut second = alice.clone();
        second.open("/account/otp/key/new").await;
        let (mut blue, mut grey) = (SecurityKey::new(&world.issuer), SecurityKey::new(&world.issuer));
        sign(&mut alice, &mut blue).await;
        assert_eq!(alice.page.name(), "manage-otp", "{}", alice.page.words());
        sign(&mut second, &mut grey).await;
        let keys = "SELECT COUNT(*) AS found FROM credentials WHERE kind = 'security_key'";
        let paid = format!("{keys} AND stage = 'active' AND license_key_id IS NOT NULL AND expires_at IS NOT NULL");
        assert_eq!((world.count(keys).await, world.count(&paid).await), (1, 1), "{}", second.page.words());
        alice.open("/account/otp").await;
        assert_eq!(add(&alice), "buy");
    })
    .await;
}

#[tokio::test]
async fn where_keys_are_free_the_catalogue_says_so() {
    on_each_backend(|world| async move {
        let mut alice = at(&world, "alice", "/account/otp").await;
        assert_eq!(add(&alice), "add");
        let words = alice.open("/account/otp/get?kind=security_key").await.words();
        assert!(words.contains("that costs nothing here"), "{words}");
        let rp = world.relying_party().await;
        let (mut bob, started) = (world.browser(), rp.start(&[("acr_values", "urn:stepgate:acr:security-key")]));
        bob.open(&started.url).await;
        bob.log_in("alice").await;
        assert_eq!(bob.page.name(), "requirements-not-met", "{}", bob.page.words());
        bob.open("/account/otp/get").await;
        assert!(bob.page.words().contains("Add a security key for nothing"), "{}", bob.page.words());
        bob.submit_to("/account/otp/key/new").await;
        sign(&mut bob, &mut SecurityKey::new(&world.issuer)).await;
        let free = "SELECT COUNT(*) AS found FROM credentials WHERE kind = 'security_key' AND license_key_id IS NULL";
        assert_eq!(world.count(free).await, 1, "{}", bob.page.words());
    })
    .await;
}
