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

/// One product that would do.
#[derive(Clone, Debug)]
pub struct ProductView {
    /// Its kind, for the icon.
    pub kind: CredentialKind,
    /// `Mobile ID with proofing`.
    pub name: String,
    /// One line on what it is.
    pub summary: String,
    /// `24.00 USD a year`; `None` when somebody else pays.
    pub price: Option<String>,
    /// Why it will not do here; `None` when it is accepted.
    pub refused: Option<String>,
    /// How to get it.
    pub action: Option<Action>,
}

impl ProductView {
    pub(crate) fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }
}

/// Offers to get what is missing. The field `license_key` redeems a key that is already bought.
#[derive(Clone, Debug, Template)]
#[template(path = "login/acquire.html")]
pub struct AcquirePage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// What can be had: accepted ones first.
    pub products: Vec<ProductView>,
    /// The key that was typed.
    pub license_key: String,
    /// What is wrong with the key.
    pub error: Option<String>,
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

impl Page for AcquirePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let get = |id: &str| Some(Action::post(id, "Get it", "/interaction/sample").with("product", id));
        let page = Self {
            layout: samples::plain("Get a credential"),
            flow: samples::flow(),
            products: vec![
                ProductView {
                    kind: CredentialKind::MobileId,
                    name: "Mobile ID".into(),
                    summary: "The Stepgate app on your phone. Ready in two minutes.".into(),
                    price: None,
                    refused: None,
                    action: get("mobile-id"),
                },
                ProductView {
                    kind: CredentialKind::HardwareToken,
                    name: "OTP Hardware Token".into(),
                    summary: "A key fob that shows a code. Comes by post in 3 to 5 days.".into(),
                    price: Some("48.00 USD a year".into()),
                    refused: None,
                    action: get("hardware-token"),
                },
                ProductView {
                    kind: CredentialKind::PhoneOtp,
                    name: "Phone OTP".into(),
                    summary: "Codes by text or call.".into(),
                    price: Some("12.00 USD a year".into()),
                    refused: Some("Iron Works Portal does not accept phones".into()),
                    action: None,
                },
            ],
            license_key: String::new(),
            error: None,
        };
        let error = Self {
            license_key: "DEMO-GRACE-MOBILE-0002".into(),
            error: Some("We do not know this key. Check each group against your receipt.".into()),
            ..page.clone()
        };
        vec![("three products", page), ("unknown key", error)]
    }
}
