//! Twilio's Messages and Calls (API version 2010-04-01).
//!
//! Never puts a code into a URL, and never passes on Twilio's words: its errors quote the number.

pub mod callback;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::PhoneNumber;
use stepgate_core::secret::SecretString;
use url::Url;

use super::fetch::{FetchRequest, Fetcher};
use super::{DeliveryError, ProviderId, Receipts, TextGateway, TextMessage, VoiceCall, VoiceGateway};

/// How long an exchange may take before the next provider is asked.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Seconds a phone may ring, and a call last.
const RING_SECONDS: &str = "25";
const CALL_SECONDS: &str = "60";

/// An account at Twilio. The API key's secret is given separately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwilioSettings {
    /// The account, `AC…`.
    pub account_sid: String,
    /// The API key, `SK…`. Better than the account's own token: it can be revoked alone.
    pub api_key_sid: String,
    /// Who text messages come from.
    pub text_from: TwilioSender,
    /// The number that calls come from, in E.164.
    pub voice_from: String,
    /// Where the API is; only tests and regional accounts change it.
    #[serde(default = "public_api")]
    pub base_url: String,
}

/// Who a text message comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TwilioSender {
    /// A number in E.164, a short code or a sender id.
    From(String),
    /// A messaging service, `MG…`, which chooses the number.
    MessagingService(String),
}

/// The settings cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TwilioSetupError {
    /// `account_sid` is not `AC` and 32 hexadecimal digits.
    #[error("twilio.account_sid: expected AC and 32 hexadecimal digits")]
    Account,
    /// `base_url` is no URL.
    #[error("twilio.base_url: expected an address such as https://api.twilio.com")]
    BaseUrl,
    /// The key or its secret cannot stand in a header.
    #[error("twilio.api_key_sid or its secret: contains characters that no key has")]
    Key,
}

/// Sends text messages and places calls over Twilio.
#[derive(Clone)]
pub struct Twilio {
    name: String,
    receipts: Receipts,
    settings: TwilioSettings,
    messages: Url,
    calls: Url,
    authorization: HeaderValue,
    fetcher: Arc<Fetcher>,
}

impl Twilio {
    /// Checks the settings; connects nowhere. Receipts are asked for where they can be `believed`.
    pub fn new(
        (name, believed): (&str, bool),
        settings: TwilioSettings,
        api_key_secret: &SecretString,
        fetcher: Arc<Fetcher>,
    ) -> Result<Self, TwilioSetupError> {
        let digits = settings.account_sid.strip_prefix("AC").ok_or(TwilioSetupError::Account)?;
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(TwilioSetupError::Account);
        }
        let resource = |name: &str| {
            let path = format!("/2010-04-01/Accounts/{}/{name}", settings.account_sid);
            Url::parse(&settings.base_url).and_then(|base| base.join(&path)).map_err(|_| TwilioSetupError::BaseUrl)
        };
        let (messages, calls) = (resource("Messages.json")?, resource("Calls.json")?);
        let pair = SecretString::new(format!("{}:{}", settings.api_key_sid, api_key_secret.expose()));
        let basic = SecretString::new(format!("Basic {}", BASE64.encode(pair.expose().as_bytes())));
        let mut authorization = HeaderValue::from_str(basic.expose()).map_err(|_| TwilioSetupError::Key)?;
        authorization.set_sensitive(true);
        let receipts = if believed { Receipts::Later } else { Receipts::Never };
        Ok(Self { name: name.to_owned(), receipts, settings, messages, calls, authorization, fetcher })
    }

    async fn create(&self, resource: &Url, form: &[(&str, &str)]) -> Result<ProviderId, DeliveryError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut request = FetchRequest::post(resource.clone(), headers, body.into_bytes());
        request.timeout = TIMEOUT;
        let answer = self.fetcher.send(request).await.map_err(|error| {
            tracing::warn!(provider = %self.name, %error, "no answer from a provider");
            DeliveryError::Unavailable
        })?;
        outcome(answer.status, &answer.body).map(|id| ProviderId { provider: self.name.clone(), id })
    }
}

impl TextGateway for Twilio {
    fn name(&self) -> &str {
        &self.name
    }

    fn receipts(&self) -> Receipts {
        self.receipts
    }

    fn send_text<'a>(
        &'a self,
        to: &'a PhoneNumber,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        Box::pin(async move {
            let sender = match &self.settings.text_from {
                TwilioSender::From(number) => ("From", number.as_str()),
                TwilioSender::MessagingService(service) => ("MessagingServiceSid", service.as_str()),
            };
            // Twilio takes 1 to 36000 seconds; a code that is dead on arrival is not worth a message.
            let validity = message.life.as_secs().clamp(1, 36_000).to_string();
            let body = message.text.expose();
            let mut form = vec![("To", to.as_e164()), sender, ("Body", body), ("ValidityPeriod", &validity)];
            let callback = callback::status_at(&message.issuer, message.reference);
            if self.receipts == Receipts::Later {
                form.push(("StatusCallback", &callback));
            }
            self.create(&self.messages, &form).await
        })
    }
}

impl VoiceGateway for Twilio {
    fn name(&self) -> &str {
        &self.name
    }

    fn receipts(&self) -> Receipts {
        self.receipts
    }

    fn call<'a>(
        &'a self,
        to: &'a PhoneNumber,
        call: &'a VoiceCall,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        Box::pin(async move {
            let twiml = ask_for_key(&call.invitation, &call.resume_at);
            let mut form = vec![
                ("To", to.as_e164()),
                ("From", self.settings.voice_from.as_str()),
                ("Twiml", &twiml),
                ("Timeout", RING_SECONDS),
                ("TimeLimit", CALL_SECONDS),
            ];
            let callback = callback::status_at(&call.issuer, call.reference);
            if self.receipts == Receipts::Later {
                form.push(("StatusCallback", &callback));
            }
            self.create(&self.calls, &form).await
        })
    }
}

/// What a call starts with: it asks for a key twice and hangs up. TwiML cannot go on inline after a key, it posts the key
/// to an `action`; so the code is not in this document, and voicemail never hears it.
fn ask_for_key(invitation: &str, resume_at: &Url) -> String {
    let (invitation, action) = (escaped(invitation), escaped(resume_at.as_str()));
    let gather = format!(
        "<Gather input=\"dtmf\" numDigits=\"1\" timeout=\"6\" action=\"{action}\" method=\"POST\"><Say>{invitation}</Say></Gather>"
    );
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{gather}{gather}<Hangup/></Response>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

/// What we read of an answer: a created resource, or an error.
#[derive(Deserialize)]
struct Answer {
    sid: Option<String>,
    error_code: Option<u32>,
    code: Option<u32>,
}

/// 201 with an id is accepted, 429 and Twilio's own code for it are throttled, another 4xx is refused, all else is no
/// answer at all. A redirect is not followed and counts as none.
fn outcome(status: StatusCode, body: &[u8]) -> Result<String, DeliveryError> {
    const TOO_MANY_REQUESTS: u32 = 20_429;
    let answer = serde_json::from_slice(body).unwrap_or(Answer { sid: None, error_code: None, code: None });
    if status.is_success() {
        return match answer {
            Answer { error_code: Some(code), .. } => Err(DeliveryError::Refused { code }),
            Answer { sid: Some(id), .. } => Ok(id),
            Answer { .. } => Err(DeliveryError::Unavailable),
        };
    }
    match (status, answer.code) {
        (StatusCode::TOO_MANY_REQUESTS, _) | (_, Some(TOO_MANY_REQUESTS)) => Err(DeliveryError::Throttled),
        (StatusCode::REQUEST_TIMEOUT, _) => Err(DeliveryError::Unavailable),
        (status, code) if status.is_client_error() => {
            Err(DeliveryError::Refused { code: code.unwrap_or_else(|| u32::from(status.as_u16())) })
        }
        _ => Err(DeliveryError::Unavailable),
    }
}

fn public_api() -> String {
    "https://api.twilio.com".to_owned()
}
