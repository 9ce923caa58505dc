//! AWS SNS: text messages by *Publish*, signed with Signature Version 4.
//!
//! It tells nobody over HTTP what became of a message: put another provider behind it, not before it.

mod signature;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::contact::PhoneNumber;
use url::Url;

use super::fetch::{FetchRequest, Fetcher};
use super::{DeliveryError, ProviderId, Receipts, TextGateway, TextMessage};
use signature::{Signer, amz_date};

const TIMEOUT: Duration = Duration::from_secs(4);
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// An account at AWS.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnsSettings {
    /// `us-east-1`.
    pub region: String,
    /// The access key, which may do `sns:Publish` and nothing else.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The name that text messages come from, where the country allows one.
    #[serde(default)]
    pub sender_id: Option<String>,
    /// Where the API is; only tests change it.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// Sends text messages over SNS.
pub struct Sns {
    name: String,
    settings: SnsSettings,
    endpoint: Url,
    fetcher: Arc<Fetcher>,
}

impl Sns {
    /// Checks the settings; connects nowhere.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn new(name: &str, settings: SnsSettings, fetcher: Arc<Fetcher>) -> Result<Self, String> {
        let endpoint =
            settings.endpoint.clone().unwrap_or_else(|| format!("https://sns.{}.amazonaws.com/", settings.region));
        let endpoint = Url::parse(&endpoint).map_err(|_| "sns.endpoint or sns.region: makes no address")?;
        Ok(Self { name: name.to_owned(), settings, endpoint, fetcher })
    }

    fn request(&self, to: &PhoneNumber, message: &TextMessage) -> Option<FetchRequest> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "Publish").append_pair("Version", "2010-03-31");
        form.append_pair("PhoneNumber", to.as_e164()).append_pair("Message", message.text.expose());
        let mut attributes = vec![("AWS.SNS.SMS.SMSType", "Transactional")];
        attributes.extend(self.settings.sender_id.as_deref().map(|sender| ("AWS.SNS.SMS.SenderID", sender)));
        for (number, (name, value)) in (1..).zip(attributes) {
            let entry = format!("MessageAttributes.entry.{number}");
            form.append_pair(&format!("{entry}.Name"), name);
            form.append_pair(&format!("{entry}.Value.DataType"), "String");
            form.append_pair(&format!("{entry}.Value.StringValue"), value);
        }
        let body = form.finish();
        let signer = Signer {
            access_key_id: &self.settings.access_key_id,
            secret_access_key: &self.settings.secret_access_key,
            region: &self.settings.region,
            service: "sns",
        };
        let date = amz_date(message.at)?;
        let host = match self.endpoint.port() {
            Some(port) => format!("{}:{port}", self.endpoint.host_str()?),
            None => self.endpoint.host_str()?.to_owned(),
        };
        let signed = [("content-type", FORM), ("host", host.as_str()), ("x-amz-date", date.as_str())];
        let authorization = signer.authorize("POST", &self.endpoint, &signed, body.as_bytes(), &date)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        headers.insert(HeaderName::from_static("x-amz-date"), HeaderValue::from_str(&date).ok()?);
        let mut authorization = HeaderValue::from_str(&authorization).ok()?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        let mut request = FetchRequest::post(self.endpoint.clone(), headers, body.into_bytes());
        request.timeout = TIMEOUT;
        Some(request)
    }
}

impl TextGateway for Sns {
    fn name(&self) -> &str {
        &self.name
    }

    fn receipts(&self) -> Receipts {
        Receipts::Never
    }

    fn send_text<'a>(
        &'a self,
        to: &'a PhoneNumber,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<ProviderId, DeliveryError>> {
        Box::pin(async move {
            let request = self.request(to, message).ok_or(DeliveryError::Refused { code: 0 })?;
            let answer = self.fetcher.send(request).await.map_err(|error| {
                tracing::warn!(provider = %self.name, %error, "no answer from a provider");
                DeliveryError::Unavailable
            })?;
            let id = outcome(answer.status, &String::from_utf8_lossy(&answer.body))?;
            Ok(ProviderId { provider: self.name.clone(), id })
        })
    }
}

/// 200 with an id is accepted; *Throttling* is throttled, another 4xx refused, all else no answer at all.
fn outcome(status: StatusCode, body: &str) -> Result<String, DeliveryError> {
    let id = body.split_once("<MessageId>").and_then(|(_, rest)| rest.split_once("</MessageId>"));
    match (status, id) {
        (StatusCode::OK, Some((id, _))) if !id.is_empty() && id.len() <= 100 => Ok(id.to_owned()),
        (status, _) if status == StatusCode::TOO_MANY_REQUESTS || body.contains("<Code>Throttl") => {
            Err(DeliveryError::Throttled)
        }
        (status, _) if status.is_client_error() => Err(DeliveryError::Refused { code: u32::from(status.as_u16()) }),
        _ => Err(DeliveryError::Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_facts() {
        let accepted = "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>";
        assert_eq!(outcome(StatusCode::OK, accepted).as_deref(), Ok("m-1"));
        let throttled = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
        assert_eq!(outcome(StatusCode::BAD_REQUEST, throttled), Err(DeliveryError::Throttled));
        assert_eq!(outcome(StatusCode::FORBIDDEN, ""), Err(DeliveryError::Refused { code: 403 }));
        assert_eq!(outcome(StatusCode::OK, "<html>"), Err(DeliveryError::Unavailable));
    }
}
