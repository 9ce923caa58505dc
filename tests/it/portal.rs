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

#[tokio::test]
async fn the_page_that_was_asked_for_without_a_session_is_where_a_login_leads() {
    on_each_backend(|world| async move {
        let mut admin = world.browser();
        admin.open("/account").await;
        admin.log_in("admin").await;
        let token = {
            let text = admin.open("/admin/tokens").await.text.clone();
            let path = text.split("href=\"").find(|rest| rest.starts_with("/admin/tokens/token/")).unwrap();
            path.split('"').next().unwrap().to_owned()
        };
        let order = "/admin/orders?q=SG-1&stage=paid";
        let asked = [
            order,
            token.as_str(),
            "/admin/people/alice",
            "/admin/reports?from=2026-01-01",
            "/account/otp/reminders",
            "/account/otp/phones",
            "/orders",
            "/cart?done=added",
            "/developer/applications/new",
            "/account/otp/get?upgrade=1&next=https://evil.example/",
        ];
        for path in asked {
            let mut browser = world.browser();
            browser.open(path).await;
            assert_eq!(browser.page.name(), "login", "{path}");
            // Twice on one page, as from two tabs: the form is of the later one.
            browser.log_in("admin").await;
            let landed = browser.page.url.as_str().strip_prefix(&world.issuer).unwrap();
            let elsewhere = path.starts_with("/account/otp/get") || path == "/account/otp/phones";
            assert!(landed == path || elsewhere, "{path}: {landed}");
            assert!(browser.page.url.as_str().starts_with(&world.issuer), "{}", browser.page.url);
        }
        // What could be read as another place leads to the page above it, or to none.
        for path in
            ["/account/..//evil.example", "/account/%2e%2e//evil.example", "//evil.example/account", "/account//x"]
        {
            let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
            let answer = client.get(format!("{}{path}", world.issuer)).send().await.unwrap();
            let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
            assert!(to.as_ref().is_none_or(|to| to.starts_with('/') && !to.starts_with("//")), "{path}: {to:?}");
        }
        // Nothing is posted again: a form that found no session leads to the page it belongs to.
        let mut alice = world.browser();
        alice.open("/account/otp/reminders").await;
        alice.log_in("alice").await;
        assert_eq!(alice.page.url.path(), "/account/otp/reminders");
        world.advance(1900).await;
        alice.submit_to("/account/otp/reminders").await;
        alice.log_in("alice").await;
        assert_eq!((alice.page.name(), alice.page.url.path()), ("manage-otp", "/account/otp"));
        // A parked login that names another place is no login.
        let mut tampered = world.browser();
        tampered.open(order).await;
        let sql = "UPDATE interactions SET data = REPLACE(data, '/admin/orders?q', '//evil.example/?q')";
        world.tamper(sql).await;
        tampered.open(tampered.page.url.path().to_owned().as_str()).await;
        assert_eq!(tampered.page.name(), "error", "{}", tampered.page.words());
    })
    .await;
}
