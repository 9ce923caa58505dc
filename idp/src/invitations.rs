//! Invitations: an organization or a partner pays, a person gets a link, and with it a credential to activate.
//!
//! Owns: the batch (charge, order, keys, invitations and mails in one transaction: all or nothing), the link (a hash, once,
//! fourteen days, another one when it is sent again), and what its holder does with it. Never: activation; what a key
//! becomes is `subscriptions`. Nobody is told whether somebody else has an account (ADR 28).

mod http;
mod invite;
mod join;

pub use http::routes;
pub use invite::{
    Again, Batch, Estimate, Invited, Withdrawn, estimate, invite, offered, product_name, send_again, withdraw,
};

/// Where somebody lands who took an invitation up: the one place that leads on to the activation of the key.
pub const LANDING: &str = "/join/done";
