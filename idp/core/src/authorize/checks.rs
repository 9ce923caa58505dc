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

/// Every rule.
const CHECKS: &[Check] = &[
    how_it_came::check,
    registration::check,
    response_type::check,
    allowed_grant::check,
    nonce::check,
    code_challenge::check,
    scope::check,
    resource::check,
    id_token_hint::check,
    requested_subject::check,
];

/// Tries the rules in turn; the first broken one is the answer.
pub(super) fn run(case: &Case<'_>) -> Result<(), OAuthError> {
    CHECKS.iter().try_for_each(|check| check(case))
}
