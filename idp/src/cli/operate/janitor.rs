//! Commands of the janitor.

use crate::janitor::{self, Part};

use super::*;

/// Commands of the janitor.
#[derive(Subcommand)]
pub(in crate::cli) enum JanitorCommand {
    /// Reports what is half-enrolled, stale, expiring, orphaned or near a limit.
    Report,
    /// Removes what never worked: unconfirmed phones, unproved numbers.
    Clean {
        /// Only says what would be removed.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn command(operator: &Operator, command: JanitorCommand) -> Result<Value, OperateError> {
    let (db, settings, now) = (&operator.db, &operator.settings.janitor, operator.now);
    match command {
        JanitorCommand::Report => {
            let report = janitor::report(db, settings, now).await.map_err(other)?;
            let part = |part: &Part| {
                let row = |found: &stepgate_store::janitor::Found| {
                    json!({
                        "credential": found.credential, "username": found.username, "kind": found.kind.as_str(),
                        "name": found.name, "at": found.at.unix_seconds(), "failures": found.failures,
                        "drift": found.drift,
                    })
                };
                let rows: Vec<Value> = part.found.iter().map(row).collect();
                (part.name.to_owned(), json!({ "what": part.words, "count": part.count, "first": rows }))
            };
            let mut said: serde_json::Map<String, Value> = report.parts.iter().map(part).collect();
            said.insert("removable".to_owned(), janitor::in_json(report.leftovers));
            Ok(Value::Object(said))
        }
        JanitorCommand::Clean { dry_run: true } => {
            let report = janitor::report(db, settings, now).await.map_err(other)?;
            Ok(json!({ "would_remove": janitor::in_json(report.leftovers) }))
        }
        JanitorCommand::Clean { dry_run: false } => {
            let holder = format!("command line {}", std::process::id());
            if !janitor::lead(db, &holder, now).await.map_err(other)? {
                return Err(OperateError::Argument("somebody else is cleaning; try again in a minute".to_owned()));
            }
            let transaction = db.begin().await?;
            let removed = janitor::in_json(janitor::clean(&transaction, settings, now).await.map_err(other)?);
            let event = NewEvent {
                id: stepgate_core::id::EventId::random(&OsEntropy),
                at: now,
                kind: "admin.janitor.cleaned".to_owned(),
                actor: None,
                person: None,
                session: None,
                client: None,
                ip: None,
                data: json!({ "by": "command line", "removed": removed }),
            };
            audit::insert_event(&transaction, &event).await?;
            transaction.commit().await?;
            Ok(json!({ "removed": removed }))
        }
    }
}
