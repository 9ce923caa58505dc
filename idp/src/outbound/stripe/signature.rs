//! The signature of Stripe's webhooks: `Stripe-Signature: t=…,v1=…`, HMAC-SHA-256 over `t.` and the body as it came.

use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;

/// Where Stripe tells.
pub const PATH: &str = "/callbacks/stripe";

/// How far a message's time may be from ours.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// Signatures that are looked at: during a rotation of the secret there are two.
const MOST: usize = 8;

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is missing, or has neither a time nor a signature of a scheme that we know.
    #[error("the Stripe-Signature header has no t and v1")]
    Header,
    /// It was sent too long ago, or from the future.
    #[error("the message is too old, or our clocks differ")]
    Age,
    /// It was signed with another secret, or changed.
    #[error("no signature fits the body")]
    Wrong,
}

/// Believes a message, or not. Schemes other than `v1` count for nothing.
///
/// # Errors
/// Why not.
pub fn verify(secret: &SecretString, header: &str, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let sent = parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(SignatureError::Header)?;
    let at = sent.parse().ok().filter(|_| sent.bytes().all(|byte| byte.is_ascii_digit()));
    let at = Timestamp::from_unix_seconds(at.ok_or(SignatureError::Header)?);
    let mut signatures = parts().filter(|(name, _)| *name == "v1").take(MOST).peekable();
    if signatures.peek().is_none() {
        return Err(SignatureError::Header);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut signed = Vec::with_capacity(sent.len() + 1 + body.len());
    signed.extend_from_slice(sent.as_bytes());
    signed.push(b'.');
    signed.extend_from_slice(body);
    let fits =
        |given: &str| HEXLOWER.decode(given.as_bytes()).is_ok_and(|given| hmac::verify(&key, &signed, &given).is_ok());
    if !signatures.any(|(_, given)| fits(given)) {
        return Err(SignatureError::Wrong);
    }
    let apart = now.unix_seconds().abs_diff(at.unix_seconds());
    if apart > TOLERANCE.as_secs() { Err(SignatureError::Age) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_460_300);

    fn sign(secret: &str, at: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        HEXLOWER.encode(hmac::sign(&key, format!("{at}.{body}").as_bytes()).as_ref())
    }

    #[test]
    fn only_what_was_signed_just_now_with_our_secret_is_believed() {
        let secret = SecretString::new("whsec_tests".to_owned());
        let check = |header: &str, body: &str| verify(&secret, header, body.as_bytes(), NOW);
        let at = NOW.unix_seconds();
        let good = sign("whsec_tests", at, "{}");
        assert_eq!(check(&format!("t={at},v1={good}"), "{}"), Ok(()));
        assert_eq!(check(&format!("t={at},v1={},v1={good}", sign("old", at, "{}")), "{}"), Ok(()), "a rotation");
        assert_eq!(check(&format!("t={at},v0={good}"), "{}"), Err(SignatureError::Header), "another scheme");
        assert_eq!(check(&format!("t={at},v1={good}"), "{ }"), Err(SignatureError::Wrong));
        assert_eq!(check(&format!("t={},v1={good}", at - 1), "{}"), Err(SignatureError::Wrong), "another time");
        for (off, expected) in [(-300, Ok(())), (-301, Err(SignatureError::Age)), (301, Err(SignatureError::Age))] {
            let signed = sign("whsec_tests", at + off, "{}");
            assert_eq!(check(&format!("t={},v1={signed}", at + off), "{}"), expected, "{off}");
        }
        for header in ["", "t=", "v1=00", "t=1e3,v1=00", "t=-1,v1=00", "t,v1"] {
            assert_eq!(check(header, "{}"), Err(SignatureError::Header), "{header}");
        }
        assert_eq!(check(&format!("t={at},v1=zz,v1={}", &good[..62]), "{}"), Err(SignatureError::Wrong));
    }
}
