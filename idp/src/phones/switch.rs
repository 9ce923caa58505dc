//! The day's spending, and the switch that stops all sending: tripped by the cap or by an operator, reset by an operator.

use serde_json::json;
use stepgate_core::id::PersonId;
use stepgate_store::deliveries;

use super::day;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// Whether sending is stopped.
pub async fn is_stopped(cx: &Cx) -> Result<bool, Fault> {
    Ok(deliveries::find_stopped(&cx.app.db).await?.is_some())
}

/// Reserves money for a message. `false` when the day's cap is reached; then sending is stopped as well.
pub async fn reserve(cx: &Cx, cost: u64) -> Result<bool, Fault> {
    let spend = &cx.app.settings.phone.spend;
    let cap = if spend.per_day == 0 { u64::MAX } else { spend.per_day };
    // A sum beyond what the database counts in is no cap either.
    let cap = cap.min(1 << 60);
    if deliveries::reserve_spend(&cx.app.db, day(cx.now), cost, cap).await? {
        return Ok(true);
    }
    let reason = format!("the day's cap of {} is reached", spend.amount(spend.per_day));
    let transaction = cx.app.db.begin().await?;
    if deliveries::stop_sending(&transaction, &reason, None, cx.now).await? {
        tracing::error!(cap = spend.per_day, "the day's cap on codes is reached: sending is stopped");
        let data = json!({ "cap": "phone spend", "per_day": spend.per_day, "currency": spend.currency });
        audit::record(cx, &transaction, Event::new("phone_otp.cap.tripped").data(data)).await?;
    }
    transaction.commit().await?;
    Ok(false)
}

/// An operator stops sending; `false` when it was stopped before.
pub async fn stop(cx: &Cx, operator: PersonId) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    let stopped = deliveries::stop_sending(&transaction, "an operator stopped it", Some(operator), cx.now).await?;
    if stopped {
        let event = Event { actor: Some(operator), ..Event::new("admin.phones.stopped") };
        audit::record(cx, &transaction, event).await?;
    }
    transaction.commit().await?;
    Ok(stopped)
}

/// An operator starts sending again. Where the cap had stopped it, as much again may be spent on that day.
pub async fn start(cx: &Cx, operator: PersonId) -> Result<bool, Fault> {
    let per_day = cx.app.settings.phone.spend.per_day;
    let (spent, granted) = deliveries::find_spend(&cx.app.db, day(cx.now)).await?;
    let transaction = cx.app.db.begin().await?;
    let started = deliveries::start_sending(&transaction).await?;
    if started {
        if per_day > 0 && spent + cx.app.settings.phone.spend.price > per_day + granted {
            deliveries::grant_spend(&transaction, day(cx.now), per_day).await?;
        }
        let event = Event { actor: Some(operator), ..Event::new("admin.phones.started") };
        audit::record(cx, &transaction, event).await?;
    }
    transaction.commit().await?;
    Ok(started)
}
