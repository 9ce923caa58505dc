//! The `claims` parameter (OpenID Connect Core §5.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oidc::errors::OAuthError;

/// Characters of a `claims` parameter that are read; more is refused.
const LONGEST: usize = 8 * 1024;

/// How one claim is asked for (§5.5.1). `null` on the wire is the default: voluntary, any value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimDemand {
    /// The client cannot do without.
    pub essential: bool,
    /// The one value that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The values of which one is wanted, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl ClaimDemand {
    /// The wanted values, whether one or several were given.
    pub fn wanted(&self) -> impl Iterator<Item = &Value> {
        self.value.iter().chain(&self.values)
    }
}

/// What the `claims` parameter says about `acr` in the ID token (§5.5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcrDemand {
    /// An unmet demand ends the request with an error.
    pub essential: bool,
    /// The acceptable values, best first; none when the client only wants to know.
    pub values: Vec<String>,
}

type Demands = BTreeMap<String, Option<ClaimDemand>>;

/// A `claims` parameter that was read. Serialises to the form that it has on the wire; members that the specification
/// does not define are dropped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    id_token: Demands,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    userinfo: Demands,
}

impl ClaimsRequest {
    /// Reads the parameter.
    ///
    /// # Errors
    /// `invalid_request` when it is not the JSON of §5.5, or asks for an `acr` that is not a string.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        if text.len() > LONGEST {
            return Err(OAuthError::invalid("claims", "longer than 8 KiB"));
        }
        if !text.trim_start().starts_with('{') {
            return Err(OAuthError::invalid("claims", "must be a JSON object"));
        }
        let request: Self = serde_json::from_str(text).map_err(|_| {
            OAuthError::invalid("claims", "must be JSON with objects of claims in id_token and userinfo")
        })?;
        let acr = request.id_token.get("acr").and_then(Option::as_ref);
        if acr.is_some_and(|demand| demand.wanted().any(|value| !value.is_string())) {
            return Err(OAuthError::invalid("claims", "the values of acr must be strings"));
        }
        Ok(request)
    }

    /// From a grant's terms; what cannot be read asks for nothing.
    pub fn from_terms(value: Option<&Value>) -> Self {
        value.and_then(|value| Self::deserialize(value).ok()).unwrap_or_default()
    }

    /// As a grant's terms keep it; `None` when nothing is asked for.
    pub fn to_terms(&self) -> Option<Value> {
        if self.is_empty() { None } else { serde_json::to_value(self).ok() }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.userinfo.is_empty()
    }

    /// How the ID token's claim is asked for; `None` when it is not.
    pub fn of_id_token(&self, claim: &str) -> Option<ClaimDemand> {
        self.id_token.get(claim).map(|demand| demand.clone().unwrap_or_default())
    }

    /// Whether the claim is asked for in the ID token.
    pub fn in_id_token(&self, claim: &str) -> bool {
        self.id_token.contains_key(claim)
    }

    /// Whether the claim is asked for at the userinfo endpoint.
    pub fn in_userinfo(&self, claim: &str) -> bool {
        self.userinfo.contains_key(claim)
    }

    /// The names of all claims that are asked for, in the ID token or at the userinfo endpoint.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.id_token.keys().chain(self.userinfo.keys()).map(String::as_str)
    }

    /// Forgets the claims that `keep` says no to, by name.
    #[must_use]
    pub fn limited_to(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.id_token.retain(|claim, _| keep(claim));
        self.userinfo.retain(|claim, _| keep(claim));
        self
    }

    /// What is asked of `acr`.
    pub fn acr(&self) -> Option<AcrDemand> {
        let demand = self.of_id_token("acr")?;
        let values = demand.wanted().filter_map(Value::as_str).map(str::to_owned).collect();
        Some(AcrDemand { essential: demand.essential, values })
    }

    /// The subject that the ID token must be about (§5.5.1, `sub` with a value).
    pub fn subject(&self) -> Option<&Value> {
        self.id_token.get("sub")?.as_ref()?.value.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_are_read() {
        let claims = ClaimsRequest::parse(
            r#"{"userinfo": {"name": {"essential": true}, "picture": null, "http://x.example/y": null},
                "id_token": {"auth_time": {"essential": true}, "acr": {"essential": true, "values": ["a", "b"]},
                             "sub": {"value": "248289761001"}}, "other": 1}"#,
        )
        .unwrap();
        assert_eq!(claims.acr(), Some(AcrDemand { essential: true, values: vec!["a".to_owned(), "b".to_owned()] }));
        assert!(claims.of_id_token("auth_time").unwrap().essential);
        assert!(claims.in_userinfo("picture") && !claims.in_id_token("picture"));
        assert_eq!(claims.subject().and_then(Value::as_str), Some("248289761001"));
        assert_eq!(ClaimsRequest::from_terms(claims.to_terms().as_ref()), claims);
    }

    #[test]
    fn acr_is_voluntary_unless_it_says_otherwise() {
        let acr = |text: &str| ClaimsRequest::parse(text).unwrap().acr();
        assert_eq!(acr(r#"{"id_token":{"acr":null}}"#), Some(AcrDemand { essential: false, values: Vec::new() }));
        assert_eq!(
            acr(r#"{"id_token":{"acr":{"value":"a"}}}"#),
            Some(AcrDemand { essential: false, values: vec!["a".to_owned()] })
        );
        assert_eq!(acr(r#"{"userinfo":{"acr":{"essential":true}}}"#), None);
        assert_eq!(acr("{}"), None);
    }

    #[test]
    fn what_is_not_the_json_of_the_specification_is_refused() {
        for text in [
            "",
            "x",
            "1",
            "[]",
            "[{},{}]",
            "null",
            "{",
            r#"{"id_token":1}"#,
            r#"{"id_token":{"acr":"a"}}"#,
            r#"{"id_token":{"acr":{"essential":"yes"}}}"#,
            r#"{"id_token":{"acr":{"values":"a"}}}"#,
            r#"{"id_token":{"acr":{"values":[1]}}}"#,
            &format!("{{\"id_token\":{}", "[".repeat(4000)),
            &format!("{{\"x\":\"{}\"}}", "x".repeat(LONGEST)),
        ] {
            let error = ClaimsRequest::parse(text).unwrap_err();
            assert!(error.description().starts_with("claims: "), "{text}");
        }
    }
}
