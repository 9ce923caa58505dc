//! Web Push: a message that only one browser can read (RFC 8291), from a server that a push service can tell apart
//! (RFC 8292). What is sent says no more than that there is something to ask for.

use std::time::Duration;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::hkdf;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::jose::{JoseError, Jwk, PrivateKey as SigningKey};
use crate::time::Timestamp;

/// How long a push service keeps a message for a phone that is away: as long as a request waits for its answer.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(120);
/// How long the proof of who we are is good (RFC 8292 §2 allows a day).
const PROOF_LIFE: Duration = Duration::from_secs(12 * 3600);
/// The longest address of a subscription.
const LONGEST: usize = 2048;

/// Where a phone can be woken up, as its browser made it (Push API §8).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The push service's address for this phone: whoever knows it can send to it, so it is a secret.
    pub endpoint: String,
    /// The browser's public key: an uncompressed point of P-256 in base64url.
    pub p256dh: String,
    /// 16 bytes in base64url.
    pub auth: String,
}

/// Why a subscription is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// No address.
    #[error("endpoint: not the address of a push service")]
    Endpoint,
    /// A host that is not among the push services of this deployment.
    #[error("endpoint: this push service is not on the list of this deployment; ask the operator to add its host")]
    Host,
    /// The browser's key.
    #[error("p256dh: expected an uncompressed P-256 point in base64url")]
    Key,
    /// The browser's secret.
    #[error("auth: expected 16 bytes in base64url")]
    Auth,
}

impl Subscription {
    /// Checks the form, and that the host is one of the push services in `hosts` (`*.name` stands for every name below
    /// it). Where names lead is for the client that goes there.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, hosts: &[String]) -> Result<Url, SubscriptionError> {
        let url = Url::parse(&self.endpoint).ok().filter(|_| self.endpoint.len() <= LONGEST);
        let url = url.ok_or(SubscriptionError::Endpoint)?;
        let host = url.host_str().ok_or(SubscriptionError::Endpoint)?;
        let listed = hosts.iter().any(|known| match known.strip_prefix("*.") {
            Some(parent) => host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            None => known == host,
        });
        if !listed {
            return Err(SubscriptionError::Host);
        }
        self.keys()?;
        Ok(url)
    }

    fn keys(&self) -> Result<(Vec<u8>, Vec<u8>), SubscriptionError> {
        let bytes = |text: &str| BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok();
        let point = bytes(&self.p256dh).filter(|point| point.len() == 65 && point.first() == Some(&4));
        let auth = bytes(&self.auth).filter(|auth| auth.len() == 16);
        Ok((point.ok_or(SubscriptionError::Key)?, auth.ok_or(SubscriptionError::Auth)?))
    }
}

/// Why a message cannot be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// The browser's keys.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    /// The cryptography.
    #[error("the push message could not be encrypted")]
    Crypto,
}

impl From<aws_lc_rs::error::Unspecified> for EncryptionError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

/// Encrypts for the subscription's browser (RFC 8291 §3.4): the body of the request, `Content-Encoding: aes128gcm`.
///
/// # Errors
/// [`EncryptionError`] when the browser's key is none.
pub fn encrypt(subscription: &Subscription, salt: [u8; 16], plaintext: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    encrypt_with(&PrivateKey::generate(&ECDH_P256)?, subscription, salt, plaintext)
}

fn encrypt_with(
    ours: &PrivateKey,
    subscription: &Subscription,
    salt: [u8; 16],
    plaintext: &[u8],
) -> Result<Vec<u8>, EncryptionError> {
    let (theirs, auth) = subscription.keys()?;
    let public = ours.compute_public_key()?;
    let public = public.as_ref();
    let key_info = [b"WebPush: info\0".as_slice(), &theirs, public].concat();
    let peer = UnparsedPublicKey::new(&ECDH_P256, &theirs);
    let material = agreement::agree(ours, peer, EncryptionError::Crypto, |shared| {
        Ok(expand::<32>(&hkdf::Salt::new(hkdf::HKDF_SHA256, &auth).extract(shared), &key_info)?)
    })?;
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt).extract(&material);
    let content_key = expand::<16>(&key, b"Content-Encoding: aes128gcm\0")?;
    let nonce = expand::<12>(&key, b"Content-Encoding: nonce\0")?;
    // One record, the last: a delimiter of 2 and no padding (RFC 8188 §2).
    let mut record = [plaintext, &[2]].concat();
    let sealing = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content_key)?);
    sealing.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)?;
    let size = 4096_u32.to_be_bytes();
    Ok([salt.as_slice(), &size, &[65], public, &record].concat())
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(key: &hkdf::Prk, info: &[u8]) -> Result<[u8; N], aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; N];
    key.expand(&[info], Length(N))?.fill(&mut bytes)?;
    Ok(bytes)
}

/// The `Authorization` of a request to a push service (RFC 8292 §3): who sends, for this service, for half a day. The
/// audience is the service's origin, with its port where it is not the usual one.
///
/// # Errors
/// [`JoseError`] when the signature fails.
pub fn authorization(key: &SigningKey, endpoint: &Url, contact: &str, now: Timestamp) -> Result<String, JoseError> {
    let claims = json!({
        "aud": endpoint.origin().ascii_serialization(),
        "exp": (now + PROOF_LIFE).unix_seconds(),
        "sub": contact,
    });
    Ok(format!("vapid t={}, k={}", key.sign("JWT", &claims)?, public_point(key.public_jwk())))
}

/// A public key as browsers want it (`applicationServerKey`): the uncompressed point in base64url.
pub fn public_point(key: &Jwk) -> String {
    let coordinate = |text: &Option<String>| {
        BASE64URL_NOPAD.decode(text.as_deref().unwrap_or_default().as_bytes()).unwrap_or_default()
    };
    BASE64URL_NOPAD.encode(&[&[4], coordinate(&key.x).as_slice(), coordinate(&key.y).as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Vec<u8> {
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
    }

    fn example() -> Subscription {
        Subscription {
            endpoint: "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV".to_owned(),
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .to_owned(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
        }
    }

    #[test]
    fn the_example_of_rfc_8291_section_5() {
        let ours =
            PrivateKey::from_private_key(&ECDH_P256, &decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = decode("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let body = encrypt_with(&ours, &example(), salt, b"When I grow up, I want to be a watermelon").unwrap();
        assert_eq!(
            BASE64URL_NOPAD.encode(&body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6P\
             Bru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn only_listed_push_services_are_spoken_to() {
        let hosts = ["push.example.net".to_owned(), "*.notify.example".to_owned()];
        let at = |endpoint: &str| Subscription { endpoint: endpoint.to_owned(), ..example() }.check(&hosts).map(drop);
        assert_eq!(example().check(&hosts).map(drop), Ok(()));
        assert_eq!(at("https://a.notify.example/x"), Ok(()));
        for foreign in [
            "https://notify.example/x",
            "https://.notify.example/x",
            "https://evilnotify.example/x",
            "https://push.example.net.evil.example/x",
            "https://169.254.169.254/latest",
            "https://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(at(foreign), Err(SubscriptionError::Host), "{foreign}");
        }
        assert_eq!(at("nonsense"), Err(SubscriptionError::Endpoint));
        assert_eq!(Subscription { auth: "AA".to_owned(), ..example() }.check(&hosts), Err(SubscriptionError::Auth));
    }

    #[test]
    fn the_audience_of_the_proof_has_the_port() {
        let key = SigningKey::from_p256_scalar(&crate::secret::SecretBytes::new(vec![7; 32])).unwrap();
        let endpoint = Url::parse("http://127.0.0.1:8123/push/1").unwrap();
        let header = authorization(&key, &endpoint, "https://id.example", Timestamp::from_unix_seconds(1000)).unwrap();
        let (token, point) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&decode(token.split('.').nth(1).unwrap())).unwrap();
        assert_eq!(claims["aud"], "http://127.0.0.1:8123");
        assert_eq!(claims["exp"], 1000 + 12 * 3600);
        assert_eq!(decode(point).len(), 65);
    }
}
