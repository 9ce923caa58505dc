//! `prompt` and `display` (OpenID Connect Core §3.1.2.1).

use serde::{Deserialize, Serialize};

use crate::oidc::errors::OAuthError;

/// One value of `prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Show nothing: answer or fail.
    None,
    /// Authenticate again.
    Login,
    /// Ask for consent again.
    Consent,
    /// Let the person choose an account.
    SelectAccount,
}

impl Prompt {
    /// The values that Stepgate understands, as the discovery document lists them.
    pub const SUPPORTED: &'static [&'static str] = &["none", "login", "consent", "select_account"];
}

/// The values of one `prompt` parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromptSet(Vec<Prompt>);

impl PromptSet {
    /// Reads `prompt`. Values that are not understood are ignored, as §3.1.2.1 allows.
    ///
    /// # Errors
    /// `invalid_request` when `none` stands with another value.
    pub fn parse(text: Option<&str>) -> Result<Self, OAuthError> {
        let words: Vec<&str> = text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect();
        if words.contains(&"none") && words.len() > 1 {
            return Err(OAuthError::invalid("prompt", "none cannot stand with another value"));
        }
        let known = |word: &&str| match *word {
            "none" => Some(Prompt::None),
            "login" => Some(Prompt::Login),
            "consent" => Some(Prompt::Consent),
            "select_account" => Some(Prompt::SelectAccount),
            _ => None,
        };
        Ok(Self(words.iter().filter_map(known).collect()))
    }

    /// Whether the value was given.
    pub fn contains(&self, prompt: Prompt) -> bool {
        self.0.contains(&prompt)
    }

    /// Whether nothing may be shown.
    pub fn is_none(&self) -> bool {
        self.contains(Prompt::None)
    }
}

/// How the client would like the pages to be shown. A wish: all pages work at every size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Display {
    /// A whole page.
    #[default]
    Page,
    /// A small window.
    Popup,
    /// A touch screen.
    Touch,
    /// A feature phone.
    Wap,
}

impl Display {
    /// The values that the discovery document lists.
    pub const SUPPORTED: &'static [&'static str] = &["page", "popup", "touch", "wap"];

    /// Reads `display`; what is not understood is a page.
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("popup") => Self::Popup,
            Some("touch") => Self::Touch,
            Some("wap") => Self::Wap,
            _ => Self::Page,
        }
    }
}
