//! Reports on the command line: the figures of the pages.

use stepgate_core::subscriptions::export::Period;
use stepgate_store::reports::Reach;

use super::*;
use crate::reports::{expiring, sales, told_apart};

/// Reports.
#[derive(Subcommand)]
pub(in crate::cli) enum ReportCommand {
    /// What was sold, renewed and activated, and what came in.
    Sales(Days),
    /// What ends within 30, 60 and 90 days, and what has lapsed.
    Expiring(Days),
}

/// Which days; the last thirty when they are left out.
#[derive(clap::Args)]
pub(in crate::cli) struct Days {
    /// The first day (UTC): 2026-03-02.
    #[arg(long, default_value = "")]
    from: String,
    /// The last day; it counts.
    #[arg(long, default_value = "")]
    to: String,
    /// Tells the counts apart: by `organization` or by `partner`.
    #[arg(long, default_value = "")]
    by: String,
}

pub(super) async fn command(operator: &Operator, command: ReportCommand) -> Result<Value, OperateError> {
    let (ReportCommand::Sales(days) | ReportCommand::Expiring(days)) = &command;
    let period = Period::parse(&days.from, &days.to, operator.now)
        .map_err(|error| OperateError::Argument(format!("--{error}")))?;
    let by = told_apart(&days.by).map_err(|error| OperateError::Argument(format!("--{error}")))?;
    let figures = (&Reach::All, by);
    Ok(match command {
        ReportCommand::Sales(_) => sales(&operator.db, figures, period).await?.json(),
        ReportCommand::Expiring(_) => expiring(&operator.db, figures, (period, operator.now)).await?.json(),
    })
}
