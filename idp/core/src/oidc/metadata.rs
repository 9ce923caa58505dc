//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2): exactly what is supported, no private fields.

use serde::Serialize;

use crate::oidc::prompt::{Display, Prompt};
use crate::oidc::response::ResponseMode;

/// The URLs of the protocol's endpoints, made from the issuer once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is the metadata of the same name")]
pub struct Endpoints {
    pub authorization_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub revocation_endpoint: String,
    pub introspection_endpoint: String,
    pub device_authorization_endpoint: String,
    pub end_session_endpoint: String,
    pub check_session_iframe: String,
    pub jwks_uri: String,
}

impl Endpoints {
    /// The endpoints below an issuer.
    pub fn of(issuer: &str) -> Self {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        Self {
            authorization_endpoint: format!("{base}/authorize"),
            pushed_authorization_request_endpoint: format!("{base}/par"),
            token_endpoint: format!("{base}/token"),
            userinfo_endpoint: format!("{base}/userinfo"),
            revocation_endpoint: format!("{base}/revoke"),
            introspection_endpoint: format!("{base}/introspect"),
            device_authorization_endpoint: format!("{base}/device_authorization"),
            end_session_endpoint: format!("{base}/logout"),
            check_session_iframe: format!("{base}/session/check"),
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
    /// The response types that are switched on.
    pub response_types: &'a [&'a str],
    /// Algorithms of request objects; with `none` where unsigned ones are taken.
    pub request_object_algorithms: &'a [&'a str],
    /// Whether only pushed requests are taken.
    pub pushed_only: bool,
    /// Algorithms of client assertions.
    pub assertion_algorithms: &'a [&'a str],
    /// How clients authenticate where there is something to check.
    pub confidential_methods: &'a [&'a str],
    /// The same, and public clients.
    pub all_methods: &'a [&'a str],
    /// How content keys travel in what is encrypted to clients (`alg`).
    pub encryption_algorithms: &'a [&'a str],
    /// How content is encrypted to them (`enc`).
    pub encryption_methods: &'a [&'a str],
    /// Whether clients' certificates are seen (RFC 8705).
    pub mutual_tls: bool,
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
    pub grant_types_supported: Vec<&'a str>,
    pub subject_types_supported: &'a [&'a str],
    pub id_token_signing_alg_values_supported: &'a [&'a str],
    pub id_token_encryption_alg_values_supported: &'a [&'a str],
    pub id_token_encryption_enc_values_supported: &'a [&'a str],
    pub userinfo_signing_alg_values_supported: &'a [&'a str],
    pub userinfo_encryption_alg_values_supported: &'a [&'a str],
    pub userinfo_encryption_enc_values_supported: &'a [&'a str],
    /// RFC 9701 §7.
    pub introspection_signing_alg_values_supported: &'a [&'a str],
    pub introspection_encryption_alg_values_supported: &'a [&'a str],
    pub introspection_encryption_enc_values_supported: &'a [&'a str],
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
    /// RFC 8705 §3.3.
    pub tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub claims_locales_supported: &'a [&'a str],
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    /// Defaults to true when absent.
    pub request_uri_parameter_supported: bool,
    pub require_request_uri_registration: bool,
    pub request_object_signing_alg_values_supported: &'a [&'a str],
    pub require_pushed_authorization_requests: bool,
    pub authorization_response_iss_parameter_supported: bool,
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
}

/// What the token endpoint takes; `implicit` only where a response type needs it.
const GRANTS: &[&str] = &[
    "authorization_code",
    "implicit",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

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
    "c_hash",
    "s_hash",
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
        let implicit = supported.response_types.iter().any(|known| known.contains("token"));
        Self {
            issuer: supported.issuer,
            endpoints: Endpoints::of(supported.issuer),
            registration_endpoint: supported
                .registration
                .then(|| format!("{}/register", supported.issuer.trim_end_matches('/'))),
            scopes_supported: supported.scopes,
            response_types_supported: supported.response_types,
            response_modes_supported: ResponseMode::SUPPORTED,
            grant_types_supported: GRANTS.iter().filter(|grant| implicit || **grant != "implicit").copied().collect(),
            subject_types_supported: &["public", "pairwise"],
            id_token_signing_alg_values_supported: supported.id_token_algorithms,
            id_token_encryption_alg_values_supported: supported.encryption_algorithms,
            id_token_encryption_enc_values_supported: supported.encryption_methods,
            userinfo_signing_alg_values_supported: supported.id_token_algorithms,
            userinfo_encryption_alg_values_supported: supported.encryption_algorithms,
            userinfo_encryption_enc_values_supported: supported.encryption_methods,
            introspection_signing_alg_values_supported: supported.id_token_algorithms,
            introspection_encryption_alg_values_supported: supported.encryption_algorithms,
            introspection_encryption_enc_values_supported: supported.encryption_methods,
            token_endpoint_auth_methods_supported: supported.all_methods,
            token_endpoint_auth_signing_alg_values_supported: supported.assertion_algorithms,
            revocation_endpoint_auth_methods_supported: supported.all_methods,
            revocation_endpoint_auth_signing_alg_values_supported: supported.assertion_algorithms,
            introspection_endpoint_auth_methods_supported: supported.confidential_methods,
            introspection_endpoint_auth_signing_alg_values_supported: supported.assertion_algorithms,
            code_challenge_methods_supported: &["S256"],
            acr_values_supported: supported.acr_values,
            claim_types_supported: &["normal"],
            claims_supported: CLAIMS,
            display_values_supported: Display::SUPPORTED,
            prompt_values_supported: Prompt::SUPPORTED,
            ui_locales_supported: supported.ui_locales,
            service_documentation: supported.service_documentation,
            tls_client_certificate_bound_access_tokens: supported.mutual_tls,
            claims_parameter_supported: true,
            // A profile is kept as its person wrote it, in one language; the words of ours in it are English.
            claims_locales_supported: &["en"],
            request_parameter_supported: true,
            request_uri_parameter_supported: true,
            require_request_uri_registration: true,
            request_object_signing_alg_values_supported: supported.request_object_algorithms,
            require_pushed_authorization_requests: supported.pushed_only,
            authorization_response_iss_parameter_supported: true,
            frontchannel_logout_supported: true,
            frontchannel_logout_session_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
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
        let supported = Supported {
            issuer: "https://op.example/t/",
            response_types: &["code", "id_token"],
            request_object_algorithms: &["RS256", "none"],
            pushed_only: false,
            acr_values: &acr_values,
            scopes: &scopes,
            id_token_algorithms: &["RS256"],
            assertion_algorithms: &["RS256"],
            confidential_methods: &["client_secret_basic"],
            all_methods: &["client_secret_basic", "none"],
            encryption_algorithms: &["RSA-OAEP-256"],
            encryption_methods: &["A128GCM"],
            mutual_tls: false,
            ui_locales: &["en"],
            registration: false,
            service_documentation: None,
        };
        let document = serde_json::to_value(ProviderMetadata::new(supported)).unwrap();
        assert_eq!(document["issuer"], "https://op.example/t/");
        assert_eq!(document["authorization_endpoint"], "https://op.example/t/authorize");
        assert_eq!(document["jwks_uri"], "https://op.example/t/jwks.json");
        assert_eq!(document["pushed_authorization_request_endpoint"], "https://op.example/t/par");
        let grants = |document: &serde_json::Value| document["grant_types_supported"].as_array().unwrap().len();
        let code = serde_json::to_value(ProviderMetadata::new(Supported { response_types: &["code"], ..supported }));
        assert_eq!((grants(&document), grants(&code.unwrap())), (6, 5), "implicit only where it is used");
        assert!(document.get("service_documentation").is_none());
    }
}
