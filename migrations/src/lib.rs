//! Stepgate's schema: one portable set of migrations for SQLite and PostgreSQL. See `README.md` for the rules.

#![expect(elided_lifetimes_in_paths, reason = "the trait's own signature, through async_trait, elides them")]

use sea_orm_migration::prelude::*;

mod m20261124_000001_people_and_places;
mod m20261124_000002_credentials;
mod m20261124_000003_sessions_and_grants;
mod m20261124_000004_audit_and_housekeeping;
mod m20261128_000005_pushed_requests;
mod m20261128_000006_registration;
mod m20261128_000008_device_authorizations;
mod m20261128_000009_console;
mod m20261128_000011_security_keys;
mod m20261128_000012_phones;
mod m20261128_000013_mobile_phones;
mod m20261128_000014_hardware_tokens;
mod m20261128_000015_passkeys;
mod m20261128_000016_recovery;
mod m20261128_000017_notices;
mod m20261128_000018_subscriptions;
mod m20261128_000021_token_wear;
mod m20261128_000022_shop;
mod m20261128_000023_activation;
mod m20261128_000024_reach;
mod m20261128_000025_cards;
mod m20261128_000027_figures;
mod m20261128_000028_authority;
mod m20261128_000029_ledger;
mod m20261128_000030_proofing_found;
mod m20261128_000031_parcels;
mod portable;

pub use sea_orm_migration::MigratorTrait;

/// All migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_people_and_places::Migration),
            Box::new(m20261124_000002_credentials::Migration),
            Box::new(m20261124_000003_sessions_and_grants::Migration),
            Box::new(m20261124_000004_audit_and_housekeeping::Migration),
            Box::new(m20261128_000005_pushed_requests::Migration),
            Box::new(m20261128_000006_registration::Migration),
            Box::new(m20261128_000008_device_authorizations::Migration),
            Box::new(m20261128_000009_console::Migration),
            Box::new(m20261128_000011_security_keys::Migration),
            Box::new(m20261128_000012_phones::Migration),
            Box::new(m20261128_000013_mobile_phones::Migration),
            Box::new(m20261128_000014_hardware_tokens::Migration),
            Box::new(m20261128_000015_passkeys::Migration),
            Box::new(m20261128_000016_recovery::Migration),
            Box::new(m20261128_000017_notices::Migration),
            Box::new(m20261128_000018_subscriptions::Migration),
            Box::new(m20261128_000021_token_wear::Migration),
            Box::new(m20261128_000022_shop::Migration),
            Box::new(m20261128_000023_activation::Migration),
            Box::new(m20261128_000024_reach::Migration),
            Box::new(m20261128_000025_cards::Migration),
            Box::new(m20261128_000027_figures::Migration),
            Box::new(m20261128_000028_authority::Migration),
            Box::new(m20261128_000029_ledger::Migration),
            Box::new(m20261128_000030_proofing_found::Migration),
            Box::new(m20261128_000031_parcels::Migration),
        ]
    }
}
