//! The end of an interaction that a device began (RFC 8628): a grant for the device, or its refusal.

use serde_json::json;
use stepgate_core::authorize::DeviceRequest;
use stepgate_core::grants::{Grant, GrantTerms};
use stepgate_core::id::{DeviceAuthorizationId, GrantId};
use stepgate_core::oidc::OAuthError;
use stepgate_store::{devices, grants};

use super::dispatch::Answer;
use super::evaluate::Standing;
use super::parked::Parked;
use crate::audit::{self, Event};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::fault::Fault;

/// The page that says that the device is let in.
pub const ALLOWED: &str = "/device?done=allowed";
/// The page that says that it is not.
pub const REFUSED: &str = "/device?done=refused";
/// The page that says that the code is over, or that somebody decided before.
pub const OVER: &str = "/device?done=over";

/// Lets the device in for what holds now: decision, grant and audit event in one transaction, which also uses up the
/// parked request. Whoever decides first decides.
pub async fn allow(
    cx: &Cx,
    (device, request): (DeviceAuthorizationId, &DeviceRequest),
    client: &Registered,
    standing: &Standing,
    parked: &Parked,
) -> Result<Answer, Fault> {
    let Some(granted) = &standing.granted else {
        return Err(Fault::internal("a device was let in before the requirement was met"));
    };
    let grant = Grant {
        id: GrantId::random(cx.entropy()),
        person: standing.person.id,
        client: client.client.id.clone(),
        session: standing.live.session.id,
        terms: GrantTerms {
            scope: request.scope.iter().map(str::to_owned).collect(),
            acr: granted.acr.as_ref().map(ToString::to_string),
            amr: granted.amr.clone(),
            auth_time: granted.auth_time,
            nonce: None,
            claims: None,
            auth_time_wanted: request.auth_time_wanted,
            resource: Vec::new(),
        },
        created_at: cx.now,
        revoked_at: None,
    };
    let transaction = cx.app.db.begin().await?;
    if !devices::allow_device(&transaction, device, grant.id, cx.now).await? {
        drop(transaction);
        return close(cx, parked, OVER).await;
    }
    if !parked.close_in(&transaction, ALLOWED).await? {
        return Ok(Answer::Gone);
    }
    grants::insert_grant(&transaction, &grant).await?;
    let event = Event::new("device.allowed").by(grant.person).session(grant.session).client(&grant.client);
    let event = event.data(json!({ "acr": grant.terms.acr, "amr": grant.terms.amr, "scope": grant.terms.scope }));
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    Ok(Answer::Portal(ALLOWED.into()))
}

/// Refuses the device: it is told `access_denied` and why, as far as it may know.
pub async fn refuse(
    cx: &Cx,
    device: DeviceAuthorizationId,
    client: Option<&Registered>,
    parked: &Parked,
    error: &OAuthError,
) -> Result<Answer, Fault> {
    let transaction = cx.app.db.begin().await?;
    if !devices::refuse_device(&transaction, device, error.description(), cx.now).await? {
        drop(transaction);
        return close(cx, parked, OVER).await;
    }
    if !parked.close_in(&transaction, REFUSED).await? {
        return Ok(Answer::Gone);
    }
    let mut event = Event::new("device.refused").data(json!({ "description": error.description() }));
    event.client = client.map(|client| client.client.id.clone());
    audit::record(cx, &transaction, event).await?;
    transaction.commit().await?;
    Ok(Answer::Portal(REFUSED.into()))
}

async fn close(cx: &Cx, parked: &Parked, path: &'static str) -> Result<Answer, Fault> {
    Ok(if parked.close(cx, path).await? { Answer::Portal(path.into()) } else { Answer::Gone })
}
