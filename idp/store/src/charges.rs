//! Charges without the person: what they were told beforehand, and each charge from before it is asked for until its
//! outcome is known. Of one order one is open at most.

use stepgate_core::id::{CredentialId, OrderId, PersonId};
use stepgate_core::subscriptions::card::CardOnFile;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// One charge.
#[derive(Clone, Debug)]
pub struct CardCharge {
    /// Of which order.
    pub order: OrderId,
    /// Which one of it, from 1.
    pub attempt: i64,
    /// At which notice, in days before the end.
    pub days: i16,
    /// The provider's name for the person.
    pub customer: String,
    /// The provider's name for the card.
    pub method: String,
    /// `Visa ending in 4242`.
    pub card: String,
    /// Whether its outcome is known.
    pub ended: bool,
}

fn charge(row: &Row) -> Result<CardCharge, StoreError> {
    Ok(CardCharge {
        order: OrderId::from_uuid(row.get("order_id")?),
        attempt: row.get("attempt")?,
        days: i16::try_from(row.get::<i64>("days")?).unwrap_or_default(),
        customer: row.get("customer")?,
        method: row.get("method")?,
        card: row.get("card")?,
        ended: row.time_if("ended_at")?.is_some(),
    })
}

/// Notes what a person was told about the renewal of a credential with this end.
pub async fn put_promise(
    connection: &impl Connection,
    (credential, ends): (CredentialId, Timestamp),
    price: Money,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO renewal_promises (credential_id, ends_at, currency, gross, told_at) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (credential_id, ends_at) DO UPDATE SET currency = excluded.currency,
                 gross = excluded.gross, told_at = excluded.told_at";
    let currency = price.currency.as_str().to_owned();
    let values = vec![credential.uuid().into(), at(ends), currency.into(), price.minor.into(), at(now)];
    run(connection, sql, values).await.map(drop)
}

/// What the person was told.
pub async fn find_promise(db: &Db, (credential, ends): (CredentialId, Timestamp)) -> Result<Option<Money>, StoreError> {
    let sql = "SELECT credential_id, currency, gross FROM renewal_promises WHERE credential_id = ? AND ends_at = ?";
    let row = one(&db.write, sql, vec![credential.uuid().into(), at(ends)]).await?;
    row.map(|row| {
        let currency = row.parsed("renewal_promises", "currency", |text| text.parse().ok())?;
        Ok(Money::new(row.get("gross")?, currency))
    })
    .transpose()
}

/// The charges of an order, first to last.
pub async fn list_charges(db: &Db, order: OrderId) -> Result<Vec<CardCharge>, StoreError> {
    let sql = "SELECT order_id, attempt, days, customer, method, card, ended_at FROM card_charges
               WHERE order_id = ? ORDER BY attempt LIMIT 20";
    all(&db.write, sql, vec![order.uuid().into()]).await?.iter().map(charge).collect()
}

/// For what a charge is begun.
#[derive(Clone, Copy, Debug)]
pub struct Renewing {
    /// The order.
    pub order: OrderId,
    /// The credential that it renews.
    pub credential: CredentialId,
    /// Its end.
    pub ends: Timestamp,
    /// Whose it is.
    pub person: PersonId,
    /// At which notice.
    pub days: i16,
}

/// Begins a charge, in one transaction with nothing else: the order is taken, if it is unpaid, nobody pays it otherwise,
/// the credential still ends then and is to be renewed by itself, and the person still has this card. `None` when any of
/// that is not so.
pub async fn begin_charge(
    connection: &impl Connection,
    renewing: &Renewing,
    card: &CardOnFile,
    now: Timestamp,
) -> Result<Option<CardCharge>, StoreError> {
    let take = "UPDATE orders SET taken_by = 'charge'
                WHERE id = ? AND stage = 'awaiting_payment' AND taken_by IS NULL
                  AND EXISTS (SELECT 1 FROM credentials WHERE id = ? AND expires_at = ? AND auto_renew
                              AND stage <> 'revoked')
                  AND EXISTS (SELECT 1 FROM cards_on_file WHERE person_id = ? AND method = ?)
                  AND NOT EXISTS (SELECT 1 FROM card_charges WHERE order_id = ? AND days = ?)";
    let order = renewing.order.uuid();
    let values = vec![
        order.into(),
        renewing.credential.uuid().into(),
        at(renewing.ends),
        renewing.person.uuid().into(),
        card.card.method.as_str().into(),
        order.into(),
        i64::from(renewing.days).into(),
    ];
    if run(connection, take, values).await? != 1 {
        return Ok(None);
    }
    let insert = "INSERT INTO card_charges (order_id, attempt, days, customer, method, card, begun_at)
                  SELECT ?, COALESCE(MAX(attempt), 0) + 1, ?, ?, ?, ?, ? FROM card_charges WHERE order_id = ?
                  RETURNING order_id, attempt, days, customer, method, card, ended_at";
    let values = vec![
        order.into(),
        i64::from(renewing.days).into(),
        card.customer.as_str().into(),
        card.card.method.as_str().into(),
        card.card.to_string().into(),
        at(now),
        order.into(),
    ];
    one(connection, insert, values).await?.as_ref().map(charge).transpose()
}

/// The outcome of a charge is known: it ends, and the order can be paid otherwise; `false` when it had ended before.
pub async fn end_charge(
    connection: &impl Connection,
    ended: &CardCharge,
    (outcome, payment): (&str, Option<&str>),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE card_charges SET ended_at = ?, outcome = ?, payment_id = ?
               WHERE order_id = ? AND attempt = ? AND ended_at IS NULL";
    let order = ended.order.uuid();
    let payment = payment.map(str::to_owned);
    let values = vec![at(now), outcome.into(), payment.into(), order.into(), ended.attempt.into()];
    if run(connection, sql, values).await? != 1 {
        return Ok(false);
    }
    let free = "UPDATE orders SET taken_by = NULL WHERE id = ? AND taken_by = 'charge'";
    run(connection, free, vec![order.into()]).await?;
    Ok(true)
}

/// A page of the provider is to be opened for an order; `false` when it is not unpaid, or a charge is under way. From then
/// on nobody charges it without the person, and it is given up at `until` at the latest.
pub async fn take_for_page(db: &Db, order: OrderId, until: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET taken_by = 'page', due_at = CASE WHEN due_at > ? THEN ? ELSE due_at END
               WHERE id = ? AND stage = 'awaiting_payment' AND COALESCE(taken_by, 'page') = 'page'";
    Ok(run(&db.write, sql, vec![at(until), at(until), order.uuid().into()]).await? == 1)
}

/// An order is to be given up, in the transaction that does it; `false` while a charge is under way.
pub async fn is_free(connection: &impl Connection, order: OrderId) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET taken_by = 'page' WHERE id = ? AND COALESCE(taken_by, 'page') = 'page'";
    Ok(run(connection, sql, vec![order.uuid().into()]).await? == 1)
}
