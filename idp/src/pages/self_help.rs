//! Pages for people who got stuck: outside of the portal for those who are not logged in, inside for what happened to a
//! device.

use askama::Template;
use stepgate_core::assurance::CredentialKind;

use super::Page;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone, kind_icon};
use super::samples;

/// A page for somebody who is not logged in: words, perhaps a form, ways on.
#[derive(Clone, Debug, Template)]
#[template(path = "help/step.html")]
pub struct SelfHelpPage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `forgot-password`.
    pub page: &'static str,
    /// The hidden `csrf` field.
    pub csrf: String,
    /// Its heading.
    pub heading: String,
    /// What happened, or what to do.
    pub lead: String,
    /// The form.
    pub form: Option<Form>,
    /// Ways on; the first is the main one where there is no form.
    pub actions: Vec<Action>,
}

/// One thing that a guide is about: a device, or a way on.
#[derive(Clone, Debug)]
pub struct GuideItem {
    /// Its icon.
    pub kind: Option<CredentialKind>,
    /// Its heading.
    pub heading: String,
    /// What to know of it.
    pub text: String,
    /// What can be done.
    pub actions: Vec<Action>,
}

impl GuideItem {
    pub(crate) fn icon(&self) -> Option<&'static str> {
        self.kind.map(kind_icon)
    }
}

/// A page of the portal that leads: a question or some advice, and things to do.
#[derive(Clone, Debug, Template)]
#[template(path = "account/guide.html")]
pub struct GuidePage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `otp-help`.
    pub page: &'static str,
    /// Its heading.
    pub heading: String,
    /// What it is about.
    pub lead: String,
    /// What needs attention.
    pub note: Option<(Tone, String)>,
    /// What there is.
    pub items: Vec<GuideItem>,
    /// Back; its id becomes `cancel`.
    pub back: Action,
}

impl Page for SelfHelpPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let back = Action::link("cancel", "Back to sign in", "/account");
        let login = Field::required("login", "User ID or email address", Control::Text, "");
        let page = Self {
            layout: samples::plain("Forgot your password?"),
            page: "forgot-password",
            csrf: "sample".into(),
            heading: "Forgot your password?".into(),
            lead: "Type your user ID or email address. If there is such an account, we mail a link to its address."
                .into(),
            form: Some(Form::main("/help/password", "Send the mail", vec![login])),
            actions: vec![back.clone()],
        };
        let choose = Self {
            page: "new-password",
            heading: "Choose a new password".into(),
            lead: "It replaces the old one at once.".into(),
            form: Some(Form::main(
                "/help/password/new",
                "Set the password",
                vec![
                    Field::required("password", "New password", Control::Password, "")
                        .help("At least 8 characters. A few words in a row are easy to remember.")
                        .error("The two are not the same. Type both again."),
                    Field::required("again", "The same again", Control::Password, ""),
                    Field::optional("end_others", "Sign out everywhere else", Control::Tick, "1"),
                ],
            )),
            ..page.clone()
        };
        let over = Self {
            page: "link-over",
            heading: "This link does not work any more".into(),
            lead: "It was used already, or it is too old. Nothing was changed.".into(),
            form: None,
            actions: vec![Action::link("continue", "Ask for another link", "/help/password"), back],
            ..page.clone()
        };
        vec![("forgot password", page), ("new password", choose), ("link over", over)]
    }
}

impl Page for GuidePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let back = Action::link("cancel", "Back to Manage OTP", "/account/otp");
        let item = |heading: &str, text: &str, actions| GuideItem {
            kind: Some(CredentialKind::HardwareToken),
            heading: heading.into(),
            text: text.into(),
            actions,
        };
        let page = Self {
            layout: samples::portal("Help with your devices", Section::ManageOtp),
            page: "otp-help",
            heading: "It was stolen".into(),
            lead: "Switch it off at once. Your password is enough for that.".into(),
            note: Some((Tone::Warning, "Whoever has it may know your password as well: change it.".into())),
            items: vec![item(
                "Desk token",
                "OTP Hardware Token, HT-0002",
                vec![
                    Action::post("stolen-1", "Switch off, and end other sessions", "/account/otp/stolen").dangerous(),
                    Action::post("suspend-1", "Suspend", "/account/otp/suspend"),
                ],
            )],
            back,
        };
        vec![("stolen", page)]
    }
}
