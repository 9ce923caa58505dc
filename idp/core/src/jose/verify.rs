//! Verification: strict, by an allow-list, against keys that we chose.

use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::strict_json::is_strict_object;
use super::{JoseError, Jwk, MacAlgorithm, PublicKey, PublicKeys, SigningAlgorithm};
use crate::secret::SecretString;

/// What a token must be like before its signature is looked at.
#[derive(Clone, Copy, Debug)]
pub struct VerifyRules<'a, A = SigningAlgorithm> {
    algorithms: &'a [A],
    /// Accepted `typ` values without their `application/` prefix; empty accepts any, and none.
    typ: &'a [&'a str],
    max_length: usize,
}

impl<'a, A> VerifyRules<'a, A> {
    /// One of these `typ` values is required.
    pub const fn typ(algorithms: &'a [A], typ: &'a [&'a str]) -> Self {
        Self { algorithms, typ, max_length: 16 * 1024 }
    }

    /// Any `typ`, or none: for tokens whose use has no `typ` of its own, as client assertions.
    pub const fn any_typ(algorithms: &'a [A]) -> Self {
        Self::typ(algorithms, &[])
    }
}

/// A token whose signature is right.
#[derive(Clone, Debug)]
pub struct Verified<C, A = SigningAlgorithm> {
    /// The key that signed it.
    pub kid: Option<String>,
    /// How.
    pub algorithm: A,
    /// What it says.
    pub claims: C,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    b64: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    jwk: Option<Jwk>,
}

const MAX_HEADER: usize = 4 * 1024;

struct Parts<'a, A> {
    header: Header,
    algorithm: A,
    signed: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

fn split<'a, A: FromStr + PartialEq>(compact: &'a str, rules: &VerifyRules<'_, A>) -> Result<Parts<'a, A>, JoseError> {
    if compact.len() > rules.max_length {
        return Err(JoseError::Malformed);
    }
    let (signed, signature) = compact.rsplit_once('.').ok_or(JoseError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(JoseError::Malformed)?;
    if header.len() > MAX_HEADER || payload.contains('.') {
        return Err(JoseError::Malformed);
    }
    // `data-encoding` refuses padding and stray trailing bits: one token has one spelling.
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| JoseError::Malformed);
    let header = decode(header)?;
    if !is_strict_object(&header) {
        return Err(JoseError::Header);
    }
    let header: Header = serde_json::from_slice(&header).map_err(|_| JoseError::Header)?;
    if header.crit.is_some() || header.b64.is_some() {
        return Err(JoseError::Critical);
    }
    let algorithm: A = header.alg.parse().map_err(|_| JoseError::Algorithm)?;
    if !rules.algorithms.contains(&algorithm) {
        return Err(JoseError::Algorithm);
    }
    let typ = header.typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    let typ_fits = rules.typ.is_empty()
        || typ.is_some_and(|typ| rules.typ.iter().any(|accepted| accepted.eq_ignore_ascii_case(typ)));
    if !typ_fits {
        return Err(JoseError::Type);
    }
    Ok(Parts { header, algorithm, signed: signed.as_bytes(), payload: decode(payload)?, signature: decode(signature)? })
}

fn claims<C: DeserializeOwned>(payload: &[u8]) -> Result<C, JoseError> {
    if !is_strict_object(payload) {
        return Err(JoseError::Claims);
    }
    serde_json::from_slice(payload).map_err(|_| JoseError::Claims)
}

/// Verifies a compact JWS against our choice of keys.
///
/// # Errors
/// The first rule that it breaks.
pub fn verify<C: DeserializeOwned>(
    compact: &str,
    keys: &PublicKeys,
    rules: &VerifyRules<'_>,
) -> Result<Verified<C>, JoseError> {
    let parts = split(compact, rules)?;
    let mut outcome = Err(JoseError::UnknownKey);
    for key in keys.candidates(parts.header.kid.as_deref(), parts.algorithm) {
        outcome = key.verify(parts.algorithm, parts.signed, &parts.signature);
        if outcome.is_ok() {
            break;
        }
    }
    outcome?;
    Ok(Verified { kid: parts.header.kid, algorithm: parts.algorithm, claims: claims(&parts.payload)? })
}

/// Verifies a compact JWS whose MAC was made under one of these secrets (RFC 7515 §A.1).
///
/// # Errors
/// The first rule that it breaks.
pub fn verify_mac<C: DeserializeOwned>(
    compact: &str,
    secrets: &[SecretString],
    rules: &VerifyRules<'_, MacAlgorithm>,
) -> Result<Verified<C, MacAlgorithm>, JoseError> {
    let parts = split(compact, rules)?;
    // All of them, so that the time does not tell which one matched.
    let matches = secrets.iter().filter(|secret| parts.algorithm.matches(secret, parts.signed, &parts.signature));
    if matches.count() == 0 {
        return Err(JoseError::Signature);
    }
    Ok(Verified { kid: parts.header.kid, algorithm: parts.algorithm, claims: claims(&parts.payload)? })
}

/// Verifies an enrolment message, which brings the key that it is signed with: it proves possession, not identity.
///
/// # Errors
/// The first rule that it breaks.
pub fn verify_with_embedded_jwk<C: DeserializeOwned>(
    compact: &str,
    rules: &VerifyRules<'_>,
) -> Result<(C, Jwk), JoseError> {
    let parts = split(compact, rules)?;
    let jwk = parts.header.jwk.ok_or(JoseError::UnknownKey)?;
    let key = PublicKey::parse(&jwk)?;
    if !key.fits(parts.algorithm) {
        return Err(JoseError::Algorithm);
    }
    key.verify(parts.algorithm, parts.signed, &parts.signature)?;
    Ok((claims(&parts.payload)?, jwk))
}

/// The `iss` of a token that was not verified: to find out whose keys must verify it, and for nothing else.
pub fn unverified_issuer(compact: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    if compact.len() > 16 * 1024 {
        return None;
    }
    let payload = compact.split('.').nth(1)?;
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    serde_json::from_slice::<Issuer>(&payload).ok().map(|claims| claims.iss)
}

/// The `kid` of a token that was not verified: to find out which key must verify it, and for nothing else.
pub fn unverified_kid(compact: &str) -> Option<String> {
    let header = compact.split('.').next().filter(|header| header.len() <= MAX_HEADER)?;
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).ok()?;
    serde_json::from_slice::<Header>(&header).ok()?.kid
}

/// An `aud` claim: a string or an array (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// Whether it names `audience`.
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

#[cfg(test)]
mod tests;
