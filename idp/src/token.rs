//! The token endpoint: codes, refresh tokens and client credentials become tokens.
//!
//! Owns: the exchange. Never: what a token says about strength; that was settled when the grant was made, and is
//! looked at again, downwards only, at each refresh.

mod client_credentials;
mod code;
pub mod http;
pub mod mint;
pub mod protect;
mod refresh;

use serde::Serialize;
use stepgate_core::oidc::Scopes;

pub use http::routes;

/// A successful answer (RFC 6749 §5.1). No `Debug`: it holds the tokens.
#[derive(Serialize)]
pub struct TokenSet {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: Scopes,
}
