//! Everything that decides or reports the strength of a session.
//!
//! Nobody else holds an acr string or builds an amr list. A session is a list of [`FactorEvent`]s; `acr`, `amr`,
//! `auth_time`, the Credential Strength label and every decision are computed from them. Nothing stores a level.

mod facts;

pub use facts::{
    CredentialKind, CredentialState, Evidence, FactorEvent, HeldCredential, Holdings, Method, UnknownName,
};
