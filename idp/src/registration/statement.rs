//! Software statements (RFC 7591 §2.3): what a trusted issuer says about a piece of software takes precedence over what
//! a client says about itself.

use serde_json::Value;
use stepgate_core::jose::{self, SigningAlgorithm, VerifyRules};
use stepgate_core::oidc::ErrorCode;
use stepgate_core::registration::{Members, RegistrationError};
use stepgate_core::time::Timestamp;

use crate::cx::Cx;

const MEMBER: &str = "software_statement";

/// Claims of the statement itself, not of the software.
const ITS_OWN: &[&str] = &["iss", "sub", "aud", "exp", "nbf", "iat", "jti", MEMBER];

/// Lays what the statement says over the members. `known` is the statement that the client came with: of that only the
/// signature counts, and a client that leaves it out later stays bound to it.
pub(super) fn apply(cx: &Cx, mut members: Members, known: Option<&str>) -> Result<Members, RegistrationError> {
    let statement = match (members.get(MEMBER), known) {
        (Some(Value::String(statement)), _) => statement.clone(),
        (None | Some(Value::Null), Some(known)) => known.to_owned(),
        (None | Some(Value::Null), None) => return Ok(members),
        (Some(_), _) => return Err(RegistrationError::of(MEMBER, "must be a signed JWT")),
    };
    let claims = verify(cx, &statement, known == Some(statement.as_str()))?;
    members.extend(claims.into_iter().filter(|(name, _)| !ITS_OWN.contains(&name.as_str())));
    members.insert(MEMBER.to_owned(), Value::String(statement));
    Ok(members)
}

fn verify(cx: &Cx, statement: &str, known: bool) -> Result<Members, RegistrationError> {
    let refuse = |code, fault: &str| RegistrationError { code, member: MEMBER.to_owned(), fault: fault.to_owned() };
    let invalid = |fault: &str| refuse(ErrorCode::InvalidSoftwareStatement, fault);
    let issuer = jose::unverified_issuer(statement).ok_or_else(|| invalid("is not a signed JWT with an iss"))?;
    let trusted = &cx.app.settings.registration.software_statement_issuers;
    let trusted = trusted.iter().find(|trusted| trusted.iss == issuer);
    let unapproved = || refuse(ErrorCode::UnapprovedSoftwareStatement, "its iss is nobody whom this provider trusts");
    let keys = trusted.ok_or_else(unapproved)?.keys().map_err(|fault| {
        tracing::error!(issuer, fault, "the keys of an issuer of software statements cannot be read");
        unapproved()
    })?;
    let rules = VerifyRules::any_typ(SigningAlgorithm::ALL);
    let claims = jose::verify::<Members>(statement, &keys, &rules).map_err(|error| invalid(&error.to_string()))?.claims;
    let time = |name: &str| claims.get(name).and_then(Value::as_i64).map(Timestamp::from_unix_seconds);
    if !known && time("exp").is_some_and(|exp| exp <= cx.now) {
        return Err(invalid("has expired; ask its issuer for a new one"));
    }
    if !known && time("nbf").is_some_and(|nbf| nbf > cx.now) {
        return Err(invalid("is not valid yet"));
    }
    Ok(claims)
}
