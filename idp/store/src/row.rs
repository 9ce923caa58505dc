//! From SQL to values and back: one spelling of each statement for both databases.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetable, Value};
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::StoreError;

/// A statement written with `?` for its values; PostgreSQL gets `$1`, `$2`, ….
fn statement(backend: DbBackend, sql: &str, values: Vec<Value>) -> Statement {
    if backend != DbBackend::Postgres {
        return Statement::from_sql_and_values(backend, sql, values);
    }
    let mut numbered = String::with_capacity(sql.len() + values.len());
    for (number, part) in sql.split('?').enumerate() {
        if number > 0 {
            numbered.push('$');
            numbered.push_str(&number.to_string());
        }
        numbered.push_str(part);
    }
    Statement::from_sql_and_values(backend, numbered, values)
}

/// Runs a statement; how many rows it changed.
pub(crate) async fn run(connection: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    let statement = statement(connection.get_database_backend(), sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

/// The one row of a query, or of a statement with `RETURNING`.
pub(crate) async fn one(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<Row>, StoreError> {
    let statement = statement(connection.get_database_backend(), sql, values);
    Ok(connection.query_one_raw(statement).await?.map(Row))
}

/// All rows of a query.
pub(crate) async fn all(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let statement = statement(connection.get_database_backend(), sql, values);
    Ok(connection.query_all_raw(statement).await?.into_iter().map(Row).collect())
}

/// A row that knows how to say what is wrong with it.
pub(crate) struct Row(QueryResult);

impl Row {
    /// A column.
    pub(crate) fn get<T: TryGetable>(&self, column: &str) -> Result<T, StoreError> {
        Ok(self.0.try_get("", column)?)
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
        self.0.try_get::<Uuid>("", "id").map_or_else(|_| "?".to_owned(), |id| id.to_string())
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
