//! What leaves the house: text messages, calls, mail, and requests to addresses that others named.
//!
//! Owns the only `dyn` traits of the code base, because here the world has two sides: a provider, and the demo's local
//! inbox. Never decides what is sent to whom, and never logs a number, a text or a code.

mod gateway;
mod failover;
pub mod fetch;
pub mod recording;
pub mod smtp;
pub mod lookup;
pub mod twilio;
pub mod vonage;
pub mod sns;
pub mod http_gateway;
pub mod smpp;
pub mod payments;
pub mod stripe;
pub mod demo_card;

mod deliver;

pub use deliver::{Outbound, Way};
pub use failover::Failover;
pub use gateway::{
    DeliveryError, Mail, Mailer, ProviderId, Receipt, ReceiptedMessage, Receipts, TextGateway, TextMessage, VoiceCall,
    VoiceGateway,
};
