//! What a provider is asked for, and what it answers.

use std::time::Duration;

use futures_util::future::BoxFuture;
use stepgate_core::contact::{EmailAddress, PhoneNumber};
use stepgate_core::id::{DeliveryId, MessageId};
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;
use stepgate_store::deliveries::DeliveryState;
use url::Url;

/// What a provider calls a message; receipts name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderId {
    /// The provider's name in the settings: `twilio`, `local`.
    pub provider: String,
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

/// Whether a provider tells what became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// It never does.
    Never,
    /// A receipt comes later.
    Later,
    /// What it takes on is there.
    AtOnce,
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
    /// Our name for it, which providers may give back in receipts.
    pub reference: DeliveryId,
    /// Our own origin: receipts are posted to an address below it.
    pub issuer: String,
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
    /// Our name for it, which providers may give back in receipts.
    pub reference: DeliveryId,
    /// Our own origin: receipts are posted to an address below it.
    pub issuer: String,
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
    /// The provider's name in the settings.
    fn name(&self) -> &str;

    /// Whether it tells what became of a message.
    fn receipts(&self) -> Receipts;

    /// Hands one message to the provider. Accepted is not delivered.
    fn send_text<'a>(
        &'a self,
        to: &'a PhoneNumber,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>>;
}

/// Places calls.
pub trait VoiceGateway: Send + Sync {
    /// The provider's name in the settings.
    fn name(&self) -> &str;

    /// Whether it tells what became of a call.
    fn receipts(&self) -> Receipts;

    /// Hands one call to the provider. Accepted is not answered.
    fn call<'a>(&'a self, to: &'a PhoneNumber, call: &'a VoiceCall)
    -> BoxFuture<'a, Result<ProviderId, DeliveryError>>;
}

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// The provider's name, for logs.
    fn name(&self) -> &str;

    /// Hands one mail to the provider. Accepted is not delivered.
    fn send_mail<'a>(
        &'a self,
        to: &'a EmailAddress,
        mail: &'a Mail,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>>;
}

/// What a provider told about a message, after it was made sure that the provider told it.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The provider's name in the settings.
    pub provider: String,
    /// Which message.
    pub message: ReceiptedMessage,
    /// What became of it.
    pub state: DeliveryState,
    /// The provider's code for a failure.
    pub reason: Option<u32>,
}

/// How a receipt names its message.
#[derive(Clone, Debug)]
pub enum ReceiptedMessage {
    /// By our id and the provider's.
    Both(DeliveryId, String),
    /// By the provider's id.
    Provider(String),
}
