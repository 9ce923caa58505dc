//! What a grant is worth now: at most what it said when it was made.
//!
//! Owns: the one judgement that refresh, device codes, token exchange, introspection and userinfo share.

use stepgate_core::assurance::{self, Granted, Holdings};
use stepgate_core::grants::Grant;
use stepgate_store::grants::GrantStanding;

use crate::clients::Registered;
use crate::cx::Cx;

/// What the person holds now.
pub fn holdings(cx: &Cx, standing: &GrantStanding) -> Holdings {
    Holdings {
        credentials: standing.credentials.iter().map(|credential| credential.held(cx.now)).collect(),
        proofed: standing.person.is_proofed(cx.now),
    }
}

/// Why the grant is over; `None` while it lives. Without `offline_access` it ends with the session.
pub fn ended(cx: &Cx, standing: &GrantStanding) -> Option<&'static str> {
    let offline = standing.grant.terms.scope.iter().any(|scope| scope == "offline_access");
    if standing.grant.revoked_at.is_some() {
        Some("was revoked")
    } else if standing.person.suspended_at.is_some() {
        Some("the account is suspended")
    } else if standing.session.ended_at.is_some() && !offline {
        Some("the session has ended")
    } else if standing.session.expires_at <= cx.now && !offline {
        Some("the session has expired")
    } else {
        None
    }
}

/// The strength that holds now; `None` when what the grant's acr rests on is gone.
pub fn strength(cx: &Cx, standing: &GrantStanding) -> Option<Granted> {
    let held = holdings(cx, standing);
    let acr = standing.grant.terms.acr.as_deref();
    assurance::standing(&cx.app.catalogue, acr, &standing.session.events, &held, cx.now)
}

/// The grant with the strength that still stands, for new tokens of it. Never more than when it was made; less when what
/// its acr rests on is gone.
///
/// # Errors
/// Why there can be no new tokens: the grant is over, or a floor of its client does not hold any more.
pub fn still_granted(cx: &Cx, client: &Registered, standing: &GrantStanding) -> Result<Grant, &'static str> {
    if let Some(reason) = ended(cx, standing) {
        return Err(reason);
    }
    let mut grant = standing.grant.clone();
    if strength(cx, standing).is_none() {
        grant.terms.acr = None;
        grant.terms.amr = Vec::new();
    }
    let floors = client.floors_for(&grant.terms.scope);
    let demanding = floors.iter().any(|floor| !floor.accepts.is_empty() || floor.proofed);
    if grant.terms.acr.is_none() && demanding {
        return Err("the strength that this application needs does not stand any more");
    }
    Ok(grant)
}
