//! Answers of the introspection endpoint (RFC 7662 §2.2, RFC 9470 §6.2).

use serde::Serialize;

use crate::clients::certificate::Confirmation;
use crate::oidc::Scopes;
use crate::token::Audience;

/// The strength that holds now: at most what the grant says, less when a factor is past its time or a credential gone.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Standing<'a> {
    /// The class that holds; `None` when none does any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    /// The evidence.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub amr: &'a [String],
    /// Seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
}

/// What introspection says about a token.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "made once, written at once, never kept")]
pub enum Introspection<'a> {
    /// Not a token that is good now; why is nobody's business (RFC 7662 §2.2).
    Inactive(Inactive),
    /// A good token.
    Active(Active<'a>),
}

/// `{"active": false}`, and nothing else.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Inactive {
    active: bool,
}

/// The members of an active answer.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "each field is the member of the same name in RFC 7662 §2.2")]
pub struct Active<'a> {
    active: bool,
    pub iss: &'a str,
    pub sub: &'a str,
    pub aud: Audience<'a>,
    pub client_id: &'a str,
    #[serde(skip_serializing_if = "Scopes::is_empty")]
    pub scope: &'a Scopes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<&'a str>,
    pub token_type: &'a str,
    /// Seconds since the Unix epoch.
    pub exp: i64,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<&'a str>,
    /// RFC 8705 §3.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<&'a Confirmation>,
    #[serde(flatten)]
    pub standing: Standing<'a>,
}

/// What is known about a good token; `active` and `token_type` are added.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each field is the member of the same name in RFC 7662 §2.2")]
pub struct GoodToken<'a> {
    pub iss: &'a str,
    pub sub: &'a str,
    pub aud: Audience<'a>,
    pub client_id: &'a str,
    pub scope: &'a Scopes,
    pub username: Option<&'a str>,
    /// Seconds since the Unix epoch.
    pub exp: i64,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    pub jti: Option<&'a str>,
    pub cnf: Option<&'a Confirmation>,
    pub standing: Standing<'a>,
}

/// The claims of a signed answer (RFC 9701 §5). No `sub` and no `exp`: it must not pass for an access token.
#[derive(Clone, Debug, Serialize)]
pub struct IntrospectionToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The resource server that asked.
    pub aud: &'a str,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// The answer.
    pub token_introspection: &'a Introspection<'a>,
}

impl<'a> Introspection<'a> {
    /// The answer for everything that is not a good token of the asker's concern.
    pub const fn inactive() -> Self {
        Self::Inactive(Inactive { active: false })
    }

    /// The answer for a good token.
    pub const fn active(token: GoodToken<'a>) -> Self {
        Self::Active(Active {
            active: true,
            iss: token.iss,
            sub: token.sub,
            aud: token.aud,
            client_id: token.client_id,
            scope: token.scope,
            username: token.username,
            token_type: "Bearer",
            exp: token.exp,
            iat: token.iat,
            jti: token.jti,
            cnf: token.cnf,
            standing: token.standing,
        })
    }
}
