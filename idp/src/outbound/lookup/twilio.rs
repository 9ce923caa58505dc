//! Twilio Lookup, version 2: *SIM swap*, *call forwarding*, *line status*.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stepgate_core::contact::PhoneNumber;
use stepgate_core::secret::SecretString;
use stepgate_core::time::Timestamp;
use url::Url;

use super::{LookupError, NumberLookup, Signals};
use crate::outbound::fetch::{FetchRequest, Fetcher};

/// A person waits meanwhile.
const TIMEOUT: Duration = Duration::from_secs(3);

/// An account at Twilio that looks numbers up.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct LookupAccount {
    /// The API key, `SK…`.
    pub api_key_sid: String,
    /// The API key's secret.
    pub api_key_secret: String,
    /// Where the API is; only tests change it.
    #[serde(default = "public_api")]
    pub base_url: String,
}

fn public_api() -> String {
    "https://lookups.twilio.com".to_owned()
}

pub(super) struct TwilioLookup {
    numbers: Url,
    authorization: HeaderValue,
    fetcher: Arc<Fetcher>,
}

impl TwilioLookup {
    pub(super) fn new(account: &LookupAccount, fetcher: Arc<Fetcher>) -> Result<Self, String> {
        let numbers = Url::parse(&account.base_url).and_then(|base| base.join("/v2/PhoneNumbers/"));
        let numbers = numbers.map_err(|_| "lookup.base_url: expected an address such as https://lookups.twilio.com")?;
        let pair = SecretString::new(format!("{}:{}", account.api_key_sid, account.api_key_secret));
        let basic = SecretString::new(format!("Basic {}", BASE64.encode(pair.expose().as_bytes())));
        let mut authorization =
            HeaderValue::from_str(basic.expose()).map_err(|_| "lookup.api_key_sid: no header takes it")?;
        authorization.set_sensitive(true);
        Ok(Self { numbers, authorization, fetcher })
    }
}

impl NumberLookup for TwilioLookup {
    fn look_up<'a>(&'a self, number: &'a PhoneNumber, _: Timestamp) -> BoxFuture<'a, Result<Signals, LookupError>> {
        Box::pin(async move {
            let digits = number.as_e164().trim_start_matches('+');
            let mut url = self.numbers.join(&format!("%2B{digits}")).map_err(|_| LookupError)?;
            url.set_query(Some("Fields=sim_swap,call_forwarding,line_status"));
            let mut request = FetchRequest::get(url);
            request.headers.insert(AUTHORIZATION, self.authorization.clone());
            request.timeout = TIMEOUT;
            let answer = self.fetcher.send(request).await.map_err(|_| LookupError)?;
            let body = answer.status.is_success().then(|| serde_json::from_slice(&answer.body).ok()).flatten();
            body.map(|body| signals(&body)).ok_or(LookupError)
        })
    }
}

/// What of an answer counts. A field that carries an error is not known.
fn signals(answer: &Value) -> Signals {
    let swapped = answer.pointer("/sim_swap/last_sim_swap/last_sim_swap_date").and_then(Value::as_str);
    let swapped = swapped.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let status = answer.pointer("/line_status/status").and_then(Value::as_str);
    Signals {
        swapped_at: swapped.map(|at| Timestamp::from_unix_seconds(at.as_second())),
        forwarded: answer.pointer("/call_forwarding/call_forwarding_enabled").and_then(Value::as_bool),
        active: match status {
            Some("active" | "reachable" | "unreachable") => Some(true),
            Some("inactive") => Some(false),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t1_what_twilio_answers() {
        let answer = serde_json::json!({
            "sim_swap": { "last_sim_swap": { "last_sim_swap_date": "2020-04-27T10:18:50Z", "swapped_in_period": true } },
            "call_forwarding": { "call_forwarding_enabled": true, "error_code": null },
            "line_status": { "status": "inactive", "error_code": null },
        });
        let at = Timestamp::from_unix_seconds(1_587_982_730);
        let expected = Signals { swapped_at: Some(at), forwarded: Some(true), active: Some(false) };
        assert_eq!(signals(&answer), expected);
        let unknown = serde_json::json!({ "sim_swap": { "error_code": 60600, "last_sim_swap": null } });
        assert_eq!(signals(&unknown), Signals::default());
    }
}
