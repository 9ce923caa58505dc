//! A renewal that a card on file pays without its person.
//!
//! The notice at which it is due puts a message into the outbox; whichever node leases it goes on from where the last one
//! was. A charge is written down before the provider is asked for it, with the key that it is asked with, and ends when its
//! outcome is known: until then no other one begins, nobody pays the order otherwise, and the same key is asked again. So
//! that of however many nodes that die between however many lines, one charge and one renewal comes at most.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::account::Person;
use stepgate_core::credentials::Credential;
use stepgate_core::id::CredentialId;
use stepgate_core::subscriptions::card::{self, NotPaid, TRIES};
use stepgate_core::subscriptions::order::{Order, OrderStage};
use stepgate_core::subscriptions::term::notice_due;
use stepgate_core::time::Timestamp;
use stepgate_store::charges::{self, CardCharge, Renewing};
use stepgate_store::outbox::{self as outbox_store, Leased};
use stepgate_store::term_notices::DueNotice;
use stepgate_store::{Connection, credentials, orders, people, subscriptions as terms};

use super::pay::{self, Seen};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::payments::{Charge, ChargeState, ChargeWanted, PaymentError, Payments};
use crate::pages::When;
use crate::subscriptions::auto_renew::{Quote, place_by_card, quote, request_by_card};
use crate::subscriptions::card_words::{CardFacts, not_paid, renewed};
use crate::subscriptions::{Payer, payer, renewal_product};
use crate::{notices, outbox};

const KIND: &str = "card charge";
/// Longer than the provider is waited for, twice.
const LEASE: Duration = Duration::from_secs(60);
/// A charge that is under way is asked about this often.
const PENDING: Duration = Duration::from_secs(60);
const AT_ONCE: u32 = 10;

/// What is in the outbox: which end of which credential's term, at which notice.
#[derive(Serialize, Deserialize)]
struct Due {
    credential: CredentialId,
    ends: Timestamp,
    days: i16,
}

/// A card is to be charged, once for each notice. Call it in the transaction that takes the notice.
///
/// # Errors
/// The store.
pub async fn owe(cx: &Cx, transaction: &impl Connection, notice: &DueNotice) -> Result<(), Fault> {
    let Some(days) = notice_due(notice.ends, cx.now).map(|due| due.days) else { return Ok(()) };
    let due = Due { credential: notice.credential.id, ends: notice.ends, days };
    let key = format!("card charge {} {} {days}", due.credential, due.ends.unix_millis());
    let mut message = outbox::sealed(cx, KIND, &due, Some(key))?;
    message.due_at = cx.now;
    outbox_store::insert_message(transaction, &message).await?;
    Ok(())
}

/// Charges what is due. Called every second by the background task.
///
/// # Errors
/// The store.
pub async fn deliver(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for leased in outbox_store::lease_messages(&app.db, KIND, AT_ONCE, cx.now, cx.now + LEASE).await? {
        if let Err(fault) = one(&cx, &leased).await {
            tracing::warn!(error = %fault, "a renewal by card is tried again later");
        }
    }
    Ok(())
}

async fn one(cx: &Cx, leased: &Leased) -> Result<(), Fault> {
    let db = &cx.app.db;
    let due: Due = outbox::open_as(&cx.app, leased)?;
    match settle_due(cx, &due).await? {
        Outcome::Done => outbox_store::finish_message(db, leased.id, cx.now).await?,
        Outcome::Pending => {
            outbox_store::fail_message(db, leased.id, cx.now + PENDING, "the charge is under way").await?;
        }
        Outcome::Unavailable => {
            let wait = Duration::from_secs(15 << leased.attempts.min(8));
            outbox_store::fail_message(db, leased.id, cx.now + wait, "the provider does not answer").await?;
        }
    }
    Ok(())
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing more is to be done.
    Done,
    /// The provider will know later.
    Pending,
    /// The provider cannot be asked now.
    Unavailable,
}

/// The renewal that a charge is for.
struct Renewal<'a> {
    credential: &'a Credential,
    person: &'a Person,
    ends: Timestamp,
}

async fn settle_due(cx: &Cx, due: &Due) -> Result<Outcome, Fault> {
    let Some(payments) = cx.app.outbound.payments.clone() else { return Ok(Outcome::Unavailable) };
    let Some(credential) = credentials::find_credential(&cx.app.db, due.credential).await? else {
        return Ok(Outcome::Done);
    };
    let Some(person) = people::find_person(&cx.app.db, credential.person).await? else { return Ok(Outcome::Done) };
    let renewal = Renewal { credential: &credential, person: &person, ends: due.ends };
    let request = request_by_card(&credential, due.ends);
    let placed = orders::find_order_of_request(&cx.app.db, request.as_bytes()).await?;
    if let Some(order) = &placed {
        let known = charges::list_charges(&cx.app.db, order.id).await?;
        if let Some(open) = known.iter().find(|charge| !charge.ended) {
            // A node died, or had no answer: what was asked for may have come to pass.
            let outcome = resolve(cx, payments.as_ref(), (&renewal, order), (open, true)).await?;
            if outcome != Outcome::Done || open.days == due.days {
                return Ok(outcome);
            }
        }
        let tried = known.iter().any(|charge| charge.days == due.days);
        if tried || known.len() >= TRIES || order.stage != OrderStage::AwaitingPayment {
            return Ok(Outcome::Done);
        }
    }
    let Some((quote, card)) = still_wanted(cx, &renewal).await? else { return Ok(Outcome::Done) };
    let order = match placed {
        Some(order) => order,
        None => match place_by_card(cx, &person, (&credential, due.ends), quote).await? {
            Some(order) => order,
            None => return Ok(Outcome::Done),
        },
    };
    let renewing =
        Renewing { order: order.id, credential: credential.id, ends: due.ends, person: person.id, days: due.days };
    let transaction = cx.app.db.begin().await?;
    let Some(begun) = charges::begin_charge(&transaction, &renewing, &card, cx.now).await? else {
        drop(transaction);
        // Begun by another node in this very moment: it may die. Else renewed, switched off, or in the person's own hands.
        let begun = charges::list_charges(&cx.app.db, order.id).await?.iter().any(|charge| !charge.ended);
        return Ok(if begun { Outcome::Pending } else { Outcome::Done });
    };
    transaction.commit().await?;
    resolve(cx, payments.as_ref(), (&renewal, &order), (&begun, false)).await
}

/// Whether it is still to be charged, for not more than the person was told.
async fn still_wanted(
    cx: &Cx,
    renewal: &Renewal<'_>,
) -> Result<Option<(Quote, stepgate_core::subscriptions::card::CardOnFile)>, Fault> {
    let credential = renewal.credential;
    let sold = terms::find_sold_as(&cx.app.db, credential.id).await?;
    if !sold.auto_renew || credential.expires_at != Some(renewal.ends) || renewal.person.suspended_at.is_some() {
        return Ok(None);
    }
    let Payer::Card(card) = payer(cx, credential.person).await? else { return Ok(None) };
    let Some(product) = renewal_product(cx, credential).await? else { return Ok(None) };
    let Some(quote) = quote(cx, credential, &product).await? else { return Ok(None) };
    let told = charges::find_promise(&cx.app.db, (credential.id, renewal.ends)).await?;
    let price = quote.totals.gross;
    let kept = told.is_some_and(|told| told.currency == price.currency && price.minor <= told.minor);
    Ok(kept.then_some((quote, *card)))
}

/// Asks the provider for a charge that was written down, and does what follows. A charge that may have been asked for before
/// is looked for first: the provider forgets keys after a day.
async fn resolve(
    cx: &Cx,
    payments: &dyn Payments,
    (renewal, order): (&Renewal<'_>, &Order),
    (charge, again): (&CardCharge, bool),
) -> Result<Outcome, Fault> {
    let wanted = ChargeWanted {
        order: order.id,
        number: order.number.clone(),
        customer: charge.customer.clone(),
        method: charge.method.clone(),
        amount: order.totals.gross,
        key: format!("charge-{}-{}", order.id, charge.attempt),
    };
    let found = if again { payments.find_charge(&wanted).await } else { Ok(None) };
    let answer = match found {
        Ok(Some(charge)) => Ok(charge),
        // A provider that cannot look still knows the key.
        Ok(None) | Err(PaymentError::Refused(_)) => payments.charge(&wanted).await,
        Err(PaymentError::Unavailable) => Err(PaymentError::Unavailable),
    };
    match answer {
        Err(PaymentError::Unavailable) => Ok(Outcome::Unavailable),
        Err(PaymentError::Refused(code)) => failed(cx, (renewal, order), charge, (&code, None)).await,
        Ok(told) => came(cx, (renewal, order), charge, told).await,
    }
}

async fn came(
    cx: &Cx,
    (renewal, order): (&Renewal<'_>, &Order),
    charge: &CardCharge,
    told: Charge,
) -> Result<Outcome, Fault> {
    match pay::credit(cx, order, (&told.payment, Some(&told.id))).await? {
        Some(Seen::Paid) => {
            pay::note_card(cx, order, &charge.card).await?;
            let transaction = cx.app.db.begin().await?;
            if charges::end_charge(&transaction, charge, ("paid", Some(&told.id)), cx.now).await? {
                tell(cx, &transaction, (renewal, order), charge, None).await?;
                transaction.commit().await?;
            }
        }
        Some(_) => {
            charges::end_charge(&cx.app.db.write, charge, ("wrong", Some(&told.id)), cx.now).await?;
        }
        None => match told.state {
            ChargeState::Failed(code) => {
                return failed(cx, (renewal, order), charge, (&code, Some(&told.id))).await;
            }
            ChargeState::Pending | ChargeState::Paid => return Ok(Outcome::Pending),
        },
    }
    Ok(Outcome::Done)
}

/// Nothing was charged: the order stays, to be paid by hand.
async fn failed(
    cx: &Cx,
    (renewal, order): (&Renewal<'_>, &Order),
    charge: &CardCharge,
    (code, payment): (&str, Option<&str>),
) -> Result<Outcome, Fault> {
    let transaction = cx.app.db.begin().await?;
    if charges::end_charge(&transaction, charge, (code, payment), cx.now).await? {
        let data = serde_json::json!({ "order": order.number, "code": code, "attempt": charge.attempt });
        audit::record(cx, &transaction, Event::new("order.charge_failed").to(order.purchaser).data(data)).await?;
        tell(cx, &transaction, (renewal, order), charge, Some(NotPaid::told(code))).await?;
        transaction.commit().await?;
    }
    Ok(Outcome::Done)
}

/// Tells the person what became of it, in the transaction that ends the charge: once.
async fn tell(
    cx: &Cx,
    transaction: &impl Connection,
    (renewal, order): (&Renewal<'_>, &Order),
    charge: &CardCharge,
    why: Option<NotPaid>,
) -> Result<(), Fault> {
    let Some(to) = renewal.person.claims.email.as_deref() else { return Ok(()) };
    let zone = renewal.person.claims.zoneinfo.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
    let again = usize::try_from(charge.attempt).is_ok_and(|tried| tried < TRIES);
    let next = card::next_try(renewal.ends, cx.now).filter(|_| again).map(|at| When::date(at, &zone).text);
    let facts = CardFacts {
        person: renewal.person,
        label: &renewal.credential.label,
        card: &charge.card,
        price: order.totals.gross,
        on: next.as_deref(),
        ends: &When::date(renewal.ends, &zone).text,
        link: &cx.app.url(&format!("/orders/{}", order.number)),
        brand: &cx.app.settings.server.name,
    };
    let (subject, text) = match why {
        Some(why) => not_paid(&facts, why),
        None => renewed(&facts),
    };
    notices::mail(cx, transaction, (to, &subject), &text).await
}
