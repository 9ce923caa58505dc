//! The introspection endpoint (RFC 7662): what a token is worth now, strength included (RFC 9470 §6.2).

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use stepgate_core::jose;
use stepgate_core::oidc::params::RawTokenQuestion;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::token::{Audience, GoodToken, Introspection, IntrospectionToken, PresentedAccessToken, Standing};

use crate::access::{self, Good};
use crate::app::App;
use crate::client_auth;
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::standing;
use crate::token::http::form;
use crate::token::protect::{self, Use};

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/introspect", post(post_introspect))
}

async fn post_introspect(cx: Cx, headers: HeaderMap, body: Bytes) -> Result<Response, ProtocolFailure> {
    let raw = RawTokenQuestion::from(&form(&headers, &body)?);
    let client = client_auth::authenticate(&cx, &headers, &raw.client).await?;
    if client.client.is_public() {
        let text = "a public client cannot ask: anybody could";
        return Err(OAuthError::new(ErrorCode::InvalidClient, text).into());
    }
    let token = raw.token.as_ref().ok_or_else(|| OAuthError::invalid("token", "missing"))?;
    let good = access::find(&cx, token.expose()).await?;
    let (Some(Good::Person { token: found, .. }) | Some(Good::Service(found))) = &good else {
        return answer(&cx, &client, &headers, &Introspection::inactive()).await;
    };
    // A client that was removed, or switched off, takes its tokens along.
    if clients::find(&cx, &found.client_id).await?.is_none() {
        return answer(&cx, &client, &headers, &Introspection::inactive()).await;
    }
    match good {
        Some(Good::Person { token, standing }) if concerns(&client, &token) => {
            let holds = standing::strength(&cx, &standing);
            let now = Standing {
                acr: holds.as_ref().and_then(|granted| granted.acr.as_ref()).map(|acr| acr.as_str()),
                amr: holds.as_ref().map_or(&[], |granted| granted.amr.as_slice()),
                auth_time: holds.as_ref().map(|granted| granted.auth_time.unix_seconds()),
            };
            let username = Some(standing.person.username.as_str());
            answer(&cx, &client, &headers, &active(&token, username, now)).await
        }
        Some(Good::Service(token)) if concerns(&client, &token) => {
            answer(&cx, &client, &headers, &active(&token, None, Standing::default())).await
        }
        _ => answer(&cx, &client, &headers, &Introspection::inactive()).await,
    }
}

/// A client may ask about its own tokens; a service (a client that acts for itself) about all: it is how resource
/// servers that were handed a token find out what it is worth. One that registered itself is nobody's service.
fn concerns(client: &Registered, token: &PresentedAccessToken) -> bool {
    let serves = client.client.allows_grant("client_credentials") && !client.client.metadata.self_registered;
    token.client_id == client.client.id || serves
}

fn active<'a>(token: &'a PresentedAccessToken, username: Option<&'a str>, standing: Standing<'a>) -> Introspection<'a> {
    let audience = match &token.aud {
        jose::Audience::One(one) => Audience::One(one),
        jose::Audience::Several(several) => Audience::Several(several),
    };
    Introspection::active(GoodToken {
        iss: &token.iss,
        sub: &token.sub,
        aud: audience,
        client_id: &token.client_id,
        scope: &token.scope,
        username,
        exp: token.exp,
        iat: token.iat,
        jti: Some(&token.jti),
        cnf: token.cnf.as_ref(),
        standing,
    })
}

/// The media type of signed answers (RFC 9701 §4).
const SIGNED: &str = "application/token-introspection+jwt";

/// As JSON; signed, and perhaps encrypted, for a client that registered it so or asks for it by `Accept` (RFC 9701).
async fn answer(
    cx: &Cx,
    client: &Registered,
    headers: &HeaderMap,
    body: &Introspection<'_>,
) -> Result<Response, ProtocolFailure> {
    let never_stored = [(header::CACHE_CONTROL, "no-store")];
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepts.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    let asked = ranges.any(|range| range.trim().eq_ignore_ascii_case(SIGNED));
    if !asked && !protect::is_signed(client, Use::Introspection) {
        return Ok((never_stored, Json(body)).into_response());
    }
    let claims = IntrospectionToken {
        iss: cx.app.issuer(),
        aud: &client.client.id,
        iat: cx.now.unix_seconds(),
        token_introspection: body,
    };
    let token = protect::seal_for(cx, client, Use::Introspection, &claims).await?;
    Ok((never_stored, [(header::CONTENT_TYPE, SIGNED)], token).into_response())
}
