//! What a relying party reads first: the discovery document and the keys. Bytes are made once and sent with an `ETag`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use stepgate_core::assurance::Catalogue;
use stepgate_core::authorize::request_object::Unsigned;
use stepgate_core::clients::ClientAuthMethod;
use stepgate_core::jose::{ContentEncryption, KeyManagement, MacAlgorithm, SigningAlgorithm};
use stepgate_core::oidc::{Endpoints, ProviderMetadata, ResourceMetadata, ResponseType, STANDARD_SCOPES, Supported};

use crate::app::App;
use crate::registration::RegistrationMode;
use crate::settings::Settings;

/// A static answer: its bytes and their validator.
#[derive(Clone)]
pub struct Document {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Document {
    /// From its bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let tag = data_encoding::HEXLOWER.encode(digest.as_ref().get(..12).unwrap_or_default());
        let etag = HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""));
        Self { bytes, etag }
    }

    /// The answer: `304` when the caller has it already.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let caching = [
            (header::ETAG, self.etag.clone()),
            // Short, so that a rotated key is seen in time; clients fetch again for an unknown `kid` anyway.
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        ];
        if headers.get(header::IF_NONE_MATCH) == Some(&self.etag) {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        (caching, [(header::CONTENT_TYPE, "application/json")], self.bytes.clone()).into_response()
    }
}

/// Documents that only the configuration decides.
pub struct Documents {
    /// The discovery document.
    pub metadata: Document,
    /// The response types on offer.
    pub response_types: Vec<String>,
    /// The grant types on offer.
    pub grant_types: Vec<String>,
    /// The ways of client authentication on offer.
    pub auth_methods: Vec<String>,
    /// The endpoints at which clients authenticate.
    pub endpoints: Vec<String>,
    /// The scopes that clients may register.
    pub scopes: Vec<String>,
    /// What the userinfo endpoint says about itself as a protected resource (RFC 9728).
    pub userinfo: Document,
    /// Where that is found: its challenges name it.
    pub userinfo_metadata: String,
}

impl Documents {
    /// Makes them.
    pub fn new(settings: &Settings, catalogue: &Catalogue) -> Self {
        let acr_values: Vec<String> = catalogue.uris().map(ToString::to_string).collect();
        let scopes: Vec<String> = STANDARD_SCOPES.iter().map(ToString::to_string).collect();
        let mut registrable = scopes.clone();
        registrable.extend(settings.registration.scopes.iter().cloned());
        let algorithms: Vec<&str> = SigningAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        let macs = MacAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str());
        let assertion_algorithms: Vec<&str> = algorithms.iter().copied().chain(macs).collect();
        let methods = authentication_methods(settings);
        let mut all_methods = methods.clone();
        all_methods.push(ClientAuthMethod::None.as_str());
        let encryption: Vec<&str> = KeyManagement::ALL.iter().map(|alg| alg.as_str()).collect();
        let contents: Vec<&str> = ContentEncryption::ALL.iter().map(|enc| enc.as_str()).collect();
        let response_types: Vec<&str> =
            settings.authorization.response_types().into_iter().map(ResponseType::as_str).collect();
        let mut request_objects = algorithms.clone();
        if settings.authorization.unsigned() == Unsigned::Taken {
            request_objects.push("none");
        }
        let metadata = ProviderMetadata::new(Supported {
            issuer: &settings.server.issuer,
            acr_values: &acr_values,
            scopes: &scopes,
            response_types: &response_types,
            request_object_algorithms: &request_objects,
            pushed_only: settings.authorization.require_pushed_requests,
            id_token_algorithms: &algorithms,
            assertion_algorithms: &assertion_algorithms,
            confidential_methods: &methods,
            all_methods: &all_methods,
            encryption_algorithms: &encryption,
            encryption_methods: &contents,
            mutual_tls: sees_certificates(settings),
            ui_locales: &["en", "de"],
            registration: settings.registration.mode() != RegistrationMode::Closed,
            service_documentation: None,
        });
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        // Plain structs of strings: they always serialise.
        let resource = format!("{}/userinfo", settings.server.issuer);
        let userinfo = ResourceMetadata {
            scopes_supported: scopes.clone(),
            bearer_methods_supported: ["header", "body"].map(str::to_owned).to_vec(),
            resource_name: Some(format!("{}: about the person", settings.server.name)),
            ..ResourceMetadata::new(&resource, &settings.server.issuer)
        };
        Self {
            response_types: owned(metadata.response_types_supported),
            grant_types: owned(&metadata.grant_types_supported),
            auth_methods: owned(metadata.token_endpoint_auth_methods_supported),
            endpoints: authenticated(&metadata.endpoints),
            scopes: registrable,
            metadata: Document::new(serde_json::to_vec(&metadata).unwrap_or_default()),
            userinfo: Document::new(serde_json::to_vec(&userinfo).unwrap_or_default()),
            userinfo_metadata: ResourceMetadata::well_known(&resource).unwrap_or_default(),
        }
    }
}

/// The endpoints that know who calls: all but those for browsers.
fn authenticated(endpoints: &Endpoints) -> Vec<String> {
    let Ok(serde_json::Value::Object(members)) = serde_json::to_value(endpoints) else { return Vec::new() };
    let members = members.into_iter().filter(|(name, _)| {
        name.ends_with("_endpoint") && !matches!(name.as_str(), "authorization_endpoint" | "end_session_endpoint")
    });
    members.filter_map(|(_, url)| url.as_str().map(str::to_owned)).collect()
}

/// Whether we see the certificates of clients: in our own handshakes, or through a proxy that tells.
fn sees_certificates(settings: &Settings) -> bool {
    let own = settings.tls.certificate_file.is_some() && settings.tls.request_client_certificates;
    own || settings.mtls.client_certificate_header.is_some()
}

/// How clients that have something to show can authenticate in this deployment.
fn authentication_methods(settings: &Settings) -> Vec<&'static str> {
    let sees = sees_certificates(settings);
    let offered = ClientAuthMethod::ALL.iter().filter(|method| match method {
        ClientAuthMethod::ClientSecretBasic
        | ClientAuthMethod::ClientSecretPost
        | ClientAuthMethod::ClientSecretJwt
        | ClientAuthMethod::PrivateKeyJwt => true,
        ClientAuthMethod::TlsClientAuth => sees && settings.mtls.trust_anchors.is_some(),
        ClientAuthMethod::SelfSignedTlsClientAuth => sees,
        ClientAuthMethod::None => false,
    });
    offered.map(|method| method.as_str()).collect()
}

/// The routes.
pub fn routes() -> axum::Router<Arc<App>> {
    axum::Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/.well-known/oauth-protected-resource/userinfo", get(userinfo))
        .route("/jwks.json", get(jwks))
}

async fn metadata(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.documents.metadata.answer(&headers)
}

async fn userinfo(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.documents.userinfo.answer(&headers)
}

async fn jwks(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.keys().jwks().answer(&headers)
}
