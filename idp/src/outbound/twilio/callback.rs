//! What Twilio tells and asks us: its signature, and the document that it gets during a call.

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stepgate_core::id::{DeliveryId, MessageId};
use stepgate_core::secret::SecretString;
use url::Url;

use super::escaped;

/// Where a pressed key is posted to.
pub const PATH: &str = "/callbacks/twilio/voice";
/// Where it is told what became of a message.
pub const STATUS_PATH: &str = "/callbacks/twilio/status";

/// The address that a call goes on at. It names the message; the code stays sealed in the store.
pub fn resume_at(issuer: &str, message: MessageId) -> String {
    format!("{issuer}{PATH}?message={message}")
}

/// The address that receipts go to. It names the message at this provider.
pub fn status_at(issuer: &str, delivery: DeliveryId) -> String {
    format!("{issuer}{STATUS_PATH}?delivery={delivery}")
}

/// With what Twilio signs. Which it is says the configuration alone: a header that named it could be forged as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TwilioSignature {
    /// HMAC-SHA-1 under the account's auth token.
    #[default]
    Sha1,
    /// HMAC-SHA-256 under a shared key for webhooks.
    Sha256,
}

/// Whether `signature` is the base64 of the HMAC over the address and the sorted fields of the form, each name followed
/// by its value, the same field twice counting once (Twilio, *Validating Requests*). With and without the port, because
/// Twilio does it either way. In constant time.
pub fn is_signed(
    (key, algorithm): (&str, TwilioSignature),
    url: &str,
    form: &[(String, String)],
    signature: &str,
) -> bool {
    let algorithm = match algorithm {
        TwilioSignature::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        TwilioSignature::Sha256 => hmac::HMAC_SHA256,
    };
    let Ok(tag) = BASE64.decode(signature.as_bytes()) else { return false };
    let mut fields: Vec<&(String, String)> = form.iter().collect();
    fields.sort();
    fields.dedup();
    let fields: String = fields.into_iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
    let mac = hmac::Key::new(algorithm, key.as_bytes());
    let addresses = [Some(url.to_owned()), without_port(url), with_port(url)];
    let holds = |url: &String| hmac::verify(&mac, format!("{url}{fields}").as_bytes(), &tag).is_ok();
    !key.is_empty() && addresses.iter().flatten().any(holds)
}

fn without_port(url: &str) -> Option<String> {
    let mut parsed = Url::parse(url).ok()?;
    parsed.set_port(None).ok()?;
    Some(parsed.into())
}

/// A URL leaves its scheme's own port out; Twilio may have written it.
fn with_port(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let (origin, port) = (parsed.origin().ascii_serialization(), parsed.port_or_known_default()?);
    let rest = url.strip_prefix(&origin)?;
    (parsed.port().is_none()).then(|| format!("{origin}:{port}{rest}"))
}

/// Says `speech`, if there is any, and hangs up. To be sent as `text/xml`.
pub fn say_and_hang_up(speech: Option<&SecretString>) -> SecretString {
    let say = speech.map_or_else(String::new, |speech| format!("<Say>{}</Say>", escaped(speech.expose())));
    SecretString::new(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{say}<Hangup/></Response>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's documentation, and the same under a shared key (made with Twilio's own library).
    #[test]
    fn signatures_are_those_that_twilio_publishes() {
        let form: Vec<(String, String)> = [
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let (sha1, sha256) = (TwilioSignature::Sha1, TwilioSignature::Sha256);
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        let strong = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=";
        assert!(is_signed(("12345", sha1), url, &form, signature));
        assert!(is_signed(("12345", sha256), url, &form, strong));
        let twice = [form.clone(), form.clone()].concat();
        assert!(is_signed(("12345", sha1), url, &twice, signature), "the same field twice counts once");
        assert!(is_signed(("12345", sha1), url, &form, "kvajT1Ptam85bY51eRf/AJRuM3w="), "signed with the port");
        for (key, url, form, signature) in [
            (("12346", sha1), url, form.as_slice(), signature),
            (("12345", sha256), url, &form, signature),
            (("12345", sha1), url, &form, strong),
            (("12345", sha1), "https://mycompany.com/myapp.php?foo=1", &form, signature),
            (
                ("12345", sha1),
                "https://mycompany.com:444/myapp.php?foo=1&bar=2",
                form.get(1..).unwrap_or_default(),
                signature,
            ),
            (("12345", sha1), url, form.get(1..).unwrap_or_default(), signature),
            (("12345", sha1), url, &form, ""),
            (("", sha1), url, &form, signature),
        ] {
            assert!(!is_signed(key, url, form, signature), "{key:?} {url} {signature}");
        }
    }
}
