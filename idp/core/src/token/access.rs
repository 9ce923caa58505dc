//! The claims of JWT access tokens (RFC 9068 §2.2).

use serde::{Deserialize, Serialize};

use crate::clients::certificate::Confirmation;
use crate::grants::GrantTerms;
use crate::id::GrantId;
use crate::jose;
use crate::oidc::Scopes;
use crate::time::Timestamp;
use crate::token::{Audience, Lifetimes};

/// An access token for a person's resources.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the claim of the same name in RFC 9068 §2.2")]
pub struct AccessTokenClaims<'a> {
    pub iss: &'a str,
    pub sub: &'a str,
    pub aud: Audience<'a>,
    pub client_id: &'a str,
    pub scope: &'a Scopes,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Seconds since the Unix epoch.
    pub exp: i64,
    pub jti: &'a str,
    /// Seconds since the Unix epoch.
    pub auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub amr: &'a [String],
    /// The certificate that it is bound to (RFC 8705 §3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<&'a Confirmation>,
    /// Stepgate's own: the grant that it hangs on, so that revoking the grant is seen without storing tokens.
    pub gid: GrantId,
}

/// An access token for a client's own resources (RFC 6749 §4.4). Its `sub` is the client (RFC 9068 §2.2).
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the claim of the same name in RFC 9068 §2.2")]
pub struct ServiceTokenClaims<'a> {
    pub iss: &'a str,
    pub sub: &'a str,
    pub aud: Audience<'a>,
    pub client_id: &'a str,
    #[serde(skip_serializing_if = "Scopes::is_empty")]
    pub scope: &'a Scopes,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Seconds since the Unix epoch.
    pub exp: i64,
    pub jti: &'a str,
    /// The certificate that it is bound to (RFC 8705 §3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<&'a Confirmation>,
}

/// What is the same for all access tokens of one answer.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// Who it is for: what was asked for, else the client's registered audiences; the issuer when there are none.
    pub audience: &'a [String],
    /// The client that gets it.
    pub client_id: &'a str,
    /// What it is good for.
    pub scope: &'a Scopes,
    /// A fresh random identifier.
    pub jti: &'a str,
    /// The certificate that it is bound to, if it is to one.
    pub bound_to: Option<&'a Confirmation>,
    /// When.
    pub now: Timestamp,
    /// For how long.
    pub lifetimes: &'a Lifetimes,
}

impl<'a> Issue<'a> {
    fn audience(&self) -> Audience<'a> {
        match self.audience {
            [] => Audience::One(self.issuer),
            [one] => Audience::One(one),
            several => Audience::Several(several),
        }
    }

    fn expiry(&self) -> i64 {
        (self.now + self.lifetimes.access_token()).unix_seconds()
    }

    /// The claims of a token that hangs on a person's grant; `subject` is the person's `sub` as the client sees it.
    pub fn for_person(self, subject: &'a str, grant: GrantId, terms: &'a GrantTerms) -> AccessTokenClaims<'a> {
        AccessTokenClaims {
            iss: self.issuer,
            sub: subject,
            aud: self.audience(),
            client_id: self.client_id,
            scope: self.scope,
            iat: self.now.unix_seconds(),
            exp: self.expiry(),
            jti: self.jti,
            auth_time: terms.auth_time.unix_seconds(),
            acr: terms.acr.as_deref(),
            amr: &terms.amr,
            cnf: self.bound_to,
            gid: grant,
        }
    }

    /// The claims of a token of the client itself.
    pub fn for_client(self) -> ServiceTokenClaims<'a> {
        ServiceTokenClaims {
            iss: self.issuer,
            sub: self.client_id,
            aud: self.audience(),
            client_id: self.client_id,
            scope: self.scope,
            iat: self.now.unix_seconds(),
            exp: self.expiry(),
            jti: self.jti,
            cnf: self.bound_to,
        }
    }
}

/// What our own endpoints read back from an access token whose signature was verified: `/userinfo`, `/introspect`,
/// `/revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "each field is the claim of the same name in RFC 9068 §2.2")]
pub struct PresentedAccessToken {
    pub iss: String,
    pub sub: String,
    pub aud: jose::Audience,
    pub client_id: String,
    #[serde(default)]
    pub scope: Scopes,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    /// The grant that it hangs on; `None` for a token of a client itself.
    #[serde(default)]
    pub gid: Option<GrantId>,
    /// The certificate that it is bound to.
    #[serde(default)]
    pub cnf: Option<Confirmation>,
}

impl PresentedAccessToken {
    /// Whether its time is over at `now`. Our own clock wrote it, so there is no leeway.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.exp <= now.unix_seconds()
    }
}
