//! Orders. Every transition is one conditional statement on the stage and version that were read.

use stepgate_core::id::{InteractionId, OrderId, OrganizationId, PersonId, VoucherId};
use stepgate_core::subscriptions::money::{Currency, Money};
use stepgate_core::subscriptions::order::{Order, OrderStage, PaymentMethod, Sponsor, Totals};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, at_if, json, one, run};
use crate::{Connection, Db, StoreError};

pub(crate) const ORDER: &str =
    "id, number, purchaser_id, organization_id, sponsor_kind, sponsor_id, stage, version, method,
    currency, net, tax, gross, lines, billing, shipping, purchase_order, placed_at, paid_at";

pub(crate) fn order(row: &Row) -> Result<Order, StoreError> {
    let currency: Currency = row.parsed("orders", "currency", |text| text.parse().ok())?;
    let money = |column: &str| row.get(column).map(|minor| Money::new(minor, currency));
    let sponsor_id: Option<uuid::Uuid> = row.get("sponsor_id")?;
    let sponsor = match sponsor_id {
        Some(id) => Some(row.parsed("orders", "sponsor_kind", |kind| Sponsor::from_parts(kind, id))?),
        None => None,
    };
    let shipping = match row.get::<Option<String>>("shipping")? {
        Some(_) => Some(row.json("orders", "shipping")?),
        None => None,
    };
    Ok(Order {
        id: OrderId::from_uuid(row.get("id")?),
        number: row.get("number")?,
        purchaser: PersonId::from_uuid(row.get("purchaser_id")?),
        organization: row.get::<Option<uuid::Uuid>>("organization_id")?.map(OrganizationId::from_uuid),
        sponsor,
        stage: row.parsed("orders", "stage", OrderStage::parse)?,
        method: row.parsed("orders", "method", PaymentMethod::parse)?,
        lines: row.json("orders", "lines")?,
        totals: Totals { net: money("net")?, tax: money("tax")?, gross: money("gross")? },
        billing: row.json("orders", "billing")?,
        shipping,
        purchase_order: row.get("purchase_order")?,
        placed_at: row.time("placed_at")?,
        paid_at: row.time_if("paid_at")?,
        version: row.get("version")?,
    })
}

/// What belongs to a new order beside the order.
pub struct Placing {
    /// Hash of what the form of the checkout carried: one press of the button, one order.
    pub request_hash: Vec<u8>,
    /// The request that the person was about when they found what they lack.
    pub interaction: Option<InteractionId>,
    /// The voucher that pays.
    pub voucher: Option<VoucherId>,
    /// When it is given up if nobody pays.
    pub due_at: Option<Timestamp>,
    /// The number of its invoice.
    pub invoice_number: Option<String>,
}

/// A new order. [`StoreError::Conflict`] when the same form made one before: see [`find_order_of_request`].
pub async fn insert_order(connection: &impl Connection, new: &Order, placing: &Placing) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO orders (id, number, request_hash, purchaser_id, organization_id, sponsor_kind, sponsor_id, stage,
                 version, method, currency, net, tax, gross, lines, billing, shipping, purchase_order, voucher_id,
                 invoice_number, interaction_id, placed_at, due_at, paid_at, shipping_stage)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let sponsor = new.sponsor.map(Sponsor::parts);
    let values = vec![
        new.id.uuid().into(),
        new.number.as_str().into(),
        placing.request_hash.clone().into(),
        new.purchaser.uuid().into(),
        new.organization.map(OrganizationId::uuid).into(),
        sponsor.map(|(kind, _)| kind.to_owned()).into(),
        sponsor.map(|(_, id)| id).into(),
        new.stage.as_str().into(),
        new.version.into(),
        new.method.as_str().into(),
        new.totals.gross.currency.as_str().into(),
        new.totals.net.minor.into(),
        new.totals.tax.minor.into(),
        new.totals.gross.minor.into(),
        json(&new.lines)?,
        json(&new.billing)?,
        new.shipping
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(|e| StoreError::Other(e.to_string()))?
            .into(),
        new.purchase_order.clone().into(),
        placing.voucher.map(VoucherId::uuid).into(),
        placing.invoice_number.clone().into(),
        placing.interaction.map(InteractionId::uuid).into(),
        at(new.placed_at),
        at_if(placing.due_at),
        at_if(new.paid_at),
        if new.shipping.is_some() { "waiting" } else { "none" }.into(),
    ];
    run(connection, sql, values).await.map(drop)
}

async fn find(db: &Db, condition: &str, value: sea_orm::Value) -> Result<Option<Order>, StoreError> {
    let sql = format!("SELECT {ORDER} FROM orders WHERE {condition} = ?");
    one(&db.write, &sql, vec![value]).await?.as_ref().map(order).transpose()
}

/// An order by id, as the primary database has it now.
pub async fn find_order(db: &Db, id: OrderId) -> Result<Option<Order>, StoreError> {
    find(db, "id", id.uuid().into()).await
}

/// An order by the number that people read out.
pub async fn find_order_by_number(db: &Db, number: &str) -> Result<Option<Order>, StoreError> {
    find(db, "number", number.into()).await
}

/// The order that a form of the checkout made before.
pub async fn find_order_of_request(db: &Db, request_hash: &[u8]) -> Result<Option<Order>, StoreError> {
    find(db, "request_hash", request_hash.to_vec().into()).await
}

/// The order that a page of the card provider is about.
pub async fn find_order_of_checkout(db: &Db, checkout: &str) -> Result<Option<Order>, StoreError> {
    find(db, "checkout_id", checkout.into()).await
}

/// A person's orders, newest first.
pub async fn list_orders_of(db: &Db, purchaser: PersonId) -> Result<Vec<Order>, StoreError> {
    let sql = format!("SELECT {ORDER} FROM orders WHERE purchaser_id = ? ORDER BY placed_at DESC, id LIMIT 200");
    all(&db.read, &sql, vec![purchaser.uuid().into()]).await?.iter().map(order).collect()
}

/// Orders of everybody, in one stage or in any, newest first.
pub async fn list_orders(db: &Db, stage: Option<OrderStage>, limit: u32) -> Result<Vec<Order>, StoreError> {
    let only = if stage.is_some() { "WHERE stage = ?" } else { "" };
    let sql = format!("SELECT {ORDER} FROM orders {only} ORDER BY placed_at DESC, id LIMIT {limit}");
    let values = stage.map(|stage| stage.as_str().into()).into_iter().collect();
    all(&db.read, &sql, values).await?.iter().map(order).collect()
}

/// Unpaid orders whose time is over at `now` and that were not looked at since `before`; those that were not looked at for
/// longest first. They count as looked at. The longer one has been overdue, the longer it is left alone: what can neither
/// be given up nor counted as paid waits for people.
pub async fn take_overdue_orders(
    db: &Db,
    (before, now): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<Order>, StoreError> {
    let sql = format!(
        "UPDATE orders SET checked_at = ? WHERE id IN (
           SELECT id FROM orders WHERE stage = 'awaiting_payment' AND due_at <= ?
             AND (checked_at IS NULL OR checked_at < due_at OR checked_at <= ? - (? - due_at) / 8)
           ORDER BY COALESCE(checked_at, 0) LIMIT {limit})
         RETURNING {ORDER}"
    );
    all(&db.write, &sql, vec![at(now), at(now), at(before), at(now)]).await?.iter().map(order).collect()
}

/// Takes a turn at an order that stays in its stage; `false` when it has moved on since it was read. Of two who do something
/// about it at the same moment, one has it.
pub async fn touch_order(connection: &impl Connection, read: &Order) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET version = version + 1 WHERE id = ? AND stage = ? AND version = ?";
    let values = vec![read.id.uuid().into(), read.stage.as_str().into(), read.version.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Writes a transition; `false` when the order has moved on since it was read.
pub async fn move_order(
    connection: &impl Connection,
    read: &Order,
    to: OrderStage,
    (by, now): (Option<PersonId>, Timestamp),
) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET stage = ?, version = version + 1,
                 paid_at = CASE WHEN ? = 'paid' THEN COALESCE(paid_at, ?) ELSE paid_at END,
                 paid_by = CASE WHEN ? = 'paid' THEN COALESCE(paid_by, ?) ELSE paid_by END,
                 refunded_at = CASE WHEN ? = 'refunded' THEN ? ELSE refunded_at END
               WHERE id = ? AND stage = ? AND version = ?";
    let name = to.as_str();
    let values = vec![
        name.into(),
        name.into(),
        at(now),
        name.into(),
        by.map(PersonId::uuid).into(),
        name.into(),
        at(now),
        read.id.uuid().into(),
        read.stage.as_str().into(),
        read.version.into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Notes which page of the card provider an order is paid on; `false` when it has one, or is not unpaid any more.
pub async fn set_checkout(db: &Db, id: OrderId, checkout: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET checkout_id = ? WHERE id = ? AND checkout_id IS NULL AND stage = 'awaiting_payment'";
    Ok(run(&db.write, sql, vec![checkout.into(), id.uuid().into()]).await? == 1)
}

/// The next value of a counter, from 1: invoices are numbered without gaps, so call it in their transaction.
pub async fn next_number(connection: &impl Connection, name: &str) -> Result<i64, StoreError> {
    let sql = "INSERT INTO counters (name, value) VALUES (?, 1)
               ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value";
    let row = one(connection, sql, vec![name.into()]).await?;
    row.ok_or_else(|| StoreError::Other("a counter returned nothing".to_owned()))?.get("value")
}

/// Notes that an event of a payment provider came; `false` when it came before.
pub async fn insert_payment_event(
    connection: &impl Connection,
    (provider, event): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO payment_events (provider, event_id, received_at) VALUES (?, ?, ?)
               ON CONFLICT (provider, event_id) DO NOTHING";
    Ok(run(connection, sql, vec![provider.into(), event.into(), at(now)]).await? == 1)
}
