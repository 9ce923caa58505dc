//! SQL that both databases understand.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Runs statements that are separated by `;`. `BYTES` becomes the database's type for bytes; all other types are
/// written the same in both (SQLite takes any type name).
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let bytes = match connection.get_database_backend() {
        DbBackend::Postgres => "BYTEA",
        _ => "BLOB",
    };
    for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        connection.execute_unprepared(&statement.replace("BYTES", bytes)).await?;
    }
    Ok(())
}

macro_rules! migration {
    ($up:literal) => {
        use sea_orm_migration::prelude::*;

        /// See the statements below.
        #[derive(DeriveMigrationName)]
        pub(crate) struct Migration;

        #[async_trait::async_trait]
        impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                crate::portable::run(manager, $up).await
            }

            async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
                Err(DbErr::Migration("migrations go forward only: restore a backup instead".to_owned()))
            }
        }
    };
}
pub(crate) use migration;
