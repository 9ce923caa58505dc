//! Credentials as annual subscriptions: what is sold, orders and their money, license keys, terms and their renewal.
//!
//! A subscription is no thing of its own: the end of a term is kept in the credential that it pays for, so that a login
//! reads one row (ADR 22).

pub mod money;
pub mod product;
pub mod term;
pub mod license_key;
pub mod order;
pub mod invitation;
pub mod export;
pub mod checkout;
pub mod card;
