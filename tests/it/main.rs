//! Stepgate's black-box tests: one binary, a module per subject. Data for PostgreSQL, Redis and Chromium comes from
//! `tests/run`; what is not there is said.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: whatever does not hold ends the test"
)]

mod admin;
mod attacks;
mod chromium;
mod canary;
mod client_auth;
mod consent;
mod cross_origin;
mod device;
mod developer;
mod drift;
mod elevate;
mod encryption;
mod exchange;
mod faults;
mod hardware_tokens;
mod firefox;
mod janitor;
mod keys;
mod load;
mod login;
mod logout;
mod manage;
mod guessing;
mod metrics;
mod mail;
mod mobile_id;
mod mobile_phones;
mod mobile_push;
mod oidc;
mod par;
mod passkeys;
mod phones;
mod portal;
mod races;
mod recovery;
mod registration;
mod request_objects;
mod resets;
mod response_types;
mod session_management;
mod single_logout;
mod smsc;
mod security_keys;
mod shop;
mod payments;
mod tidy;
mod timing;
mod tls;
mod tokens;
mod voice;
