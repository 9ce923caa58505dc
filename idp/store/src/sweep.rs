//! Rows whose time is over, removed in batches.

use std::time::Duration;

use stepgate_core::time::Timestamp;

use crate::row::{at, run};
use crate::{Db, StoreError};

/// Rows of one table that one statement removes at most: it must not hold up a login.
const BATCH: i64 = 500;

/// Removes what has expired. Used codes and refresh tokens are kept a while, so that a replay is recognised.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    let hour = Duration::from_secs(3600);
    let day = hour * 24;
    let tables = [
        ("interactions", "id", Duration::ZERO),
        ("authorization_codes", "hash", hour),
        ("refresh_tokens", "hash", day),
        ("device_authorizations", "id", hour),
        ("access_tokens", "hash", hour),
        ("revoked_tokens", "jti", hour),
        ("phone_challenges", "id", day),
        // A late receipt is to be recognised, and the last state is shown on Manage OTP.
        ("phone_deliveries", "id", day * 7),
        ("mobile_challenges", "id", day),
        ("key_challenges", "id", hour),
        ("passkey_challenges", "id", hour),
        ("recovery_links", "hash", day),
        ("mobile_enrolments", "code_hash", hour),
        ("playground_runs", "id", Duration::ZERO),
        ("token_resyncs", "credential_id", Duration::ZERO),
        ("notice_links", "token_hash", day),
        ("wanted_applications", "person_id", Duration::ZERO),
        ("card_setups", "id", Duration::ZERO),
    ];
    let mut removed = 0;
    for (table, key, kept) in tables {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE expires_at < ? LIMIT {BATCH})"
        );
        removed += batches(db, &sql, now - kept).await?;
    }
    // A parked request may still use it up, and a replay is to be recognised.
    let pushed = format!(
        "DELETE FROM pushed_requests WHERE id IN (SELECT id FROM pushed_requests
         WHERE expires_at < ? AND COALESCE(kept_until, 0) < {} LIMIT {BATCH})",
        now.unix_millis()
    );
    removed += batches(db, &pushed, now - hour * 2).await?;
    let ephemeral = format!(
        "DELETE FROM ephemeral WHERE expires_at < ? AND (purpose, name) IN
         (SELECT purpose, name FROM ephemeral WHERE expires_at < ? LIMIT {BATCH})"
    );
    loop {
        let gone = run(&db.write, &ephemeral, vec![at(now), at(now)]).await?;
        removed += gone;
        if gone < BATCH.unsigned_abs() {
            break;
        }
    }
    let outbox = format!(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE created_at < ? AND
         (done_at IS NOT NULL OR failed_at IS NOT NULL) LIMIT {BATCH})"
    );
    removed += batches(db, &outbox, now - day).await?;
    // Counted by days, some hundred rows each.
    let quarter = (now - day * 90).unix_seconds().div_euclid(24 * 3600);
    for table in ["phone_prefixes", "phone_spend"] {
        removed += run(&db.write, &format!("DELETE FROM {table} WHERE day < ?"), vec![quarter.into()]).await?;
    }
    Ok(removed)
}

async fn batches(db: &Db, sql: &str, before: Timestamp) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let gone = run(&db.write, sql, vec![at(before)]).await?;
        removed += gone;
        if gone < BATCH.unsigned_abs() {
            return Ok(removed);
        }
    }
}
