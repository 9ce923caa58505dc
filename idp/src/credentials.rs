//! Rooms of the kinds of credential that need more than a step of the login.

pub mod mobile_id;
pub mod phone_call;
pub mod attestation;
pub mod passkey;
pub mod security_key;
