//! *This was not me*: what a link in a notice leads to.

use askama::Template;

use super::Page;
use super::layout::Layout;
use super::parts::Action;
use super::samples;

/// The proof of the browser and the token of the link, for the form.
#[derive(Clone, Debug)]
pub struct NotMeForm {
    /// The hidden `csrf` field.
    pub csrf: String,
    /// The link's token.
    pub token: String,
}

/// What happened, and one button that stops it; afterwards what was done.
#[derive(Clone, Debug, Template)]
#[template(path = "login/not-me.html")]
pub struct NotMePage {
    /// The frame.
    pub layout: Layout,
    /// `Was this you?`
    pub heading: String,
    /// What happened, in sentences.
    pub lead: String,
    /// When and from where.
    pub facts: Vec<(&'static str, String)>,
    /// `If it was not you, this happens at once:`
    pub effects_lead: &'static str,
    /// What the button does, or did.
    pub effects: Vec<String>,
    /// The button; `None` once it was pressed.
    pub form: Option<NotMeForm>,
    /// Where to go on.
    pub action: Option<Action>,
}

impl Page for NotMePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let asked = Self {
            layout: samples::plain("Was this you?"),
            heading: "Was this you?".into(),
            lead: "A phone was added to your Mobile ID. From now on it can approve logins.".into(),
            facts: vec![("When", "2 Mar 2026, 14:05 CET".into()), ("From", "203.0.113.7".into())],
            effects_lead: "If it was not you, this happens at once:",
            effects: vec![
                "1. Mobile ID is suspended: nobody can use it.".into(),
                "2. All your sessions end, here and at the applications that you opened.".into(),
                "3. The administrators are told.".into(),
            ],
            form: Some(NotMeForm { csrf: "sample".into(), token: "sample".into() }),
            action: None,
        };
        let done = Self {
            heading: "It is stopped".into(),
            lead: "Thank you. Sign in and look at what you hold; change your password if somebody may know it.".into(),
            effects_lead: "With your report this happened:",
            form: None,
            action: Some(Action::link("continue", "Sign in", "/account/otp")),
            ..asked.clone()
        };
        let gone = Self {
            heading: "This link does not work any more".into(),
            lead: "It is older than three days, or not whole. Sign in to see what you hold.".into(),
            facts: vec![],
            effects: vec![],
            ..done.clone()
        };
        vec![("asked", asked), ("done", done), ("gone", gone)]
    }
}
