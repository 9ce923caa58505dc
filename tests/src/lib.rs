//! The actors of Stepgate's black-box tests: a [`World`] of running nodes, a [`Browser`] without scripts, a
//! [`RelyingParty`] that judges every token with a library that others wrote.
//!
//! Nothing here knows the inside of the provider: it starts the real binary and speaks HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "actors of tests: whatever does not hold ends the test"
)]

mod api;
mod browser;
mod checkout;
mod front;
mod hold;
mod keys;
mod listener;
mod metadata_service;
mod mobile_client;
mod oracle;
mod publisher;
mod push_service;
mod relying_party;
mod security_key;
mod smsc;
mod world;

pub use api::{Api, Asked};
pub use browser::{Browser, PASSWORD, Page, logged_in};
pub use checkout::{Checkout, WEBHOOK_SECRET, now};
pub use hold::Hold;
pub use keys::{ClientKey, mac};
pub use listener::Listener;
pub use metadata_service::{MetadataService, day};
pub use mobile_client::{MobileClient, Refused, Request};
pub use oracle::{LocalStripe, Sns, ask_oracle};
pub use publisher::Publisher;
pub use push_service::{Push, PushService};
pub use relying_party::{ASSERTION_TYPE, Front, Login, RelyingParty, Started};
pub use security_key::{Maker, SecurityKey};
pub use smsc::Smsc;
pub use world::{Backend, World, on_each_backend, on_each_backend_with};
