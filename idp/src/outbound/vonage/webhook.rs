//! What Vonage tells about messages: a body, and a JWT (HS256) that vouches for it.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use serde::Deserialize;
use stepgate_core::id::DeliveryId;
use stepgate_core::secret::constant_time_eq;
use stepgate_core::time::Timestamp;
use stepgate_store::deliveries::DeliveryState;

/// Where it is told what became of a message.
pub const STATUS_PATH: &str = "/callbacks/vonage/status";

/// How old or early a token may be.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// The address that receipts go to. It names the message at this provider.
pub fn status_at(issuer: &str, delivery: DeliveryId) -> String {
    format!("{issuer}{STATUS_PATH}?delivery={delivery}")
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    jti: String,
    payload_hash: String,
    api_key: String,
}

/// The id of the token that vouches for `body`; `None` when it does not. The algorithm is ours, not the token's; the
/// token must be of this account, of these minutes, and of this very body. Whether its id was seen before is the
/// caller's to ask.
pub fn vouched(token: &str, (api_key, secret): (&str, &str), body: &[u8], now: Timestamp) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    if secret.is_empty() || hmac::verify(&key, signed.as_bytes(), &decoded(signature)?).is_err() {
        return None;
    }
    let header: Header = serde_json::from_slice(&decoded(header)?).ok()?;
    let claims: Claims = serde_json::from_slice(&decoded(claims)?).ok()?;
    let hash = HEXLOWER_PERMISSIVE.decode(claims.payload_hash.as_bytes()).ok()?;
    let of_body = constant_time_eq(digest::digest(&digest::SHA256, body).as_ref(), &hash);
    let at = Timestamp::from_unix_seconds(claims.iat);
    let of_now = now.since(at) <= TOLERANCE && at.since(now) <= TOLERANCE;
    let fits = header.alg == "HS256" && claims.api_key == api_key && of_body && of_now && !claims.jti.is_empty();
    fits.then_some(claims.jti)
}

/// What a webhook of the Messages API says.
#[derive(Deserialize)]
pub struct Status {
    /// The message's id there.
    pub message_uuid: String,
    status: String,
    #[serde(default)]
    error: Option<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
}

impl Status {
    /// The state that it tells of, and the reason of a failure; `None` where nothing is final.
    pub fn state(&self) -> Option<(DeliveryState, Option<u32>)> {
        let reason = self.error.as_ref().and_then(|problem| problem.title.parse().ok());
        match self.status.as_str() {
            "delivered" | "read" => Some((DeliveryState::Delivered, None)),
            "rejected" | "undeliverable" | "failed" | "expired" => Some((DeliveryState::Failed, reason)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(alg: &str, claims: &serde_json::Value, secret: &str) -> String {
        let part = |value: &serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&json!({ "alg": alg, "typ": "JWT" })), part(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(hmac::sign(&key, signed.as_bytes()).as_ref()))
    }

    #[test]
    fn t28_a_webhook_is_believed_for_its_own_body_now_and_from_this_account() {
        let (body, now) = (br#"{"status":"delivered"}"#.as_slice(), Timestamp::from_unix_seconds(1_000_000));
        let hash = HEXLOWER_PERMISSIVE.encode(digest::digest(&digest::SHA256, body).as_ref());
        let good = json!({ "iat": 1_000_000, "jti": "1", "iss": "Vonage", "payload_hash": hash, "api_key": "k" });
        let with = |name: &str, value: serde_json::Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let account = ("k", "secret");
        assert_eq!(vouched(&token("HS256", &good, "secret"), account, body, now).as_deref(), Some("1"));
        for (what, token) in [
            ("another secret", token("HS256", &good, "other")),
            ("another algorithm", token("none", &good, "secret")),
            ("too old", token("HS256", &with("iat", 999_699.into()), "secret")),
            ("from the future", token("HS256", &with("iat", 1_000_301.into()), "secret")),
            ("another body", token("HS256", &with("payload_hash", "00".into()), "secret")),
            ("another account", token("HS256", &with("api_key", "m".into()), "secret")),
            ("no id", token("HS256", &with("jti", "".into()), "secret")),
            ("no token", "a.b".to_owned()),
            ("empty", String::new()),
        ] {
            assert_eq!(vouched(&token, account, body, now), None, "{what}");
        }
        assert_eq!(vouched(&token("HS256", &good, "secret"), account, b"{}", now), None);
        assert_eq!(vouched(&token("HS256", &good, ""), ("k", ""), body, now), None, "no secret signs nothing");
    }
}
