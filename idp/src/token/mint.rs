//! Claims become signed tokens.

use stepgate_core::account::Person;
use stepgate_core::entropy::random_token;
use stepgate_core::grants::Grant;
use stepgate_core::jose;
use stepgate_core::oidc::{ClaimsRequest, Scopes};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;
use stepgate_core::token::{AccessTokenClaims, IdTokenFor, Issue};
use stepgate_store::grants::{self, OpaqueToken};

use crate::clients::Registered;
use crate::cx::Cx;
use crate::fault::Fault;
use stepgate_core::clients::AccessTokenFormat;

/// An access token for a person's grant, in the form that the client registered.
pub async fn access_token(cx: &Cx, client: &Registered, grant: &Grant, scope: &Scopes) -> Result<String, Fault> {
    let jti = random_token(cx.entropy());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    let subject = client.subject(cx, grant.person);
    let claims = issue(cx, client, scope, &jti, &lifetimes).for_person(&subject, grant.id, &grant.terms);
    written(cx, client, grant, &claims, cx.now + lifetimes.access_token()).await
}

/// Signed, or kept under a random name.
async fn written(
    cx: &Cx,
    client: &Registered,
    grant: &Grant,
    claims: &AccessTokenClaims<'_>,
    expires_at: Timestamp,
) -> Result<String, Fault> {
    match client.client.metadata.access_token_format {
        AccessTokenFormat::Jwt => sign(cx, client, "at+jwt", claims),
        AccessTokenFormat::Opaque => {
            let token = random_token(cx.entropy());
            let row = OpaqueToken {
                hash: TokenHash::of(&token),
                grant: Some(grant.id),
                client: client.client.id.clone(),
                claims: serde_json::to_value(claims).map_err(Fault::internal)?,
                expires_at,
            };
            grants::insert_opaque(&cx.app.db.write, &row).await?;
            Ok(token)
        }
    }
}

/// What an exchanged token (RFC 8693) has of its own.
pub struct Exchanged<'a> {
    /// Whom it is for.
    pub audience: &'a [String],
    /// End of life, seconds since the Unix epoch: not beyond that of the token it was exchanged for.
    pub expires_at: i64,
    /// Who acts for the person.
    pub act: Option<&'a serde_json::Value>,
}

/// An access token that hangs on a grant of whichever client.
pub async fn exchanged_token(
    cx: &Cx,
    client: &Registered,
    grant: &Grant,
    scope: &Scopes,
    exchanged: Exchanged<'_>,
) -> Result<String, Fault> {
    let jti = random_token(cx.entropy());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    let subject = client.subject(cx, grant.person);
    let issue = Issue { audience: exchanged.audience, ..issue(cx, client, scope, &jti, &lifetimes) };
    let mut claims = issue.for_person(&subject, grant.id, &grant.terms);
    claims.exp = exchanged.expires_at;
    claims.act = exchanged.act;
    written(cx, client, grant, &claims, Timestamp::from_unix_seconds(exchanged.expires_at)).await
}

/// A JWT access token for the client itself.
pub fn service_token(cx: &Cx, client: &Registered, scope: &Scopes) -> Result<String, Fault> {
    let jti = random_token(cx.entropy());
    let lifetimes = cx.app.settings.tokens.lifetimes();
    sign(cx, client, "at+jwt", &issue(cx, client, scope, &jti, &lifetimes).for_client())
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

/// The ID token beside an access token.
pub fn id_token(
    cx: &Cx,
    client: &Registered,
    grant: &Grant,
    person: &Person,
    access_token: &str,
    occasion: Occasion,
) -> Result<String, Fault> {
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
    let keys = cx.app.keys();
    let key = keys.signer(algorithm).ok_or_else(|| no_key(algorithm))?;
    key.sign("JWT", &claims).map_err(Fault::internal)
}
