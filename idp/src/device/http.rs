//! `POST /device_authorization` for devices (RFC 8628 §3.1), `/device` for people (§3.3).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use stepgate_core::authorize::{DeviceRequest, UserCode};
use stepgate_core::oidc::params::RawDeviceAuthorization;
use stepgate_core::oidc::{ErrorCode, OAuthError};

use super::Typed;
use crate::app::App;
use crate::client_auth;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::oauth_error::ProtocolFailure;
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::login::Parked;
use crate::pages::device::{DevicePage, DeviceView, Ended};
use crate::pages::{self, Layout};
use crate::token::http::form;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/device_authorization", post(post_authorization))
        .route("/device", get(get_device).post(post_device))
}

async fn post_authorization(cx: Cx, headers: HeaderMap, body: Bytes) -> Result<Response, ProtocolFailure> {
    let raw = RawDeviceAuthorization::from(&form(&headers, &body)?);
    let client = client_auth::authenticate(&cx, &headers, &raw.client).await?;
    let request = DeviceRequest::validate(&raw, &client.client, &cx.app.scopes)?;
    if client.client.is_public() && super::asked_too_often(&cx).await? {
        let text = "too many devices ask from this address: try again in ten minutes";
        return Err(OAuthError::new(ErrorCode::SlowDown, text).into());
    }
    let begun = super::begin(&cx, &request).await?;
    let page = cx.app.url("/device");
    let answer = json!({
        "device_code": begun.device_code,
        "user_code": begun.user_code.to_string(),
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={}", begun.user_code),
        "expires_in": cx.app.settings.device.code_seconds,
        "interval": cx.app.settings.device.interval_seconds,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// What the page's address may carry: a code to begin with, or how it ended.
#[derive(Deserialize)]
struct Carried {
    #[serde(default)]
    user_code: String,
    #[serde(default)]
    done: String,
}

/// The code of the address only fills the field: the person looks whether the device shows it (RFC 8628 §3.3.1).
async fn get_device(cx: Cx, browser: Browser, Query(carried): Query<Carried>) -> Response {
    let view = match carried.done.as_str() {
        "allowed" => DeviceView::Ended(Ended::Allowed),
        "refused" => DeviceView::Ended(Ended::Refused),
        "over" => DeviceView::Ended(Ended::Over),
        _ => DeviceView::Ask {
            code: UserCode::parse(&carried.user_code).map(|code| code.to_string()).unwrap_or_default(),
            error: None,
        },
    };
    with_browser(&cx, &browser, page(&cx, &browser, StatusCode::OK, view))
}

fn page(cx: &Cx, browser: &Browser, status: StatusCode, view: DeviceView) -> Response {
    let layout = Layout::plain("Connect a device", cx.app.demo);
    pages::respond(status, &DevicePage { layout, csrf: browser.csrf(&cx.app), view })
}

async fn post_device(form: Form) -> Response {
    let cx = form.cx.clone();
    typed(&cx, &form).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn typed(cx: &Cx, form: &Form) -> Result<Response, PageFailure> {
    let typed = form.get("user_code");
    let again = |status: StatusCode, text: &str| {
        let shown = typed.chars().take(16).collect();
        page(cx, &form.browser, status, DeviceView::Ask { code: shown, error: Some(text.to_owned()) })
    };
    match super::look_up(cx, form.browser.token(), typed).await? {
        Typed::Begun(interaction) => {
            let parked = Parked::begin(cx, form.browser.token(), *interaction).await?;
            Ok(see_other(&parked.path()))
        }
        Typed::Unknown => {
            let text = "No device shows that code now. Compare it letter by letter; if it took long, the device has a \
                        new one.";
            Ok(again(StatusCode::OK, text))
        }
        Typed::Capped => {
            let text = "Too many codes were tried from here. Wait ten minutes, then try again.";
            let mut response = again(StatusCode::TOO_MANY_REQUESTS, text);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(super::WINDOW.as_secs()));
            Ok(response)
        }
    }
}
