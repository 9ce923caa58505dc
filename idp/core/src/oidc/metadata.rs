//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2): exactly what is supported, no private fields.

use serde::Serialize;

use crate::oidc::prompt::{Display, Prompt};
use crate::oidc::response::ResponseMode;

/// The URLs of the protocol's endpoints, made from the issuer once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is the metadata of the same name")]
pub struct Endpoints {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub revocation_endpoint: String,
    pub introspection_endpoint: String,
    pub end_session_endpoint: String,
    pub jwks_uri: String,
}

impl Endpoints {
    /// The endpoints below an issuer.
    pub fn of(issuer: &str) -> Self {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        Self {
            authorization_endpoint: format!("{base}/authorize"),
            token_endpoint: format!("{base}/token"),
            userinfo_endpoint: format!("{base}/userinfo"),
            revocation_endpoint: format!("{base}/revoke"),
            introspection_endpoint: format!("{base}/introspect"),
            end_session_endpoint: format!("{base}/logout"),
            jwks_uri: format!("{base}/jwks.json"),
        }
    }
}

/// What a deployment supports, as far as it differs between deployments.
#[derive(Clone, Copy, Debug)]
pub struct Supported<'a> {
    /// The issuer, exactly as tokens carry it.
    pub issuer: &'a str,
    /// The acr values of all configured classes.
    pub acr_values: &'a [String],
    /// All scopes that clients may ask for.
    pub scopes: &'a [String],
    /// Algorithms of ID tokens; RS256 must be among them (Discovery §3).
    pub id_token_algorithms: &'a [&'a str],
    /// Algorithms of client assertions.
    pub assertion_algorithms: &'a [&'a str],
    /// The languages of the pages, BCP 47.
    pub ui_locales: &'a [&'a str],
    /// Whether clients may register themselves.
    pub registration: bool,
    /// Where developers read on.
    pub service_documentation: Option<&'a str>,
}

/// The discovery document.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the metadata of the same name")]
pub struct ProviderMetadata<'a> {
    pub issuer: &'a str,
    #[serde(flatten)]
    pub endpoints: Endpoints,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    pub scopes_supported: &'a [String],
    pub response_types_supported: &'a [&'a str],
    pub response_modes_supported: &'a [&'a str],
    pub grant_types_supported: &'a [&'a str],
    pub subject_types_supported: &'a [&'a str],
    pub id_token_signing_alg_values_supported: &'a [&'a str],
    pub token_endpoint_auth_methods_supported: &'a [&'a str],
    pub token_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    pub revocation_endpoint_auth_methods_supported: &'a [&'a str],
    pub revocation_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    pub introspection_endpoint_auth_methods_supported: &'a [&'a str],
    pub introspection_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    pub code_challenge_methods_supported: &'a [&'a str],
    pub acr_values_supported: &'a [String],
    pub claim_types_supported: &'a [&'a str],
    pub claims_supported: &'a [&'a str],
    pub display_values_supported: &'a [&'a str],
    pub prompt_values_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub ui_locales_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<&'a str>,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    /// Defaults to true when absent.
    pub request_uri_parameter_supported: bool,
    pub authorization_response_iss_parameter_supported: bool,
}

/// How clients authenticate where there is a secret to check.
const CONFIDENTIAL_METHODS: &[&str] =
    &["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];

/// The same, and public clients.
const ALL_METHODS: &[&str] =
    &["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];

/// The claims that an ID token or the userinfo endpoint can carry.
const CLAIMS: &[&str] = &[
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
];

impl<'a> ProviderMetadata<'a> {
    /// The document of a deployment.
    pub fn new(supported: Supported<'a>) -> Self {
        Self {
            issuer: supported.issuer,
            endpoints: Endpoints::of(supported.issuer),
            registration_endpoint: supported
                .registration
                .then(|| format!("{}/register", supported.issuer.trim_end_matches('/'))),
            scopes_supported: supported.scopes,
            response_types_supported: &["code"],
            response_modes_supported: ResponseMode::SUPPORTED,
            grant_types_supported: &["authorization_code", "refresh_token", "client_credentials"],
            subject_types_supported: &["public", "pairwise"],
            id_token_signing_alg_values_supported: supported.id_token_algorithms,
            token_endpoint_auth_methods_supported: ALL_METHODS,
            token_endpoint_auth_signing_alg_values_supported: supported.assertion_algorithms,
            revocation_endpoint_auth_methods_supported: ALL_METHODS,
            revocation_endpoint_auth_signing_alg_values_supported: supported.assertion_algorithms,
            introspection_endpoint_auth_methods_supported: CONFIDENTIAL_METHODS,
            introspection_endpoint_auth_signing_alg_values_supported: supported.assertion_algorithms,
            code_challenge_methods_supported: &["S256"],
            acr_values_supported: supported.acr_values,
            claim_types_supported: &["normal"],
            claims_supported: CLAIMS,
            display_values_supported: Display::SUPPORTED,
            prompt_values_supported: Prompt::SUPPORTED,
            ui_locales_supported: supported.ui_locales,
            service_documentation: supported.service_documentation,
            claims_parameter_supported: true,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_what_is_supported() {
        let scopes: Vec<String> = crate::oidc::STANDARD_SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
        let acr_values = ["phr".to_owned()];
        let metadata = ProviderMetadata::new(Supported {
            issuer: "https://op.example/t/",
            acr_values: &acr_values,
            scopes: &scopes,
            id_token_algorithms: &["RS256"],
            assertion_algorithms: &["RS256"],
            ui_locales: &["en"],
            registration: false,
            service_documentation: None,
        });
        let document = serde_json::to_value(metadata).unwrap();
        assert_eq!(document["issuer"], "https://op.example/t/");
        assert_eq!(document["authorization_endpoint"], "https://op.example/t/authorize");
        assert_eq!(document["jwks_uri"], "https://op.example/t/jwks.json");
        assert_eq!(document["request_uri_parameter_supported"], false);
        assert!(document.get("service_documentation").is_none());
    }
}
