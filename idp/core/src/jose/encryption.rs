//! JSON Web Encryption in its compact form (RFC 7516, RFC 7518 §4 and §5).
//!
//! Owns: encrypting to a client's public key and opening what was encrypted to ours, by an allow-list of two lists of
//! names. Never: `RSA1_5`, `dir`, passwords (`PBES2`), compression (`zip`), keys that a message brings along other than
//! the ephemeral one of its agreement.

mod agreement;
mod compact;
mod content;
mod keys;
mod names;
#[cfg(test)]
mod tests;

pub use compact::{Opened, encrypt, open};
pub use keys::{DecryptionKey, EncryptionKey};
pub use names::{ContentEncryption, KeyManagement, UnknownEncryption};
