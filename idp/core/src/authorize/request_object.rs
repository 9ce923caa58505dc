//! Request objects (OpenID Connect Core §6, RFC 9101): a request as a JWT, by value or by reference.
//!
//! Owns: what an object may say, and how its parameters and those beside it make one request. Never fetches anything.

use serde_json::{Map, Value};

use crate::clients::Client;
use crate::jose::{self, PublicKeys, SigningAlgorithm, VerifyRules};
use crate::oidc::params::{REPEATABLE, RawAuthorization};
use crate::oidc::{ErrorCode, OAuthError, ResponseType};
use crate::time::Timestamp;

/// Bytes of an object that are looked at; more is refused.
pub const LONGEST: usize = 16 * 1024;

/// The `typ` by which a client asks for the rules of RFC 9101 (§10.8).
const JAR: &str = "oauth-authz-req+jwt";

/// Seconds by which a client's clock may be off.
const LEEWAY: i64 = 60;

/// What an object is judged by, besides itself and its client.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// In which parameter it came, for error texts: `request` or `request_uri`.
    pub parameter: &'static str,
    /// The issuer: whom it must be for, where it says.
    pub issuer: &'a str,
    /// The client's keys.
    pub keys: Option<&'a PublicKeys>,
    /// Whether the deployment takes objects that nobody signed.
    pub unsigned: Unsigned,
    /// What stands beside it.
    pub beside: Beside,
    /// The time of the request.
    pub now: Timestamp,
}

/// Whether objects with `alg: none` are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// They are, unless the client registered otherwise.
    Taken,
    /// They are not.
    Refused,
}

/// What the parameters beside an object count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// They fill in what the object does not say (OpenID Connect Core §6.1), unless it asks for RFC 9101's rules.
    MayAdd,
    /// Nothing (RFC 9126 §3).
    Ignored,
}

/// A request object that was opened.
pub struct Opened {
    /// The request that it makes.
    pub raw: RawAuthorization,
    /// Whether the client signed it.
    pub signed: bool,
}

/// Opens the request object of a request. What it says wins over what stands beside it.
///
/// # Errors
/// `invalid_request_object`, naming what is wrong with it.
pub fn open(outer: &RawAuthorization, compact: &str, client: &Client, rules: &Rules<'_>) -> Result<Opened, OAuthError> {
    let refuse = |fault: String| OAuthError::parameter(ErrorCode::InvalidRequestObject, rules.parameter, &fault);
    let typ = jose::declared(compact).map_err(|error| refuse(error.to_string()))?.typ;
    if !matches!(typ.as_deref(), None | Some("jwt" | JAR)) {
        return Err(refuse(format!("typ must be {JAR} or JWT")));
    }
    let (claims, signed) = read(compact, client, rules).map_err(&refuse)?;
    let alone =
        rules.beside == Beside::Ignored || typ.as_deref() == Some(JAR) || client.metadata.require_signed_request_object;
    let case = Case { claims: &claims, outer, client, rules, alone };
    CHECKS.iter().try_for_each(|check| check(&case)).map_err(|fault| refuse(fault.to_owned()))?;

    let mut parameters = if alone { Map::new() } else { parameters_of(outer) };
    for (name, value) in &claims {
        match parameter(name, value).map_err(&refuse)? {
            Some(Value::String(text)) if text.is_empty() => {}
            Some(value) => drop(parameters.insert(name.clone(), value)),
            None => {}
        }
    }
    parameters.retain(|name, _| !matches!(name.as_str(), "request" | "request_uri"));
    parameters.insert("client_id".to_owned(), client.id.clone().into());
    let raw =
        serde_json::from_value(parameters.into()).map_err(|_| refuse("a parameter is not a string".to_owned()))?;
    Ok(Opened { raw, signed })
}

/// The claims, and whether they were signed.
fn read(compact: &str, client: &Client, rules: &Rules<'_>) -> Result<(Map<String, Value>, bool), String> {
    let alg = jose::declared(compact).map_err(|error| error.to_string())?.alg;
    let pinned = client.metadata.request_object_signing_alg.as_deref();
    if pinned.is_some_and(|pinned| pinned != alg) {
        return Err("is not signed with the registered request_object_signing_alg".to_owned());
    }
    if alg == "none" {
        if rules.unsigned == Unsigned::Refused || client.metadata.require_signed_request_object {
            return Err("must be signed with a registered key of the client".to_owned());
        }
        return jose::read_unsecured(compact).map(|claims| (claims, false)).map_err(|error| error.to_string());
    }
    let keys = rules.keys.ok_or("is signed, but the client registered no keys (jwks or jwks_uri)")?;
    let verified = jose::verify(compact, keys, &VerifyRules::any_typ(SigningAlgorithm::ALL));
    verified.map(|verified| (verified.claims, true)).map_err(|error| error.to_string())
}

/// What a rule about an object may look at.
struct Case<'a> {
    claims: &'a Map<String, Value>,
    outer: &'a RawAuthorization,
    client: &'a Client,
    rules: &'a Rules<'a>,
    /// Whether the object alone is the request.
    alone: bool,
}

type Check = fn(&Case<'_>) -> Result<(), &'static str>;

/// Every rule about an object whose signature is right.
const CHECKS: &[Check] = &[not_nested, issued_by_the_client, for_us, in_time, of_the_client, same_response_type];

/// OpenID Connect Core §6.1, RFC 9101 §4.
fn not_nested(case: &Case<'_>) -> Result<(), &'static str> {
    let nested = ["request", "request_uri"].iter().any(|name| case.claims.contains_key(*name));
    if nested { Err("must hold neither request nor request_uri") } else { Ok(()) }
}

/// A `sub` that is the client's id would let it pass for a client assertion (RFC 9101 §10.8).
fn issued_by_the_client(case: &Case<'_>) -> Result<(), &'static str> {
    if case.claims.get("iss").is_some_and(|iss| *iss != case.client.id.as_str()) {
        return Err("iss must be the client_id");
    }
    if case.claims.get("sub").is_some_and(|sub| *sub == case.client.id.as_str()) {
        return Err("sub must not be the client_id: who sees the object could authenticate with it");
    }
    Ok(())
}

fn for_us(case: &Case<'_>) -> Result<(), &'static str> {
    let ours = |value: &Value| *value == case.rules.issuer;
    match case.claims.get("aud") {
        None => Ok(()),
        Some(Value::Array(several)) if several.iter().any(ours) => Ok(()),
        Some(one) if ours(one) => Ok(()),
        Some(_) => Err("aud must be the issuer, or hold it"),
    }
}

/// `exp` and `nbf` where they are given (RFC 9101 §6.3, RFC 7519 §4.1).
fn in_time(case: &Case<'_>) -> Result<(), &'static str> {
    let now = case.rules.now.unix_seconds();
    let time = |name: &str| match case.claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or("exp and nbf must be numbers"),
    };
    if time("exp")?.is_some_and(|exp| exp <= (now - LEEWAY) as f64) {
        return Err("exp has passed");
    }
    if time("nbf")?.is_some_and(|nbf| nbf > (now + LEEWAY) as f64) {
        return Err("nbf lies in the future");
    }
    Ok(())
}

/// RFC 9101 §5 wants the `client_id` inside, and the same one outside.
fn of_the_client(case: &Case<'_>) -> Result<(), &'static str> {
    match case.claims.get("client_id") {
        Some(id) if *id != case.client.id.as_str() => Err("client_id differs from the one of the request"),
        None if case.alone => Err("client_id is missing"),
        _ => Ok(()),
    }
}

/// OpenID Connect Core §6.1: inside and outside, `response_type` is the same; the order of its words does not matter.
fn same_response_type(case: &Case<'_>) -> Result<(), &'static str> {
    let inside = case.claims.get("response_type").and_then(Value::as_str);
    match (inside, case.outer.response_type.as_deref()) {
        (Some(inside), Some(outside)) if inside != outside => {
            match (ResponseType::parse(inside), ResponseType::parse(outside)) {
                (Ok(inside), Ok(outside)) if inside == outside => Ok(()),
                _ => Err("response_type differs from the one of the request"),
            }
        }
        _ => Ok(()),
    }
}

/// The parameters that a request has, by name.
fn parameters_of(raw: &RawAuthorization) -> Map<String, Value> {
    let mut parameters = match serde_json::to_value(raw) {
        Ok(Value::Object(parameters)) => parameters,
        _ => Map::new(),
    };
    parameters.retain(|_, value| !value.is_null());
    parameters
}

/// A claim as the parameter that it stands for: JSON where the parameter is JSON, text otherwise. An absent one is
/// `None`.
fn parameter(name: &str, value: &Value) -> Result<Option<Value>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Object(_) if matches!(name, "claims" | "registration") => value.to_string(),
        Value::Array(items) if name == REPEATABLE && items.iter().all(Value::is_string) => {
            return Ok(Some(value.clone()));
        }
        // Claims that are no parameters may be anything: `aud` is often an array.
        Value::Object(_) | Value::Array(_) if !is_parameter(name) => return Ok(None),
        Value::Object(_) | Value::Array(_) => return Err(format!("{name} must be a string")),
    };
    if text.contains('\0') {
        return Err(format!("{name} holds a NUL"));
    }
    Ok(Some(if name == REPEATABLE { Value::Array(vec![text.into()]) } else { text.into() }))
}

fn is_parameter(name: &str) -> bool {
    matches!(serde_json::to_value(RawAuthorization::default()), Ok(Value::Object(known)) if known.contains_key(name))
}

#[cfg(test)]
mod tests;
