//! What phones call, `/mobile/api/…`: parse, verify, one use case, its outcome as JSON.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::mobile_id::{self as protocol, Lagging, MESSAGE_TYP, Message, MessageError};
use stepgate_core::id::DeviceId;
use stepgate_core::jose::{self, JoseError, JwkSet, PublicKeys, SigningAlgorithm, VerifyRules};
use stepgate_core::time::Timestamp;
use stepgate_store::mobile;

use super::{calls, devices, push};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;

/// A handler: the message out of the envelope, one call, its outcome as JSON with the server's time.
macro_rules! call {
    ($call:path) => {
        post(async |cx: Cx, Json(body): Json<Envelope>| respond(&cx, $call(&cx, &body.jws).await))
    };
}

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/mobile/api/enrol", call!(calls::enrol))
        .route("/mobile/api/verifier", call!(calls::verifier))
        .route("/mobile/api/poll", call!(calls::poll))
        .route("/mobile/api/answer", call!(calls::answer))
        .route("/mobile/api/push", call!(calls::push))
        .route("/mobile/api/rotate", call!(calls::rotate))
        .route("/mobile/api/leave", call!(calls::leave))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    jws: String,
}

/// Why a phone's call is refused; the text says what the person can do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the message cannot be verified: {0}")]
    Signature(#[from] JoseError),
    #[error("{0}")]
    Message(#[from] MessageError),
    #[error("this code is unknown, used, or older than ten minutes: show a new one in the browser")]
    Code,
    #[error("this phone is not enrolled any more: enrol it again under Manage OTP")]
    Device,
    #[error("there seem to be two phones with this key, so neither counts: remove it under Manage OTP, enrol it again")]
    Suspended,
    #[error("the browser has not confirmed this phone yet: type the digits there")]
    Unconfirmed,
    #[error("seq: a message with this or a higher number was seen before")]
    Replay,
    #[error("the approval does not show that this phone verified its user: unlock it and approve again")]
    Unverified,
    #[error("credential: not made for this enrolment, without user verification, or too late")]
    Verifier,
    #[error("proof: not signed by the new key for this phone")]
    Proof,
    #[error("{0}")]
    Subscription(push::Unwanted),
    #[error("the service cannot answer now")]
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl Refusal {
    const fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Signature(_) => (StatusCode::BAD_REQUEST, "bad_message"),
            Self::Message(MessageError::Audience) => (StatusCode::BAD_REQUEST, "bad_audience"),
            Self::Message(MessageError::Act) => (StatusCode::BAD_REQUEST, "bad_act"),
            Self::Message(MessageError::Clock) => (StatusCode::BAD_REQUEST, "clock"),
            Self::Code => (StatusCode::BAD_REQUEST, "bad_code"),
            Self::Verifier => (StatusCode::BAD_REQUEST, "bad_verifier"),
            Self::Proof => (StatusCode::BAD_REQUEST, "bad_proof"),
            Self::Subscription(_) => (StatusCode::BAD_REQUEST, "bad_subscription"),
            Self::Device => (StatusCode::UNAUTHORIZED, "unknown_device"),
            Self::Suspended => (StatusCode::FORBIDDEN, "suspended"),
            Self::Unconfirmed => (StatusCode::FORBIDDEN, "unconfirmed"),
            Self::Unverified => (StatusCode::FORBIDDEN, "verification_needed"),
            Self::Replay => (StatusCode::CONFLICT, "replay"),
            Self::Fault(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        }
    }
}

/// Every answer says what time it is here, so that a phone can tell that its clock is wrong.
fn respond(cx: &Cx, outcome: Result<Value, Refusal>) -> Response {
    let (status, mut body) = match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => {
            if let Refusal::Fault(fault) = &refusal {
                tracing::warn!(error = %fault, "a phone's call met a fault");
            }
            let (status, code) = refusal.code();
            (status, json!({ "error": code, "description": refusal.to_string() }))
        }
    };
    if let Some(members) = body.as_object_mut() {
        members.insert("now".to_owned(), json!(cx.now.unix_seconds()));
    }
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

/// What phones sign with.
pub(super) const ES256: &[SigningAlgorithm] = &[SigningAlgorithm::Es256];

/// A message of an enrolled phone: by its key, for this call, of now, with a number above all before, which is used up.
pub(super) async fn read<M: DeserializeOwned + Message>(cx: &Cx, jws: &str) -> Result<(MobileDevice, M), Refusal> {
    let id: DeviceId = jose::unverified_kid(jws).and_then(|kid| kid.parse().ok()).ok_or(Refusal::Device)?;
    let device = mobile::find_device(&cx.app.db, id).await?.ok_or(Refusal::Device)?;
    if device.suspended_at.is_some() {
        return Err(Refusal::Suspended);
    }
    let (device, message) = verified::<M>(cx, jws, device).await?;
    let (common, seq) = message.common();
    protocol::check(common, M::ACT, cx.app.issuer(), cx.now).map_err(Refusal::Message)?;
    let made_at = Timestamp::from_unix_seconds(common.iat);
    if mobile::advance_sequence(&cx.app.db, device.id, (seq, made_at), cx.now).await? {
        return Ok((device, message));
    }
    let Some(last) = mobile::find_device(&cx.app.db, id).await? else { return Err(Refusal::Device) };
    if seq <= last.sequence && protocol::judge_lagging(common.iat, last.message_at) == Lagging::Clone {
        devices::suspend(cx, &last, "two of it send messages").await?;
        return Err(Refusal::Suspended);
    }
    Err(if last.suspended_at.is_some() { Refusal::Suspended } else { Refusal::Replay })
}

/// By its key; or by the one that it announced, which takes over with this very message: the old one is dead from now on.
async fn verified<M: DeserializeOwned + Message>(
    cx: &Cx,
    jws: &str,
    device: MobileDevice,
) -> Result<(MobileDevice, M), Refusal> {
    let rules = VerifyRules::typ(ES256, &[MESSAGE_TYP]);
    let error = match jose::verify::<M>(jws, &key(&device.public_jwk, device.id)?, &rules) {
        Ok(message) => return Ok((device, message.claims)),
        Err(error) => error,
    };
    let next = device.next.as_ref().filter(|_| error == JoseError::Signature);
    let message = match next {
        Some(next) => jose::verify::<M>(jws, &key(&next.public_jwk, device.id)?, &rules).ok().zip(Some(next)),
        None => None,
    };
    let Some((message, next)) = message else {
        if error == JoseError::Signature && signed_with_the_previous::<M>(jws, &device)? {
            devices::suspend(cx, &device, "its former key was used after it got a new one").await?;
            return Err(Refusal::Suspended);
        }
        return Err(Refusal::Signature(error));
    };
    mobile::promote_keys(&cx.app.db.write, device.id, &next.public_jwk, cx.now).await?;
    let device = mobile::find_device(&cx.app.db, device.id).await?.ok_or(Refusal::Device)?;
    Ok((device, message.claims))
}

/// Whether a message was made with the key before, later than the new one took over: the phone itself would not.
fn signed_with_the_previous<M: DeserializeOwned + Message>(jws: &str, device: &MobileDevice) -> Result<bool, Fault> {
    let Some(previous) = &device.previous_jwk else { return Ok(false) };
    let rules = VerifyRules::typ(ES256, &[MESSAGE_TYP]);
    let message = jose::verify::<M>(jws, &key(previous, device.id)?, &rules);
    Ok(message.is_ok_and(|message| message.claims.common().0.iat > device.keyed_at.unix_seconds()))
}

fn key(public_jwk: &str, device: DeviceId) -> Result<PublicKeys, Fault> {
    let mut key: jose::Jwk = serde_json::from_str(public_jwk).map_err(Fault::internal)?;
    key.kid = Some(device.to_string());
    Ok(PublicKeys::new(&JwkSet { keys: vec![key] }))
}
