//! Codes over a real message centre, with another provider behind it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Value, json};
use stepgate_tests::{Backend, Browser, Smsc, World, on_each_backend_with};

/// What the second provider was asked to send.
type Taken = Arc<Mutex<Vec<Value>>>;

async fn take(State(taken): State<Taken>, body: Bytes) -> &'static str {
    taken.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    r#"{"id":"unique"}"#
}

/// The second provider: a gateway that is described by a template.
async fn gateway() -> (Taken, String, String) {
    let taken = Taken::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(take).with_state(Arc::clone(&taken));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let body = r#"{"to":"{to}","text":"{text}","ref":"{reference}"}"#;
    let provider = format!("{{ kind = 'gateway', url = 'http://{address}/send', body = '{body}' }}");
    (taken, provider, format!("['{address}']"))
}

/// A world whose codes go to the message centre first, and to the gateway then.
async fn world(smsc: &Smsc, more: &[(&'static str, &'static str)]) -> (World, Taken) {
    let (taken, gateway, allow) = gateway().await;
    let providers = format!("[{}, {gateway}]", smsc.provider());
    let mut settings: Vec<(&'static str, &'static str)> =
        vec![("STEPGATE__PHONE__PROVIDERS", providers.leak()), ("STEPGATE__OUTBOUND__ALLOW", allow.leak())];
    settings.extend(more);
    (World::start_with(Backend::Sqlite, &settings).await, taken)
}

async fn ask(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("bob").await;
    browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
    browser
}

fn code_in(text: &str) -> String {
    text.chars().take(6).collect()
}

async fn state(world: &World, provider: &str, state: &str) -> i64 {
    let sql =
        format!("SELECT COUNT(*) AS found FROM phone_deliveries WHERE provider = '{provider}' AND state = '{state}'");
    world.count(&sql).await
}

#[tokio::test]
async fn t28_a_code_comes_over_the_message_centre_and_its_receipts_move_it_forward_only() {
    let Some(smsc) = Smsc::start() else { return };
    let (world, taken) = world(&smsc, &[]).await;
    let mut browser = ask(&world).await;
    assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
    let messages = smsc.messages().await;
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(
        (&message["to"], &message["from"], &message["ton"]),
        (&json!("12025550101"), &json!("Stepgate"), &json!(1))
    );
    assert_eq!(message["registered_delivery"], 1);
    let text = message["text"].as_str().unwrap();
    assert!(text.ends_with(&format!("@localhost #{}", code_in(text))), "the at sign survives: {text}");

    smsc.receipt("m1", 2).await;
    world.until("the receipt is noted", async || state(&world, "smpp", "delivered").await == 1).await;
    let place = browser.page.url.to_string();
    assert!(browser.open(&place).await.words().contains("Delivered"), "{}", browser.page.words());
    // Out of order: what arrived stays arrived.
    smsc.receipt("m1", 5).await;
    smsc.receipt("m9", 2).await;
    browser.submit(&[("code", &code_in(text))]).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());
    assert_eq!((state(&world, "smpp", "delivered").await, taken.lock().unwrap().len()), (1, 0));

    // The line breaks, and the next code goes over a new one; between, it shows signs of life.
    world.until("signs of life", async || smsc.signs().await.1 > 0).await;
    smsc.drop_connection().await;
    smsc.mode(json!({ "receipts": "early" })).await;
    let second = async || {
        world.advance(61).await;
        ask(&world).await.page.name() == "code" && smsc.messages().await.len() == 2
    };
    assert!(second().await, "bound again");
    assert_eq!(smsc.signs().await.0, 2);
    world.until("a receipt before the answer", async || state(&world, "smpp", "delivered").await == 2).await;
}

#[tokio::test]
async fn the_next_provider_brings_the_same_code() {
    let Some(smsc) = Smsc::start() else { return };
    let (world, taken) = world(&smsc, &[("STEPGATE__PHONE__RECEIPT_SECONDS", "20")]).await;
    let taken_code = || {
        let taken = taken.lock().unwrap();
        let last = taken.last().unwrap();
        assert_eq!(last["to"], "+12025550101");
        code_in(last["text"].as_str().unwrap())
    };
    // Throttled (0x58), then refused (0x0b): the second is asked at once.
    for (round, status) in [(1, "88"), (2, "11")] {
        smsc.mode(json!({ "status": status })).await;
        let mut browser = ask(&world).await;
        assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
        assert_eq!((smsc.messages().await.len(), taken.lock().unwrap().len()), (0, round));
        browser.submit(&[("code", &taken_code())]).await;
        assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());
        world.advance(61).await;
    }
    assert_eq!(state(&world, "smpp", "failed").await, 2);

    // Silent: after 20 seconds the same code goes out over the second, once.
    smsc.mode(json!({ "status": "ok" })).await;
    let mut browser = ask(&world).await;
    let first = code_in(smsc.messages().await[0]["text"].as_str().unwrap());
    assert_eq!(taken.lock().unwrap().len(), 2);
    world.advance(21).await;
    world.until("the second provider", async || taken.lock().unwrap().len() == 3).await;
    assert_eq!(taken_code(), first);
    browser.submit(&[("code", &first)]).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());

    // The carrier refuses: the second is asked without waiting.
    world.advance(61).await;
    smsc.mode(json!({ "receipts": "failed" })).await;
    ask(&world).await;
    world.until("the second provider", async || taken.lock().unwrap().len() == 4).await;
    let latest = smsc.messages().await;
    assert_eq!(taken_code(), code_in(latest[1]["text"].as_str().unwrap()));
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'phone_otp.followed'").await, 2);
}

#[tokio::test]
async fn t11_five_hundred_starts_into_one_block_reach_the_cap_and_no_more() {
    let Some(smsc) = Smsc::start() else { return };
    let providers = format!("[{}]", smsc.provider());
    let settings = [
        ("STEPGATE__PHONE__PROVIDERS", &*providers.leak()),
        ("STEPGATE__PHONE__CAPS__PREFIX_HOUR", "20"),
        ("STEPGATE__PHONE__CAPS__PERSON_HOUR", "0"),
        ("STEPGATE__PHONE__CAPS__ADDRESS_HOUR", "0"),
    ];
    let before = std::sync::atomic::AtomicUsize::new(0);
    on_each_backend_with(&settings, |world| {
        let (smsc, before) = (&smsc, &before);
        async move {
            let mut browser = world.browser();
            browser.open("/account").await;
            browser.log_in("heidi").await;
            browser.open("/account/otp").await;
            let (_, rest) = browser.page.text.split_once("href=\"/account/otp/phones?credential=").unwrap();
            let page = format!("/account/otp/phones?credential={}", rest.split_once('"').unwrap().0);
            browser.open(&page).await;
            // Ten at a time, as a script would.
            for ten in 0..50 {
                let mut starts = Vec::new();
                for one in 0..10 {
                    let number = format!("+1202555{:04}", 1000 + ten * 10 + one);
                    // A form for each: one sends one code.
                    let (mut browser, page) = (browser.clone(), page.clone());
                    starts.push(tokio::spawn(async move {
                        browser.open(&page).await;
                        browser.prepared(&[("number", &number), ("country", "US"), ("channel", "text")]).send().await
                    }));
                }
                for start in starts {
                    assert!(!start.await.unwrap().unwrap().status().is_server_error());
                }
            }
            let sent = smsc.messages().await.len();
            assert_eq!(
                sent - before.swap(sent, std::sync::atomic::Ordering::Relaxed),
                20,
                "texts at the message centre"
            );
            let alerts = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'phone_otp.cap.tripped'";
            assert_eq!(world.count(alerts).await, 1, "one alert");
        }
    })
    .await;
}

#[tokio::test]
async fn codes_go_over_tls_to_the_right_message_centre_and_to_no_other() {
    let Some(smsc) = Smsc::start_tls("localhost") else { return };
    let trusted: &'static str = smsc.authority().to_owned().leak();
    let (known, taken) = world(&smsc, &[("STEPGATE__OUTBOUND__CA_FILE", trusted)]).await;
    let mut browser = ask(&known).await;
    assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
    let messages = smsc.messages().await;
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    smsc.receipt("m1", 2).await;
    known.until("a receipt over TLS", async || state(&known, "smpp", "delivered").await == 1).await;
    browser.submit(&[("code", &code_in(message["text"].as_str().unwrap()))]).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());
    assert!(taken.lock().unwrap().is_empty());

    // From an authority that nobody vouches for; from the right one, for another name. Neither learns the password.
    let elsewhere = Smsc::start_tls("127.0.0.2").unwrap();
    let authority: &'static str = elsewhere.authority().to_owned().leak();
    for (centre, settings) in [(&smsc, vec![]), (&elsewhere, vec![("STEPGATE__OUTBOUND__CA_FILE", authority)])] {
        let (before, had) = (centre.signs().await.0, centre.messages().await.len());
        let (world, taken) = world(centre, &settings).await;
        let browser = ask(&world).await;
        assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
        assert_eq!((centre.signs().await.0, centre.messages().await.len()), (before, had), "nobody bound there");
        assert_eq!(
            (state(&world, "smpp", "failed").await, taken.lock().unwrap().len()),
            (1, 1),
            "the next one brings it"
        );
    }
}
