//! The ways out of one deployment, and which message takes which.

use std::sync::Arc;

use stepgate_core::contact::PhoneNumber;
use stepgate_core::credentials::phone_otp;
use stepgate_core::secret::{Secret, SecretString};
use stepgate_core::time::Timestamp;
use url::Url;

use super::fetch::Fetcher;
use super::recording::Inbox;
use super::twilio::Twilio;
use super::{DeliveryError, Failover, TextGateway, TextMessage, VoiceCall, VoiceGateway};
use crate::outbox::Message;
use crate::settings::Settings;

/// The ways out.
pub struct Outbound {
    text: Box<dyn TextGateway>,
    voice: Box<dyn VoiceGateway>,
    /// The demo's inbox, where there is one.
    pub inbox: Option<Inbox>,
    brand: String,
    resume_at: Url,
}

impl Outbound {
    /// Through the configured providers. Without one, nothing can be delivered, and pages say so.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn providers(settings: &Settings) -> Result<Self, String> {
        let fetcher = Arc::new(Fetcher::new(&settings.outbound).map_err(|error| error.to_string())?);
        let mut text: Vec<Box<dyn TextGateway>> = Vec::new();
        // A call needs an address of ours that answers the pressed key, with Twilio's signature checked. Until that
        // exists nobody is called in vain: the page says at once that the code could not be sent.
        let voice: Vec<Box<dyn VoiceGateway>> = Vec::new();
        for account in &settings.phone.twilio {
            let secret = Secret::new(account.api_key_secret.clone());
            let twilio = Twilio::new(account.account.clone(), &secret, Arc::clone(&fetcher));
            text.push(Box::new(twilio.map_err(|error| format!("phone.{error}"))?));
        }
        let (text, voice) = (Box::new(Failover::new(text)), Box::new(Failover::new(voice)));
        Self::new(settings, text, voice, None)
    }

    /// Into the demo's local inbox.
    ///
    /// # Errors
    /// The issuer is not a URL.
    pub fn inbox(settings: &Settings) -> Result<Self, String> {
        let inbox = Inbox::default();
        Self::new(settings, Box::new(inbox.clone()), Box::new(inbox.clone()), Some(inbox))
    }

    fn new(
        settings: &Settings,
        text: Box<dyn TextGateway>,
        voice: Box<dyn VoiceGateway>,
        inbox: Option<Inbox>,
    ) -> Result<Self, String> {
        let resume_at = format!("{}/callbacks/twilio/voice", settings.server.issuer);
        let resume_at = Url::parse(&resume_at).map_err(|error| format!("server.issuer: {error}"))?;
        Ok(Self { text, voice, inbox, brand: settings.server.name.clone(), resume_at })
    }

    /// Hands a message to the provider.
    ///
    /// # Errors
    /// No provider took it.
    pub async fn deliver(&self, at: Timestamp, message: &Message) -> Result<(), DeliveryError> {
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
                let call = VoiceCall {
                    invitation: phone_otp::spoken_invitation(&self.brand),
                    speech: phone_otp::spoken_code(&self.brand, code),
                    code: Some(SecretString::new(code.clone())),
                    at,
                    resume_at: self.resume_at.clone(),
                };
                self.voice.call(&number(to)?, &call).await.map(drop)
            }
        }
    }
}
