//! Mobile ID: what a phone and the server say to each other, and when an answer counts.
//!
//! Every message of a phone is a JWS with ES256 by a key that never leaves it. The number that the browser shows is
//! never sent to the phone: the person carries it over (NIST SP 800-63B-4 §3.1.3.1). The protocol is written down in
//! `docs/mobile-id-protocol.md`.

mod messages;

use std::time::Duration;

use aws_lc_rs::agreement::{self, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64URL_NOPAD;

use crate::id::ChallengeId;
use crate::jose::Jwk;
use crate::secret::SecretBytes;
use crate::time::Timestamp;

pub use messages::{
    Act, AnswerMessage, Choice, Common, EnrolMessage, KeysMessage, LeaveMessage, Message, PollMessage, PushMessage,
    RequestMessage, RotateMessage, RotationProof, VerifierMessage, approval_challenge,
};

/// `typ` of what a phone sends.
pub const MESSAGE_TYP: &str = "stepgate-mobile+jwt";
/// `typ` of the proof that a phone has the keys that it announces.
pub const ROTATION_TYP: &str = "stepgate-mobile-rotation+jwt";
/// `typ` of the request that a phone is shown.
pub const REQUEST_TYP: &str = "stepgate-mobile-request+jwt";
/// `typ` of the server's announcement of the keys that sign requests.
pub const KEYS_TYP: &str = "stepgate-mobile-keys+jwt";
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
/// Requests since the last approval, in [`DAY`].
pub const MOST_A_DAY: i64 = 10;
/// See [`MOST_A_DAY`].
pub const DAY: Duration = Duration::from_secs(24 * 3600);
/// Phones of one person at most.
pub const MOST_PHONES: usize = 10;
/// How old a phone's keys may be before it is asked for new ones.
pub const KEY_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);
/// Tries at the digits that confirm an enrolment.
pub const CONFIRM_TRIES: u32 = 3;
/// Digits of the number that is carried over.
pub const NUMBER_DIGITS: usize = 6;

/// Why a phone's message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// For another server.
    #[error("aud: not this issuer")]
    Audience,
    /// Made for another call.
    #[error("act: the message was made for another call")]
    Act,
    /// The phone's clock is off by more than a minute, or the message is old.
    #[error("iat: the phone's clock differs by more than a minute; set it to automatic")]
    Clock,
}

/// Checks what all messages of phones have in common: made for this server, for this call, and now.
///
/// # Errors
/// The first rule that is broken.
pub fn check(common: Common<'_>, act: Act, issuer: &str, now: Timestamp) -> Result<(), MessageError> {
    if common.aud != issuer {
        return Err(MessageError::Audience);
    }
    if common.act != act {
        return Err(MessageError::Act);
    }
    let at = Timestamp::from_unix_seconds(common.iat);
    // Whole seconds: a message of this very second may seem to be up to a second early.
    if at + CLOCK_LEEWAY + Duration::from_secs(1) < now || at > now + CLOCK_LEEWAY {
        return Err(MessageError::Clock);
    }
    Ok(())
}

/// What a message is worth whose sequence number was not above all before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lagging {
    /// Seen before, or overtaken on the way: refused, and nothing else.
    Replay,
    /// Made after a message with a higher number: there are two phones with this key.
    Clone,
}

/// Judges a message whose number is not above those that were accepted. A phone counts up and its clock goes on; a number
/// that falls behind in a message that was made *later* can only come from a copy.
pub fn judge_lagging(made_at: i64, last_made_at: Option<Timestamp>) -> Lagging {
    match last_made_at {
        Some(last) if made_at > last.unix_seconds() => Lagging::Clone,
        _ => Lagging::Replay,
    }
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
    fn messages_must_be_for_us_for_this_call_and_of_now() {
        let now = Timestamp::from_unix_seconds(1000);
        let message = |aud, act, iat| Common { aud, act, iat };
        let checked = |common| check(common, Act::Poll, "https://a", now);
        assert_eq!(checked(message("https://a", Act::Poll, 1000)), Ok(()));
        assert_eq!(checked(message("https://b", Act::Poll, 1000)), Err(MessageError::Audience));
        assert_eq!(checked(message("https://a", Act::Leave, 1000)), Err(MessageError::Act));
        for (iat, ok) in [(940, true), (938, false), (1060, true), (1061, false)] {
            assert_eq!(checked(message("https://a", Act::Poll, iat)).is_ok(), ok, "{iat}");
        }
    }

    #[test]
    fn a_number_that_falls_behind_tells_a_copy_from_a_message_that_came_late() {
        let last = Some(Timestamp::from_unix_seconds(1000));
        assert_eq!(judge_lagging(999, last), Lagging::Replay);
        assert_eq!(judge_lagging(1000, last), Lagging::Replay);
        assert_eq!(judge_lagging(1001, last), Lagging::Clone);
        assert_eq!(judge_lagging(1001, None), Lagging::Replay);
    }
}
