//! Stepgate's black-box tests: one binary, a module per subject. Data for PostgreSQL, Redis and Chromium comes from
//! `tests/run`; what is not there is said.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: whatever does not hold ends the test"
)]

mod admin;
mod chromium;
mod drift;
mod elevate;
mod faults;
mod load;
mod login;
mod mobile_id;
mod portal;
mod races;
mod security_keys;
mod tidy;
mod timing;
mod tokens;
mod voice;
