//! What is left lying about: half-enrolled, stale, expiring, orphaned, near a limit. And the removal of what cannot hurt.

use stepgate_core::assurance::CredentialKind;
use stepgate_core::credentials::MAX_FAILURES;
use stepgate_core::id::CredentialId;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// What to look for. All are rows of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Never set up, and older than this.
    Pending(Timestamp),
    /// Set up, and not used since.
    Unused(Timestamp),
    /// Ends between these.
    Ending(Timestamp, Timestamp),
    /// Usable, and its holder's account is suspended.
    Orphaned,
    /// As many failures in a row, or more.
    Failing(u32),
    /// A token whose clock wandered as many steps, or more.
    Drifting(u32),
    /// A token whose button was pressed as often, or more: its battery has so many presses and no more.
    Pressed(u32),
    /// A token in use whose life ends before this, says its maker.
    Dying(Timestamp),
}

/// A credential that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub credential: CredentialId,
    /// Whose: the user ID.
    pub username: String,
    /// Of what kind.
    pub kind: CredentialKind,
    /// Its serial number, else its name.
    pub name: String,
    /// Failures in a row.
    pub failures: i64,
    /// Learned drift, in steps.
    pub drift: i64,
    /// When it was used last, set up or made; when it ends, where that is what was asked.
    pub at: Timestamp,
}

impl Finding {
    /// The time that counts, the condition, and its values.
    fn condition(self) -> (&'static str, &'static str, Vec<sea_orm::Value>) {
        let number = |number: u32| i64::from(number).into();
        let used = "COALESCE(c.last_used_at, c.activated_at, c.created_at)";
        match self {
            Self::Pending(before) => ("c.created_at", "c.stage = 'pending' AND c.created_at < ?", vec![at(before)]),
            Self::Unused(before) => (
                used,
                "c.stage = 'active' AND c.kind NOT IN ('password', 'recovery')
                 AND COALESCE(c.last_used_at, c.activated_at, c.created_at) < ?",
                vec![at(before)],
            ),
            Self::Ending(from, to) => (
                "c.expires_at",
                "c.stage = 'active' AND c.expires_at >= ? AND c.expires_at < ?",
                vec![at(from), at(to)],
            ),
            Self::Orphaned => (used, "c.stage = 'active' AND p.suspended_at IS NOT NULL", vec![]),
            Self::Failing(most) => {
                (used, "c.stage IN ('active', 'suspended') AND c.failures >= ?", vec![number(most.min(MAX_FAILURES))])
            }
            Self::Drifting(steps) => (
                used,
                "c.stage = 'active' AND c.kind = 'hardware_token' AND (c.drift >= ? OR c.drift <= ?)",
                vec![number(steps), (-i64::from(steps)).into()],
            ),
            Self::Pressed(presses) => (
                used,
                "c.stage IN ('active', 'suspended') AND c.kind = 'hardware_token' AND c.counter >= ?
                 AND c.parameters LIKE '%\"mode\":\"hotp\"%'",
                vec![number(presses)],
            ),
            Self::Dying(before) => (
                "(SELECT MIN(t.life_ends_at) FROM hardware_tokens t WHERE t.credential_id = c.id)",
                "c.stage IN ('active', 'suspended') AND c.kind = 'hardware_token' AND EXISTS
                 (SELECT 1 FROM hardware_tokens t WHERE t.credential_id = c.id AND t.stage = 'active' AND t.life_ends_at < ?)",
                vec![at(before)],
            ),
        }
    }
}

fn found(row: &Row) -> Result<Found, StoreError> {
    let serial: Option<String> = row.get("serial")?;
    let label: String = row.get("label")?;
    Ok(Found {
        credential: CredentialId::from_uuid(row.get("id")?),
        username: row.get("username")?,
        kind: row.parsed("credentials", "kind", |text| text.parse().ok())?,
        name: serial.unwrap_or(label),
        failures: row.get("failures")?,
        drift: row.get("drift")?,
        at: row.time("at")?,
    })
}

/// How many there are, and the first of them, the oldest first.
pub async fn find(db: &Db, finding: Finding, limit: u32) -> Result<(u64, Vec<Found>), StoreError> {
    let (time, condition, values) = finding.condition();
    let from = format!("FROM credentials c JOIN persons p ON p.id = c.person_id WHERE {condition}");
    let count = format!("SELECT COUNT(*) AS found {from}");
    let count: i64 = one(&db.read, &count, values.clone()).await?.map_or(Ok(0), |row| row.get("found"))?;
    let sql = format!(
        "SELECT c.id, p.username, c.kind, c.label, c.serial, c.failures, c.drift, {time} AS at {from} ORDER BY 8, 1 LIMIT ?"
    );
    let values = values.into_iter().chain([i64::from(limit).into()]).collect();
    let rows = all(&db.read, &sql, values).await?;
    Ok((count.unsigned_abs(), rows.iter().map(found).collect::<Result<_, _>>()?))
}

/// What can be removed without harm: it never worked, and whoever wanted it begins again. What has expired goes by
/// itself ([`crate::sweep`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Phones that were introduced and never confirmed.
    pub phones: u64,
    /// Numbers that no code has proved, and to which none is on its way.
    pub numbers: u64,
}

const PHONES: &str = "mobile_devices WHERE active = FALSE AND revoked_at IS NULL AND created_at < ?";
const NUMBERS: &str = "phones WHERE verified_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM phone_challenges c WHERE c.phone_id = phones.id)
    AND credential_id IN (SELECT id FROM credentials WHERE created_at < ?)";

/// Counts what [`delete_leftovers`] would remove.
pub async fn count_leftovers(db: &Db, before: Timestamp) -> Result<Leftovers, StoreError> {
    let count = async |from: &str| {
        let sql = format!("SELECT COUNT(*) AS found FROM {from}");
        let found: i64 = one(&db.read, &sql, vec![at(before)]).await?.map_or(Ok(0), |row| row.get("found"))?;
        Ok::<_, StoreError>(found.unsigned_abs())
    };
    Ok(Leftovers { phones: count(PHONES).await?, numbers: count(NUMBERS).await? })
}

/// Removes what never worked and is older than `before`.
pub async fn delete_leftovers(connection: &impl Connection, before: Timestamp) -> Result<Leftovers, StoreError> {
    let delete = async |from: &str| run(connection, &format!("DELETE FROM {from}"), vec![at(before)]).await;
    Ok(Leftovers { phones: delete(PHONES).await?, numbers: delete(NUMBERS).await? })
}
