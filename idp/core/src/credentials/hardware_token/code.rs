//! Codes: computed, typed, and handed to an authenticator app.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;

use super::{Memory, Mode, OathParameters};
use crate::secret::SecretString;

/// The code at one moving factor: a counter (RFC 4226 §5.3) or a time step (RFC 6238 §4.2).
pub fn code_at(seed: &[u8], params: &OathParameters, factor: u64) -> SecretString {
    let key = hmac::Key::new(params.algorithm().hmac(), seed);
    let tag = hmac::sign(&key, &factor.to_be_bytes());
    let width = usize::try_from(params.digits()).unwrap_or(0);
    SecretString::new(format!("{:0width$}", truncate(tag.as_ref()) % 10_u32.pow(params.digits())))
}

/// Dynamic truncation (RFC 4226 §5.3): 31 bits at the offset that the last four bits name.
fn truncate(tag: &[u8]) -> u32 {
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
    tag.iter().skip(offset).take(4).fold(0, |bits, byte| (bits << 8) | u32::from(*byte)) & 0x7fff_ffff
}

/// What a person typed as a code, in 6 to 8 ASCII digits; `None` when it cannot be one.
///
/// Spaces, hyphens and the invisible marks that a copied text carries are dropped; the decimal digits of every script
/// are read as digits.
pub fn normalise_code(typed: &str) -> Option<String> {
    let mut code = String::with_capacity(8);
    for character in typed.chars().filter(|c| !is_separator(*c)) {
        code.push(ascii_digit(character)?);
        if code.len() > 8 {
            return None;
        }
    }
    (code.len() >= 6).then_some(code)
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}')
        // Zero-width and direction marks.
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn ascii_digit(character: char) -> Option<char> {
    let point = u32::from(character);
    let zero = ZEROS.iter().rev().find(|zero| **zero <= point)?;
    char::from_digit(point - zero, 10)
}

/// The zeros of Unicode's decimal digits (general category Nd, version 16), each followed by its one to nine.
#[rustfmt::skip]
const ZEROS: [u32; 76] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0,
    0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The `otpauth` URI of the token for an authenticator app, usually shown as a QR code. HOTP starts after `memory`.
pub fn otpauth_uri(issuer: &str, account: &str, seed: &[u8], params: &OathParameters, memory: Memory) -> SecretString {
    let (kind, moving) = match params.mode() {
        Mode::Hotp => ("hotp", format!("counter={}", memory.last.saturating_add(1).max(0))),
        Mode::Totp { period_seconds } => ("totp", format!("period={period_seconds}")),
    };
    // A colon parts issuer and account in the label, so neither may hold one.
    let issuer = percent_encoded(&issuer.replace(':', " "));
    let account = percent_encoded(&account.replace(':', " "));
    let secret = SecretString::new(BASE32_NOPAD.encode(seed));
    SecretString::new(format!(
        "otpauth://{kind}/{issuer}:{account}?secret={}&issuer={issuer}&algorithm={}&digits={}&{moving}",
        secret.expose(),
        params.algorithm().name(),
        params.digits(),
    ))
}

/// RFC 3986 §2.1. Form encoding would not do: many apps show its `+` as a plus.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
