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
use stepgate_tests::{Backend, Browser, World};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const AUTH_TOKEN: &str = "a-token-of-the-tests";
const BOB: &str = "+12025550101";

/// The calls that Twilio was asked to place.
type Calls = Arc<Mutex<Vec<String>>>;

async fn place(State(calls): State<Calls>, uri: Uri, body: Bytes) -> (StatusCode, &'static str) {
    assert_eq!(uri.path(), format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let twiml = form.iter().find(|(name, _)| name == "Twiml").unwrap().1.clone();
    calls.lock().unwrap().push(twiml);
    (StatusCode::CREATED, r#"{"sid":"CA00000000000000000000000000000001","status":"queued"}"#)
}

/// Twilio, and a provider that calls through it.
async fn world() -> (World, Calls) {
    let calls = Calls::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(place).with_state(Arc::clone(&calls));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let account = format!(
        "[{{ kind = 'twilio', account_sid = '{ACCOUNT}', api_key_sid = 'SK01', api_key_secret = 'secret', auth_token = '{AUTH_TOKEN}', \
         text_from = {{ from = '+12025550199' }}, voice_from = '+12025550199', base_url = 'http://{address}' }}]"
    );
    let settings: [(&str, &str); 2] =
        [("STEPGATE__PHONE__PROVIDERS", account.leak()), ("STEPGATE__OUTBOUND__ALLOW", format!("['{address}']").leak())];
    (World::start_with(Backend::Sqlite, &settings).await, calls)
}

/// Asks for a call as bob; the address at which the call goes on.
async fn call(browser: &mut Browser, calls: &Calls) -> String {
    browser.submit(&[("factor", "phone_otp"), ("channel", "voice")]).await;
    assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
    let twiml = calls.lock().unwrap().pop().unwrap();
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
async fn a_call_says_its_code_to_whom_pressed_the_key_and_to_nobody_else() {
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
