//! Tokens: what their claims are, how long they live, what a refresh may ask for, what introspection says.
//!
//! Owns the content of tokens. Never signs, never stores, and never works out an acr: what a token says about
//! strength was worked out by `assurance` when the grant was made, and does not rise afterwards (RFC 9470 §6.1).

mod access;
mod at_hash;
mod id_token;
mod introspection;
mod lifetimes;
mod narrowing;
mod userinfo;

pub use access::{AccessTokenClaims, Issue, PresentedAccessToken, ServiceTokenClaims};
pub use at_hash::{SignatureHash, at_hash};
pub use id_token::{Audience, Beside, IdTokenClaims, IdTokenFor};
pub use introspection::{Active, GoodToken, Inactive, Introspection, IntrospectionToken, Standing};
pub use lifetimes::Lifetimes;
pub use narrowing::narrow_scope;
pub use userinfo::{PersonClaims, UserinfoClaims, UserinfoToken};

#[cfg(test)]
mod tests;
