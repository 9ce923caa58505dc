//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4): a device polls until a person has decided.

use serde_json::json;
use stepgate_core::grants::Grant;
use stepgate_core::id::GrantId;
use stepgate_core::oidc::params::RawDeviceToken;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::secret::TokenHash;
use stepgate_store::devices::{self, DeviceState, Poll};
use stepgate_store::grants;

use super::{TokenSet, code};
use crate::audit::{self, Event};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;
use crate::standing;

/// Answers a poll. The code is used up by one conditional write; a second use is recognised and revokes what the first
/// one gave. What is given is what still stands: minutes may have passed since the person said yes.
pub async fn exchange(cx: &Cx, client: &Registered, raw: &RawDeviceToken) -> Result<TokenSet, ProtocolFailure> {
    let code = raw.device_code.as_ref().ok_or_else(|| OAuthError::invalid("device_code", "missing"))?;
    let found = devices::find_device_by_code(&cx.app.db, &TokenHash::of(code.expose())).await?;
    let found = found.ok_or_else(|| refuse("device_code: unknown"))?;
    if found.client != client.client.id {
        return Err(refuse("device_code: was issued to another client"));
    }
    let over = found.expires_at <= cx.now;
    match found.state {
        DeviceState::Redeemed(grant) => replayed(cx, client, grant).await,
        DeviceState::Refused(reason) => {
            Err(OAuthError::new(ErrorCode::AccessDenied, format!("device_code: {reason}")).into())
        }
        DeviceState::Allowed(_) | DeviceState::Pending if over => {
            let text = "device_code: has expired, begin again at the device authorization endpoint";
            Err(OAuthError::new(ErrorCode::ExpiredToken, text).into())
        }
        DeviceState::Pending => match devices::poll_device(&cx.app.db, found.id, cx.now).await? {
            Poll::InTime => {
                let text = "device_code: the person has not decided yet, ask again after the interval";
                Err(OAuthError::new(ErrorCode::AuthorizationPending, text).into())
            }
            Poll::TooSoon => {
                let text = "device_code: asked too soon, wait five seconds longer between requests from now on";
                Err(OAuthError::new(ErrorCode::SlowDown, text).into())
            }
        },
        DeviceState::Allowed(grant) => {
            // Looked at before the code is used up: a replay at this very moment ends what the code gave, but the one
            // who used it first is answered.
            let grant = standing(cx, client, grant).await?;
            match devices::redeem_device(&cx.app.db, found.id, cx.now).await? {
                Some(_) => code::first_tokens(cx, client, &grant).await,
                None => replayed(cx, client, grant.id).await,
            }
        }
    }
}

fn refuse(description: &str) -> ProtocolFailure {
    OAuthError::new(ErrorCode::InvalidGrant, description).into()
}

async fn standing(cx: &Cx, client: &Registered, grant: GrantId) -> Result<Grant, ProtocolFailure> {
    let found = grants::find_grant_standing(&cx.app.db, grant).await?;
    let found = found.ok_or_else(|| refuse("device_code: what it stands for is gone"))?;
    standing::still_granted(cx, client, &found).map_err(|reason| refuse(&format!("device_code: {reason}")))
}

async fn replayed(cx: &Cx, client: &Registered, grant: GrantId) -> Result<TokenSet, ProtocolFailure> {
    if grants::revoke_grant(&cx.app.db.write, grant, cx.now).await? {
        let event = Event::new("token.device_code.replayed").client(&client.client.id);
        audit::record(cx, &cx.app.db.write, event.data(json!({ "grant": grant }))).await?;
    }
    Err(refuse("device_code: was used before; the tokens it gave are revoked"))
}
