//! What phones call: `/mobile/api/enrol`, `/poll`, `/answer`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::mobile_id::{
    self as protocol, AnswerMessage, Choice, EnrolMessage, MESSAGE_TYP, MessageError, PollMessage, REQUEST_TYP,
    RequestMessage,
};
use stepgate_core::id::DeviceId;
use stepgate_core::jose::{self, JwkSet, PublicKeys, SigningAlgorithm, VerifyRules};
use stepgate_core::secret::{constant_time_eq, sha256};
use stepgate_store::credentials;
use stepgate_store::mobile::{self, Answer, ChallengeState, MobileChallenge};

use super::enrol;
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/mobile/api/enrol", post(post_enrol))
        .route("/mobile/api/poll", post(post_poll))
        .route("/mobile/api/answer", post(post_answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    jws: String,
}

/// Why a phone's call is refused; the text says what the person can do.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the message cannot be verified: {0}")]
    Signature(#[from] jose::JoseError),
    #[error("{0}")]
    Message(#[from] MessageError),
    #[error("this code is unknown, used, or older than ten minutes: show a new one in the browser")]
    Code,
    #[error("this phone is not enrolled any more: enrol it again under Manage OTP")]
    Device,
    #[error("seq: a message with this or a higher number was seen before")]
    Replay,
    #[error("the service cannot answer now")]
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Signature(_) => (StatusCode::BAD_REQUEST, "bad_message"),
            Self::Message(MessageError::Audience) => (StatusCode::BAD_REQUEST, "bad_audience"),
            Self::Message(MessageError::Clock) => (StatusCode::BAD_REQUEST, "clock"),
            Self::Code => (StatusCode::BAD_REQUEST, "bad_code"),
            Self::Device => (StatusCode::UNAUTHORIZED, "unknown_device"),
            Self::Replay => (StatusCode::CONFLICT, "replay"),
            Self::Fault(fault) => {
                tracing::warn!(error = %fault, "a phone's call met a fault");
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
        };
        let retry = [(header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "2")];
        (status, retry, Json(json!({ "error": code, "description": self.to_string() }))).into_response()
    }
}

const ES256: &[SigningAlgorithm] = &[SigningAlgorithm::Es256];

async fn post_enrol(State(_): State<Arc<App>>, cx: Cx, Json(body): Json<Envelope>) -> Result<Response, Refusal> {
    let rules = VerifyRules::typ(ES256, &[MESSAGE_TYP]);
    let (message, key) = jose::verify_with_embedded_jwk::<EnrolMessage>(&body.jws, &rules)?;
    protocol::check(&message.aud, message.iat, cx.app.issuer(), cx.now)?;
    let enrolled = enrol::enrol(&cx, &message, &key).await?.ok_or(Refusal::Code)?;
    let keys = cx.app.keys();
    let server = keys.signer(SigningAlgorithm::Es256).map(|key| key.public_jwk().clone());
    Ok(fresh(&json!({
        "device": enrolled.device,
        "digits": enrolled.digits,
        "ecdh": enrolled.ecdh,
        "server_key": server,
        "name": cx.app.settings.server.name,
    })))
}

/// A message of an enrolled phone: the signature, the audience, the clock, and the sequence number, which is used up.
async fn read<M: DeserializeOwned + Common>(cx: &Cx, jws: &str) -> Result<(MobileDevice, M), Refusal> {
    let id: DeviceId = jose::unverified_kid(jws).and_then(|kid| kid.parse().ok()).ok_or(Refusal::Device)?;
    let device = mobile::find_device(&cx.app.db, id).await?.ok_or(Refusal::Device)?;
    let mut key: jose::Jwk = serde_json::from_str(&device.public_jwk).map_err(Fault::internal)?;
    key.kid = Some(device.id.to_string());
    let keys = PublicKeys::new(&JwkSet { keys: vec![key] });
    let message = jose::verify::<M>(jws, &keys, &VerifyRules::typ(ES256, &[MESSAGE_TYP]))?.claims;
    let (aud, iat, seq) = message.common();
    protocol::check(aud, iat, cx.app.issuer(), cx.now)?;
    if !mobile::advance_sequence(&cx.app.db, device.id, seq).await? {
        return Err(Refusal::Replay);
    }
    Ok((device, message))
}

trait Common {
    fn common(&self) -> (&str, i64, u64);
}

impl Common for PollMessage {
    fn common(&self) -> (&str, i64, u64) {
        (&self.aud, self.iat, self.seq)
    }
}

impl Common for AnswerMessage {
    fn common(&self) -> (&str, i64, u64) {
        (&self.aud, self.iat, self.seq)
    }
}

async fn post_poll(State(_): State<Arc<App>>, cx: Cx, Json(body): Json<Envelope>) -> Result<Response, Refusal> {
    let (device, _) = read::<PollMessage>(&cx, &body.jws).await?;
    if !device.active {
        return Ok(fresh(&json!({ "state": "unconfirmed", "request": null })));
    }
    let pending = mobile::find_pending_challenge(&cx.app.db, device.credential, cx.now).await?;
    let request = match pending {
        Some(pending) => Some(sign(&cx, &device, &pending)?),
        None => None,
    };
    Ok(fresh(&json!({ "state": "active", "request": request })))
}

fn sign(cx: &Cx, device: &MobileDevice, pending: &MobileChallenge) -> Result<String, Fault> {
    let text = |name: &str| pending.context.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let request = RequestMessage {
        iss: cx.app.issuer().to_owned(),
        aud: device.id,
        challenge: pending.id,
        nonce: pending.nonce.clone(),
        application: text("application"),
        place: text("place"),
        iat: pending.created_at.unix_seconds(),
        exp: pending.expires_at.unix_seconds(),
    };
    let keys = cx.app.keys();
    let key = keys.signer(SigningAlgorithm::Es256).ok_or_else(|| Fault::internal("there is no ES256 key"))?;
    key.sign(REQUEST_TYP, &request).map_err(Fault::internal)
}

async fn post_answer(State(_): State<Arc<App>>, cx: Cx, Json(body): Json<Envelope>) -> Result<Response, Refusal> {
    let (device, message) = read::<AnswerMessage>(&cx, &body.jws).await?;
    let over = || Ok(fresh(&json!({ "result": "over" })));
    let Some(challenge) = mobile::find_challenge(&cx.app.db, message.challenge).await? else { return over() };
    let ours = challenge.credential == device.credential && device.active;
    if !ours || !constant_time_eq(challenge.nonce.as_bytes(), message.nonce.as_bytes()) {
        return over();
    }
    let typed = sha256(message.number.as_deref().unwrap_or_default().as_bytes());
    let right = constant_time_eq(&challenge.number_hash, &typed);
    let (state, result) = match (message.decision, right) {
        (Choice::Approve, true) => (ChallengeState::Approved, "approved"),
        // One wrong number ends the request: with a million numbers, one try each is nothing to a guesser.
        (Choice::Approve, false) => (ChallengeState::Failed, "wrong_number"),
        (Choice::Deny, _) => (ChallengeState::Denied, "denied"),
        (Choice::NotMe, _) => (ChallengeState::NotMe, "denied"),
    };
    if state == ChallengeState::Approved || state == ChallengeState::Failed {
        // A locked, suspended or lapsed credential approves nothing; a wrong number counts as a failure.
        if credentials::reserve_try(&cx.app.db, device.credential, cx.now).await?.is_none() {
            return over();
        }
    }
    let answer = Answer { challenge: challenge.id, device: device.id, state, verified: false };
    if !mobile::answer_challenge(&cx.app.db.write, answer, cx.now).await? {
        return over();
    }
    let event = Event::new("mobile_id.answered").by(device.person);
    let event = event.data(json!({ "device": device.id, "result": state.as_str() }));
    audit::record(&cx, &cx.app.db.write, event).await?;
    Ok(fresh(&json!({ "result": result })))
}

fn fresh(body: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
