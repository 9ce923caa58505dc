//! The deployment's secrets: one master secret, from which every key of its own purpose is derived.

use crate::passwords::{Pepper, PepperError, Peppers};
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64URL_NOPAD;
use stepgate_core::clients::SubjectKey;
use stepgate_core::secret::{SealError, SealingKey, SealingKeys, Secret, SecretBytes};

/// Why the configured secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Too short to be random.
    #[error("secrets.master must have at least 32 bytes of base64url; make one with `openssl rand -base64 48`")]
    TooShort,
    /// A derived key was refused.
    #[error("a key could not be derived: {0}")]
    Seal(#[from] SealError),
    /// A derived pepper was refused.
    #[error("a key could not be derived: {0}")]
    Pepper(#[from] PepperError),
}

/// Keys derived from the master secret, one per purpose, so that a value made for one is worthless for another.
pub struct Secrets {
    /// Encryption at rest.
    pub sealing: SealingKeys,
    /// Proof that a form came from a page of ours.
    pub csrf: hmac::Key,
    /// When a form was opened, said by the form.
    pub forms: hmac::Key,
    /// What a browser's session looks like to scripts of partners.
    pub browser_state: hmac::Key,
    /// Short codes that were sent to a person.
    pub codes: SecretBytes,
    /// Pairwise subjects. From the oldest master secret: what relying parties know people by must outlive a new one.
    pub subjects: SubjectKey,
    /// Look-up of telephone numbers without keeping them in the clear.
    pub numbers: hmac::Key,
    /// Look-up of the codes that people type for a device.
    pub devices: hmac::Key,
    /// What signs requests to phones: today's number, and those of earlier master secrets, which phones may still know.
    pub phone_requests: Vec<SecretBytes>,
    /// What push services know us by (RFC 8292).
    pub web_push: SecretBytes,
    /// Recovery codes and binding codes. From the oldest master secret: what people printed must outlive a new one.
    pub recovery: hmac::Key,
    /// License keys. From the oldest master secret: what people bought must outlive a new one.
    pub licenses: hmac::Key,
    pepper: SecretBytes,
    previous_peppers: Vec<SecretBytes>,
}

impl Secrets {
    /// From the configured master secret and those that were in use before it (they still open what they sealed).
    pub fn derive(master: &Secret<String>, previous: &[Secret<String>]) -> Result<Self, SecretsError> {
        let current = decode(master)?;
        let oldest = decode(previous.last().unwrap_or(master))?;
        let old = previous
            .iter()
            .map(|secret| Ok(SealingKey::new(derive(&decode(secret)?, b"seal").expose())?))
            .collect::<Result<Vec<_>, SecretsError>>()?;
        let mac = |purpose: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, derive(&current, purpose).expose());
        Ok(Self {
            sealing: SealingKeys::new(SealingKey::new(derive(&current, b"seal").expose())?, old),
            csrf: mac(b"csrf"),
            forms: mac(b"forms"),
            browser_state: mac(b"browser state"),
            codes: derive(&current, b"codes"),
            subjects: SubjectKey::new(&derive(&oldest, b"subjects")).ok_or(SealError::KeyLength)?,
            numbers: mac(b"numbers"),
            devices: mac(b"devices"),
            phone_requests: std::iter::once(master)
                .chain(previous)
                .map(|secret| Ok(derive(&decode(secret)?, b"phone requests")))
                .collect::<Result<Vec<_>, SecretsError>>()?,
            web_push: derive(&current, b"web push"),
            recovery: hmac::Key::new(hmac::HMAC_SHA256, derive(&oldest, b"recovery").expose()),
            licenses: hmac::Key::new(hmac::HMAC_SHA256, derive(&oldest, b"license keys").expose()),
            pepper: derive(&current, b"pepper"),
            previous_peppers: previous
                .iter()
                .map(|secret| Ok(derive(&decode(secret)?, b"pepper")))
                .collect::<Result<Vec<_>, SecretsError>>()?,
        })
    }

    /// The peppers of passwords: today's, and those of earlier master secrets.
    pub fn peppers(&self) -> Result<Peppers, SecretsError> {
        let previous = self.previous_peppers.iter().map(Pepper::new).collect::<Result<Vec<_>, _>>()?;
        Ok(Peppers::new(Pepper::new(&self.pepper)?, previous))
    }
}

fn decode(secret: &Secret<String>) -> Result<SecretBytes, SecretsError> {
    let text = secret.expose().trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| SecretsError::TooShort)?;
    if bytes.len() < 32 { Err(SecretsError::TooShort) } else { Ok(SecretBytes::new(bytes)) }
}

struct Length;
impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

fn derive(master: &SecretBytes, purpose: &[u8]) -> SecretBytes {
    let mut key = vec![0; 32];
    let info = [b"stepgate v1 ".as_slice(), purpose];
    let filled = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stepgate")
        .extract(master.expose())
        .expand(&info, Length)
        .and_then(|okm| okm.fill(&mut key));
    // HKDF refuses only outputs above 255 hashes; a key of zeros must never be used all the same.
    if filled.is_err() {
        std::process::abort();
    }
    SecretBytes::new(key)
}
