//! What a client gets is signed, and encrypted to it, as it registered: ID tokens, userinfo, introspection (OpenID Connect
//! Core §10, RFC 9701).
//!
//! Owns: which algorithm, which key, the order (signed, then encrypted). Never makes claims.

use serde::Serialize;
use stepgate_core::clients::ClientMetadata;
use stepgate_core::jose::{self, ContentEncryption, EncryptionKey, KeyManagement, SigningAlgorithm};
use stepgate_core::oidc::{ErrorCode, OAuthError};

use crate::clients::Registered;
use crate::clients::keys::client_keys;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::oauth_error::ProtocolFailure;

/// What is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// An ID token: always signed.
    IdToken,
    /// An answer of the userinfo endpoint.
    Userinfo,
    /// An answer of the introspection endpoint.
    Introspection,
}

/// How a client wants it.
struct Wish<'a> {
    signed: Option<&'a str>,
    encrypted: Option<(&'a str, Option<&'a str>)>,
}

impl Use {
    fn wish(self, metadata: &ClientMetadata) -> Wish<'_> {
        let (signed, alg, enc) = match self {
            Self::IdToken => (
                &metadata.id_token_signed_response_alg,
                &metadata.id_token_encrypted_response_alg,
                &metadata.id_token_encrypted_response_enc,
            ),
            Self::Userinfo => (
                &metadata.userinfo_signed_response_alg,
                &metadata.userinfo_encrypted_response_alg,
                &metadata.userinfo_encrypted_response_enc,
            ),
            Self::Introspection => (
                &metadata.introspection_signed_response_alg,
                &metadata.introspection_encrypted_response_alg,
                &metadata.introspection_encrypted_response_enc,
            ),
        };
        Wish { signed: signed.as_deref(), encrypted: alg.as_deref().map(|alg| (alg, enc.as_deref())) }
    }

    const fn typ(self) -> &'static str {
        match self {
            Self::IdToken | Self::Userinfo => "JWT",
            Self::Introspection => "token-introspection+jwt",
        }
    }

    const fn parameter(self) -> &'static str {
        match self {
            Self::IdToken => "id_token_encrypted_response_alg",
            Self::Userinfo => "userinfo_encrypted_response_alg",
            Self::Introspection => "introspection_encrypted_response_alg",
        }
    }
}

/// Whether the client wants a signed answer; an encrypted ID token or introspection answer is signed first in any case.
pub fn is_signed(client: &Registered, of: Use) -> bool {
    let wish = of.wish(&client.client.metadata);
    wish.signed.is_some() || of == Use::IdToken || (of == Use::Introspection && wish.encrypted.is_some())
}

/// Whether the client wants it encrypted.
pub fn is_encrypted(client: &Registered, of: Use) -> bool {
    of.wish(&client.client.metadata).encrypted.is_some()
}

/// Signs claims for a client by the algorithm that it registered (RS256 when it named none), and encrypts the token to
/// it where it asked for that: a nested JWT (RFC 7519 §5.2).
///
/// # Errors
/// The client asks for encryption and has no key that fits.
pub async fn seal_for(
    cx: &Cx,
    client: &Registered,
    of: Use,
    claims: &impl Serialize,
) -> Result<String, ProtocolFailure> {
    let wish = of.wish(&client.client.metadata);
    let algorithm = match of {
        Use::IdToken => client.id_token_algorithm,
        Use::Userinfo | Use::Introspection => wish
            .signed
            .unwrap_or("RS256")
            .parse::<SigningAlgorithm>()
            .map_err(|_| unknown(client, "a signing algorithm"))?,
    };
    let keys = cx.app.keys();
    let key =
        keys.signer(algorithm).ok_or_else(|| Fault::Internal(format!("there is no signing key for {algorithm}")))?;
    let token = key.sign(of.typ(), claims).map_err(Fault::internal)?;
    if wish.encrypted.is_none() {
        return Ok(token);
    }
    encrypt_for(cx, client, of, token.as_bytes(), Some("JWT")).await
}

/// Encrypts bytes to a client that asked for encryption.
///
/// # Errors
/// The client has no key that fits.
pub async fn encrypt_for(
    cx: &Cx,
    client: &Registered,
    of: Use,
    plain: &[u8],
    cty: Option<&str>,
) -> Result<String, ProtocolFailure> {
    let wish = of.wish(&client.client.metadata);
    let (alg, enc) = wish.encrypted.ok_or_else(|| unknown(client, "no encryption"))?;
    let alg = alg.parse::<KeyManagement>().map_err(|_| unknown(client, "an encryption alg"))?;
    let enc = enc.map_or(Ok(ContentEncryption::default()), str::parse);
    let enc = enc.map_err(|_| unknown(client, "an encryption enc"))?;
    let key = encryption_key(cx, client, alg).await.ok_or_else(|| no_key(of, alg))?;
    Ok(jose::encrypt(plain, &key, (alg, enc), cty, cx.entropy()).map_err(Fault::internal)?)
}

/// The client's key to encrypt to.
async fn encryption_key(cx: &Cx, client: &Registered, alg: KeyManagement) -> Option<EncryptionKey> {
    // What cannot be fetched is as good as none.
    let keys = client_keys(cx, client, None).await.ok()?;
    EncryptionKey::choose(&keys.set, alg)
}

fn no_key(of: Use, alg: KeyManagement) -> ProtocolFailure {
    let text = format!("no key of the client fits {alg}; publish one with use=enc");
    OAuthError::parameter(ErrorCode::InvalidRequest, of.parameter(), &text).into()
}

fn unknown(client: &Registered, what: &str) -> Fault {
    Fault::Internal(format!("client {} has {what} that is unknown", client.client.id))
}
