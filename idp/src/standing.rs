//! What a grant is worth now: at most what it said when it was made.
//!
//! Owns: the one judgement that refresh, introspection and userinfo share.

use stepgate_core::assurance::{self, Granted, Holdings};
use stepgate_store::grants::GrantStanding;

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
