//! An order goes back: its keys are void in the transaction that says so, and the money follows from the outbox.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::id::{OrderId, PersonId};
use stepgate_core::subscriptions::license_key::KeyStage;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::{NoRefund, Order, OrderEvent, OrderStage, PaymentMethod};
use stepgate_store::attentions::{self, Matter};
use stepgate_store::outbox::{self as outbox_store, Leased};
use stepgate_store::{Transaction, desk, invitations, license_keys, orders, sponsors, vouchers};

use super::{attention, mails, pay, warranty};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::payments::{PaymentError, Payments, ProviderRefund, RefundOrder, RefundState};
use crate::outbox;

const KIND: &str = "refund";
/// How the keys begin under which refunds are asked for.
const KEY: &str = "refund-";
const LEASE: Duration = Duration::from_secs(30);
/// A refund that is on its way is asked about this often.
const PENDING: Duration = Duration::from_secs(60);
const TRIES: usize = 8;
/// A refund that was begun so often in vain hangs: after some hours.
const HANGS: u32 = 8;

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
    back(cx, id, (by, None)).await
}

/// Finance gives an order back for a reason of its own, however long ago it was paid.
///
/// # Errors
/// The store.
pub async fn give_back_because(
    cx: &Cx,
    id: OrderId,
    (by, reason): (PersonId, &str),
) -> Result<Result<(), NoRefund>, Fault> {
    back(cx, id, (by, Some(reason))).await
}

async fn back(cx: &Cx, id: OrderId, (by, reason): (PersonId, Option<&str>)) -> Result<Result<(), NoRefund>, Fault> {
    for _ in 0..TRIES {
        let Some(order) = orders::find_order(&cx.app.db, id).await? else { return Ok(Err(NoRefund::Stage)) };
        let keys = license_keys::list_keys_of_order(&cx.app.db, id).await?;
        let replacements = warranty::replacements(cx, &order).await?;
        let all = keys.iter().chain(replacements.iter().flat_map(|(_, keys)| keys));
        let used = all.filter(|key| key.stage == KeyStage::Redeemed).count();
        if let Err(refusal) = check(cx, (&order, used), reason).await? {
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
        let mut ended = true;
        for replacement in &replacements {
            ended &= warranty::give_back_with(cx, &transaction, replacement, by).await?;
        }
        if !ended {
            continue;
        }
        let data = serde_json::json!({ "order": order.number, "gross": order.totals.gross, "reason": reason });
        let event = Event { actor: Some(by), ..Event::new("order.refund_asked").to(order.purchaser).data(data) };
        audit::record(cx, &transaction, event).await?;
        let order = Order { stage: refunding, version: order.version + 1, ..order };
        owe(cx, &transaction, &order, reason).await?;
        transaction.commit().await?;
        return Ok(Ok(()));
    }
    Err(Fault::internal(format!("order {id} is changed by others all the time")))
}

/// Whether it can be given back: by its purchaser, or for a reason of finance.
async fn check(cx: &Cx, (order, used): (&Order, usize), reason: Option<&str>) -> Result<Result<(), NoRefund>, Fault> {
    if invitations::pays_for_invitations(&cx.app.db, order.id).await? {
        return Ok(Err(NoRefund::Invitations));
    }
    if desk::find_extras(&cx.app.db, order.id).await?.replaces.is_some() {
        return Ok(Err(NoRefund::Replacement));
    }
    Ok(if reason.is_some() { order.check_goodwill(used) } else { order.check_refund(used, cx.now) })
}

/// What has to follow: the provider, finance, or nothing but to give back what was charged.
async fn owe(cx: &Cx, transaction: &Transaction, order: &Order, reason: Option<&str>) -> Result<(), Fault> {
    match order.method {
        _ if order.totals.gross.minor == 0 => {}
        PaymentMethod::Card => {
            let mut message = outbox::sealed(cx, KIND, &Owed { order: order.id }, None)?;
            message.due_at = cx.now;
            outbox_store::insert_message(transaction, &message).await?;
            return mails::refunding(cx, transaction, order, reason).await;
        }
        PaymentMethod::Invoice => {
            let why = format!("Send {} back, then note it here.", order.totals.gross);
            raise_until_refunded(cx, transaction, order, &why).await?;
            return mails::refunding(cx, transaction, order, reason).await;
        }
        PaymentMethod::Voucher => {}
        PaymentMethod::Sponsored => {
            if let Some(sponsor) = order.sponsor
                && !sponsors::release(transaction, sponsor, order.totals.gross).await?
            {
                attention::raise_for(cx, transaction, order.id, &not_released(order.totals.gross)).await?;
            }
        }
    }
    if order.method == PaymentMethod::Voucher {
        vouchers::release_uses_of(transaction, order.id, order.keys()).await?;
    }
    finish(cx, transaction, order, None).await.map(drop)
}

/// A matter that nobody puts aside before the money went back, or will not.
async fn raise_until_refunded(cx: &Cx, transaction: &Transaction, order: &Order, why: &str) -> Result<bool, Fault> {
    // Asked for again after it was refused, it is another one.
    let cause = format!("refund {}", order.version);
    attention::raise(cx, transaction, order, Matter { cause: &cause, reason: why, until_refunded: true }).await
}

/// What finance reads when a sponsor's account does not have spent what is to be given back.
pub(crate) fn not_released(amount: Money) -> String {
    format!(
        "{amount} could not be given back to the sponsor's account: less than that is spent on it. Look at the account."
    )
}

/// Notes that the money went back; `false` when the order has moved on.
async fn finish(cx: &Cx, transaction: &Transaction, order: &Order, by: Option<PersonId>) -> Result<bool, Fault> {
    let Some(refunded) = order.stage.after(OrderEvent::RefundDone) else { return Ok(false) };
    if !orders::move_order(transaction, order, refunded, (by, cx.now)).await? {
        return Ok(false);
    }
    attentions::settle_refund(transaction, order.id, (by, cx.now)).await?;
    let data = serde_json::json!({ "order": order.number, "gross": order.totals.gross });
    let event = Event { actor: by, ..Event::new("order.refunded").to(order.purchaser).data(data) };
    audit::record(cx, transaction, event).await?;
    mails::refunded(cx, transaction, order).await?;
    Ok(true)
}

/// Whether finance can say that the money went back: that of an invoice, and that of a card once it hangs.
///
/// # Errors
/// The store.
pub async fn can_mark_done(cx: &Cx, order: &Order) -> Result<bool, Fault> {
    if order.stage != OrderStage::Refunding {
        return Ok(false);
    }
    let open = attentions::list_open(&cx.app.db, order.id).await?;
    Ok(order.method == PaymentMethod::Invoice || open.iter().any(|attention| attention.until_refunded))
}

/// Finance has sent the money back, or has seen at the provider that it went.
///
/// # Errors
/// The store.
pub async fn mark_done(cx: &Cx, order: &Order, by: PersonId) -> Result<bool, Fault> {
    if !can_mark_done(cx, order).await? {
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
        Ok(refund) => {
            if !note(cx, &order, refund.state).await? {
                hangs(cx, &order, leased, "The provider says that the money is on its way, and has for long").await?;
                let wait = PENDING * (1 << leased.attempts.saturating_sub(1).min(6));
                outbox_store::fail_message(db, leased.id, cx.now + wait, "the money is on its way").await?;
                return Ok(());
            }
        }
        Err(PaymentError::Refused(code)) => refused(cx, &order, &code).await?,
        Err(PaymentError::Unavailable) => {
            hangs(cx, &order, leased, "The card provider was asked many times to send the money, and does not answer")
                .await?;
            let wait = Duration::from_secs(15 << leased.attempts.min(8));
            outbox_store::fail_message(db, leased.id, cx.now + wait, "the provider does not answer").await?;
            return Ok(());
        }
    }
    Ok(outbox_store::finish_message(db, leased.id, cx.now).await?)
}

/// After many tries in vain people look at it; it is tried on.
async fn hangs(cx: &Cx, order: &Order, leased: &Leased, why: &str) -> Result<(), Fault> {
    if leased.attempts < HANGS {
        return Ok(());
    }
    let transaction = cx.app.db.begin().await?;
    let why = format!("{why}. Look there before you send {} another way, then note it here.", order.totals.gross);
    if raise_until_refunded(cx, &transaction, order, &why).await? {
        transaction.commit().await?;
    }
    Ok(())
}

/// Notes where a refund stands, as it was read; `false` while the money is on its way.
async fn note(cx: &Cx, order: &Order, state: RefundState) -> Result<bool, Fault> {
    match state {
        RefundState::Pending => return Ok(false),
        RefundState::Done => {
            let transaction = cx.app.db.begin().await?;
            if finish(cx, &transaction, order, None).await? {
                transaction.commit().await?;
            }
        }
        RefundState::Refused => refused(cx, order, "the provider could not send it").await?,
    }
    Ok(true)
}

/// Reads anew what went back of an order's payment and whether it is disputed, and does what follows: our own refund is
/// noted, what others did is laid before finance. `false` while the provider does not answer.
///
/// # Errors
/// The store.
pub(super) async fn look(cx: &Cx, order: &Order) -> Result<bool, Fault> {
    let Some(payments) = &cx.app.outbound.payments else { return Ok(true) };
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    let Some(payment) = &extras.payment else { return Ok(true) };
    let money = match payments.find_money(payment).await {
        Ok(money) => money,
        Err(PaymentError::Unavailable) => return Ok(false),
        Err(error @ PaymentError::Refused(_)) => {
            tracing::warn!(%error, order = %order.number, "the provider does not know a payment of ours");
            return Ok(true);
        }
    };
    let ours = |refund: &&ProviderRefund| {
        let key = refund.key.as_deref().is_some_and(|key| key.starts_with(KEY));
        key || Some(&refund.id) == extras.refund.as_ref()
    };
    let own = money.refunds.iter().find(|refund| Some(&refund.id) == extras.refund.as_ref());
    match (order.stage, own.map(|refund| refund.state)) {
        (OrderStage::Refunding, Some(state)) => {
            note(cx, order, state).await?;
        }
        // Some banks give money back to the sender days later.
        (OrderStage::Refunded, Some(RefundState::Refused)) => {
            pay::attention(cx, order, "The money that was given back did not arrive: send it another way.").await?;
        }
        _ => {}
    }
    let others = money.refunds.iter().filter(|refund| !ours(refund) && refund.state != RefundState::Refused);
    let amounts: Vec<String> = others
        .map(|refund| refund.amount.map_or_else(|| "an unknown amount".to_owned(), |amount| amount.to_string()))
        .collect();
    if !amounts.is_empty() {
        let name = payments.name();
        let why = format!("{} went back at {name}, and this order did not ask for it.", amounts.join(" and "));
        pay::attention(cx, order, &why).await?;
    }
    if money.disputed {
        pay::attention(cx, order, &format!("The payment is disputed at {}.", payments.name())).await?;
    }
    Ok(true)
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
        key: format!("{KEY}{}", leased.id),
        number: order.number.clone(),
    };
    let asked = match asked_before(payments.as_ref(), &wanted, leased).await {
        Ok(Some(refund)) => Ok(refund),
        Ok(None) => payments.refund(&wanted).await,
        Err(error) => Err(error),
    };
    if let Ok(refund) = &asked {
        desk::set_refund(&cx.app.db.write, order.id, Some(&refund.id)).await?;
    }
    Ok(asked)
}

/// What a node asked for that died before it noted it: looked for, since the provider forgets keys after a day.
async fn asked_before(
    payments: &dyn Payments,
    wanted: &RefundOrder,
    leased: &Leased,
) -> Result<Option<ProviderRefund>, PaymentError> {
    if leased.attempts < 2 {
        return Ok(None);
    }
    match payments.find_money(&wanted.payment).await {
        Ok(money) => Ok(money.refunds.into_iter().find(|refund| refund.key.as_ref() == Some(&wanted.key))),
        Err(PaymentError::Refused(_)) => Ok(None),
        Err(PaymentError::Unavailable) => Err(PaymentError::Unavailable),
    }
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
    attentions::settle_refund(&transaction, order.id, (None, cx.now)).await?;
    // Tried again and refused again, it is another matter.
    let (cause, reason) = (format!("refused {}", order.version), format!("The money could not go back: {code}."));
    attention::raise(cx, &transaction, order, Matter { cause: &cause, reason: &reason, until_refunded: false }).await?;
    Ok(transaction.commit().await?)
}
