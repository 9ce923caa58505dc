//! Vonage's Messages API (version 1), and its signed webhooks.
//!
//! The official library believes a webhook for its signature alone. Here its body, its age and its id are looked at too.

pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stepgate_core::contact::PhoneNumber;
use stepgate_core::secret::SecretString;
use url::Url;

use super::fetch::{FetchRequest, Fetcher};
use super::{DeliveryError, ProviderId, Receipts, TextGateway, TextMessage};

const TIMEOUT: Duration = Duration::from_secs(4);

/// An account at Vonage.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VonageSettings {
    /// The API key.
    pub api_key: String,
    /// Its secret.
    pub api_secret: String,
    /// The signature secret of the account: with it Vonage signs what became of a message. Without it nothing that
    /// claims to come from Vonage is believed.
    #[serde(default)]
    pub signature_secret: Option<String>,
    /// Who text messages come from: a number or a name.
    pub text_from: String,
    /// Where the API is; only tests and regional accounts change it.
    #[serde(default = "public_api")]
    pub base_url: String,
}

fn public_api() -> String {
    "https://api.nexmo.com".to_owned()
}

/// Sends text messages over Vonage.
pub struct Vonage {
    name: String,
    settings: VonageSettings,
    messages: Url,
    authorization: HeaderValue,
    fetcher: Arc<Fetcher>,
}

impl Vonage {
    /// Checks the settings; connects nowhere.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn new(name: &str, settings: VonageSettings, fetcher: Arc<Fetcher>) -> Result<Self, String> {
        let messages = Url::parse(&settings.base_url).and_then(|base| base.join("/v1/messages"));
        let messages = messages.map_err(|_| "vonage.base_url: expected an address such as https://api.nexmo.com")?;
        let pair = SecretString::new(format!("{}:{}", settings.api_key, settings.api_secret));
        let basic = SecretString::new(format!("Basic {}", BASE64.encode(pair.expose().as_bytes())));
        let mut authorization =
            HeaderValue::from_str(basic.expose()).map_err(|_| "vonage.api_key: no header takes it")?;
        authorization.set_sensitive(true);
        Ok(Self { name: name.to_owned(), settings, messages, authorization, fetcher })
    }
}

impl TextGateway for Vonage {
    fn name(&self) -> &str {
        &self.name
    }

    fn receipts(&self) -> Receipts {
        if self.settings.signature_secret.is_some() { Receipts::Later } else { Receipts::Never }
    }

    fn send_text<'a>(
        &'a self,
        to: &'a PhoneNumber,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        Box::pin(async move {
            let mut body = json!({
                "message_type": "text",
                "channel": "sms",
                "to": to.as_e164().trim_start_matches('+'),
                "from": self.settings.text_from.trim_start_matches('+'),
                "text": message.text.expose(),
                // Vonage takes 20 seconds to seven days.
                "ttl": message.life.as_secs().clamp(20, 604_800),
                "client_ref": message.reference.to_string(),
            });
            if let (Receipts::Later, Some(body)) = (self.receipts(), body.as_object_mut()) {
                let callback = webhook::status_at(&message.issuer, message.reference);
                body.insert("webhook_url".to_owned(), callback.into());
                body.insert("webhook_version".to_owned(), "v1".into());
            }
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, self.authorization.clone());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let mut request = FetchRequest::post(self.messages.clone(), headers, body.to_string().into_bytes());
            request.timeout = TIMEOUT;
            let answer = self.fetcher.send(request).await.map_err(|error| {
                tracing::warn!(provider = %self.name, %error, "no answer from a provider");
                DeliveryError::Unavailable
            })?;
            let id = outcome(answer.status, &answer.body)?;
            Ok(ProviderId { provider: self.name.clone(), id })
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    message_uuid: String,
}

/// 202 with an id is accepted, 429 throttled, another 4xx refused, all else no answer at all.
fn outcome(status: StatusCode, body: &[u8]) -> Result<String, DeliveryError> {
    match status {
        status if status.is_success() => serde_json::from_slice(body)
            .map(|answer: Answer| answer.message_uuid)
            .map_err(|_| DeliveryError::Unavailable),
        StatusCode::TOO_MANY_REQUESTS => Err(DeliveryError::Throttled),
        StatusCode::REQUEST_TIMEOUT => Err(DeliveryError::Unavailable),
        status if status.is_client_error() => Err(DeliveryError::Refused { code: u32::from(status.as_u16()) }),
        _ => Err(DeliveryError::Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_facts() {
        let accepted = br#"{"message_uuid":"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"}"#;
        assert_eq!(outcome(StatusCode::ACCEPTED, accepted).as_deref(), Ok("aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"));
        for (status, expected) in [
            (429, DeliveryError::Throttled),
            (422, DeliveryError::Refused { code: 422 }),
            (401, DeliveryError::Refused { code: 401 }),
            (500, DeliveryError::Unavailable),
            (202, DeliveryError::Unavailable),
        ] {
            assert_eq!(outcome(StatusCode::from_u16(status).unwrap(), b"{}"), Err(expected), "{status}");
        }
    }
}
