//! The keys of ours that phones know. Derived from the master secret: they are the same on every node, are used for
//! nothing else, and do not change with the keys that sign tokens. A phone keeps the one that it was given when it was
//! enrolled; a new master secret is announced to it under the old one (ADR 0017).

use serde::Serialize;
use stepgate_core::credentials::mobile_id::{KEYS_TYP, KeysMessage};
use stepgate_core::credentials::web_push;
use stepgate_core::id::DeviceId;
use stepgate_core::jose::{JwkSet, PrivateKey};

use crate::cx::Cx;
use crate::fault::Fault;

/// Today's key, then those of earlier master secrets.
fn keys(cx: &Cx) -> Result<Vec<PrivateKey>, Fault> {
    let numbers = cx.app.secrets.phone_requests.iter();
    numbers.map(|number| PrivateKey::from_p256_scalar(number).map_err(Fault::internal)).collect()
}

/// What a phone is given to keep when it is enrolled.
pub fn public(cx: &Cx) -> Result<JwkSet, Fault> {
    Ok(JwkSet { keys: keys(cx)?.first().map(|key| key.public_jwk().clone()).into_iter().collect() })
}

/// Signs for a phone with the key that it `knows`; with today's where we do not have that one any more.
pub(super) fn sign(cx: &Cx, knows: &str, typ: &str, claims: &impl Serialize) -> Result<String, Fault> {
    let keys = keys(cx)?;
    let key = keys.iter().find(|key| key.kid() == knows).or(keys.first());
    let key = key.ok_or_else(|| Fault::internal("there is no key for phones"))?;
    key.sign(typ, claims).map_err(Fault::internal)
}

/// Today's key for a phone that knows an earlier one, signed by that one.
pub(super) fn announcement(cx: &Cx, device: DeviceId, knows: &str) -> Result<Option<String>, Fault> {
    let keys = keys(cx)?;
    let mut known = keys.iter().map(PrivateKey::kid);
    if known.next() == Some(knows) || !known.any(|kid| kid == knows) {
        return Ok(None);
    }
    let message =
        KeysMessage { iss: cx.app.issuer().to_owned(), aud: device, iat: cx.now.unix_seconds(), keys: public(cx)? };
    sign(cx, knows, KEYS_TYP, &message).map(Some)
}

/// Whether we still have the key that a phone knows. Without it the phone reads nothing that we sign.
pub(super) fn is_known(cx: &Cx, knows: &str) -> Result<bool, Fault> {
    Ok(keys(cx)?.iter().any(|key| key.kid() == knows))
}

/// What push services know us by.
pub(super) fn push_key(cx: &Cx) -> Result<PrivateKey, Fault> {
    PrivateKey::from_p256_scalar(&cx.app.secrets.web_push).map_err(Fault::internal)
}

/// The same as browsers want it.
pub(super) fn push_point(cx: &Cx) -> Result<String, Fault> {
    Ok(web_push::public_point(push_key(cx)?.public_jwk()))
}
