//! Stepgate's persistence: plain async functions over one primary database (SQLite or PostgreSQL), and short-lived
//! state in it or in Redis.
//!
//! Owns: rows, and the single conditional statements by which single-use things are used up. Never: decisions.
//! Functions take `&Db` when they are one statement of their own, and a connection when they take part in a
//! transaction. Core values go in and come out; a bad row is an error that names table, column and id.

mod connection;
mod db;
mod error;
mod row;
mod sqlite;

pub mod applications;
pub mod attentions;
pub mod audit;
pub mod cards;
pub mod carts;
pub mod catalogue;
pub mod challenges;
pub mod charges;
pub mod console;
pub mod consents;
pub mod credentials;
pub mod deliveries;
pub mod desk;
pub mod devices;
pub mod ephemeral;
pub mod grants;
pub mod holdings;
pub mod interactions;
pub mod invalidations;
pub mod invitations;
pub mod janitor;
pub mod keys;
pub mod leases;
pub mod license_keys;
pub mod mobile;
pub mod notices;
pub mod orders;
pub mod outbox;
pub mod people;
pub mod phones;
pub mod registrations;
pub mod pushed;
pub mod proofing;
pub mod ratings;
pub mod recovery;
pub mod renewals;
pub mod reports;
pub mod resets;
pub mod playground;
pub mod requests;
pub mod security_keys;
pub mod sessions;
pub mod sponsors;
pub mod subscriptions;
pub mod sweep;
pub mod term_notices;
pub mod tokens;
pub mod uses;
pub mod wanted;
pub mod warranty;
pub mod vouchers;

pub use connection::{Connection, Transaction};
pub use db::{Db, migrate};
pub use error::StoreError;
