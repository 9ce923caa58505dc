//! Waking phones up, and how often: pushes at a push service of ours, caps, races over all nodes.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use stepgate_tests::{PushService, World, on_each_backend_with};
use tokio::sync::Barrier;

use super::mobile_phones::{set_up, waiting};

#[tokio::test]
async fn a_phone_is_woken_up_with_nothing_said_and_forgotten_when_it_is_gone() {
    let service = PushService::start().await;
    on_each_backend_with(PushService::SETTINGS, async |world| {
        let before = service.pushes().len();
        let (_, mut phone) = set_up(&world, None).await;
        let name = format!("{:?}", world.backend);
        let reply = phone.send("push", json!({ "subscription": service.subscription(&name) })).await.unwrap();
        assert_eq!(reply["result"], "subscribed");
        let told = phone.look().await.unwrap()["push"].clone();
        assert_eq!(told["subscribed"], true);

        waiting(&world).await;
        world.until("a push", async || service.pushes().len() > before).await;
        let push = service.pushes().pop().unwrap();
        let header = |name: &str| push.headers[name].to_str().unwrap().to_owned();
        assert_eq!(push.to, name);
        assert_eq!((header("urgency"), header("topic"), header("ttl")), ("high".into(), "login".into(), "120".into()));
        assert_eq!(header("content-encoding"), "aes128gcm");
        // 16 of salt, 4 of size, 1 of length, 65 of key, 12 of `{"t":"poll"}`, a delimiter, 16 of tag.
        assert_eq!(push.body.len(), 16 + 4 + 1 + 65 + 12 + 1 + 16);
        let authorization = header("authorization");
        let (token, key) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, told["key"], "the key that the browser was given");
        let part = BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
        let claims: Value = serde_json::from_slice(&part).unwrap();
        assert_eq!(claims["aud"], service.origin(), "with its port");
        assert_eq!(claims["sub"], world.issuer);

        // The app is gone: so is the subscription. Asking goes on without.
        service.forget(&name);
        world.advance(130).await;
        phone.ahead += 130;
        waiting(&world).await;
        let kept = "SELECT COUNT(*) AS found FROM mobile_devices WHERE sealed_push IS NOT NULL";
        world.until("the subscription is forgotten", async || world.count(kept).await == 0).await;
        assert_eq!(phone.look().await.unwrap()["push"]["subscribed"], false);
        assert!(phone.poll().await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn t22_a_push_address_inside_or_of_nobody_we_know_is_refused_when_it_is_told() {
    let service = PushService::start().await;
    on_each_backend_with(PushService::SETTINGS, async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        let good = service.subscription("x");
        for (endpoint, why) in [
            ("https://169.254.169.254/latest/meta-data", "not on the list"),
            ("https://[::ffff:127.0.0.1]/push", "not on the list"),
            ("https://localhost/push", "not on the list"),
            ("https://push.example.evil.example/push", "not on the list"),
            // Listed by a careless operator, and inside all the same.
            ("https://10.0.0.1/push", "not on the public internet"),
            ("http://10.0.0.1/push", "not on the public internet"),
            ("https://user:password@127.0.0.1/push", "user name or password"),
            ("nonsense", "not the address"),
        ] {
            let mut subscription = good.clone();
            subscription["endpoint"] = endpoint.into();
            let refused = phone.send("push", json!({ "subscription": subscription })).await.unwrap_err();
            assert_eq!(refused.error, "bad_subscription", "{endpoint}");
            assert!(refused.description.contains(why), "{endpoint}: {}", refused.description);
        }
        let mut subscription = good.clone();
        subscription["p256dh"] = "AAAA".into();
        let refused = phone.send("push", json!({ "subscription": subscription })).await.unwrap_err();
        assert!(refused.description.contains("p256dh"), "{}", refused.description);
        assert_eq!(phone.look().await.unwrap()["push"]["subscribed"], false);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t3_fifty_starts_wake_the_phone_three_times_at_most_and_then_a_code_does() {
    let service = PushService::start().await;
    on_each_backend_with(PushService::SETTINGS, async |world| {
        let before = service.pushes().len();
        let (_, mut phone) = set_up(&world, None).await;
        phone.send("push", json!({ "subscription": service.subscription("bombed") })).await.unwrap();
        let unsent =
            "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'push' AND done_at IS NULL AND failed_at IS NULL";
        for _ in 0..4 {
            // Thirteen browsers press at once, each twice.
            let browsers = starting(&world, 13).await;
            let barrier = Arc::new(Barrier::new(browsers.len() * 2));
            let presses: Vec<_> = browsers
                .iter()
                .chain(&browsers)
                .map(|request| {
                    let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
                    tokio::spawn(async move {
                        barrier.wait().await;
                        request.send().await.unwrap()
                    })
                })
                .collect();
            for press in presses {
                press.await.unwrap();
            }
            world.until("all pushes are sent", async || world.count(unsent).await == 0).await;
            // The thief waits until a request is over before the next try.
            world.advance(121).await;
            phone.ahead += 121;
        }
        let pushes = service.pushes().len() - before;
        // A second press of the same browser may end a request before its push was sent.
        assert!((1..=3).contains(&pushes), "{pushes} pushes for 52 starts");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM mobile_challenges").await, 3);

        // The person gets in all the same, by a code.
        let mut browser = waiting(&world).await;
        assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
        assert!(browser.page.words().contains("several times"), "{}", browser.page.words());
        browser.submit(&[("code", &phone.offline_code())]).await;
        assert_eq!(browser.page.strength(), "Mobile ID");
    })
    .await;
}

/// So many browsers at the choice of a factor, each about to ask the phone.
async fn starting(world: &World, count: usize) -> Vec<reqwest::RequestBuilder> {
    let mut prepared = Vec::new();
    for _ in 0..count {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("grace").await;
        assert_eq!(browser.page.name(), "factor", "{}", browser.page.words());
        prepared.push(browser.prepared(&[("factor", "mobile_id")]));
    }
    prepared
}

#[tokio::test]
async fn t3_ten_requests_in_a_day_without_an_approval_are_enough() {
    on_each_backend_with(&[], async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        let mut asked = 0;
        for _ in 0..14 {
            let browser = waiting(&world).await;
            asked += usize::from(browser.page.name() == "mobile-id-wait");
            world.advance(700).await;
            phone.ahead += 700;
        }
        assert_eq!(asked, 10);
        // A day later it is asked again, and an approval begins a new count.
        world.advance(24 * 3600).await;
        phone.ahead += 24 * 3600;
        let mut browser = waiting(&world).await;
        let request = phone.poll().await.unwrap().expect("asked again");
        assert_eq!(phone.approve(&request, &browser.page.match_number()).await.unwrap(), "approved");
        browser.submit(&[("approved", "1")]).await;
        assert_eq!(browser.page.strength(), "Mobile ID");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_an_approval_sent_to_all_nodes_at_once_counts_once() {
    on_each_backend_with(&[], async |world| {
        let (_, mut phone) = set_up(&world, None).await;
        for _ in 0..5 {
            let mut browser = waiting(&world).await;
            let request = phone.poll().await.unwrap().unwrap();
            let number = browser.page.match_number();
            let barrier = Arc::new(Barrier::new(8));
            let mut presses = Vec::new();
            // Two messages, each to every node: replays and races together.
            for message in 0..2 {
                let jws = phone.approval(&request, &number);
                for copy in 0..4 {
                    let base = world.node((message + copy) % world.nodes());
                    let (barrier, send) = (Arc::clone(&barrier), phone.prepared(&base, "answer", &jws));
                    presses.push(tokio::spawn(async move {
                        barrier.wait().await;
                        send.send().await.unwrap().json::<Value>().await.unwrap()
                    }));
                }
            }
            let mut approved = 0;
            for press in presses {
                approved += usize::from(press.await.unwrap()["result"] == "approved");
            }
            assert_eq!(approved, 1);
            browser.submit(&[("approved", "1")]).await;
            assert_eq!(browser.page.strength(), "Mobile ID");
        }
        assert!(phone.look().await.is_ok(), "a race is no copy");
    })
    .await;
}
