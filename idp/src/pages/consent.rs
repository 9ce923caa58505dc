//! What an application may know and do.

use askama::Template;

use super::Page;
use super::layout::Layout;
use super::login::Flow;
use super::samples;

/// One scope in words.
#[derive(Clone, Debug)]
pub struct ScopeView {
    /// What it is: `Your email address`.
    pub title: String,
    /// What exactly: `jennifer.blue@iron-builders.example`.
    pub detail: String,
}

/// Asks for leave. Buttons `decision` = `allow` / `deny`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/consent.html")]
pub struct ConsentPage {
    /// The frame.
    pub layout: Layout,
    /// The interaction.
    pub flow: Flow,
    /// The user ID of the person.
    pub username: String,
    /// What it asks for.
    pub scopes: Vec<ScopeView>,
}

impl Page for ConsentPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let scope = |title: &str, detail: &str| ScopeView { title: title.into(), detail: detail.into() };
        let page = Self {
            layout: samples::plain("Allow access"),
            flow: samples::flow(),
            username: "bluej_4804".into(),
            scopes: vec![
                scope("Know who you are", "Your name, user ID and language"),
                scope("See your email address", "jennifer.blue@iron-builders.example"),
                scope("Stay connected while you are away", "It can act for you until you end it under My Account."),
            ],
        };
        vec![("three scopes", page)]
    }
}
