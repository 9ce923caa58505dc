//! The go-live checklist: what must have been seen to work, what must be set, and what only people can confirm.

use super::lint::{Facts, Finding, Severity};
use crate::time::Timestamp;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its stable id.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// How to get there.
    pub how: &'static str,
    /// Whether it is done.
    pub state: State,
}

/// Whether an item is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is, since then where that is known.
    Done(Option<Timestamp>),
    /// Not yet.
    Open,
    /// Somebody has to confirm it; since when it is.
    Confirmed(Option<Timestamp>),
}

impl Step {
    /// Whether it is done or confirmed.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_) | State::Confirmed(Some(_)))
    }
}

/// What people confirm: id, title, how.
pub const MANUAL: &[(&str, &str, &str)] = &[
    (
        "checks-acr",
        "Our code compares acr",
        "Ask the playground for less than you accept, and see your application refuse.",
    ),
    ("checks-auth-time", "Our code compares auth_time where freshness matters", "Only needed where you send max_age."),
    (
        "handles-refusal",
        "A refused elevation shows a helpful page",
        "unmet_authentication_requirements and access_denied lead somewhere sensible.",
    ),
    (
        "secret-stored",
        "The secret or key lives in a secret store",
        "Not in the repository, not in an image, not in a ticket.",
    ),
    ("support-knows", "Our support knows what to say", "Lost phone, lapsed subscription, locked credential: see Help."),
];

/// The whole list. `reached` tells since when something was seen or confirmed.
pub fn steps(
    facts: &Facts<'_>,
    findings: &[Finding],
    registered_at: Timestamp,
    reached: &dyn Fn(&str) -> Option<Timestamp>,
) -> Vec<Step> {
    let metadata = facts.metadata;
    let when = |done: bool| if done { State::Done(None) } else { State::Open };
    let seen = |id: &str| reached(id).map_or(State::Open, |at| State::Done(Some(at)));
    let step = |id, title, how, state| Step { id, title, how, state };
    let mut steps = vec![
        step(
            "lint",
            "Nothing left that must be mended",
            "See Checks: findings marked Must.",
            when(!findings.iter().any(|finding| finding.severity == Severity::Must)),
        ),
        step(
            "https",
            "All redirect URIs are https",
            "Development addresses belong to another client.",
            when(metadata.redirect_uris.iter().all(|uri| !uri.starts_with("http:"))),
        ),
        step(
            "contacts",
            "A contact is registered",
            "contacts: somebody we can write to when a key or a certificate is about to end.",
            when(!metadata.contacts.is_empty()),
        ),
        step(
            "links",
            "Policy and terms are linked",
            "policy_uri and tos_uri: people see them at login and consent.",
            when(metadata.policy_uri.is_some() && metadata.tos_uri.is_some()),
        ),
        step("login", "A login was seen", "Somebody logged in and the code was redeemed.", seen("login")),
        step(
            "elevation",
            "An elevation was seen",
            "A request was answered with more than one factor.",
            seen("elevation"),
        ),
        step(
            "refusal",
            "A refused login was seen",
            "Cancel a login, and see what your application shows.",
            seen("refusal"),
        ),
        step(
            "logout",
            "A logout was seen",
            "Your application sent the browser to the logout endpoint.",
            seen("logout"),
        ),
    ];
    if metadata.token_endpoint_auth_method.needs_secret() {
        let live = facts.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > facts.now));
        let mut ages = live.map(|secret| secret.created_at).peekable();
        let replaced = ages.peek().is_some() && ages.all(|created_at| created_at > registered_at);
        steps.push(step(
            "secret",
            "The first secret was replaced",
            "The secret that was used for testing has been ended; the one in production is new.",
            when(replaced),
        ));
    }
    steps.extend(MANUAL.iter().map(|(id, title, how)| step(id, title, how, State::Confirmed(reached(id)))));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::ClientMetadata;
    use crate::clients::lint::{SecretAge, findings};
    use crate::clients::requests::Seen;

    #[test]
    fn what_is_seen_set_or_confirmed_is_ticked() {
        let now = Timestamp::from_unix_seconds(1_000_000);
        let metadata = ClientMetadata {
            redirect_uris: vec!["https://app.example/cb".to_owned()],
            response_types: vec!["code".to_owned()],
            ..ClientMetadata::default()
        };
        let secrets = [SecretAge { created_at: now, expires_at: None }];
        let seen = Seen::default();
        let facts = Facts {
            metadata: &metadata,
            secrets: &secrets,
            application_floor: false,
            local_issuer: false,
            access_token_seconds: 600,
            seen: &seen,
            now,
        };
        let done = |registered_at, reached: &dyn Fn(&str) -> Option<Timestamp>| {
            let steps = steps(&facts, &findings(&facts), registered_at, reached);
            steps.iter().filter(|step| step.is_done()).map(|step| step.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(done(now, &|_| None), "lint https");
        let earlier = Timestamp::from_unix_seconds(10);
        let reached = |id: &str| matches!(id, "login" | "checks-acr").then_some(now);
        assert_eq!(done(earlier, &reached), "lint https login secret checks-acr");
    }
}
