//! What can go wrong in the store.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database or Redis cannot be reached, or is too busy: trying again helps.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Another row has that value already.
    #[error("conflict: {constraint}")]
    Conflict {
        /// What the database says about the constraint.
        constraint: String,
    },
    /// A row that our own code cannot have written.
    #[error("bad row: {table}.{column} of {id}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row.
        id: String,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(constraint)) = error.sql_err() {
            return Self::Conflict { constraint };
        }
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error.to_string()),
            DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
                if passes(inner) {
                    Self::Unavailable(error.to_string())
                } else {
                    Self::Other(error.to_string())
                }
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{ErrorCode, ffi};
        let rusqlite::Error::SqliteFailure(code, text) = &error else { return Self::Other(error.to_string()) };
        match (code.code, code.extended_code) {
            (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Self::Conflict { constraint: text.clone().unwrap_or_default() }
            }
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull | ErrorCode::CannotOpen, _) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Whether a database error passes by itself: a lost connection, a server that stops or starts, a locked file.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            // PostgreSQL class 57P (shutdown, start-up), 53 (resources), 08 (connection), 40 (conflict of
            // transactions), 25006 (a standby).
            let code = error.code().unwrap_or_default();
            ["57P", "53", "08", "40", "25006"].iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}

impl From<redis::RedisError> for StoreError {
    fn from(error: redis::RedisError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
