//! The settings section `mtls`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clients that are known by a certificate (RFC 8705).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MutualTlsSettings {
    /// A file of PEM certificates: the authorities of clients with `tls_client_auth`. Without it that method is off.
    pub trust_anchors: Option<PathBuf>,
    /// The header in which a proxy says which certificate the client showed to it, as `Client-Cert` (RFC 9440) or
    /// `X-SSL-Client-Cert` in PEM, percent-encoded. Believed from `server.trusted_proxies` only; the proxy must remove
    /// what clients put there themselves.
    pub client_certificate_header: Option<String>,
}
