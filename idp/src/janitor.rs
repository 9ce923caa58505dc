//! The janitor: what is left lying about, and the removal of what cannot hurt.
//!
//! Owns: what counts as old, and the leases by which one node at a time looks and cleans. Never: a credential that works,
//! or that somebody paid for; those are reported, and people decide. By itself it removes nothing unless the settings
//! say so.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stepgate_core::time::Timestamp;
use stepgate_store::janitor::{self as store, Finding, Found, Leftovers};
use stepgate_store::{Connection, Db, leases};

use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
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
    /// Presses of its button from which on a token is reported: a battery lasts for some 20,000.
    pub presses: u32,
    /// Days before the end of a token's life, as its maker tells it, from which on it is reported.
    pub token_life_days: u64,
    /// Hours between two looks that the janitor takes by itself. What it finds is counted in the audit log. 0: never.
    pub look_every_hours: u64,
    /// Whether each of these looks also removes what never worked. Otherwise somebody presses the button for it.
    pub clean_by_itself: bool,
}

impl Default for JanitorSettings {
    fn default() -> Self {
        Self {
            half_enrolled_days: 7,
            stale_days: 180,
            expiring_days: 30,
            failures: 10,
            drift_steps: 10,
            presses: 18_000,
            token_life_days: 90,
            look_every_hours: 24,
            clean_by_itself: false,
        }
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
        ("pressed", format!("Tokens pressed {} times or more", settings.presses), Finding::Pressed(settings.presses)),
        (
            "dying",
            format!("Tokens whose life ends within {} days", settings.token_life_days),
            Finding::Dying(now + days(settings.token_life_days)),
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

/// Looks when it is time to: one node, whichever comes first, once in the hours that the settings name. Called every few
/// seconds by the background task.
///
/// # Errors
/// The store; then another look is taken in a minute.
pub async fn look(app: &Arc<App>, node: &str) -> Result<(), Fault> {
    let (cx, settings) = (Cx::background(app), &app.settings.janitor);
    if settings.look_every_hours == 0 {
        return Ok(());
    }
    let period = Duration::from_secs(settings.look_every_hours.saturating_mul(3600));
    // Each look has a holder of its own: nobody prolongs the lease, so that it says when the next one is due.
    let holder = format!("{node} {}", cx.now.unix_millis());
    let keep_until = async |until| leases::take_lease(&app.db, "janitor look", &holder, cx.now, until).await;
    if !keep_until(cx.now + period).await? {
        return Ok(());
    }
    let looked = look_now(&cx, node).await;
    if looked.is_err() {
        keep_until(cx.now + LEASE).await?;
    }
    looked
}

async fn look_now(cx: &Cx, node: &str) -> Result<(), Fault> {
    let (db, settings) = (&cx.app.db, &cx.app.settings.janitor);
    let report = report(db, settings, cx.now).await?;
    let mut found: serde_json::Map<String, Value> =
        report.parts.iter().map(|part| (part.name.to_owned(), json!(part.count))).collect();
    found.insert("removable".to_owned(), in_json(report.leftovers));
    audit::record(cx, &db.write, Event::new("janitor.looked").data(Value::Object(found))).await?;
    let nothing = report.leftovers == Leftovers::default();
    if nothing || !settings.clean_by_itself || !lead(db, node, cx.now).await? {
        return Ok(());
    }
    let transaction = db.begin().await?;
    let removed = clean(&transaction, settings, cx.now).await?;
    audit::record(cx, &transaction, Event::new("janitor.cleaned").data(in_json(removed))).await?;
    Ok(transaction.commit().await?)
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
