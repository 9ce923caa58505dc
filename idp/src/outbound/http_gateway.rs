//! A gateway that is described by templates: any provider with an HTTP API, without a line of code.
//!
//! Values are escaped for the place that they stand in, so that a number or a text never becomes syntax.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stepgate_core::contact::PhoneNumber;
use url::Url;

use super::fetch::{FetchRequest, Fetcher};
use super::{DeliveryError, ProviderId, Receipts, TextGateway, TextMessage};

const TIMEOUT: Duration = Duration::from_secs(4);

/// A gateway. In `url` and `body`, `{to}` is the number in E.164, `{to_digits}` the same without the plus sign, `{text}`
/// the message, `{reference}` our name for it, `{seconds}` how long it makes sense.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// The address, with placeholders.
    pub url: String,
    /// `POST` or `GET`.
    #[serde(default = "post")]
    pub method: String,
    /// Headers, such as `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, with placeholders; empty for none.
    #[serde(default)]
    pub body: String,
    /// The body's type: JSON, a form, XML, or else plain text. Values are escaped for it.
    #[serde(default = "json_type")]
    pub content_type: String,
    /// Statuses that mean success.
    #[serde(default = "successes")]
    pub success_statuses: Vec<u16>,
    /// Where in a JSON answer success shows (RFC 6901), such as `/messages/0/status`.
    #[serde(default)]
    pub success_pointer: Option<String>,
    /// What stands there then, as text.
    #[serde(default)]
    pub success_values: Vec<String>,
    /// Where in a JSON answer the message's id is.
    #[serde(default)]
    pub id_pointer: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn json_type() -> String {
    "application/json".to_owned()
}

fn successes() -> Vec<u16> {
    vec![200, 201, 202]
}

/// Sends text messages over a described gateway.
pub struct Gateway {
    name: String,
    settings: GatewaySettings,
    method: Method,
    headers: HeaderMap,
    fetcher: Arc<Fetcher>,
}

impl Gateway {
    /// Checks the settings; connects nowhere.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn new(name: &str, settings: GatewaySettings, fetcher: Arc<Fetcher>) -> Result<Self, String> {
        let method = match settings.method.as_str() {
            "POST" => Method::POST,
            "GET" => Method::GET,
            _ => return Err("gateway.method: POST or GET".to_owned()),
        };
        let plain = fill(&settings.url, &[], |value| value.to_owned());
        Url::parse(&plain).map_err(|_| "gateway.url: makes no address")?;
        if settings.url.contains("{text}") && settings.url.starts_with("http:") {
            return Err(
                "gateway.url: a code does not travel in an address without TLS; put {text} into the body".to_owned()
            );
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("gateway.headers: {name} is no name"))?;
            let mut value =
                HeaderValue::from_str(value).map_err(|_| format!("gateway.headers.{name}: no header takes it"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if !settings.body.is_empty() {
            let content_type = HeaderValue::from_str(&settings.content_type);
            headers.insert(CONTENT_TYPE, content_type.map_err(|_| "gateway.content_type: no header takes it")?);
        }
        Ok(Self { name: name.to_owned(), settings, method, headers, fetcher })
    }

    fn request(&self, to: &PhoneNumber, message: &TextMessage) -> Option<FetchRequest> {
        let seconds = message.life.as_secs().to_string();
        let reference = message.reference.to_string();
        let values = [
            ("{to_digits}", to.as_e164().trim_start_matches('+')),
            ("{to}", to.as_e164()),
            ("{text}", message.text.expose().as_str()),
            ("{reference}", reference.as_str()),
            ("{seconds}", seconds.as_str()),
        ];
        let url = Url::parse(&fill(&self.settings.url, &values, percent)).ok()?;
        let body = fill(&self.settings.body, &values, escaping(&self.settings.content_type));
        let headers = self.headers.clone();
        Some(FetchRequest { method: self.method.clone(), url, headers, body: body.into_bytes(), timeout: TIMEOUT })
    }
}

impl TextGateway for Gateway {
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
            let id = outcome(&self.settings, answer.status.as_u16(), &answer.body)?;
            // Ids are unique for each provider; a gateway without any is known by our own name for the message.
            let id = id.unwrap_or_else(|| message.reference.to_string());
            Ok(ProviderId { provider: self.name.clone(), id })
        })
    }
}

/// Success is a status that the settings name and, where they name a place in the answer, one of their words there.
fn outcome(settings: &GatewaySettings, status: u16, body: &[u8]) -> Result<Option<String>, DeliveryError> {
    if !settings.success_statuses.contains(&status) {
        return Err(match status {
            429 => DeliveryError::Throttled,
            408 => DeliveryError::Unavailable,
            400..=499 => DeliveryError::Refused { code: u32::from(status) },
            _ => DeliveryError::Unavailable,
        });
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let at = |pointer: &Option<String>| {
        pointer.as_deref().and_then(|pointer| answer.pointer(pointer)).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    if settings.success_pointer.is_some() {
        let found = at(&settings.success_pointer).unwrap_or_default();
        if !settings.success_values.contains(&found) {
            return Err(DeliveryError::Refused { code: found.parse().unwrap_or(0) });
        }
    }
    Ok(at(&settings.id_pointer).filter(|id| !id.is_empty() && id.len() <= 200))
}

/// Puts values into a template, each once: what was put in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)], escape: fn(&str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        filled.push_str(before);
        match values.iter().find(|(name, _)| after.starts_with(name)) {
            Some((name, value)) => {
                filled.push_str(&escape(value));
                rest = after.get(name.len()..).unwrap_or("");
            }
            None => {
                filled.push('{');
                rest = after.get(1..).unwrap_or("");
            }
        }
    }
    filled + rest
}

fn escaping(content_type: &str) -> fn(&str) -> String {
    if content_type.contains("json") {
        return |value| {
            let quoted = Value::from(value).to_string();
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("").to_owned()
        };
    }
    if content_type.contains("urlencoded") {
        return percent;
    }
    if content_type.contains("xml") {
        return |value| value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    }
    str::to_owned
}

fn percent(value: &str) -> String {
    // A form writes a space as a plus sign, which means a plus sign in a path.
    form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_become_syntax() {
        let values = [("{text}", "a \"b\" & <c> {to}"), ("{to}", "+12025550101")];
        for (content_type, expected) in [
            ("application/json", r#"{"t":"a \"b\" & <c> {to}","n":"+12025550101"}"#),
            (
                "application/x-www-form-urlencoded",
                r#"{"t":"a%20%22b%22%20%26%20%3Cc%3E%20%7Bto%7D","n":"%2B12025550101"}"#,
            ),
            ("text/xml", r#"{"t":"a &quot;b&quot; &amp; &lt;c&gt; {to}","n":"+12025550101"}"#),
        ] {
            assert_eq!(
                fill(r#"{"t":"{text}","n":"{to}"}"#, &values, escaping(content_type)),
                expected,
                "{content_type}"
            );
        }
        assert_eq!(fill("{", &values, percent) + &fill("{x} é {to}", &values, percent), "{{x} é %2B12025550101");
    }

    #[test]
    fn success_is_what_the_settings_say() {
        let settings: GatewaySettings = serde_json::from_value(serde_json::json!({
            "url": "https://sms.example/send", "success_pointer": "/messages/0/status", "success_values": ["0"],
            "id_pointer": "/messages/0/id",
        }))
        .unwrap();
        let taken = br#"{"messages":[{"status":0,"id":"m1"}]}"#;
        assert_eq!(outcome(&settings, 200, taken), Ok(Some("m1".to_owned())));
        let refused = br#"{"messages":[{"status":"6"}]}"#;
        assert_eq!(outcome(&settings, 200, refused), Err(DeliveryError::Refused { code: 6 }));
        assert_eq!(outcome(&settings, 200, b"<html>"), Err(DeliveryError::Refused { code: 0 }));
        assert_eq!(outcome(&settings, 429, taken), Err(DeliveryError::Throttled));
        assert_eq!(outcome(&settings, 503, taken), Err(DeliveryError::Unavailable));
        assert_eq!(outcome(&settings, 302, taken), Err(DeliveryError::Unavailable));
    }
}
