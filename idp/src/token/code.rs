//! `authorization_code` (RFC 6749 §4.1.3).

use serde_json::json;
use stepgate_core::entropy::random_token;
use stepgate_core::grants::{AuthorizationCode, Grant, RefreshToken};
use stepgate_core::oidc::params::RawToken;
use stepgate_core::oidc::{ErrorCode, OAuthError, Scopes, check_exchange};
use stepgate_core::secret::TokenHash;
use stepgate_store::grants::{self, TakeCode};
use stepgate_store::people;

use super::TokenSet;
use super::mint::{self, Occasion};
use crate::audit::{self, Event};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;

/// Exchanges a code. It is used up by one conditional write before anything else is looked at; a second use is
/// recognised and revokes what the first one gave (RFC 6749 §4.1.2).
pub async fn exchange(cx: &Cx, client: &Registered, raw: &RawToken) -> Result<TokenSet, ProtocolFailure> {
    let code = raw.code.as_ref().ok_or_else(|| OAuthError::invalid("code", "missing"))?;
    let code = match grants::take_code(&cx.app.db, &TokenHash::of(code.expose()), cx.now).await? {
        TakeCode::Taken(code) => code,
        TakeCode::Replayed { grant } => {
            if grants::revoke_grant(&cx.app.db.write, grant, cx.now).await? {
                let event = Event::new("token.code.replayed").client(&client.client.id);
                audit::record(cx, &cx.app.db.write, event.data(json!({ "grant": grant }))).await?;
            }
            return Err(refuse("code: was used before; the tokens it gave are revoked"));
        }
        TakeCode::Expired => return Err(refuse("code: has expired")),
        TakeCode::Unknown => return Err(refuse("code: unknown")),
    };
    check(&code, client, raw)?;
    // Revoked or not: a replay at this very moment ends what the code gave, but the one who used it first is answered.
    let grant = grants::find_grant(&cx.app.db, code.grant).await?;
    let grant = grant.ok_or_else(|| refuse("code: what it stands for is gone"))?;
    let grant = mint::for_resources(client, grant, &raw.resource)?;
    let scope: Scopes = grant.terms.scope.iter().map(String::as_str).collect();
    let access_token = mint::access_token(cx, client, &grant, &scope).await?;
    let id_token = if scope.contains("openid") {
        let person = people::find_person(&cx.app.db, grant.person).await?;
        let person = person.ok_or_else(|| refuse("code: the account is gone"))?;
        Some(mint::id_token(cx, client, &grant, &person, &access_token, Occasion::Exchange).await?)
    } else {
        None
    };
    Ok(TokenSet {
        access_token,
        token_type: "Bearer",
        expires_in: cx.app.settings.tokens.access_seconds,
        refresh_token: first_refresh_token(cx, client, &grant).await?,
        id_token,
        scope,
    })
}

fn refuse(description: &str) -> ProtocolFailure {
    OAuthError::new(ErrorCode::InvalidGrant, description).into()
}

fn check(code: &AuthorizationCode, client: &Registered, raw: &RawToken) -> Result<(), ProtocolFailure> {
    if code.client != client.client.id {
        return Err(refuse("code: was issued to another client"));
    }
    if raw.redirect_uri.as_deref() != Some(code.redirect_uri.as_str()) {
        return Err(refuse("redirect_uri: differs from the one of the authorization request"));
    }
    let verifier = raw.code_verifier.as_ref().map(|verifier| verifier.expose().as_str());
    Ok(check_exchange(code.code_challenge.as_deref(), verifier).map_err(OAuthError::from)?)
}

/// A client that registered the refresh grant gets a refresh token. Without `offline_access` it ends with the session.
async fn first_refresh_token(cx: &Cx, client: &Registered, grant: &Grant) -> Result<Option<String>, ProtocolFailure> {
    if !client.client.allows_grant("refresh_token") {
        return Ok(None);
    }
    let token = random_token(cx.entropy());
    let row = RefreshToken {
        hash: TokenHash::of(&token),
        grant: grant.id,
        expires_at: super::refresh::expiry(cx, grant),
        used_at: None,
    };
    grants::insert_refresh(&cx.app.db.write, &row, cx.now).await?;
    Ok(Some(token))
}
