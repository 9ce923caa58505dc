//! The card that a person keeps for renewals: given on the provider's page, with a payment or without one, read from the
//! provider, taken away again. We keep what may be shown of it, and the provider's names for it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepgate_core::id::{CardSetupId, PersonId};
use stepgate_core::subscriptions::card::{CardFacts, CardOnFile};
use stepgate_core::subscriptions::order::{Order, PaymentMethod};
use stepgate_store::cards::{self as store, CardSetup};
use stepgate_store::{Transaction, outbox as outbox_store, people};

use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::outbound::payments::{CardWanted, PaymentError, Session, SessionState};
use crate::outbox;

const KIND: &str = "card away";
const LEASE: Duration = Duration::from_secs(30);
/// Pages of the provider are open for a day; what is found an hour later still counts.
const OPEN: Duration = Duration::from_secs(25 * 3600);

/// A card that the provider is to forget.
#[derive(Serialize, Deserialize)]
struct Away {
    provider: String,
    method: String,
}

/// Whether cards of this provider can be charged here.
pub fn takes(cx: &Cx, provider: &str) -> bool {
    super::allows(cx, PaymentMethod::Card)
        && cx.app.outbound.payments.as_ref().is_some_and(|payments| payments.name() == provider)
}

/// Whether a card can be given here.
pub fn available(cx: &Cx) -> bool {
    super::allows(cx, PaymentMethod::Card)
}

/// Opens the provider's page on which a person gives a card: its address, or `None` while the provider does not answer.
///
/// # Errors
/// The store.
pub async fn begin(cx: &Cx, person: PersonId) -> Result<Option<String>, Fault> {
    let Some(payments) = &cx.app.outbound.payments else { return Ok(None) };
    let setup = CardSetupId::random(cx.entropy());
    store::insert_setup(&cx.app.db.write, (setup, person), (cx.now, cx.now + OPEN)).await?;
    let mail = people::find_person(&cx.app.db, person).await?.and_then(|person| person.claims.email);
    let wanted = CardWanted {
        setup,
        mail,
        success: cx.app.url("/account/otp/card?done=given"),
        cancel: cx.app.url("/account/otp/card"),
    };
    match payments.begin_card(&wanted).await {
        Ok(session) => {
            store::set_setup_page(&cx.app.db, setup, &session.id).await?;
            Ok(session.url)
        }
        Err(error) => {
            tracing::warn!(%error, "the card provider opens no page for a card");
            Ok(None)
        }
    }
}

/// What became of a visit to the provider's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// The card is kept.
    Kept,
    /// No card was given (yet).
    Nothing,
    /// The provider cannot be asked now.
    Unavailable,
}

/// Reads anew what became of the person's latest visit, if anything is still to come of it.
///
/// # Errors
/// The store.
pub async fn look_for(cx: &Cx, person: PersonId) -> Result<Given, Fault> {
    match store::find_open_setup(&cx.app.db, person, cx.now).await? {
        Some(setup) => look(cx, &setup).await,
        None => Ok(Given::Nothing),
    }
}

/// The same for a visit that a message names.
///
/// # Errors
/// The store.
pub(super) async fn look_at(cx: &Cx, (setup, page): (CardSetupId, &str)) -> Result<Given, Fault> {
    match store::find_setup(&cx.app.db, setup, cx.now).await? {
        // The node that began it may have died before it noted the page.
        Some(setup) => look(cx, &CardSetup { checkout: Some(page.to_owned()), ..setup }).await,
        None => Ok(Given::Nothing),
    }
}

async fn look(cx: &Cx, setup: &CardSetup) -> Result<Given, Fault> {
    let Some(payments) = &cx.app.outbound.payments else { return Ok(Given::Unavailable) };
    let Some(page) = &setup.checkout else { return Ok(Given::Nothing) };
    let session = match payments.find(page).await {
        Ok(session) => session,
        Err(PaymentError::Unavailable) => return Ok(Given::Unavailable),
        Err(PaymentError::Refused(_)) => return Ok(Given::Nothing),
    };
    if session.payment.reference != setup.id.to_string() || session.state != SessionState::Complete {
        return Ok(Given::Nothing);
    }
    let Some((customer, card)) = session.customer.zip(session.card) else { return Ok(Given::Nothing) };
    let transaction = cx.app.db.begin().await?;
    if store::finish_setup(&transaction, setup, cx.now).await? {
        keep(cx, &transaction, setup.person, (payments.name(), customer, card)).await?;
        transaction.commit().await?;
    }
    Ok(Given::Kept)
}

/// Keeps the card that paid an order, where its purchaser wanted that: once.
///
/// # Errors
/// The store.
pub(super) async fn keep_of_order(cx: &Cx, order: &Order, session: &Session) -> Result<(), Fault> {
    let (Some(customer), Some(card), Some(payments)) = (&session.customer, &session.card, &cx.app.outbound.payments)
    else {
        return Ok(());
    };
    let transaction = cx.app.db.begin().await?;
    if store::take_keep_card(&transaction, order.id, cx.now).await? {
        let kept = (payments.name(), customer.clone(), card.clone());
        keep(cx, &transaction, order.purchaser, kept).await?;
        transaction.commit().await?;
    }
    Ok(())
}

async fn keep(
    cx: &Cx,
    transaction: &Transaction,
    person: PersonId,
    (provider, customer, card): (&str, String, CardFacts),
) -> Result<(), Fault> {
    let before = store::find_card(transaction, person).await?;
    let new = CardOnFile { provider: provider.to_owned(), customer, card, kept_at: cx.now };
    store::put_card(transaction, person, &new).await?;
    let (kind, subject) = match &before {
        Some(_) => ("card.replaced", "Your card for renewals was replaced"),
        None => ("card.kept", "A card for renewals was added"),
    };
    if let Some(before) = before.filter(|before| before.card.method != new.card.method) {
        send_away(cx, transaction, before).await?;
    }
    let data = serde_json::json!({ "card": new.card.to_string(), "provider": provider });
    audit::record(cx, transaction, Event::new(kind).by(person).data(data)).await?;
    let text = format!(
        "{} is kept for renewals. It pays for nothing but what you let renew by itself, and you are told the price and the \
         day before. You see and remove it under Manage OTP, Card for renewals.",
        new.card
    );
    notices::tell(cx, transaction, person, &Notice::new(subject, text).by_mail_only()).await
}

/// Forgets a person's card; `false` when there is none. The provider follows from the outbox.
///
/// # Errors
/// The store.
pub async fn remove(cx: &Cx, person: PersonId) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    let Some(card) = store::take_card(&transaction, person).await? else { return Ok(false) };
    // A message about an earlier visit that comes late must not bring a card back.
    store::close_setups(&transaction, person, cx.now).await?;
    let data = serde_json::json!({ "card": card.card.to_string(), "provider": card.provider });
    audit::record(cx, &transaction, Event::new("card.removed").by(person).data(data)).await?;
    let text = format!("{} is not kept any more. What was to be renewed with it is not renewed by itself.", card.card);
    let notice = Notice::new("Your card for renewals was removed", text).by_mail_only();
    notices::tell(cx, &transaction, person, &notice).await?;
    send_away(cx, &transaction, card).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn send_away(cx: &Cx, transaction: &Transaction, card: CardOnFile) -> Result<(), Fault> {
    let away = Away { provider: card.provider, method: card.card.method };
    let mut message = outbox::sealed(cx, KIND, &away, None)?;
    message.due_at = cx.now;
    outbox_store::insert_message(transaction, &message).await?;
    Ok(())
}

/// Takes cards out of the provider's keeping. Called every few seconds by the background task.
///
/// # Errors
/// The store.
pub async fn deliver(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    for leased in outbox_store::lease_messages(&app.db, KIND, 10, cx.now, cx.now + LEASE).await? {
        let away: Away = outbox::open_as(app, &leased)?;
        let payments = app.outbound.payments.as_ref().filter(|payments| payments.name() == away.provider);
        let Some(payments) = payments else {
            outbox_store::abandon_message(&app.db, leased.id, cx.now, "no such provider any more").await?;
            continue;
        };
        match payments.detach(&away.method).await {
            // It does not have it: that was the wish.
            Ok(()) | Err(PaymentError::Refused(_)) => outbox_store::finish_message(&app.db, leased.id, cx.now).await?,
            Err(PaymentError::Unavailable) => {
                let wait = Duration::from_secs(15 << leased.attempts.min(8));
                outbox_store::fail_message(&app.db, leased.id, cx.now + wait, "the provider does not answer").await?;
            }
        }
    }
    Ok(())
}
