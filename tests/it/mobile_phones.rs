//! The whole life of a phone, by the reference client: user verification, new keys, copies, removal, and what phones are
//! not told.

use serde_json::json;
use stepgate_tests::{Browser, MobileClient, Request, SecurityKey, World, on_each_backend};

use crate::mobile_messages::payload;

/// What a page between two marks says.
pub(super) fn between(text: &str, start: &str, end: &str) -> String {
    text.split_once(start).unwrap_or_else(|| panic!("no {start}")).1.split_once(end).unwrap().0.to_owned()
}

/// The code on the page that sets a phone up.
fn code(browser: &Browser) -> String {
    assert_eq!(browser.page.name(), "mobile-enrol", "{}", browser.page.words());
    between(&browser.page.text, "id=\"enrol-code\">", "<")
}

/// Grace, who bought a Mobile ID, sets a phone up; her browser, and the phone.
pub(super) async fn set_up(world: &World, lock: Option<SecurityKey>) -> (Browser, MobileClient) {
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in("grace").await;
    let credential = between(&browser.page.text, "credential\" id=\"credential-", "\"");
    browser.submit(&[("credential", &credential)]).await;
    let (phone, digits) =
        MobileClient::enrol(&world.issuer, &code(&browser), "Grace's phone", lock).await.expect("a good code");
    browser.submit(&[("digits", &digits)]).await;
    assert!(browser.page.words().contains("Your phone is set up"), "{}", browser.page.words());
    (browser, phone)
}

/// A browser that waits for the phone.
pub(super) async fn waiting(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("grace").await;
    browser.submit(&[("factor", "mobile_id")]).await;
    browser
}

async fn asked(world: &World, phone: &mut MobileClient) -> (Browser, Request) {
    let browser = waiting(world).await;
    assert_eq!(browser.page.name(), "mobile-id-wait", "{}", browser.page.words());
    let request = phone.poll().await.unwrap().expect("a request");
    (browser, request)
}

fn lock(world: &World) -> SecurityKey {
    SecurityKey::new(&world.issuer)
}

pub(super) async fn answered(world: &World, phone: &mut MobileClient) -> Browser {
    let (mut browser, request) = asked(world, phone).await;
    assert_eq!(phone.approve(&request, &browser.page.match_number()).await.unwrap(), "approved");
    browser.submit(&[("approved", "1")]).await;
    assert_eq!(browser.page.strength(), "Mobile ID");
    browser
}

#[tokio::test]
async fn an_approval_behind_the_screen_lock_says_so_and_one_without_does_not() {
    on_each_backend(async |world| {
        for (lock, amr) in [(Some(lock(&world)), "pwd swk pop user mca mfa"), (None, "pwd swk pop mca mfa")] {
            let verifies = lock.is_some();
            let (_, mut phone) = if verifies { set_up(&world, lock).await } else { another(&world, None).await };
            let rp = world.relying_party().await;
            let started = rp.start(&[("acr_values", "urn:stepgate:acr:mobile-id")]);
            let mut browser = world.browser();
            browser.open(&started.url).await;
            browser.log_in("grace").await;
            browser.submit(&[("factor", "mobile_id")]).await;
            let request = phone.poll().await.unwrap().unwrap();
            assert_eq!(request.0["purpose"], "To log in");
            assert_eq!(request.0["application"], "A client on this machine", "by the name that it was registered with");
            assert!(!request.0.to_string().contains(&browser.page.match_number()), "the number is not told");
            assert_eq!(phone.approve(&request, &browser.page.match_number()).await.unwrap(), "approved");
            browser.submit(&[("approved", "1")]).await;
            let login = rp.finish(&started, &browser.page).await;
            assert_eq!((login.acr(), login.amr().as_str()), ("urn:stepgate:acr:mobile-id", amr));
            world.advance(3700).await;
            phone.ahead += 3700;
        }
    })
    .await;
}

/// Grace adds another phone, with the first factor that she has to show for it done by `by`.
pub(super) async fn another(world: &World, by: Option<&mut MobileClient>) -> (Browser, MobileClient) {
    let ahead = by.as_ref().map_or(3700, |phone| phone.ahead);
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in("grace").await;
    match by {
        Some(phone) => {
            browser.submit(&[("factor", "mobile_id")]).await;
            let request = phone.poll().await.unwrap().unwrap();
            assert_eq!(phone.approve(&request, &browser.page.match_number()).await.unwrap(), "approved");
            browser.submit(&[("approved", "1")]).await;
        }
        None => {
            // Without any phone left the credential waits for one: the password does.
            world.tamper("UPDATE mobile_devices SET active = FALSE, revoked_at = 1").await;
            world.tamper("UPDATE credentials SET stage = 'pending' WHERE kind = 'mobile_id' AND label = 'Mobile ID' AND person_id = (SELECT id FROM persons WHERE username = 'grace')").await;
        }
    }
    browser.open("/account/otp").await;
    if browser.page.name() == "factor" {
        browser.submit(&[("skip", "1")]).await;
    }
    let credential = between(&browser.page.text, "credential\" id=\"credential-", "\"");
    browser.submit_with("/account/otp/mobile/start", &[("credential", &credential)]).await;
    let (code, named) = (code(&browser), ("Her second phone", ahead));
    let (phone, digits) = MobileClient::enrol_at(&world.issuer, &code, named, None).await.expect("a good code");
    browser.submit(&[("digits", &digits)]).await;
    assert!(browser.page.words().contains("Your phone is set up"), "{}", browser.page.words());
    (browser, phone)
}

#[tokio::test]
async fn t2_an_approval_is_good_in_the_browser_that_asked_and_is_never_phishing_resistant() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, Some(lock(&world))).await;
        let (mut mine, request) = asked(&world, &mut phone).await;
        // Somebody else, with the same password, presses too: there is one question at a time, and it is not theirs.
        let mut thief = waiting(&world).await;
        assert!(thief.page.words().contains("another login"), "{}", thief.page.words());
        assert_eq!(phone.approve(&request, &mine.page.match_number()).await.unwrap(), "approved");
        thief.open("/account").await;
        assert_eq!(thief.page.strength(), "Password", "{}", thief.page.words());
        mine.submit(&[("approved", "1")]).await;
        assert_eq!(mine.page.strength(), "Mobile ID");
        // A number can be typed at the wrong page: that it was behind a lock makes it no `phr`.
        let rp = world.relying_party().await;
        mine.open(&rp.start(&[("acr_values", "phr")]).url).await;
        assert_eq!(mine.page.name(), "requirements-not-met", "{}", mine.page.words());
    })
    .await;
}

#[tokio::test]
async fn t3_an_approval_without_the_number_ends_the_request() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        let (mut browser, request) = asked(&world, &mut phone).await;
        let claims = |number: Option<&str>| {
            let mut claims = json!({
                "challenge": request.0["challenge"], "nonce": request.0["nonce"], "decision": "approve",
            });
            if let Some(number) = number {
                claims["number"] = number.into();
            }
            claims
        };
        assert_eq!(phone.send("answer", claims(None)).await.unwrap()["result"], "wrong_number", "a tap is no approval");
        let number = browser.page.match_number();
        assert_eq!(phone.send("answer", claims(Some(&number))).await.unwrap()["result"], "over", "one try");
        browser.submit(&[("approved", "1")]).await;
        assert_eq!(browser.page.name(), "factor", "{}", browser.page.words());
    })
    .await;
}

#[tokio::test]
async fn the_help_desk_takes_a_phone_away_with_a_reason_and_the_person_is_told() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        let mut sally = world.browser();
        sally.open("/account").await;
        sally.log_in("sally").await;
        sally.open("/admin/people/grace").await;
        assert!(sally.page.words().contains("Possession only"), "{}", sally.page.words());
        let device = phone.device.clone();
        let why = |text: &'static str| [("why", text), ("device", device.as_str())];
        sally.submit(&why("x")).await;
        assert!(sally.page.words().contains("5 to 200 characters"), "{}", sally.page.words());
        sally.open("/admin/people/grace").await;
        // Who may not edit people may not do this, and nobody else's phone is reached through this page.
        let mut petra = world.browser();
        petra.open("/account").await;
        petra.log_in("petra").await;
        assert_eq!(petra.post_with_proof("/admin/people/grace/phones/revoke").await, 403);
        let mut other = sally.clone();
        other.submit_with("/admin/people/carol/phones/revoke", &why("lost, called back")).await;
        assert_eq!(other.page.status, 404, "{}", other.page.words());
        assert!(phone.look().await.is_ok(), "nothing has happened yet");

        sally.submit(&why("lost, called back")).await;
        assert!(sally.page.words().contains("It is in the audit log"), "{}", sally.page.words());
        assert_eq!(phone.look().await.unwrap_err().error, "unknown_device");
        world.until("the person is told", async || told(&world, "The help desk has removed it").await).await;
        let kept = world.texts("SELECT data AS found FROM audit_events WHERE kind = 'mobile_id.phone.revoked'").await;
        assert!(kept.iter().any(|it| it.contains("help_desk") && it.contains("lost, called back")), "{kept:?}");
    })
    .await;
}

#[tokio::test]
async fn an_approval_counts_only_with_what_its_own_lock_signed_here_for_this_number() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, Some(lock(&world))).await;
        let (mut browser, request) = asked(&world, &mut phone).await;
        let number = browser.page.match_number();
        let refused =
            async |phone: &mut MobileClient, jws: String| phone.deliver("answer", &jws).await.unwrap_err().error;

        let own = phone.lock.take();
        let jws = phone.approval(&request, &number);
        assert_eq!(refused(&mut phone, jws).await, "verification_needed", "no assertion");
        phone.lock = Some(lock(&world));
        let jws = phone.approval(&request, &number);
        assert_eq!(refused(&mut phone, jws).await, "verification_needed", "another key");
        phone.lock = own.map(|key| key.at("https://stepgate.evil.example"));
        let jws = phone.approval(&request, &number);
        assert_eq!(refused(&mut phone, jws).await, "verification_needed", "another origin");
        phone.lock = phone.lock.take().map(|key| key.at(&world.issuer));
        phone.lock.as_mut().unwrap().verifies = false;
        let jws = phone.approval(&request, &number);
        assert_eq!(refused(&mut phone, jws).await, "verification_needed", "present, not verified");
        phone.lock.as_mut().unwrap().verifies = true;
        // Signed for one number, sent with another.
        let other = phone.approval(&request, "000000");
        let assertion = payload(&other)["assertion"].clone();
        phone.seq -= 1;
        let claims = json!({
            "challenge": request.0["challenge"], "nonce": request.0["nonce"], "decision": "approve", "number": number,
            "assertion": assertion,
        });
        let jws = phone.message("answer", claims);
        assert_eq!(refused(&mut phone, jws).await, "verification_needed", "another number");

        // None of that was a try: the request still waits, and the right approval counts.
        assert_eq!(phone.approve(&request, &number).await.unwrap(), "approved");
        browser.submit(&[("approved", "1")]).await;
        assert_eq!(browser.page.strength(), "Mobile ID");

        // A lock that counts backwards was copied.
        let (browser, request) = asked(&world, &mut phone).await;
        phone.lock.as_mut().unwrap().counter = 0;
        let jws = phone.approval(&request, &browser.page.match_number());
        assert_eq!(refused(&mut phone, jws).await, "suspended");
        assert_eq!(phone.look().await.unwrap_err().error, "suspended");
    })
    .await;
}

#[tokio::test]
async fn t7_a_copied_phone_is_suspended_and_a_late_message_is_not_taken_for_a_copy() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        // Sent, and overtaken on its way.
        let knows = phone.keys[0]["kid"].clone();
        let late = phone.message("poll", json!({ "knows": knows }));
        phone.look().await.unwrap();
        assert_eq!(phone.deliver("poll", &late).await.unwrap_err().error, "replay");
        assert!(phone.look().await.is_ok());

        let mut copy = phone.copy();
        copy.ahead += 2;
        copy.look().await.unwrap();
        let refused = {
            phone.ahead += 4;
            phone.look().await.unwrap_err()
        };
        assert_eq!(refused.error, "suspended", "a lower number in a later message");
        assert_eq!(copy.look().await.unwrap_err().error, "suspended", "neither of the two");
        let mut browser = waiting(&world).await;
        assert!(browser.page.words().contains("No phone is set up"), "{}", browser.page.words());
        browser.submit(&[("skip", "1")]).await;
        browser.open("/account/otp/mobile").await;
        assert!(browser.page.words().contains("there seem to be two of it"), "{}", browser.page.words());
        world.until("the person is told", async || told(&world, "A phone was suspended").await).await;
    })
    .await;
}

async fn told(world: &World, subject: &str) -> bool {
    let mut found = false;
    for number in 0..world.nodes() {
        let inbox = reqwest::get(format!("{}/demo/inbox.json", world.node(number))).await.unwrap();
        found |= inbox.text().await.unwrap().contains(subject);
    }
    found
}

#[tokio::test]
async fn not_me_ends_the_session_that_asked_and_stops_the_requests_until_the_person_wants_them() {
    on_each_backend(async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        let (mut thief, request) = asked(&world, &mut phone).await;
        assert_eq!(phone.refuse(&request, "not_me").await.unwrap(), "denied");
        thief.open("/account").await;
        assert_eq!(thief.page.name(), "login", "the session is over");
        world.until("the person is told", async || told(&world, "Somebody else tried").await).await;

        // The next login is not asked of the phone; a code out of the app does.
        let mut browser = waiting(&world).await;
        assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
        assert!(browser.page.words().contains("was not yours"), "{}", browser.page.words());
        assert!(phone.poll().await.unwrap().is_none());
        browser.submit(&[("code", &phone.offline_code())]).await;
        assert_eq!(browser.page.strength(), "Mobile ID");
        browser.open("/account/otp/mobile").await;
        browser.submit_to("/account/otp/mobile/ask-again").await;
        assert!(browser.page.words().contains("asked again"), "{}", browser.page.words());
        answered(&world, &mut phone).await;
    })
    .await;
}

#[tokio::test]
async fn phones_have_names_take_each_others_place_and_are_given_up() {
    on_each_backend(async |world| {
        let (_, mut first) = set_up(&world, None).await;
        let (mut browser, mut second) = another(&world, Some(&mut first)).await;
        browser.open("/account/otp/mobile").await;
        let words = browser.page.words();
        assert!(words.contains("s phone") && words.contains("Her second phone"), "{words}");
        browser.open(&format!("/account/otp/mobile/rename?device={}", second.device)).await;
        browser.submit(&[("label", "Tablet")]).await;
        assert!(browser.page.words().contains("Tablet"), "{}", browser.page.words());
        // Both are asked; the first answer counts.
        let (login, request) = asked(&world, &mut first).await;
        let same = second.poll().await.unwrap().unwrap();
        assert_eq!(second.approve(&same, &login.page.match_number()).await.unwrap(), "approved");
        assert_eq!(first.approve(&request, &login.page.match_number()).await.unwrap(), "over");

        // An approval that was not used yet goes with its phone.
        browser.submit_with("/account/otp/mobile/revoke", &[("device", &second.device)]).await;
        assert!(browser.page.words().contains("The phone is removed"), "{}", browser.page.words());
        assert_eq!(second.look().await.unwrap_err().error, "unknown_device");
        let mut login = login;
        assert!(login.submit(&[("approved", "1")]).await.words().contains("did not answer in time"));

        // Somebody else's phone cannot be touched.
        let mut stranger = world.browser();
        stranger.open("/account/otp").await;
        stranger.log_in("alice").await;
        let fields = [("device", first.device.as_str()), ("label", "Mine now")];
        assert_eq!(stranger.submit_with("/account/otp/mobile/rename", &fields).await.status, 404);

        // A new phone in the place of the old one: when it is confirmed, the old one is gone.
        browser.open("/account/otp/mobile").await;
        let credential = between(&browser.page.text, "name=\"credential\" value=\"", "\"");
        let replace = [("credential", credential.as_str()), ("replaces", first.device.as_str())];
        browser.submit_with("/account/otp/mobile/start", &replace).await;
        let (mut third, digits) =
            MobileClient::enrol(&world.issuer, &code(&browser), "New phone", None).await.expect("a good code");
        assert!(first.look().await.is_ok());
        browser.submit(&[("digits", &digits)]).await;
        assert_eq!(first.look().await.unwrap_err().error, "unknown_device");
        answered(&world, &mut third).await;

        // The phone gives itself up: nothing is left to be asked.
        assert_eq!(third.send("leave", json!({})).await.unwrap()["result"], "removed");
        assert_eq!(third.look().await.unwrap_err().error, "unknown_device");
        browser.open("/account/otp").await;
        assert!(browser.page.words().contains("Not activated yet"), "{}", browser.page.words());
        world.until("the person is told", async || told(&world, "A phone was removed").await).await;
    })
    .await;
}
