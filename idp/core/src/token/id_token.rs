//! The claims of ID tokens (OpenID Connect Core §2, §3.1.3.6).

use serde::Serialize;

use crate::account::Person;
use crate::grants::GrantTerms;
use crate::id::SessionId;
use crate::oidc::{ClaimsRequest, Scopes, scope_of_claim};
use crate::time::Timestamp;
use crate::token::{Lifetimes, PersonClaims};

/// `aud`: one, or several.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Audience<'a> {
    /// A string.
    One(&'a str),
    /// An array.
    Several(&'a [String]),
}

/// An ID token. What scopes ask for is not in here but at the userinfo endpoint (§5.4), unless the ID token is all that
/// the client gets; what the `claims` parameter asks for in `id_token` always is.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the claim of the same name in OpenID Connect Core §2")]
pub struct IdTokenClaims<'a> {
    pub iss: &'a str,
    pub sub: &'a str,
    pub aud: &'a str,
    /// Seconds since the Unix epoch.
    pub exp: i64,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Seconds since the Unix epoch.
    pub auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub amr: &'a [String],
    pub sid: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s_hash: Option<&'a str>,
    #[serde(flatten)]
    pub requested: PersonClaims<'a>,
}

/// What an ID token is made from.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenFor<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The audience.
    pub client_id: &'a str,
    /// The person.
    pub person: &'a Person,
    /// The person's `sub` as the client sees it.
    pub subject: &'a str,
    /// The session that the grant came from.
    pub session: SessionId,
    /// What held when the grant was made; a refresh changes none of it.
    pub terms: &'a GrantTerms,
    /// The `claims` parameter of the request ([`ClaimsRequest::from_terms`]).
    pub claims: &'a ClaimsRequest,
    /// The hash of the access token beside it (§3.1.3.6), by the hash of the signing algorithm.
    pub at_hash: Option<&'a str>,
    /// When.
    pub now: Timestamp,
    /// For how long.
    pub lifetimes: &'a Lifetimes,
}

/// What stands beside an ID token in an answer of the authorization endpoint, besides the access token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The hash of the code (§3.3.2.11).
    pub c_hash: Option<&'a str>,
    /// The hash of the `state` (Financial-grade API Security Profile 1.0 Part 2 §5.1).
    pub s_hash: Option<&'a str>,
    /// The scopes whose claims are in the ID token: only where no access token is ever given that could ask the userinfo
    /// endpoint for them (§5.4).
    pub scope: Option<&'a Scopes>,
}

impl<'a> IdTokenFor<'a> {
    /// The ID token that comes with a code. `auth_time` is always in it: a session knows it.
    pub fn exchange(self) -> IdTokenClaims<'a> {
        IdTokenClaims {
            iss: self.issuer,
            sub: self.subject,
            aud: self.client_id,
            exp: (self.now + self.lifetimes.id_token()).unix_seconds(),
            iat: self.now.unix_seconds(),
            auth_time: self.terms.auth_time.unix_seconds(),
            nonce: self.terms.nonce.as_deref(),
            acr: self.terms.acr.as_deref(),
            amr: &self.terms.amr,
            sid: self.session,
            at_hash: self.at_hash,
            c_hash: None,
            s_hash: None,
            requested: PersonClaims::select(self.person, |claim| self.claims.in_id_token(claim)),
        }
    }

    /// The ID token of the authorization endpoint (§3.2.2.10, §3.3.2.11): bound to what stands beside it.
    pub fn authorize(self, beside: Beside<'a>) -> IdTokenClaims<'a> {
        let by_scope = |claim: &str| {
            let scope = scope_of_claim(claim);
            beside.scope.is_some_and(|granted| scope.is_some_and(|scope| granted.contains(scope)))
        };
        let wanted = |claim: &str| self.claims.in_id_token(claim) || by_scope(claim);
        IdTokenClaims {
            c_hash: beside.c_hash,
            s_hash: beside.s_hash,
            requested: PersonClaims::select(self.person, wanted),
            ..self.exchange()
        }
    }

    /// The ID token that comes with a refresh: the same authentication, without the `nonce` (§12.2).
    pub fn refresh(self) -> IdTokenClaims<'a> {
        IdTokenClaims { nonce: None, ..self.exchange() }
    }
}
