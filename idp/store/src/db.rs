//! The connections.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, TransactionTrait as _};
use stepgate_migrations::{Migrator, MigratorTrait};

use crate::connection::{Pool, Transaction};
use crate::sqlite::{Readers, Writer};
use crate::{Connection as _, StoreError};

/// The primary database. On SQLite one connection writes and several read (ADR 3); on PostgreSQL both are one pool.
#[derive(Clone)]
pub struct Db {
    /// For statements that only read.
    pub read: Pool,
    /// For statements that write.
    pub write: Pool,
    url: String,
}

impl Db {
    /// Connects: `sqlite://PATH?mode=rwc` or `postgres://…` with at most so many connections.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let (read, write) = if url.starts_with("sqlite:") {
            // The writer first: it is the one that makes a new file ready for readers.
            let writer = Writer::open(url)?;
            (Pool::Readers(Readers::open(url)?), Pool::Writer(writer))
        } else {
            let pool = Pool::Postgres(Database::connect(postgres(url, max_connections)).await?);
            (pool.clone(), pool)
        };
        Ok(Self { read, write, url: url.to_owned() })
    }

    /// Begins a transaction; dropped without a commit it is rolled back.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(match &self.write {
            Pool::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            Pool::Writer(writer) => Transaction::Sqlite(writer.begin().await?),
            Pool::Readers(_) => return Err(StoreError::Other("the readers do not write".to_owned())),
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read.query("SELECT 1", vec![]).await.map(drop)
    }

    /// House-keeping of SQLite's log, to be done every second or so; nothing on PostgreSQL.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        if let Pool::Readers(readers) = &self.read { readers.checkpoint().await } else { Ok(()) }
    }

    /// Whether several nodes may share the database.
    pub fn is_shared(&self) -> bool {
        matches!(self.write, Pool::Postgres(_))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn postgres(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(3))
        .test_before_acquire(false)
        .idle_timeout(Duration::from_secs(300))
        .sqlx_logging(false);
    options
}

/// Arbitrary, but for ever the same: the advisory lock that nodes which start at once wait for.
const MIGRATION_LOCK: i64 = 0x5354_4550_4741_5445;

/// Brings the schema up to date. Nodes that start at the same time wait for one another.
///
/// # Errors
/// Any failed statement.
pub async fn migrate(db: &Db) -> Result<(), StoreError> {
    match &db.write {
        Pool::Postgres(pool) => {
            // The lock belongs to the transaction, so it cannot be left behind; the migrations run beside it.
            let guard = pool.begin().await?;
            guard.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
            Migrator::up(pool, None).await?;
            guard.commit().await?;
        }
        _ => {
            let mut options = ConnectOptions::new(db.url());
            options.max_connections(1).sqlx_logging(false);
            let connection = Database::connect(options).await?;
            Migrator::up(&connection, None).await?;
            connection.close().await?;
        }
    }
    Ok(())
}
