//! Looks at a request to a protocol endpoint before it is answered, and at the answer afterwards. Handlers know nothing
//! of it.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;
use stepgate_core::clients::requests::{Endpoint, Failure, Outcome, Shown, kept};
use stepgate_core::jose;
use stepgate_core::oidc::rules;

use super::{Observed, failure, key};
use crate::app::App;
use crate::http::oauth_error::Refused;

/// A body that is read ahead; the handlers take less.
const LONGEST_BODY: usize = 2 * 1024 * 1024;

/// The protocol endpoint at a path; `None` where nothing is noted. A login is noted where it ends.
pub fn observed(path: &str) -> Option<Endpoint> {
    let endpoint = Endpoint::at(path).or_else(|| path.starts_with("/register/").then_some(Endpoint::Register));
    endpoint.filter(|endpoint| *endpoint != Endpoint::Login)
}

/// Looks at a request before it is answered.
///
/// # Errors
/// The body is longer than any handler would take; the answer says so.
pub async fn read_ahead(endpoint: Endpoint, request: Request) -> Result<(Sent, Request), Response> {
    let uri = request.uri().clone();
    let authorization = request.headers().get(header::AUTHORIZATION).cloned();
    let (parts, body) = request.into_parts();
    let (body, rest) = if parts.method == Method::POST {
        let read = axum::body::to_bytes(body, LONGEST_BODY).await;
        let bytes = read.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
        (bytes.clone(), Body::from(bytes))
    } else {
        (Bytes::new(), body)
    };
    Ok((Sent { endpoint, uri, authorization, body }, Request::from_parts(parts, rest)))
}

/// What of a request is looked at.
pub struct Sent {
    endpoint: Endpoint,
    uri: Uri,
    authorization: Option<HeaderValue>,
    body: Bytes,
}

/// Notes what became of it.
pub fn note(app: &App, sent: &Sent, response: &Response) {
    let now = app.clock.now();
    let outcome = match response.extensions().get::<Refused>() {
        Some(Refused::Error(error)) => Outcome::Failed(failure(sent.endpoint, error)),
        Some(Refused::Page(detail)) => {
            let rule = rules::of_description(sent.endpoint.as_str(), detail).map(|rule| rule.id.to_owned());
            Outcome::Failed(Failure { error: String::new(), description: detail.clone(), rule })
        }
        None if response.status().is_success() || response.status().is_redirection() => {
            // Before anything is parsed: on the hot paths the same client asks the same thing again and again.
            if !app.requests.due(sent.kind(), now, app.settings.developer.sample()) {
                return;
            }
            Outcome::Answered
        }
        None => return,
    };
    let parameters = sent.parameters();
    let Some(client) = sent.client(&parameters) else { return };
    let keep = |(name, value): &(String, String)| {
        let name: String = name.chars().take(40).collect();
        let value = kept(&name, value);
        (name, value)
    };
    let mut parameters: Vec<_> = parameters.iter().take(40).map(keep).collect();
    if sent.authorization.is_some() && sent.endpoint != Endpoint::Userinfo {
        parameters.push(("Authorization".to_owned(), "given".to_owned()));
    }
    let shown = Shown::default();
    app.requests.push(Observed { at: now, client, endpoint: sent.endpoint, outcome, parameters, shown });
}

impl Sent {
    /// Requests of one kind are alike enough to keep one of them. Sixteen bytes of a form tell its grant type.
    fn kind(&self) -> u64 {
        let endpoint = self.endpoint.as_str().as_bytes();
        let authorization = self.authorization.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
        match self.endpoint {
            Endpoint::Authorize | Endpoint::Par | Endpoint::Logout => {
                // Which parameters were given, and whose request it is, but not their values of the moment.
                let parameters = self.parameters();
                let mut words: Vec<&[u8]> = vec![endpoint, authorization];
                for (name, value) in &parameters {
                    words.push(name.as_bytes());
                    if matches!(name.as_str(), "client_id" | "acr_values" | "response_type" | "prompt" | "scope") {
                        words.push(value.as_bytes());
                    }
                }
                key(&words)
            }
            _ => key(&[endpoint, authorization, self.body.get(..28).unwrap_or(&self.body)]),
        }
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let encoded: &[u8] = if self.body.is_empty() {
            self.uri.query().unwrap_or_default().as_bytes()
        } else if self.body.first() == Some(&b'{') {
            &b""[..]
        } else {
            &self.body
        };
        form_urlencoded::parse(encoded)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// Whose request it says it is. Believed only as far as a log goes.
    fn client(&self, parameters: &[(String, String)]) -> Option<String> {
        let parameter =
            |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if let Some(client) = self.uri.path().strip_prefix("/register/") {
            return Some(client.to_owned());
        }
        let (scheme, credentials) =
            self.authorization.as_ref().and_then(|value| value.to_str().ok()?.split_once(' ')).unzip();
        let credentials = credentials.unwrap_or_default().trim();
        match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("basic") => basic_client(credentials),
            Some("bearer") => claim(credentials),
            _ => parameter("client_id")
                .map(str::to_owned)
                .or_else(|| parameter("client_assertion").and_then(jose::unverified_issuer))
                .or_else(|| parameter("id_token_hint").and_then(claim)),
        }
    }
}

fn basic_client(credentials: &str) -> Option<String> {
    let text = String::from_utf8(BASE64.decode(credentials.as_bytes()).ok()?).ok()?;
    let (id, _) = text.split_once(':')?;
    form_urlencoded::parse(format!("v={id}").as_bytes()).next().map(|(_, value)| value.into_owned())
}

/// Whom a token of ours was issued to, unverified.
#[derive(Deserialize)]
struct IssuedTo {
    client_id: Option<String>,
    aud: Option<serde_json::Value>,
}

fn claim(token: &str) -> Option<String> {
    let payload = BASE64URL_NOPAD.decode(token.split('.').nth(1)?.as_bytes()).ok()?;
    let issued: IssuedTo = serde_json::from_slice(&payload).ok()?;
    issued.client_id.or_else(|| issued.aud?.as_str().map(str::to_owned))
}
