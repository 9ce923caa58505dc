//! Mobile ID: what a phone and the server say to each other, and when an answer counts.
//!
//! Every message of a phone is a JWS with ES256 by a key that never leaves it. The number that the browser shows is
//! never sent to the phone: the person carries it over (NIST SP 800-63B-4 §3.1.3.1). The protocol is written down in
//! `docs/mobile-id-protocol.md`.

use std::time::Duration;

use aws_lc_rs::agreement::{self, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::id::{ChallengeId, DeviceId};
use crate::jose::Jwk;
use crate::secret::SecretBytes;
use crate::time::Timestamp;

/// `typ` of what a phone sends.
pub const MESSAGE_TYP: &str = "stepgate-mobile+jwt";
/// `typ` of the request that a phone is shown.
pub const REQUEST_TYP: &str = "stepgate-mobile-request+jwt";
/// How long a request waits for an answer.
pub const REQUEST_LIFE: Duration = Duration::from_secs(120);
/// How long an approval waits for the browser.
pub const REDEEM_WITHIN: Duration = Duration::from_secs(60);
/// How long an enrolment code is good.
pub const ENROLMENT_LIFE: Duration = Duration::from_secs(600);
/// How far a phone's clock may be off.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(60);
/// Requests that may stay unanswered in [`BOMBING_WINDOW`].
pub const MOST_UNANSWERED: i64 = 3;
/// See [`MOST_UNANSWERED`].
pub const BOMBING_WINDOW: Duration = Duration::from_secs(600);
/// Tries at the digits that confirm an enrolment.
pub const CONFIRM_TRIES: u32 = 3;
/// Digits of the number that is carried over.
pub const NUMBER_DIGITS: usize = 6;

/// A new phone introduces itself. Signed with the key in the message's header.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolMessage {
    /// The issuer.
    pub aud: String,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// The code out of the QR picture.
    pub code: String,
    /// What the phone calls itself.
    pub label: String,
    /// A fresh P-256 key, for the key of offline codes.
    pub ecdh: Jwk,
}

/// A phone asks whether there is anything to answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollMessage {
    /// The issuer.
    pub aud: String,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Above every number that the phone sent before.
    pub seq: u64,
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Let them in.
    Approve,
    /// Do not.
    Deny,
    /// Do not, and it was not me who asked.
    NotMe,
}

/// A phone answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerMessage {
    /// The issuer.
    pub aud: String,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Above every number that the phone sent before.
    pub seq: u64,
    /// The request.
    pub challenge: ChallengeId,
    /// The request's nonce.
    pub nonce: String,
    /// What the person decided.
    pub decision: Choice,
    /// What the person typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// A request as the phone is shown it, signed by the server. Without the number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestMessage {
    /// The issuer.
    pub iss: String,
    /// The phone.
    pub aud: DeviceId,
    /// The request.
    pub challenge: ChallengeId,
    /// To be repeated by the answer.
    pub nonce: String,
    /// Who asks.
    pub application: String,
    /// From where.
    pub place: String,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Seconds since the Unix epoch.
    pub exp: i64,
}

/// Why a phone's message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// For another server.
    #[error("aud: not this issuer")]
    Audience,
    /// The phone's clock is off by more than a minute, or the message is old.
    #[error("iat: the phone's clock differs by more than a minute; set it to automatic")]
    Clock,
}

/// Checks what all messages of phones have in common.
///
/// # Errors
/// The first rule that is broken.
pub fn check(aud: &str, iat: i64, issuer: &str, now: Timestamp) -> Result<(), MessageError> {
    if aud != issuer {
        return Err(MessageError::Audience);
    }
    let at = Timestamp::from_unix_seconds(iat);
    // Whole seconds: a message of this very second may seem to be up to a second early.
    if at + CLOCK_LEEWAY + Duration::from_secs(1) < now || at > now + CLOCK_LEEWAY {
        return Err(MessageError::Clock);
    }
    Ok(())
}

/// The number that the browser shows for a request: six digits out of a keyed hash, so that it need not be stored.
pub fn number(key: &[u8], challenge: ChallengeId) -> String {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    mac.update(b"stepgate mobile number\0");
    mac.update(challenge.uuid().as_bytes());
    let tag = mac.sign();
    let value = tag.as_ref().iter().take(8).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    format!("{:06}", value % 1_000_000)
}

/// Why no key for offline codes can be agreed upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ecdh: expected a P-256 public key")]
pub struct AgreementError;

/// The server's half of the agreement on the key of offline codes: its public key, and the shared key.
///
/// # Errors
/// [`AgreementError`] when the phone's key is not a point of P-256.
pub fn agree(phone: &Jwk, thumbprint: &str) -> Result<(Jwk, SecretBytes), AgreementError> {
    let private = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map_err(|_| AgreementError)?;
    let public = private.compute_public_key().map_err(|_| AgreementError)?;
    let point = public.as_ref();
    let (x, y) = point.get(1..33).zip(point.get(33..65)).ok_or(AgreementError)?;
    let ours = Jwk::p256(x, y);
    let theirs = UnparsedPublicKey::new(&ECDH_P256, point_of(phone)?);
    let key =
        agreement::agree_ephemeral(private, theirs, AgreementError, |shared| Ok(offline_key(shared, thumbprint)))?;
    Ok((ours, key))
}

/// The uncompressed point of a P-256 key.
fn point_of(jwk: &Jwk) -> Result<Vec<u8>, AgreementError> {
    let coordinate = |text: &Option<String>| {
        let bytes = BASE64URL_NOPAD.decode(text.as_deref().unwrap_or_default().as_bytes()).ok();
        bytes.filter(|bytes| bytes.len() == 32).ok_or(AgreementError)
    };
    if jwk.kty != "EC" || jwk.crv.as_deref() != Some("P-256") {
        return Err(AgreementError);
    }
    Ok([&[4], coordinate(&jwk.x)?.as_slice(), coordinate(&jwk.y)?.as_slice()].concat())
}

struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        20
    }
}

/// HKDF-SHA-256 of the shared secret: 160 bits for TOTP with SHA-1. Bound to the phone's signing key.
pub fn offline_key(shared: &[u8], thumbprint: &str) -> SecretBytes {
    let mut key = vec![0; 20];
    let info = [b"offline code v1 ".as_slice(), thumbprint.as_bytes()];
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stepgate mobile id").extract(shared);
    // A key of zeros would be a key that everybody knows; HKDF refuses only lengths that this is not.
    let filled = derived.expand(&info, Length).and_then(|okm| okm.fill(&mut key));
    if filled.is_err() {
        return SecretBytes::new(Vec::new());
    }
    SecretBytes::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits_and_belong_to_their_request() {
        let challenge = |n: u128| ChallengeId::from_uuid(uuid::Uuid::from_u128(n));
        let all: std::collections::BTreeSet<_> = (0..500).map(|n| number(b"key", challenge(n))).collect();
        assert!(all.iter().all(|number| number.len() == 6 && number.bytes().all(|byte| byte.is_ascii_digit())));
        assert!(all.len() > 490);
        assert_eq!(number(b"key", challenge(1)), number(b"key", challenge(1)));
        assert_ne!(number(b"key", challenge(1)), number(b"other", challenge(1)));
    }

    #[test]
    fn offline_keys_are_those_of_an_independent_hkdf() {
        // By RFC 5869's two HMAC steps in Python: 32 bytes of 7, info `offline code v1 thumb`.
        let key = offline_key(&[7; 32], "thumb");
        assert_eq!(data_encoding::HEXLOWER.encode(key.expose()), VECTOR);
    }

    const VECTOR: &str = "c0e55d8a40a5dd7430983b2e08d4c0db1cc666c8";

    #[test]
    fn messages_must_be_for_us_and_of_now() {
        let now = Timestamp::from_unix_seconds(1000);
        assert_eq!(check("https://a", 1000, "https://a", now), Ok(()));
        assert_eq!(check("https://b", 1000, "https://a", now), Err(MessageError::Audience));
        for (iat, ok) in [(940, true), (938, false), (1060, true), (1061, false)] {
            assert_eq!(check("https://a", iat, "https://a", now).is_ok(), ok, "{iat}");
        }
    }
}
