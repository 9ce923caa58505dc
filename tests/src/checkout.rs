//! Stripe, as far as we use it: Checkout's pages, cards on file, charges without the person, refunds and signed webhooks,
//! shaped by the official library's types. It answers the same to the same idempotency key, as Stripe does, and can be slow,
//! deaf, or wrong.

mod intents;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

/// The secret of the webhook in tests.
pub const WEBHOOK_SECRET: &str = "whsec_of_the_tests";

#[derive(Default)]
struct Inside {
    sessions: Vec<Value>,
    refunds: Vec<Value>,
    /// Payment intents.
    intents: Vec<Value>,
    /// Payment methods that were taken away.
    detached: Vec<String>,
    /// What the bank says to every charge without the person; none: as the card's digits say.
    bank: Option<&'static str>,
    /// By idempotency key: the form, the status and the answer.
    keys: HashMap<String, (String, u16, Value)>,
    /// The status with which all is answered, where one is set.
    broken: Option<u16>,
    /// The status that refunds get.
    refund_status: String,
    /// The call whose answers are held back: `begin`, `find`, `refund`, `charge`; with `unseen` it is held before it did anything.
    held: Option<&'static str>,
    /// How many calls wait for their answer.
    waiting: usize,
}

/// The fake; it lives as long as the test.
#[derive(Clone)]
pub struct Checkout {
    port: u16,
    inside: Arc<Mutex<Inside>>,
}

type Shared = State<Arc<Mutex<Inside>>>;

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// What every call needs, and what is answered to a key that was used before.
fn admitted(inside: &mut Inside, headers: &HeaderMap, body: &str) -> Result<Option<Value>, (StatusCode, Json<Value>)> {
    let refuse = |status: u16, code: &str| {
        let error = json!({ "error": { "type": "invalid_request_error", "code": code } });
        Err((StatusCode::from_u16(status).unwrap(), Json(error)))
    };
    if let Some(status) = inside.broken {
        return refuse(status, "broken");
    }
    if headers.get("authorization").is_none_or(|value| value != "Bearer sk_test_1") {
        return refuse(401, "authentication");
    }
    if headers.get("stripe-version").is_none_or(|value| value != "2024-06-20") {
        return refuse(400, "version");
    }
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match inside.keys.get(key.to_str().unwrap()) {
        Some((form, ..)) if form != body => refuse(400, "idempotency_error"),
        Some((_, 200, answer)) => Ok(Some(answer.clone())),
        Some((_, status, answer)) => Err((StatusCode::from_u16(*status).unwrap(), Json(answer.clone()))),
        None => Ok(None),
    }
}

fn keep(inside: &mut Inside, headers: &HeaderMap, body: &str, answer: &Value) {
    keep_as(inside, headers, body, (200, answer));
}

fn keep_as(inside: &mut Inside, headers: &HeaderMap, body: &str, (status, answer): (u16, &Value)) {
    let key = headers.get("idempotency-key").expect("posts carry a key").to_str().unwrap();
    inside.keys.insert(key.to_owned(), (body.to_owned(), status, answer.clone()));
}

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// Waits while answers to this call are held back: what was done is done, and nobody hears of it.
async fn hold(inside: &Mutex<Inside>, call: &'static str) {
    let is_held = || inside.lock().unwrap().held == Some(call);
    if !is_held() {
        return;
    }
    inside.lock().unwrap().waiting += 1;
    while is_held() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn begin(State(inside): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    hold(&inside, "begin unseen").await;
    let answer = begun(&inside, &headers, &body);
    hold(&inside, "begin").await;
    answer
}

fn begun(inside: &Mutex<Inside>, headers: &HeaderMap, body: &Bytes) -> Answer {
    let mut inside = inside.lock().unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    if let Some(answer) = admitted(&mut inside, headers, &body)? {
        return Ok(Json(answer));
    }
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let setup = field(&form, "mode") == Some("setup");
    assert!(setup || field(&form, "mode") == Some("payment"));
    let kept = field(&form, "payment_intent_data[setup_future_usage]") == Some("off_session");
    assert_eq!(kept || setup, field(&form, "customer_creation") == Some("always"));
    let (mut total, mut currency) = (0_i64, String::new());
    for place in 0..100 {
        let part = |name: &str| field(&form, &format!("line_items[{place}]{name}"));
        let Some(quantity) = part("[quantity]") else { break };
        let unit = part("[price_data][unit_amount]").unwrap();
        total += quantity.parse::<i64>().unwrap() * unit.parse::<i64>().unwrap();
        currency = part("[price_data][currency]").unwrap().to_owned();
        assert!(!part("[price_data][product_data][name]").unwrap().is_empty());
    }
    let id = format!("cs_test_{}", inside.sessions.len() + 1);
    let session = json!({
        "id": id, "object": "checkout.session", "url": format!("http://127.0.0.1:1/pay/{id}"), "status": "open",
        "payment_status": if setup { "no_payment_required" } else { "unpaid" }, "mode": field(&form, "mode"), "keeps": kept,
        "customer": null, "setup_intent": null, "client_reference_id": field(&form, "client_reference_id"),
        "amount_total": total, "currency": currency, "payment_intent": null,
        "customer_email": field(&form, "customer_email"), "success_url": field(&form, "success_url"),
    });
    inside.sessions.push(session.clone());
    keep(&mut inside, headers, &body, &session);
    Ok(Json(session))
}

fn of(all: &[Value], id: &str) -> Answer {
    let missing = || (StatusCode::NOT_FOUND, Json(json!({ "error": { "code": "resource_missing" } })));
    all.iter().find(|known| known["id"] == id).cloned().map(Json).ok_or_else(missing)
}

async fn find(State(inside): Shared, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    hold(&inside, "find").await;
    let mut inside = inside.lock().unwrap();
    admitted(&mut inside, &headers, "")?;
    of(&inside.sessions, &id)
}

async fn expire(State(inside): Shared, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    let mut inside = inside.lock().unwrap();
    admitted(&mut inside, &headers, "")?;
    for session in inside.sessions.iter_mut().filter(|known| known["id"] == id.as_str() && known["status"] == "open") {
        session["status"] = json!("expired");
        session["url"] = Value::Null;
    }
    of(&inside.sessions, &id)
}

async fn refund(State(inside): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    hold(&inside, "refund unseen").await;
    let answer = refunded(&inside, &headers, &body);
    hold(&inside, "refund").await;
    answer
}

fn refunded(inside: &Mutex<Inside>, headers: &HeaderMap, body: &Bytes) -> Answer {
    let mut inside = inside.lock().unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    if let Some(answer) = admitted(&mut inside, headers, &body)? {
        return Ok(Json(answer));
    }
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let refund = json!({
        "id": format!("re_{}", inside.refunds.len() + 1), "object": "refund", "status": inside.refund_status.clone(),
        "payment_intent": field(&form, "payment_intent"), "amount": field(&form, "amount").unwrap().parse::<i64>().unwrap(),
        "currency": "usd", "metadata": { "key": field(&form, "metadata[key]") },
    });
    inside.refunds.push(refund.clone());
    keep(&mut inside, headers, &body, &refund);
    Ok(Json(refund))
}

async fn find_refund(State(inside): Shared, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    let mut inside = inside.lock().unwrap();
    admitted(&mut inside, &headers, "")?;
    of(&inside.refunds, &id)
}

impl Checkout {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = Arc::new(Mutex::new(Inside { refund_status: "succeeded".to_owned(), ..Inside::default() }));
        let routes = Router::new()
            .route("/v1/checkout/sessions", post(begin))
            .route("/v1/checkout/sessions/{id}", get(find))
            .route("/v1/checkout/sessions/{id}/expire", post(expire))
            .route("/v1/refunds", post(refund).get(intents::refunds_of))
            .route("/v1/refunds/{id}", get(find_refund))
            .route("/v1/payment_intents", post(intents::charge).get(intents::list))
            .route("/v1/payment_intents/{id}", get(intents::find))
            .route("/v1/payment_methods/{id}/detach", post(intents::detach))
            .with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { port, inside }
    }

    /// What lets a provider take cards over it.
    pub fn settings(&self) -> Vec<(&'static str, &'static str)> {
        let leaked = |text: String| -> &'static str { text.leak() };
        vec![
            ("STEPGATE__OUTBOUND__ALLOW", leaked(format!("['127.0.0.1:{}']", self.port))),
            ("STEPGATE__SHOP__STRIPE_API", leaked(format!("http://127.0.0.1:{}", self.port))),
            ("STEPGATE__SHOP__STRIPE_SECRET_KEY", "sk_test_1"),
            ("STEPGATE__SHOP__STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ]
    }

    /// The pages so far.
    pub fn sessions(&self) -> Vec<Value> {
        self.inside.lock().unwrap().sessions.clone()
    }

    /// The refunds so far.
    pub fn refunds(&self) -> Vec<Value> {
        self.inside.lock().unwrap().refunds.clone()
    }

    /// Somebody pays on a page, so much.
    pub fn pay(&self, id: &str, amount: Option<i64>) {
        self.pay_with(id, "4242", amount);
    }

    /// Changes a page in other ways.
    pub fn change(&self, id: &str, member: &str, value: Value) {
        let mut inside = self.inside.lock().unwrap();
        inside.sessions.iter_mut().find(|known| known["id"] == id).unwrap()[member] = value;
    }

    /// From now on all is answered with this status; none: as usual.
    pub fn breaks(&self, status: Option<u16>) {
        self.inside.lock().unwrap().broken = status;
    }

    /// From now on answers to this call are held back; none: all go out.
    pub fn holds(&self, call: Option<&'static str>) {
        let mut inside = self.inside.lock().unwrap();
        (inside.held, inside.waiting) = (call, 0);
    }

    /// How many calls wait for their answer.
    pub fn waiting(&self) -> usize {
        self.inside.lock().unwrap().waiting
    }

    /// What becomes of refunds from now on, and of those that are there.
    pub fn refunds_are(&self, status: &str) {
        let mut inside = self.inside.lock().unwrap();
        inside.refund_status = status.to_owned();
        for refund in &mut inside.refunds {
            refund["status"] = json!(status);
        }
    }

    /// The message about a page, as Stripe would send it: its body.
    pub fn event(&self, event: &str, kind: &str, session: &str) -> String {
        let object = self.sessions().into_iter().find(|known| known["id"] == session).unwrap();
        json!({ "id": event, "object": "event", "type": kind, "data": { "object": object } }).to_string()
    }

    /// The header for a body.
    pub fn sign(secret: &str, at: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
        format!("t={at},v1={}", HEXLOWER.encode(tag.as_ref()))
    }

    /// Sends a message with this header to a node; how it was answered.
    pub async fn send(node: &str, header: &str, body: &str) -> u16 {
        let request = reqwest::Client::new().post(format!("{node}/callbacks/stripe"));
        let request = request.header("stripe-signature", header).body(body.to_owned());
        request.send().await.unwrap().status().as_u16()
    }

    /// Sends a message that is signed now.
    pub async fn tell(&self, node: &str, (event, kind): (&str, &str), session: &str) -> u16 {
        let body = self.event(event, kind, session);
        Self::send(node, &Self::sign(WEBHOOK_SECRET, now(), &body), &body).await
    }
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the tests' own clock: messages are signed with the time")]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
