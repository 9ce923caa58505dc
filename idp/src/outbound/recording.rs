//! The demo's local inbox: takes every message instead of a provider, and shows the latest.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};
use serde::{Serialize, Serializer};
use stepgate_core::contact::{EmailAddress, PhoneNumber};
use stepgate_core::id::DeliveryId;
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;

use super::{DeliveryError, Mail, Mailer, ProviderId, Receipts, TextGateway, TextMessage, VoiceCall, VoiceGateway};

const KEPT: usize = 200;
const NAME: &str = "local";

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A text message.
    Sms,
    /// A call.
    Voice,
    /// An e-mail.
    Mail,
    /// A notice on a phone.
    Push,
}

/// A message in the inbox. Not secret: only the demo has one.
#[derive(Clone, Serialize)]
pub struct InboxMessage {
    /// How it came.
    pub channel: Channel,
    /// The whole number or address.
    pub to: String,
    /// What was shown or said.
    pub text: String,
    /// The code in it.
    pub code: Option<String>,
    /// When it was asked for; RFC 3339 in JSON.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
}

/// The inbox; clones share their messages.
#[derive(Clone, Default)]
pub struct Inbox {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    messages: Mutex<VecDeque<InboxMessage>>,
    count: AtomicU64,
    failing: AtomicBool,
}

impl Inbox {
    /// The last 200 messages, newest first.
    pub fn messages(&self) -> Vec<InboxMessage> {
        self.lock().iter().cloned().collect()
    }

    /// Puts a message in; the oldest goes where there are too many.
    pub fn record(&self, message: InboxMessage) -> ProviderId {
        let mut messages = self.lock();
        messages.truncate(KEPT - 1);
        messages.push_front(message);
        let number = self.shared.count.fetch_add(1, Ordering::Relaxed) + 1;
        ProviderId { provider: NAME.to_owned(), id: number.to_string() }
    }

    /// Whether it takes messages on: the demo can play a provider that does not answer.
    pub fn set_failing(&self, failing: bool) {
        self.shared.failing.store(failing, Ordering::Relaxed);
    }

    fn take(&self, message: InboxMessage) -> Result<ProviderId, DeliveryError> {
        if self.shared.failing.load(Ordering::Relaxed) {
            return Err(DeliveryError::Unavailable);
        }
        Ok(self.record(message))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<InboxMessage>> {
        self.shared.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TextGateway for Inbox {
    fn name(&self) -> &str {
        NAME
    }

    fn receipts(&self) -> Receipts {
        Receipts::AtOnce
    }

    fn send_text<'a>(
        &'a self,
        to: &'a PhoneNumber,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        let taken = self.take(InboxMessage {
            channel: Channel::Sms,
            to: to.as_e164().to_owned(),
            text: message.text.expose().clone(),
            code: exposed(message.code.as_ref()),
            at: message.at,
        });
        Box::pin(ready(named(taken, message.reference)))
    }
}

impl VoiceGateway for Inbox {
    fn name(&self) -> &str {
        NAME
    }

    fn receipts(&self) -> Receipts {
        Receipts::AtOnce
    }

    fn call<'a>(
        &'a self,
        to: &'a PhoneNumber,
        call: &'a VoiceCall,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        let taken = self.take(InboxMessage {
            channel: Channel::Voice,
            to: to.as_e164().to_owned(),
            text: format!("{} … {}", call.invitation, call.speech.expose()),
            code: exposed(call.code.as_ref()),
            at: call.at,
        });
        Box::pin(ready(named(taken, call.reference)))
    }
}

impl Mailer for Inbox {
    fn name(&self) -> &str {
        NAME
    }

    fn send_mail<'a>(
        &'a self,
        to: &'a EmailAddress,
        mail: &'a Mail,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        let taken = self.take(InboxMessage {
            channel: Channel::Mail,
            to: to.as_str().to_owned(),
            text: format!("{}\n\n{}", mail.subject, mail.text.expose()),
            code: exposed(mail.code.as_ref()),
            at: mail.at,
        });
        Box::pin(ready(taken))
    }
}

/// Under our own name for it: several nodes of a demo have an inbox each, and all count from one.
fn named(taken: Result<ProviderId, DeliveryError>, reference: DeliveryId) -> Result<ProviderId, DeliveryError> {
    taken.map(|id| ProviderId { id: reference.to_string(), ..id })
}

fn exposed(code: Option<&SecretString>) -> Option<String> {
    code.map(|code| code.expose().clone())
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let at = jiff::Timestamp::from_millisecond(at.unix_millis()).map_err(serde::ser::Error::custom)?;
    serializer.collect_str(&at)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_inbox_shows_the_latest_first_and_keeps_200() {
        let inbox = Inbox::default();
        let to = "+12025550101".parse().unwrap();
        for number in 0..205 {
            let message = TextMessage {
                text: SecretString::new(format!("{number:06} is your code")),
                code: Some(SecretString::new(format!("{number:06}"))),
                at: Timestamp::from_unix_seconds(number),
                life: Duration::from_secs(120),
                reference: stepgate_core::id::DeliveryId::from_uuid(uuid::Uuid::nil()),
                issuer: String::new(),
            };
            inbox.clone().send_text(&to, &message).await.unwrap();
        }
        let messages = inbox.messages();
        assert_eq!(messages.len(), 200);
        assert_eq!(messages[199].code.as_deref(), Some("000005"));
        assert_eq!(
            serde_json::to_value(&messages[0]).unwrap(),
            serde_json::json!({
                "channel": "sms", "to": "+12025550101", "text": "000204 is your code", "code": "000204",
                "at": "1970-01-01T00:03:24Z",
            })
        );
    }
}
