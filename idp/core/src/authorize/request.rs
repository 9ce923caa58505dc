//! The third stage of a request: everything about it is settled but who the person is.

use serde::{Deserialize, Serialize};

use crate::authorize::checks::{granted_claims, granted_scope, requested_subject};
use crate::authorize::{
    AuthorizationResponse, Context, Given, Hint, HintedSubject, PageError, ParsedAuthorization, RegisteredRedirect,
};
use crate::clients::Client;
use crate::id::PushedRequestId;
use crate::oidc::{ClaimsRequest, CodeChallenge, Display, OAuthError, PromptSet, ResponseMode, ResponseType, Scopes};
use crate::time::Timestamp;

/// A validated authorization request, as an interaction keeps it.
///
/// The redirect URI is kept as text and looked up again among the client's whenever an answer is made: what was stored
/// proves nothing, and a URI that was unregistered meanwhile gets no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is the protocol's parameter of the same name")]
pub struct AuthorizationRequest {
    pub client_id: String,
    redirect_uri: String,
    pub response_type: ResponseType,
    pub response_mode: ResponseMode,
    /// The scopes that can be granted: those asked for that the client registered.
    pub scope: Scopes,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<CodeChallenge>,
    pub prompt: PromptSet,
    /// Seconds; the client's `default_max_age` when the request has none.
    pub max_age: Option<u64>,
    /// Whether the ID token must carry `auth_time` (OpenID Connect Core §2).
    pub auth_time_wanted: bool,
    pub login_hint: Option<String>,
    pub hinted_subject: Option<HintedSubject>,
    /// Best first; the client's `default_acr_values` when the request asks for no acr.
    pub acr_values: Vec<String>,
    pub claims: ClaimsRequest,
    pub display: Display,
    pub ui_locales: Vec<String>,
    /// What access tokens shall be for (RFC 8707).
    #[serde(default)]
    pub resource: Vec<String>,
    /// The pushed request that this was: used up when the authorization completes (RFC 9126 §4).
    #[serde(default)]
    pub pushed: Option<PushedRequestId>,
    pub received_at: Timestamp,
}

impl AuthorizationRequest {
    /// Puts together what the checks let pass.
    pub(super) fn from_checked(
        parsed: ParsedAuthorization,
        client: &Client,
        redirect: &RegisteredRedirect,
        context: &Context<'_>,
    ) -> Self {
        let hinted = match context.hint {
            Hint::Verified(subject) => Some(subject),
            Hint::Absent | Hint::Refused => None,
        };
        let asked = requested_subject(&parsed.claims, context).ok().flatten();
        let acr_values = if parsed.acr_values.is_empty() && parsed.claims.acr().is_none() {
            client.metadata.default_acr_values.clone()
        } else {
            parsed.acr_values
        };
        let max_age = parsed.max_age.or(client.metadata.default_max_age);
        let essential = parsed.claims.of_id_token("auth_time").is_some_and(|demand| demand.essential);
        Self {
            client_id: client.id.clone(),
            redirect_uri: redirect.as_str().to_owned(),
            response_type: parsed.response_type.unwrap_or(ResponseType::Code),
            response_mode: parsed.response_mode,
            scope: granted_scope(&parsed.scope, client, parsed.response_type),
            state: parsed.state,
            nonce: parsed.nonce,
            code_challenge: parsed.code_challenge,
            prompt: parsed.prompt,
            max_age,
            auth_time_wanted: max_age.is_some() || essential || client.metadata.require_auth_time,
            login_hint: parsed.login_hint,
            hinted_subject: hinted.or(asked),
            acr_values,
            claims: granted_claims(parsed.claims, client),
            display: parsed.display,
            ui_locales: parsed.ui_locales,
            // Each once, in the order of registration.
            resource: client
                .metadata
                .audience
                .iter()
                .filter(|known| parsed.resource.contains(known))
                .cloned()
                .collect(),
            pushed: context.arrival.pushed,
            received_at: context.now,
        }
    }

    /// The redirect URI of the request; the code exchange must repeat it. To send a browser there takes
    /// [`AuthorizationRequest::redirect`].
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The way back to the client, if it is still the client's.
    ///
    /// # Errors
    /// [`PageError::UnregisteredRedirectUri`], or [`PageError::UnknownClient`] when `client` is another one.
    pub fn redirect(&self, client: &Client) -> Result<RegisteredRedirect, PageError> {
        if client.id != self.client_id {
            return Err(PageError::UnknownClient);
        }
        RegisteredRedirect::of(client, &self.redirect_uri)
    }

    /// The answer that carries what was issued.
    ///
    /// # Errors
    /// As [`AuthorizationRequest::redirect`].
    pub fn answer(&self, client: &Client, given: Given<'_>, issuer: &str) -> Result<AuthorizationResponse, PageError> {
        let redirect = self.redirect(client)?;
        Ok(AuthorizationResponse::given(redirect, self.response_mode, given, self.state.as_deref(), issuer))
    }

    /// The answer that carries an error.
    ///
    /// # Errors
    /// As [`AuthorizationRequest::redirect`].
    pub fn answer_error(
        &self,
        client: &Client,
        error: &OAuthError,
        issuer: &str,
    ) -> Result<AuthorizationResponse, PageError> {
        let redirect = self.redirect(client)?;
        Ok(AuthorizationResponse::error(redirect, self.response_mode, error, self.state.as_deref(), issuer))
    }

    /// Whether the client wants an ID token: OpenID Connect, not plain OAuth 2.0.
    pub fn is_openid(&self) -> bool {
        self.scope.contains("openid")
    }

    /// Whether the client wants a refresh token (OpenID Connect Core §11).
    pub fn wants_offline_access(&self) -> bool {
        self.scope.contains("offline_access")
    }
}
