//! Orders as the desk sees them: how they are paid, sent and given back. Their stages move in `orders` alone.

use stepgate_core::id::{InteractionId, LicenseKeyId, OrderId, OrganizationId, PartnerId, VoucherId};
use stepgate_core::subscriptions::order::{Order, OrderStage};
use stepgate_core::time::Timestamp;

use crate::orders::{ORDER, order};
use crate::row::{all, at, one, run};
use crate::{Connection, Db, StoreError};

/// What is known of an order beside what was sold.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// The page of the card provider.
    pub checkout: Option<String>,
    /// The provider's name for the payment.
    pub payment: Option<String>,
    /// The provider's name for the refund.
    pub refund: Option<String>,
    /// The number of its invoice.
    pub invoice: Option<String>,
    /// The request that the purchaser was about.
    pub interaction: Option<InteractionId>,
    /// When it is given up if nobody pays.
    pub due_at: Option<Timestamp>,
    /// When the money went back.
    pub refunded_at: Option<Timestamp>,
    /// `none`, `waiting` or `sent`.
    pub shipping_stage: String,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking: Option<String>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// The order whose token it replaces.
    pub replaces: Option<OrderId>,
    /// Whether the card that pays is to be kept.
    pub keep_card: bool,
    /// Whether a page of the card provider was opened for it: nobody charges it without the person any more.
    pub by_page: bool,
    /// The card that paid: `Visa ending in 4242`.
    pub card: Option<String>,
}

/// What is known of an order beside what was sold.
pub async fn find_extras(db: &Db, id: OrderId) -> Result<Extras, StoreError> {
    let sql = "SELECT id, checkout_id, payment_id, refund_id, invoice_number, interaction_id, due_at, refunded_at,
                 shipping_stage, carrier, tracking, sent_at, replaces, keep_card, taken_by,
                 paid_card FROM orders WHERE id = ?";
    let Some(row) = one(&db.write, sql, vec![id.uuid().into()]).await? else { return Ok(Extras::default()) };
    Ok(Extras {
        checkout: row.get("checkout_id")?,
        payment: row.get("payment_id")?,
        refund: row.get("refund_id")?,
        invoice: row.get("invoice_number")?,
        interaction: row.get::<Option<uuid::Uuid>>("interaction_id")?.map(InteractionId::from_uuid),
        due_at: row.time_if("due_at")?,
        refunded_at: row.time_if("refunded_at")?,
        shipping_stage: row.get("shipping_stage")?,
        carrier: row.get("carrier")?,
        tracking: row.get("tracking")?,
        sent_at: row.time_if("sent_at")?,
        replaces: row.get::<Option<uuid::Uuid>>("replaces")?.map(OrderId::from_uuid),
        keep_card: row.get("keep_card")?,
        by_page: row.get::<Option<String>>("taken_by")?.as_deref() == Some("page"),
        card: row.get("paid_card")?,
    })
}

/// The voucher that pays an order.
pub async fn find_voucher_of(connection: &impl Connection, id: OrderId) -> Result<Option<VoucherId>, StoreError> {
    let row = one(connection, "SELECT id, voucher_id FROM orders WHERE id = ?", vec![id.uuid().into()]).await?;
    let voucher = row.map(|row| row.get::<Option<uuid::Uuid>>("voucher_id")).transpose()?.flatten();
    Ok(voucher.map(VoucherId::from_uuid))
}

/// Notes the provider's name for a payment, before the order counts as paid. What came first stays; an order that was paid
/// otherwise gets none.
pub async fn set_payment(db: &Db, id: OrderId, payment: &str) -> Result<(), StoreError> {
    let sql = "UPDATE orders SET payment_id = ? WHERE id = ? AND payment_id IS NULL
                 AND stage IN ('awaiting_payment', 'cancelled')";
    run(&db.write, sql, vec![payment.into(), id.uuid().into()]).await.map(drop)
}

/// The order that a payment made paid.
pub async fn find_order_of_payment(db: &Db, payment: &str) -> Result<Option<Order>, StoreError> {
    let sql = format!("SELECT {ORDER} FROM orders WHERE payment_id = ?");
    one(&db.write, &sql, vec![payment.into()]).await?.as_ref().map(order).transpose()
}

/// Notes the provider's name for a refund; none for one that was refused, before it is tried again.
pub async fn set_refund(connection: &impl Connection, id: OrderId, refund: Option<&str>) -> Result<(), StoreError> {
    let sql = "UPDATE orders SET refund_id = ? WHERE id = ?";
    run(connection, sql, vec![refund.map(str::to_owned).into(), id.uuid().into()]).await.map(drop)
}

/// Notes whose token a new order replaces.
pub async fn set_replaces(connection: &impl Connection, id: OrderId, replaced: OrderId) -> Result<(), StoreError> {
    let sql = "UPDATE orders SET replaces = ? WHERE id = ?";
    run(connection, sql, vec![replaced.uuid().into(), id.uuid().into()]).await.map(drop)
}

/// Orders that replace tokens of this one.
pub async fn list_replacements(db: &Db, replaced: OrderId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id, number FROM orders WHERE replaces = ? ORDER BY placed_at LIMIT 50";
    all(&db.read, sql, vec![replaced.uuid().into()]).await?.iter().map(|row| row.get("number")).collect()
}

/// How often the token of a key was replaced, and whether the last one that replaces it was sent.
pub async fn find_replaced(db: &Db, key: LicenseKeyId) -> Result<(i64, bool), StoreError> {
    let sql = "SELECT r.number, o.shipping_stage FROM replaced_tokens r JOIN orders o ON o.id = r.replacement_id
               WHERE r.license_key_id = ? ORDER BY r.number DESC LIMIT 1";
    let Some(row) = one(&db.write, sql, vec![key.uuid().into()]).await? else { return Ok((0, true)) };
    Ok((row.get("number")?, row.get::<String>("shipping_stage")? == "sent"))
}

/// Notes which order replaces the token of a key, as the `number`th. [`StoreError::Conflict`] when another one does.
pub async fn insert_replaced(
    connection: &impl Connection,
    (key, number): (LicenseKeyId, i64),
    (order, replacement): (OrderId, OrderId),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO replaced_tokens (license_key_id, number, order_id, replacement_id) VALUES (?, ?, ?, ?)";
    let values = vec![key.uuid().into(), number.into(), order.uuid().into(), replacement.uuid().into()];
    run(connection, sql, values).await.map(drop)
}

/// Notes that what was ordered is on its way, once; `false` when there is nothing to send, or it was not paid, or was sent.
pub async fn ship_order(
    connection: &impl Connection,
    id: OrderId,
    (carrier, tracking): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET shipping_stage = 'sent', carrier = ?, tracking = ?, sent_at = ?
               WHERE id = ? AND stage = 'paid' AND shipping_stage = 'waiting'";
    Ok(run(connection, sql, vec![carrier.into(), tracking.into(), at(now), id.uuid().into()]).await? == 1)
}

/// Notes another carrier or number of what is on its way; `false` when it is not, or they are the same.
pub async fn update_tracking(
    connection: &impl Connection,
    id: OrderId,
    (carrier, tracking): (&str, &str),
) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET carrier = ?, tracking = ? WHERE id = ? AND stage = 'paid' AND shipping_stage = 'sent'
                 AND (COALESCE(carrier, '') <> ? OR COALESCE(tracking, '') <> ?)";
    let values = vec![carrier.into(), tracking.into(), id.uuid().into(), carrier.into(), tracking.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Unpaid orders with a page of the card provider, placed before `before`, whose time is not over; those that were not
/// looked at for longest first. They count as looked at.
pub async fn take_open_checkouts(
    db: &Db,
    (before, now): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<Order>, StoreError> {
    let sql = format!(
        "UPDATE orders SET checked_at = ? WHERE id IN (
           SELECT id FROM orders WHERE stage = 'awaiting_payment' AND checkout_id IS NOT NULL AND placed_at <= ?
             AND (due_at IS NULL OR due_at > ?)
             AND COALESCE(checked_at, 0) <= ? ORDER BY COALESCE(checked_at, 0) LIMIT {limit})
         RETURNING {ORDER}"
    );
    all(&db.write, &sql, vec![at(now), at(before), at(now), at(before)]).await?.iter().map(order).collect()
}

/// Orders that nobody has to pay any more, placed before `before`, and that a dying node left unpaid.
pub async fn list_unsettled(db: &Db, before: Timestamp, limit: u32) -> Result<Vec<Order>, StoreError> {
    let sql = format!(
        "SELECT {ORDER} FROM orders WHERE stage = 'awaiting_payment' AND placed_at <= ?
           AND (gross = 0 OR method IN ('voucher', 'sponsored')) ORDER BY placed_at LIMIT {limit}"
    );
    all(&db.read, &sql, vec![at(before)]).await?.iter().map(order).collect()
}

/// Which orders an administrator looks at.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The number begins so.
    pub number: String,
    /// Only in this stage.
    pub stage: Option<OrderStage>,
    /// Only those that finance has to look at.
    pub attention: bool,
    /// Only what these bought or pay; everything when both are `None`.
    pub of: Option<(Vec<OrganizationId>, Vec<PartnerId>)>,
    /// Only those after this one in the list: when it was placed, and its id.
    pub before: Option<(Timestamp, OrderId)>,
}

/// Orders, newest first. Those of an organization, and those that a sponsor pays, are read off an index each, and merged.
pub async fn list_orders(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<Order>, StoreError> {
    let Some((organizations, partners)) = &filter.of else { return list_of(db, filter, None, limit).await };
    let bought = organizations.iter().map(|id| ("organization_id = ?", id.uuid()));
    let paid = organizations.iter().map(|id| id.uuid()).chain(partners.iter().map(|id| id.uuid()));
    let mut found: Vec<Order> = Vec::new();
    for whose in bought.chain(paid.map(|id| ("sponsor_id = ?", id))) {
        found.extend(list_of(db, filter, Some(whose), limit).await?);
    }
    found.sort_by_key(|order| (std::cmp::Reverse(order.placed_at), order.id.uuid()));
    found.dedup_by_key(|order| order.id);
    found.truncate(limit as usize);
    Ok(found)
}

async fn list_of(
    db: &Db,
    filter: &Filter,
    whose: Option<(&str, uuid::Uuid)>,
    limit: u32,
) -> Result<Vec<Order>, StoreError> {
    let mut conditions = vec!["number LIKE ?".to_owned()];
    let prefix = filter.number.trim().to_uppercase().replace(['%', '_'], "");
    let mut values: Vec<sea_orm::Value> = vec![format!("{prefix}%").into()];
    if let Some(stage) = filter.stage {
        conditions.push("stage = ?".to_owned());
        values.push(stage.as_str().into());
    }
    if filter.attention {
        let open = "id IN (SELECT order_id FROM order_attentions WHERE settled_at IS NULL
                           UNION ALL SELECT order_id FROM warranty_requests WHERE stage = 'asked')";
        conditions.push(open.to_owned());
    }
    if let Some((placed, id)) = filter.before {
        conditions.push("(placed_at < ? OR placed_at = ? AND id > ?)".to_owned());
        values.extend([at(placed), at(placed), id.uuid().into()]);
    }
    if let Some((condition, id)) = whose {
        conditions.push(condition.to_owned());
        values.push(id.into());
    }
    let sql = format!(
        "SELECT {ORDER} FROM orders WHERE {} ORDER BY placed_at DESC, id LIMIT {limit}",
        conditions.join(" AND ")
    );
    all(&db.read, &sql, values).await?.iter().map(order).collect()
}

/// Whether an event of a payment provider came before.
pub async fn was_heard(db: &Db, provider: &str, event: &str) -> Result<bool, StoreError> {
    let sql = "SELECT event_id FROM payment_events WHERE provider = ? AND event_id = ?";
    Ok(one(&db.write, sql, vec![provider.into(), event.into()]).await?.is_some())
}
