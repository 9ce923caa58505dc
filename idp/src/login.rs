//! Logging in and elevating: one engine for applications and for our own pages.
//!
//! Owns: parked requests, the dispatcher, and the steps. A step checks one thing and returns; only
//! `stepgate_core::authorize::next` chooses what comes after it. Never: what a strength is worth.

mod consent;
pub mod count;
mod device;
mod dispatch;
mod evaluate;
pub mod finish;
pub mod hardware;
pub mod http;
mod not_sent;
pub mod parked;
pub mod password;
pub mod phone;
pub mod receipt;
mod render;
mod steps;
mod unmet;

pub use dispatch::{Answer, dispatch};
pub use evaluate::{Standing, can_go_on, demand, stand};
pub use http::routes;
pub use not_sent::not_sent;
pub use parked::Parked;
