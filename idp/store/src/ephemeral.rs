//! Counters that may be lost, in Redis or in the database; and identifiers that must be seen only once, which are
//! always in the database.

use std::time::Duration;

use redis::aio::ConnectionManager;
use stepgate_core::time::Timestamp;

use crate::row::{at, one, run};
use crate::{Db, StoreError};

/// Where counters live. Losing Redis loses rate counts, never a session, a grant or a single use.
#[derive(Clone)]
pub enum Ephemeral {
    /// In the primary database.
    Sql(Db),
    /// In Redis, under the name of the deployment: several may share one.
    Redis(Box<ConnectionManager>, String),
}

impl Ephemeral {
    /// Connects to Redis; lost connections are made again by themselves. Counts of another `deployment` are not ours.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn redis(url: &str, deployment: &str) -> Result<Self, StoreError> {
        let client = redis::Client::open(url)?;
        Ok(Self::Redis(Box::new(ConnectionManager::new(client).await?), deployment.to_owned()))
    }

    /// Counts one more in a window; the count. The database's windows begin with the first count, those in Redis
    /// at whole multiples of their length.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn incr(&self, purpose: &str, key: &str, window: Duration, now: Timestamp) -> Result<u64, StoreError> {
        match self {
            Self::Sql(db) => {
                let sql = "INSERT INTO ephemeral (purpose, name, value, count, expires_at) VALUES (?, ?, '', 1, ?)
                           ON CONFLICT (purpose, name) DO UPDATE SET
                             count = CASE WHEN ephemeral.expires_at <= ? THEN 1 ELSE ephemeral.count + 1 END,
                             expires_at = CASE WHEN ephemeral.expires_at <= ? THEN excluded.expires_at
                                               ELSE ephemeral.expires_at END
                           RETURNING count";
                let values = vec![purpose.into(), key.into(), at(now + window), at(now), at(now)];
                let row = one(&db.write, sql, values).await?;
                let count: i64 = row.map_or(Ok(0), |row| row.get("count"))?;
                Ok(count.unsigned_abs())
            }
            Self::Redis(connection, deployment) => {
                // The window is part of the key: it begins and ends by our clock, not by that of Redis.
                let length = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1);
                let key = format!("stepgate:{deployment}:{purpose}:{key}:{}", now.unix_millis() / length);
                let mut connection = connection.as_ref().clone();
                let (count,): (u64,) = redis::pipe()
                    .atomic()
                    .cmd("INCR")
                    .arg(&key)
                    .cmd("EXPIRE")
                    .arg(&key)
                    .arg(window.as_secs().max(1))
                    .arg("NX")
                    .ignore()
                    .query_async(&mut connection)
                    .await?;
                Ok(count)
            }
        }
    }

    /// Whether the counters can be reached.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        match self {
            Self::Sql(db) => db.ping().await,
            Self::Redis(connection, _) => {
                let mut connection = connection.as_ref().clone();
                Ok(redis::cmd("PING").query_async::<()>(&mut connection).await?)
            }
        }
    }
}

/// Remembers an identifier until `expires`; `true` only for the first. In the database whatever else is configured:
/// what was seen must stay seen.
pub async fn put_new(
    db: &Db,
    purpose: &str,
    key: &str,
    expires: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO ephemeral (purpose, name, value, count, expires_at) VALUES (?, ?, '', 1, ?)
               ON CONFLICT (purpose, name) DO UPDATE SET expires_at = excluded.expires_at WHERE ephemeral.expires_at <= ?";
    Ok(run(&db.write, sql, vec![purpose.into(), key.into(), at(expires), at(now)]).await? == 1)
}

/// Keeps a value until `expires`, in place of the one before. In the database whatever else is configured.
pub async fn put_value(
    db: &Db,
    (purpose, key): (&str, &str),
    value: &str,
    expires: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO ephemeral (purpose, name, value, count, expires_at) VALUES (?, ?, ?, 1, ?)
               ON CONFLICT (purpose, name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at";
    run(&db.write, sql, vec![purpose.into(), key.into(), value.into(), at(expires)]).await.map(drop)
}

/// A value that is kept.
pub async fn find_value(db: &Db, purpose: &str, key: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM ephemeral WHERE purpose = ? AND name = ? AND expires_at > ?";
    let row = one(&db.write, sql, vec![purpose.into(), key.into(), at(now)]).await?;
    row.map(|row| row.get("value")).transpose()
}

/// Takes a value that is kept, once.
pub async fn take_value(db: &Db, purpose: &str, key: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
    let sql = "DELETE FROM ephemeral WHERE purpose = ? AND name = ? AND expires_at > ? RETURNING value";
    let row = one(&db.write, sql, vec![purpose.into(), key.into(), at(now)]).await?;
    row.map(|row| row.get("value")).transpose()
}
