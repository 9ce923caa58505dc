//! What a telephone network says of a number, and what is made of it before a code goes there (NIST SP 800-63B-4 §3.1.3.3).

use std::time::Duration;

use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::contact::PhoneNumber;

use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};

/// Why a number gets no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Its SIM card was changed a short time ago.
    Swapped,
    /// Its calls ring elsewhere.
    Forwarded,
    /// The line is not in use.
    Inactive,
}

impl Risk {
    const fn kind(self) -> &'static str {
        match self {
            Self::Swapped => "phone_otp.swapped",
            Self::Forwarded => "phone_otp.forwarded",
            Self::Inactive => "phone_otp.inactive",
        }
    }
}

/// Asks the network about a number. Without an answer the code goes out: the network may be down, and the person's other
/// factor still stands.
pub async fn weigh(cx: &Cx, person: &Person, number: &PhoneNumber, call: bool) -> Result<Option<Risk>, Fault> {
    let Some(lookup) = &cx.app.outbound.lookup else { return Ok(None) };
    let signals = match lookup.look_up(number, cx.now).await {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(%error, "a number could not be looked up");
            return Ok(None);
        }
    };
    let recent = Duration::from_secs(3600) * cx.app.settings.phone.swap_hours;
    let risk = match signals {
        signals if signals.swapped_at.is_some_and(|at| cx.now.since(at) < recent) => Risk::Swapped,
        signals if call && signals.forwarded == Some(true) => Risk::Forwarded,
        signals if signals.active == Some(false) => Risk::Inactive,
        _ => return Ok(None),
    };
    let transaction = cx.app.db.begin().await?;
    let event = Event::new(risk.kind()).by(person.id).data(json!({ "number": number.masked(), "call": call }));
    audit::record(cx, &transaction, event).await?;
    if risk == Risk::Swapped {
        let text = format!(
            "Somebody asked for a login code on {}. We did not send it, because the SIM card of that number was changed a \
             short time ago. If you did not change it, call your telephone company now, and sign in with another way.",
            number.masked()
        );
        notices::tell(cx, &transaction, person.id, &Notice::new("A login code was held back", text)).await?;
    }
    transaction.commit().await?;
    Ok(Some(risk))
}
