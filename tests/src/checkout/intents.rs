//! Cards on file, payment intents without the person, and what became of the money of one. A card's last digits say what its
//! bank does: `0341` is declined, `3184` wants a confirmation, all others pay.

use axum::extract::Query;
use axum::http::Uri;

use super::*;

fn card(last4: &str, number: usize) -> Value {
    json!({
        "id": format!("pm_{last4}_{number}"), "object": "payment_method",
        "card": { "brand": "visa", "last4": last4, "exp_month": 12, "exp_year": 2099 },
    })
}

fn error(status: u16, code: &str) -> (u16, Value) {
    let kind = if status == 402 { "card_error" } else { "invalid_request_error" };
    (status, json!({ "error": { "type": kind, "code": code } }))
}

pub(super) async fn charge(State(inside): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    let answer = charged(&inside, &headers, &body);
    hold(&inside, "charge").await;
    answer
}

fn charged(inside: &Mutex<Inside>, headers: &HeaderMap, body: &Bytes) -> Answer {
    let mut inside = inside.lock().unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    if let Some(answer) = admitted(&mut inside, headers, &body)? {
        return Ok(Json(answer));
    }
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let get = |name: &str| field(&form, name).unwrap_or_else(|| panic!("no {name}: {body}"));
    assert_eq!((get("confirm"), get("off_session")), ("true", "true"));
    let method = get("payment_method");
    let refused = if inside.detached.iter().any(|gone| gone == method) {
        Some(error(400, "resource_missing"))
    } else if let Some(code) = inside.bank {
        Some(error(402, code))
    } else if method.starts_with("pm_0341") {
        Some(error(402, "card_declined"))
    } else if method.starts_with("pm_3184") {
        Some(error(402, "authentication_required"))
    } else {
        None
    };
    let amount: i64 = get("amount").parse().unwrap();
    let id = format!("pi_{}", inside.intents.len() + 1);
    let mut intent = json!({
        "id": id, "object": "payment_intent", "status": "succeeded", "amount": amount, "amount_received": amount,
        "currency": get("currency"), "customer": get("customer"), "payment_method": method, "off_session": true,
        "latest_charge": { "id": format!("ch_{id}"), "disputed": false }, "last_payment_error": null,
        "metadata": {
            "order": get("metadata[order]"), "order_id": get("metadata[order_id]"), "key": get("metadata[key]"),
        },
    });
    if let Some((status, mut answer)) = refused {
        intent["status"] = json!("requires_payment_method");
        intent["amount_received"] = json!(0);
        intent["last_payment_error"] = answer["error"].clone();
        answer["error"]["payment_intent"] = intent.clone();
        inside.intents.push(intent);
        keep_as(&mut inside, headers, &body, (status, &answer));
        return Err((StatusCode::from_u16(status).unwrap(), Json(answer)));
    }
    inside.intents.push(intent.clone());
    keep(&mut inside, headers, &body, &intent);
    Ok(Json(intent))
}

fn listed(all: Vec<Value>) -> Answer {
    Ok(Json(json!({ "object": "list", "data": all, "has_more": false })))
}

pub(super) async fn list(
    State(inside): Shared,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let mut inside = inside.lock().unwrap();
    admitted(&mut inside, &headers, "")?;
    let of = |intent: &&Value| intent["customer"] == query["customer"].as_str();
    listed(inside.intents.iter().filter(of).rev().cloned().collect())
}

pub(super) async fn find(State(inside): Shared, headers: HeaderMap, Path(id): Path<String>, uri: Uri) -> Answer {
    let mut inside = inside.lock().unwrap();
    admitted(&mut inside, &headers, "")?;
    assert!(uri.query().is_some_and(|query| query.contains("latest_charge")), "{uri}");
    of(&inside.intents, &id)
}

pub(super) async fn refunds_of(
    State(inside): Shared,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let mut inside = inside.lock().unwrap();
    admitted(&mut inside, &headers, "")?;
    let of = |refund: &&Value| refund["payment_intent"] == query["payment_intent"].as_str();
    listed(inside.refunds.iter().filter(of).cloned().collect())
}

pub(super) async fn detach(State(inside): Shared, headers: HeaderMap, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut inside = inside.lock().unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    if let Some(answer) = admitted(&mut inside, &headers, &body)? {
        return Ok(Json(answer));
    }
    inside.detached.push(id.clone());
    let answer = json!({ "id": id, "object": "payment_method", "customer": null });
    keep(&mut inside, &headers, &body, &answer);
    Ok(Json(answer))
}

impl Checkout {
    /// Somebody pays on a page, with this card, so much.
    pub fn pay_with(&self, id: &str, last4: &str, amount: Option<i64>) {
        let mut inside = self.inside.lock().unwrap();
        let number = inside.keys.len();
        let session = inside.sessions.iter_mut().find(|known| known["id"] == id).unwrap();
        session["status"] = json!("complete");
        session["payment_status"] = json!("paid");
        session["url"] = Value::Null;
        if let Some(amount) = amount {
            session["amount_total"] = json!(amount);
        }
        if session["keeps"] == true {
            session["customer"] = json!(format!("cus_{id}"));
        }
        let intent = json!({
            "id": format!("pi_{id}"), "object": "payment_intent", "status": "succeeded", "metadata": {},
            "amount": session["amount_total"], "currency": session["currency"], "customer": session["customer"],
            "payment_method": card(last4, number), "latest_charge": { "id": format!("ch_{id}"), "disputed": false },
        });
        session["payment_intent"] = intent.clone();
        inside.intents.push(intent);
    }

    /// Somebody gives a card on a page, without buying.
    pub fn give_card(&self, id: &str, last4: &str) {
        let mut inside = self.inside.lock().unwrap();
        let number = inside.keys.len();
        let session = inside.sessions.iter_mut().find(|known| known["id"] == id).unwrap();
        assert_eq!(session["mode"], "setup");
        session["status"] = json!("complete");
        session["url"] = Value::Null;
        session["customer"] = json!(format!("cus_{id}"));
        session["setup_intent"] = json!({ "id": format!("seti_{id}"), "payment_method": card(last4, number) });
    }

    /// What was charged without the person, and came.
    pub fn charges(&self) -> Vec<Value> {
        let inside = self.inside.lock().unwrap();
        let came = |intent: &&Value| intent["off_session"] == true && intent["status"] == "succeeded";
        inside.intents.iter().filter(came).cloned().collect()
    }

    /// How often a charge without the person was tried, in vain or not.
    pub fn tries(&self) -> usize {
        self.inside.lock().unwrap().intents.iter().filter(|intent| intent["off_session"] == true).count()
    }

    /// The cards that were taken away.
    pub fn detached(&self) -> Vec<String> {
        self.inside.lock().unwrap().detached.clone()
    }

    /// From now on the bank says this to every charge without the person; none: as the card's digits say.
    pub fn bank_says(&self, code: Option<&'static str>) {
        self.inside.lock().unwrap().bank = code;
    }

    /// A day went by: no idempotency key is known any more.
    pub fn forgets_keys(&self) {
        self.inside.lock().unwrap().keys.clear();
    }

    /// Somebody gives money of a payment back on Stripe's own pages.
    pub fn refund_by_hand(&self, payment: &str, amount: i64) {
        let mut inside = self.inside.lock().unwrap();
        let id = format!("re_{}", inside.refunds.len() + 1);
        inside.refunds.push(json!({
            "id": id, "object": "refund", "status": "succeeded", "payment_intent": payment, "amount": amount,
            "currency": "usd", "metadata": {},
        }));
    }

    /// The cardholder disputes a payment.
    pub fn dispute(&self, payment: &str) {
        let mut inside = self.inside.lock().unwrap();
        let intent = inside.intents.iter_mut().find(|known| known["id"] == payment).unwrap();
        intent["latest_charge"]["disputed"] = json!(true);
    }

    /// Sends a signed message about a payment's money.
    pub async fn tell_money(&self, node: &str, (event, kind): (&str, &str), payment: &str) -> u16 {
        let object = json!({ "id": "x_1", "payment_intent": payment });
        let body = json!({ "id": event, "object": "event", "type": kind, "data": { "object": object } }).to_string();
        Self::send(node, &Self::sign(WEBHOOK_SECRET, now(), &body), &body).await
    }
}
