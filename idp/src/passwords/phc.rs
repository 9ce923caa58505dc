//! The stored form: a PHC string, `$argon2id$v=19$m=…,t=…,p=…,keyid=…$salt$hash`, base64 without padding.

use data_encoding::BASE64_NOPAD;

use super::pepper::KeyId;

/// What is wrong with a stored hash or a configured cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhcError {
    /// Not `$argon2id$v=19$…`.
    #[error("it is not a PHC string of Argon2id, version 19")]
    Format,
    /// Outside of what Argon2 takes, or of what a row may cost us.
    #[error("memory_kib must be 8 per lane to 262144, iterations 1 to 16, parallelism 1 to 16")]
    Cost,
    /// Salt of 8 to 64 bytes, hash of 16 to 64.
    #[error("its salt or hash has an impossible length")]
    Length,
}

/// What one hash costs. Capped: a row from elsewhere must not be able to take all memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) parallelism: u32,
}

impl Cost {
    pub(super) fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, PhcError> {
        let allowed = memory_kib <= 256 * 1024
            && (1..=16).contains(&iterations)
            && (1..=16).contains(&parallelism)
            && memory_kib >= 8 * parallelism;
        if allowed { Ok(Self { memory_kib, iterations, parallelism }) } else { Err(PhcError::Cost) }
    }
}

/// A stored hash, taken apart.
pub(super) struct Phc {
    pub(super) cost: Cost,
    pub(super) key_id: Option<KeyId>,
    pub(super) salt: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Phc {
    pub(super) fn encode(&self) -> String {
        let Cost { memory_kib, iterations, parallelism } = self.cost;
        let key_id = self.key_id.map(|id| format!(",keyid={}", BASE64_NOPAD.encode(&id))).unwrap_or_default();
        let (salt, hash) = (BASE64_NOPAD.encode(&self.salt), BASE64_NOPAD.encode(&self.hash));
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}{key_id}${salt}${hash}")
    }

    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        let rest = text.strip_prefix("$argon2id$v=19$").ok_or(PhcError::Format)?;
        let mut parts = rest.split('$');
        let (Some(params), Some(salt), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PhcError::Format);
        };
        let mut params = params.split(',');
        let mut number = |name: &str| {
            let digits = params.next().and_then(|param| param.strip_prefix(name)).ok_or(PhcError::Format)?;
            digits.parse::<u32>().map_err(|_| PhcError::Format)
        };
        let cost = Cost::new(number("m=")?, number("t=")?, number("p=")?)?;
        let key_id = match params.next() {
            None => None,
            Some(param) => Some(key_id(param)?),
        };
        if params.next().is_some() {
            return Err(PhcError::Format);
        }
        let (salt, hash) = (bytes(salt)?, bytes(hash)?);
        if !(8..=64).contains(&salt.len()) || !(16..=64).contains(&hash.len()) {
            return Err(PhcError::Length);
        }
        Ok(Self { cost, key_id, salt, hash })
    }
}

fn key_id(param: &str) -> Result<KeyId, PhcError> {
    let id = bytes(param.strip_prefix("keyid=").ok_or(PhcError::Format)?)?;
    id.try_into().map_err(|_| PhcError::Format)
}

fn bytes(base64: &str) -> Result<Vec<u8>, PhcError> {
    BASE64_NOPAD.decode(base64.as_bytes()).map_err(|_| PhcError::Format)
}
