//! Mobile ID: enrolment by the reference phone, number matching, denial, offline codes.

use stepgate::demo::Phone;
use stepgate_core::time::Timestamp;
use stepgate_tests::{Browser, World, on_each_backend};

fn now() -> Timestamp {
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap())
}

async fn at_factor(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in(username).await;
    assert_eq!(browser.page.name(), "factor");
    browser
}

#[tokio::test]
async fn a_phone_is_enrolled_confirmed_and_used() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account/otp").await;
        browser.log_in("grace").await;
        assert!(browser.page.words().contains("Not activated yet"));
        browser.submit(&[("credential", &credential(&browser.page.text))]).await;
        assert_eq!(browser.page.name(), "mobile-enrol", "{}", browser.page.words());
        let code = browser.page.text.split_once("id=\"enrol-code\">").unwrap().1.split_once('<').unwrap().0.to_owned();
        // Too early, then a stranger's digits, then the phone's own.
        assert!(browser.submit(&[("digits", "123456")]).await.words().contains("No phone has read the picture yet"));
        let (phone, digits) = Phone::enrol(&world.issuer, &world.issuer, &code, "Grace's phone", now()).await.unwrap();
        assert!(
            Phone::enrol(&world.issuer, &world.issuer, &code, "Mallory's phone", now()).await.is_err(),
            "used twice"
        );
        let wrong = if digits == "123456" { "654321" } else { "123456" };
        assert!(browser.submit(&[("digits", wrong)]).await.words().contains("not the digits"));
        browser.submit(&[("digits", &digits)]).await;
        assert!(browser.page.words().contains("Your phone is set up"), "{}", browser.page.words());

        // Elevate with it, from Manage OTP.
        browser.submit(&[("kind", "mobile_id")]).await;
        browser.submit(&[("factor", "mobile_id")]).await;
        let request = phone.poll(now()).await.unwrap().unwrap();
        assert_eq!(request.application, "Stepgate");
        assert_eq!(phone.approve(&request, &browser.page.match_number(), now()).await.unwrap(), "approved");
        assert_eq!(phone.approve(&request, &browser.page.match_number(), now()).await.unwrap(), "over", "once");
        browser.submit(&[("approved", "1")]).await;
        assert_eq!(browser.page.strength(), "Mobile ID");

        // The offline code, once.
        let mut browser = at_factor(&world, "grace").await;
        browser.submit(&[("factor", "mobile_id")]).await;
        browser.submit(&[("offline", "1")]).await;
        let code = phone.offline_code(now());
        browser.submit(&[("code", code.expose())]).await;
        assert_eq!(browser.page.strength(), "Mobile ID");
        let mut browser = at_factor(&world, "grace").await;
        browser.submit(&[("factor", "mobile_id")]).await;
        browser.submit(&[("offline", "1")]).await;
        browser.submit(&[("code", code.expose())]).await;
        assert!(browser.page.words().contains("already used"), "{}", browser.page.words());
    })
    .await;
}

fn credential(page: &str) -> String {
    page.split_once("credential\" id=\"credential-").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn t3_a_wrong_number_or_a_denial_ends_the_request_and_bombing_is_capped() {
    on_each_backend(|world| async move {
        let mut browser = at_factor(&world, "carol").await;
        browser.submit(&[("factor", "mobile_id")]).await;
        assert!(browser.submit(&[("approved", "1")]).await.words().contains("has not answered yet"));
        let number = browser.page.match_number();
        let wrong = if number == "000000" { "000001" } else { "000000" };
        assert_eq!(world.approve("carol", wrong).await["result"], "wrong_number");
        browser.submit(&[("approved", "1")]).await;
        assert_eq!(browser.page.name(), "factor");
        assert!(browser.page.words().contains("not the one shown here"), "{}", browser.page.words());
        browser.submit(&[("factor", "mobile_id")]).await;
        assert_eq!(world.deny("carol").await["result"], "denied");
        assert!(browser.submit(&[("approved", "1")]).await.words().contains("denied on your phone"));
        // While one is pending there is no second one; after three in vain there is none at all.
        browser.submit(&[("factor", "mobile_id")]).await;
        assert_eq!(browser.page.name(), "mobile-id-wait");
        let mut other = at_factor(&world, "carol").await;
        let words = other.submit(&[("factor", "mobile_id")]).await.words();
        assert!(words.contains("another login") || words.contains("several times"), "{words}");
        world.advance(130).await;
        let mut other = at_factor(&world, "carol").await;
        assert!(other.submit(&[("factor", "mobile_id")]).await.words().contains("several times"));
        world.advance(700).await;
        let mut other = at_factor(&world, "carol").await;
        assert_eq!(other.submit(&[("factor", "mobile_id")]).await.name(), "mobile-id-wait");
    })
    .await;
}
