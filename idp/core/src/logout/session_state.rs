//! `session_state` (OpenID Connect Session Management §2, §3.2): what a client's page compares without asking us.

use data_encoding::BASE64URL_NOPAD;
use url::Url;

use crate::secret::sha256;

/// The `session_state` for a client whose page lives at its redirect URI's origin: a salted hash of client, origin and
/// the browser's state, and the salt. The page of `check_session_iframe` works it out again from the cookie.
///
/// `None` where the redirect URI has no origin (an app's own scheme): no page could ever ask.
pub fn session_state(client_id: &str, redirect_uri: &str, browser_state: &str, salt: &str) -> Option<String> {
    let origin = Url::parse(redirect_uri).ok()?.origin();
    if !origin.is_tuple() {
        return None;
    }
    let text = format!("{client_id} {} {browser_state} {salt}", origin.ascii_serialization());
    Some(format!("{}.{salt}", BASE64URL_NOPAD.encode(&sha256(text.as_bytes()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_counts() {
        let state = |client, uri, browser, salt| session_state(client, uri, browser, salt).unwrap();
        let one = state("rp", "https://rp.example/cb", "state", "salt");
        assert_eq!(one, state("rp", "https://rp.example/other?x=1", "state", "salt"));
        assert!(one.ends_with(".salt"));
        assert_ne!(one, state("rq", "https://rp.example/cb", "state", "salt"));
        assert_ne!(one, state("rp", "https://rp.example:444/cb", "state", "salt"));
        assert_ne!(one, state("rp", "https://rp.example/cb", "other", "salt"));
        assert_eq!(session_state("app", "com.example.app:/cb", "state", "salt"), None);
    }
}
