//! Pages that end something: errors, signing out, the hand-over to an application.

use askama::Template;

use super::Page;
use super::layout::Layout;
use super::parts::Action;
use super::samples;

/// What happened, what it means, what to do next.
#[derive(Clone, Debug, Template)]
#[template(path = "login/error.html")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// `This link has expired`.
    pub heading: String,
    /// What happened.
    pub happened: String,
    /// What to do now.
    pub next_step: String,
    /// The button that does it.
    pub action: Option<Action>,
    /// What support needs to find the log line.
    pub reference: Option<String>,
}

/// Asks whether to end the session. Buttons `continue` (name `decision` = `logout`) and `cancel` (`stay`).
#[derive(Clone, Debug, Template)]
#[template(path = "login/logout-confirm.html")]
pub struct LogoutConfirmPage {
    /// The frame.
    pub layout: Layout,
    /// Where the form posts to.
    pub action: String,
    /// The hidden `csrf` field.
    pub csrf: String,
    /// Who is signed in.
    pub username: String,
    /// The application that asks, when one does.
    pub application: Option<String>,
    /// Hidden fields that the decision needs, such as where to go afterwards.
    pub fields: Vec<(String, String)>,
}

/// Says that the session has ended.
#[derive(Clone, Debug, Template)]
#[template(path = "login/logged-out.html")]
pub struct LoggedOutPage {
    /// The frame.
    pub layout: Layout,
    /// `You are signed out`.
    pub heading: String,
    /// What that means.
    pub lead: String,
    /// Addresses of applications that learn of it in a hidden frame (OpenID Connect Front-Channel Logout §2).
    pub frames: Vec<String>,
    /// Applications that could not be told.
    pub unreached: Vec<String>,
    /// Whether it goes on by itself, to where the action leads, once the frames have loaded.
    pub onward: bool,
    /// Where to go: back to the application, or sign in again; its id becomes `continue`.
    pub action: Option<Action>,
}

/// Hands the answer to the application (OAuth 2.0 Form Post Response Mode). Sent by a script; with a button without one.
#[derive(Clone, Debug, Template)]
#[template(path = "login/form-post.html")]
pub struct FormPostPage {
    /// The frame.
    pub layout: Layout,
    /// The name of the application.
    pub application: String,
    /// Its redirect URI.
    pub action: String,
    /// The response parameters.
    pub fields: Vec<(String, String)>,
}

impl Page for ErrorPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("This page has expired"),
            heading: "This page has expired".into(),
            happened: "You started to sign in more than an hour ago, so we let it go.".into(),
            next_step: "Go back to the application and start again. Nothing is lost.".into(),
            action: Some(Action::link("continue", "Go to My Applications", "/applications")),
            reference: Some("7F3K-92QD".into()),
        };
        vec![("expired", page)]
    }
}

impl Page for LogoutConfirmPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Sign out"),
            action: "/logout".into(),
            csrf: "sample".into(),
            username: "bluej_4804".into(),
            application: Some("Iron Works Portal".into()),
            fields: vec![],
        };
        vec![("asked by an application", page)]
    }
}

impl Page for LoggedOutPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: samples::plain("Signed out"),
            heading: "You are signed out".into(),
            lead: "Your session has ended, here and at the applications that you opened.".into(),
            frames: vec![],
            unreached: vec![],
            onward: false,
            action: Some(Action::link("continue", "Back to Iron Works Portal", "https://iron-works.example/")),
        };
        let partly = Self { unreached: vec!["Girder Planner".into()], action: None, ..page.clone() };
        let frames = vec!["https://iron-works.example/logout?iss=https://id.example&sid=sample".into()];
        let going = Self { frames, onward: true, ..page.clone() };
        vec![("everywhere", page), ("one not reached", partly), ("going on", going)]
    }
}

impl Page for FormPostPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            layout: Layout::plain("Going back", true),
            application: "Iron Works Portal".into(),
            action: "https://iron-works.example/callback".into(),
            fields: vec![("code".into(), "sample".into()), ("state".into(), "sample".into())],
        };
        vec![("code", page)]
    }
}
