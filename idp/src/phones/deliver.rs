//! From a message to a provider, and to the next one with the same code where the first refuses or stays silent.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stepgate_core::contact::PhoneNumber;
use stepgate_core::id::{DeliveryId, MessageId};
use stepgate_store::deliveries::{self, DeliveryState, NewDelivery};
use stepgate_store::outbox as kept;

use super::{day, switch};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbound::{DeliveryError, Receipts};
use crate::outbox::{self, Message};

/// How long it is kept what became of a message.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What became of the wish to hand a message over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// A provider took it on.
    Over,
    /// None did.
    Refused(DeliveryError),
    /// Sending is stopped, by an operator or by the day's cap.
    Stopped,
}

/// Hands a message to the first provider that takes it on, of those that were not asked before.
pub async fn hand_over(cx: &Cx, id: MessageId, message: &Message) -> Result<Handed, Fault> {
    let db = &cx.app.db;
    if switch::is_stopped(cx).await? {
        return Ok(Handed::Stopped);
    }
    let asked = deliveries::list_asked(db, id).await?;
    let number = message.to().parse::<PhoneNumber>().map_err(Fault::internal)?;
    let mut refused = DeliveryError::Unavailable;
    let ways = cx.app.outbound.ways.iter().filter(|way| way.brings(message) && !asked.contains(&way.name));
    for way in ways {
        let cost = way.price(message, number.country());
        if !switch::reserve(cx, cost).await? {
            return Ok(Handed::Stopped);
        }
        let receipts = way.receipts(message);
        let delivery = NewDelivery {
            id: DeliveryId::random(cx.entropy()),
            message: id,
            challenge: message.challenge(),
            phone: message.phone(),
            prefix: number.block().to_owned(),
            provider: way.name.clone(),
            cost,
            // A call tells at its end: who is silent may be talking.
            expects_receipt: receipts == Receipts::Later && matches!(message, Message::Text { .. }),
            sent_at: cx.now,
            expires_at: cx.now + KEPT,
        };
        deliveries::insert_delivery(&db.write, &delivery).await?;
        match cx.app.outbound.hand_over(way, (id, delivery.id), message, cx.now).await {
            Ok(taken) => {
                let there = if receipts == Receipts::AtOnce { DeliveryState::Delivered } else { DeliveryState::Sent };
                deliveries::accept_delivery(db, delivery.id, &taken.id, there, cx.now).await?;
                deliveries::count_code(&db.write, &delivery.prefix, day(cx.now), (0, 0, cost)).await?;
                return Ok(Handed::Over);
            }
            Err(error) => {
                tracing::warn!(provider = %way.name, %error, "a provider did not take a message on");
                let reason = if let DeliveryError::Refused { code } = error { code } else { 0 };
                deliveries::refuse_delivery(db, delivery.id, reason, cx.now).await?;
                // What did not answer may have sent it all the same, and will charge for it.
                if error != DeliveryError::Unavailable {
                    deliveries::return_spend(db, day(cx.now), cost).await?;
                }
                refused = error;
            }
        }
    }
    Ok(Handed::Refused(refused))
}

/// Hands messages to the next provider that no receipt, or a bad one, came for while their code can be used. Called
/// every second by the background task.
pub async fn follow(app: &Arc<App>) -> Result<(), Fault> {
    let cx = Cx::background(app);
    let patience = Duration::from_secs(1) * app.settings.phone.receipt_seconds;
    for overdue in deliveries::claim_overdue(&app.db, cx.now - patience, cx.now).await? {
        let Some(found) = kept::find_message(&app.db, overdue.message).await? else { continue };
        let message = outbox::open(app, &found)?;
        if hand_over(&cx, overdue.message, &message).await? == Handed::Over {
            let event = Event::new("phone_otp.followed").data(json!({ "message": overdue.message }));
            audit::record(&cx, &app.db.write, event).await?;
        }
    }
    Ok(())
}
