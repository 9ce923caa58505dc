//! What became of a code on its way, as its page says it and its script asks for it.

use serde_json::{Value, json};
use stepgate_store::challenges;
use stepgate_store::deliveries::{self, DeliveryState};

use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::Tone;
use crate::pages::parts::ReceiptLine;
use crate::words::Language;

/// Where the page stands, for the words about what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a login, where there may be other ways.
    Login,
    /// At a number that is being added.
    NewNumber,
}

/// What is said of a code on its way; nothing while it is under way.
pub fn line(language: Language, state: Option<DeliveryState>, by_voice: bool, place: Place) -> Option<(Tone, String)> {
    let (tone, key) = match (state?, by_voice, place) {
        (DeliveryState::Sending | DeliveryState::Sent, ..) => return None,
        (DeliveryState::Delivered, true, _) => (Tone::Ok, "receipt-answered"),
        (DeliveryState::Delivered, false, _) => (Tone::Ok, "receipt-delivered"),
        (DeliveryState::Failed, true, Place::Login) => (Tone::Warning, "receipt-no-call"),
        (DeliveryState::Failed, false, Place::Login) => (Tone::Warning, "receipt-refused"),
        (DeliveryState::Failed, true, Place::NewNumber) => (Tone::Warning, "receipt-no-call-new"),
        (DeliveryState::Failed, false, Place::NewNumber) => (Tone::Warning, "receipt-refused-new"),
    };
    Some((tone, language.text(key)))
}

/// There is no code to ask about any more: the script stops.
pub fn gone() -> Value {
    json!({ "state": "gone" })
}

/// What the script of a code's page is told: the state, and the line as the page would show it.
pub async fn status(cx: &Cx, language: Language, binding: &str, place: Place) -> Result<Value, Fault> {
    let latest = challenges::latest_phone_challenge(&cx.app.db, binding).await?;
    let Some(latest) = latest.filter(|latest| cx.now < latest.expires_at) else { return Ok(gone()) };
    let state = deliveries::find_state(&cx.app.db, latest.id).await?;
    let delivery = line(language, state, latest.channel == "voice", place);
    let word = match state {
        Some(DeliveryState::Delivered) => "delivered",
        Some(DeliveryState::Failed) => "failed",
        Some(DeliveryState::Sending | DeliveryState::Sent) | None => "sent",
    };
    let html = askama::Template::render(&ReceiptLine { delivery }).map_err(Fault::internal)?;
    Ok(json!({ "state": word, "html": html }))
}
