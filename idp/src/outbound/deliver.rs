//! The ways out of one deployment, and which message takes which.

use std::sync::Arc;
use std::time::Duration;

use stepgate_core::contact::{EmailAddress, PhoneNumber};
use stepgate_core::credentials::phone_otp;
use stepgate_core::id::MessageId;
use stepgate_core::secret::{Secret, SecretString};
use stepgate_core::time::Timestamp;
use url::Url;

use super::fetch::Fetcher;
use super::recording::Inbox;
use super::smtp::Smtp;
use super::twilio::{Twilio, callback};
use super::{DeliveryError, Failover, Mail, Mailer, TextGateway, TextMessage, VoiceCall, VoiceGateway};
use crate::outbox::Message;
use crate::settings::Settings;

/// The ways out.
pub struct Outbound {
    text: Box<dyn TextGateway>,
    voice: Box<dyn VoiceGateway>,
    mail: Box<dyn Mailer>,
    /// The guarded client, for addresses that others named.
    pub fetcher: Arc<Fetcher>,
    /// The demo's inbox, where there is one.
    pub inbox: Option<Inbox>,
    calls: bool,
    brand: String,
    issuer: String,
}

impl Outbound {
    /// Through the configured providers. Without one, nothing can be delivered, and pages say so.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn providers(settings: &Settings) -> Result<Self, String> {
        let fetcher = Arc::new(Fetcher::new(&settings.outbound).map_err(|error| error.to_string())?);
        let mut text: Vec<Box<dyn TextGateway>> = Vec::new();
        let mut voice: Vec<Box<dyn VoiceGateway>> = Vec::new();
        for account in &settings.phone.twilio {
            let secret = Secret::new(account.api_key_secret.clone());
            let twilio = Twilio::new(account.account.clone(), &secret, Arc::clone(&fetcher));
            let twilio = twilio.map_err(|error| format!("phone.{error}"))?;
            text.push(Box::new(twilio.clone()));
            // What Twilio asks during a call can only be believed with the token.
            if account.auth_token.is_some() {
                voice.push(Box::new(twilio));
            }
        }
        let mail: Vec<Box<dyn Mailer>> = match Smtp::new(&settings.mail, &settings.outbound, &settings.server.issuer)? {
            Some(server) => vec![Box::new(server)],
            None => Vec::new(),
        };
        Ok(Self {
            calls: !voice.is_empty(),
            text: Box::new(Failover::new(text)),
            voice: Box::new(Failover::new(voice)),
            mail: Box::new(Failover::<dyn Mailer>::new(mail)),
            fetcher,
            inbox: None,
            brand: settings.server.name.clone(),
            issuer: settings.server.issuer.clone(),
        })
    }

    /// Into the demo's local inbox; through providers where the settings name some.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn demo(settings: &Settings) -> Result<Self, String> {
        let inbox = Inbox::default();
        let mut providers = Self::providers(settings)?;
        if settings.mail.host.is_none() {
            providers.mail = Box::new(inbox.clone());
        }
        if !settings.phone.twilio.is_empty() {
            return Ok(Self { inbox: Some(inbox), ..providers });
        }
        let (text, voice) = (Box::new(inbox.clone()), Box::new(inbox.clone()));
        Ok(Self { text, voice, calls: true, inbox: Some(inbox), ..providers })
    }

    /// Whether anybody can be called.
    pub const fn calls(&self) -> bool {
        self.calls
    }

    /// Hands a mail to the provider.
    ///
    /// # Errors
    /// No provider took it.
    pub async fn mail(&self, to: &EmailAddress, mail: &Mail) -> Result<(), DeliveryError> {
        self.mail.send_mail(to, mail).await.map(drop)
    }

    /// Hands a text that carries no code to the provider.
    ///
    /// # Errors
    /// No provider took it.
    pub async fn notify(&self, to: &PhoneNumber, text: String, at: Timestamp) -> Result<(), DeliveryError> {
        let life = Duration::from_secs(24 * 3600);
        let message = TextMessage { text: SecretString::new(text), code: None, at, life };
        self.text.send_text(to, &message).await.map(drop)
    }

    /// Hands a message to the provider.
    ///
    /// # Errors
    /// No provider took it.
    pub async fn deliver(&self, at: Timestamp, id: MessageId, message: &Message) -> Result<(), DeliveryError> {
        // A number that does not parse was never ours to send to.
        let number = |to: &str| to.parse::<PhoneNumber>().map_err(|_| DeliveryError::Refused { code: 0 });
        match message {
            Message::Text { to, text, code } => {
                let message = TextMessage {
                    text: SecretString::new(text.clone()),
                    code: Some(SecretString::new(code.clone())),
                    at,
                    life: phone_otp::LIFE,
                };
                self.text.send_text(&number(to)?, &message).await.map(drop)
            }
            Message::Voice { to, code } => {
                let resume_at = callback::resume_at(&self.issuer, id);
                let call = VoiceCall {
                    invitation: phone_otp::spoken_invitation(&self.brand),
                    speech: phone_otp::spoken_code(&self.brand, code),
                    code: Some(SecretString::new(code.clone())),
                    at,
                    resume_at: Url::parse(&resume_at).map_err(|_| DeliveryError::Refused { code: 0 })?,
                };
                self.voice.call(&number(to)?, &call).await.map(drop)
            }
        }
    }
}
