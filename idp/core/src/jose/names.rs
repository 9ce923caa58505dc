//! The algorithms that may be named at registration, beside [`SigningAlgorithm`](super::SigningAlgorithm): one list
//! for each use, and no algorithm in it that is not implemented.

/// Key management of encrypted answers and request objects (RFC 7518 §4.1).
pub const ENCRYPTION: &[&str] = &["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"];

/// Content encryption (RFC 7518 §5.1).
pub const CONTENT_ENCRYPTION: &[&str] = &["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"];

/// Content encryption where a client names none (OpenID Connect Dynamic Client Registration §2).
pub const DEFAULT_CONTENT_ENCRYPTION: &str = "A128CBC-HS256";

/// MACs of assertions under a client's secret (RFC 7518 §3.2).
pub const MACS: &[&str] = &["HS256", "HS384", "HS512"];
