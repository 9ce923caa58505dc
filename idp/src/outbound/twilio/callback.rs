//! What Twilio asks us during a call: its signature, and the document that it gets.

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use stepgate_core::id::MessageId;
use stepgate_core::secret::SecretString;

use super::escaped;

/// Where a pressed key is posted to.
pub const PATH: &str = "/callbacks/twilio/voice";

/// The address that a call goes on at. It names the message; the code stays sealed in the store.
pub fn resume_at(issuer: &str, message: MessageId) -> String {
    format!("{issuer}{PATH}?message={message}")
}

/// Whether `signature` is the base64 of HMAC-SHA1, keyed with the account's auth token, over the address and the sorted
/// fields of the form, each name followed by its value (Twilio, *Validating Requests*). In constant time.
pub fn is_signed(auth_token: &str, url: &str, form: &[(String, String)], signature: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    let mut fields: Vec<&(String, String)> = form.iter().collect();
    fields.sort();
    let mut signed = url.to_owned();
    for (name, value) in fields {
        signed.push_str(name);
        signed.push_str(value);
    }
    let tag = BASE64.decode(signature.as_bytes());
    !auth_token.is_empty() && tag.is_ok_and(|tag| hmac::verify(&key, signed.as_bytes(), &tag).is_ok())
}

/// Says `speech`, if there is any, and hangs up. To be sent as `text/xml`.
pub fn say_and_hang_up(speech: Option<&SecretString>) -> SecretString {
    let say = speech.map_or_else(String::new, |speech| format!("<Say>{}</Say>", escaped(speech.expose())));
    SecretString::new(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{say}<Hangup/></Response>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's documentation.
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
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert!(is_signed("12345", url, &form, signature));
        assert!(!is_signed("12346", url, &form, signature));
        assert!(!is_signed("12345", "https://mycompany.com/myapp.php?foo=1", &form, signature));
        assert!(!is_signed("12345", url, form.get(1..).unwrap_or_default(), signature));
        assert!(!is_signed("12345", url, &form, "") && !is_signed("", url, &form, signature));
    }
}
