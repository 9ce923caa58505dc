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
mod keys;
mod load;
mod login;
mod logout;
mod metrics;
mod mobile_id;
mod oidc;
mod par;
mod phones;
mod portal;
mod races;
mod registration;
mod request_objects;
mod response_types;
mod session_management;
mod single_logout;
mod smsc;
mod security_keys;
mod tidy;
mod timing;
mod tls;
mod tokens;
mod voice;
