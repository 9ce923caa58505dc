//! Small things that several pages show: tones, actions, the words for kinds and states.

use askama::Template;
use stepgate_core::assurance::{CredentialKind, CredentialState};

/// What a coloured thing says. A word and an icon always go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Neutral,
    /// All is well.
    Ok,
    /// Good to know.
    Notice,
    /// Will need attention.
    Warning,
    /// Needs attention now.
    Danger,
}

impl Tone {
    /// The name that the style sheet knows.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Ok => "ok",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Danger => "danger",
        }
    }

    /// Its icon, an `<svg>`.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Neutral | Self::Notice => include_str!("../../templates/icon/info.svg"),
            Self::Ok => include_str!("../../templates/icon/check.svg"),
            Self::Warning | Self::Danger => include_str!("../../templates/icon/alert.svg"),
        }
    }
}

/// What became of a code on its way: what the line on its page holds, and its script puts there.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/receipt.html")]
pub struct ReceiptLine {
    /// What is known; nothing while it is under way.
    pub delivery: Option<(Tone, String)>,
}

/// Where an action leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Another page.
    Link(String),
    /// A form post to this path; the page adds its `csrf` field.
    Post(String),
}

/// One button or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its element id; unique on the page.
    pub id: String,
    /// Its words.
    pub label: String,
    /// Where it leads.
    pub target: Target,
    /// Hidden fields of a post.
    pub fields: Vec<(String, String)>,
    /// How it looks: `Danger` for what cannot be undone.
    pub tone: Tone,
}

impl Action {
    /// A link to another page.
    pub fn link(id: impl Into<String>, label: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            label: label.into(),
            target: Target::Link(path.into()),
            fields: Vec::new(),
            tone: Tone::Neutral,
        }
    }

    /// A form post.
    pub fn post(id: impl Into<String>, label: impl Into<String>, path: impl Into<String>) -> Self {
        Self { target: Target::Post(path.into()), ..Self::link(id, label, "") }
    }

    /// The same with a hidden field.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// The path of a link.
    pub(crate) fn path(&self) -> Option<&str> {
        match &self.target {
            Target::Link(path) => Some(path),
            Target::Post(_) => None,
        }
    }

    /// The path of a form.
    pub(crate) fn post_path(&self) -> &str {
        match &self.target {
            Target::Link(path) | Target::Post(path) => path,
        }
    }

    /// The same, marked as something that cannot be undone.
    #[must_use]
    pub fn dangerous(mut self) -> Self {
        self.tone = Tone::Danger;
        self
    }
}

/// The name of a kind of credential, as the header and the lists show it.
pub const fn kind_name(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Password => "Password",
        CredentialKind::PhoneOtp => "Phone OTP",
        CredentialKind::MobileId => "Mobile ID",
        CredentialKind::HardwareToken => "OTP Hardware Token",
        CredentialKind::SecurityKey => "Security Key",
        CredentialKind::Recovery => "Recovery codes",
    }
}

/// The icon of a kind of credential, an `<svg>`.
pub const fn kind_icon(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Password => include_str!("../../templates/icon/password.svg"),
        CredentialKind::PhoneOtp => include_str!("../../templates/icon/phone.svg"),
        CredentialKind::MobileId => include_str!("../../templates/icon/mobile.svg"),
        CredentialKind::HardwareToken => include_str!("../../templates/icon/token.svg"),
        CredentialKind::SecurityKey => include_str!("../../templates/icon/key.svg"),
        CredentialKind::Recovery => include_str!("../../templates/icon/recovery.svg"),
    }
}

/// The word for a credential's state.
pub const fn state_name(state: CredentialState) -> &'static str {
    match state {
        CredentialState::Pending => "Not activated yet",
        CredentialState::Active => "Active",
        CredentialState::Suspended => "Suspended",
        CredentialState::Locked => "Locked",
        CredentialState::Expired => "Expired",
        CredentialState::Revoked => "Revoked",
    }
}

/// How a credential's state looks.
pub const fn state_tone(state: CredentialState) -> Tone {
    match state {
        CredentialState::Active => Tone::Ok,
        CredentialState::Pending => Tone::Notice,
        CredentialState::Suspended | CredentialState::Expired => Tone::Warning,
        CredentialState::Locked | CredentialState::Revoked => Tone::Danger,
    }
}
