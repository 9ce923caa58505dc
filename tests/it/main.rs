//! Stepgate's black-box tests: one binary, a module per subject. Data for PostgreSQL, Redis and Chromium comes from
//! `tests/run`; what is not there is said.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: whatever does not hold ends the test"
)]

mod acquire;
mod admin;
mod attacks;
mod authority;
mod chromium;
mod adoption;
mod bulk_renewal;
mod canary;
mod cards;
mod catalogue;
mod client_auth;
mod consent;
mod crashes;
mod cross_origin;
mod demo_recovery;
mod device;
mod developer;
mod doors;
mod drift;
mod elevate;
mod encryption;
mod exchange;
mod faults;
mod finance;
mod hardware_tokens;
mod help;
mod invitations;
mod firefox;
mod janitor;
mod key_metadata;
mod key_offer;
mod keys;
mod languages;
mod license_keys;
mod load;
mod local_stripe;
mod login;
mod logout;
mod manage;
mod guessing;
mod first_text;
mod forgotten;
mod metrics;
mod mail;
mod mobile_app;
mod mobile_id;
mod mobile_messages;
mod mobile_phones;
mod mobile_push;
mod oidc;
mod par;
mod parcels;
mod passkeys;
mod phones;
mod portal;
mod providers;
mod races;
mod receipts;
mod proofing;
mod recovery;
mod renewal;
mod registration;
mod reports;
mod request_objects;
mod resets;
mod response_types;
mod session_management;
mod single_logout;
mod smsc;
mod security_keys;
mod term_notices;
mod shop;
mod payments;
mod tidy;
mod timing;
mod tls;
mod token_custody;
mod token_files;
mod tokens;
mod typed_codes;
mod voice;
mod walks;
mod warranty;
