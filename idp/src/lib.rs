//! Stepgate.

pub mod passwords;
pub mod outbound;
