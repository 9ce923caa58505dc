//! The ways out of one deployment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stepgate_core::contact::{Country, EmailAddress, PhoneNumber};
use stepgate_core::credentials::phone_otp;
use stepgate_core::id::{DeliveryId, MessageId};
use stepgate_core::secret::{Secret, SecretString};
use stepgate_core::time::Timestamp;
use stepgate_store::Db;
use tokio::sync::mpsc;
use url::Url;

use super::demo_card::DemoCard;
use super::fetch::{Fetcher, OutboundSettings};
use super::http_gateway::Gateway;
use super::lookup::NumberLookup;
use super::payments::Payments;
use super::recording::Inbox;
use super::smpp::Smpp;
use super::smtp::Smtp;
use super::sns::Sns;
use super::stripe::Stripe;
use super::twilio::{Twilio, callback};
use super::vonage::Vonage;
use super::{
    DeliveryError, Failover, Mail, Mailer, ProviderId, Receipt, Receipts, TextGateway, TextMessage, VoiceCall,
    VoiceGateway,
};
use crate::outbox::Message;
use crate::phones::settings::{Prices, ProviderKind};
use crate::settings::Settings;

/// Receipts that wait to be noted; beyond, message centres are told to come again.
const RECEIPTS: usize = 1024;

/// One provider of texts, of calls, or of both.
pub struct Way {
    /// Its name in the settings.
    pub name: String,
    text: Option<Arc<dyn TextGateway>>,
    voice: Option<Arc<dyn VoiceGateway>>,
    prices: Prices,
}

impl Way {
    /// Whether it brings such a message.
    pub const fn brings(&self, message: &Message) -> bool {
        match message {
            Message::Text { .. } => self.text.is_some(),
            Message::Voice { .. } => self.voice.is_some(),
        }
    }

    /// What a text without a code costs, in minor units; `None` where it brings no texts.
    pub fn notice_price(&self, country: Option<Country>) -> Option<u64> {
        self.text.is_some().then(|| self.prices.text(country))
    }

    /// Whether it tells what became of such a message.
    pub fn receipts(&self, message: &Message) -> Receipts {
        let receipts = match message {
            Message::Text { .. } => self.text.as_ref().map(|text| text.receipts()),
            Message::Voice { .. } => self.voice.as_ref().map(|voice| voice.receipts()),
        };
        receipts.unwrap_or(Receipts::Never)
    }

    /// What such a message costs, in minor units.
    pub fn price(&self, message: &Message, country: Option<Country>) -> u64 {
        match message {
            Message::Text { .. } => self.prices.text(country),
            Message::Voice { .. } => self.prices.call(),
        }
    }
}

/// The ways out.
pub struct Outbound {
    /// The providers of texts and calls, in the order in which they are asked.
    pub ways: Vec<Way>,
    mail: Box<dyn Mailer>,
    /// Who is asked about a number.
    pub lookup: Option<Box<dyn NumberLookup>>,
    /// The guarded client, for addresses that others named.
    pub fetcher: Arc<Fetcher>,
    /// The demo's inbox, where there is one.
    pub inbox: Option<Inbox>,
    /// Who takes money by card.
    pub payments: Option<Arc<dyn Payments>>,
    receipts: Mutex<Option<mpsc::Receiver<Receipt>>>,
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
        let (sender, receipts) = mpsc::channel(RECEIPTS);
        let mut ways: Vec<Way> = Vec::new();
        for provider in &settings.phone.providers {
            let name = provider.name();
            if ways.iter().any(|way| way.name == name) {
                return Err(format!("phone.providers: two are called {name}; give one another `name`"));
            }
            let prices = provider.prices(&settings.phone.spend);
            ways.push(
                way(name, prices, &provider.kind, (&fetcher, &settings.outbound, &sender))
                    .map_err(|error| format!("phone.{error}"))?,
            );
        }
        let mail: Vec<Box<dyn Mailer>> = match Smtp::new(&settings.mail, &settings.outbound, &settings.server.issuer)? {
            Some(server) => vec![Box::new(server)],
            None => Vec::new(),
        };
        Ok(Self {
            ways,
            lookup: settings.phone.lookup.build(&fetcher).map_err(|error| format!("phone.{error}"))?,
            mail: Box::new(Failover::<dyn Mailer>::new(mail)),
            payments: cards(settings, &fetcher)?,
            fetcher,
            inbox: None,
            receipts: Mutex::new(Some(receipts)),
            brand: settings.server.name.clone(),
            issuer: settings.server.issuer.clone(),
        })
    }

    /// Into the demo's local inbox; through providers where the settings name some.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn demo(settings: &Settings, db: &Db) -> Result<Self, String> {
        let inbox = Inbox::default();
        let mut demo = Self { inbox: Some(inbox.clone()), ..Self::providers(settings)? };
        let own = || Arc::new(DemoCard::new(db.clone(), settings.server.issuer.clone())) as Arc<dyn Payments>;
        demo.payments = demo.payments.or_else(|| Some(own()));
        if settings.mail.host.is_none() {
            demo.mail = Box::new(inbox.clone());
        }
        if demo.ways.is_empty() {
            demo.ways.push(Way {
                name: TextGateway::name(&inbox).to_owned(),
                text: Some(Arc::new(inbox.clone())),
                voice: Some(Arc::new(inbox)),
                prices: settings.phone.spend.prices(),
            });
        }
        Ok(demo)
    }

    /// Whether anybody can be called.
    pub fn calls(&self) -> bool {
        self.ways.iter().any(|way| way.voice.is_some())
    }

    /// What message centres tell, to whoever asks first.
    pub fn take_receipts(&self) -> Option<mpsc::Receiver<Receipt>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Hands a mail to the provider.
    ///
    /// # Errors
    /// No provider took it.
    pub async fn mail(&self, to: &EmailAddress, mail: &Mail) -> Result<(), DeliveryError> {
        self.mail.send_mail(to, mail).await.map(drop)
    }

    /// Hands a text that carries no code to one provider.
    ///
    /// # Errors
    /// The provider did not take it.
    pub async fn notify(
        &self,
        way: &Way,
        (to, text): (&PhoneNumber, String),
        (reference, at): (DeliveryId, Timestamp),
    ) -> Result<(), DeliveryError> {
        let (life, issuer) = (Duration::from_secs(24 * 3600), self.issuer.clone());
        let message = TextMessage { text: SecretString::new(text), code: None, at, life, reference, issuer };
        let text = way.text.as_ref().ok_or(DeliveryError::Refused { code: 0 })?;
        text.send_text(to, &message).await.map(drop)
    }

    /// Hands a message to one provider, under our name for it.
    ///
    /// # Errors
    /// The provider did not take it.
    pub async fn hand_over(
        &self,
        way: &Way,
        (id, reference): (MessageId, DeliveryId),
        message: &Message,
        at: Timestamp,
    ) -> Result<ProviderId, DeliveryError> {
        // A number that does not parse was never ours to send to.
        let refused = DeliveryError::Refused { code: 0 };
        let number = message.to().parse::<PhoneNumber>().map_err(|_| refused)?;
        let issuer = self.issuer.clone();
        match message {
            Message::Text { text, code, .. } => {
                let message = TextMessage {
                    text: SecretString::new(text.clone()),
                    code: Some(SecretString::new(code.clone())),
                    at,
                    life: phone_otp::LIFE,
                    reference,
                    issuer,
                };
                way.text.as_ref().ok_or(refused)?.send_text(&number, &message).await
            }
            Message::Voice { code, .. } => {
                let resume_at = callback::resume_at(&self.issuer, id);
                let call = VoiceCall {
                    invitation: phone_otp::spoken_invitation(&self.brand),
                    speech: phone_otp::spoken_code(&self.brand, code),
                    code: Some(SecretString::new(code.clone())),
                    at,
                    resume_at: Url::parse(&resume_at).map_err(|_| refused)?,
                    reference,
                    issuer,
                };
                way.voice.as_ref().ok_or(refused)?.call(&number, &call).await
            }
        }
    }
}

/// Who takes money by card, where the settings name somebody.
fn cards(settings: &Settings, fetcher: &Arc<Fetcher>) -> Result<Option<Arc<dyn Payments>>, String> {
    if settings.shop.stripe_secret_key.is_empty() {
        return Ok(None);
    }
    let key = SecretString::new(settings.shop.stripe_secret_key.clone());
    Ok(Some(Arc::new(Stripe::new(&settings.shop.stripe_api, &key, Arc::clone(fetcher))?)))
}

/// Builds one provider.
fn way(
    name: &str,
    prices: Prices,
    kind: &ProviderKind,
    (fetcher, outbound, receipts): (&Arc<Fetcher>, &OutboundSettings, &mpsc::Sender<Receipt>),
) -> Result<Way, String> {
    let fetcher = Arc::clone(fetcher);
    let mut voice: Option<Arc<dyn VoiceGateway>> = None;
    let text: Arc<dyn TextGateway> = match kind {
        ProviderKind::Twilio(account) => {
            let secret = Secret::new(account.api_key_secret.clone());
            let believed = account.signing_key().is_some();
            let twilio = Twilio::new((name, believed), account.account.clone(), &secret, fetcher);
            let twilio = Arc::new(twilio.map_err(|error| error.to_string())?);
            // What Twilio asks during a call can only be believed with a key.
            if believed {
                voice = Some(Arc::clone(&twilio) as Arc<dyn VoiceGateway>);
            }
            twilio
        }
        ProviderKind::Vonage(account) => Arc::new(Vonage::new(name, account.clone(), fetcher)?),
        ProviderKind::Sns(account) => Arc::new(Sns::new(name, account.clone(), fetcher)?),
        ProviderKind::Gateway(settings) => Arc::new(Gateway::new(name, settings.clone(), fetcher)?),
        ProviderKind::Smpp(settings) => Arc::new(Smpp::new(name, settings.clone(), outbound, receipts.clone())?),
    };
    Ok(Way { name: name.to_owned(), text: Some(text), voice, prices })
}
