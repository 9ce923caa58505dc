//! The pepper: a secret key that is not in the database (NIST SP 800-63B-4 §3.1.1.2). A stolen table alone cannot be
//! guessed against.

use aws_lc_rs::{digest, hmac};
use stepgate_core::secret::{SecretBytes, SecretString};

/// Names a pepper in a stored hash; derived from the key.
pub(super) type KeyId = [u8; 4];

/// A pepper has too few bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pepper must have at least 32 bytes")]
pub struct PepperError;

/// One secret key.
pub struct Pepper {
    id: KeyId,
    key: hmac::Key,
}

impl Pepper {
    /// From at least 32 secret bytes.
    pub fn new(secret: &SecretBytes) -> Result<Self, PepperError> {
        if secret.expose().len() < 32 {
            return Err(PepperError);
        }
        let mut named = digest::Context::new(&digest::SHA256);
        named.update(b"stepgate pepper id");
        named.update(secret.expose());
        let mut id = [0; 4];
        for (byte, computed) in id.iter_mut().zip(named.finish().as_ref()) {
            *byte = *computed;
        }
        Ok(Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, secret.expose()) })
    }

    pub(super) const fn id(&self) -> KeyId {
        self.id
    }

    /// HMAC-SHA-256 of the password: what Argon2id hashes.
    pub(super) fn apply(&self, password: &SecretString) -> SecretBytes {
        SecretBytes::new(hmac::sign(&self.key, password.expose().as_bytes()).as_ref().to_vec())
    }
}

/// What Argon2id hashes where there is no pepper.
pub(super) fn unpeppered(password: &SecretString) -> SecretBytes {
    SecretBytes::new(password.expose().as_bytes().to_vec())
}

/// The peppers in use: new hashes get the current one, all of them still verify.
pub struct Peppers {
    current: Pepper,
    previous: Vec<Pepper>,
}

impl Peppers {
    /// `current` for new hashes; `previous` for what they have made.
    pub const fn new(current: Pepper, previous: Vec<Pepper>) -> Self {
        Self { current, previous }
    }

    pub(super) const fn current(&self) -> &Pepper {
        &self.current
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&Pepper> {
        std::iter::once(&self.current).chain(&self.previous).find(|pepper| pepper.id == id)
    }
}
