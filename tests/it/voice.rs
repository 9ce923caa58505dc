//! A call through Twilio: what we ask of its API, and what it asks of us while the phone is at somebody's ear. A small
//! server stands where Twilio is; the provider and its adapter are the real ones.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use data_encoding::BASE64;
use reqwest::Response;
use stepgate_tests::{Backend, Browser, World, ask_oracle};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const AUTH_TOKEN: &str = "a-token-of-the-tests";
const BOB: &str = "+12025550101";

/// The calls that Twilio was asked to place: the document, and where receipts go.
type Calls = Arc<Mutex<Vec<(String, String)>>>;

async fn place(State(calls): State<Calls>, uri: Uri, body: Bytes) -> (StatusCode, &'static str) {
    assert_eq!(uri.path(), format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |wanted: &str| form.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    calls.lock().unwrap().push((field("Twiml"), field("StatusCallback")));
    (StatusCode::CREATED, r#"{"sid":"CA00000000000000000000000000000001","status":"queued"}"#)
}

/// Twilio, and a provider that calls through it.
async fn world() -> (World, Calls) {
    world_with("auth_token").await
}

/// The same, whose signatures are checked with this key.
async fn world_with(key: &str) -> (World, Calls) {
    let calls = Calls::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(place).with_state(Arc::clone(&calls));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let account = format!(
        "[{{ kind = 'twilio', account_sid = '{ACCOUNT}', api_key_sid = 'SK01', api_key_secret = 'secret', {key} = '{AUTH_TOKEN}', \
         text_from = {{ from = '+12025550199' }}, voice_from = '+12025550199', base_url = 'http://{address}' }}]"
    );
    let settings: [(&str, &str); 2] = [
        ("STEPGATE__PHONE__PROVIDERS", account.leak()),
        ("STEPGATE__OUTBOUND__ALLOW", format!("['{address}']").leak()),
    ];
    (World::start_with(Backend::Sqlite, &settings).await, calls)
}

/// Signs a form as Twilio does, with Twilio's own library; `None`, said, where `tests/run` has not installed it.
fn sign(key: &str, algorithm: &str, url: &str, form: &[(&str, &str)]) -> Option<String> {
    let form: serde_json::Map<_, _> = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    ask_oracle("twilio_signature.py", &[key, algorithm, url], &form.into())
}

#[tokio::test]
async fn t28_twilio_s_receipts_are_believed_for_their_signature_and_move_forward_only() {
    for (key, algorithm) in [("auth_token", "HMAC_SHA1"), ("webhook_key", "HMAC_SHA256")] {
        let (world, calls) = world_with(key).await;
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("bob").await;
        call(&mut browser, &calls).await;
        let callback = calls.lock().unwrap().last().unwrap().1.clone();
        assert!(callback.starts_with(&format!("{}/callbacks/twilio/status?delivery=", world.issuer)), "{callback}");
        let tell = async |status: &str, sid: &str, forged: bool| {
            let form = [("AccountSid", ACCOUNT), ("CallSid", sid), ("CallStatus", status), ("To", BOB)];
            let key = if forged { "another" } else { AUTH_TOKEN };
            let signature = sign(key, algorithm, &callback, &form)?;
            // The header that names the algorithm is the sender's word, and counts for nothing.
            let settings = "key=k,algorithm=HMAC_SHA1";
            let request = reqwest::Client::new().post(&callback).header("x-twilio-signature", signature).form(&form);
            let answer = request.header("x-twilio-webhooks-signature-settings", settings).send().await.unwrap();
            Some(answer.status().as_u16())
        };
        let state = async |state: &str| {
            world.count(&format!("SELECT COUNT(*) AS found FROM phone_deliveries WHERE state = '{state}'")).await
        };
        let sid = "CA00000000000000000000000000000001";
        let Some(forged) = tell("completed", sid, true).await else { return };
        assert_eq!((forged, state("delivered").await), (403, 0), "forged");
        assert_eq!((tell("completed", "CA02", false).await, state("delivered").await), (Some(404), 0), "another call");
        assert_eq!((tell("ringing", sid, false).await, state("sent").await), (Some(204), 1), "under way");
        assert_eq!((tell("no-answer", sid, false).await, state("failed").await), (Some(204), 1));
        for late in ["completed", "no-answer", "completed"] {
            assert_eq!((tell(late, sid, false).await, state("failed").await), (Some(204), 1), "{late} comes too late");
        }
        let place = browser.page.url.to_string();
        assert!(browser.open(&place).await.words().contains("did not get through"), "{}", browser.page.words());
    }
}

#[tokio::test]
async fn t12_the_call_asks_for_a_key_and_holds_no_digit_of_the_code() {
    let (world, calls) = world().await;
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("bob").await;
    let url = call(&mut browser, &calls).await;
    let (twiml, _) = calls.lock().unwrap().last().unwrap().clone();
    let (before, _) = twiml.split_once("</Gather>").unwrap();
    assert!(before.contains("<Gather input=\"dtmf\" numDigits=\"1\""), "{twiml}");
    let code = said(press(&url, BOB, "1", AUTH_TOKEN).await).await.unwrap();
    let digits = code.chars().map(String::from).collect::<Vec<_>>().join(", ");
    assert!(!twiml.contains(&code) && !twiml.contains(&digits), "{twiml}");
}

/// Asks for a call as bob; the address at which the call goes on.
async fn call(browser: &mut Browser, calls: &Calls) -> String {
    browser.submit(&[("factor", "phone_otp"), ("channel", "voice")]).await;
    assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
    let twiml = calls.lock().unwrap().last().unwrap().0.clone();
    assert!(twiml.contains("Press 1 to hear it"), "{twiml}");
    let (_, rest) = twiml.split_once("action=\"").unwrap();
    rest.split_once('"').unwrap().0.replace("&amp;", "&")
}

/// A key is pressed: Twilio posts it, signed.
async fn press(url: &str, to: &str, digits: &str, token: &str) -> Response {
    let mut form =
        vec![("AccountSid", ACCOUNT), ("CallSid", "CA01"), ("CallerCity", ""), ("Digits", digits), ("To", to)];
    form.sort_unstable();
    let signed: String = form.iter().fold(url.to_owned(), |text, (name, value)| text + *name + *value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
    let request = reqwest::Client::new().post(url).header("x-twilio-signature", signature).form(&form);
    request.send().await.unwrap()
}

/// The code in what was said; `None` where nothing was.
async fn said(response: Response) -> Option<String> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/xml");
    let text = response.text().await.unwrap();
    assert!(text.ends_with("<Hangup/></Response>"), "{text}");
    let (_, rest) = text.split_once("code is: ")?;
    Some(rest.split_once(". Once more").unwrap().0.replace(", ", ""))
}

#[tokio::test]
async fn t12_a_call_says_its_code_to_whom_pressed_the_key_and_to_nobody_else() {
    let (world, calls) = world().await;
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("bob").await;
    let url = call(&mut browser, &calls).await;

    assert_eq!(press(&url, BOB, "1", "another token").await.status(), 403);
    let unsigned = reqwest::Client::new().post(&url).form(&[("AccountSid", ACCOUNT), ("Digits", "1"), ("To", BOB)]);
    assert_eq!(unsigned.send().await.unwrap().status(), 403);
    assert_eq!(said(press(&url, BOB, "2", AUTH_TOKEN).await).await, None, "another key");
    assert_eq!(said(press(&url, "+12025550102", "1", AUTH_TOKEN).await).await, None, "another line");
    let (place, _) = url.split_once("?message=").unwrap();
    let unknown = format!("{place}?message=01890000-0000-7000-8000-000000000000");
    assert_eq!(said(press(&unknown, BOB, "1", AUTH_TOKEN).await).await, None, "another message");

    let code = said(press(&url, BOB, "1", AUTH_TOKEN).await).await.unwrap();
    assert_eq!(code.len(), 6);
    browser.submit(&[("code", &code)]).await;
    assert!(browser.page.strength().contains("Phone OTP"), "{}", browser.page.words());

    world.advance(121).await;
    assert_eq!(said(press(&url, BOB, "1", AUTH_TOKEN).await).await, None, "too late");
}
