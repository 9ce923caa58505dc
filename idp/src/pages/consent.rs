//! What an application may know and do, in people's words.

use askama::Template;
use stepgate_core::authorize::claim_of;

use super::Page;
use super::layout::Layout;
use super::login::Flow;
use super::samples;

/// One thing that is asked for, in words.
#[derive(Clone, Debug)]
pub struct ScopeView {
    /// What it is: `See your email address`.
    pub title: String,
    /// What exactly: `jennifer.blue@iron-builders.example`.
    pub detail: String,
    /// Whether the person allowed it before.
    pub known: bool,
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

/// What a scope, or a single claim, lets an application do. A scope that the application made up stands for itself.
pub fn item_title(item: &str) -> String {
    if let Some(claim) = claim_of(item) {
        return format!("See your {}", claim_name(claim));
    }
    let title = match item {
        "openid" => "Know who you are",
        "profile" => "See your profile",
        "email" => "See your email address",
        "phone" => "See your telephone number",
        "address" => "See your postal address",
        "offline_access" => "Stay connected while you are away",
        other => return format!("Use \u{201c}{other}\u{201d}"),
    };
    title.to_owned()
}

/// A claim as people call it.
pub fn claim_name(claim: &str) -> &str {
    match claim {
        "given_name" => "first name",
        "family_name" => "last name",
        "middle_name" => "middle name",
        "preferred_username" => "user ID",
        "profile" => "profile page",
        "birthdate" => "date of birth",
        "zoneinfo" => "time zone",
        "locale" => "language",
        "updated_at" => "profile's last change",
        "email" => "email address",
        "email_verified" => "email address's state: verified or not",
        "phone_number" => "telephone number",
        "phone_number_verified" => "telephone number's state: verified or not",
        "address" => "postal address",
        other => other,
    }
}

impl Page for ConsentPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let scope =
            |item: &str, detail: &str| ScopeView { title: item_title(item), detail: detail.into(), known: false };
        let page = Self {
            layout: samples::plain("Allow access"),
            flow: samples::flow(),
            username: "bluej_4804".into(),
            scopes: vec![
                scope("openid", "An identifier of your account, when you signed in, and how"),
                scope("email", "jennifer.blue@iron-builders.example"),
                scope("offline_access", "It can act for you until you end it under My Account."),
            ],
        };
        let mut more = page.clone();
        more.scopes.push(scope("claim:birthdate", "1990-01-31"));
        more.scopes.push(scope("orders", "A permission that this application defines"));
        if let Some(first) = more.scopes.first_mut() {
            first.known = true;
        }
        more.flow.application = more.flow.application.map(|mut asking| {
            asking.logo = Some("https://iron-works.example/logo.svg".into());
            asking
        });
        vec![("three scopes", page), ("more", more)]
    }
}
