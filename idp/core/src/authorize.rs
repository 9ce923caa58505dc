//! The authorization endpoint's decisions: a raw request becomes a parsed one, then a validated one; an interaction
//! says how far a person got with it; `next` chooses the step.
//!
//! Owns the way back to a client: a [`RegisteredRedirect`] can only be made here, and only from a registered URI, so
//! whatever fails before the URI is known to be the client's ends on a page. Never authenticates anybody.

mod arrival;
mod hint;
mod parsed;
mod redirect;
mod response;
mod checks;
mod request;
pub mod request_object;
mod consent;
mod device;
mod portal;
pub mod interaction;
pub mod next;

pub use arrival::{Arrival, check_references, pushed_reference};
pub use consent::{claim_of, is_covered};
pub use device::{DEVICE_GRANT, DeviceRequest, UserCode};
pub use hint::{Hint, HintedSubject};
pub use interaction::{Interaction, Purpose, Stage};
pub use next::{NextStep, next};
pub use parsed::ParsedAuthorization;
pub use redirect::RegisteredRedirect;
pub use request::AuthorizationRequest;
pub use response::{AuthorizationResponse, Delivery, Given, GivenAccessToken};

use crate::clients::Client;
use crate::id::PersonId;
use crate::oidc::params::RawAuthorization;
use crate::oidc::{ErrorCode, OAuthError, ResponseMode, ResponseType};
use crate::time::Timestamp;

/// Why a request ends on a page of ours: there is nobody that it may be sent back to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The parameters cannot be read.
    #[error("{0}")]
    Malformed(OAuthError),
    /// No `client_id`.
    #[error("client_id: missing")]
    MissingClientId,
    /// No such client.
    #[error("client_id: names no registered client")]
    UnknownClient,
    /// The client was switched off.
    #[error("client_id: the client is switched off")]
    ClientDisabled,
    /// No `redirect_uri`; OpenID Connect Core §3.1.2.1 requires it.
    #[error("redirect_uri: missing")]
    MissingRedirectUri,
    /// The client did not register the URI.
    #[error("redirect_uri: not registered for this client")]
    UnregisteredRedirectUri,
}

/// For a client that asks directly and has no browser to show a page in.
impl From<PageError> for OAuthError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Malformed(error) => error,
            other => Self::new(ErrorCode::InvalidRequest, other.to_string()),
        }
    }
}

/// Why a request goes no further, and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The person, on a page.
    Page(PageError),
    /// The client, by a redirect.
    Client {
        /// What travels.
        response: AuthorizationResponse,
        /// Why, for the log.
        error: OAuthError,
    },
}

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

/// What a request is judged by, besides itself and its client.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The issuer, for the answer's `iss` (RFC 9207).
    pub issuer: &'a str,
    /// How the request came.
    pub arrival: Arrival,
    /// The response types that the deployment offers.
    pub response_types: &'a [ResponseType],
    /// Whether the deployment takes pushed requests only (RFC 9126 §5).
    pub pushed_only: bool,
    /// The scopes that the deployment knows. Others are dropped, unless the client registered them.
    pub supported_scopes: &'a [String],
    /// What became of the `id_token_hint`.
    pub hint: Hint,
    /// The person behind a `sub` as the client sees it.
    pub person_of: &'a (dyn Fn(&str) -> Option<PersonId> + Sync),
    /// The time of the request.
    pub now: Timestamp,
}

/// Judges an authorization request. `client` is what the store holds under the request's `client_id`.
///
/// # Errors
/// [`Refusal::Page`] until the redirect URI is known to be the client's, [`Refusal::Client`] from then on.
pub fn validate(
    raw: &RawAuthorization,
    client: Option<&Client>,
    context: &Context<'_>,
) -> Result<AuthorizationRequest, Refusal> {
    let (client, redirect) = way_back(raw, client)?;
    let judged = ParsedAuthorization::parse(raw).and_then(|parsed| {
        checks::run(&checks::Case { parsed: &parsed, client, context })?;
        Ok(AuthorizationRequest::from_checked(parsed, client, &redirect, context))
    });
    judged.map_err(|error| refusal(raw, redirect, error, context.issuer))
}

/// The client of a request and its redirect URI, once both are known to belong together.
fn way_back<'a>(
    raw: &RawAuthorization,
    client: Option<&'a Client>,
) -> Result<(&'a Client, RegisteredRedirect), PageError> {
    let client_id = raw.client_id.as_deref().ok_or(PageError::MissingClientId)?;
    let client = client.filter(|client| client.id == client_id).ok_or(PageError::UnknownClient)?;
    if client.disabled_at.is_some() {
        return Err(PageError::ClientDisabled);
    }
    let redirect_uri = raw.redirect_uri.as_deref().ok_or(PageError::MissingRedirectUri)?;
    let redirect = RegisteredRedirect::of(client, redirect_uri)?;
    Ok((client, redirect))
}

fn refusal(raw: &RawAuthorization, redirect: RegisteredRedirect, error: OAuthError, issuer: &str) -> Refusal {
    let mode = ResponseMode::for_error(raw.response_mode.as_deref(), raw.response_type.as_deref());
    let response = AuthorizationResponse::error(redirect, mode, &error, raw.state.as_deref(), issuer);
    Refusal::Client { response, error }
}

/// Refuses a request whose real parameters could not be had (a bad request object, an unknown reference): to the
/// client where what stands beside it leads back there, else on a page that says the same.
pub fn refuse(raw: &RawAuthorization, client: Option<&Client>, error: OAuthError, issuer: &str) -> Refusal {
    match way_back(raw, client) {
        Ok((_, redirect)) => refusal(raw, redirect, error, issuer),
        Err(PageError::MissingRedirectUri) => Refusal::Page(PageError::Malformed(error)),
        Err(page) => Refusal::Page(page),
    }
}

#[cfg(test)]
mod tests;
