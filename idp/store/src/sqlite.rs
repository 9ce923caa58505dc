//! SQLite, called directly (ADR 8).
//!
//! A statement takes 5 to 20 µs, less than handing it to another thread: it runs where it is asked for. Owns: one
//! connection that writes, with requests queueing for it, and several that read (ADR 3). Never: a wait for a lock that
//! another process holds on a thread of the runtime, nor a checkpoint on one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};
use sea_orm::Value;
use tokio::sync::OwnedMutexGuard;

use crate::StoreError;
use crate::row::Row;

/// How long another process may hold the file's lock.
const BUSY: Duration = Duration::from_secs(10);
/// How often the lock is asked for meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(2);

/// Opens `sqlite://PATH`, with `?mode=rwc` to make the file.
fn open(url: &str) -> Result<Connection, StoreError> {
    let rest = url.strip_prefix("sqlite:").unwrap_or(url);
    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if options.split('&').any(|option| option == "mode=rwc") {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456; PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Connections that read. As many are opened as threads read at the same time.
#[derive(Clone)]
pub struct Readers(Arc<Idle>);

struct Idle {
    url: String,
    connections: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn open(url: &str) -> Result<Self, StoreError> {
        let connections = Mutex::new(vec![open(url)?]);
        Ok(Self(Arc::new(Idle { url: url.to_owned(), connections })))
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = || self.0.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let connection = match taken {
            Some(connection) => connection,
            None => open(&self.0.url)?,
        };
        let outcome = act(&connection);
        idle().push(connection);
        outcome
    }

    /// Brings what was written from the log into the file, as far as nobody is in the way. Takes milliseconds to
    /// seconds: on a thread of its own.
    pub(crate) async fn checkpoint(&self) -> Result<(), StoreError> {
        let readers = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            readers.with(|connection| Ok(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))?))
        });
        done.await.map_err(|error| StoreError::Other(error.to_string()))?
    }
}

/// The connection that writes. Requests queue for it in order.
#[derive(Clone)]
pub struct Writer(Arc<tokio::sync::Mutex<Connection>>);

impl Writer {
    pub(crate) fn open(url: &str) -> Result<Self, StoreError> {
        let connection = open(url)?;
        // A lock that another process holds is waited for in `patiently`. The log is brought into the file in the
        // background; only a log of 80 MB makes a request do it.
        connection.busy_timeout(Duration::ZERO)?;
        connection.execute_batch("PRAGMA wal_autocheckpoint = 20000")?;
        Ok(Self(Arc::new(tokio::sync::Mutex::new(connection))))
    }

    pub(crate) async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
        let mut connection = self.0.lock().await;
        let values = bound(values)?;
        patiently(&mut connection, |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.execute(params_from_iter(&values))? as u64)
        })
        .await
    }

    pub(crate) async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let mut connection = self.0.lock().await;
        let values = bound(values)?;
        patiently(&mut connection, |connection| read(connection, sql, &values)).await
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        let mut connection = Arc::clone(&self.0).lock_owned().await;
        patiently(&mut connection, |connection| connection.execute_batch("BEGIN IMMEDIATE")).await?;
        Ok(Transaction(Mutex::new(connection)))
    }
}

/// Tries again while another process holds the lock, leaving the thread to others meanwhile.
async fn patiently<T>(
    connection: &mut Connection,
    act: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    let mut since = None;
    loop {
        match act(connection) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                if since.get_or_insert_with(Instant::now).elapsed() > BUSY {
                    return Err(error.into());
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// A transaction that writes. Others wait until it is over.
pub struct Transaction(Mutex<OwnedMutexGuard<Connection>>);

impl Transaction {
    fn with<T>(&self, act: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        act(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
        self.with(|connection| execute(connection, sql, values))
    }

    pub(crate) fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.with(|connection| query(connection, sql, values))
    }

    pub(crate) fn commit(self) -> Result<(), StoreError> {
        self.with(|connection| Ok(connection.execute_batch("COMMIT")?))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let connection = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}

pub(crate) fn execute(connection: &Connection, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute(params_from_iter(bound(values)?))? as u64)
}

pub(crate) fn query(connection: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    Ok(read(connection, sql, &bound(values)?)?)
}

fn read(connection: &Connection, sql: &str, values: &[SqlValue]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let names: Arc<[Box<str>]> = statement.column_names().into_iter().map(Box::from).collect();
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|index| row.get(index)).collect::<rusqlite::Result<_>>()?;
        found.push(Row::Sqlite { names: Arc::clone(&names), values });
    }
    Ok(found)
}

/// Our values as SQLite keeps them: identifiers as 16 bytes, truth as 0 or 1.
fn bound(values: Vec<Value>) -> Result<Vec<SqlValue>, StoreError> {
    values.into_iter().map(as_sqlite).collect()
}

fn as_sqlite(value: Value) -> Result<SqlValue, StoreError> {
    Ok(match value {
        Value::Bool(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::BigInt(value) => value.into(),
        Value::String(value) => value.into(),
        Value::Bytes(value) => value.into(),
        Value::Uuid(value) => value.map(|id| id.as_bytes().to_vec()).into(),
        other => return Err(StoreError::Other(format!("no column keeps a value such as {other:?}"))),
    })
}
