//! An order goes back: its keys are void in the transaction that says so, and the money follows from the outbox.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::id::{OrderId, PersonId};
use stepgate_core::subscriptions::license_key::KeyStage;
use stepgate_core::subscriptions::order::{NoRefund, Order, OrderEvent, OrderStage, PaymentMethod};
use stepgate_store::outbox::{self as outbox_store, Leased};
use stepgate_store::{Transaction, desk, invitations, license_keys, orders, sponsors, vouchers};

use super::{mails, pay};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::payments::{PaymentError, ProviderRefund, RefundOrder, RefundState};
use crate::outbox;

const KIND: &str = "refund";
const LEASE: Duration = Duration::from_secs(30);
/// A refund that is on its way is asked about this often.
const PENDING: Duration = Duration::from_secs(60);
const TRIES: usize = 8;

/// What is in the outbox.
#[derive(Serialize, Deserialize)]
struct Owed {
    order: OrderId,
}

/// Gives an order back, for whoever asks: its purchaser within the days of the law, finance too.
///
/// # Errors
/// The store.
pub async fn give_back(cx: &Cx, id: OrderId, by: PersonId) -> Result<Result<(), NoRefund>, Fault> {
    for _ in 0..TRIES {
        let Some(order) = orders::find_order(&cx.app.db, id).await? else { return Ok(Err(NoRefund::Stage)) };
        if invitations::pays_for_invitations(&cx.app.db, id).await? {
            return Ok(Err(NoRefund::Invitations));
        }
        let keys = license_keys::list_keys_of_order(&cx.app.db, id).await?;
        let used = keys.iter().filter(|key| key.stage == KeyStage::Redeemed).count();
        if let Err(refusal) = order.check_refund(used, cx.now) {
            return Ok(Err(refusal));
        }
        let Some(refunding) = order.stage.after(OrderEvent::RefundAsked) else { return Ok(Err(NoRefund::Stage)) };
        let transaction = cx.app.db.begin().await?;
        let moved = orders::move_order(&transaction, &order, refunding, (Some(by), cx.now)).await?;
        let voided = license_keys::void_keys_of_order(&transaction, id, cx.now).await?;
        // A key that was activated in this very moment is in use: read again.
        if !moved || voided != keys.len() as u64 {
            continue;
        }
        let data = serde_json::json!({ "order": order.number, "gross": order.totals.gross });
        let event = Event { actor: Some(by), ..Event::new("order.refund_asked").to(order.purchaser).data(data) };
        audit::record(cx, &transaction, event).await?;
        let order = Order { stage: refunding, version: order.version + 1, ..order };
        owe(cx, &transaction, &order).await?;
        transaction.commit().await?;
        return Ok(Ok(()));
    }
    Err(Fault::internal(format!("order {id} is changed by others all the time")))
}

/// What has to follow: the provider, finance, or nothing but to give back what was charged.
async fn owe(cx: &Cx, transaction: &Transaction, order: &Order) -> Result<(), Fault> {
    match order.method {
        _ if order.totals.gross.minor == 0 => {}
        PaymentMethod::Card => {
            let mut message = outbox::sealed(cx, KIND, &Owed { order: order.id }, None)?;
            message.due_at = cx.now;
            outbox_store::insert_message(transaction, &message).await?;
            return mails::refunding(cx, transaction, order).await;
        }
        PaymentMethod::Invoice => {
            let why = format!("Send {} back, then note it here.", order.totals.gross);
            desk::set_attention(transaction, order.id, Some(&why)).await?;
            return mails::refunding(cx, transaction, order).await;
        }
        PaymentMethod::Voucher => {}
        PaymentMethod::Sponsored => {
            if let Some(sponsor) = order.sponsor {
                sponsors::release(transaction, sponsor, order.totals.gross).await?;
            }
        }
    }
    if order.method == PaymentMethod::Voucher {
        vouchers::release_uses_of(transaction, order.id, order.keys()).await?;
    }
    finish(cx, transaction, order, None).await.map(drop)
}

/// Notes that the money went back; `false` when the order has moved on.
async fn finish(cx: &Cx, transaction: &Transaction, order: &Order, by: Option<PersonId>) -> Result<bool, Fault> {
    let Some(refunded) = order.stage.after(OrderEvent::RefundDone) else { return Ok(false) };
    if !orders::move_order(transaction, order, refunded, (by, cx.now)).await? {
        return Ok(false);
    }
    desk::set_attention(transaction, order.id, None).await?;
    let data = serde_json::json!({ "order": order.number, "gross": order.totals.gross });
    let event = Event { actor: by, ..Event::new("order.refunded").to(order.purchaser).data(data) };
    audit::record(cx, transaction, event).await?;
    mails::refunded(cx, transaction, order).await?;
    Ok(true)
}

/// Finance has sent the money of an invoice back.
///
/// # Errors
/// The store.
pub async fn mark_done(cx: &Cx, order: &Order, by: PersonId) -> Result<bool, Fault> {
    if order.method != PaymentMethod::Invoice {
        return Ok(false);
    }
    let transaction = cx.app.db.begin().await?;
    if !finish(cx, &transaction, order, Some(by)).await? {
        return Ok(false);
    }
    transaction.commit().await?;
    Ok(true)
}

/// Sends money back that is owed. Called every second by the background task.
///
/// # Errors
/// The store.
pub async fn deliver(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for leased in outbox_store::lease_messages(&app.db, KIND, 10, cx.now, cx.now + LEASE).await? {
        if let Err(fault) = one(&cx, &leased).await {
            tracing::warn!(error = %fault, "a refund is tried again later");
        }
    }
    Ok(())
}

async fn one(cx: &Cx, leased: &Leased) -> Result<(), Fault> {
    let db = &cx.app.db;
    let owed: Owed = outbox::open_as(&cx.app, leased)?;
    let order = orders::find_order(db, owed.order).await?.filter(|order| order.stage == OrderStage::Refunding);
    let Some(order) = order else { return Ok(outbox_store::finish_message(db, leased.id, cx.now).await?) };
    match ask(cx, &order, leased).await? {
        Ok(refund) => match refund.state {
            RefundState::Pending => {
                outbox_store::fail_message(db, leased.id, cx.now + PENDING, "the money is on its way").await?;
                return Ok(());
            }
            RefundState::Done => {
                let transaction = db.begin().await?;
                if finish(cx, &transaction, &order, None).await? {
                    transaction.commit().await?;
                }
            }
            RefundState::Refused => refused(cx, &order, "the provider could not send it").await?,
        },
        Err(PaymentError::Refused(code)) => refused(cx, &order, &code).await?,
        Err(PaymentError::Unavailable) => {
            let wait = Duration::from_secs(15 << leased.attempts.min(8));
            outbox_store::fail_message(db, leased.id, cx.now + wait, "the provider does not answer").await?;
            return Ok(());
        }
    }
    Ok(outbox_store::finish_message(db, leased.id, cx.now).await?)
}

/// Asks the provider, or, where it was asked before, what became of it.
async fn ask(cx: &Cx, order: &Order, leased: &Leased) -> Result<Result<ProviderRefund, PaymentError>, Fault> {
    let Some(payments) = &cx.app.outbound.payments else { return Ok(Err(PaymentError::Unavailable)) };
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    if let Some(refund) = &extras.refund {
        return Ok(payments.find_refund(refund).await);
    }
    let Some(payment) = extras.payment else { return Ok(Err(PaymentError::Refused("no payment is known".to_owned()))) };
    let wanted = RefundOrder {
        payment,
        amount: order.totals.gross,
        key: format!("refund-{}", leased.id),
        number: order.number.clone(),
    };
    let asked = payments.refund(&wanted).await;
    if let Ok(refund) = &asked {
        desk::set_refund(&cx.app.db.write, order.id, Some(&refund.id)).await?;
    }
    Ok(asked)
}

/// The money did not go back: the keys are good again, and finance looks at it.
async fn refused(cx: &Cx, order: &Order, code: &str) -> Result<(), Fault> {
    let Some(paid) = order.stage.after(OrderEvent::RefundRefused) else { return Ok(()) };
    let transaction = cx.app.db.begin().await?;
    if !orders::move_order(&transaction, order, paid, (None, cx.now)).await? {
        return Ok(());
    }
    license_keys::restore_keys_of_order(&transaction, order.id).await?;
    desk::set_refund(&transaction, order.id, None).await?;
    let data = serde_json::json!({ "order": order.number, "code": code });
    audit::record(cx, &transaction, Event::new("order.refund_refused").to(order.purchaser).data(data)).await?;
    mails::refund_refused(cx, &transaction, order).await?;
    transaction.commit().await?;
    pay::attention(cx, order, &format!("The money could not go back: {code}.")).await
}
