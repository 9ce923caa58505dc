//! What a client may register about itself (RFC 7591 §2, OpenID Connect Dynamic Client Registration §2, RFC 7592 §2.2).
//!
//! Owns: one rule for each member, one for each pair that must agree, both in tables that can be read. Never: fetching
//! what a member points to, ids, secrets. What only an operator can grant a client cannot give itself.

mod keys;
mod members;
mod rules;
mod values;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::assurance::Catalogue;
use crate::clients::ClientMetadata;
use crate::jose::is_strict_object;
use crate::oidc::{ErrorCode, OAuthError};

pub use keys::served_keys;
pub use members::names;

/// The largest registration that is read.
pub const LONGEST: usize = 64 * 1024;

/// Arrays and objects within one another; nothing that can be registered lies deeper.
const DEEPEST: usize = 8;

/// The members of a registration, as they came.
pub type Members = Map<String, Value>;

/// What a deployment lets clients register.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// The acr classes.
    pub catalogue: &'a Catalogue,
    /// The scopes that clients may register.
    pub scopes: &'a [String],
    /// The response types on offer, as discovery names them.
    pub response_types: &'a [String],
    /// The grant types on offer, as discovery names them.
    pub grant_types: &'a [String],
    /// The ways of client authentication on offer, as discovery names them.
    pub auth_methods: &'a [String],
    /// Plain http on loopback may be where people are sent: the issuer is there too.
    pub loopback_pages: bool,
    /// Plain http on loopback may be fetched from.
    pub loopback_documents: bool,
}

/// Why a registration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {fault}")]
pub struct RegistrationError {
    /// The code.
    pub code: ErrorCode,
    /// Which member.
    pub member: String,
    /// What is wrong, and what would be right.
    pub fault: String,
}

impl RegistrationError {
    /// `invalid_client_metadata`; `invalid_redirect_uri` where that is the member (RFC 7591 §3.2.2).
    pub fn of(member: &str, fault: impl Into<String>) -> Self {
        let code =
            if member == "redirect_uris" { ErrorCode::InvalidRedirectUri } else { ErrorCode::InvalidClientMetadata };
        Self { code, member: member.to_owned(), fault: fault.into() }
    }
}

impl From<RegistrationError> for OAuthError {
    fn from(error: RegistrationError) -> Self {
        Self::parameter(error.code, &error.member, &error.fault)
    }
}

/// Reads the body of a registration: one JSON object, not too large, not too deep, no member twice.
///
/// # Errors
/// What of that it is not.
pub fn parse(body: &[u8]) -> Result<Members, RegistrationError> {
    let refuse = |fault: &str| RegistrationError::of("body", fault);
    if body.len() > LONGEST {
        return Err(refuse("is larger than 64 KiB"));
    }
    if !is_strict_object(body) {
        return Err(refuse("must be one JSON object in which no member appears twice"));
    }
    let members: Members = serde_json::from_slice(body).map_err(|_| refuse("must be one JSON object"))?;
    if members.values().any(|value| depth(value) > DEEPEST) {
        return Err(refuse("is nested too deeply"));
    }
    Ok(members)
}

/// How deep a value is. The JSON reader has bounded it already, so this ends.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The metadata of a registration, complete with defaults. Members that are not known are ignored (RFC 7591 §2), those
/// that are `null` count as absent (RFC 7592 §2.2). `granted` holds what an operator granted; of a new client that is
/// nothing.
///
/// # Errors
/// The first rule that it breaks.
pub fn validate(
    members: &Members,
    granted: &ClientMetadata,
    deployment: &Deployment<'_>,
) -> Result<ClientMetadata, RegistrationError> {
    let mut metadata = members::read(members, granted, deployment)?;
    rules::complete(&mut metadata, members);
    rules::check(&metadata, deployment)?;
    Ok(metadata)
}

/// Whether a member was given.
fn is_given(members: &Members, name: &str) -> bool {
    members.get(name).is_some_and(|value| !value.is_null())
}
