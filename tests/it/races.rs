//! Races over all nodes, released at a barrier: what can be used once is used once.

use std::sync::Arc;

use reqwest::{RequestBuilder, Response};
use stepgate_tests::{Browser, World, logged_in, on_each_backend};
use tokio::sync::Barrier;

const AT_ONCE: usize = 8;

fn rounds() -> usize {
    std::env::var("STEPGATE_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// Sends the same request from many tasks at the same moment; how many answers count.
async fn release(request: &RequestBuilder, counts: impl AsyncFn(Response) -> bool) -> usize {
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
            tokio::spawn(async move {
                barrier.wait().await;
                request.send().await.unwrap()
            })
        })
        .collect();
    let mut counted = 0;
    for task in tasks {
        counted += usize::from(counts(task.await.unwrap()).await);
    }
    counted
}

/// Presses of one button at the same moment. Of more than five tries at once the throttle evaluates none.
const PRESSES: usize = 4;

/// Presses the button of a form several times at the same moment; where the answers lead.
async fn press(browser: &Browser, fields: &[(&str, &str)]) -> Vec<String> {
    let (barrier, request) = (Arc::new(Barrier::new(PRESSES)), browser.prepared(fields));
    let tasks: Vec<_> = (0..PRESSES)
        .map(|_| {
            let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
            tokio::spawn(async move {
                barrier.wait().await;
                request.send().await.unwrap()
            })
        })
        .collect();
    let mut lead_to = Vec::new();
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.headers().get("location") {
            Some(location) => lead_to.push(answer.url().join(location.to_str().unwrap()).unwrap().to_string()),
            None => panic!("{}: {}", answer.status(), answer.text().await.unwrap()),
        }
    }
    lead_to
}

/// Where the last factor is asked for, and what is typed there.
async fn at_last_factor<'a>(world: &World, browser: &mut Browser, kind: &'a str) -> (&'a str, String) {
    if browser.page.name() == "login" {
        browser.submit(&[("username", kind_owner(kind))]).await;
    }
    if kind == "password" {
        return ("password", "stepgate-demo-2026".to_owned());
    }
    browser.log_in(kind_owner(kind)).await;
    browser.submit(&[("factor", kind)]).await;
    match kind {
        "phone_otp" => ("code", world.text_code("+12025550101").await),
        "hardware_token" => ("code", world.shown_code("dave").await),
        _ => {
            assert_eq!(world.approve("carol", &browser.page.match_number()).await["result"], "approved");
            ("approved", "1".to_owned())
        }
    }
}

fn kind_owner(kind: &str) -> &'static str {
    match kind {
        "password" => "alice",
        "phone_otp" => "bob",
        "hardware_token" => "dave",
        _ => "carol",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_pressed_twice_leads_to_one_place_and_counts_once() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let kinds = [("password", "password"), ("phone_otp", "phone_text"), ("hardware_token", "hardware_token")];
        for (kind, method) in [&kinds[..], &[("mobile_id", "mobile_id_unverified")]].concat() {
            let events = format!("SELECT COUNT(*) AS found FROM factor_events WHERE method = '{method}'");
            let (failed, sessions) = (
                "SELECT COUNT(*) AS found FROM audit_events WHERE kind LIKE 'login.%.failed'",
                "SELECT COUNT(*) AS found FROM sessions",
            );
            for round in 0..rounds() {
                let before = (world.count(&events).await, world.count(sessions).await);
                let mut browser = world.browser();
                browser.open("/account").await;
                let (field, typed) = at_last_factor(&world, &mut browser, kind).await;
                let lead_to = press(&browser, &[(field, &typed)]).await;
                for place in &lead_to {
                    let page = browser.open(place).await;
                    assert_eq!((page.name(), page.url.path()), ("account", "/account"), "{kind}: {}", page.words());
                }
                // The same on the way to an application; a browser follows the last answer.
                let (mut browser, asked) = (world.browser(), rp.start(&[("acr_values", &acr(kind))]));
                world.advance(3700).await;
                browser.open(&asked.url).await;
                let (field, typed) = at_last_factor(&world, &mut browser, kind).await;
                let lead_to = press(&browser, &[(field, &typed)]).await;
                assert!(lead_to.iter().all(|place| *place == lead_to[0]), "{kind}: {lead_to:?}");
                browser.open(&lead_to[0]).await;
                assert_eq!(rp.finish(&asked, &browser.page).await.acr(), acr(kind));

                let after = (world.count(&events).await, world.count(sessions).await);
                assert_eq!((after.0 - before.0, after.1 - before.1), (2, 2), "{kind}, round {round}");
                assert_eq!(world.count(failed).await, 0, "{kind}, round {round}: a press counted as a wrong try");
                assert_eq!(
                    world.count("SELECT CAST(SUM(failures) AS BIGINT) AS found FROM credentials").await,
                    0,
                    "{kind}"
                );
                world.advance(3700).await;
            }
        }
    })
    .await;
}

fn acr(kind: &str) -> String {
    format!("urn:stepgate:acr:{}", kind.replace('_', "-"))
}

/// A step of a login succeeded when the session got a new cookie.
async fn rose(response: Response) -> bool {
    response.headers().get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().contains("-session="))
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_codes_and_refresh_tokens_are_used_once() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (world.relying_party().await, logged_in(&world, "alice").await);
        for _ in 0..rounds() {
            let started = rp.start(&[]);
            browser.open(&started.url).await;
            let code = rp.code(&started, &browser.page);
            let exchange = rp.post("/token", &rp.exchange_fields(&started, &code));
            let once = release(&exchange, async |response| response.status().is_success()).await;
            assert_eq!(once, 1, "a code");
            let started = rp.start(&[]);
            browser.open(&started.url).await;
            let login = rp.finish(&started, &browser.page).await;
            let token = login.refresh_token.unwrap();
            let refresh = rp.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", &token)]);
            let once = release(&refresh, async |response| response.status().is_success()).await;
            assert_eq!(once, 1, "a refresh token");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_one_time_codes_and_approvals_are_used_once() {
    on_each_backend(|world| async move {
        for round in 0..rounds() {
            // A text message.
            let mut browser = world.browser();
            browser.open("/account").await;
            browser.log_in("bob").await;
            browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
            let code = world.text_code("+12025550101").await;
            assert_eq!(release(&browser.prepared(&[("code", &code)]), rose).await, 1, "round {round}: a text code");
            // The same code of a token, in two browsers of its owner.
            let mut at_token = Vec::new();
            for _ in 0..2 {
                let mut browser = world.browser();
                browser.open("/account").await;
                browser.log_in("erin").await;
                browser.submit(&[("factor", "hardware_token")]).await;
                at_token.push(browser);
            }
            let code = world.shown_code("erin").await;
            let (one, other) = (at_token[0].prepared(&[("code", &code)]), at_token[1].prepared(&[("code", &code)]));
            let (one, other) = tokio::join!(release(&one, rose), release(&other, rose));
            assert_eq!(one + other, 1, "round {round}: a token's code");
            // An approval.
            let mut browser = world.browser();
            browser.open("/account").await;
            browser.log_in("carol").await;
            browser.submit(&[("factor", "mobile_id")]).await;
            assert_eq!(world.approve("carol", &browser.page.match_number()).await["result"], "approved");
            let approved = browser.prepared(&[("approved", "1")]);
            assert_eq!(release(&approved, rose).await, 1, "round {round}: an approval");
            // Five wrong guesses at once on many rounds would rest the credentials; an hour refills the texts.
            world.advance(3700).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_of_many_guesses_only_the_allowed_ones_are_evaluated() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("bob").await;
        browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
        let right = world.text_code("+12025550101").await;
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..3 {
            assert_eq!(release(&browser.prepared(&[("code", wrong)]), rose).await, 0);
        }
        // The right one comes too late: the tries are used up, over all nodes.
        browser.submit(&[("code", &right)]).await;
        assert_eq!(browser.page.name(), "code");
        assert!(browser.page.words().contains("too many wrong codes"), "{}", browser.page.words());
    })
    .await;
}
