//! How long things live.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Lifetimes, in whole seconds in configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifetimes {
    /// Seconds that an authorization code can be redeemed (FAPI 2.0 allows 60 at most).
    pub code_seconds: u64,
    /// Seconds that an access token is good for.
    pub access_token_seconds: u64,
    /// Seconds that an ID token is good for.
    pub id_token_seconds: u64,
    /// Seconds after which an unused refresh token dies.
    pub refresh_idle_seconds: u64,
    /// Seconds after which a family of refresh tokens dies, used or not.
    pub refresh_absolute_seconds: u64,
    /// Seconds in which a rotated refresh token can be presented again, because the answer was lost on the way.
    pub refresh_grace_seconds: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const THIRTY_DAYS: u64 = 30 * 24 * 60 * 60;
        Self {
            code_seconds: 60,
            access_token_seconds: 600,
            id_token_seconds: 600,
            refresh_idle_seconds: THIRTY_DAYS,
            refresh_absolute_seconds: THIRTY_DAYS,
            refresh_grace_seconds: 20,
        }
    }
}

impl Lifetimes {
    /// Of a code.
    pub const fn code(&self) -> Duration {
        Duration::from_secs(self.code_seconds)
    }

    /// Of an access token.
    pub const fn access_token(&self) -> Duration {
        Duration::from_secs(self.access_token_seconds)
    }

    /// Of an ID token.
    pub const fn id_token(&self) -> Duration {
        Duration::from_secs(self.id_token_seconds)
    }

    /// Of an unused refresh token.
    pub const fn refresh_idle(&self) -> Duration {
        Duration::from_secs(self.refresh_idle_seconds)
    }

    /// Of a family of refresh tokens.
    pub const fn refresh_absolute(&self) -> Duration {
        Duration::from_secs(self.refresh_absolute_seconds)
    }

    /// Of a rotated refresh token.
    pub const fn refresh_grace(&self) -> Duration {
        Duration::from_secs(self.refresh_grace_seconds)
    }
}
