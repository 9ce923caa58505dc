//! Calls that say a code: what the provider asks us for once the person has pressed 1.
//!
//! Owns: the callback and what it may give away. Never: a code in an address, and never a word about why not.

pub mod http;

use stepgate_core::credentials::phone_otp;
use stepgate_core::id::MessageId;
use stepgate_core::secret::SecretString;
use stepgate_store::outbox as store;

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::outbox::{self, Message};

/// Says yes to the invitation; every other key says no.
const YES: &str = "1";

/// What Twilio tells when a key was pressed. Believed only after its signature was checked.
pub struct KeyPressed<'a> {
    /// Which message the call brings.
    pub message: MessageId,
    /// The called number, E.164.
    pub to: &'a str,
    /// What was pressed.
    pub digits: &'a str,
}

/// What the call says next; `None`: nothing, the call just ends. Within the life of its code a call may ask again: it
/// is the same person on the same line.
pub async fn speech(cx: &Cx, pressed: &KeyPressed<'_>) -> Result<Option<SecretString>, Fault> {
    if pressed.digits != YES {
        return Ok(None);
    }
    let Some(kept) = store::find_message(&cx.app.db, pressed.message).await? else { return Ok(None) };
    if cx.now.since(kept.created_at) > phone_otp::LIFE {
        return Ok(None);
    }
    let Message::Voice { to, code, .. } = outbox::open(&cx.app, &kept)? else { return Ok(None) };
    if to != pressed.to {
        return Ok(None);
    }
    let event = Event::new("phone_otp.heard").data(serde_json::json!({ "message": pressed.message }));
    audit::record(cx, &cx.app.db.write, event).await?;
    Ok(Some(phone_otp::spoken_code(&cx.app.settings.server.name, &code)))
}
