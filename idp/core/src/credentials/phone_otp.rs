//! Codes sent to a telephone: their numbers, their hash, and what is written and said.
//!
//! Never holds a code longer than a call, and never sends anything itself.

use std::time::Duration;

use aws_lc_rs::hmac;

use crate::id::ChallengeId;
use crate::secret::{SecretString, constant_time_eq};
use crate::time::Timestamp;

/// Digits of a code (NIST SP 800-63B-4 §3.1.3.2: at least six).
pub const DIGITS: usize = 6;

/// How long a code can be used. The standard allows ten minutes.
pub const LIFE: Duration = Duration::from_secs(120);

/// How long after a code was sent another may be asked for.
pub const RESEND_AFTER: Duration = Duration::from_secs(30);

/// Tries that one code takes. A new code does not reset the credential's own counter.
pub const MAX_TRIES: u32 = 5;

/// What a text message holds at most: 160 septets of the GSM 03.38 default alphabet.
pub const TEXT_SEPTETS: usize = 160;

/// When the person may ask for another code, where a deployment wants at least this `pause`.
pub fn resend_at(sent_at: Timestamp, pause: Duration) -> Timestamp {
    sent_at + RESEND_AFTER.max(pause)
}

/// When a code that was sent at `sent_at` can no longer be used.
pub fn expires_at(sent_at: Timestamp) -> Timestamp {
    sent_at + LIFE
}

/// What is stored in place of a code: HMAC-SHA-256 under the server's `key`, bound to its challenge. Keyed, because a
/// million codes are hashed in a second.
pub fn code_hash(key: &[u8], challenge: ChallengeId, code: &str) -> [u8; 32] {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    mac.update(b"stepgate phone code\0");
    mac.update(challenge.uuid().as_bytes());
    mac.update(code.as_bytes());
    let mut hash = [0; 32];
    for (byte, computed) in hash.iter_mut().zip(mac.sign().as_ref()) {
        *byte = *computed;
    }
    hash
}

/// Whether `code` is the one whose hash was `stored`, in constant time.
pub fn code_matches(key: &[u8], challenge: ChallengeId, code: &str, stored: &[u8]) -> bool {
    constant_time_eq(&code_hash(key, challenge, code), stored)
}

/// The text message: at most 160 GSM-7 characters, no URL, and as its last line the origin-bound form
/// `@host #code`, which lets a phone fill the code in on that host only.
///
/// `brand` is cut down to letters, digits, spaces and hyphens, so that no name becomes a link. A `host` too long for the
/// message, or none that a phone can match, costs the last line and nothing else.
pub fn text_message(brand: &str, host: &str, code: &str) -> SecretString {
    let brand = plain_name(brand);
    let words = format!("{code} is your {brand} code. It works once, for 2 minutes. We never ask you for it.");
    let bound = format!("{words}\n\n@{host} #{code}");
    let host_fits = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    // Each character used here is one septet.
    SecretString::new(if host_fits && bound.len() <= TEXT_SEPTETS { bound } else { words })
}

/// What the call says before it gives anything away: voicemail and forwarded lines press no key.
pub fn spoken_invitation(brand: &str) -> String {
    format!("Hello. This is {} with your login code. Press 1 to hear it.", plain_name(brand))
}

/// What the call says after the key was pressed: the digits one by one, twice.
pub fn spoken_code(brand: &str, code: &str) -> SecretString {
    let spaced: Vec<String> = code.chars().map(String::from).collect();
    let spaced = SecretString::new(spaced.join(", "));
    let digits = spaced.expose();
    SecretString::new(format!("Your {} code is: {digits}. Once more: {digits}. Goodbye.", plain_name(brand)))
}

/// At most 24 characters that every phone network carries and no phone turns into a link.
fn plain_name(brand: &str) -> String {
    let kept: String = brand.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-')).take(24).collect();
    let name = kept.trim();
    if name.is_empty() { "login".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const fn challenge(number: u128) -> ChallengeId {
        ChallengeId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_hash_belongs_to_one_key_one_challenge_and_one_code() {
        let stored = code_hash(b"key", challenge(1), "012345");
        assert!(code_matches(b"key", challenge(1), "012345", &stored));
        assert!(!code_matches(b"key", challenge(1), "12345", &stored));
        assert!(!code_matches(b"key", challenge(2), "012345", &stored));
        assert!(!code_matches(b"other", challenge(1), "012345", &stored));
        assert!(!code_matches(b"key", challenge(1), "012345", &stored[..31]));
    }

    #[test]
    fn texts_fit_one_message_and_hold_no_link() {
        let long_host = format!("{}.example", "a".repeat(80));
        for (brand, host, last_line) in [
            ("Stepgate", "id.example", Some("@id.example #012345")),
            ("Stepgate", "localhost", Some("@localhost #012345")),
            ("Ünïcode \u{202e}Corp https://evil.example/", "id.example", Some("@id.example #012345")),
            ("", "id.example", Some("@id.example #012345")),
            (
                &"Long name ".repeat(20),
                "login.some-organization.example",
                Some("@login.some-organization.example #012345"),
            ),
            ("Stepgate", &long_host, None),
            ("Stepgate", "[::1]", None),
            ("Stepgate", "", None),
        ] {
            let message = text_message(brand, host, "012345");
            let text = message.expose();
            assert!(text.len() <= TEXT_SEPTETS && text.is_ascii(), "{text}");
            assert!(text.starts_with("012345 is your "), "{text}");
            assert!(!text.contains("//") && !text.contains("evil.example"), "{text}");
            assert_eq!(text.lines().last().filter(|line| line.starts_with('@')), last_line, "{text}");
            assert!(text.chars().all(|c| c == '\n' || c == '@' || c == '#' || !"[]{}\\^~|`".contains(c)), "{text}");
        }
    }

    #[test]
    fn the_call_gives_the_digits_twice_and_only_after_the_key() {
        assert!(!spoken_invitation("Stepgate").contains(|c: char| c.is_ascii_digit() && c != '1'));
        assert_eq!(
            spoken_code("Stepgate", "012345").expose(),
            "Your Stepgate code is: 0, 1, 2, 3, 4, 5. Once more: 0, 1, 2, 3, 4, 5. Goodbye."
        );
    }

    #[test]
    fn times() {
        let sent = Timestamp::from_unix_seconds(1000);
        assert_eq!(resend_at(sent, Duration::ZERO), Timestamp::from_unix_seconds(1030));
        assert_eq!(resend_at(sent, Duration::from_secs(60)), Timestamp::from_unix_seconds(1060));
        assert_eq!(expires_at(sent), Timestamp::from_unix_seconds(1120));
    }
}
