//! A statement that never ends: so a node can be killed between two steps that nothing outside of it can tell apart. The
//! database itself holds it, by a trigger; the node knows nothing of that.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

use crate::{Backend, World};

/// The lock on which the statements of PostgreSQL wait.
const LOCK: i64 = 4711;

/// A statement that is held, until [`Hold::release`].
pub struct Hold {
    connection: DatabaseConnection,
    backend: Backend,
    table: &'static str,
}

impl Hold {
    /// Whether a node waits in that statement now.
    pub async fn is_reached(&self) -> bool {
        if self.backend == Backend::PostgresRedis {
            let sql = "SELECT COUNT(*) AS found FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                       WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()";
            let statement = Statement::from_string(self.connection.get_database_backend(), sql);
            let row = self.connection.query_one_raw(statement).await.unwrap().unwrap();
            return row.try_get::<i64>("", "found").unwrap() > 0;
        }
        // Nothing else that writes keeps the others waiting for so long.
        if self.connection.execute_unprepared("BEGIN IMMEDIATE").await.is_err() {
            return true;
        }
        self.connection.execute_unprepared("ROLLBACK").await.unwrap();
        false
    }

    /// Lets such statements through again. Whoever waited in one is dead by now: what it had begun is undone.
    pub async fn release(self) {
        // The server would finish a statement, and keep what it did, before it notices that nobody waits for the answer.
        while self.backend == Backend::PostgresRedis && self.is_reached().await {
            let end = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                       WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()";
            self.connection.execute_unprepared(end).await.unwrap();
        }
        let sql = match self.backend {
            Backend::Sqlite => "DROP TRIGGER held; DROP VIEW forever".to_owned(),
            Backend::PostgresRedis => {
                format!("SELECT pg_advisory_unlock({LOCK}); DROP TRIGGER held ON {}; DROP FUNCTION held()", self.table)
            }
        };
        self.connection.execute_unprepared(&sql).await.unwrap();
        self.connection.close().await.unwrap();
    }
}

impl World {
    /// From now on no statement of this kind (`UPDATE OF stage`) on this table ends, where its row is such (`NEW.stage =
    /// 'paid'`).
    pub async fn hold(&self, statement: &str, table: &'static str, such: &str) -> Hold {
        let mut options = ConnectOptions::new(self.database());
        options.max_connections(1);
        let connection = Database::connect(options).await.unwrap();
        let sql = match self.backend {
            Backend::Sqlite => format!(
                "PRAGMA busy_timeout = 500;
                 CREATE VIEW IF NOT EXISTS forever AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;
                 CREATE TRIGGER held BEFORE {statement} ON {table} WHEN {such} BEGIN SELECT COUNT(*) FROM forever; END"
            ),
            Backend::PostgresRedis => format!(
                "SELECT pg_advisory_lock({LOCK});
                 CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS
                   'BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW; END';
                 CREATE TRIGGER held BEFORE {statement} ON {table} FOR EACH ROW WHEN ({such}) EXECUTE FUNCTION held()"
            ),
        };
        // A writer of the node may be at work this very moment.
        self.until("the statement is held", async || connection.execute_unprepared(&sql).await.is_ok()).await;
        Hold { connection, backend: self.backend, table }
    }

    /// Waits until a node is in the statement that is held, ends all nodes at once, and starts them again: the last one
    /// first, so that another node goes on where there are two.
    pub async fn crash_in(&self, hold: Hold) {
        self.until("a node is in the statement", async || hold.is_reached().await).await;
        for node in 0..self.nodes() {
            self.kill_node(node);
        }
        hold.release().await;
        for node in (0..self.nodes()).rev() {
            self.start_node(node).await;
        }
    }
}
