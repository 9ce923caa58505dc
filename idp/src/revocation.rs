//! The revocation endpoint (RFC 7009). Revoking any token of an authorization ends the authorization (ADR 5).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use stepgate_core::id::GrantId;
use stepgate_core::oidc::OAuthError;
use stepgate_core::oidc::params::RawTokenQuestion;
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;
use stepgate_store::grants;

use crate::access;
use crate::app::App;
use crate::audit::{self, Event};
use crate::client_auth;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::token::http::form;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/revoke", post(post_revoke))
}

/// Always `200`, whether the token was ours or not (RFC 7009 §2.2); another client's token is left alone.
async fn post_revoke(cx: Cx, headers: HeaderMap, body: Bytes) -> Result<StatusCode, ProtocolFailure> {
    let raw = RawTokenQuestion::from(&form(&headers, &body)?);
    let client = client_auth::authenticate(&cx, &headers, &raw.client).await?;
    let token = raw.token.as_ref().ok_or_else(|| OAuthError::invalid("token", "missing"))?;
    let client_id = &client.client.id;
    if let Some(refresh) = grants::find_refresh(&cx.app.db, &TokenHash::of(token.expose())).await? {
        revoke_grant(&cx, refresh.grant, client_id).await?;
    } else if let Some(access) = access::read(&cx, token.expose()).await?
        && access.client_id == *client_id
    {
        match access.gid {
            Some(grant) if revoke_grant(&cx, grant, client_id).await? => {}
            // A token of the client itself, or one exchanged for a token of another client's grant: it alone ends.
            _ => {
                let until = Timestamp::from_unix_seconds(access.exp);
                grants::insert_revoked_jti(&cx.app.db, &access.jti, until).await?;
            }
        }
    }
    Ok(StatusCode::OK)
}

/// `false` when it is another client's.
async fn revoke_grant(cx: &Cx, grant: GrantId, client_id: &str) -> Result<bool, ProtocolFailure> {
    let found = grants::find_grant(&cx.app.db, grant).await?;
    let Some(found) = found.filter(|found| found.client == client_id) else { return Ok(false) };
    if grants::revoke_grant(&cx.app.db.write, grant, cx.now).await? {
        let event = Event::new("token.revoked").client(client_id).to(found.person).session(found.session);
        audit::record(cx, &cx.app.db.write, event).await?;
    }
    Ok(true)
}
