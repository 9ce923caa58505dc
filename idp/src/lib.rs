//! Stepgate, an OpenID Connect identity provider in which the strength of the credential is a first-class thing.
//!
//! Data flows one way: HTTP, use case, domain (`stepgate_core`), store (`stepgate_store`). Modules are declared in
//! dependency order, as far as rooms that know each other's types allow.

pub mod words;
pub mod pages;
pub mod passwords;
pub mod telemetry;
pub mod outbound;
pub mod tls;
pub mod settings;
pub mod secrets;
pub mod keys;
pub mod fault;
pub mod cx;
pub mod app;
pub mod http;
pub mod audit;
pub mod clients;
pub mod requests;
pub mod session;
pub mod discovery;
pub mod mutual_tls;
pub mod client_auth;
pub mod standing;
pub mod access;
pub mod outbox;
pub mod notices;
pub mod phones;
pub mod proofing;
pub mod credentials;
pub mod login;
pub mod hardware_tokens;
pub mod authorize;
pub mod device;
pub mod token;
pub mod par;
pub mod userinfo;
pub mod introspection;
pub mod revocation;
pub mod registration;
pub mod logout;
pub mod recovery;
pub mod subscriptions;
pub mod not_me;
pub mod reports;
pub mod help;
pub mod invitations;
pub mod janitor;
pub mod account;
pub mod shop;
pub mod admin;
pub mod developer;
pub mod boot;
pub mod cli;
#[cfg(feature = "demo")]
pub mod demo;
