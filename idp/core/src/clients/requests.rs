//! What clients sent and what became of it, as their integrators may see it: never a code, a token, a secret.

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, RequestId};
use crate::time::Timestamp;

macro_rules! endpoints {
    ($($variant:ident = $name:literal, $path:literal;)+) => {
        /// An endpoint that clients send requests to; `Login` is what a person's login came to in the end.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is the endpoint of the same name")]
        pub enum Endpoint {
            $($variant,)+
        }

        impl Endpoint {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the log.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The endpoint of a name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The endpoint at a path.
            pub fn at(path: &str) -> Option<Self> {
                match path { $($path => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

endpoints! {
    Authorize = "authorize", "/authorize";
    Login = "login", "/interaction";
    Par = "par", "/par";
    Token = "token", "/token";
    Userinfo = "userinfo", "/userinfo";
    Introspect = "introspect", "/introspect";
    Revoke = "revoke", "/revoke";
    Register = "register", "/register";
    Device = "device", "/device_authorization";
    Logout = "logout", "/logout";
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered as asked.
    Answered,
    /// It was refused.
    Failed(Failure),
}

/// Why a request was refused, in the words that the client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The error code; empty where a page was shown instead.
    pub error: String,
    /// The description.
    pub description: String,
    /// The id of the broken rule.
    pub rule: Option<String>,
}

/// What an answered authorization request led to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// The class that was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Whether more than one factor was shown.
    pub several_factors: bool,
}

/// A request in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// Its id.
    pub id: RequestId,
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub client: String,
    /// The client's application.
    pub application: ApplicationId,
    /// Where to.
    pub endpoint: Endpoint,
    /// What became of it.
    pub outcome: Outcome,
    /// Its parameters, as far as they may be kept.
    pub parameters: Vec<(String, String)>,
    /// What was granted.
    pub shown: Shown,
}

impl LoggedRequest {
    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it was refused.
    pub const fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }

    /// What has now been seen of the client for the first or a further time.
    pub fn milestones(&self) -> Vec<Milestone> {
        let mut reached = Vec::new();
        match (&self.outcome, self.endpoint) {
            (Outcome::Answered, Endpoint::Token)
                if matches!(self.parameter("grant_type"), Some("authorization_code")) =>
            {
                reached.push(Milestone::Login);
            }
            (Outcome::Answered, Endpoint::Login) if self.shown.several_factors => reached.push(Milestone::Elevation),
            (Outcome::Failed(_), Endpoint::Login) => reached.push(Milestone::Refusal),
            (Outcome::Answered, Endpoint::Logout) => reached.push(Milestone::Logout),
            _ => {}
        }
        reached
    }
}

/// What an integrator should have seen work before going live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// A code was redeemed.
    Login,
    /// A request was answered with more than one factor.
    Elevation,
    /// A request was refused and sent back with an error.
    Refusal,
    /// A logout that the client asked for.
    Logout,
}

impl Milestone {
    /// The name in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Elevation => "elevation",
            Self::Refusal => "refusal",
            Self::Logout => "logout",
        }
    }
}

/// Parameters whose values say nothing secret.
const KEPT: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "code_challenge_method",
    "prompt",
    "max_age",
    "display",
    "ui_locales",
    "claims_locales",
    "acr_values",
    "claims",
    "grant_type",
    "token_type_hint",
    "resource",
    "audience",
    "post_logout_redirect_uri",
    "client_assertion_type",
    "requested_token_type",
    "subject_token_type",
    "actor_token_type",
];

/// Parameters of which the beginning helps to compare, and no more is kept.
const SHORTENED: &[&str] = &["state", "nonce", "code_challenge", "request_uri"];

/// Characters of a kept value.
const LONGEST: usize = 600;

/// What the log keeps of a parameter: its value, its beginning, or only that it was there.
pub fn kept(name: &str, value: &str) -> String {
    if KEPT.contains(&name) {
        let mut text: String = value.chars().take(LONGEST).collect();
        if text.len() < value.len() {
            text.push('…');
        }
        text
    } else if SHORTENED.contains(&name) {
        let beginning: String = value.chars().take(6).collect();
        if beginning.len() < value.len() { format!("{beginning}…") } else { beginning }
    } else {
        "given".to_owned()
    }
}

/// How a client goes about things, summed up over its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Authorization requests.
    pub authorize: u32,
    /// Of those with PKCE.
    pub pkce: u32,
    /// Of those with a nonce.
    pub nonce: u32,
    /// Of those with a state.
    pub state: u32,
    /// Of those that asked for `acr_values` or the acr claim in the clear.
    pub acr_in_the_clear: u32,
    /// Of those with `max_age`.
    pub max_age: u32,
    /// Of those with `offline_access`.
    pub offline_access: u32,
    /// Of those with a response type that brings tokens through the browser.
    pub through_the_browser: u32,
    /// Requests that were pushed or referred to.
    pub pushed: u32,
    /// Code exchanges.
    pub exchanges: u32,
    /// Refreshes.
    pub refreshes: u32,
    /// Calls of userinfo.
    pub userinfo: u32,
    /// Introspections.
    pub introspections: u32,
    /// Refused requests.
    pub failed: u32,
}

impl Seen {
    /// Sums up.
    pub fn of(requests: &[LoggedRequest]) -> Self {
        let mut seen = Self::default();
        for request in requests {
            seen.failed += u32::from(request.failed());
            match request.endpoint {
                Endpoint::Authorize => seen.authorization(request),
                Endpoint::Par => seen.pushed += 1,
                Endpoint::Userinfo => seen.userinfo += 1,
                Endpoint::Introspect => seen.introspections += 1,
                Endpoint::Token => match request.parameter("grant_type") {
                    Some("authorization_code") => seen.exchanges += 1,
                    Some("refresh_token") => seen.refreshes += 1,
                    _ => {}
                },
                Endpoint::Login | Endpoint::Revoke | Endpoint::Register | Endpoint::Device | Endpoint::Logout => {}
            }
        }
        seen
    }

    fn authorization(&mut self, request: &LoggedRequest) {
        if request.parameter("request_uri").is_some() {
            self.pushed += 1;
            return;
        }
        let has = |name| u32::from(request.parameter(name).is_some());
        let contains = |name, word: &str| {
            u32::from(request.parameter(name).is_some_and(|value| value.split(' ').any(|given| given == word)))
        };
        self.authorize += 1;
        self.pkce += has("code_challenge");
        self.nonce += has("nonce");
        self.state += has("state");
        self.max_age += has("max_age");
        self.offline_access += contains("scope", "offline_access");
        self.through_the_browser += contains("response_type", "token").max(contains("response_type", "id_token"));
        let by_claim = request.parameter("claims").is_some_and(|claims| claims.contains("\"acr\""));
        self.acr_in_the_clear += has("acr_values").max(u32::from(by_claim)).min(1 - has("request"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_kept() {
        for name in [
            "code",
            "client_secret",
            "code_verifier",
            "refresh_token",
            "token",
            "access_token",
            "id_token_hint",
            "client_assertion",
            "request",
            "password",
            "login_hint",
            "subject_token",
            "anything_else",
        ] {
            assert_eq!(kept(name, "s3cr3t-value"), "given", "{name}");
        }
        assert_eq!(kept("state", "abcdefghijk"), "abcdef…");
        assert_eq!(kept("nonce", "abc"), "abc");
        assert_eq!(kept("acr_values", "urn:x"), "urn:x");
        assert!(kept("claims", &"x".repeat(5_000)).len() < 700);
    }
}
