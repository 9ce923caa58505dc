//! The settings section `registration`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may register clients over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Nobody.
    Closed,
    /// Who has an initial access token: `stepgate registration-token add`.
    Token,
    /// Everybody.
    Open,
}

/// Registration of clients over HTTP (RFC 7591).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationSettings {
    /// `closed`, `token` (with an initial access token only) or `open`. Closed when absent; the demo is open.
    pub mode: Option<RegistrationMode>,
    /// Registrations without a token in an hour, from one address.
    pub open_per_hour: u64,
    /// Scopes that clients may register besides those of OpenID Connect.
    pub scopes: Vec<String>,
    /// Who may vouch for software (RFC 7591 §2.3): what their statements say takes precedence.
    pub software_statement_issuers: Vec<StatementIssuer>,
}

/// Somebody who may vouch for software.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementIssuer {
    /// The `iss` of the statements.
    pub iss: String,
    /// A file with the issuer's public keys, a JWK Set; read each time, so that it can be replaced.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// The same, written here.
    #[serde(default)]
    pub jwks: Option<String>,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self { mode: None, open_per_hour: 600, scopes: Vec::new(), software_statement_issuers: Vec::new() }
    }
}

impl RegistrationSettings {
    /// Who may register.
    pub fn mode(&self) -> RegistrationMode {
        self.mode.unwrap_or(RegistrationMode::Closed)
    }

    /// What makes it unfit.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for issuer in &self.software_statement_issuers {
            if let Err(fault) = issuer.keys() {
                found.push(format!("registration.software_statement_issuers {}: {fault}", issuer.iss));
            }
        }
        found
    }
}

impl StatementIssuer {
    /// The issuer's keys.
    ///
    /// # Errors
    /// In words, why there are none.
    pub fn keys(&self) -> Result<stepgate_core::jose::PublicKeys, String> {
        let text = match (&self.jwks, &self.jwks_file) {
            (Some(text), None) => text.clone(),
            (None, Some(file)) => {
                std::fs::read_to_string(file).map_err(|error| format!("jwks_file {}: {error}", file.display()))?
            }
            _ => return Err("give one of jwks and jwks_file".to_owned()),
        };
        let set = serde_json::from_str(&text).map_err(|error| format!("not a JWK Set of public keys: {error}"))?;
        let keys = stepgate_core::jose::PublicKeys::new(&set);
        if keys.is_empty() { Err("no key in it can verify a signature".to_owned()) } else { Ok(keys) }
    }
}
