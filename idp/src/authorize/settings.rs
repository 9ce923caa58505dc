//! The settings section `authorization`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::authorize::request_object::Unsigned;
use stepgate_core::oidc::ResponseType;

/// What clients may ask the authorization endpoint for, and in which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorizationSettings {
    /// Seconds in which a browser must come with a pushed request. 5 to 600.
    pub pushed_request_seconds: u64,
    /// Take no request that was not pushed first (RFC 9126). A client can also ask for that for itself.
    pub require_pushed_requests: bool,
    /// What is answered: `code`, `id_token`, `id_token token`, `code id_token`, `code token`, `code id_token token`.
    /// All but `code` send tokens through the browser, which RFC 9700 advises against: leave out what no client needs.
    pub response_types: Vec<String>,
    /// Take request objects that nobody signed (`alg: none`), from clients that registered nothing else. Off when
    /// absent; the demo has it on.
    pub unsigned_request_objects: Option<bool>,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        Self {
            pushed_request_seconds: 90,
            require_pushed_requests: false,
            response_types: ResponseType::ALL.iter().map(|known| known.as_str().to_owned()).collect(),
            unsigned_request_objects: None,
        }
    }
}

impl AuthorizationSettings {
    /// The response types, parsed; unknown ones are left out (`config check` names them).
    pub fn response_types(&self) -> Vec<ResponseType> {
        self.response_types.iter().filter_map(|text| ResponseType::parse(text).ok()).collect()
    }

    /// Whether unsigned request objects are taken.
    pub fn unsigned(&self) -> Unsigned {
        if self.unsigned_request_objects == Some(true) { Unsigned::Taken } else { Unsigned::Refused }
    }
}
