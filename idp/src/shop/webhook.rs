//! `POST /callbacks/stripe`: Stripe says that something happened. Believed for its signature, and then only as a hint:
//! what happened is read anew. So the order in which messages come, and how often, does not matter.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::Deserialize;
use stepgate_core::id::{CardSetupId, OrderId};
use stepgate_core::secret::SecretString;
use stepgate_core::subscriptions::order::Order;
use stepgate_store::{desk, ephemeral, orders};

use super::cards::{self, Given};
use super::pay::{self, Seen};
use super::refund;
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::stripe::signature::{self, PATH};

const LONGEST: usize = 256 * 1024;
const PROVIDER: &str = "stripe";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, post(post_stripe).layer(DefaultBodyLimit::max(LONGEST)))
}

#[derive(Deserialize)]
struct StripeEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
    #[serde(default)]
    client_reference_id: Option<String>,
    #[serde(default)]
    payment_intent: serde_json::Value,
}

async fn post_stripe(cx: Cx, headers: HeaderMap, body: Bytes) -> StatusCode {
    let secret = &cx.app.settings.shop.stripe_webhook_secret;
    if secret.is_empty() {
        return StatusCode::NOT_FOUND;
    }
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or("");
    if let Err(error) = signature::verify(&SecretString::new(secret.clone()), header, &body, cx.now) {
        tracing::warn!(%error, "a message that claims to come from Stripe is not believed");
        return StatusCode::BAD_REQUEST;
    }
    let Ok(event) = serde_json::from_slice::<StripeEvent>(&body) else {
        // Signed, and of a form that we do not know: to send it again would not help.
        return StatusCode::OK;
    };
    match heard(&cx, &event).await {
        Ok(true) => StatusCode::OK,
        Ok(false) => StatusCode::SERVICE_UNAVAILABLE,
        Err(fault) => {
            tracing::error!(error = %fault, "what Stripe told could not be noted");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Does what follows; `false` when the message is to be sent again. It is noted as heard only after that, so that a node
/// which dies in between hears it again.
async fn heard(cx: &Cx, event: &StripeEvent) -> Result<bool, Fault> {
    if desk::was_heard(&cx.app.db, PROVIDER, &event.id).await? {
        return Ok(true);
    }
    match event.kind.as_str() {
        kind if kind.starts_with("checkout.session.") => looked_at(cx, event).await,
        kind if MONEY_BACK.iter().any(|known| kind.starts_with(known)) => money_back(cx, event).await,
        _ => Ok(true),
    }
}

/// What Stripe tells when money goes back, is to go back, or did not.
const MONEY_BACK: [&str; 3] = ["charge.refund", "refund.", "charge.dispute."];

/// What somebody did at Stripe, and what became of what we asked for: read anew. Finance decides what follows from the
/// former.
async fn money_back(cx: &Cx, event: &StripeEvent) -> Result<bool, Fault> {
    let object = &event.data.object;
    let payment = object.payment_intent.as_str().or_else(|| object.payment_intent.get("id")?.as_str());
    let Some(payment) = payment else { return Ok(true) };
    if let Some(order) = of_payment(cx, payment).await?
        && !refund::look(cx, &order).await?
    {
        return Ok(false);
    }
    orders::insert_payment_event(&cx.app.db.write, (PROVIDER, &event.id), cx.now).await?;
    Ok(true)
}

/// For so long a payment is remembered of which we hear before we hear that it is ours.
const EARLY_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
const EARLY: &str = "told early of a payment";

/// The order of a payment. One that nobody knows yet may be ours, or of somebody else who shares the account: it is
/// remembered first and looked for once more, so that whoever notes the payment at this moment sees one or the other.
async fn of_payment(cx: &Cx, payment: &str) -> Result<Option<Order>, Fault> {
    if let Some(order) = desk::find_order_of_payment(&cx.app.db, payment).await? {
        return Ok(Some(order));
    }
    ephemeral::put_value(&cx.app.db, (EARLY, payment), "", cx.now + EARLY_KEPT).await?;
    Ok(desk::find_order_of_payment(&cx.app.db, payment).await?)
}

/// Whether something was told about a payment before it was known whose it is.
///
/// # Errors
/// The store.
pub(super) async fn was_told_early(cx: &Cx, payment: &str) -> Result<bool, Fault> {
    Ok(ephemeral::find_value(&cx.app.db, EARLY, payment, cx.now).await?.is_some())
}

async fn looked_at(cx: &Cx, event: &StripeEvent) -> Result<bool, Fault> {
    // A page of somebody else who shares the account is none of ours.
    if let Some(order) = order_of(cx, &event.data.object).await? {
        let session = &event.data.object.id;
        match pay::look(cx, &order, session).await? {
            Seen::Unavailable => return Ok(false),
            Seen::Paid | Seen::Open(_) => {
                orders::set_checkout(&cx.app.db, order.id, session).await?;
            }
            Seen::Nothing | Seen::Wrong => {}
        }
    } else if let Some(setup) = named::<CardSetupId>(&event.data.object)
        && cards::look_at(cx, (setup, &event.data.object.id)).await? == Given::Unavailable
    {
        return Ok(false);
    }
    orders::insert_payment_event(&cx.app.db.write, (PROVIDER, &event.id), cx.now).await?;
    Ok(true)
}

/// The order of a page: as we noted it, or, where a node died before it noted it, as the page names it.
async fn order_of(cx: &Cx, session: &Object) -> Result<Option<Order>, Fault> {
    if let Some(order) = orders::find_order_of_checkout(&cx.app.db, &session.id).await? {
        return Ok(Some(order));
    }
    match named::<OrderId>(session) {
        Some(id) => Ok(orders::find_order(&cx.app.db, id).await?),
        None => Ok(None),
    }
}

/// What the page says that it is about.
fn named<T: std::str::FromStr>(session: &Object) -> Option<T> {
    session.client_reference_id.as_deref().and_then(|id| id.parse().ok())
}
