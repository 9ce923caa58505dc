//! A `sub` that the `claims` parameter asks for names the same person as the `id_token_hint` (OpenID Connect Core
//! §5.5.1).

use serde_json::Value;

use super::Case;
use crate::authorize::{Context, Hint, HintedSubject};
use crate::oidc::{ClaimsRequest, OAuthError};

pub(super) fn check(case: &Case<'_>) -> Result<(), OAuthError> {
    match (requested_subject(&case.parsed.claims, case.context)?, case.context.hint) {
        (Some(asked), Hint::Verified(hinted)) if asked != hinted => {
            Err(OAuthError::invalid("claims", "sub names another person than id_token_hint"))
        }
        _ => Ok(()),
    }
}

/// The person that the `claims` parameter asks for by `sub`.
pub(in crate::authorize) fn requested_subject(
    claims: &ClaimsRequest,
    context: &Context<'_>,
) -> Result<Option<HintedSubject>, OAuthError> {
    let Some(subject) = claims.subject() else {
        return Ok(None);
    };
    let person = subject.as_str().and_then(context.person_of);
    match (subject, person) {
        (_, Some(person)) => Ok(Some(HintedSubject { person })),
        (Value::Null, None) => Ok(None),
        _ => Err(OAuthError::invalid("claims", "sub is not a subject of this issuer")),
    }
}
