//! The second stage of a request: each parameter is read by its own grammar, nothing is weighed against the client.

use crate::oidc::params::RawAuthorization;
use crate::oidc::{ClaimsRequest, CodeChallenge, Display, OAuthError, PromptSet, ResponseMode, ResponseType, Scopes};

/// An authorization request whose parameters are well-formed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is the protocol's parameter of the same name")]
pub struct ParsedAuthorization {
    pub response_type: Option<ResponseType>,
    pub response_mode: ResponseMode,
    pub scope: Scopes,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<CodeChallenge>,
    pub prompt: PromptSet,
    /// Seconds.
    pub max_age: Option<u64>,
    pub display: Display,
    pub ui_locales: Vec<String>,
    pub login_hint: Option<String>,
    pub acr_values: Vec<String>,
    pub claims: ClaimsRequest,
    pub resource: Vec<String>,
    /// Whether it was given at all: only a refusal answers it.
    pub registration: bool,
}

impl ParsedAuthorization {
    /// Reads each parameter.
    ///
    /// # Errors
    /// The first parameter that is malformed.
    pub fn parse(raw: &RawAuthorization) -> Result<Self, OAuthError> {
        let response_type = raw.response_type.as_deref().map(ResponseType::parse).transpose()?;
        // Claims are kept in one language: a wish for others is read, and has no effect (OpenID Connect Core §5.2).
        words("claims_locales", raw.claims_locales.as_deref(), 500)?;
        Ok(Self {
            registration: raw.registration.is_some(),
            response_type,
            response_mode: ResponseMode::parse(raw.response_mode.as_deref(), response_type)?,
            scope: Scopes::parse(raw.scope.as_deref().unwrap_or_default())?,
            state: limited("state", raw.state.as_deref(), 4096)?,
            nonce: limited("nonce", raw.nonce.as_deref(), 1024)?,
            code_challenge: parse_challenge(raw)?,
            prompt: PromptSet::parse(raw.prompt.as_deref())?,
            max_age: raw.max_age.as_deref().map(parse_max_age).transpose()?,
            display: Display::parse(raw.display.as_deref()),
            ui_locales: words("ui_locales", raw.ui_locales.as_deref(), 500)?,
            login_hint: limited("login_hint", raw.login_hint.as_deref(), 320)?,
            acr_values: words("acr_values", raw.acr_values.as_deref(), 2048)?,
            resource: raw.resource.clone(),
            claims: raw.claims.as_deref().map(ClaimsRequest::parse).transpose()?.unwrap_or_default(),
        })
    }
}

/// RFC 7636 §4.3: without a method the challenge would be `plain`, which only hides from those who do not look.
fn parse_challenge(raw: &RawAuthorization) -> Result<Option<CodeChallenge>, OAuthError> {
    match (raw.code_challenge.as_deref(), raw.code_challenge_method.as_deref()) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) => Ok(Some(CodeChallenge::parse(challenge)?)),
        (None, Some(_)) => Err(OAuthError::invalid("code_challenge", "missing, though code_challenge_method is given")),
        (Some(_), _) => Err(OAuthError::invalid("code_challenge_method", "only S256 is supported")),
    }
}

fn parse_max_age(text: &str) -> Result<u64, OAuthError> {
    let fault = || OAuthError::invalid("max_age", "must be a whole number of seconds, zero or more");
    // `u64` would also read a plus sign.
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().map_err(|_| fault()) } else { Err(fault()) }
}

/// A text of at most `longest` bytes.
fn limited(parameter: &str, text: Option<&str>, longest: usize) -> Result<Option<String>, OAuthError> {
    match text {
        Some(text) if text.len() > longest => {
            Err(OAuthError::invalid(parameter, &format!("longer than {longest} bytes")))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

/// Words separated by spaces.
fn words(parameter: &str, text: Option<&str>, longest: usize) -> Result<Vec<String>, OAuthError> {
    let text = limited(parameter, text, longest)?.unwrap_or_default();
    Ok(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
}
