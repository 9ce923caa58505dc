//! Money by card: a page of the provider for an order, and what the provider says of it, read anew each time.

use stepgate_core::subscriptions::checkout::{Worth, worth};
use stepgate_core::subscriptions::order::{Order, OrderStage, summed};
use stepgate_store::{desk, orders, people};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::payments::{Checkout, CheckoutLine, PaymentError, Payments, Session, SessionState};
use crate::subscriptions::{Settled, settle};

/// Where an order stands with its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The order is paid.
    Paid,
    /// It can be paid on this page.
    Open(String),
    /// Nothing came (yet), and there is no page to pay on.
    Nothing,
    /// Money came that does not belong to the order, or came too late: finance looks at it.
    Wrong,
    /// The provider cannot be asked now.
    Unavailable,
}

/// Opens the page to pay an order on, or finds the one that is open. A node that died after the provider made it finds the
/// same one again.
///
/// # Errors
/// The store.
pub(super) async fn begin(cx: &Cx, order: &Order) -> Result<Seen, Fault> {
    let Some(payments) = &cx.app.outbound.payments else { return Ok(Seen::Unavailable) };
    if let Some(checkout) = desk::find_extras(&cx.app.db, order.id).await?.checkout {
        return look(cx, order, &checkout).await;
    }
    if order.stage != OrderStage::AwaitingPayment {
        return Ok(if order.stage == OrderStage::Paid { Seen::Paid } else { Seen::Nothing });
    }
    match payments.begin(&wanted(cx, order).await?).await {
        Ok(session) => {
            orders::set_checkout(&cx.app.db, order.id, &session.id).await?;
            judged(cx, order, session).await
        }
        Err(PaymentError::Unavailable) => Ok(Seen::Unavailable),
        Err(error @ PaymentError::Refused(_)) => {
            attention(cx, order, &format!("The card provider opens no page: {error}")).await?;
            Ok(Seen::Unavailable)
        }
    }
}

/// Always the same for the same order.
async fn wanted(cx: &Cx, order: &Order) -> Result<Checkout, Fault> {
    let person = people::find_person(&cx.app.db, order.purchaser).await?;
    let line = |name: &str, quantity, unit| CheckoutLine { name: name.to_owned(), quantity, unit };
    let mut lines: Vec<_> =
        summed(&order.lines).iter().map(|sold| line(&sold.name, sold.quantity, sold.unit)).collect();
    if order.totals.tax.minor != 0 {
        lines.push(line("Tax", 1, order.totals.tax));
    }
    let page = |end: &str| cx.app.url(&format!("/orders/{}{end}", order.number));
    Ok(Checkout {
        order: order.id,
        number: order.number.clone(),
        lines,
        total: order.totals.gross,
        mail: person.and_then(|person| person.claims.email),
        success: page("/return"),
        cancel: page("/return"),
    })
}

/// Asks the provider about a page, and does what follows.
///
/// # Errors
/// The store.
pub(super) async fn look(cx: &Cx, order: &Order, checkout: &str) -> Result<Seen, Fault> {
    let Some(payments) = &cx.app.outbound.payments else { return Ok(Seen::Unavailable) };
    match find(payments.as_ref(), checkout).await {
        Ok(session) => judged(cx, order, session).await,
        Err(seen) => Ok(seen),
    }
}

async fn find(payments: &dyn Payments, checkout: &str) -> Result<Session, Seen> {
    payments.find(checkout).await.map_err(|error| match error {
        PaymentError::Unavailable => Seen::Unavailable,
        PaymentError::Refused(_) => Seen::Nothing,
    })
}

async fn judged(cx: &Cx, order: &Order, session: Session) -> Result<Seen, Fault> {
    match worth(order, &session.payment) {
        Worth::Paid => {
            if let Some(payment) = &session.payment_id {
                desk::set_payment(&cx.app.db, order.id, payment).await?;
            }
            match settle(cx, order, None).await? {
                Settled::Now | Settled::Before => Ok(Seen::Paid),
                Settled::Impossible(stage) if session.payment_id == first_payment(cx, order).await? => {
                    tracing::info!(?stage, order = %order.number, "an old payment of an order that went back");
                    Ok(Seen::Nothing)
                }
                Settled::Impossible(stage) => {
                    attention(cx, order, &format!("A payment came while the order was {}.", stage.as_str())).await?;
                    Ok(Seen::Wrong)
                }
            }
        }
        Worth::Wrong => {
            let amount = session.payment.amount.map_or_else(|| "an unknown amount".to_owned(), |it| it.to_string());
            attention(cx, order, &format!("A payment of {amount} came that does not fit the order.")).await?;
            Ok(Seen::Wrong)
        }
        Worth::Nothing => Ok(match (session.state, session.url) {
            (SessionState::Open, Some(url)) => Seen::Open(url),
            _ => Seen::Nothing,
        }),
    }
}

/// The payment that made the order paid: told of again after the money went back, it is no second one.
async fn first_payment(cx: &Cx, order: &Order) -> Result<Option<String>, Fault> {
    Ok(desk::find_extras(&cx.app.db, order.id).await?.payment)
}

/// Lays an order before finance, once for the same reason, with an event in the log.
///
/// # Errors
/// The store.
pub(super) async fn attention(cx: &Cx, order: &Order, why: &str) -> Result<(), Fault> {
    if desk::find_extras(&cx.app.db, order.id).await?.attention.as_deref() == Some(why) {
        return Ok(());
    }
    let transaction = cx.app.db.begin().await?;
    desk::set_attention(&transaction, order.id, Some(why)).await?;
    let data = serde_json::json!({ "order": order.number, "why": why });
    audit::record(cx, &transaction, Event::new("order.attention").to(order.purchaser).data(data)).await?;
    Ok(transaction.commit().await?)
}
