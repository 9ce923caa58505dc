//! `POST /callbacks/twilio/status` and `/callbacks/vonage/status`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use serde::Deserialize;
use stepgate_core::id::DeliveryId;
use stepgate_store::deliveries::{DeliveryState, ReceiptOutcome};
use stepgate_store::ephemeral::put_new;

use super::receipts::note;
use super::settings::ProviderKind;
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::twilio::callback;
use crate::outbound::vonage::webhook;
use crate::outbound::{Receipt, ReceiptedMessage};

const LONGEST: usize = 16 * 1024;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    let limited = |route: axum::routing::MethodRouter<Arc<App>>| route.layer(DefaultBodyLimit::max(LONGEST));
    Router::new()
        .route(callback::STATUS_PATH, limited(post(post_twilio)))
        .route(webhook::STATUS_PATH, limited(post(post_vonage)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    delivery: DeliveryId,
}

/// Out of order or repeated is fine: it was heard, and changed nothing. What names no message of ours is not.
fn answer(noted: Result<ReceiptOutcome, Fault>) -> StatusCode {
    match noted {
        Ok(ReceiptOutcome::Moved | ReceiptOutcome::Stale) => StatusCode::NO_CONTENT,
        Ok(ReceiptOutcome::Unknown) => StatusCode::NOT_FOUND,
        Err(fault) => {
            tracing::error!(error = %fault, "a receipt could not be noted");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

fn forged(kind: &'static str) -> StatusCode {
    tracing::warn!(kind, "a receipt was not signed by the provider that it claims to come from");
    StatusCode::FORBIDDEN
}

async fn post_twilio(cx: Cx, Query(address): Query<Address>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok()).unwrap_or("");
    // What was signed is the address that we gave, whatever a proxy made of it on the way.
    let url = callback::status_at(cx.app.issuer(), address.delivery);
    let signer = cx.app.settings.phone.providers.iter().find(|provider| match &provider.kind {
        ProviderKind::Twilio(account) => {
            account.account.account_sid == field("AccountSid")
                && account.signing_key().is_some_and(|key| callback::is_signed(key, &url, &form, signature))
        }
        _ => false,
    });
    let Some(provider) = signer else { return forged("twilio") };
    let (sid, status) = match field("MessageSid") {
        "" => (field("CallSid"), field("CallStatus")),
        sid => (sid, field("MessageStatus")),
    };
    let state = match status {
        "delivered" | "read" | "completed" => DeliveryState::Delivered,
        "failed" | "undelivered" | "canceled" | "busy" | "no-answer" => DeliveryState::Failed,
        // On its way: nothing that we do not know.
        _ => return StatusCode::NO_CONTENT,
    };
    let receipt = Receipt {
        provider: provider.name().to_owned(),
        message: ReceiptedMessage::Both(address.delivery, sid.to_owned()),
        state,
        reason: field("ErrorCode").parse().ok(),
    };
    answer(note(&cx, &receipt).await)
}

async fn post_vonage(cx: Cx, Query(address): Query<Address>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let token = token.strip_prefix("Bearer ").unwrap_or("");
    let vouched = cx.app.settings.phone.providers.iter().find_map(|provider| match &provider.kind {
        ProviderKind::Vonage(account) => {
            let secret = account.signature_secret.as_deref()?;
            let id = webhook::vouched(token, (&account.api_key, secret), &body, cx.now)?;
            Some((provider.name().to_owned(), id))
        }
        _ => None,
    });
    let Some((provider, token_id)) = vouched else { return forged("vonage") };
    // Each token speaks once. One that comes again is a replay.
    let until = cx.now + webhook::TOLERANCE * 2;
    match put_new(&cx.app.db, "vonage jti", &format!("{provider} {token_id}"), until, cx.now).await {
        Ok(true) => {}
        Ok(false) => return StatusCode::CONFLICT,
        Err(error) => return answer(Err(error.into())),
    }
    let Ok(status) = serde_json::from_slice::<webhook::Status>(&body) else { return StatusCode::BAD_REQUEST };
    let Some((state, reason)) = status.state() else { return StatusCode::NO_CONTENT };
    let message = ReceiptedMessage::Both(address.delivery, status.message_uuid);
    answer(note(&cx, &Receipt { provider, message, state, reason }).await)
}
