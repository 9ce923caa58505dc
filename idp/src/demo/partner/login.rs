//! The relying party's side of OpenID Connect.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::BoxFuture;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJsonWebKey, CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    TokenResponse as _,
};
use serde_json::Value;

use super::PartnerConfig;
use super::api;

/// Why a login did not work out.
#[derive(Debug, thiserror::Error)]
pub(super) enum RelyingPartyError {
    /// A button that does not exist.
    #[error("there is no such request")]
    Unknown,
    /// The answer does not belong to a request of this browser.
    #[error("state: the answer does not belong to a request of this browser")]
    State,
    /// The answer names another issuer (RFC 9207 §2.4).
    #[error("iss: the answer is from another provider")]
    Issuer,
    /// The provider said no.
    #[error("{error}: {description}")]
    Refused {
        /// `error`.
        error: String,
        /// `error_description`.
        description: String,
        /// The `state`, which was checked.
        state: String,
    },
    /// The provider cannot be reached, or its answer does not hold up.
    #[error("{0}")]
    Protocol(String),
}

fn protocol(what: &str, error: impl std::fmt::Display) -> RelyingPartyError {
    RelyingPartyError::Protocol(format!("{what}: {error}"))
}

/// What to ask the provider for.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    parameters: Vec<(&'static str, String)>,
    to_orders: bool,
}

impl Ask {
    /// What the buttons ask for.
    pub(super) fn named(want: &str) -> Option<Self> {
        let acr = |uri: &str| vec![("acr_values", uri.to_owned())];
        let parameters = match want {
            "plain" => Vec::new(),
            "any-otp" => acr("urn:stepgate:acr:otp"),
            "phone-otp" => acr("urn:stepgate:acr:phone-otp"),
            "mobile-id" => acr("urn:stepgate:acr:mobile-id"),
            "hardware-token" => acr("urn:stepgate:acr:hardware-token"),
            "proofed" => acr("urn:stepgate:acr:otp:proofed"),
            "max-age-0" => vec![("max_age", "0".to_owned())],
            "essential-acr" => {
                let claims = r#"{"id_token":{"acr":{"essential":true,"values":["urn:stepgate:acr:otp"]}}}"#;
                vec![("claims", claims.to_owned())]
            }
            _ => return None,
        };
        Some(Self { parameters, to_orders: false })
    }

    /// What somebody else asks for, who thinks to know who the person is.
    pub(super) fn hinted(login_hint: &str) -> Self {
        let hint = (!login_hint.is_empty()).then(|| ("login_hint", login_hint.to_owned()));
        Self { parameters: hint.into_iter().collect(), to_orders: false }
    }

    /// What the API asked for.
    pub(super) fn orders(acr_values: Option<String>, max_age: Option<String>) -> Self {
        let acr = acr_values.map(|acr| ("acr_values", acr));
        Self { parameters: acr.into_iter().chain(max_age.map(|age| ("max_age", age))).collect(), to_orders: true }
    }
}

/// What must be compared when the browser comes back.
pub(super) struct Pending {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    pub(super) to_orders: bool,
}

/// A person who is logged in to the application.
pub(super) struct Login {
    response: CoreTokenResponse,
    id_token: String,
    /// The ID token's claims.
    pub(super) claims: Value,
    /// The answer of the userinfo endpoint.
    pub(super) userinfo: Value,
    /// The answer of the introspection endpoint.
    pub(super) introspection: Value,
}

impl Login {
    pub(super) fn access_token(&self) -> AccessToken {
        self.response.access_token().clone()
    }

    pub(super) fn can_refresh(&self) -> bool {
        self.response.refresh_token().is_some()
    }
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Carries the library's requests.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = BoxFuture<'c, Result<HttpResponse, reqwest::Error>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(request.try_into()?).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

/// The relying party.
pub(super) struct RelyingParty {
    pub(super) config: PartnerConfig,
    http: Http,
    /// Discovered at first use: the provider may start later.
    metadata: Mutex<Option<Arc<CoreProviderMetadata>>>,
}

impl RelyingParty {
    pub(super) fn new(config: PartnerConfig) -> Self {
        let http = crate::demo::http_client(config.trust.as_deref());
        Self { config, http: Http(http), metadata: Mutex::default() }
    }

    async fn metadata(&self) -> Result<Arc<CoreProviderMetadata>, RelyingPartyError> {
        let known = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|error| protocol("issuer", error))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.http).await;
        let found = Arc::new(found.map_err(|error| protocol("discovery", error))?);
        *self.metadata.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&found));
        Ok(found)
    }

    /// The provider's keys: those that are known, or those of this moment.
    pub(super) async fn keys(&self, fresh: bool) -> Result<Vec<CoreJsonWebKey>, RelyingPartyError> {
        if fresh {
            *self.metadata.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(self.metadata().await?.jwks().keys().clone())
    }

    async fn client(&self) -> Result<Client, RelyingPartyError> {
        let metadata = self.metadata().await?;
        let redirect = format!("{}/callback", self.config.public_url);
        let redirect = RedirectUrl::new(redirect).map_err(|error| protocol("redirect_uri", error))?;
        let (id, secret) = (self.config.client_id.clone(), self.config.client_secret.clone());
        let secret = Some(ClientSecret::new(secret));
        Ok(CoreClient::from_provider_metadata((*metadata).clone(), ClientId::new(id), secret)
            .set_redirect_uri(redirect))
    }

    /// The authorization request.
    pub(super) async fn begin(&self, ask: &Ask) -> Result<(String, Pending), RelyingPartyError> {
        let client = self.client().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut request = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["profile", "email", "orders"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge);
        for (name, value) in &ask.parameters {
            request = request.add_extra_param(*name, value.clone());
        }
        let (url, state, nonce) = request.url();
        Ok((url.to_string(), Pending { state, nonce, verifier, to_orders: ask.to_orders }))
    }

    /// The answer: state and issuer compared, the code exchanged, the ID token verified.
    pub(super) async fn finish(
        &self,
        pending: Pending,
        answer: &HashMap<String, String>,
    ) -> Result<Login, RelyingPartyError> {
        let text = |name: &str| answer.get(name).cloned().unwrap_or_default();
        if text("state") != *pending.state.secret() {
            return Err(RelyingPartyError::State);
        }
        if text("iss") != self.config.issuer {
            return Err(RelyingPartyError::Issuer);
        }
        let Some(code) = answer.get("code") else {
            let (error, description, state) = (text("error"), text("error_description"), text("state"));
            return Err(RelyingPartyError::Refused { error, description, state });
        };
        let client = self.client().await?;
        let request = client
            .exchange_code(AuthorizationCode::new(code.clone()))
            .map_err(|error| protocol("token endpoint", error))?;
        let request = request.set_pkce_verifier(pending.verifier);
        let response = request.request_async(&self.http).await;
        let response = response.map_err(|error| protocol("code exchange", error))?;
        self.verify(&client, response, Some(&pending.nonce)).await
    }

    /// New tokens for old.
    pub(super) async fn refresh(&self, login: Login) -> Result<Login, RelyingPartyError> {
        let client = self.client().await?;
        let token = login.response.refresh_token().map(|token| RefreshToken::new(token.secret().clone()));
        let token = token.ok_or_else(|| protocol("refresh", "there is no refresh token"))?;
        let request = client.exchange_refresh_token(&token).map_err(|error| protocol("token endpoint", error))?;
        let response = request.request_async(&self.http).await;
        self.verify(&client, response.map_err(|error| protocol("refresh", error))?, None).await
    }

    async fn verify(
        &self,
        client: &Client,
        response: CoreTokenResponse,
        nonce: Option<&Nonce>,
    ) -> Result<Login, RelyingPartyError> {
        let id_token = response.id_token().ok_or_else(|| protocol("ID token", "missing"))?;
        let verifier = client.id_token_verifier();
        let as_expected = |given: Option<&Nonce>| match (nonce, given) {
            (Some(sent), Some(given)) if sent.secret() == given.secret() => Ok(()),
            (None, _) => Ok(()),
            _ => Err("the nonce differs".to_owned()),
        };
        let claims = id_token.claims(&verifier, as_expected).map_err(|error| protocol("ID token", error))?;
        if let Some(expected) = claims.access_token_hash() {
            let (algorithm, key) = (id_token.signing_alg(), id_token.signing_key(&verifier));
            let algorithm = algorithm.map_err(|error| protocol("ID token", error))?;
            let key = key.map_err(|error| protocol("ID token", error))?;
            let actual = AccessTokenHash::from_token(response.access_token(), algorithm, key);
            if actual.map_err(|error| protocol("at_hash", error))? != *expected {
                return Err(protocol("at_hash", "does not fit the access token"));
            }
        }
        let subject = claims.subject().clone();
        let request = client.user_info(response.access_token().clone(), Some(subject));
        let request = request.map_err(|error| protocol("userinfo", error))?;
        let userinfo: Result<CoreUserInfoClaims, _> = request.request_async(&self.http).await;
        let userinfo = serde_json::to_value(userinfo.map_err(|error| protocol("userinfo", error))?);
        let raw = id_token.to_string();
        let introspection = api::introspect(&self.http.0, &self.config, response.access_token().secret()).await?;
        Ok(Login {
            claims: payload(&raw),
            id_token: raw,
            userinfo: userinfo.unwrap_or_default(),
            introspection,
            response,
        })
    }

    /// Calls the application's own API.
    pub(super) async fn call_api(&self, token: &AccessToken) -> Result<api::Called, RelyingPartyError> {
        api::call(&self.http.0, &self.config.public_url, token.secret()).await
    }

    /// Where to send the browser to log out at the provider too (RP-Initiated Logout §2).
    pub(super) fn logout_url(&self, login: &Login) -> Option<String> {
        let mut url = url::Url::parse(&format!("{}/logout", self.config.issuer)).ok()?;
        url.query_pairs_mut()
            .append_pair("id_token_hint", &login.id_token)
            .append_pair("post_logout_redirect_uri", &self.config.public_url);
        Some(url.to_string())
    }
}

/// The claims of a token that was verified before.
fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap_or_default();
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
