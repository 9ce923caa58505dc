//! What an application accepts, what the person has, and the shortest way from one to the other.

use askama::Template;
use stepgate_core::assurance::CredentialKind;

use super::Page;
use super::layout::Layout;
use super::login::Flow;
use super::parts::{Action, kind_icon};
use super::samples;

/// Something that the application accepts.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its kind, for the icon.
    pub kind: CredentialKind,
    /// `Mobile ID, proofed`.
    pub label: String,
}

impl Accepted {
    pub(crate) fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }
}

/// Something that the person has, and why it is not enough.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its kind, for the icon.
    pub kind: CredentialKind,
    /// `Phone OTP · •••• 0101`.
    pub label: String,
    /// `Phones are not accepted`.
    pub reason: String,
}

impl Held {
    pub(crate) fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }
}

/// Login Requirements Not Met: what is missing and the button that mends it (`continue`).
#[derive(Clone, Debug, Template)]
#[template(path = "login/requirements-not-met.html")]
pub struct RequirementsNotMetPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction. *Back to the app* (`cancel`) posts to it.
    pub flow: Flow,
    /// What the application accepts.
    pub accepts: Vec<Accepted>,
    /// What the person has.
    pub has: Vec<Held>,
    /// The shortest way; its id becomes `continue`.
    pub main: Option<Action>,
    /// The other ways.
    pub others: Vec<Action>,
}

impl Page for RequirementsNotMetPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Login requirements not met"),
            flow: samples::flow(),
            accepts: vec![
                Accepted { kind: CredentialKind::HardwareToken, label: "OTP Hardware Token".into() },
                Accepted { kind: CredentialKind::MobileId, label: "Mobile ID, proofed".into() },
            ],
            has: vec![
                Held {
                    kind: CredentialKind::PhoneOtp,
                    label: "Phone OTP · •••• 0101".into(),
                    reason: "Phones are not accepted".into(),
                },
                Held {
                    kind: CredentialKind::MobileId,
                    label: "Mobile ID".into(),
                    reason: "Bought, not activated yet".into(),
                },
            ],
            main: Some(
                Action::post("continue", "Activate your Mobile ID", "/interaction/sample").with("way", "activate"),
            ),
            others: vec![
                Action::link("get-token", "Get a hardware token", "/account/otp/get"),
                Action::link("license", "I have a license key", "/account/otp/license"),
            ],
        };
        let nothing = Self { has: vec![], main: None, others: vec![], ..page.clone() };
        vec![("mendable", page), ("nothing to offer", nothing)]
    }
}
