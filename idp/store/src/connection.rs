//! What statements run on: a connection, or a transaction, of either database.
//!
//! Owns: the choice between the two databases. Never: SQL of its own.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement, Value};

use crate::StoreError;
use crate::row::Row;
use crate::sqlite::{self, Readers, Writer};

/// Something that statements run on. Values stand for the `?` of the statement, in order.
pub trait Connection: Sync {
    /// Runs a statement; how many rows it changed.
    fn execute(&self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Runs a query, or a statement with `RETURNING`; its rows.
    fn query(&self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
}

/// Connections that each statement takes one of.
#[derive(Clone)]
pub enum Pool {
    /// SQLite's many connections that read.
    Readers(Readers),
    /// SQLite's one connection that writes.
    Writer(Writer),
    /// PostgreSQL.
    Postgres(DatabaseConnection),
}

impl Connection for Pool {
    async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
        match self {
            Self::Readers(readers) => readers.with(|connection| sqlite::execute(connection, sql, values)),
            Self::Writer(writer) => writer.execute(sql, values).await,
            Self::Postgres(pool) => Ok(pool.execute_raw(numbered(sql, values)).await?.rows_affected()),
        }
    }

    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Readers(readers) => readers.with(|connection| sqlite::query(connection, sql, values)),
            Self::Writer(writer) => writer.query(sql, values).await,
            Self::Postgres(pool) => Ok(rows(pool.query_all_raw(numbered(sql, values)).await?)),
        }
    }
}

/// A transaction. Dropped without [`Transaction::commit`] it is rolled back.
pub enum Transaction {
    /// On SQLite's one connection that writes.
    Sqlite(sqlite::Transaction),
    /// On PostgreSQL.
    Postgres(DatabaseTransaction),
}

impl Transaction {
    /// Makes everything lasting.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit(),
            Self::Postgres(transaction) => Ok(transaction.commit().await?),
        }
    }
}

impl Connection for Transaction {
    async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.execute(sql, values),
            Self::Postgres(transaction) => Ok(transaction.execute_raw(numbered(sql, values)).await?.rows_affected()),
        }
    }

    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.query(sql, values),
            Self::Postgres(transaction) => Ok(rows(transaction.query_all_raw(numbered(sql, values)).await?)),
        }
    }
}

fn rows(results: Vec<QueryResult>) -> Vec<Row> {
    results.into_iter().map(Row::Postgres).collect()
}

/// PostgreSQL wants `$1`, `$2`, … where SQLite has `?`.
fn numbered(sql: &str, values: Vec<Value>) -> Statement {
    let mut text = String::with_capacity(sql.len() + values.len());
    for (number, part) in sql.split('?').enumerate() {
        if number > 0 {
            text.push('$');
            text.push_str(&number.to_string());
        }
        text.push_str(part);
    }
    Statement::from_sql_and_values(DbBackend::Postgres, text, values)
}
