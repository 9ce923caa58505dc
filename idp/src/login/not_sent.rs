//! The words for a code that was not sent.

use super::phone::Sending;
use crate::pages::When;
use crate::phones::risk::Risk;

/// Why no code was sent, and what to do.
pub fn not_sent(sending: &Sending) -> String {
    let text = match sending {
        Sending::Sent(_) => "A code is on its way.",
        Sending::TooSoon(at) => {
            let when = When::clock(*at, &jiff::tz::TimeZone::UTC);
            return format!("A code is on its way. You can ask for another one from {} UTC.", when.text);
        }
        Sending::Capped => "We have sent many codes in the last hour. Wait a while, or use another way.",
        Sending::Failed => "The code could not be sent just now. Use another way, or try again in a minute.",
        Sending::Stopped => "Codes are not sent at the moment. Use another way, or try again later.",
        Sending::NoSuchPhone => "That number cannot be reached this way. Choose another one.",
        Sending::TooNew(from) => {
            let when = When::clock(*from, &jiff::tz::TimeZone::UTC);
            let day = When::date(*from, &jiff::tz::TimeZone::UTC);
            return format!(
                "That number was added a short time ago and can be used from {}, {} UTC. Use another way until then.",
                day.text, when.text
            );
        }
        Sending::Refused(refusal) => return refusal.to_string(),
        Sending::Risky(Risk::Swapped) => {
            "No code was sent: the SIM card of that number was changed a short time ago. Use another way. If you did not \
             change it, call your telephone company."
        }
        Sending::Risky(Risk::Forwarded) => {
            "No call was made: calls to that number are forwarded to another one. Choose a text, or use another way."
        }
        Sending::Risky(Risk::Inactive) => "That number is not in use at the moment. Use another way.",
    };
    text.to_owned()
}
