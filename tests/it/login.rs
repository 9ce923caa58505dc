//! Logging in.

use std::collections::BTreeSet;

use stepgate_tests::on_each_backend;

#[tokio::test]
async fn everybody_logs_in_and_may_skip_what_nothing_demands() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        for (username, offers) in [("alice", false), ("bob", true), ("carol", true), ("dave", true), ("frank", false)] {
            let (mut browser, started) = (world.browser(), rp.start(&[]));
            assert_eq!(browser.open(&started.url).await.name(), "login");
            browser.log_in(username).await;
            if offers {
                assert_eq!(browser.page.name(), "factor", "{username}");
                assert!(browser.page.has("skip-otp"), "{username}");
                browser.submit(&[("skip", "1")]).await;
            }
            let login = rp.finish(&started, &browser.page).await;
            assert_eq!((login.acr(), login.amr().as_str()), ("urn:stepgate:acr:password", "pwd"), "{username}");
            let (_, userinfo) = rp.userinfo(&login.access_token).await;
            assert_eq!(userinfo["sub"], login.claims["sub"]);
            assert_eq!(userinfo["preferred_username"], username);
            assert_eq!(userinfo["email"], format!("{username}@iron-builders.example"));
        }
    })
    .await;
}

#[tokio::test]
async fn t13_nobody_learns_which_accounts_exist() {
    on_each_backend(|world| async move {
        let mut said = BTreeSet::new();
        for username in ["alice", "nobody-of-that-name", "mallory@example.org"] {
            let mut browser = world.browser();
            browser.open("/account").await;
            let page = browser.submit(&[("username", username)]).await.clone();
            assert_eq!(page.name(), "password");
            said.insert(page.words().replace(username, "…"));
            let page = browser.submit(&[("password", "wrong-password-here")]).await.clone();
            assert_eq!(page.name(), "password");
            said.insert(page.words().replace(username, "…"));
        }
        assert_eq!(said.len(), 2, "{said:#?}");
        // The address does as well as the user ID, in any case.
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("Alice@Iron-Builders.example").await;
        assert_eq!(browser.page.name(), "account");
    })
    .await;
}

#[tokio::test]
async fn too_many_wrong_passwords_rest_the_account_without_saying_so() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.submit(&[("username", "alice")]).await;
        let mut said = BTreeSet::new();
        for _ in 0..6 {
            browser.submit(&[("password", "wrong-password-here")]).await;
            said.insert(browser.page.words());
        }
        browser.submit(&[("password", "stepgate-demo-2026")]).await;
        said.insert(browser.page.words());
        assert_eq!((browser.page.name(), said.len()), ("password", 1), "the right password must not be told apart");
        world.advance(31).await;
        browser.submit(&[("password", "stepgate-demo-2026")]).await;
        assert_eq!(browser.page.name(), "account");
    })
    .await;
}

#[tokio::test]
async fn t15_the_session_cookie_changes_at_each_rise_and_the_old_one_dies() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account").await;
        let before = browser.cookies();
        browser.log_in("bob").await;
        let password = browser.cookies();
        browser.show_phone(&world, "+12025550101").await;
        let otp = browser.cookies();
        assert_eq!(browser.page.name(), "account");
        assert!(before != password && password != otp);
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        // At once the old one still opens pages that were under way, but with the old strength.
        let rp = world.relying_party().await;
        let silent = async |cookies: &str| {
            let url = rp.start(&[("prompt", "none"), ("acr_values", "urn:stepgate:acr:phone-otp")]).url;
            let answer = http.get(url).header("cookie", cookies).send().await.unwrap();
            answer.headers()["location"].to_str().unwrap().to_owned()
        };
        assert!(silent(&otp).await.contains("code="));
        assert!(!silent(&password).await.contains("code="), "a stolen cookie rose with the session");
        world.advance(60).await;
        let open = async |cookies: &str| {
            let request = http.get(format!("{}/account", world.issuer)).header("cookie", cookies);
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!((open(&password).await, open(&otp).await), (303, 200));
    })
    .await;
}

#[tokio::test]
async fn forms_of_others_are_refused() {
    on_each_backend(|world| async move {
        let (mut mine, mut theirs) = (world.browser(), world.browser());
        mine.open("/account").await;
        theirs.open("/account").await;
        // Another site's form, another browser's form, another browser's parked request.
        let foreign = mine.prepared(&[("username", "alice")]).header("origin", "https://evil.example");
        assert_eq!(foreign.send().await.unwrap().status(), 403);
        let address = mine.page.url.to_string();
        let response = theirs.open(&address).await;
        assert_eq!((response.status.as_u16(), response.name()), (410, "error"));
        theirs.page = mine.page.clone();
        assert_eq!(theirs.prepared(&[("username", "alice")]).send().await.unwrap().status(), 403);
        mine.log_in("alice").await;
        assert_eq!(mine.page.name(), "account");
    })
    .await;
}
