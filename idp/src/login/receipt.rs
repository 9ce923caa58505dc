//! What became of a code on its way, as its page says it and its script asks for it.

use serde_json::{Value, json};
use stepgate_store::challenges;
use stepgate_store::deliveries::{self, DeliveryState};

use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::Tone;
use crate::pages::parts::ReceiptLine;

/// Where the page stands, for the words about what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a login, where there may be other ways.
    Login,
    /// At a number that is being added.
    NewNumber,
}

/// What is said of a code on its way; nothing while it is under way.
pub fn line(state: Option<DeliveryState>, by_voice: bool, place: Place) -> Option<(Tone, String)> {
    let refused = if by_voice { "The call did not get through." } else { "Your carrier refused it." };
    let remedy = match place {
        Place::Login => "Ask for another code, or use another way.",
        Place::NewNumber => "Check the number, or ask for another code.",
    };
    match state? {
        DeliveryState::Sending | DeliveryState::Sent => None,
        DeliveryState::Delivered if by_voice => Some((Tone::Ok, "The call was answered.".to_owned())),
        DeliveryState::Delivered => Some((Tone::Ok, "Delivered: your phone has it.".to_owned())),
        DeliveryState::Failed => Some((Tone::Warning, format!("{refused} {remedy}"))),
    }
}

/// There is no code to ask about any more: the script stops.
pub fn gone() -> Value {
    json!({ "state": "gone" })
}

/// What the script of a code's page is told: the state, and the line as the page would show it.
pub async fn status(cx: &Cx, binding: &str, place: Place) -> Result<Value, Fault> {
    let latest = challenges::latest_phone_challenge(&cx.app.db, binding).await?;
    let Some(latest) = latest.filter(|latest| cx.now < latest.expires_at) else { return Ok(gone()) };
    let state = deliveries::find_state(&cx.app.db, latest.id).await?;
    let delivery = line(state, latest.channel == "voice", place);
    let word = match state {
        Some(DeliveryState::Delivered) => "delivered",
        Some(DeliveryState::Failed) => "failed",
        Some(DeliveryState::Sending | DeliveryState::Sent) | None => "sent",
    };
    let html = askama::Template::render(&ReceiptLine { delivery }).map_err(Fault::internal)?;
    Ok(json!({ "state": word, "html": html }))
}
