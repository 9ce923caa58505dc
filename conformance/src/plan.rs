//! What is asked of the suite, and what is expected from it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Failure;

/// A plan file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The suite's name of the plan.
    pub plan: String,
    /// The variants that the user picks.
    pub variant: Value,
    /// The configuration; `{PROVIDER}` in it stands for the provider's address.
    pub config: Value,
}

impl Plan {
    /// Reads a plan file.
    ///
    /// # Errors
    /// The file cannot be read, or is no plan.
    pub fn read(path: &Path, provider: &str) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Failure::File(name.clone(), error))?;
        let text = text.replace("{PROVIDER}", provider);
        serde_json::from_str(&text).map_err(|error| Failure::Format(name, error.to_string()))
    }
}

/// Modules that are known to end otherwise than in success.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Each with its reason.
    pub exception: Vec<Exception>,
}

/// A module that is known to end otherwise than in success.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The suite's name of the plan; `*` for every plan.
    pub plan: String,
    /// The module.
    pub module: String,
    /// How it ends: `WARNING`, `SKIPPED` or `FAILED`.
    pub result: String,
    /// Why that is right, or why it cannot be helped.
    pub reason: String,
    /// Since when, `YYYY-MM-DD`.
    pub date: String,
}

impl Expected {
    /// Reads the file.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else; an exception without a reason is one.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Failure::File(name.clone(), error))?;
        let expected: Self = toml::from_str(&text).map_err(|error| Failure::Format(name.clone(), error.to_string()))?;
        match expected.exception.iter().find(|exception| exception.reason.trim().is_empty()) {
            Some(bare) => Err(Failure::Format(name, format!("{}: an exception needs a reason", bare.module))),
            None => Ok(expected),
        }
    }

    /// What became of a module, against what is expected of it.
    pub fn judge(&self, plan: &str, module: &str, result: &str) -> Verdict {
        let known =
            |exception: &&Exception| [plan, "*"].contains(&exception.plan.as_str()) && exception.module == module;
        match self.exception.iter().find(known) {
            Some(exception) if exception.result == result => Verdict::Excepted(exception.reason.clone()),
            Some(exception) => Verdict::Unexpected(format!("{} is expected", exception.result)),
            None if ["PASSED", "REVIEW"].contains(&result) => Verdict::Passed,
            None => Verdict::Unexpected("success is expected".to_owned()),
        }
    }
}

/// What became of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passed, or waits only for a person to look at its pictures.
    Passed,
    /// It ended as its exception says, and why.
    Excepted(String),
    /// It ended otherwise.
    Unexpected(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_holds_for_its_result_only_and_must_still_be_needed() {
        let text =
            "[[exception]]\nplan = \"p\"\nmodule = \"m\"\nresult = \"SKIPPED\"\nreason = \"r\"\ndate = \"2026-11-28\"";
        let expected: Expected = toml::from_str(text).unwrap_or_default();
        let judge = |plan, module, result| expected.judge(plan, module, result);
        assert_eq!(judge("p", "m", "SKIPPED"), Verdict::Excepted("r".to_owned()));
        assert!(matches!(judge("p", "m", "PASSED"), Verdict::Unexpected(_)));
        assert!(matches!(judge("p", "m", "FAILED"), Verdict::Unexpected(_)));
        assert!(matches!(judge("q", "m", "SKIPPED"), Verdict::Unexpected(_)));
        assert_eq!(judge("p", "n", "REVIEW"), Verdict::Passed);
        assert!(matches!(judge("p", "n", "WARNING"), Verdict::Unexpected(_)));
    }
}
