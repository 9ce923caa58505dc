//! The settings section `passwords`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What hashing a password costs, and how many may wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordSettings {
    /// Memory of one hash in KiB. 19456 (19 MiB) with 2 iterations is OWASP's advice for Argon2id. At most 262144.
    pub memory_kib: u32,
    /// Passes over that memory. At most 16.
    pub iterations: u32,
    /// Lanes of one hash. At most 16; they are computed one after the other.
    pub parallelism: u32,
    /// Threads that hash; 0 for one per processor. Each holds `memory_kib` while logins come in.
    pub threads: usize,
    /// Passwords that may wait for a thread. Beyond, a login is answered with 503 and `Retry-After` at once.
    /// At least 1.
    pub queue: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1, threads: 0, queue: 64 }
    }
}

impl PasswordSettings {
    /// `threads`, or the number of processors.
    pub(super) fn thread_count(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}
