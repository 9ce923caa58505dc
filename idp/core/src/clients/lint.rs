//! The linter: what in a client's registration, or in what it was seen to do, is wrong, risky or left undone.
//!
//! Pure: facts in, findings out. Each finding says why it matters and what mends it. A finding that rests on requests
//! is made only when enough of them were seen.

mod habits;
mod registration;
#[cfg(test)]
mod tests;

use super::ClientMetadata;
use super::requests::Seen;
use crate::time::Timestamp;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody can be harmed: mend it before going live.
    Must,
    /// Weaker than it could be.
    Should,
    /// Worth knowing; some of it cannot be seen from here.
    Advice,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its stable id: `acr-in-the-clear`.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: &'static str,
    /// What mends it.
    pub fix: &'static str,
    /// The metadata that mends it.
    pub field: Option<&'static str>,
}

/// A secret, without itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretAge {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to count.
    pub expires_at: Option<Timestamp>,
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The registration.
    pub metadata: &'a ClientMetadata,
    /// Its secrets.
    pub secrets: &'a [SecretAge],
    /// Whether its application has a policy that accepts only some strengths.
    pub application_floor: bool,
    /// Whether this deployment is one to try things out on this machine.
    pub local_issuer: bool,
    /// Seconds that an access token lives.
    pub access_token_seconds: u64,
    /// What it was seen to do.
    pub seen: &'a Seen,
    /// Now.
    pub now: Timestamp,
}

type Rule = fn(&Facts<'_>) -> Option<Finding>;

/// Every rule, by what it guards.
const RULES: &[Rule] = &[
    habits::acr_in_the_clear,
    registration::floor_without_acr,
    habits::pkce_never_used,
    habits::state_never_sent,
    habits::nonce_never_sent,
    registration::http_redirect,
    registration::loopback_in_production,
    registration::implicit_response_types,
    habits::tokens_through_the_browser,
    registration::secret_in_the_body,
    registration::secret_where_keys_are_possible,
    registration::secret_too_old,
    registration::keys_pasted,
    registration::many_secrets,
    registration::offline_access_without_refresh,
    habits::offline_access_unused,
    registration::no_post_logout,
    registration::no_logout_channel,
    habits::max_age_needs_auth_time,
    registration::access_token_outlives,
    habits::userinfo_never_called,
    habits::introspection_is_today,
    habits::acr_must_be_checked,
    registration::nothing_to_show,
];

/// Everything that was found, what matters most first.
pub fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = RULES.iter().filter_map(|rule| rule(facts)).collect();
    found.sort_by_key(|finding| finding.severity);
    found
}

/// Requests before something that was never seen is believed to be missing.
const ENOUGH: u32 = 3;

const fn finding(id: &'static str, severity: Severity, what: String, why: &'static str, fix: &'static str) -> Finding {
    Finding { id, severity, what, why, fix, field: None }
}

impl Finding {
    const fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

impl Facts<'_> {
    fn has_floor(&self) -> bool {
        self.application_floor || !self.metadata.required_acr.is_empty()
    }

    fn wants_strength(&self) -> bool {
        self.has_floor() || !self.metadata.default_acr_values.is_empty() || self.seen.acr_in_the_clear > 0
    }

    fn logs_people_in(&self) -> bool {
        !self.metadata.redirect_uris.is_empty()
    }

    fn has_scope(&self, scope: &str) -> bool {
        self.metadata.scope.split(' ').any(|registered| registered == scope)
    }

    fn has_grant(&self, grant: &str) -> bool {
        self.metadata.grant_types.iter().any(|registered| registered == grant)
    }
}
