//! Security keys: having one sign at a login, and adding one.

use askama::Template;
use stepgate_core::assurance::CredentialKind;

use super::Page;
use super::assets::Asset;
use super::factor::Skip;
use super::layout::Layout;
use super::login::Flow;
use super::parts::kind_icon;
use super::samples;

/// Has a key sign. Field `response`, filled by the script; buttons `other`, `skip`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/security-key.html")]
pub struct SecurityKeyPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// What the browser is given, in JSON.
    pub options: String,
    /// The id of the challenge in it.
    pub challenge: String,
    /// Whether the step may be skipped.
    pub skip: Skip,
    /// What is wrong with the last answer.
    pub error: Option<String>,
}

impl SecurityKeyPage {
    pub(crate) fn icon(&self) -> &'static str {
        kind_icon(CredentialKind::SecurityKey)
    }

    pub(crate) fn script(&self) -> String {
        Asset::KeyScript.url()
    }
}

/// Adds a key. Fields `challenge`, `label`, `passkey`, and `response`, which the script fills.
#[derive(Clone, Debug, Template)]
#[template(path = "account/security-key.html")]
pub struct AddKeyPage {
    /// The frame.
    pub layout: Layout,
    /// Whether it is to log in alone.
    pub passkey: bool,
    /// What the browser is given, in JSON.
    pub options: String,
    /// The id of the challenge.
    pub challenge: String,
    /// The name, as typed or suggested.
    pub label: String,
    /// What is wrong with the last answer.
    pub error: Option<String>,
}

impl AddKeyPage {
    pub(crate) fn script(&self) -> String {
        Asset::KeyScript.url()
    }
}

const OPTIONS: &str = r#"{"publicKey":{"challenge":"c2FtcGxl"}}"#;

impl Page for SecurityKeyPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Use your security key"),
            flow: samples::flow(),
            options: OPTIONS.into(),
            challenge: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff".into(),
            skip: Skip::Offered,
            error: None,
        };
        let asked = Self {
            skip: Skip::AskedFor { who: "Iron Works Portal".into(), what: "a security key".into() },
            error: Some("The key did not answer, or it is not one of yours. Try again, or use another way.".into()),
            ..page.clone()
        };
        vec![("first", page), ("asked for, refused", asked)]
    }
}

impl Page for AddKeyPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::portal("Add a security key", super::Section::ManageOtp),
            passkey: false,
            options: OPTIONS.into(),
            challenge: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff".into(),
            label: "Security Key".into(),
            error: None,
        };
        let refused = Self { error: Some("That took too long. Press the button again.".into()), ..page.clone() };
        let passkey = Self { passkey: true, label: "Passkey".into(), ..page.clone() };
        vec![("first", page), ("too late", refused), ("passkey", passkey)]
    }
}
