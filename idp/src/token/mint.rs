//! Claims become signed tokens.

use stepgate_core::account::Person;
use stepgate_core::clients::AccessTokenFormat;
use stepgate_core::clients::certificate::Confirmation;
use stepgate_core::entropy::random_token;
use stepgate_core::grants::Grant;
use stepgate_core::jose;
use stepgate_core::oidc::{ClaimsRequest, OAuthError, Scopes, narrow_resource};
use stepgate_core::secret::{SecretString, TokenHash};
use stepgate_core::token::{Beside, IdTokenFor, Issue};
use stepgate_store::Connection;
use stepgate_store::grants::{self, OpaqueToken};

use crate::clients::Registered;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::oauth_error::ProtocolFailure;
use crate::token::protect::{self, Use};

/// An access token for a person's grant, in the form that the client registered.
pub async fn access_token(cx: &Cx, client: &Registered, grant: &Grant, scope: &Scopes) -> Result<String, Fault> {
    let made = make_access_token(cx, client, grant, scope)?;
    made.keep(&cx.app.db.write).await?;
    Ok(made.token.expose().clone())
}

/// An access token that was made but is not in force before it was kept.
pub struct MadeAccessToken {
    /// The token.
    pub token: SecretString,
    row: Option<OpaqueToken>,
}

impl MadeAccessToken {
    /// Puts into the store what it must know about the token: nothing about a JWT.
    pub async fn keep(&self, connection: &impl Connection) -> Result<(), Fault> {
        match &self.row {
            Some(row) => Ok(grants::insert_opaque(connection, row).await?),
            None => Ok(()),
        }
    }
}

/// Makes an access token, to be kept in the transaction that also makes its grant.
pub fn make_access_token(
    cx: &Cx,
    client: &Registered,
    grant: &Grant,
    scope: &Scopes,
) -> Result<MadeAccessToken, Fault> {
    let jti = random_token(cx.entropy());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    let subject = client.subject(cx, grant.person);
    let (resource, bound_to) = (&grant.terms.resource, bound_to(cx, client));
    let issue = Issue { bound_to: bound_to.as_ref(), ..issue(cx, client, scope, resource, &jti, &lifetimes) };
    let claims = issue.for_person(&subject, grant.id, &grant.terms);
    match client.client.metadata.access_token_format {
        AccessTokenFormat::Jwt => {
            Ok(MadeAccessToken { token: SecretString::new(sign(cx, client, "at+jwt", &claims)?), row: None })
        }
        AccessTokenFormat::Opaque => {
            let token = random_token(cx.entropy());
            let row = OpaqueToken {
                hash: TokenHash::of(&token),
                grant: Some(grant.id),
                client: client.client.id.clone(),
                claims: serde_json::to_value(&claims).map_err(Fault::internal)?,
                expires_at: cx.now + lifetimes.access_token(),
            };
            Ok(MadeAccessToken { token: SecretString::new(token), row: Some(row) })
        }
    }
}

/// The grant for the part of its resources that a token request asks for (RFC 8707 §2.2); what is stored stays as it is.
pub fn for_resources(client: &Registered, mut grant: Grant, asked: &[String]) -> Result<Grant, OAuthError> {
    let granted = &grant.terms.resource;
    let within = if granted.is_empty() { &client.client.metadata.audience } else { granted };
    grant.terms.resource = narrow_resource(within, asked)?;
    Ok(grant)
}

/// A JWT access token for the client itself.
pub fn service_token(cx: &Cx, client: &Registered, scope: &Scopes, resource: &[String]) -> Result<String, Fault> {
    let jti = random_token(cx.entropy());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    let bound_to = bound_to(cx, client);
    let issue = Issue { bound_to: bound_to.as_ref(), ..issue(cx, client, scope, resource, &jti, &lifetimes) };
    sign(cx, client, "at+jwt", &issue.for_client())
}

/// The certificate of this connection, for a client whose tokens are bound to one. Whoever authenticated without a
/// certificate was refused before ([`crate::mutual_tls::check_binding`]).
fn bound_to(cx: &Cx, client: &Registered) -> Option<Confirmation> {
    let presented = cx.client_certificate.as_ref()?;
    let wanted = client.client.metadata.tls_client_certificate_bound_access_tokens;
    wanted.then(|| Confirmation { certificate: presented.thumbprint() })
}

fn issue<'a>(
    cx: &'a Cx,
    client: &'a Registered,
    scope: &'a Scopes,
    resource: &'a [String],
    jti: &'a str,
    lifetimes: &'a stepgate_core::token::Lifetimes,
) -> Issue<'a> {
    Issue {
        issuer: cx.app.issuer(),
        audience: if resource.is_empty() { &client.client.metadata.audience } else { resource },
        client_id: &client.client.id,
        scope,
        jti,
        bound_to: None,
        now: cx.now,
        lifetimes,
    }
}

fn sign(cx: &Cx, client: &Registered, typ: &str, claims: &impl serde::Serialize) -> Result<String, Fault> {
    let keys = cx.app.keys();
    let key = keys.signer(client.access_token_algorithm).ok_or_else(|| no_key(client.access_token_algorithm))?;
    key.sign(typ, claims).map_err(Fault::internal)
}

fn no_key(algorithm: jose::SigningAlgorithm) -> Fault {
    Fault::Internal(format!("there is no signing key for {}", algorithm.as_str()))
}

/// For which moment an ID token is made.
#[derive(Clone, Copy)]
pub enum Occasion {
    /// With the code.
    Exchange,
    /// With a refresh.
    Refresh,
}

/// The ID token beside an access token, signed and perhaps encrypted as the client registered.
pub async fn id_token(
    cx: &Cx,
    client: &Registered,
    grant: &Grant,
    person: &Person,
    access_token: &str,
    occasion: Occasion,
) -> Result<String, ProtocolFailure> {
    let at_hash = jose::left_half_hash(client.id_token_algorithm, access_token);
    let shape = match occasion {
        Occasion::Exchange => Shape::Exchange,
        Occasion::Refresh => Shape::Refresh,
    };
    sign_id_token(cx, client, grant, (person, Some(&at_hash)), shape).await
}

/// What an ID token of the authorization endpoint is bound to.
#[derive(Clone, Copy, Default)]
pub struct Bound<'a> {
    /// The code beside it.
    pub code: Option<&'a str>,
    /// The access token beside it.
    pub access_token: Option<&'a str>,
    /// The `state` of the request.
    pub state: Option<&'a str>,
    /// The scopes whose claims it holds itself, because no access token is ever given.
    pub scope: Option<&'a Scopes>,
}

/// The ID token of the authorization endpoint (OpenID Connect Core §3.2.2.10, §3.3.2.11).
pub async fn authorization_id_token(
    cx: &Cx,
    client: &Registered,
    grant: &Grant,
    person: &Person,
    bound: Bound<'_>,
) -> Result<String, ProtocolFailure> {
    let hash = |value: Option<&str>| value.map(|value| jose::left_half_hash(client.id_token_algorithm, value));
    let (at_hash, c_hash, s_hash) = (hash(bound.access_token), hash(bound.code), hash(bound.state));
    let beside = Beside { c_hash: c_hash.as_deref(), s_hash: s_hash.as_deref(), scope: bound.scope };
    sign_id_token(cx, client, grant, (person, at_hash.as_deref()), Shape::Authorize(beside)).await
}

/// Which of its forms an ID token has.
enum Shape<'a> {
    Exchange,
    Refresh,
    Authorize(Beside<'a>),
}

async fn sign_id_token(
    cx: &Cx,
    client: &Registered,
    grant: &Grant,
    (person, at_hash): (&Person, Option<&str>),
    shape: Shape<'_>,
) -> Result<String, ProtocolFailure> {
    let algorithm = client.id_token_algorithm;
    let claims = ClaimsRequest::from_terms(grant.terms.claims.as_ref());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    let subject = client.subject(cx, person.id);
    let parts = IdTokenFor {
        issuer: cx.app.issuer(),
        client_id: &client.client.id,
        person,
        subject: &subject,
        session: grant.session,
        terms: &grant.terms,
        claims: &claims,
        at_hash,
        now: cx.now,
        lifetimes: &lifetimes,
    };
    let claims = match shape {
        Shape::Exchange => parts.exchange(),
        Shape::Refresh => parts.refresh(),
        Shape::Authorize(beside) => parts.authorize(beside),
    };
    protect::seal_for(cx, client, Use::IdToken, &claims).await
}
