//! Secrets that a client sends, and how new ones are made.

use std::sync::Arc;

use stepgate_core::clients::{ClientAuthMethod, ClientSecret};
use stepgate_core::entropy::{Entropy, random_token};
use stepgate_core::secret::{SealError, SealingKeys, SecretString};
use stepgate_core::time::Timestamp;

use super::{find, invalid};
use crate::clients::Registered;
use crate::cx::Cx;
use crate::http::oauth_error::ProtocolFailure;

/// The purpose for which secrets that make MACs are sealed; the row is the client's id.
pub const SEAL: &str = "client secret";

/// A secret that was just made: shown once, kept as a hash.
pub struct NewSecret {
    /// The secret itself.
    pub text: SecretString,
    /// What the store keeps.
    pub row: ClientSecret,
}

impl NewSecret {
    /// A secret for a client of this method. One that makes MACs is as long as the longest of them (RFC 7518 §3.2), and
    /// kept so that we can make them too.
    ///
    /// # Errors
    /// It cannot be sealed.
    pub fn make(
        method: ClientAuthMethod,
        client_id: &str,
        sealing: &SealingKeys,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, SealError> {
        let mut text = random_token(entropy);
        let mut row = ClientSecret::of(&text, now);
        if method == ClientAuthMethod::ClientSecretJwt {
            text.push_str(&random_token(entropy));
            row = ClientSecret::of(&text, now);
            row.sealed = Some(sealing.seal(entropy, SEAL, client_id, text.as_bytes())?);
        }
        Ok(Self { text: SecretString::new(text), row })
    }
}

pub(super) async fn check_secret(
    cx: &Cx,
    id: &str,
    secret: &SecretString,
    method: ClientAuthMethod,
) -> Result<Arc<Registered>, ProtocolFailure> {
    let client = find(cx, id).await?;
    // All of them, so that the time does not tell which one matched.
    let live = client.client.secrets.iter().filter(|known| known.is_live(cx.now));
    let matches = live.filter(|known| known.hash.matches(secret.expose())).count();
    if matches == 0 {
        return Err(invalid("the client is unknown or its credentials are wrong"));
    }
    // A client registered for one of the two ways of sending its secret may use the other: libraries differ in their
    // default, and the strength is the same.
    let registered = client.client.metadata.token_endpoint_auth_method;
    let sends_secret = matches!(registered, ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost);
    if registered == method || sends_secret { Ok(client) } else { Err(invalid("the client registered another method")) }
}
