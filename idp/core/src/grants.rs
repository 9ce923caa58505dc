//! What an authorization gave: the grant, its code, its refresh tokens, and the session it came from.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::assurance::FactorEvent;
use crate::id::{GrantId, PersonId, SessionId};
use crate::secret::TokenHash;
use crate::time::Timestamp;

/// One browser session of one person.
#[derive(Clone, Debug)]
pub struct Session {
    /// Published as `sid`; stays the same when the cookie's value rotates.
    pub id: SessionId,
    /// Whose.
    pub person: PersonId,
    /// What the person has shown so far, oldest first.
    pub events: Vec<FactorEvent>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used (kept to the minute, to spare writes).
    pub last_seen_at: Timestamp,
    /// The absolute limit.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// The browser, as it named itself, cut to 200 characters.
    pub user_agent: String,
    /// Where it was last seen from.
    pub ip: Option<IpAddr>,
}

/// What one authorization granted to a client. Revoking it ends every code and token that hangs on it.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Its id, carried by its tokens.
    pub id: GrantId,
    /// For whom.
    pub person: PersonId,
    /// To which client.
    pub client: String,
    /// From which session.
    pub session: SessionId,
    /// What was granted and what held when it was.
    pub terms: GrantTerms,
    /// When.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What was granted, and the assurance that held at that moment. Never rises afterwards (RFC 9470 §6.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// Scopes.
    pub scope: Vec<String>,
    /// The acr that was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The evidence it rests on.
    pub amr: Vec<String>,
    /// The latest factor event that it rests on.
    pub auth_time: Timestamp,
    /// The `nonce` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The `claims` parameter as it was sent (OpenID Connect Core §5.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<serde_json::Value>,
    /// What its access tokens are for (RFC 8707); all of the client's registered audiences when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// Whether the request made `auth_time` mandatory (`max_age`, an essential claim, registration).
    pub auth_time_wanted: bool,
}

/// An authorization code that was found usable and is now used up (RFC 6749 §4.1.2).
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    /// SHA-256 of the code.
    pub hash: TokenHash,
    /// What it redeems.
    pub grant: GrantId,
    /// Who may redeem it.
    pub client: String,
    /// The redirect URI of the request; the exchange must repeat it.
    pub redirect_uri: String,
    /// PKCE S256 challenge (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// End of life.
    pub expires_at: Timestamp,
}

/// A refresh token of a grant.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// What it refreshes. The grant is the family.
    pub grant: GrantId,
    /// Absolute end of life.
    pub expires_at: Timestamp,
    /// When it was rotated.
    pub used_at: Option<Timestamp>,
}
