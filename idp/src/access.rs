//! An access token that somebody presents: whose it is, and whether it is good.
//!
//! Owns: what userinfo, introspection and revocation share. At most one indexed read beyond the signature.

use std::time::Duration;

use serde::Deserialize;
use stepgate_core::id::PersonId;
use stepgate_core::jose::{self, SigningAlgorithm, VerifyRules};
use stepgate_core::secret::TokenHash;
use stepgate_core::token::PresentedAccessToken;
use stepgate_store::grants::{self, GrantStanding};

use crate::clients;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::{keys, standing};

/// The longest token that is looked at, in characters.
const LONGEST: usize = 8 * 1024;
/// The shortest time between two looks at the store for keys that we do not know.
const NEW_KEYS: Duration = Duration::from_secs(1);

/// A good token and what it hangs on.
pub enum Good {
    /// A token for a person's resources.
    Person {
        /// What the token says.
        token: PresentedAccessToken,
        /// What it hangs on, as it is now.
        standing: Box<GrantStanding>,
    },
    /// A token of a client itself.
    Service(PresentedAccessToken),
}

/// Reads a token: ours, unexpired, its grant alive. Anything else is `None`; why is nobody's business (RFC 7662 §2.2).
pub async fn find(cx: &Cx, token: &str) -> Result<Option<Good>, Fault> {
    let Some(token) = read(cx, token).await? else { return Ok(None) };
    if token.iss != cx.app.issuer() || token.is_expired(cx.now) {
        return Ok(None);
    }
    // With a client its tokens end.
    if clients::find(cx, &token.client_id).await?.is_none() {
        return Ok(None);
    }
    let Some(grant) = token.gid else {
        let revoked = grants::is_jti_revoked(&cx.app.db, &token.jti).await?;
        return Ok((!revoked).then_some(Good::Service(token)));
    };
    let Some(found) = grants::find_grant_standing(&cx.app.db, grant).await? else { return Ok(None) };
    if standing::ended(cx, &found).is_some() {
        return Ok(None);
    }
    Ok(Some(Good::Person { token, standing: Box::new(found) }))
}

/// What a token says, once its signature (or its entry in the store) shows that it is ours.
pub async fn read(cx: &Cx, token: &str) -> Result<Option<PresentedAccessToken>, Fault> {
    if token.len() > LONGEST {
        return Ok(None);
    }
    if token.contains('.') {
        return read_jwt(cx, token).await;
    }
    let claims = grants::find_opaque(&cx.app.db, &TokenHash::of(token), cx.now).await?;
    claims.map(serde_json::from_value).transpose().map_err(Fault::internal)
}

/// A token of a key that we do not know may be the first of a new one, which another node has made just now.
async fn read_jwt(cx: &Cx, token: &str) -> Result<Option<PresentedAccessToken>, Fault> {
    let keys = cx.app.keys();
    if let Some(found) = keys.read_access_token(token) {
        return Ok(Some(found));
    }
    let is_news = jose::unverified_kid(token).is_some_and(|kid| !keys.knows(&kid));
    // Strangers can make up as many keys as they like: the store is asked once in a while.
    if !is_news || cx.now.since(keys.loaded_at()) < NEW_KEYS {
        return Ok(None);
    }
    cx.app.replace_keys(keys::load(&cx.app.db, &cx.app.secrets.sealing, cx.now).await?);
    Ok(cx.app.keys().read_access_token(token))
}

/// The claims of an ID token that we issued earlier, as a hint carries them. It may have expired.
#[derive(Debug, Deserialize)]
pub struct HintClaims {
    /// The issuer.
    pub iss: String,
    /// The person.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// The session.
    #[serde(default)]
    pub sid: Option<String>,
}

/// The person that a hint is about: its `sub` as its audience sees it.
pub async fn person_of_hint(cx: &Cx, claims: &HintClaims) -> Result<Option<PersonId>, Fault> {
    let client = clients::find(cx, &claims.aud).await?;
    Ok(client.and_then(|client| client.person(cx, &claims.sub)))
}

/// Reads an `id_token_hint`: signed by us, for whomever, expired or not (OpenID Connect Core §3.1.2.1).
pub fn read_hint(cx: &Cx, hint: &str) -> Option<HintClaims> {
    let keys = cx.app.keys();
    let rules = VerifyRules::typ(SigningAlgorithm::ALL, &["JWT"]);
    let claims = jose::verify::<HintClaims>(hint, keys.public(), &rules).ok()?.claims;
    (claims.iss == cx.app.issuer()).then_some(claims)
}
