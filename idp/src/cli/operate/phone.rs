//! Commands about codes by telephone.

use stepgate_store::deliveries;

use super::*;
use crate::phones::day;

/// Commands about codes by telephone.
#[derive(Subcommand)]
pub(in crate::cli) enum PhoneCommand {
    /// Whether codes are sent, what was spent today, and what came back of them.
    Status,
    /// Stops all sending.
    Stop,
    /// Starts sending again. Where the day's cap had stopped it, as much again may be spent today.
    Start,
}

pub(super) async fn command(
    operator: &Operator,
    (command, per_day): (PhoneCommand, u64),
) -> Result<Value, OperateError> {
    let db = &operator.db;
    let today = day(operator.now);
    match command {
        PhoneCommand::Status => {
            let stopped = deliveries::find_stopped(db).await?;
            let (spent, granted) = deliveries::find_spend(db, today).await?;
            let blocks = deliveries::list_conversions(db, today - 1, 200).await?;
            let block = |it: &deliveries::Conversion| json!({ "prefix": it.prefix, "sent": it.sent, "used": it.used, "spent": it.spent });
            Ok(json!({
                "sending": stopped.is_none(),
                "stopped_because": stopped.map(|stopped| stopped.reason),
                "spent_today": spent,
                "cap_today": if per_day == 0 { None } else { Some(per_day + granted) },
                "blocks": blocks.iter().map(block).collect::<Vec<_>>(),
            }))
        }
        PhoneCommand::Stop => {
            if deliveries::stop_sending(&db.write, "an operator stopped it", None, operator.now).await? {
                operator.record("admin.phones.stopped", None, None).await?;
            }
            Ok(json!({ "sending": false }))
        }
        PhoneCommand::Start => {
            let (spent, granted) = deliveries::find_spend(db, today).await?;
            let transaction = db.begin().await?;
            let started = deliveries::start_sending(&transaction).await?;
            if started && per_day > 0 && spent >= per_day + granted {
                deliveries::grant_spend(&transaction, today, per_day).await?;
            }
            transaction.commit().await?;
            if started {
                operator.record("admin.phones.started", None, None).await?;
            }
            Ok(json!({ "sending": true }))
        }
    }
}
