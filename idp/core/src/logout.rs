//! Logout started by a relying party (OpenID Connect RP-Initiated Logout §2 to §4), what partners are told of the end of
//! a session, and what their pages can compare meanwhile.
//!
//! Owns when a session ends without asking, and the only way to a post-logout redirect URI. Ends no session itself.

mod session_state;
mod told;

pub use session_state::session_state;
pub use told::{LOGOUT_TOKEN_TYPE, LogoutToken, front_channel_address, wait_after};

use crate::clients::Client;
use crate::id::{PersonId, SessionId};
use crate::oidc::is_registered;
use crate::oidc::params::RawLogout;

/// What became of the request's `id_token_hint`; verifying a token needs keys, so it happens outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutHint {
    /// The request had none.
    Absent,
    /// Signed by us; it may have expired.
    Verified(VerifiedHint),
    /// Not an ID token of ours.
    Refused,
}

/// An ID token of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHint {
    /// Its audience.
    pub client_id: String,
    /// Its subject.
    pub person: PersonId,
    /// Its `sid`.
    pub session: Option<SessionId>,
}

/// The session of the browser that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// Which.
    pub session: SessionId,
    /// Whose.
    pub person: PersonId,
}

/// A post-logout redirect URI that the client registered, with the request's `state`. Only [`decide`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostLogoutRedirect {
    uri: String,
    state: Option<String>,
}

impl PostLogoutRedirect {
    /// Where to send the browser: the URI, exactly, with `state` added when the request had one.
    pub fn location(&self) -> String {
        let Some(state) = &self.state else {
            return self.uri.clone();
        };
        let separator = if self.uri.contains('?') { '&' } else { '?' };
        let encoded: String = form_urlencoded::byte_serialize(state.as_bytes()).collect();
        format!("{}{separator}state={}", self.uri, encoded.replace('+', "%20"))
    }
}

/// What a logout request leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutDecision {
    /// End the browser's session, if there is one, and send the browser on.
    RedirectNow(PostLogoutRedirect),
    /// Ask the person first: the request does not prove that it comes from a client of this session (§2). After a yes,
    /// end the session and go where `then` says.
    AskConfirmation {
        /// Where to go after a yes; the logged-out page when `None`.
        then: Option<PostLogoutRedirect>,
    },
    /// End the browser's session, if there is one, and show the logged-out page.
    LoggedOutPage,
    /// Show an error page; nothing ends, nobody is sent anywhere.
    Refuse(LogoutRefusal),
}

/// Why a logout request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoutRefusal {
    /// Its signature is not ours.
    #[error("id_token_hint: not an ID token of this issuer")]
    HintNotOurs,
    /// `client_id` and the hint's audience differ (§2).
    #[error("client_id: not the client that the id_token_hint was issued to")]
    ClientMismatch,
    /// No such client, or it is switched off.
    #[error("client_id: names no registered client")]
    UnknownClient,
    /// The client did not register the URI.
    #[error("post_logout_redirect_uri: not registered for this client")]
    UnregisteredRedirect,
}

/// The client that the request speaks for: whom the caller must look up before [`decide`].
pub fn client_id<'a>(raw: &'a RawLogout, hint: &'a LogoutHint) -> Option<&'a str> {
    match hint {
        LogoutHint::Verified(hint) => Some(&hint.client_id),
        LogoutHint::Absent | LogoutHint::Refused => raw.client_id.as_deref(),
    }
}

/// Decides what a logout request leads to. `client` is what the store holds under [`client_id`]; `browser` is the
/// session of the browser that asks.
pub fn decide(
    raw: &RawLogout,
    hint: &LogoutHint,
    client: Option<&Client>,
    browser: Option<BrowserSession>,
) -> LogoutDecision {
    match judge(raw, hint, client, browser) {
        Ok(decision) => decision,
        Err(refusal) => LogoutDecision::Refuse(refusal),
    }
}

fn judge(
    raw: &RawLogout,
    hint: &LogoutHint,
    client: Option<&Client>,
    browser: Option<BrowserSession>,
) -> Result<LogoutDecision, LogoutRefusal> {
    let hint = match hint {
        LogoutHint::Refused => return Err(LogoutRefusal::HintNotOurs),
        LogoutHint::Absent => None,
        LogoutHint::Verified(hint) => Some(hint),
    };
    if let (Some(hint), Some(client_id)) = (hint, raw.client_id.as_deref())
        && hint.client_id != client_id
    {
        return Err(LogoutRefusal::ClientMismatch);
    }
    let then = post_logout_redirect(raw, hint, client)?;
    let Some(browser) = browser else {
        return Ok(finish(then));
    };
    // A hint of this session is proof that its holder got it from this very login. Any other hint could be an old one
    // that somebody kept; a request without a hint could be an image on any page.
    let speaks_for_session = hint.is_some_and(|hint| {
        hint.person == browser.person && hint.session.is_none_or(|session| session == browser.session)
    });
    if speaks_for_session { Ok(finish(then)) } else { Ok(LogoutDecision::AskConfirmation { then }) }
}

fn finish(then: Option<PostLogoutRedirect>) -> LogoutDecision {
    then.map_or(LogoutDecision::LoggedOutPage, LogoutDecision::RedirectNow)
}

fn post_logout_redirect(
    raw: &RawLogout,
    hint: Option<&VerifiedHint>,
    client: Option<&Client>,
) -> Result<Option<PostLogoutRedirect>, LogoutRefusal> {
    // Without a hint nothing confirms that the request is the client's, so nobody is sent to its URI (§3); the person
    // may still want to log out.
    let (Some(uri), Some(hint)) = (raw.post_logout_redirect_uri.as_deref(), hint) else {
        return Ok(None);
    };
    let client = client
        .filter(|client| client.id == hint.client_id && client.disabled_at.is_none())
        .ok_or(LogoutRefusal::UnknownClient)?;
    let registered = &client.metadata.post_logout_redirect_uris;
    if !registered.iter().any(|registered| is_registered(registered, uri)) {
        return Err(LogoutRefusal::UnregisteredRedirect);
    }
    Ok(Some(PostLogoutRedirect { uri: uri.to_owned(), state: raw.state.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::ClientMetadata;
    use crate::id::ApplicationId;
    use crate::time::Timestamp;

    const ALICE: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    const BOB: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964fe";
    const URI: &str = "https://rp.example/bye?x=1";

    fn client() -> Client {
        Client {
            id: "rp".to_owned(),
            application: ApplicationId::from_uuid(uuid::Uuid::nil()),
            secrets: Vec::new(),
            metadata: ClientMetadata { post_logout_redirect_uris: vec![URI.to_owned()], ..ClientMetadata::default() },
            disabled_at: None,
            created_at: Timestamp::from_unix_seconds(0),
        }
    }

    fn hint(person: &str, session: &str) -> LogoutHint {
        LogoutHint::Verified(VerifiedHint {
            client_id: "rp".to_owned(),
            person: person.parse().unwrap(),
            session: session.parse().ok(),
        })
    }

    fn judged(hint: LogoutHint, uri: &str, state: &str, browser: Option<&str>) -> String {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let raw = RawLogout { post_logout_redirect_uri: text(uri), state: text(state), ..RawLogout::default() };
        let browser =
            browser.map(|person| BrowserSession { session: ALICE.parse().unwrap(), person: person.parse().unwrap() });
        match decide(&raw, &hint, Some(&client()), browser) {
            LogoutDecision::RedirectNow(redirect) => format!("redirect {}", redirect.location()),
            LogoutDecision::AskConfirmation { then: None } => "ask".to_owned(),
            LogoutDecision::AskConfirmation { then: Some(redirect) } => format!("ask {}", redirect.location()),
            LogoutDecision::LoggedOutPage => "page".to_owned(),
            LogoutDecision::Refuse(refusal) => format!("{refusal:?}"),
        }
    }

    #[test]
    fn the_cases_of_rp_initiated_logout() {
        let mine = || hint(ALICE, ALICE);
        let cases: &[(LogoutHint, &str, &str, Option<&str>, &str)] = &[
            (mine(), URI, "a b", Some(ALICE), "redirect https://rp.example/bye?x=1&state=a%20b"),
            (mine(), URI, "", Some(ALICE), "redirect https://rp.example/bye?x=1"),
            (mine(), URI, "s", None, "redirect https://rp.example/bye?x=1&state=s"),
            (mine(), "", "s", Some(ALICE), "page"),
            (mine(), "https://rp.example/bye?x=1&foo=bar", "s", Some(ALICE), "UnregisteredRedirect"),
            (mine(), "https://rp.example/bye", "s", Some(ALICE), "UnregisteredRedirect"),
            // Another person's token, or one of another session of the same person.
            (hint(BOB, ALICE), URI, "", Some(ALICE), "ask https://rp.example/bye?x=1"),
            (hint(ALICE, BOB), URI, "", Some(ALICE), "ask https://rp.example/bye?x=1"),
            (hint(ALICE, ""), "", "", Some(ALICE), "page"),
            (LogoutHint::Refused, URI, "s", Some(ALICE), "HintNotOurs"),
            (LogoutHint::Absent, URI, "s", Some(ALICE), "ask"),
            (LogoutHint::Absent, "", "s", Some(ALICE), "ask"),
            (LogoutHint::Absent, "", "", Some(ALICE), "ask"),
            (LogoutHint::Absent, URI, "", None, "page"),
        ];
        for (hint, uri, state, browser, expected) in cases {
            assert_eq!(&judged(hint.clone(), uri, state, *browser), expected, "{hint:?} {uri} {browser:?}");
        }
    }

    #[test]
    fn a_client_id_must_be_that_of_the_hint() {
        let raw = RawLogout { client_id: Some("other".to_owned()), ..RawLogout::default() };
        let decision = decide(&raw, &hint(ALICE, ALICE), Some(&client()), None);
        assert_eq!(decision, LogoutDecision::Refuse(LogoutRefusal::ClientMismatch));
        assert_eq!(client_id(&raw, &LogoutHint::Absent), Some("other"));
    }
}
