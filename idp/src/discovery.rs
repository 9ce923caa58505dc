//! What a relying party reads first: the discovery document and the keys. Bytes are made once and sent with an `ETag`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use stepgate_core::assurance::Catalogue;
use stepgate_core::jose::SigningAlgorithm;
use stepgate_core::oidc::{ProviderMetadata, ResourceMetadata, STANDARD_SCOPES, Supported};

use crate::app::App;
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
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
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
        let algorithms: Vec<&str> = SigningAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        let metadata = ProviderMetadata::new(Supported {
            issuer: &settings.server.issuer,
            acr_values: &acr_values,
            scopes: &scopes,
            id_token_algorithms: &algorithms,
            assertion_algorithms: &algorithms,
            ui_locales: &["en"],
            service_documentation: None,
        });
        // Plain structs of strings: they always serialise.
        let resource = format!("{}/userinfo", settings.server.issuer);
        let userinfo = ResourceMetadata {
            scopes_supported: scopes.clone(),
            bearer_methods_supported: ["header", "body"].map(str::to_owned).to_vec(),
            resource_name: Some(format!("{}: about the person", settings.server.name)),
            ..ResourceMetadata::new(&resource, &settings.server.issuer)
        };
        Self {
            metadata: Document::new(serde_json::to_vec(&metadata).unwrap_or_default()),
            userinfo: Document::new(serde_json::to_vec(&userinfo).unwrap_or_default()),
            userinfo_metadata: ResourceMetadata::well_known(&resource).unwrap_or_default(),
        }
    }
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
