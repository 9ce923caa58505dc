//! The settings section `tls`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS of our own. Without files the server speaks plain HTTP, behind a proxy that speaks TLS.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate and the intermediate ones, in PEM, ours first.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key_file: Option<PathBuf>,
    /// Ask everybody who connects for a certificate, and go on without one: what `tls_client_auth`,
    /// `self_signed_tls_client_auth` and certificate-bound tokens need. Browsers of people who have certificates may ask
    /// them which one to show; switch it off where no client uses certificates.
    pub request_client_certificates: bool,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { certificate_file: None, key_file: None, request_client_certificates: true }
    }
}
