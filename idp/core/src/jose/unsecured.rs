//! What a token says of itself before anything is verified, and tokens that nobody signed (RFC 7515 Appendix A.5).

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::JoseError;
use super::strict_json::is_strict_object;

/// The longest token that is looked at, as everywhere else.
const MAX_LENGTH: usize = 16 * 1024;

/// What the header of a token declares. Not verified: good for choosing how to verify, and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The algorithm, as it is written.
    pub alg: String,
    /// The `typ` in lower case, without `application/`.
    pub typ: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
    #[serde(default)]
    b64: Option<IgnoredAny>,
}

fn header(compact: &str) -> Result<Header, JoseError> {
    if compact.len() > MAX_LENGTH {
        return Err(JoseError::Malformed);
    }
    let header = compact.split('.').next().ok_or(JoseError::Malformed)?;
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).map_err(|_| JoseError::Malformed)?;
    if !is_strict_object(&header) {
        return Err(JoseError::Header);
    }
    serde_json::from_slice(&header).map_err(|_| JoseError::Header)
}

/// What a token declares about itself.
///
/// # Errors
/// The header cannot be read.
pub fn declared(compact: &str) -> Result<Declared, JoseError> {
    let header = header(compact)?;
    let typ = header.typ.map(|typ| typ.to_ascii_lowercase());
    let typ = typ.map(|typ| typ.strip_prefix("application/").unwrap_or(&typ).to_owned());
    Ok(Declared { alg: header.alg, typ })
}

/// The claims of a token with `alg: none` and no signature. Anybody can have written them.
///
/// # Errors
/// Everything that is not exactly that.
pub fn read_unsecured<C: DeserializeOwned>(compact: &str) -> Result<C, JoseError> {
    let header = header(compact)?;
    if header.crit.is_some() || header.b64.is_some() {
        return Err(JoseError::Critical);
    }
    if header.alg != "none" {
        return Err(JoseError::Algorithm);
    }
    let mut parts = compact.split('.').skip(1);
    let (Some(payload), Some(""), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(JoseError::Malformed);
    };
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).map_err(|_| JoseError::Malformed)?;
    if !is_strict_object(&payload) {
        return Err(JoseError::Claims);
    }
    serde_json::from_slice(&payload).map_err(|_| JoseError::Claims)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn token(header: &str, payload: &str, signature: &str) -> String {
        format!(
            "{}.{}.{signature}",
            BASE64URL_NOPAD.encode(header.as_bytes()),
            BASE64URL_NOPAD.encode(payload.as_bytes())
        )
    }

    #[test]
    fn only_what_says_none_and_has_no_signature_is_read() {
        let read =
            |header: &str, payload: &str, signature: &str| read_unsecured::<Value>(&token(header, payload, signature));
        assert_eq!(read(r#"{"alg":"none"}"#, r#"{"a":1}"#, ""), Ok(json!({"a": 1})));
        let cases = [
            (r#"{"alg":"none"}"#, r#"{"a":1}"#, "c2ln", JoseError::Malformed),
            (r#"{"alg":"None"}"#, r#"{"a":1}"#, "", JoseError::Algorithm),
            (r#"{"alg":"RS256"}"#, r#"{"a":1}"#, "", JoseError::Algorithm),
            (r#"{"alg":"none","crit":["x"]}"#, r#"{"a":1}"#, "", JoseError::Critical),
            (r#"{"alg":"RS256","alg":"none"}"#, r#"{"a":1}"#, "", JoseError::Header),
            (r#"{"alg":"none"}"#, r#"{"a":1,"a":2}"#, "", JoseError::Claims),
            (r#"{"alg":"none"}"#, "[]", "", JoseError::Claims),
        ];
        for (header, payload, signature, error) in cases {
            assert_eq!(read(header, payload, signature), Err(error), "{header} {payload}");
        }
        for broken in ["", ".", "..", "e30.e30", "e30.e30.", &"a".repeat(MAX_LENGTH + 1)] {
            assert!(read_unsecured::<Value>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_typ_is_compared_without_its_prefix() {
        let typ = |typ: &str| declared(&token(&json!({"alg": "ES256", "typ": typ}).to_string(), "", "")).unwrap().typ;
        assert_eq!(typ("application/OAuth-Authz-Req+JWT").as_deref(), Some("oauth-authz-req+jwt"));
        assert_eq!(typ("JWT").as_deref(), Some("jwt"));
    }
}
