//! SMPP 3.4: text messages straight to a message centre, over one bound connection for each provider and node.
//!
//! Owns: binding, binding again, and what a centre's answers and receipts mean. Receipts are believed because they come
//! over the connection that we opened and bound. Never logs a message: both libraries' own logs are turned off.

mod receipt;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use rusmpp::pdus::{BindTransceiver, DeliverSmResp, SubmitSm};
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{
    DataCoding, InterfaceVersion, IntermediateNotification, MCDeliveryReceipt, Npi, RegisteredDelivery,
    SmeOriginatedAcknowledgement, Ton,
};
use rusmpp::{CommandStatus, Pdu};
use rusmppc::error::Error as SmppError;
use rusmppc::{Client, ConnectionBuilder, Event};
use rustls_platform_verifier::Verifier;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::PhoneNumber;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig};

use super::fetch::OutboundSettings;
use super::{DeliveryError, ProviderId, Receipt, Receipts, TextGateway, TextMessage};
use crate::tls::{provider, read_certificates};

/// How long connecting, binding and submitting may take each.
const TIMEOUT: Duration = Duration::from_secs(4);

/// A message centre.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    #[serde(default = "usual_port")]
    pub port: u16,
    /// Whether it speaks TLS, with a certificate for `host`; `outbound.ca_file` adds authorities. Without it, codes
    /// travel in the clear: over a private line only.
    #[serde(default = "yes")]
    pub tls: bool,
    /// Our name there.
    pub system_id: String,
    /// The password, eight characters at most.
    pub password: String,
    /// The kind of system, where the centre asks for one.
    #[serde(default)]
    pub system_type: String,
    /// Who text messages come from: a number in E.164, a short code or a name.
    pub text_from: String,
    /// Seconds between two signs of life.
    #[serde(default = "usual_interval")]
    pub enquire_link_seconds: u64,
}

const fn usual_port() -> u16 {
    2775
}

const fn yes() -> bool {
    true
}

const fn usual_interval() -> u64 {
    30
}

/// Sends text messages to a message centre.
pub struct Smpp {
    name: String,
    settings: SmppSettings,
    tls: Option<TlsConnector>,
    receipts: mpsc::Sender<Receipt>,
    client: Mutex<Option<Client>>,
}

impl Smpp {
    /// Checks the settings; connects with the first message. Receipts go to `receipts`.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn new(
        name: &str,
        settings: SmppSettings,
        outbound: &OutboundSettings,
        receipts: mpsc::Sender<Receipt>,
    ) -> Result<Self, String> {
        if settings.system_id.len() > 15 || settings.password.len() > 8 {
            return Err("smpp: system_id has 15 characters at most, password 8 (SMPP 3.4 \u{a7}5.2.1)".to_owned());
        }
        let tls = if settings.tls { Some(connector(outbound)?) } else { None };
        Ok(Self { name: name.to_owned(), settings, tls, receipts, client: Mutex::new(None) })
    }

    /// The bound connection; a new one where there is none, or the old one broke.
    async fn bound(&self) -> Result<Client, DeliveryError> {
        let mut held = self.client.lock().await;
        if let Some(client) = held.as_ref().filter(|client| client.is_active()) {
            return Ok(client.clone());
        }
        *held = None;
        let bound = tokio::time::timeout(TIMEOUT * 2, self.bind()).await;
        let client = bound.map_err(|_| DeliveryError::Unavailable)?.map_err(|why| {
            tracing::warn!(provider = %self.name, why, "a message centre cannot be reached");
            DeliveryError::Unavailable
        })?;
        *held = Some(client.clone());
        Ok(client)
    }

    async fn bind(&self) -> Result<Client, &'static str> {
        let place = (self.settings.host.as_str(), self.settings.port);
        let stream = TcpStream::connect(place).await.map_err(|_| "it does not answer")?;
        let builder = ConnectionBuilder::new()
            .max_command_length(4096)
            .enquire_link_interval(Duration::from_secs(self.settings.enquire_link_seconds.max(1)))
            .enquire_link_response_timeout(TIMEOUT)
            .response_timeout(TIMEOUT)
            .disable_interface_version_check();
        let client = match &self.tls {
            Some(connector) => {
                let name = ServerName::try_from(self.settings.host.clone()).map_err(|_| "host is no name for TLS")?;
                let stream = connector.connect(name, stream).await.map_err(|error| {
                    tracing::warn!(provider = %self.name, %error, "no TLS with a message centre");
                    "TLS failed"
                })?;
                let (client, events) = builder.connected(stream);
                self.listen(&client, events);
                client
            }
            None => {
                let (client, events) = builder.connected(stream);
                self.listen(&client, events);
                client
            }
        };
        let bind = BindTransceiver::builder()
            .system_id(COctetString::from_string(self.settings.system_id.clone()).map_err(|_| "system_id is too long")?)
            .password(COctetString::from_string(self.settings.password.clone()).map_err(|_| "password is too long")?)
            .system_type(
                COctetString::from_string(self.settings.system_type.clone()).map_err(|_| "system_type is too long")?,
            )
            .interface_version(InterfaceVersion::Smpp3_4)
            .build();
        match client.bind_transceiver(bind).await {
            Ok(_) => Ok(client),
            Err(_) => {
                let _ = client.close().await;
                Err("it does not take our name and password")
            }
        }
    }

    /// Acknowledges what the centre sends, and passes receipts on. Ends with the connection.
    fn listen(&self, client: &Client, events: impl futures_util::Stream<Item = Event> + Unpin + Send + 'static) {
        let (client, receipts, provider) = (client.clone(), self.receipts.clone(), self.name.clone());
        let mut events = events;
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let Event::Incoming(command) = event else { continue };
                let Some(Pdu::DeliverSm(delivered)) = command.pdu() else { continue };
                let number = command.sequence_number();
                if let Some(receipt) = receipt::read(&provider, delivered) {
                    // A full queue: the centre gets no acknowledgement and tells again.
                    if receipts.send(receipt).await.is_err() {
                        return;
                    }
                }
                let _ = client.deliver_sm_resp(number, DeliverSmResp::default()).await;
            }
        });
    }

    fn submission(&self, to: &PhoneNumber, message: &TextMessage) -> Option<SubmitSm> {
        let from = self.settings.text_from.as_str();
        let (ton, npi) = match from.strip_prefix('+') {
            Some(_) => (Ton::International, Npi::Isdn),
            None if from.bytes().all(|byte| byte.is_ascii_digit()) => (Ton::NetworkSpecific, Npi::Unknown),
            None => (Ton::Alphanumeric, Npi::Unknown),
        };
        // SMPP 3.4 §7.1.1: a relative time, here hours, minutes and seconds.
        let seconds = message.life.as_secs().clamp(1, 86_399);
        let validity = format!("000000{:02}{:02}{:02}000R", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let receipt = RegisteredDelivery::new(
            MCDeliveryReceipt::McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccessOrFailure,
            SmeOriginatedAcknowledgement::NoReceiptSmeAcknowledgementRequested,
            IntermediateNotification::NoIntermediaryNotificationRequested,
            0,
        );
        let submission = SubmitSm::builder()
            .source_addr_ton(ton)
            .source_addr_npi(npi)
            .source_addr(COctetString::from_string(from.trim_start_matches('+').to_owned()).ok()?)
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .destination_addr(COctetString::from_string(to.as_e164().trim_start_matches('+').to_owned()).ok()?)
            .validity_period(EmptyOrFullCOctetString::from_string(validity).ok()?)
            .registered_delivery(receipt)
            .data_coding(DataCoding::McSpecific)
            .short_message(OctetString::from_vec(gsm(message.text.expose())?).ok()?)
            .build();
        Some(submission)
    }
}

impl TextGateway for Smpp {
    fn name(&self) -> &str {
        &self.name
    }

    fn receipts(&self) -> Receipts {
        Receipts::Later
    }

    fn send_text<'a>(
        &'a self,
        to: &'a PhoneNumber,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        Box::pin(async move {
            let submission = self.submission(to, message).ok_or(DeliveryError::Refused { code: 0 })?;
            let client = self.bound().await?;
            let taken = client.submit_sm(submission).await.map_err(|error| meaning(&error))?;
            Ok(ProviderId { provider: self.name.clone(), id: taken.message_id().as_str().to_owned() })
        })
    }
}

/// SMPP 3.4 §5.1.3: throttled and a full queue pass; any other status is a refusal.
fn meaning(error: &SmppError) -> DeliveryError {
    let SmppError::UnexpectedResponse { response } = error else { return DeliveryError::Unavailable };
    match response.status() {
        CommandStatus::EsmeRthrottled | CommandStatus::EsmeRmsgqful => DeliveryError::Throttled,
        status => DeliveryError::Refused { code: u32::from(status) },
    }
}

/// The default alphabet (GSM 03.38), of which our texts use what ASCII has too, and two characters that lie elsewhere.
fn gsm(text: &str) -> Option<Vec<u8>> {
    let septet = |character: char| match character {
        '@' => Some(0x00),
        '$' => Some(0x02),
        '_' => Some(0x11),
        '\n' => Some(0x0a),
        '`' | '[' | ']' | '{' | '}' | '\\' | '^' | '~' | '|' => None,
        ' '..='z' => u8::try_from(character).ok(),
        _ => None,
    };
    text.chars().map(septet).collect()
}

/// Trusts the authorities of this machine, and those of `outbound.ca_file`. The certificate must be for `host`.
fn connector(outbound: &OutboundSettings) -> Result<TlsConnector, String> {
    let more = match &outbound.ca_file {
        Some(path) => read_certificates("outbound.ca_file", path).map_err(|error| error.to_string())?,
        None => Vec::new(),
    };
    let unfit = |error: rustls::Error| format!("smpp.tls: {error}");
    let verifier = Verifier::new_with_extra_roots(more, provider()).map_err(unfit)?;
    let config =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(unfit)?;
    // The platform's verifier: it checks the chain, the name and the dates as browsers do.
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Whether the settings name a place on this machine or in a private network, where plain TCP may be fit.
pub fn is_private(settings: &SmppSettings) -> bool {
    settings.host == "localhost"
        || settings.host.parse::<IpAddr>().is_ok_and(|address| match address.to_canonical() {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_in_the_default_alphabet() {
        assert_eq!(gsm("A1\n@id.example #0"), Some(b"A1\n\x00id.example #0".to_vec()));
        assert_eq!(gsm("[").or(gsm("\u{20ac}")), None);
    }
}
