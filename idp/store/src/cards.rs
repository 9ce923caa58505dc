//! Cards on file, one for each person: what may be shown of them, and the provider's names for them. And the visits to the
//! page on which one is given.

use stepgate_core::id::{CardSetupId, OrderId, PersonId};
use stepgate_core::subscriptions::card::{CardFacts, CardOnFile};
use stepgate_core::time::Timestamp;

use crate::row::{Row, at, one, run};
use crate::{Connection, Db, StoreError};

/// A visit to the provider's page on which a card is given without buying.
#[derive(Clone, Debug)]
pub struct CardSetup {
    /// Its id, which the provider keeps as well.
    pub id: CardSetupId,
    /// Whose card it will be.
    pub person: PersonId,
    /// The page of the provider.
    pub checkout: Option<String>,
}

fn card(row: &Row) -> Result<CardOnFile, StoreError> {
    let month: i64 = row.get("month")?;
    let year: i64 = row.get("year")?;
    let (method, brand, last4): (String, String, String) = (row.get("method")?, row.get("brand")?, row.get("last4")?);
    let facts = CardFacts::told(&method, &brand, &last4, (month, year));
    Ok(CardOnFile {
        provider: row.get("provider")?,
        customer: row.get("customer")?,
        card: facts.ok_or_else(|| StoreError::Other("cards_on_file: a row that is no card".to_owned()))?,
        kept_at: row.time("kept_at")?,
    })
}

const CARD: &str = "person_id, provider, customer, method, brand, last4, month, year, kept_at";

/// A person's card.
pub async fn find_card(connection: &impl Connection, person: PersonId) -> Result<Option<CardOnFile>, StoreError> {
    let sql = format!("SELECT {CARD} FROM cards_on_file WHERE person_id = ?");
    one(connection, &sql, vec![person.uuid().into()]).await?.as_ref().map(card).transpose()
}

/// Keeps a card in place of the one before.
pub async fn put_card(connection: &impl Connection, person: PersonId, new: &CardOnFile) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO cards_on_file ({CARD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (person_id) DO UPDATE SET provider = excluded.provider, customer = excluded.customer,
           method = excluded.method, brand = excluded.brand, last4 = excluded.last4, month = excluded.month,
           year = excluded.year, kept_at = excluded.kept_at"
    );
    let values = vec![
        person.uuid().into(),
        new.provider.as_str().into(),
        new.customer.as_str().into(),
        new.card.method.as_str().into(),
        new.card.brand.as_str().into(),
        new.card.last4.as_str().into(),
        i64::from(new.card.month).into(),
        i64::from(new.card.year).into(),
        at(new.kept_at),
    ];
    run(connection, &sql, values).await.map(drop)
}

/// Forgets a card; the card that was forgotten.
pub async fn take_card(connection: &impl Connection, person: PersonId) -> Result<Option<CardOnFile>, StoreError> {
    let sql = format!("DELETE FROM cards_on_file WHERE person_id = ? RETURNING {CARD}");
    one(connection, &sql, vec![person.uuid().into()]).await?.as_ref().map(card).transpose()
}

/// A new visit.
pub async fn insert_setup(
    connection: &impl Connection,
    (id, person): (CardSetupId, PersonId),
    (now, until): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO card_setups (id, person_id, begun_at, expires_at) VALUES (?, ?, ?, ?)";
    run(connection, sql, vec![id.uuid().into(), person.uuid().into(), at(now), at(until)]).await.map(drop)
}

/// Notes the page of the provider.
pub async fn set_setup_page(db: &Db, id: CardSetupId, checkout: &str) -> Result<(), StoreError> {
    let sql = "UPDATE card_setups SET checkout_id = ? WHERE id = ? AND checkout_id IS NULL";
    run(&db.write, sql, vec![checkout.into(), id.uuid().into()]).await.map(drop)
}

fn setup(row: &Row) -> Result<CardSetup, StoreError> {
    Ok(CardSetup {
        id: CardSetupId::from_uuid(row.get("id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        checkout: row.get("checkout_id")?,
    })
}

/// The visit of this id, while nothing came of it.
pub async fn find_setup(db: &Db, id: CardSetupId, now: Timestamp) -> Result<Option<CardSetup>, StoreError> {
    let sql = "SELECT id, person_id, checkout_id FROM card_setups WHERE id = ? AND done_at IS NULL AND expires_at > ?";
    one(&db.write, sql, vec![id.uuid().into(), at(now)]).await?.as_ref().map(setup).transpose()
}

/// A person's latest visit, while nothing came of it.
pub async fn find_open_setup(db: &Db, person: PersonId, now: Timestamp) -> Result<Option<CardSetup>, StoreError> {
    let sql = "SELECT id, person_id, checkout_id FROM card_setups
               WHERE person_id = ? AND done_at IS NULL AND expires_at > ? AND checkout_id IS NOT NULL
               ORDER BY begun_at DESC LIMIT 1";
    one(&db.write, sql, vec![person.uuid().into(), at(now)]).await?.as_ref().map(setup).transpose()
}

/// A card came of a visit, and of earlier ones of the person nothing comes any more; `false` when that was noted before.
pub async fn finish_setup(connection: &impl Connection, done: &CardSetup, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE card_setups SET done_at = ? WHERE id = ? AND done_at IS NULL";
    Ok(run(connection, sql, vec![at(now), done.id.uuid().into()]).await? == 1)
}

/// Of the visits of a person nothing comes any more: the card was taken away.
pub async fn close_setups(connection: &impl Connection, person: PersonId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE card_setups SET done_at = ? WHERE person_id = ? AND done_at IS NULL";
    run(connection, sql, vec![at(now), person.uuid().into()]).await.map(drop)
}

/// The card that pays this order is to be kept.
pub async fn set_keep_card(connection: &impl Connection, order: OrderId) -> Result<(), StoreError> {
    let sql = "UPDATE orders SET keep_card = TRUE WHERE id = ?";
    run(connection, sql, vec![order.uuid().into()]).await.map(drop)
}

/// The card that paid an order is kept now; `false` when that was done before, or is not wanted.
pub async fn take_keep_card(connection: &impl Connection, order: OrderId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE orders SET card_kept_at = ? WHERE id = ? AND keep_card AND card_kept_at IS NULL";
    Ok(run(connection, sql, vec![at(now), order.uuid().into()]).await? == 1)
}

/// Notes which card paid an order, as it is shown.
pub async fn set_paid_card(db: &Db, order: OrderId, paid: &str) -> Result<(), StoreError> {
    let sql = "UPDATE orders SET paid_card = ? WHERE id = ? AND paid_card IS NULL";
    run(&db.write, sql, vec![paid.into(), order.uuid().into()]).await.map(drop)
}
