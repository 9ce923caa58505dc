//! Delivery receipts of a message centre (SMPP 3.4 §5.3.2.35, §5.3.2.12 and appendix B).

use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::TlvValue;
use rusmpp::values::{MessageState, MessageType};
use stepgate_store::deliveries::DeliveryState;

use crate::outbound::{Receipt, ReceiptedMessage};

/// The receipt in a message from the centre; `None` where it is none, or says nothing final.
pub(super) fn read(provider: &str, delivered: &DeliverSm) -> Option<Receipt> {
    let (mut id, mut state) = (None, None);
    for tlv in delivered.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(value)) => id = Some(value.as_str().to_owned()),
            Some(TlvValue::MessageState(value)) => state = Some(named(*value)),
            _ => {}
        }
    }
    let marked = delivered.esm_class.message_type != MessageType::default() || id.is_some();
    let text = std::str::from_utf8(delivered.short_message().as_ref()).unwrap_or("");
    if !marked {
        return None;
    }
    let id = id.or_else(|| field(text, "id:").map(str::to_owned))?;
    let state = state.unwrap_or_else(|| field(text, "stat:").map_or(State::Open, worded));
    let reason = field(text, "err:").and_then(|digits| digits.parse().ok());
    let state = match state {
        State::Delivered => DeliveryState::Delivered,
        State::Failed => DeliveryState::Failed,
        State::Open => return None,
    };
    let reason = reason.filter(|_| state == DeliveryState::Failed);
    Some(Receipt { provider: provider.to_owned(), message: ReceiptedMessage::Provider(id), state, reason })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Delivered,
    Failed,
    Open,
}

const fn named(state: MessageState) -> State {
    match state {
        MessageState::Delivered => State::Delivered,
        MessageState::Expired | MessageState::Deleted | MessageState::Undeliverable | MessageState::Rejected => {
            State::Failed
        }
        _ => State::Open,
    }
}

fn worded(word: &str) -> State {
    match word {
        "DELIVRD" => State::Delivered,
        "EXPIRED" | "DELETED" | "UNDELIV" | "REJECTD" => State::Failed,
        _ => State::Open,
    }
}

/// A word of the text that centres write into receipts: `id:… sub:001 dlvrd:001 … stat:DELIVRD err:000 text:…`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(name)?;
    rest.split([' ', '\0']).next().filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_receipts() {
        let text = "id:0001a sub:001 dlvrd:000 submit date:2611280501 done date:2611280502 stat:UNDELIV err:027 text:";
        assert_eq!((field(text, "id:"), field(text, "err:")), (Some("0001a"), Some("027")));
        assert_eq!(field(text, "stat:").map(worded), Some(State::Failed));
        assert_eq!(
            ["DELIVRD", "ENROUTE", "", "delivrd"].map(worded),
            [State::Delivered, State::Open, State::Open, State::Open]
        );
        assert_eq!(field("stat:", "stat:"), None);
    }
}
