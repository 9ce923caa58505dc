//! The connections.

use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, TransactionTrait,
};
use stepgate_migrations::{Migrator, MigratorTrait};

use crate::StoreError;

/// The primary database. On SQLite one connection writes and several read (ADR 3); on PostgreSQL both are one pool.
#[derive(Clone)]
pub struct Db {
    /// For statements that only read.
    pub read: DatabaseConnection,
    /// For statements that write, and for transactions.
    pub write: DatabaseConnection,
    url: String,
}

impl Db {
    /// Connects: `sqlite://PATH?mode=rwc` or `postgres://…`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let (read, write) = if url.starts_with("sqlite:") {
            (Database::connect(sqlite(url, max_connections)).await?, Database::connect(sqlite(url, 1)).await?)
        } else {
            let pool = Database::connect(postgres(url, max_connections)).await?;
            (pool.clone(), pool)
        };
        Ok(Self { read, write, url: url.to_owned() })
    }

    /// Begins a transaction; dropped without a commit it is rolled back.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        Ok(self.write.begin().await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.read.ping().await?)
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn sqlite(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|options: SqliteConnectOptions| {
            options
                .busy_timeout(Duration::from_secs(10))
                .foreign_keys(true)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "NORMAL")
                .pragma("temp_store", "MEMORY")
                .pragma("mmap_size", "268435456")
                .statement_cache_capacity(256)
        });
    options
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
    match db.backend() {
        DbBackend::Postgres => {
            // The lock belongs to the transaction, so it cannot be left behind; the migrations run beside it.
            let guard = db.begin().await?;
            guard.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
            Migrator::up(&db.write, None).await?;
            guard.commit().await?;
        }
        _ => Migrator::up(&db.write, None).await?,
    }
    Ok(())
}
