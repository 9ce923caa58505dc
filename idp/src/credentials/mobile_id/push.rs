//! Waking phones up: by Web Push, from the outbox. A push says that there is something to ask for and nothing else;
//! whoever reads or drops it gains nothing, and a phone without one asks by itself.

use std::sync::Arc;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use stepgate_core::credentials::MobileDevice;
use stepgate_core::credentials::web_push::{self, Subscription, SubscriptionError, TIME_TO_LIVE};
use stepgate_core::id::{ChallengeId, DeviceId};
use stepgate_store::outbox::Leased;
use stepgate_store::{Connection, mobile, outbox as store};

use super::signing;
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::fetch::{FetchError, FetchRequest};
use crate::outbox;

/// Purpose of a sealed subscription.
const SEAL: &str = "mobile push";
/// The kind of these messages in the outbox.
const KIND: &str = "push";
/// How many pushes a node sends at a time.
const AT_ONCE: u32 = 20;
/// All that a push says.
const PAYLOAD: &[u8] = br#"{"t":"poll"}"#;

/// Why a subscription is not taken; the text goes to the phone.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwanted {
    /// By its form, or by its host.
    #[error(transparent)]
    Form(#[from] SubscriptionError),
    /// Its address leads to where we do not go.
    #[error("endpoint: {0}")]
    Address(#[from] FetchError),
}

/// Keeps where a phone can be woken up, once it is clear that we would go there.
pub(super) async fn subscribe(
    cx: &Cx,
    device: &MobileDevice,
    subscription: Option<&Subscription>,
) -> Result<Result<(), Unwanted>, Fault> {
    let sealed = match subscription {
        None => None,
        Some(subscription) => {
            let url = match subscription.check(&cx.app.settings.mobile.push_hosts) {
                Ok(url) => url,
                Err(error) => return Ok(Err(error.into())),
            };
            if let Err(error) = cx.app.outbound.fetcher.check(&url).await {
                return Ok(Err(error.into()));
            }
            let plain = serde_json::to_vec(subscription).map_err(Fault::internal)?;
            Some(cx.app.secrets.sealing.seal(cx.entropy(), SEAL, &device.id.to_string(), &plain)?)
        }
    };
    mobile::set_push(&cx.app.db.write, device.id, sealed).await?;
    Ok(Ok(()))
}

/// A push in the outbox. The subscription is read when it is sent: by then it may be gone.
#[derive(Serialize, Deserialize)]
struct Kept {
    device: DeviceId,
    challenge: ChallengeId,
}

/// Has the phones woken up that can be: in the transaction that asks them, once for each request.
pub(super) async fn wake(
    cx: &Cx,
    transaction: &impl Connection,
    devices: &[MobileDevice],
    challenge: ChallengeId,
) -> Result<(), Fault> {
    for device in devices.iter().filter(|device| device.usable() && device.sealed_push.is_some()) {
        let once = format!("push {challenge} {}", device.id);
        let mut message = outbox::sealed(cx, KIND, &Kept { device: device.id, challenge }, Some(once))?;
        message.due_at = cx.now;
        store::insert_message(transaction, &message).await?;
    }
    Ok(())
}

/// Sends the pushes that are due. Called every second by the background task.
pub async fn deliver_pushes(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    let due = store::lease_messages(&app.db, KIND, AT_ONCE, cx.now, cx.now + outbox::OWN_TIME).await?;
    let sent = join_all(due.iter().map(|leased| deliver(&cx, leased))).await;
    sent.into_iter().collect()
}

async fn deliver(cx: &Cx, leased: &Leased) -> Result<(), Fault> {
    let db = &cx.app.db;
    let kept: Kept = outbox::open_as(&cx.app, leased)?;
    let device = mobile::find_device(db, kept.device).await?.filter(MobileDevice::usable);
    let Some((device, sealed)) = device.and_then(|device| device.sealed_push.clone().map(|push| (device, push))) else {
        return Ok(store::abandon_message(db, leased.id, cx.now, "this phone is not woken up any more").await?);
    };
    if mobile::find_pending_challenge(db, device.credential, cx.now).await?.is_none_or(|it| it.id != kept.challenge) {
        return Ok(store::abandon_message(db, leased.id, cx.now, "the request is over").await?);
    }
    let plain = cx.app.secrets.sealing.open(SEAL, &device.id.to_string(), &sealed)?;
    let subscription: Subscription = serde_json::from_slice(plain.expose()).map_err(Fault::internal)?;
    match send(cx, &subscription).await? {
        Ok(status) if status.is_success() => Ok(store::finish_message(db, leased.id, cx.now).await?),
        // The browser has unsubscribed, or the app is gone (RFC 8030 §7.3).
        Ok(StatusCode::NOT_FOUND | StatusCode::GONE) => {
            mobile::clear_push(&db.write, device.id, &sealed).await?;
            Ok(store::abandon_message(db, leased.id, cx.now, "the subscription is gone").await?)
        }
        Ok(status) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
            let why = format!("the push service answered {}", status.as_u16());
            Ok(store::abandon_message(db, leased.id, cx.now, &why).await?)
        }
        Ok(status) => {
            let why = format!("the push service answered {}", status.as_u16());
            Ok(store::fail_message(db, leased.id, cx.now + outbox::OWN_TIME, &why).await?)
        }
        Err(error) => Ok(store::fail_message(db, leased.id, cx.now + outbox::OWN_TIME, &error.to_string()).await?),
    }
}

/// One request to a push service (RFC 8030 §5).
async fn send(cx: &Cx, subscription: &Subscription) -> Result<Result<StatusCode, FetchError>, Fault> {
    let Ok(url) = subscription.check(&cx.app.settings.mobile.push_hosts) else {
        // The list of this deployment has changed since the phone named it.
        return Ok(Ok(StatusCode::GONE));
    };
    let mut salt = [0; 16];
    cx.entropy().fill(&mut salt);
    let body = web_push::encrypt(subscription, salt, PAYLOAD).map_err(Fault::internal)?;
    let contact = match cx.app.settings.mobile.push_contact.as_str() {
        "" => cx.app.issuer(),
        contact => contact,
    };
    let proof = web_push::authorization(&signing::push_key(cx)?, &url, contact, cx.now).map_err(Fault::internal)?;
    let mut headers = HeaderMap::new();
    let text = |text: &str| HeaderValue::from_str(text).map_err(Fault::internal);
    headers.insert(header::AUTHORIZATION, text(&proof)?);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert("ttl", text(&TIME_TO_LIVE.as_secs().to_string())?);
    headers.insert("urgency", HeaderValue::from_static("high"));
    headers.insert("topic", HeaderValue::from_static("login"));
    let answer = cx.app.outbound.fetcher.send(FetchRequest::post(url, headers, body)).await;
    Ok(answer.map(|answer| answer.status))
}
