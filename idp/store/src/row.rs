//! From SQL to values and back: one spelling of each statement for both databases.

use std::sync::Arc;

use rusqlite::types::Value as SqlValue;
use sea_orm::{QueryResult, TryGetable, Value};
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::{Connection, StoreError};

/// Runs a statement; how many rows it changed.
pub(crate) async fn run(connection: &impl Connection, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    connection.execute(sql, values).await
}

/// The one row of a query, or of a statement with `RETURNING`.
pub(crate) async fn one(
    connection: &impl Connection,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<Row>, StoreError> {
    Ok(connection.query(sql, values).await?.into_iter().next())
}

/// All rows of a query.
pub(crate) async fn all(connection: &impl Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    connection.query(sql, values).await
}

/// A row that knows how to say what is wrong with it.
pub enum Row {
    /// From SQLite.
    Sqlite {
        /// The columns of the query.
        names: Arc<[Box<str>]>,
        /// Their values.
        values: Vec<SqlValue>,
    },
    /// From PostgreSQL.
    Postgres(QueryResult),
}

/// A type that a column is read as.
pub(crate) trait Column: TryGetable {
    /// From what SQLite keeps; `None` when it is of another kind.
    fn from_sqlite(value: &SqlValue) -> Option<Self>;
}

impl Column for i64 {
    fn from_sqlite(value: &SqlValue) -> Option<Self> {
        if let SqlValue::Integer(number) = value { Some(*number) } else { None }
    }
}

impl Column for bool {
    fn from_sqlite(value: &SqlValue) -> Option<Self> {
        i64::from_sqlite(value).map(|number| number != 0)
    }
}

impl Column for String {
    fn from_sqlite(value: &SqlValue) -> Option<Self> {
        if let SqlValue::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl Column for Vec<u8> {
    fn from_sqlite(value: &SqlValue) -> Option<Self> {
        if let SqlValue::Blob(bytes) = value { Some(bytes.clone()) } else { None }
    }
}

impl Column for Uuid {
    fn from_sqlite(value: &SqlValue) -> Option<Self> {
        if let SqlValue::Blob(bytes) = value { Self::from_slice(bytes).ok() } else { None }
    }
}

impl<T: Column> Column for Option<T> {
    fn from_sqlite(value: &SqlValue) -> Option<Self> {
        if let SqlValue::Null = value { Some(None) } else { T::from_sqlite(value).map(Some) }
    }
}

impl Row {
    /// A column.
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        match self {
            Self::Postgres(row) => Ok(row.try_get("", column)?),
            Self::Sqlite { names, values } => {
                let place = names.iter().position(|name| **name == *column);
                let value = place.and_then(|place| values.get(place)).and_then(T::from_sqlite);
                value.ok_or_else(|| StoreError::Other(format!("column {column} is missing, or of another kind")))
            }
        }
    }

    /// A time.
    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_unix_millis(self.get(column)?))
    }

    /// A time that may be absent.
    pub(crate) fn time_if(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_unix_millis))
    }

    /// A column that is parsed; a value that does not parse is a bad row.
    pub(crate) fn parsed<T>(
        &self,
        table: &'static str,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        parse(&text).ok_or_else(|| StoreError::BadRow { table, column, id: self.name() })
    }

    /// A column of JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.parsed(table, column, |text| serde_json::from_str(text).ok())
    }

    /// The row's id, for error messages.
    fn name(&self) -> String {
        self.get::<Uuid>("id").map_or_else(|_| "?".to_owned(), |id| id.to_string())
    }
}

/// A time as the database keeps it.
pub(crate) fn at(time: Timestamp) -> Value {
    time.unix_millis().into()
}

/// A time that may be absent.
pub(crate) fn at_if(time: Option<Timestamp>) -> Value {
    time.map(Timestamp::unix_millis).into()
}

/// JSON as the database keeps it.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Value, StoreError> {
    serde_json::to_string(value).map(Value::from).map_err(|error| StoreError::Other(error.to_string()))
}
