//! What no browser and no message brought to its end: pages that were paid while nobody looked, orders that nobody pays,
//! and what a dying node left between two steps.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stepgate_core::subscriptions::order::Order;
use stepgate_store::{desk, orders};

use super::pay::{self, Seen};
use super::place;
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::subscriptions::settle;

/// How many at a time. They are asked about at the same moment, so that a provider that does not answer holds up a round for
/// no longer than one of them: the lease of the sweep (`boot::background`) is for longer.
const AT_ONCE: u32 = 25;
/// A page that was looked at is left alone for so long.
const AGAIN: Duration = Duration::from_secs(180);
/// What pays at once is settled by the node that placed it, unless it died.
const OWN: Duration = Duration::from_secs(20);

/// Brings to an end what was left. Called by one node every few seconds.
///
/// # Errors
/// The store.
pub async fn sweep(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for order in desk::list_unsettled(&app.db, cx.now - OWN, AT_ONCE).await? {
        done(&order, settle(&cx, &order, None).await);
    }
    let open = desk::take_open_checkouts(&app.db, (cx.now - AGAIN, cx.now), AT_ONCE).await?;
    join_all(open.iter().map(async |order| done(order, seen(&cx, order).await))).await;
    // What came is wrong, or cannot be asked about: neither given up nor paid. Such orders wait for people, and hold up no
    // other.
    let overdue = orders::take_overdue_orders(&app.db, (cx.now - AGAIN, cx.now), AT_ONCE).await?;
    join_all(overdue.iter().map(async |order| done(order, give_up(&cx, order).await))).await;
    Ok(())
}

/// One order that cannot be brought to its end does not keep the others from theirs.
fn done<T>(order: &Order, outcome: Result<T, Fault>) {
    if let Err(fault) = outcome {
        tracing::warn!(error = %fault, order = %order.number, "an order is looked at again later");
    }
}

async fn seen(cx: &Cx, order: &Order) -> Result<Seen, Fault> {
    match desk::find_extras(&cx.app.db, order.id).await?.checkout {
        Some(checkout) => pay::look(cx, order, &checkout).await,
        None => Ok(Seen::Nothing),
    }
}

/// Asked once more before: nobody's money is to meet a closed door.
async fn give_up(cx: &Cx, order: &Order) -> Result<(), Fault> {
    if matches!(seen(cx, order).await?, Seen::Nothing | Seen::Open(_)) {
        place::cancel(cx, order, None).await?;
    }
    Ok(())
}
