//! What no rule decides is laid before finance: a matter of an order, once, with an event in the log.

use stepgate_core::id::{AttentionId, OrderId, PersonId};
use stepgate_core::subscriptions::order::Order;
use stepgate_store::Transaction;
use stepgate_store::attentions::{self, Matter};

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// Lays a matter before finance, in the transaction of what brought it about; `false` when it was before.
///
/// # Errors
/// The store.
pub(super) async fn raise(
    cx: &Cx,
    transaction: &Transaction,
    order: &Order,
    matter: Matter<'_>,
) -> Result<bool, Fault> {
    let id = AttentionId::random(cx.entropy());
    if !attentions::raise(transaction, (id, order.id), matter, cx.now).await? {
        return Ok(false);
    }
    let data = serde_json::json!({ "order": order.number, "why": matter.reason });
    audit::record(cx, transaction, Event::new("order.attention").to(order.purchaser).data(data)).await?;
    Ok(true)
}

/// The same where nothing else is written, and the same words are the same matter.
///
/// # Errors
/// The store.
pub(super) async fn raise_once(cx: &Cx, order: &Order, why: &str) -> Result<(), Fault> {
    let transaction = cx.app.db.begin().await?;
    let matter = Matter { cause: why, reason: why, until_refunded: false };
    if raise(cx, &transaction, order, matter).await? {
        transaction.commit().await?;
    }
    Ok(())
}

/// Lays a matter of an order that only its id is known of before finance.
///
/// # Errors
/// The store.
pub(crate) async fn raise_for(cx: &Cx, transaction: &Transaction, order: OrderId, why: &str) -> Result<(), Fault> {
    let id = AttentionId::random(cx.entropy());
    let matter = Matter { cause: why, reason: why, until_refunded: false };
    if attentions::raise(transaction, (id, order), matter, cx.now).await? {
        let data = serde_json::json!({ "order": order, "why": why });
        audit::record(cx, transaction, Event::new("order.attention").data(data)).await?;
    }
    Ok(())
}

/// Somebody of finance has looked after a matter: this one, and no other. `false` when it was before, or it stays until
/// the money went back.
///
/// # Errors
/// The store.
pub async fn look_after(cx: &Cx, order: &Order, id: AttentionId, by: PersonId) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    if !attentions::settle(&transaction, (id, order.id), (by, cx.now)).await? {
        return Ok(false);
    }
    let data = serde_json::json!({ "order": order.number, "attention": id });
    let event = Event { actor: Some(by), ..Event::new("order.attention_settled").to(order.purchaser).data(data) };
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    Ok(true)
}
