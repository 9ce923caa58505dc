//! `refresh_token` (RFC 6749 §6, RFC 9700 §4.14): rotation, with the family revoked on reuse.

use serde_json::json;
use stepgate_core::assurance;
use stepgate_core::entropy::random_token;
use stepgate_core::grants::{Grant, RefreshToken};
use stepgate_core::oidc::params::RawToken;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;
use stepgate_core::token::narrow_scope;
use stepgate_store::grants::{self, GrantStanding, Rotation};

use super::TokenSet;
use super::mint::{self, Occasion};
use crate::audit::{self, Event};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;

/// When the refresh tokens of a grant end: so long after the last use, and not later than so long after the grant.
pub fn expiry(cx: &Cx, grant: &Grant) -> Timestamp {
    let lifetimes = cx.app.settings.tokens.lifetimes();
    (cx.now + lifetimes.refresh_idle()).min(grant.created_at + lifetimes.refresh_absolute())
}

fn refuse(description: &str) -> ProtocolFailure {
    OAuthError::new(ErrorCode::InvalidGrant, description).into()
}

/// Exchanges a refresh token for new tokens. `auth_time` never changes and `acr` never rises (RFC 9470 §6.1); when
/// what the `acr` rests on is gone, the new tokens say so, and a client whose floor is not met any more gets none.
pub async fn exchange(cx: &Cx, client: &Registered, raw: &RawToken) -> Result<TokenSet, ProtocolFailure> {
    let old = raw.refresh_token.as_ref().ok_or_else(|| OAuthError::invalid("refresh_token", "missing"))?;
    let old = TokenHash::of(old.expose());
    let found = grants::find_refresh(&cx.app.db, &old).await?.ok_or_else(|| refuse("refresh_token: unknown"))?;
    let standing = grants::find_grant_standing(&cx.app.db, found.grant).await?;
    let standing = standing.ok_or_else(|| refuse("refresh_token: what it stands for is gone"))?;
    // Before it is used up: another client's mistake must not cost the owner its token.
    if standing.grant.client != client.client.id {
        return Err(refuse("refresh_token: was issued to another client"));
    }
    let scope = narrow_scope(&standing.grant.terms.scope, raw.scope.as_deref())?;
    let grant = mint::for_resources(client, still_granted(cx, client, &standing)?, &raw.resource)?;

    let token = random_token(cx.entropy());
    let successor =
        RefreshToken { hash: TokenHash::of(&token), grant: grant.id, expires_at: expiry(cx, &grant), used_at: None };
    let grace = cx.app.settings.tokens.lifetimes().refresh_grace();
    match grants::rotate_refresh(&cx.app.db, &old, &successor, cx.now, grace).await? {
        Rotation::Rotated | Rotation::Retried => {}
        Rotation::Replayed(family) => {
            if grants::revoke_grant(&cx.app.db.write, family, cx.now).await? {
                let event = Event::new("token.refresh.replayed").client(&client.client.id).to(grant.person);
                audit::record(cx, &cx.app.db.write, event.data(json!({ "grant": family }))).await?;
            }
            return Err(refuse("refresh_token: was used before; all tokens of this authorization are revoked"));
        }
        Rotation::InUse => return Err(refuse("refresh_token: another request is using it at this moment")),
        Rotation::Over => return Err(refuse("refresh_token: has expired, or its authorization was revoked")),
    }
    let access_token = mint::access_token(cx, client, &grant, &scope).await?;
    let id_token = if scope.contains("openid") {
        Some(mint::id_token(cx, client, &grant, &standing.person, &access_token, Occasion::Refresh).await?)
    } else {
        None
    };
    Ok(TokenSet {
        access_token,
        token_type: "Bearer",
        expires_in: cx.app.settings.tokens.access_seconds,
        refresh_token: Some(token),
        id_token,
        scope,
    })
}

/// The grant with the strength that still stands.
fn still_granted(cx: &Cx, client: &Registered, standing: &GrantStanding) -> Result<Grant, ProtocolFailure> {
    if let Some(reason) = crate::standing::ended(cx, standing) {
        return Err(refuse(&format!("refresh_token: {reason}")));
    }
    let mut grant = standing.grant.clone();
    let held = crate::standing::holdings(cx, standing);
    let events = &standing.session.events;
    let granted = grant.terms.acr.clone();
    match assurance::standing(&cx.app.catalogue, granted.as_deref(), events, &held, cx.now) {
        Some(_) => {}
        None => {
            grant.terms.acr = None;
            grant.terms.amr = Vec::new();
        }
    }
    let floors = client.floors_for(&grant.terms.scope);
    let demanding = floors.iter().any(|floor| !floor.accepts.is_empty() || floor.proofed);
    if grant.terms.acr.is_none() && demanding {
        return Err(refuse("refresh_token: the strength that this application needs does not stand any more"));
    }
    Ok(grant)
}
