//! The compact form: five parts (RFC 7516 §3.1, §5).

use data_encoding::BASE64URL_NOPAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::agreement::Ephemeral;
use super::keys::Delivery;
use super::{ContentEncryption, DecryptionKey, EncryptionKey, KeyManagement, content};
use crate::entropy::Entropy;
use crate::jose::JoseError;
use crate::jose::strict_json::is_strict_object;

/// The longest message that is opened: an encrypted request object in a form.
const LONGEST: usize = 64 * 1024;
const MAX_HEADER: usize = 4 * 1024;

#[derive(Serialize)]
struct Header<'a> {
    alg: KeyManagement,
    enc: ContentEncryption,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epk: Option<&'a Ephemeral>,
}

/// Encrypts `plain` to a recipient. `cty` is `JWT` where what is inside is one (RFC 7519 §5.2).
///
/// # Errors
/// The key does not fit the algorithm, or the library failed.
pub fn encrypt(
    plain: &[u8],
    key: &EncryptionKey,
    (alg, enc): (KeyManagement, ContentEncryption),
    cty: Option<&str>,
    entropy: &dyn Entropy,
) -> Result<String, JoseError> {
    let delivered = key.deliver(alg, enc, entropy)?;
    let header = Header { alg, enc, kid: key.kid(), cty, epk: delivered.epk.as_ref() };
    let header = serde_json::to_vec(&header).map_err(|_| JoseError::Encryption)?;
    let mut iv = vec![0; enc.iv_length()];
    entropy.fill(&mut iv);
    let mut token = BASE64URL_NOPAD.encode(&header);
    // The header as it travels is the additional data (RFC 7516 §5.1 step 14).
    let (cipher, tag) = content::seal(enc, delivered.key.expose(), &iv, token.as_bytes(), plain)?;
    for part in [&delivered.encrypted, &iv, &cipher, &tag] {
        token.push('.');
        BASE64URL_NOPAD.encode_append(part, &mut token);
    }
    Ok(token)
}

/// A message that was opened.
pub struct Opened {
    /// What was inside.
    pub plain: Vec<u8>,
    /// What it says it is: `JWT` for a nested one.
    pub cty: Option<String>,
    /// How its key travelled.
    pub alg: KeyManagement,
    /// How it was encrypted.
    pub enc: ContentEncryption,
}

#[derive(Deserialize)]
struct ReceivedHeader {
    alg: String,
    enc: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    cty: Option<String>,
    #[serde(default)]
    epk: Option<Ephemeral>,
    #[serde(default)]
    apu: Option<String>,
    #[serde(default)]
    apv: Option<String>,
    #[serde(default)]
    zip: Option<IgnoredAny>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// Opens a message that was encrypted to one of our keys, by one of the allowed ways.
///
/// # Errors
/// The first rule that it breaks; everything after the keys were found is one and the same [`JoseError::Decryption`].
pub fn open(
    compact: &str,
    keys: &[DecryptionKey],
    allowed: (&[KeyManagement], &[ContentEncryption]),
) -> Result<Opened, JoseError> {
    if compact.len() > LONGEST {
        return Err(JoseError::Malformed);
    }
    let parts: Vec<&str> = compact.split('.').collect();
    let [protected, encrypted, iv, cipher, tag] = parts.as_slice() else { return Err(JoseError::Malformed) };
    if protected.len() > MAX_HEADER {
        return Err(JoseError::Malformed);
    }
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| JoseError::Malformed);
    let header = decode(protected)?;
    if !is_strict_object(&header) {
        return Err(JoseError::Header);
    }
    let header: ReceivedHeader = serde_json::from_slice(&header).map_err(|_| JoseError::Header)?;
    if header.crit.is_some() || header.zip.is_some() {
        return Err(JoseError::Critical);
    }
    let alg = header.alg.parse().ok().filter(|alg| allowed.0.contains(alg)).ok_or(JoseError::Algorithm)?;
    let enc = header.enc.parse().ok().filter(|enc| allowed.1.contains(enc)).ok_or(JoseError::Algorithm)?;
    let party = |value: &Option<String>| value.as_deref().map_or(Ok(Vec::new()), decode);
    let (encrypted, iv, cipher, tag) = (decode(encrypted)?, decode(iv)?, decode(cipher)?, decode(tag)?);
    let (party_u, party_v) = (party(&header.apu)?, party(&header.apv)?);
    let delivery =
        Delivery { alg, enc, epk: header.epk.as_ref(), party_u: &party_u, party_v: &party_v, encrypted: &encrypted };
    let mut outcome = Err(JoseError::UnknownKey);
    for key in keys.iter().filter(|key| key.answers(header.kid.as_deref())) {
        let opened = key
            .receive(&delivery)
            .and_then(|key| content::open(enc, key.expose(), &iv, protected.as_bytes(), (&cipher, &tag)));
        match opened {
            Ok(plain) => return Ok(Opened { plain, cty: header.cty, alg, enc }),
            Err(JoseError::UnknownKey) => {}
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}
