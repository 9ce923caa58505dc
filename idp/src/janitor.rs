//! The janitor: what is left lying about, and the removal of what cannot hurt.
//!
//! Owns: what counts as old, and the lease by which one node at a time cleans. Never: a credential that works, or that
//! somebody paid for; those are reported, and people decide.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stepgate_core::time::Timestamp;
use stepgate_store::janitor::{self as store, Finding, Found, Leftovers};
use stepgate_store::{Connection, Db, leases};

use crate::fault::Fault;

const DAY: u64 = 24 * 3600;
/// Rows of each finding that a report holds.
const ROWS: u32 = 100;
/// Nobody else cleans for so long.
const LEASE: Duration = Duration::from_secs(60);

/// What counts as old, and what as near a limit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JanitorSettings {
    /// Days after which what was begun and not finished is reported, and removed where nobody paid for it.
    pub half_enrolled_days: u64,
    /// Days without use after which a credential is stale.
    pub stale_days: u64,
    /// Days before the end of a subscription from which on it is reported.
    pub expiring_days: u64,
    /// Failures in a row from which on a credential is reported; 50 lock it.
    pub failures: u32,
    /// Steps of drift from which on a token is reported; 20 are learned at most without a resync.
    pub drift_steps: u32,
}

impl Default for JanitorSettings {
    fn default() -> Self {
        Self { half_enrolled_days: 7, stale_days: 180, expiring_days: 30, failures: 10, drift_steps: 10 }
    }
}

/// One part of a report.
pub struct Part {
    /// Its name for machines: `stale`.
    pub name: &'static str,
    /// What it is, in words.
    pub words: String,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub found: Vec<Found>,
}

/// Everything that was found.
pub struct Report {
    /// The parts.
    pub parts: Vec<Part>,
    /// What a clean-up would remove.
    pub leftovers: Leftovers,
}

/// Looks for everything.
///
/// # Errors
/// The store.
pub async fn report(db: &Db, settings: &JanitorSettings, now: Timestamp) -> Result<Report, Fault> {
    let days = |days: u64| Duration::from_secs(days.saturating_mul(DAY));
    let (half, stale, soon) = (settings.half_enrolled_days, settings.stale_days, settings.expiring_days);
    let looked_for = [
        ("half_enrolled", format!("Bought or begun, not set up for {half} days"), Finding::Pending(now - days(half))),
        ("stale", format!("Not used for {stale} days"), Finding::Unused(now - days(stale))),
        ("expiring", format!("Subscription ends within {soon} days"), Finding::Ending(now, now + days(soon))),
        ("orphaned", "Usable, and the account is suspended".to_owned(), Finding::Orphaned),
        ("failing", format!("{} failures in a row or more", settings.failures), Finding::Failing(settings.failures)),
        (
            "drifting",
            format!("Tokens {} steps out or more", settings.drift_steps),
            Finding::Drifting(settings.drift_steps),
        ),
    ];
    let mut parts = Vec::new();
    for (name, words, finding) in looked_for {
        let (count, found) = store::find(db, finding, ROWS).await?;
        parts.push(Part { name, words, count, found });
    }
    Ok(Report { parts, leftovers: store::count_leftovers(db, now - days(half)).await? })
}

/// Whether this one may clean now; one at a time over all nodes.
///
/// # Errors
/// The store.
pub async fn lead(db: &Db, holder: &str, now: Timestamp) -> Result<bool, Fault> {
    Ok(leases::take_lease(db, "janitor", holder, now, now + LEASE).await?)
}

/// Removes what never worked, in the transaction of the event that tells of it.
///
/// # Errors
/// The store.
pub async fn clean(
    transaction: &impl Connection,
    settings: &JanitorSettings,
    now: Timestamp,
) -> Result<Leftovers, Fault> {
    let before = now - Duration::from_secs(settings.half_enrolled_days.saturating_mul(DAY));
    Ok(store::delete_leftovers(transaction, before).await?)
}

/// What was removed, or would be, for events and the command line.
pub fn in_json(leftovers: Leftovers) -> Value {
    json!({
        "unconfirmed_phones": leftovers.phones,
        "unproved_numbers": leftovers.numbers,
    })
}
