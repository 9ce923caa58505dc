//! Stepgate's values and decisions.
//!
//! Pure: no async, no I/O, no clock and no randomness of its own. Time and entropy come in as arguments.
//! The modules below are declared in dependency order; a module uses only modules declared above it, so this
//! file is the diagram.

pub mod time;
pub mod entropy;
pub mod id;
pub mod secret;
pub mod contact;
pub mod jose;
pub mod assurance;
pub mod account;
pub mod credentials;
pub mod subscriptions;
pub mod proofing;
pub mod clients;
pub mod grants;
pub mod oidc;
pub mod registration;
pub mod authorize;
pub mod token;
pub mod logout;
