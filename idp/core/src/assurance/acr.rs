//! Authentication context class references.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A class reference: visible ASCII without spaces, 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Acr(String);

/// The text cannot be a class reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an acr has 1 to 255 visible ASCII characters and no spaces")]
pub struct AcrError;

impl Acr {
    /// A reference that is written in our own code.
    pub(super) fn from_static(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The reference on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Acr {
    type Err = AcrError;

    fn from_str(text: &str) -> Result<Self, AcrError> {
        let fit = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fit { Ok(Self(text.to_owned())) } else { Err(AcrError) }
    }
}

impl TryFrom<String> for Acr {
    type Error = AcrError;

    fn try_from(text: String) -> Result<Self, AcrError> {
        text.parse()
    }
}

impl From<Acr> for String {
    fn from(acr: Acr) -> Self {
        acr.0
    }
}

impl fmt::Display for Acr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
