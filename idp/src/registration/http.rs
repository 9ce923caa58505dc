//! `POST /register`; `GET`, `PUT` and `DELETE` of what was registered.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use stepgate_core::oidc::OAuthError;
use stepgate_core::registration::{Members, parse};

use super::admit::admit;
use super::{Answer, manage, register};
use crate::app::App;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::userinfo::from_header;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/register", post(post_register))
        .route("/register/{client_id}", get(get_client).put(put_client).delete(delete_client))
}

async fn post_register(cx: Cx, headers: HeaderMap, body: Bytes) -> Result<Response, ProtocolFailure> {
    let permit = admit(&cx, from_header(&headers)?.as_deref()).await?;
    let answer = register::register(&cx, permit, members(&headers, &body)?).await?;
    respond(&cx, StatusCode::CREATED, &answer)
}

async fn get_client(cx: Cx, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ProtocolFailure> {
    let oneself = manage::authenticate(&cx, &id, from_header(&headers)?).await?;
    respond(&cx, StatusCode::OK, &manage::read(oneself))
}

async fn put_client(
    cx: Cx,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ProtocolFailure> {
    let oneself = manage::authenticate(&cx, &id, from_header(&headers)?).await?;
    let answer = manage::replace(&cx, oneself, members(&headers, &body)?).await?;
    respond(&cx, StatusCode::OK, &answer)
}

async fn delete_client(cx: Cx, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ProtocolFailure> {
    let oneself = manage::authenticate(&cx, &id, from_header(&headers)?).await?;
    manage::remove(&cx, oneself).await?;
    Ok((StatusCode::NO_CONTENT, NEVER_STORED).into_response())
}

const NEVER_STORED: [(header::HeaderName, &str); 2] =
    [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];

fn members(headers: &HeaderMap, body: &[u8]) -> Result<Members, OAuthError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(OAuthError::invalid("Content-Type", "must be application/json"));
    }
    Ok(parse(body)?)
}

fn respond(cx: &Cx, status: StatusCode, answer: &Answer) -> Result<Response, ProtocolFailure> {
    Ok((status, NEVER_STORED, Json(answer.body(cx)?)).into_response())
}
