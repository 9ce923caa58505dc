//! The claims about a person: which scope and which `claims` member brings which (OpenID Connect Core §5.4, §5.5).

use serde::Serialize;

use crate::account::{Address, Person};
use crate::oidc::{ClaimsRequest, Scopes, scope_of_claim};
use crate::token::Standing;

/// The standard claims of OpenID Connect Core §5.1, selected and borrowed. Unset claims are absent, never empty.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(missing_docs, reason = "each field is the claim of the same name in OpenID Connect Core §5.1")]
pub struct PersonClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<&'a str>,
    /// Seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<&'a Address>,
}

impl<'a> PersonClaims<'a> {
    /// The person's claims that are set and that `wanted` says yes to, by name.
    pub fn select(person: &'a Person, wanted: impl Fn(&str) -> bool) -> Self {
        let claims = &person.claims;
        let text = |name: &str, value: &'a Option<String>| {
            value.as_deref().filter(|value| !value.is_empty()).filter(|_| wanted(name))
        };
        let flag = |name: &str, value: Option<bool>| value.filter(|_| wanted(name));
        // The user ID is what `preferred_username` means, unless another one was set.
        let username = || Some(person.username.as_str()).filter(|_| wanted("preferred_username"));
        Self {
            name: text("name", &claims.name),
            given_name: text("given_name", &claims.given_name),
            family_name: text("family_name", &claims.family_name),
            middle_name: text("middle_name", &claims.middle_name),
            nickname: text("nickname", &claims.nickname),
            preferred_username: text("preferred_username", &claims.preferred_username).or_else(username),
            profile: text("profile", &claims.profile),
            picture: text("picture", &claims.picture),
            website: text("website", &claims.website),
            gender: text("gender", &claims.gender),
            birthdate: text("birthdate", &claims.birthdate),
            zoneinfo: text("zoneinfo", &claims.zoneinfo),
            locale: text("locale", &claims.locale),
            updated_at: Some(person.updated_at.unix_seconds()).filter(|_| wanted("updated_at")),
            email: text("email", &claims.email),
            email_verified: flag("email_verified", claims.email_verified),
            phone_number: text("phone_number", &claims.phone_number),
            phone_number_verified: flag("phone_number_verified", claims.phone_number_verified),
            address: claims.address.as_ref().filter(|address| **address != Address::default() && wanted("address")),
        }
    }
}

/// The answer of the userinfo endpoint (OpenID Connect Core §5.3.2).
#[derive(Clone, Debug, Serialize)]
pub struct UserinfoClaims<'a> {
    /// The same as in the ID token.
    pub sub: &'a str,
    /// About the person.
    #[serde(flatten)]
    pub person: PersonClaims<'a>,
    /// What holds now, as far as `claims` asks for it at this endpoint.
    #[serde(flatten)]
    pub standing: Standing<'a>,
}

/// The claims of a signed answer (§5.3.2).
#[derive(Clone, Debug, Serialize)]
pub struct UserinfoToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The client.
    pub aud: &'a str,
    /// What an unsigned answer says.
    #[serde(flatten)]
    pub claims: &'a UserinfoClaims<'a>,
}

impl<'a> UserinfoClaims<'a> {
    /// What the scopes of the access token and the `claims` parameter of its grant bring. `subject` is the person's
    /// `sub` as the client sees it, `standing` what holds now.
    pub fn of(
        subject: &'a str,
        person: &'a Person,
        scope: &Scopes,
        claims: &ClaimsRequest,
        standing: Standing<'a>,
    ) -> Self {
        let wanted =
            |claim: &str| scope_of_claim(claim).is_some_and(|name| scope.contains(name)) || claims.in_userinfo(claim);
        Self {
            sub: subject,
            person: PersonClaims::select(person, wanted),
            standing: Standing {
                acr: standing.acr.filter(|_| claims.in_userinfo("acr")),
                amr: if claims.in_userinfo("amr") { standing.amr } else { &[] },
                auth_time: standing.auth_time.filter(|_| claims.in_userinfo("auth_time")),
            },
        }
    }
}
