//! The calls of phones, one function each: the message, the use case, what is answered.

use serde_json::{Value, json};
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::mobile_id::{
    self as protocol, Act, AnswerMessage, Common, EnrolMessage, LeaveMessage, MESSAGE_TYP, PollMessage, PushMessage,
    REQUEST_TYP, RequestMessage, RotateMessage, VerifierMessage,
};
use stepgate_core::jose::{self, VerifyRules};
use stepgate_store::mobile::{self, MobileChallenge};

use super::answer::Said;
use super::api::{ES256, Refusal, read};
use super::devices::Revoker;
use super::{devices, signing};
use crate::cx::Cx;
use crate::fault::Fault;

/// A new phone introduces itself.
pub(super) async fn enrol(cx: &Cx, jws: &str) -> Result<Value, Refusal> {
    let rules = VerifyRules::typ(ES256, &[MESSAGE_TYP]);
    let (message, key) = jose::verify_with_embedded_jwk::<EnrolMessage>(jws, &rules).map_err(Refusal::Signature)?;
    let common = Common { aud: &message.aud, act: message.act, iat: message.iat };
    protocol::check(common, Act::Enrol, cx.app.issuer(), cx.now).map_err(Refusal::Message)?;
    let enrolled = super::enrol::enrol(cx, &message, &key).await?.ok_or(Refusal::Code)?;
    let verifier = enrolled.verifier.map(|(challenge, options)| json!({ "challenge": challenge, "options": options }));
    Ok(json!({
        "device": enrolled.device,
        "digits": enrolled.digits,
        "ecdh": enrolled.ecdh,
        "jwks": signing::public(cx)?,
        "verifier": verifier,
        "push_key": push_key(cx)?,
        "name": cx.app.settings.server.name,
    }))
}

/// It registers what verifies its user.
pub(super) async fn verifier(cx: &Cx, jws: &str) -> Result<Value, Refusal> {
    let (device, message) = read::<VerifierMessage>(cx, jws).await?;
    if super::verifier::finish(cx, &device, message.challenge, message.credential).await? {
        Ok(json!({ "result": "kept" }))
    } else {
        Err(Refusal::Verifier)
    }
}

/// It asks whether there is anything to answer.
pub(super) async fn poll(cx: &Cx, jws: &str) -> Result<Value, Refusal> {
    let (device, message) = read::<PollMessage>(cx, jws).await?;
    if !device.active {
        return Ok(json!({ "state": "unconfirmed", "request": null }));
    }
    let pending = mobile::find_pending_challenge(&cx.app.db, device.credential, cx.now).await?;
    let request = pending.map(|pending| sign(cx, &device, &pending, &message.knows)).transpose()?;
    Ok(json!({
        "state": "active",
        "request": request,
        "keys": signing::announcement(cx, device.id, &message.knows)?,
        "known": signing::is_known(cx, &message.knows)?,
        "push": push_key(cx)?.map(|key| json!({ "key": key, "subscribed": device.sealed_push.is_some() })),
        "rotate": cx.now.since(device.keyed_at) > protocol::KEY_LIFE,
        "credential": device.verifier.as_deref().and_then(credential_id),
        "label": device.label,
    }))
}

/// What pushes are signed with, where this deployment speaks to any push service.
fn push_key(cx: &Cx) -> Result<Option<String>, Fault> {
    if cx.app.settings.mobile.push_hosts.is_empty() { Ok(None) } else { signing::push_point(cx).map(Some) }
}

/// The id of the phone's own WebAuthn credential, so that the phone can ask for it by name.
fn credential_id(verifier: &str) -> Option<Value> {
    serde_json::from_str::<Value>(verifier).ok()?.pointer("/cred/cred_id").cloned()
}

fn sign(cx: &Cx, device: &MobileDevice, pending: &MobileChallenge, knows: &str) -> Result<String, Fault> {
    let text = |name: &str| pending.context.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let request = RequestMessage {
        iss: cx.app.issuer().to_owned(),
        aud: device.id,
        challenge: pending.id,
        nonce: pending.nonce.clone(),
        application: text("application"),
        purpose: text("purpose"),
        place: text("place"),
        iat: pending.created_at.unix_seconds(),
        exp: pending.expires_at.unix_seconds(),
    };
    signing::sign(cx, knows, REQUEST_TYP, &request)
}

/// It answers.
pub(super) async fn answer(cx: &Cx, jws: &str) -> Result<Value, Refusal> {
    let (device, message) = read::<AnswerMessage>(cx, jws).await?;
    let result = match super::answer::answer(cx, &device, &message).await? {
        Said::Approved => "approved",
        Said::Denied => "denied",
        Said::WrongNumber => "wrong_number",
        Said::Over => "over",
        Said::Unverified => return Err(Refusal::Unverified),
        Said::Copied => return Err(Refusal::Suspended),
    };
    Ok(json!({ "result": result }))
}

/// It says where it can be woken up.
pub(super) async fn push(cx: &Cx, jws: &str) -> Result<Value, Refusal> {
    let (device, message) = read::<PushMessage>(cx, jws).await?;
    if !device.active {
        return Err(Refusal::Unconfirmed);
    }
    let kept = super::push::subscribe(cx, &device, message.subscription.as_ref()).await?;
    kept.map_err(Refusal::Subscription)?;
    Ok(json!({ "result": if message.subscription.is_some() { "subscribed" } else { "unsubscribed" } }))
}

/// It announces new keys.
pub(super) async fn rotate(cx: &Cx, jws: &str) -> Result<Value, Refusal> {
    let (device, message) = read::<RotateMessage>(cx, jws).await?;
    if !device.active {
        return Err(Refusal::Unconfirmed);
    }
    let ecdh = devices::rotate(cx, &device, &message).await?.ok_or(Refusal::Proof)?;
    Ok(json!({ "ecdh": ecdh }))
}

/// It gives itself up.
pub(super) async fn leave(cx: &Cx, jws: &str) -> Result<Value, Refusal> {
    let (device, _) = read::<LeaveMessage>(cx, jws).await?;
    devices::revoke(cx, &device, Revoker::Device).await?;
    Ok(json!({ "result": "removed" }))
}
