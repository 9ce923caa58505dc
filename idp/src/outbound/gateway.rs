//! What a provider is asked for, and what it answers.

use std::time::Duration;

use futures_util::future::BoxFuture;
use stepgate_core::contact::{EmailAddress, PhoneNumber};
use stepgate_core::id::MessageId;
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;
use url::Url;

/// What a provider calls a message; receipts name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderId {
    /// The provider's name: `twilio`, `local`.
    pub provider: &'static str,
    /// Its id there.
    pub id: String,
}

/// Why a message was not taken on. Holds no word of the provider: those quote numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The provider will not deliver it.
    #[error("the provider refused the message with code {code}")]
    Refused {
        /// The provider's own code, or the HTTP status where it gave none.
        code: u32,
    },
    /// We ask too often.
    #[error("the provider takes no more messages for the moment")]
    Throttled,
    /// No answer in time, or none that can be read: it may or may not be on its way.
    #[error("the provider did not answer")]
    Unavailable,
}

impl DeliveryError {
    /// Whether the same message may be taken on later.
    pub const fn is_passing(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable => true,
            Self::Refused { .. } => false,
        }
    }
}

/// A text message.
#[derive(Clone)]
pub struct TextMessage {
    /// What is shown.
    pub text: SecretString,
    /// The code in it, for the demo's inbox.
    pub code: Option<SecretString>,
    /// When it was asked for.
    pub at: Timestamp,
    /// How long delivery makes sense.
    pub life: Duration,
}

/// A call that says a code after the person pressed 1: voicemail presses nothing.
#[derive(Clone)]
pub struct VoiceCall {
    /// What is said first.
    pub invitation: String,
    /// What is said after the key.
    pub speech: SecretString,
    /// The code in it, for the demo's inbox.
    pub code: Option<SecretString>,
    /// When it was asked for.
    pub at: Timestamp,
    /// Where the provider asks for `speech` once the key was pressed. An address of ours that checks the provider's
    /// signature; it carries no code.
    pub resume_at: Url,
}

/// An e-mail. Never a factor (NIST SP 800-63B-4 §3.1.3.1): notices and links only.
#[derive(Clone)]
pub struct Mail {
    /// Its id in the outbox: a mail that is handed over twice is recognised by it.
    pub id: MessageId,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: SecretString,
    /// The code in it, for the demo's inbox.
    pub code: Option<SecretString>,
    /// When it was asked for.
    pub at: Timestamp,
}

/// Sends text messages.
pub trait TextGateway: Send + Sync {
    /// The provider's name, for logs.
    fn name(&self) -> &'static str;

    /// Hands one message to the provider. Accepted is not delivered.
    fn send_text<'a>(
        &'a self,
        to: &'a PhoneNumber,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>>;
}

/// Places calls.
pub trait VoiceGateway: Send + Sync {
    /// The provider's name, for logs.
    fn name(&self) -> &'static str;

    /// Hands one call to the provider. Accepted is not answered.
    fn call<'a>(&'a self, to: &'a PhoneNumber, call: &'a VoiceCall)
    -> BoxFuture<'a, Result<ProviderId, DeliveryError>>;
}

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// The provider's name, for logs.
    fn name(&self) -> &'static str;

    /// Hands one mail to the provider. Accepted is not delivered.
    fn send_mail<'a>(
        &'a self,
        to: &'a EmailAddress,
        mail: &'a Mail,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>>;
}
