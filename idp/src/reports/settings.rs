//! The settings section `reports`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Figures for programs.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReportSettings {
    /// Clients (by `client_id`) that may read all reports at `/admin/api/reports` with an access token of their own and the
    /// scope `reports`. A scope alone is not enough: clients may be registered by partners.
    pub clients: Vec<String>,
}
