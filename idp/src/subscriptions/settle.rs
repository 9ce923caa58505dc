//! The money came: from an unpaid order to one with keys, in one transaction.

use stepgate_core::account::Person;
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::recovery::CodePurpose;
use stepgate_core::id::{LicenseKeyId, PersonId};
use stepgate_core::subscriptions::license_key::{self, KeyStage, LicenseKey};
use stepgate_core::subscriptions::order::{LineFor, Order, OrderEvent, OrderLine, OrderStage, PaymentMethod};
use stepgate_store::{Connection, credentials, desk, license_keys, orders, people, reports};

use super::handed::tell_holder;
use super::renew::{Renewed, renew, renewed_with};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices;

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
    settle_telling(cx, order, by, None).await
}

/// A mail about it: whom it goes to, its subject, its text.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// The same, with a mail in the same transaction: what was done is told, whatever happens to this node.
///
/// # Errors
/// The store. Nothing is half done then, and it can be called again.
pub async fn settle_telling(
    cx: &Cx,
    order: &Order,
    by: Option<PersonId>,
    letter: Option<&Letter>,
) -> Result<Settled, Fault> {
    for _ in 0..TRIES {
        let Some(read) = orders::find_order(&cx.app.db, order.id).await? else {
            return Err(Fault::internal(format!("order {} is gone", order.number)));
        };
        let Some(paid) = read.stage.after(OrderEvent::Paid) else {
            return Ok(if read.stage == OrderStage::Paid { Settled::Before } else { Settled::Impossible(read.stage) });
        };
        // Read before the transaction: what changes in between is noticed by its conditional statements.
        let mut renewed: Vec<Vec<Credential>> = Vec::new();
        for line in &read.lines {
            let found = match line.whom {
                // One order renews a credential once; a second line of it leaves a key.
                LineFor::Renewal(id) if !renewed.iter().flatten().any(|other| other.id == id) => {
                    credentials::find_credential(&cx.app.db, id).await?
                }
                LineFor::Renewal(_) | LineFor::Later | LineFor::Person(_) => None,
            };
            renewed.push(match found {
                Some(credential) => {
                    let mut all = renewed_with(cx, credential, &line.gives.kinds).await?;
                    all.retain(|held| !renewed.iter().flatten().any(|other| other.id == held.id));
                    all
                }
                None => Vec::new(),
            });
        }
        let purchaser = people::find_person(&cx.app.db, read.purchaser).await?;
        let transaction = cx.app.db.begin().await?;
        if !orders::move_order(&transaction, &read, paid, (by, cx.now)).await? {
            continue;
        }
        let mut raced = false;
        for (place, (line, credentials)) in (0..).zip(read.lines.iter().zip(&renewed)) {
            let whose = (&read, purchaser.as_ref());
            raced |= !make_keys(cx, &transaction, whose, (place, line), credentials).await?;
        }
        if raced {
            continue;
        }
        note_paid(cx, &transaction, &read, by).await?;
        crate::shop::tell_paid(cx, &transaction, &read).await?;
        if let Some(letter) = letter {
            notices::mail(cx, &transaction, (&letter.to, &letter.subject), &letter.text).await?;
        }
        transaction.commit().await?;
        return Ok(Settled::Now);
    }
    Err(Fault::internal(format!("order {} is changed by others all the time", order.number)))
}

/// What the audit log and the reports hear of a payment.
async fn note_paid(cx: &Cx, transaction: &impl Connection, order: &Order, by: Option<PersonId>) -> Result<(), Fault> {
    reports::insert_sales(transaction, order, cx.now).await?;
    let voucher = match order.method {
        PaymentMethod::Voucher => desk::find_voucher_of(transaction, order.id).await?,
        PaymentMethod::Card | PaymentMethod::Invoice | PaymentMethod::Sponsored => None,
    };
    let data = serde_json::json!({
        "order": order.number, "method": order.method, "gross": order.totals.gross, "sponsor": order.sponsor,
        "voucher": voucher,
    });
    let event = Event { actor: by, ..Event::new("order.paid").to(order.purchaser).data(data) };
    audit::record(cx, transaction, event).await
}

/// For whom a key is made.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    /// The person.
    pub person: Option<PersonId>,
    /// The address, where there is no account yet.
    pub mail: Option<String>,
}

/// The same for an order that was placed in this very transaction, and whose sponsor's account was charged in it: nothing
/// can have come in between. Each key goes to its holder, in the order of the lines, and is nobody's to hand on: whoever
/// ordered acted for the sponsor. The keys.
///
/// # Errors
/// The store; fewer or more holders than keys.
pub async fn settle_in(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    holders: Vec<Holder>,
) -> Result<Vec<LicenseKeyId>, Fault> {
    if order.keys() as usize != holders.len() {
        return Err(Fault::internal(format!("order {} has {} keys", order.number, order.keys())));
    }
    if !orders::move_order(transaction, order, OrderStage::Paid, (Some(order.purchaser), cx.now)).await? {
        return Err(Fault::internal(format!("order {} is not in this transaction", order.number)));
    }
    let mut made = Vec::new();
    let mut holders = holders.into_iter();
    for (place, line) in (0..).zip(&order.lines) {
        for number in 0..line.quantity {
            let holder = holders.next().unwrap_or_default();
            let key = LicenseKey {
                purchaser: None,
                holder: holder.person,
                holder_mail: holder.mail,
                ..new_key(cx, order, (place, line))
            };
            keep(cx, transaction, (&key, number)).await?;
            made.push(key.id);
        }
    }
    note_paid(cx, transaction, order, Some(order.purchaser)).await?;
    Ok(made)
}

/// A key of a line, for nobody yet.
fn new_key(cx: &Cx, order: &Order, (place, line): (u32, &OrderLine)) -> LicenseKey {
    LicenseKey {
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
    }
}

async fn keep(cx: &Cx, transaction: &impl Connection, (key, number): (&LicenseKey, u32)) -> Result<(), Fault> {
    let secret = &cx.app.secrets.licenses;
    let hash = license_key::derive(secret, key.id).hash(secret, CodePurpose::License);
    Ok(license_keys::insert_key(transaction, key, (number, &hash)).await?)
}

/// The keys of a line; `false` when a renewal raced with another.
async fn make_keys(
    cx: &Cx,
    transaction: &impl Connection,
    (order, purchaser): (&Order, Option<&Person>),
    (place, line): (u32, &OrderLine),
    credentials: &[Credential],
) -> Result<bool, Fault> {
    // A token under warranty is no subscription.
    if line.gives.is_nothing() {
        return Ok(true);
    }
    for number in 0..line.quantity {
        let mut key = new_key(cx, order, (place, line));
        match line.whom {
            LineFor::Later => {}
            LineFor::Person(person) => key.holder = Some(person),
            // A credential that cannot be renewed any more leaves its holder a key for a new one.
            LineFor::Renewal(_) => key.holder = credentials.first().map(|found| found.person).or(Some(order.purchaser)),
        }
        keep(cx, transaction, (&key, number)).await?;
        if let (LineFor::Person(holder), Some(purchaser)) = (line.whom, purchaser) {
            tell_holder(cx, transaction, purchaser, (&key, holder)).await?;
        }
        if !credentials.is_empty() && renew(cx, transaction, (&key, credentials)).await? == Renewed::Raced {
            return Ok(false);
        }
    }
    Ok(true)
}
