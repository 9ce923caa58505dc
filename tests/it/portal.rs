//! The person's own pages.

use stepgate_tests::on_each_backend;

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    on_each_backend(|world| async move {
        let (mut here, mut there) = (world.browser(), world.browser());
        for browser in [&mut here, &mut there] {
            browser.open("/account").await;
            browser.log_in("alice").await;
        }
        here.open("/account/sessions").await;
        assert!(here.page.has("end-others"));
        // The only form with no fields of its own but the proof is *End all others*; it posts where its button says.
        let (_, rest) = here.page.text.split_once("/account/sessions/end-others").unwrap();
        assert!(rest.contains("csrf"));
        here.submit_to("/account/sessions/end-others").await;
        assert_eq!(there.open("/account").await.name(), "login");
        assert_eq!(here.open("/account").await.name(), "account");
    })
    .await;
}

#[tokio::test]
async fn a_token_out_of_step_is_brought_back_by_two_codes() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account/otp").await;
        browser.log_in("dave").await;
        browser.submit(&[("skip", "1")]).await;
        let (_, rest) = browser.page.text.split_once("href=\"/account/otp/resync").unwrap();
        let link = format!("/account/otp/resync{}", rest.split_once('"').unwrap().0.replace("&#38;", "&"));
        browser.open(&link).await;
        browser.submit(&[("first", "111111"), ("second", "222222")]).await;
        assert!(browser.page.words().contains("not two codes that follow one another"), "{}", browser.page.words());
        let first = world.shown_code("dave").await;
        world.advance(30).await;
        let second = world.shown_code("dave").await;
        browser.submit(&[("first", &first), ("second", &second)]).await;
        assert!(browser.page.words().contains("in step again"), "{}", browser.page.words());
    })
    .await;
}

#[tokio::test]
async fn my_applications_says_what_each_needs() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/applications").await;
        browser.log_in("alice").await;
        assert_eq!(browser.page.name(), "applications");
        let words = browser.page.words();
        assert!(words.contains("Iron Works Portal") && words.contains("Ready"), "{words}");
        assert!(
            words.contains(
                "User : Alice Archer(alice) | Organization : Iron Builders LLC | Credential Strength : Password"
            ),
            "{words}"
        );
        for path in ["/", "/help", "/demo", "/demo/inbox", "/mobile", "/mobile/mobile.js", "/mobile/sw.js"] {
            assert_eq!(browser.open(path).await.status, 200, "{path}");
        }
        assert_eq!(browser.open("/nowhere").await.name(), "error");
    })
    .await;
}
