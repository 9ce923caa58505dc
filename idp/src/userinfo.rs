//! The userinfo endpoint (OpenID Connect Core §5.3): the claims that the access token's scopes bring, as they are now.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use stepgate_core::oidc::params::{Params, RawUserinfo};
use stepgate_core::oidc::{ClaimsRequest, ErrorCode, OAuthError};
use stepgate_core::token::{Standing, UserinfoClaims, UserinfoToken};

use crate::access::{self, Good};
use crate::app::App;
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::oauth_error::ProtocolFailure;
use crate::token::protect::{self, Use};
use crate::{mutual_tls, standing};

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/userinfo", get(get_userinfo).post(post_userinfo))
}

async fn get_userinfo(cx: Cx, headers: HeaderMap) -> Result<Response, ProtocolFailure> {
    let token = from_header(&headers)?.ok_or(ProtocolFailure::BearerMissing)?;
    answer(&cx, &token).await
}

async fn post_userinfo(cx: Cx, headers: HeaderMap, body: Bytes) -> Result<Response, ProtocolFailure> {
    let in_header = from_header(&headers)?;
    let in_body = if body.is_empty() {
        None
    } else {
        RawUserinfo::from(&Params::parse(&body).map_err(OAuthError::from)?).access_token
    };
    match (in_header, in_body) {
        (Some(_), Some(_)) => Err(OAuthError::invalid("access_token", "must be sent in one way only").into()),
        (Some(token), None) => answer(&cx, &token).await,
        (None, Some(token)) => answer(&cx, token.expose()).await,
        (None, None) => Err(ProtocolFailure::BearerMissing),
    }
}

/// The token of an `Authorization: Bearer` header; the scheme in any case (RFC 9110 §11.1).
pub fn from_header(headers: &HeaderMap) -> Result<Option<String>, OAuthError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or(("", ""));
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        Ok(Some(token.trim().to_owned()))
    } else {
        Err(OAuthError::invalid("Authorization", "must be a bearer token"))
    }
}

async fn answer(cx: &Cx, token: &str) -> Result<Response, ProtocolFailure> {
    let refused = |code, text: &str| ProtocolFailure::BearerRefused(OAuthError::new(code, text));
    let (token, found) = match access::find(cx, token).await? {
        Some(Good::Person { token, standing }) => (token, standing),
        Some(Good::Service(_)) => return Err(refused(ErrorCode::InsufficientScope, "a token without a person")),
        None => return Err(refused(ErrorCode::InvalidToken, "the token is unknown, expired or revoked")),
    };
    if !mutual_tls::may_use(cx, token.cnf.as_ref()) {
        let text = "the token is bound to a certificate that did not come with the request";
        return Err(refused(ErrorCode::InvalidToken, text));
    }
    if !token.scope.contains("openid") {
        return Err(refused(ErrorCode::InsufficientScope, "the scope openid is needed"));
    }
    let claims = ClaimsRequest::from_terms(found.grant.terms.claims.as_ref());
    let holds = standing::strength(cx, &found);
    let now = Standing {
        acr: holds.as_ref().and_then(|granted| granted.acr.as_ref()).map(|acr| acr.as_str()),
        amr: holds.as_ref().map_or(&[], |granted| granted.amr.as_slice()),
        auth_time: holds.as_ref().map(|granted| granted.auth_time.unix_seconds()),
    };
    let body = UserinfoClaims::of(&token.sub, &found.person, &token.scope, &claims, now);
    let client = clients::find(cx, &token.client_id).await?;
    let client = client.ok_or_else(|| refused(ErrorCode::InvalidToken, "the client of the token is gone"))?;
    protected(cx, &client, &body).await
}

/// As JSON, signed, or encrypted, as the client registered (OpenID Connect Core §5.3.2).
async fn protected(cx: &Cx, client: &Registered, body: &UserinfoClaims<'_>) -> Result<Response, ProtocolFailure> {
    let never_stored = [(header::CACHE_CONTROL, "no-store")];
    let token = if protect::is_signed(client, Use::Userinfo) {
        let claims = UserinfoToken { iss: cx.app.issuer(), aud: &client.client.id, claims: body };
        protect::seal_for(cx, client, Use::Userinfo, &claims).await?
    } else if protect::is_encrypted(client, Use::Userinfo) {
        let plain = serde_json::to_vec(body).map_err(Fault::internal)?;
        protect::encrypt_for(cx, client, Use::Userinfo, &plain, None).await?
    } else {
        return Ok((never_stored, Json(body)).into_response());
    };
    Ok((never_stored, [(header::CONTENT_TYPE, "application/jwt")], token).into_response())
}
