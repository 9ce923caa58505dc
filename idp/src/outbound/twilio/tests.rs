use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use stepgate_core::time::Timestamp;

use super::*;
use crate::outbound::fetch::OutboundSettings;

const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// Method, path, headers and form.
type Asked = (Method, String, HeaderMap, Vec<(String, String)>);

/// What the server answers, and what it was asked.
struct Served {
    status: u16,
    body: &'static str,
    delay: Duration,
    requests: Mutex<Vec<Asked>>,
}

async fn answer(
    State(served): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let form = form_urlencoded::parse(&body).into_owned().collect();
    served.requests.lock().unwrap().push((method, uri.to_string(), headers, form));
    tokio::time::sleep(served.delay).await;
    (StatusCode::from_u16(served.status).unwrap(), served.body)
}

async fn serve(status: u16, body: &'static str, delay: Duration) -> (Arc<Served>, SocketAddr) {
    let served = Arc::new(Served { status, body, delay, requests: Mutex::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(Arc::clone(&served));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (served, address)
}

fn twilio(address: SocketAddr, text_from: TwilioSender) -> Twilio {
    let outbound = OutboundSettings { ca_file: None, allow: vec![address.to_string().parse().unwrap()] };
    let settings = TwilioSettings {
        account_sid: ACCOUNT.to_owned(),
        api_key_sid: "SK0001".to_owned(),
        text_from,
        voice_from: "+12025550199".to_owned(),
        base_url: format!("http://{address}"),
    };
    let secret = SecretString::new("key-secret".to_owned());
    Twilio::new(("twilio", false), settings, &secret, Arc::new(Fetcher::new(&outbound).unwrap())).unwrap()
}

fn reference() -> stepgate_core::id::DeliveryId {
    stepgate_core::id::DeliveryId::from_uuid(uuid::Uuid::nil())
}

fn from_number() -> TwilioSender {
    TwilioSender::From("+12025550199".to_owned())
}

fn to() -> PhoneNumber {
    "+12025550101".parse().unwrap()
}

fn text() -> TextMessage {
    TextMessage {
        text: SecretString::new("012345 is your code & more\n\n@id.example #012345".to_owned()),
        code: Some(SecretString::new("012345".to_owned())),
        at: Timestamp::from_unix_seconds(0),
        life: Duration::from_secs(120),
        reference: reference(),
        issuer: "https://id.example".to_owned(),
    }
}

fn pairs(form: &[(&str, &str)]) -> Vec<(String, String)> {
    form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_text_message_has_twilios_shape() {
    for (sender, sender_field) in [
        (from_number(), ("From", "+12025550199")),
        (TwilioSender::MessagingService("MG01".to_owned()), ("MessagingServiceSid", "MG01")),
    ] {
        let created = r#"{"sid":"SM0001","status":"queued","error_code":null,"num_segments":"1"}"#;
        let (served, address) = serve(201, created, Duration::ZERO).await;
        let id = twilio(address, sender).send_text(&to(), &text()).await.unwrap();
        assert_eq!(id, ProviderId { provider: "twilio".to_owned(), id: "SM0001".to_owned() });

        let requests = served.requests.lock().unwrap();
        let [(method, uri, headers, form)] = requests.as_slice() else { panic!("one request") };
        assert_eq!((method, uri.as_str()), (&Method::POST, &*format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json")));
        assert_eq!(headers["authorization"], "Basic U0swMDAxOmtleS1zZWNyZXQ=");
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        let body = "012345 is your code & more\n\n@id.example #012345";
        let expected = [("To", "+12025550101"), sender_field, ("Body", body), ("ValidityPeriod", "120")];
        assert_eq!(*form, pairs(&expected));
    }
}

#[tokio::test]
async fn a_call_asks_for_a_key_and_holds_no_code() {
    let created = r#"{"sid":"CA0001","status":"queued"}"#;
    let (served, address) = serve(201, created, Duration::ZERO).await;
    let call = VoiceCall {
        invitation: "Press 1, <please>.".to_owned(),
        speech: SecretString::new("0, 1, 2, 3, 4, 5".to_owned()),
        code: Some(SecretString::new("012345".to_owned())),
        at: Timestamp::from_unix_seconds(0),
        resume_at: "https://id.example/voice?call=a&b".parse().unwrap(),
        reference: reference(),
        issuer: "https://id.example".to_owned(),
    };
    let id = twilio(address, from_number()).call(&to(), &call).await.unwrap();
    assert_eq!(id.id, "CA0001");

    let requests = served.requests.lock().unwrap();
    let [(_, uri, _, form)] = requests.as_slice() else { panic!("one request") };
    assert_eq!(*uri, format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
    let gather = "<Gather input=\"dtmf\" numDigits=\"1\" timeout=\"6\" action=\"https://id.example/voice?call=a&amp;b\" \
                  method=\"POST\"><Say>Press 1, &lt;please&gt;.</Say></Gather>";
    let twiml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{gather}{gather}<Hangup/></Response>");
    let numbers = [("To", "+12025550101"), ("From", "+12025550199")];
    let rest = [("Twiml", &*twiml), ("Timeout", "25"), ("TimeLimit", "60")];
    assert_eq!(*form, pairs(&[&numbers[..], &rest[..]].concat()));
    assert_eq!(
        callback::say_and_hang_up(Some(&call.speech)).expose(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say>0, 1, 2, 3, 4, 5</Say><Hangup/></Response>"
    );
}

#[tokio::test]
async fn answers_become_facts() {
    let invalid_number = r#"{"code":21211,"message":"Invalid 'To' Phone Number: +1202555XXXX","status":400}"#;
    let too_many = r#"{"code":20429,"message":"Too Many Requests","status":429}"#;
    for (status, body, expected) in [
        (400, invalid_number, DeliveryError::Refused { code: 21_211 }),
        (401, "", DeliveryError::Refused { code: 401 }),
        (403, "<html>", DeliveryError::Refused { code: 403 }),
        (429, too_many, DeliveryError::Throttled),
        (429, "", DeliveryError::Throttled),
        (503, too_many, DeliveryError::Throttled),
        (500, "oops", DeliveryError::Unavailable),
        (302, "", DeliveryError::Unavailable),
        (201, "not json", DeliveryError::Unavailable),
        (201, r#"{"sid":"SM1","status":"failed","error_code":30034}"#, DeliveryError::Refused { code: 30_034 }),
    ] {
        let (_, address) = serve(status, body, Duration::ZERO).await;
        let answer = twilio(address, from_number()).send_text(&to(), &text()).await;
        assert_eq!(answer, Err(expected), "{status} {body}");
    }
}

#[tokio::test]
async fn a_provider_that_is_slow_or_gone_is_unavailable() {
    let (_, address) = serve(201, r#"{"sid":"SM1"}"#, Duration::from_secs(30)).await;
    let started = std::time::Instant::now();
    let answer = twilio(address, from_number()).send_text(&to(), &text()).await;
    assert_eq!(answer, Err(DeliveryError::Unavailable));
    assert!((4..5).contains(&started.elapsed().as_secs()));

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let answer = twilio(closed, from_number()).send_text(&to(), &text()).await;
    assert_eq!(answer, Err(DeliveryError::Unavailable));
}

#[test]
fn settings_are_checked() {
    let json = serde_json::json!({
        "account_sid": ACCOUNT, "api_key_sid": "SK1", "text_from": {"messaging_service": "MG1"}, "voice_from": "+1",
    });
    let settings: TwilioSettings = serde_json::from_value(json).unwrap();
    assert_eq!(settings.base_url, "https://api.twilio.com");
    let fetcher = Arc::new(Fetcher::new(&OutboundSettings::default()).unwrap());
    let secret = SecretString::new("s".to_owned());
    for account_sid in ["", "AC1", "AC../../../../../../../../../../xx", "SK00000000000000000000000000000001"] {
        let settings = TwilioSettings { account_sid: account_sid.to_owned(), ..settings.clone() };
        assert_eq!(
            Twilio::new(("twilio", false), settings, &secret, Arc::clone(&fetcher)).err(),
            Some(TwilioSetupError::Account)
        );
    }
}
