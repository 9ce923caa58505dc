//! Telephones: which numbers get codes, how many, over which provider, and what became of them.
//!
//! Owns: the caps, the switch and the look at who adds a number, asked before anything is sent; the way of a message from provider to provider; receipts;
//! what a network says of a number. Never: whether a code is right (`login::phone`), and never a number in a log.

pub mod caps;
pub mod deliver;
pub mod first_text;
pub mod http;
pub mod receipts;
pub mod risk;
pub mod settings;
pub mod switch;

use aws_lc_rs::hmac;
use stepgate_core::contact::{NumberPolicy, PhoneNumber};
use stepgate_core::id::ChallengeId;
use stepgate_core::time::Timestamp;
use stepgate_store::deliveries;

use crate::cx::Cx;
use crate::fault::Fault;

/// The day that a time is in (UTC), counted from 1970.
pub fn day(at: Timestamp) -> i64 {
    at.unix_seconds().div_euclid(24 * 3600)
}

/// Which numbers get codes here.
pub fn policy(cx: &Cx) -> Result<NumberPolicy, Fault> {
    cx.app.settings.phone.policy().map_err(Fault::Internal)
}

/// What a number is known by without being kept in the clear.
pub fn number_hash(cx: &Cx, number: &PhoneNumber) -> Vec<u8> {
    hmac::sign(&cx.app.secrets.numbers, number.as_e164().as_bytes()).as_ref().to_vec()
}

/// A code came back: its block is worth sending to.
pub async fn code_used(cx: &Cx, challenge: ChallengeId) -> Result<(), Fault> {
    if let Some(prefix) = deliveries::prefix_of(&cx.app.db, challenge).await? {
        deliveries::count_code(&cx.app.db.write, &prefix, day(cx.now), (0, 1, 0)).await?;
    }
    Ok(())
}
