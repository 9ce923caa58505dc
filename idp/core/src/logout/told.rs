//! What partners are told when a session ends: the logout token (OpenID Connect Back-Channel Logout §2.4) and the
//! address of the hidden frame (OpenID Connect Front-Channel Logout §2).

use std::time::Duration;

use serde::Serialize;
use url::Url;

use crate::clients::ClientMetadata;
use crate::id::{MessageId, SessionId};
use crate::time::Timestamp;

/// The `typ` of a logout token.
pub const LOGOUT_TOKEN_TYPE: &str = "logout+jwt";

/// How long a logout token is good for: it is made anew for each try.
const LIFE: Duration = Duration::from_secs(120);

/// The claims of a logout token. It has both `sub` and `sid`, so that a partner can end the one session or find the
/// person; and never a `nonce`, so that it cannot be taken for an ID token (§2.4).
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the claim of the same name in §2.4")]
pub struct LogoutToken<'a> {
    pub iss: &'a str,
    pub aud: &'a str,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Seconds since the Unix epoch.
    pub exp: i64,
    /// The message's id: the same at each try, so that a partner can tell a repetition.
    pub jti: MessageId,
    pub sub: &'a str,
    pub sid: SessionId,
    pub events: Events,
}

/// `{"http://schemas.openid.net/event/backchannel-logout": {}}`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    logout: Nothing,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Nothing {}

impl<'a> LogoutToken<'a> {
    /// Tells the client `aud` that the session `sid` of the person it knows as `sub` has ended.
    pub fn new(iss: &'a str, aud: &'a str, (sub, sid): (&'a str, SessionId), jti: MessageId, now: Timestamp) -> Self {
        let (iat, exp) = (now.unix_seconds(), (now + LIFE).unix_seconds());
        Self { iss, aud, iat, exp, jti, sub, sid, events: Events { logout: Nothing {} } }
    }
}

/// The waits between the tries to tell a partner; when they are used up, it is told no more. About a day in all: by
/// then its own session will have ended.
const WAITS: [u64; 8] = [5, 15, 60, 300, 1_200, 3_600, 14_400, 43_200];

/// How long to wait after so many failed tries; `None` when there were enough.
pub fn wait_after(failed: u32) -> Option<Duration> {
    let place = usize::try_from(failed).ok()?.checked_sub(1)?;
    WAITS.get(place).copied().map(Duration::from_secs)
}

/// The address that a partner's hidden frame is given; `None` for a client without one. `iss` and `sid` go with it
/// where the client asked for them, beside whatever its address has already.
pub fn front_channel_address(metadata: &ClientMetadata, issuer: &str, session: SessionId) -> Option<Url> {
    let mut address = Url::parse(metadata.frontchannel_logout_uri.as_deref()?).ok()?;
    // Anything else would be a script, or a file.
    if !matches!(address.scheme(), "https" | "http") {
        return None;
    }
    if metadata.frontchannel_logout_session_required {
        address.query_pairs_mut().append_pair("iss", issuer).append_pair("sid", &session.to_string());
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

    #[test]
    fn a_logout_token_is_what_the_specification_says() {
        let (session, message) = (SESSION.parse().unwrap(), SESSION.parse().unwrap());
        let now = Timestamp::from_unix_seconds(1000);
        let token = LogoutToken::new("https://op.example", "rp", ("alice", session), message, now);
        let expected = serde_json::json!({
            "iss": "https://op.example", "aud": "rp", "iat": 1000, "exp": 1120, "jti": SESSION, "sub": "alice",
            "sid": SESSION, "events": { "http://schemas.openid.net/event/backchannel-logout": {} }
        });
        assert_eq!(serde_json::to_value(token).unwrap(), expected);
    }

    #[test]
    fn a_frame_has_iss_and_sid_where_the_client_wants_them() {
        let address = |uri: Option<&str>, required| {
            let metadata = ClientMetadata {
                frontchannel_logout_uri: uri.map(str::to_owned),
                frontchannel_logout_session_required: required,
                ..ClientMetadata::default()
            };
            let session = SESSION.parse().unwrap();
            front_channel_address(&metadata, "https://op.example", session).map(String::from)
        };
        let with = format!("https://rp.example/out?t=1&iss=https%3A%2F%2Fop.example&sid={SESSION}");
        assert_eq!(address(Some("https://rp.example/out?t=1"), true), Some(with));
        assert_eq!(address(Some("https://rp.example/out"), false).as_deref(), Some("https://rp.example/out"));
        assert_eq!(address(Some("javascript:alert(1)"), true), None);
        assert_eq!(address(None, true), None);
    }

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (0..12).map(wait_after).collect();
        assert_eq!((waits[0], waits[1]), (None, Some(Duration::from_secs(5))));
        assert!(waits[1..9].is_sorted() && waits[8].is_some() && waits[9..].iter().all(Option::is_none));
    }
}
