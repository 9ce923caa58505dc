//! Pushed authorization requests (RFC 9126): a client hands in its request directly and gets a reference for the browser.
//!
//! Owns: the endpoint. What a request must be like is judged here as at the authorization endpoint, and there once more
//! when the browser comes: a registration may have changed in between.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use stepgate_core::authorize::{Arrival, Refusal};
use stepgate_core::entropy::random_token;
use stepgate_core::id::PushedRequestId;
use stepgate_core::oidc::OAuthError;
use stepgate_core::oidc::params::{RawAuthorization, RawClientAuthentication};
use stepgate_core::secret::TokenHash;
use stepgate_store::pushed::{self, PushedRequest};

use crate::app::App;
use crate::authorize::gather::{GatherError, Gathered, gather_pushed};
use crate::authorize::judge;
use crate::client_auth;
use crate::clients::Registered;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::oauth_error::ProtocolFailure;
use crate::token::http::form;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/par", post(post_par))
}

/// A successful answer (§2.2).
#[derive(Serialize)]
struct Pushed {
    request_uri: String,
    /// Seconds.
    expires_in: u64,
}

async fn post_par(cx: Cx, headers: HeaderMap, body: Bytes) -> Result<Response, ProtocolFailure> {
    let params = form(&headers, &body)?;
    let client = client_auth::authenticate(&cx, &headers, &RawClientAuthentication::from(&params)).await?;
    let mut raw = RawAuthorization::from(&params);
    if raw.client_id.as_ref().is_some_and(|named| *named != client.client.id) {
        return Err(OAuthError::invalid("client_id", "differs from the client that authenticated").into());
    }
    raw.client_id = Some(client.client.id.clone());
    let pushed = push(&cx, &client, &raw).await?;
    let never_stored = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    Ok((StatusCode::CREATED, never_stored, Json(pushed)).into_response())
}

/// Judges a request and keeps it.
async fn push(cx: &Cx, client: &Registered, outer: &RawAuthorization) -> Result<Pushed, ProtocolFailure> {
    let Gathered { raw, arrival } = gather_pushed(cx, client, outer).await.map_err(|error| match error {
        GatherError::Refused(error) => ProtocolFailure::Refused(error),
        GatherError::Fault(fault) => ProtocolFailure::Fault(fault),
    })?;
    let id = PushedRequestId::random(cx.entropy());
    let arrival = Arrival { pushed: Some(id), ..arrival };
    match judge(cx, client, &raw, arrival).await? {
        Ok(_) => {}
        Err(Refusal::Client { error, .. }) => return Err(error.into()),
        Err(Refusal::Page(page)) => return Err(OAuthError::from(page).into()),
    }
    let (reference, seconds) = (random_token(cx.entropy()), cx.app.settings.authorization.pushed_request_seconds);
    let row = PushedRequest {
        id,
        reference: TokenHash::of(&reference),
        client: client.client.id.clone(),
        parameters: serde_json::to_value(&raw).map_err(Fault::internal)?,
        signed: arrival.signed,
        created_at: cx.now,
        expires_at: cx.now + Duration::from_secs(seconds),
    };
    pushed::insert_pushed(&cx.app.db.write, &row).await?;
    Ok(Pushed { request_uri: Arrival::request_uri(&reference), expires_in: seconds })
}
