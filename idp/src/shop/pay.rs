//! Money by card: a page of the provider for an order, and what the provider says of it, read anew each time.

use stepgate_core::subscriptions::checkout::{Payment, Worth, worth};
use stepgate_core::subscriptions::order::{Order, OrderStage, summed};
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::{cards as store_cards, charges, desk, orders, people};

use super::place::CARD_DAYS;
use super::{attention, cards, webhook};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::payments::{Checkout, CheckoutLine, PaymentError, Payments, Session, SessionState};
use crate::subscriptions::{Settled, settle};

/// What finance reads when something was told of a payment before we knew whose it is.
const TOLD_EARLY: &str =
    "Before this payment was known here, its provider told that money of it goes back or is disputed. Look there.";

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
    if !charges::take_for_page(&cx.app.db, order.id, days_after(cx.now, CARD_DAYS)).await? {
        // A charge without the person is under way: nobody pays twice.
        return Ok(Seen::Unavailable);
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
        keep: desk::find_extras(&cx.app.db, order.id).await?.keep_card,
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
    let Some(seen) = credit(cx, order, (&session.payment, session.payment_id.as_deref())).await? else {
        return Ok(match (session.state, session.url) {
            (SessionState::Open, Some(url)) => Seen::Open(url),
            _ => Seen::Nothing,
        });
    };
    if seen == Seen::Paid {
        if let Some(card) = &session.card {
            note_card(cx, order, &card.to_string()).await?;
        }
        cards::keep_of_order(cx, order, &session).await?;
    }
    Ok(seen)
}

/// Does what follows from a payment that was read anew, on a page or without one; `None` where nothing came.
///
/// # Errors
/// The store.
pub(super) async fn credit(
    cx: &Cx,
    order: &Order,
    (payment, id): (&Payment, Option<&str>),
) -> Result<Option<Seen>, Fault> {
    match worth(order, payment) {
        Worth::Paid => {
            if let Some(id) = id {
                desk::set_payment(&cx.app.db, order.id, id).await?;
            }
            match settle(cx, order, None).await? {
                Settled::Now | Settled::Before => {
                    if id.map(str::to_owned) != first_payment(cx, order).await? {
                        attention(cx, order, "It was paid twice: a second payment came for it.").await?;
                    }
                    if let Some(id) = id
                        && webhook::was_told_early(cx, id).await?
                    {
                        attention(cx, order, TOLD_EARLY).await?;
                    }
                    Ok(Some(Seen::Paid))
                }
                Settled::Impossible(stage) if id.map(str::to_owned) == first_payment(cx, order).await? => {
                    tracing::info!(?stage, order = %order.number, "an old payment of an order that went back");
                    Ok(Some(Seen::Nothing))
                }
                Settled::Impossible(stage) => {
                    attention(cx, order, &format!("A payment came while the order was {}.", stage.as_str())).await?;
                    Ok(Some(Seen::Wrong))
                }
            }
        }
        Worth::Wrong => {
            let amount = payment.amount.map_or_else(|| "an unknown amount".to_owned(), |it| it.to_string());
            attention(cx, order, &format!("A payment of {amount} came that does not fit the order.")).await?;
            Ok(Some(Seen::Wrong))
        }
        Worth::Nothing => Ok(None),
    }
}

/// Notes which card paid: it stands on the receipt.
///
/// # Errors
/// The store.
pub(super) async fn note_card(cx: &Cx, order: &Order, card: &str) -> Result<(), Fault> {
    Ok(store_cards::set_paid_card(&cx.app.db, order.id, card).await?)
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
    attention::raise_once(cx, order, why).await
}
