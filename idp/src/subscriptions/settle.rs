//! The money came: from an unpaid order to one with keys, in one transaction.

use stepgate_core::credentials::Credential;
use stepgate_core::credentials::recovery::CodePurpose;
use stepgate_core::id::{LicenseKeyId, PersonId};
use stepgate_core::subscriptions::license_key::{self, KeyStage, LicenseKey};
use stepgate_core::subscriptions::order::{LineFor, Order, OrderEvent, OrderLine, OrderStage};
use stepgate_store::{Connection, credentials, license_keys, orders};

use super::renew::{Renewed, renew};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The order is paid, and has its keys.
    Now,
    /// It was paid before: a message that came twice.
    Before,
    /// It is being given back, or went back: the payment belongs to nothing.
    Impossible(OrderStage),
}

/// How often a payment is tried again when something else changed an order or a credential at the same moment.
const TRIES: usize = 8;

/// Makes an order paid, with its keys and renewals. However often and wherever it is called: once.
///
/// # Errors
/// The store. Nothing is half done then, and it can be called again.
pub async fn settle(cx: &Cx, order: &Order, by: Option<PersonId>) -> Result<Settled, Fault> {
    for _ in 0..TRIES {
        let Some(read) = orders::find_order(&cx.app.db, order.id).await? else {
            return Err(Fault::internal(format!("order {} is gone", order.number)));
        };
        let Some(paid) = read.stage.after(OrderEvent::Paid).filter(|_| read.stage != OrderStage::Refunding) else {
            return Ok(if read.stage == OrderStage::Paid { Settled::Before } else { Settled::Impossible(read.stage) });
        };
        // Read before the transaction: what changes in between is noticed by its conditional statements.
        let mut renewed: Vec<Option<Credential>> = Vec::new();
        for line in &read.lines {
            renewed.push(match line.whom {
                // One order renews a credential once; a second line of it leaves a key.
                LineFor::Renewal(id) if !renewed.iter().flatten().any(|other| other.id == id) => {
                    credentials::find_credential(&cx.app.db, id).await?
                }
                LineFor::Renewal(_) | LineFor::Later | LineFor::Person(_) => None,
            });
        }
        let transaction = cx.app.db.begin().await?;
        if !orders::move_order(&transaction, &read, paid, (by, cx.now)).await? {
            continue;
        }
        let mut raced = false;
        for (place, (line, credential)) in (0..).zip(read.lines.iter().zip(&renewed)) {
            raced |= !make_keys(cx, &transaction, &read, (place, line), credential.as_ref()).await?;
        }
        if raced {
            continue;
        }
        let data = serde_json::json!({ "order": read.number, "method": read.method, "gross": read.totals.gross });
        let event = Event { actor: by, ..Event::new("order.paid").to(read.purchaser).data(data) };
        audit::record(cx, &transaction, event).await?;
        crate::shop::tell_paid(cx, &transaction, &read).await?;
        transaction.commit().await?;
        return Ok(Settled::Now);
    }
    Err(Fault::internal(format!("order {} is changed by others all the time", order.number)))
}

/// The keys of a line; `false` when a renewal raced with another.
async fn make_keys(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    (place, line): (u32, &OrderLine),
    credential: Option<&Credential>,
) -> Result<bool, Fault> {
    for number in 0..line.quantity {
        let mut key = LicenseKey {
            id: LicenseKeyId::random(cx.entropy()),
            order: Some(order.id),
            line: place,
            product: line.product.clone(),
            gives: line.gives.clone(),
            stage: KeyStage::Unredeemed,
            purchaser: Some(order.purchaser),
            purchased_at: cx.now,
            holder: None,
            holder_mail: None,
            renews: None,
            redeemed_by: None,
            redeemed_at: None,
        };
        match line.whom {
            LineFor::Later => {}
            LineFor::Person(person) => key.holder = Some(person),
            // A credential that cannot be renewed any more leaves its holder a key for a new one.
            LineFor::Renewal(_) => key.holder = credential.map(|found| found.person).or(Some(order.purchaser)),
        }
        let hash =
            license_key::derive(&cx.app.secrets.licenses, key.id).hash(&cx.app.secrets.licenses, CodePurpose::License);
        license_keys::insert_key(transaction, &key, (number, &hash)).await?;
        if let Some(credential) = credential
            && renew(cx, transaction, (&key, credential)).await? == Renewed::Raced
        {
            return Ok(false);
        }
    }
    Ok(true)
}
