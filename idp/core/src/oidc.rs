//! The vocabulary of OAuth 2.0 and OpenID Connect: raw parameters, error codes, scopes, response types and modes,
//! prompts, the `claims` parameter, PKCE, redirect URI rules and the discovery document.
//!
//! Owns what a word on the wire means. Never decides about a request (that is `authorize`), never writes HTTP.

pub mod errors;
pub mod rules;
pub mod params;
mod claims_request;
mod metadata;
mod pkce;
mod prompt;
mod redirect_uri;
mod resource;
mod resource_metadata;
mod response;
mod scope;

pub use claims_request::{AcrDemand, ClaimDemand, ClaimsRequest};
pub use errors::{ErrorCode, OAuthError};
pub use metadata::{Endpoints, ProviderMetadata, Supported};
pub use pkce::{CodeChallenge, PkceError, check_exchange};
pub use prompt::{Display, Prompt, PromptSet};
pub(crate) use redirect_uri::is_registered;
pub use redirect_uri::{RedirectUri, RedirectUriError, Registrant};
pub use resource::narrow_resource;
pub use resource_metadata::{ResourceError, ResourceMetadata};
pub use response::{ResponseMode, ResponseType};
pub use scope::{STANDARD_SCOPES, Scopes, scope_of_claim};
