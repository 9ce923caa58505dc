//! JSON Web Signatures and Encryption, thin and typed, over `aws-lc-rs`.
//!
//! Owns: signing with parsed keys, verification by an allow-list per use, encryption to clients, JWKs. `none` only where a
//! caller asks for it by name ([`read_unsecured`]). Never: keys that a token
//! brings along (but for enrolment, where that is the point), fetching anything.

mod algorithm;
pub mod names;
mod jwk;
mod mac;
mod private_key;
mod rotation;
mod strict_json;
mod unsecured;
mod verify;
mod encryption;
#[cfg(test)]
mod attacks;

pub use algorithm::{SigningAlgorithm, UnknownAlgorithm, left_half_hash};
pub use encryption::{
    ContentEncryption, DecryptionKey, EncryptionKey, KeyManagement, Opened, UnknownEncryption, encrypt, open,
};
pub use jwk::{Jwk, JwkSet, PublicKey, PublicKeys};
pub use mac::MacAlgorithm;
pub use private_key::PrivateKey;
pub use rotation::{KeyStage, KeyTimes, NewKey, Plan, plan_rotation, stage};
pub use strict_json::is_strict_object;
pub use unsecured::{Declared, declared, read_unsecured};
pub use verify::{
    Audience, Verified, VerifyRules, unverified_issuer, unverified_kid, verify, verify_mac, verify_with_embedded_jwk,
};

/// Why a key or a token is refused. The texts name facts, never secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Not three parts of canonical base64url, or too long.
    #[error("not a compact JWS")]
    Malformed,
    /// The header is not a JSON object with known, unique members.
    #[error("the header is not acceptable")]
    Header,
    /// The algorithm is not allowed here.
    #[error("the algorithm is not allowed")]
    Algorithm,
    /// The `typ` is not the expected one.
    #[error("the typ is not the expected one")]
    Type,
    /// Extensions that must be understood are not supported (RFC 7515 §4.1.11).
    #[error("critical header extensions are not supported")]
    Critical,
    /// No key fits the `kid` and the algorithm.
    #[error("no key fits")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The claims are not a JSON object of the expected shape.
    #[error("the claims are not acceptable")]
    Claims,
    /// A key is malformed, too weak, private where a public one is wanted, or of an unknown type.
    #[error("the key is not acceptable")]
    Key,
    /// Something could not be encrypted.
    #[error("encryption failed")]
    Encryption,
    /// Something that was encrypted to us cannot be opened; why is not told.
    #[error("it cannot be decrypted")]
    Decryption,
    /// A signature could not be made.
    #[error("signing failed")]
    Signing,
}
