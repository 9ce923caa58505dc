//! The first steps of a login: user ID, then password.

use askama::Template;

use super::Page;
use super::assets::Asset;
use super::layout::Layout;
use super::samples;

/// What every step of an interaction shares.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Where the form posts to: `/interaction/{id}`. A hidden field `step` names the page.
    pub action: String,
    /// The hidden `csrf` field.
    pub csrf: String,
    /// Who sent the person here; `None` for the portal itself.
    pub application: Option<Asking>,
}

impl Flow {
    /// Where the person is going.
    pub fn destination(&self) -> &str {
        self.application.as_ref().map_or("Stepgate", |application| application.name.as_str())
    }
}

/// The application that asks for a login.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Its name.
    pub name: String,
    /// The address of its logo.
    pub logo: Option<String>,
    /// Its privacy policy.
    pub policy: Option<String>,
    /// Its terms of service.
    pub terms: Option<String>,
}

/// An address that may become a link or a picture: a client may register anything, also a script.
pub fn web_address(address: Option<&str>) -> Option<String> {
    address.filter(|address| address.starts_with("https://") || address.starts_with("http://")).map(str::to_owned)
}

impl Asking {
    pub(crate) fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }
}

/// Asks for the user ID. Field `username`; buttons `continue`, `cancel` (name `cancel`).
#[derive(Clone, Debug, Template)]
#[template(path = "login/login.html")]
pub struct LoginPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// What was typed before, or the request's `login_hint`.
    pub username: String,
    /// Whether a passkey can be used instead.
    pub passkey: bool,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// Asks for the password. Field `password`; *Not you?* is a button named `restart`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/password.html")]
pub struct PasswordPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// The user ID that was typed.
    pub username: String,
    /// Whether another person may sign in instead; not while a live session is being confirmed.
    pub changeable: bool,
    /// Whether a passkey can be used instead.
    pub passkey: bool,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl LoginPage {
    pub(crate) fn script(&self) -> String {
        Asset::KeyScript.url()
    }
}

impl PasswordPage {
    pub(crate) fn script(&self) -> String {
        Asset::KeyScript.url()
    }
}

impl Page for LoginPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Sign in"),
            flow: samples::flow(),
            username: String::new(),
            passkey: true,
            error: None,
        };
        let portal = Self {
            layout: Layout::plain("Sign in", false),
            flow: Flow { application: None, ..samples::flow() },
            passkey: false,
            ..page.clone()
        };
        let error = Self { error: Some("Type your user ID or your email address.".into()), ..page.clone() };
        vec![("asked by an application", page), ("portal", portal), ("error", error)]
    }
}

impl Page for PasswordPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Password"),
            flow: samples::flow(),
            username: "jennifer.blue@iron-builders.example".into(),
            changeable: true,
            passkey: true,
            error: None,
        };
        let error = Self {
            error: Some("That user ID and password do not belong together. Try again, or reset the password.".into()),
            ..page.clone()
        };
        vec![("first", page), ("error", error)]
    }
}
