//! The settings section `developer`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The integrators' console.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeveloperSettings {
    /// Hours that a client's requests are kept for its integrators.
    pub request_log_hours: u64,
    /// Requests of one client that are kept at most.
    pub request_log_rows: u32,
    /// Of requests that went well, one of each kind is kept in so many seconds.
    pub request_log_sample_seconds: u64,
}

impl Default for DeveloperSettings {
    fn default() -> Self {
        Self { request_log_hours: 72, request_log_rows: 500, request_log_sample_seconds: 60 }
    }
}

impl DeveloperSettings {
    /// How long requests are kept.
    pub const fn kept(&self) -> Duration {
        Duration::from_secs(self.request_log_hours * 3600)
    }

    /// How often an answered request of a kind is kept.
    pub const fn sample(&self) -> Duration {
        Duration::from_secs(self.request_log_sample_seconds)
    }
}
