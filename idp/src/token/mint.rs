//! Claims become signed tokens.

use stepgate_core::account::Person;
use stepgate_core::clients::AccessTokenFormat;
use stepgate_core::clients::certificate::Confirmation;
use stepgate_core::entropy::random_token;
use stepgate_core::grants::Grant;
use stepgate_core::jose;
use stepgate_core::oidc::{ClaimsRequest, Scopes};
use stepgate_core::secret::TokenHash;
use stepgate_core::token::{IdTokenFor, Issue};
use stepgate_store::grants::{self, OpaqueToken};

use crate::clients::Registered;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::oauth_error::ProtocolFailure;
use crate::token::protect::{self, Use};

/// An access token for a person's grant, in the form that the client registered.
pub async fn access_token(cx: &Cx, client: &Registered, grant: &Grant, scope: &Scopes) -> Result<String, Fault> {
    let jti = random_token(cx.entropy());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    let subject = client.subject(cx, grant.person);
    let bound_to = bound_to(cx, client);
    let issue = Issue { bound_to: bound_to.as_ref(), ..issue(cx, client, scope, &jti, &lifetimes) };
    let claims = issue.for_person(&subject, grant.id, &grant.terms);
    match client.client.metadata.access_token_format {
        AccessTokenFormat::Jwt => sign(cx, client, "at+jwt", &claims),
        AccessTokenFormat::Opaque => {
            let token = random_token(cx.entropy());
            let row = OpaqueToken {
                hash: TokenHash::of(&token),
                grant: Some(grant.id),
                client: client.client.id.clone(),
                claims: serde_json::to_value(&claims).map_err(Fault::internal)?,
                expires_at: cx.now + lifetimes.access_token(),
            };
            grants::insert_opaque(&cx.app.db.write, &row).await?;
            Ok(token)
        }
    }
}

/// A JWT access token for the client itself.
pub fn service_token(cx: &Cx, client: &Registered, scope: &Scopes) -> Result<String, Fault> {
    let jti = random_token(cx.entropy());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    let bound_to = bound_to(cx, client);
    let issue = Issue { bound_to: bound_to.as_ref(), ..issue(cx, client, scope, &jti, &lifetimes) };
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
    jti: &'a str,
    lifetimes: &'a stepgate_core::token::Lifetimes,
) -> Issue<'a> {
    Issue {
        issuer: cx.app.issuer(),
        audience: &client.client.metadata.audience,
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
    let algorithm = client.id_token_algorithm;
    let at_hash = jose::left_half_hash(algorithm, access_token);
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
        at_hash: Some(&at_hash),
        now: cx.now,
        lifetimes: &lifetimes,
    };
    let claims = match occasion {
        Occasion::Exchange => parts.exchange(),
        Occasion::Refresh => parts.refresh(),
    };
    protect::seal_for(cx, client, Use::IdToken, &claims).await
}
