//! `POST /callbacks/twilio/voice`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use stepgate_core::id::MessageId;

use super::{KeyPressed, speech};
use crate::app::App;
use crate::cx::Cx;
use crate::outbound::twilio::callback;
use crate::phones::settings::ProviderKind;

/// A callback is a form of some 20 short fields.
const LONGEST: usize = 8 * 1024;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    let route = post(post_key_pressed).layer(DefaultBodyLimit::max(LONGEST));
    Router::new().route(callback::PATH, route)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    message: MessageId,
}

async fn post_key_pressed(cx: Cx, Query(address): Query<Address>, headers: HeaderMap, body: Bytes) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok()).unwrap_or("");
    // What was signed is the address that we gave, whatever a proxy made of it on the way.
    let url = callback::resume_at(cx.app.issuer(), address.message);
    let signed = cx.app.settings.phone.providers.iter().any(|provider| match &provider.kind {
        ProviderKind::Twilio(account) => {
            account.account.account_sid == field("AccountSid")
                && account.signing_key().is_some_and(|key| callback::is_signed(key, &url, &form, signature))
        }
        _ => false,
    });
    if !signed {
        return StatusCode::FORBIDDEN.into_response();
    }
    let pressed = KeyPressed { message: address.message, to: field("To"), digits: field("Digits") };
    match speech(&cx, &pressed).await {
        Ok(speech) => {
            let document = callback::say_and_hang_up(speech.as_ref());
            let headers = [(header::CONTENT_TYPE, "text/xml"), (header::CACHE_CONTROL, "no-store")];
            (headers, document.expose().clone()).into_response()
        }
        Err(fault) => {
            tracing::error!(error = %fault, "a call could not be answered");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
