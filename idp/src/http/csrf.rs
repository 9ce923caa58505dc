//! Form proofs: a POST is believed only when its form came from a page that we rendered for this very browser.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;

/// The proof for a browser: a keyed hash of its cookie.
pub fn proof(key: &hmac::Key, browser: &str) -> String {
    BASE64URL_NOPAD.encode(hmac::sign(key, browser.as_bytes()).as_ref())
}

/// Whether `given` is the proof for `browser`, in constant time.
pub fn holds(key: &hmac::Key, browser: &str, given: &str) -> bool {
    BASE64URL_NOPAD.decode(given.as_bytes()).is_ok_and(|tag| hmac::verify(key, browser.as_bytes(), &tag).is_ok())
}
