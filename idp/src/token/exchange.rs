//! `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): an access token becomes one for what stands behind the
//! client that received it.
//!
//! The new token hangs on the same grant, so revocation reaches it, and never says more about strength than the token
//! that it was exchanged for: what held then and still holds now.

use serde::Serialize;
use serde_json::{Value, json};
use stepgate_core::assurance::{self, Decision, FactorEvent, Method, Requirement};
use stepgate_core::clients::Client;
use stepgate_core::grants::Grant;
use stepgate_core::oidc::params::RawTokenExchange;
use stepgate_core::oidc::{ErrorCode, OAuthError, Scopes};
use stepgate_core::secret::SecretString;
use stepgate_core::token::PresentedAccessToken;
use stepgate_store::grants::GrantStanding;

use super::mint::{self, Exchanged};
use crate::access::{self, Good};
use crate::audit::{self, Event};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::standing;

/// The grant type.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// How many may act for one another in a row.
const LONGEST_CHAIN: usize = 5;

/// A successful answer (RFC 8693 §2.2.1). No `Debug`: it holds the token.
#[derive(Serialize)]
pub struct ExchangedToken {
    access_token: String,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: u64,
    scope: Scopes,
}

/// Exchanges a token. That one of the two tokens is not good enough is an `invalid_request` (RFC 8693 §2.2.2).
pub async fn exchange(cx: &Cx, client: &Registered, raw: &RawTokenExchange) -> Result<ExchangedToken, ProtocolFailure> {
    if client.client.is_public() {
        let text = "a public client cannot exchange tokens: anybody could";
        return Err(OAuthError::parameter(ErrorCode::UnauthorizedClient, "client_id", text).into());
    }
    check_types(raw)?;
    let audience = audience(cx, &client.client, raw)?;
    let (subject, found) = subject(cx, client, raw).await?;
    let scope = scope(&subject, &client.client, raw.scope.as_deref())?;
    let grant = strength(cx, client, (&subject, &found), &scope)?;
    let act = actor(cx, client, &subject, raw.actor_token.as_ref()).await?;
    let expires_at = subject.exp.min((cx.now + cx.app.settings.tokens.lifetimes().access_token()).unix_seconds());
    let exchanged = Exchanged { audience: &audience, expires_at, act: act.as_ref() };
    let access_token = mint::exchanged_token(cx, client, &grant, &scope, exchanged).await?;
    let event = Event::new("token.exchanged").to(grant.person).session(grant.session).client(&client.client.id);
    let event = event.data(json!({
        "issued_to": subject.client_id, "audience": audience, "scope": scope, "acr": grant.terms.acr,
    }));
    audit::record(cx, &cx.app.db.write, event).await?;
    Ok(ExchangedToken {
        access_token,
        issued_token_type: ACCESS_TOKEN,
        token_type: "Bearer",
        expires_in: expires_at.saturating_sub(cx.now.unix_seconds()).unsigned_abs(),
        scope,
    })
}

fn check_types(raw: &RawTokenExchange) -> Result<(), OAuthError> {
    let must = |name: &str, given: Option<&str>| match given {
        Some(ACCESS_TOKEN) => Ok(()),
        Some(_) => Err(OAuthError::invalid(name, &format!("must be {ACCESS_TOKEN}"))),
        None => Err(OAuthError::invalid(name, "missing")),
    };
    must("subject_token_type", raw.subject_token_type.as_deref())?;
    must("requested_token_type", Some(raw.requested_token_type.as_deref().unwrap_or(ACCESS_TOKEN)))?;
    match (&raw.actor_token, &raw.actor_token_type) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid("actor_token_type", "given without an actor_token")),
        (Some(_), given) => must("actor_token_type", given.as_deref()),
    }
}

/// Whom the new token is for: what is asked for, of what the client registered; all of that when nothing is.
fn audience(cx: &Cx, client: &Client, raw: &RawTokenExchange) -> Result<Vec<String>, OAuthError> {
    let own = [cx.app.issuer().to_owned()];
    let registered = if client.metadata.audience.is_empty() { &own[..] } else { &client.metadata.audience[..] };
    let asked: Vec<_> = [("resource", &raw.resource), ("audience", &raw.audience)]
        .into_iter()
        .filter_map(|(name, given)| given.as_ref().map(|given| (name, given)))
        .collect();
    if asked.is_empty() {
        return Ok(registered.to_vec());
    }
    let mut audience = Vec::new();
    for (name, given) in asked {
        if !registered.contains(given) {
            let text = "is not among the audiences that the client registered";
            return Err(OAuthError::parameter(ErrorCode::InvalidTarget, name, text));
        }
        if !audience.contains(given) {
            audience.push(given.clone());
        }
    }
    Ok(audience)
}

fn unfit(text: &str) -> OAuthError {
    OAuthError::invalid("subject_token", text)
}

/// The token that is exchanged: good, a person's, and this client's business.
async fn subject(
    cx: &Cx,
    client: &Registered,
    raw: &RawTokenExchange,
) -> Result<(PresentedAccessToken, Box<GrantStanding>), ProtocolFailure> {
    let token = raw.subject_token.as_ref().ok_or_else(|| unfit("missing"))?;
    match access::find(cx, token.expose()).await? {
        Some(Good::Person { token, standing }) if concerns(&client.client, &token) => Ok((token, standing)),
        Some(Good::Person { .. }) => Err(unfit("was neither issued to this client nor is it the audience").into()),
        Some(Good::Service(_)) => Err(unfit("is about no person").into()),
        None => Err(unfit("is unknown, expired or revoked").into()),
    }
}

/// Whether the token was issued to the client, or is meant for it.
fn concerns(client: &Client, token: &PresentedAccessToken) -> bool {
    let mut meant_for = client.metadata.audience.iter().chain([&client.id]);
    token.client_id == client.id || meant_for.any(|audience| token.aud.contains(audience))
}

/// What is asked for, of what the token and the client both may; all of that when nothing is. An exchanged token cannot
/// be refreshed, so it holds no `offline_access`.
fn scope(subject: &PresentedAccessToken, client: &Client, asked: Option<&str>) -> Result<Scopes, OAuthError> {
    let registered = Scopes::parse(&client.metadata.scope)?;
    let common = subject.scope.iter().filter(|scope| registered.contains(scope) && *scope != "offline_access");
    let common: Scopes = common.collect();
    let refuse = |text: &str| OAuthError::parameter(ErrorCode::InvalidScope, "scope", text);
    let scope = match asked.map(Scopes::parse).transpose()?.filter(|asked| !asked.is_empty()) {
        None => common,
        Some(asked) if common.covers(&asked) => asked,
        Some(_) => return Err(refuse("goes beyond the subject_token, or beyond what the client registered")),
    };
    if scope.is_empty() { Err(refuse("the subject_token and the client have none in common")) } else { Ok(scope) }
}

/// The grant with no more strength than the token said and than stands now; refused where the client's floors are not
/// met by that.
fn strength(
    cx: &Cx,
    client: &Registered,
    (subject, found): (&PresentedAccessToken, &GrantStanding),
    scope: &Scopes,
) -> Result<Grant, OAuthError> {
    let mut grant = found.grant.clone();
    let holds = standing::strength(cx, found).filter(|_| subject.acr == grant.terms.acr);
    if holds.is_none() {
        grant.terms.acr = None;
        grant.terms.amr = Vec::new();
    }
    let scopes: Vec<String> = scope.iter().map(str::to_owned).collect();
    let floors = client.floors_for(&scopes);
    // Only what the token rests on counts: what the person has shown since is not in it. A token that says nothing about
    // strength stands for a login, and no more.
    let mut events = found.session.events.clone();
    let counts = |event: &FactorEvent| holds.is_some() || event.method == Method::Password;
    events.retain(|event| event.at <= grant.terms.auth_time && counts(event));
    let requirement = Requirement::of_floors(&cx.app.catalogue, &floors, cx.now);
    let requirement = requirement.map_err(|error| OAuthError::new(ErrorCode::InvalidRequest, error.to_string()))?;
    let holdings = standing::holdings(cx, found);
    match assurance::decide(&cx.app.catalogue, &requirement, &events, &holdings, cx.now) {
        Decision::Satisfied(_) => Ok(grant),
        _ => Err(unfit("does not have the strength that this application demands")),
    }
}

/// Who acts for the person (RFC 8693 §4.1): who holds the actor's token, and those who acted before.
async fn actor(
    cx: &Cx,
    client: &Registered,
    subject: &PresentedAccessToken,
    token: Option<&SecretString>,
) -> Result<Option<Value>, ProtocolFailure> {
    let Some(token) = token else { return Ok(subject.act.clone()) };
    let (Some(Good::Person { token: found, .. }) | Some(Good::Service(found))) =
        access::find(cx, token.expose()).await?
    else {
        return Err(OAuthError::invalid("actor_token", "is unknown, expired or revoked").into());
    };
    if found.client_id != client.client.id {
        return Err(OAuthError::invalid("actor_token", "was issued to another client").into());
    }
    let mut act = json!({ "iss": found.iss, "sub": found.sub });
    if let (Some(before), Some(members)) = (&subject.act, act.as_object_mut()) {
        members.insert("act".to_owned(), before.clone());
    }
    let chain = std::iter::successors(Some(&act), |act| act.get("act")).count();
    if chain > LONGEST_CHAIN {
        return Err(OAuthError::invalid("actor_token", "too many have acted for one another already").into());
    }
    Ok(Some(act))
}
