//! The introspection endpoint (RFC 7662): what a token is worth now, strength included (RFC 9470 §6.2).

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use stepgate_core::oidc::params::RawTokenQuestion;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::token::{Audience, GoodToken, Introspection, PresentedAccessToken, Standing};

use crate::access::{self, Good};
use crate::app::App;
use crate::client_auth;
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::standing;
use crate::token::http::form;

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
        return Ok(answer(&Introspection::inactive()));
    };
    // A token of a client that is switched off is good for nothing.
    if clients::find(&cx, &found.client_id).await?.is_none() {
        return Ok(answer(&Introspection::inactive()));
    }
    Ok(match good {
        Some(Good::Person { token, standing }) if concerns(&client, &token) => {
            let holds = standing::strength(&cx, &standing);
            let now = Standing {
                acr: holds.as_ref().and_then(|granted| granted.acr.as_ref()).map(|acr| acr.as_str()),
                amr: holds.as_ref().map_or(&[], |granted| granted.amr.as_slice()),
                auth_time: holds.as_ref().map(|granted| granted.auth_time.unix_seconds()),
            };
            answer(&active(&token, Some(standing.person.username.as_str()), now))
        }
        Some(Good::Service(token)) if concerns(&client, &token) => answer(&active(&token, None, Standing::default())),
        _ => answer(&Introspection::inactive()),
    })
}

/// A client may ask about its own tokens; a service (a client that acts for itself) about all: it is how resource
/// servers that were handed a token find out what it is worth.
fn concerns(client: &Registered, token: &PresentedAccessToken) -> bool {
    token.client_id == client.client.id || client.client.allows_grant("client_credentials")
}

fn active<'a>(token: &'a PresentedAccessToken, username: Option<&'a str>, standing: Standing<'a>) -> Introspection<'a> {
    Introspection::active(GoodToken {
        iss: &token.iss,
        sub: &token.sub,
        aud: Audience::from(&token.aud),
        client_id: &token.client_id,
        scope: &token.scope,
        username,
        exp: token.exp,
        iat: token.iat,
        jti: Some(&token.jti),
        act: token.act.as_ref(),
        standing,
    })
}

fn answer(body: &Introspection<'_>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
