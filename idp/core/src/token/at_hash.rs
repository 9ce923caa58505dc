//! `at_hash` (OpenID Connect Core §3.1.3.6): binds an ID token to the access token beside it.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;

/// The hash that a signing algorithm is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureHash {
    /// RS256, PS256, ES256.
    Sha256,
    /// RS384, PS384, ES384.
    Sha384,
    /// RS512, PS512, ES512, and EdDSA with Ed25519.
    Sha512,
}

/// The left half of the hash of the access token, in base64url. `hash` is that of the ID token's algorithm.
pub fn at_hash(access_token: &str, hash: SignatureHash) -> String {
    let algorithm = match hash {
        SignatureHash::Sha256 => &digest::SHA256,
        SignatureHash::Sha384 => &digest::SHA384,
        SignatureHash::Sha512 => &digest::SHA512,
    };
    let digest = digest::digest(algorithm, access_token.as_bytes());
    let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
    BASE64URL_NOPAD.encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_connect_core_appendix_a_3() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(token, SignatureHash::Sha256), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(token, SignatureHash::Sha512).len(), 43);
    }
}
