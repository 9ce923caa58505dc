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
    // Whom the token is for is a matter of the client that it was issued to, not of the one that asks.
    let Some(issued_to) = clients::find(&cx, &found.client_id).await? else {
        return Ok(answer(&Introspection::inactive()));
    };
    Ok(match good {
        Some(Good::Person { token, standing }) if concerns(&client, &token) => {
            let holds = standing::strength(&cx, &standing);
            let now = Standing {
                acr: holds.as_ref().and_then(|granted| granted.acr.as_ref()).map(|acr| acr.as_str()),
                amr: holds.as_ref().map_or(&[], |granted| granted.amr.as_slice()),
                auth_time: holds.as_ref().map(|granted| granted.auth_time.unix_seconds()),
            };
            answer(&active(&issued_to, &cx, &token, Some(standing.person.username.as_str()), now))
        }
        Some(Good::Service(token)) if concerns(&client, &token) => {
            answer(&active(&issued_to, &cx, &token, None, Standing::default()))
        }
        _ => answer(&Introspection::inactive()),
    })
}

/// A client may ask about its own tokens; a service (a client that acts for itself) about all: it is how resource
/// servers that were handed a token find out what it is worth. One that registered itself is nobody's service.
fn concerns(client: &Registered, token: &PresentedAccessToken) -> bool {
    let serves = client.client.allows_grant("client_credentials") && !client.client.metadata.self_registered;
    token.client_id == client.client.id || serves
}

fn active<'a>(
    client: &'a Registered,
    cx: &'a Cx,
    token: &'a PresentedAccessToken,
    username: Option<&'a str>,
    standing: Standing<'a>,
) -> Introspection<'a> {
    let audience = match client.client.metadata.audience.as_slice() {
        [] => Audience::One(cx.app.issuer()),
        [one] => Audience::One(one),
        several => Audience::Several(several),
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
        standing,
    })
}

fn answer(body: &Introspection<'_>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
