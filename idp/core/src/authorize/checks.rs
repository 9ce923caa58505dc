//! The rules that a request must keep once its redirect URI is known to be the client's. A broken rule is told to the
//! client. One rule per file; the table below is the order in which they are tried.

mod allowed_grant;
mod code_challenge;
mod how_it_came;
mod id_token_hint;
mod nonce;
mod registration;
mod requested_subject;
mod resource;
mod response_type;
mod scope;

pub(super) use requested_subject::requested_subject;
pub(super) use scope::{check_scope, granted_claims, granted_scope};

use crate::authorize::{Context, ParsedAuthorization};
use crate::clients::Client;
use crate::oidc::OAuthError;

/// What a rule may look at.
pub(super) struct Case<'a> {
    pub(super) parsed: &'a ParsedAuthorization,
    pub(super) client: &'a Client,
    pub(super) context: &'a Context<'a>,
}

type Check = fn(&Case<'_>) -> Result<(), OAuthError>;

/// Every rule, with its name in `oidc::rules`.
const CHECKS: &[(&str, Check)] = &[
    ("authorize.not_supported", how_it_came::check),
    ("authorize.not_supported", registration::check),
    ("authorize.response_type", response_type::check),
    ("authorize.grant_type", allowed_grant::check),
    ("authorize.nonce", nonce::check),
    ("authorize.pkce", code_challenge::check),
    ("authorize.scope", scope::check),
    ("authorize.resource", resource::check),
    ("authorize.id_token_hint", id_token_hint::check),
    ("authorize.subject", requested_subject::check),
];

/// Tries the rules in turn; the first broken one is the answer, and the answer knows which.
pub(super) fn run(case: &Case<'_>) -> Result<(), OAuthError> {
    CHECKS.iter().try_for_each(|(rule, check)| check(case).map_err(|error| error.by_rule(rule)))
}

#[cfg(test)]
mod tests {
    use crate::oidc::rules;

    #[test]
    fn every_rule_of_the_table_has_its_source() {
        for (id, _) in super::CHECKS {
            assert!(rules::find(id).is_some(), "{id}");
        }
    }
}
