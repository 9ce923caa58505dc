//! What leaves the house: text messages, calls, mail, and requests to addresses that others named.
//!
//! Owns the only `dyn` traits of the code base, because here the world has two sides: a provider, and the demo's local
//! inbox. Never decides what is sent to whom, and never logs a number, a text or a code.

mod gateway;
mod failover;
pub mod fetch;
pub mod recording;
pub mod smtp;
pub mod twilio;

mod deliver;

pub use deliver::Outbound;
pub use failover::Failover;
pub use gateway::{DeliveryError, Mail, Mailer, ProviderId, TextGateway, TextMessage, VoiceCall, VoiceGateway};
