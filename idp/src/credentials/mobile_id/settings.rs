//! The settings section `mobile`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mobile ID: how phones are woken up.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MobileSettings {
    /// Hosts of the push services that phones may name; `*.name` stands for every name below it. A subscription
    /// elsewhere is refused, so nobody can have this server call an address of their choice. Empty switches push off;
    /// the app then asks by itself while it is open.
    pub push_hosts: Vec<String>,
    /// Where a push service can reach the operator: a `mailto:` or `https:` address; the issuer when empty (RFC 8292
    /// §2.1).
    pub push_contact: String,
}

impl Default for MobileSettings {
    fn default() -> Self {
        let hosts =
            ["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", "*.notify.windows.com"];
        Self { push_hosts: hosts.map(str::to_owned).to_vec(), push_contact: String::new() }
    }
}
