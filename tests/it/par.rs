//! Pushed authorization requests (RFC 9126).

use std::sync::Arc;

use serde_json::{Value, json};
use stepgate_tests::{Browser, RelyingParty, Started, logged_in, on_each_backend, on_each_backend_with};
use tokio::sync::Barrier;

/// Pushes a request; the address at which a browser opens it.
async fn pushed(rp: &RelyingParty, started: &Started) -> String {
    let (status, answer) = rp.push(started, &[]).await;
    assert_eq!(status, 201, "{answer}");
    let seconds = answer["expires_in"].as_u64().unwrap();
    assert!((60..=90).contains(&seconds), "{answer}");
    let uri = answer["request_uri"].as_str().unwrap();
    assert!(uri.strip_prefix("urn:ietf:params:oauth:request_uri:").unwrap().len() >= 43, "{uri}");
    rp.authorize(&[("client_id", &rp.client_id), ("request_uri", uri)])
}

/// The page for somebody who cannot be sent back, because nothing tells where to.
async fn is_refused(browser: &mut Browser, url: &str, why: &str) {
    let page = browser.open(url).await;
    assert_eq!((page.name(), page.status.as_u16()), ("error", 400), "{}", page.words());
    assert!(page.words().contains("invalid_request_uri") && page.words().contains(why), "{}", page.words());
}

#[tokio::test]
async fn a_pushed_request_is_opened_as_often_as_wanted_and_answered_once() {
    on_each_backend(|world| async move {
        let (rp, spa) = (world.relying_party().await, world.public_client().await);
        for (rp, response_type) in [(&rp, "code"), (&rp, "code id_token token"), (&spa, "code")] {
            let started = rp.start(&[("response_type", response_type)]);
            let url = pushed(rp, &started).await;
            // Reloaded, in another browser, and later than it may be opened: what was opened in time can be finished.
            let mut browser = world.browser();
            for _ in 0..2 {
                assert_eq!(browser.open(&url).await.name(), "login");
            }
            let mut slow = world.browser();
            slow.open(&url).await;
            world.advance(100).await;
            browser.log_in("alice").await;
            let login = rp.finish(&started, &browser.page).await;
            assert_eq!(login.claims["aud"], rp.client_id.as_str());
            // The slower browser comes to nothing, and the reference is known to be used.
            slow.log_in("alice").await;
            assert_eq!(slow.page.name(), "error", "{}", slow.page.url);
            is_refused(&mut browser, &url, "used before").await;
            assert_eq!(rp.userinfo(&login.access_token).await.0, 200);
        }
        // Given up: answered as well.
        let started = rp.start(&[]);
        let (url, mut browser) = (pushed(&rp, &started).await, world.browser());
        browser.open(&url).await;
        browser.submit(&[("cancel", "1")]).await;
        assert_eq!(rp.error(&started, &browser.page), "access_denied");
        is_refused(&mut browser, &url, "used before").await;
    })
    .await;
}

#[tokio::test]
async fn a_reference_is_worth_nothing_to_others_or_later() {
    on_each_backend(|world| async move {
        let (rp, spa, mut browser) = (world.relying_party().await, world.public_client().await, world.browser());
        let url = pushed(&rp, &rp.start(&[])).await;
        let others = url.replace("client_id=demo-local", &format!("client_id={}", spa.client_id));
        is_refused(&mut browser, &others, "names no request").await;
        is_refused(&mut browser, &format!("{url}x"), "names no request").await;
        // What stands beside the reference changes nothing.
        let started = rp.start(&[("prompt", "none")]);
        let url = pushed(&rp, &started).await;
        browser.open(&format!("{url}&state=other&redirect_uri=https://evil.example/&prompt=login&scope=x")).await;
        assert_eq!(rp.error(&started, &browser.page), "login_required");
        // Expired: told to the client where the address leads back to it.
        world.advance(91).await;
        is_refused(&mut browser, &url, "expired").await;
        let page = browser.open(&format!("{url}&redirect_uri=http://127.0.0.1/callback&state=s")).await;
        assert_eq!((page.name(), page.parameter("state").as_deref()), ("outside", Some("s")));
        assert_eq!(page.parameter("error").as_deref(), Some("invalid_request_uri"));
        let page = browser.open(&format!("{url}&request=x")).await;
        assert!(page.name() == "error" && page.words().contains("together with request_uri"), "{}", page.words());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_when_it_is_pushed() {
    on_each_backend(|world| async move {
        let (rp, started) = (world.relying_party().await, world.relying_party().await.start(&[]));
        let cases = [
            (&[("redirect_uri", "https://evil.example/")][..], "invalid_request", "redirect_uri"),
            (&[("redirect_uri", "")], "invalid_request", "redirect_uri"),
            (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request", "request_uri"),
            (&[("request_uri", "https://rp.example/object")], "invalid_request", "request_uri"),
            (&[("client_id", "demo-spa")], "invalid_request", "client_id"),
            (&[("response_type", "token")], "unsupported_response_type", "response_type"),
            (&[("response_type", "id_token"), ("nonce", "")], "invalid_request", "nonce"),
            (&[("scope", "openid admin phone2")], "", ""),
            (&[("code_challenge_method", "plain")], "invalid_request", "code_challenge_method"),
            (&[("max_age", "x")], "invalid_request", "max_age"),
            (&[("resource", "https://elsewhere.example")], "invalid_target", "resource"),
            (&[("request", "e30.e30.")], "invalid_request_object", "request"),
        ];
        for (changes, error, parameter) in cases {
            let (status, answer) = rp.push(&started, changes).await;
            if error.is_empty() {
                assert_eq!(status, 201, "unknown scopes are left out: {answer}");
                continue;
            }
            assert_eq!((status.as_u16(), &answer["error"]), (400, &json!(error)), "{changes:?}: {answer}");
            assert!(answer["error_description"].as_str().unwrap().contains(parameter), "{changes:?}: {answer}");
        }
        let par = format!("{}/par", world.issuer);
        assert_eq!(rp.http.get(&par).send().await.unwrap().status(), 405);
        let wrong = rp.http.post(&par).basic_auth("demo-local", Some("wrong")).form(&started.parameters());
        assert_eq!(wrong.send().await.unwrap().status(), 401);
        let unproven = rp.http.post(&par).form(&started.parameters()).send().await.unwrap();
        assert_eq!(unproven.json::<Value>().await.unwrap()["error"], "invalid_client");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM pushed_requests").await, 1, "only the good one is kept");
    })
    .await;
}

#[tokio::test]
async fn who_wants_pushed_requests_takes_no_others() {
    let everywhere = [("STEPGATE__AUTHORIZATION__REQUIRE_PUSHED_REQUESTS", "true")];
    for settings in [&everywhere[..], &[]] {
        on_each_backend_with(settings, |world| async move {
            let everywhere = !settings.is_empty();
            let rp = if everywhere {
                world.relying_party().await
            } else {
                world.partner("pushing", json!({ "require_pushed_authorization_requests": true })).await
            };
            let (mut browser, started) = (logged_in(&world, "alice").await, rp.start(&[]));
            browser.open(&started.url).await;
            assert_eq!(rp.error(&started, &browser.page), "invalid_request");
            assert!(browser.page.parameter("error_description").unwrap().contains("pushed"));
            let url = pushed(&rp, &started).await;
            browser.open(&url).await;
            rp.finish(&started, &browser.page).await;
            let metadata: Value = rp
                .http
                .get(format!("{}/.well-known/openid-configuration", world.issuer))
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            assert_eq!(metadata["require_pushed_authorization_requests"], everywhere);
        })
        .await;
    }
}

const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn t8_of_many_browsers_that_finish_one_pushed_request_only_one_is_answered() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let browser = logged_in(&world, "alice").await;
        for round in 0..10 {
            let url = pushed(&rp, &rp.start(&[])).await;
            let barrier = Arc::new(Barrier::new(AT_ONCE));
            let tasks: Vec<_> = (0..AT_ONCE)
                .map(|_| {
                    let (barrier, mut browser, url) = (Arc::clone(&barrier), browser.clone(), url.clone());
                    tokio::spawn(async move {
                        barrier.wait().await;
                        browser.open(&url).await.parameter("code").is_some()
                    })
                })
                .collect();
            let mut codes = 0;
            for task in tasks {
                codes += usize::from(task.await.unwrap());
            }
            assert_eq!(codes, 1, "round {round}");
        }
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM grants").await, 10);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM authorization_codes").await, 10);
    })
    .await;
}
