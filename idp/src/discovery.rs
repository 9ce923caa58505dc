//! What a relying party reads first: the discovery document and the keys. Bytes are made once and sent with an `ETag`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use stepgate_core::assurance::Catalogue;
use stepgate_core::authorize::request_object::Unsigned;
use stepgate_core::jose::SigningAlgorithm;
use stepgate_core::oidc::{ProviderMetadata, ResponseType, STANDARD_SCOPES, Supported};

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
}

impl Documents {
    /// Makes them.
    pub fn new(settings: &Settings, catalogue: &Catalogue) -> Self {
        let acr_values: Vec<String> = catalogue.uris().map(ToString::to_string).collect();
        let scopes: Vec<String> = STANDARD_SCOPES.iter().map(ToString::to_string).collect();
        let algorithms: Vec<&str> = SigningAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
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
            assertion_algorithms: &algorithms,
            ui_locales: &["en"],
            service_documentation: None,
        });
        // Plain structs of strings: they always serialise.
        Self { metadata: Document::new(serde_json::to_vec(&metadata).unwrap_or_default()) }
    }
}

/// The routes.
pub fn routes() -> axum::Router<Arc<App>> {
    axum::Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/jwks.json", get(jwks))
}

async fn metadata(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.documents.metadata.answer(&headers)
}

async fn jwks(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.keys().jwks().answer(&headers)
}
