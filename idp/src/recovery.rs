//! Getting back in: recovery codes, forgotten user IDs and passwords, and the supervised reset.
//!
//! Owns: what each of these ways proves, and that none of them is an easier door than the login (NIST SP 800-63B-4
//! §4.2, OWASP ASVS 6.3.4 and 6.4.3). A recovery code reaches the pages of credentials and nothing else; a mailed link
//! takes the place of the password only, never of the second factor; the help desk lets somebody bind a device and sets
//! nothing itself. Never: a code or a link in a log, or a word about who exists.

pub mod codes;
mod http;
pub mod links;
pub mod passwords;
pub mod resets;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use http::routes;

/// Getting back in.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecoverySettings {
    /// Seconds that a mailed link for a new password works; 600 to 1800.
    pub link_seconds: u64,
    /// Mails that one account can be sent within an hour because somebody forgot something.
    pub mails_per_hour: u64,
    /// Times that something forgotten can be asked for from one address (of IPv6, one /64) within ten minutes.
    pub tries_per_address: u64,
    /// Seconds between the approval of a supervised reset and its code. The person is told and can stop it.
    pub cool_down_seconds: u64,
}

impl Default for RecoverySettings {
    fn default() -> Self {
        Self { link_seconds: 1200, mails_per_hour: 3, tries_per_address: 30, cool_down_seconds: 24 * 3600 }
    }
}

impl RecoverySettings {
    /// How long a mailed link works.
    pub fn link(&self) -> Duration {
        Duration::from_secs(self.link_seconds.clamp(600, 1800))
    }

    /// How long an approved reset waits.
    pub const fn cool_down(&self) -> Duration {
        Duration::from_secs(self.cool_down_seconds)
    }
}
