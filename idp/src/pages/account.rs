//! My Account, My Applications, and the sessions of a person.

use askama::Template;

use super::Page;
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::when::When;

/// One fact of a profile.
#[derive(Clone, Debug)]
pub struct Fact {
    /// `Email address`.
    pub label: String,
    /// `jennifer.blue@iron-builders.example`.
    pub value: String,
    /// `Verified`, with how it looks.
    pub note: Option<(Tone, String)>,
}

/// My Account: the profile and the ways on from it.
#[derive(Clone, Debug, Template)]
#[template(path = "account/account.html")]
pub struct AccountPage {
    /// The frame.
    pub layout: Layout,
    /// The person's name.
    pub name: String,
    /// The profile.
    pub facts: Vec<Fact>,
    /// What can be done with it: change the password, edit the profile.
    pub actions: Vec<Action>,
}

/// One session of the person.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Whether it is this one.
    pub current: bool,
    /// `Firefox on Linux`.
    pub device: String,
    /// The network address.
    pub address: String,
    /// `Phone OTP`.
    pub strength: String,
    /// When it began.
    pub started: When,
    /// When it was last seen.
    pub seen: When,
    /// Applications that were opened from it.
    pub applications: Vec<String>,
    /// Ends it.
    pub end: Action,
}

/// Where the person is signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "account/sessions.html")]
pub struct SessionsPage {
    /// The frame.
    pub layout: Layout,
    /// This session first.
    pub sessions: Vec<SessionRow>,
    /// Ends all but this one; `None` when there is no other.
    pub end_others: Option<Action>,
}

/// One application of the person.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub partner: String,
    /// The address of its logo.
    pub logo: Option<String>,
    /// `Active`, `Pending approval by …`, and how it looks.
    pub status: (Tone, String),
    /// What it asks for: `OTP Hardware Token or Mobile ID, proofed`.
    pub needs: String,
    /// Why it cannot be opened now.
    pub note: Option<String>,
    /// The one next step: *Open*, *Elevate*, *Get credential*.
    pub action: Option<Action>,
}

impl ApplicationRow {
    pub(crate) fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }

    /// A step that leads straight on stands out.
    pub(crate) fn look(&self) -> &'static str {
        if self.status.0 == Tone::Ok { "accent" } else { "" }
    }
}

/// One application that knows the person.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// Its name.
    pub name: String,
    /// The address of its logo.
    pub logo: Option<String>,
    /// What it may see and do: `See your email address`.
    pub may: Vec<String>,
    /// Whether the operator vouches for it: nobody was asked.
    pub vouched: bool,
    /// Since when.
    pub since: When,
    /// When it got tokens last.
    pub last: Option<When>,
    /// Ends it.
    pub revoke: Action,
}

impl ConnectionRow {
    pub(crate) fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }
}

/// What applications may see and do in the person's name.
#[derive(Clone, Debug, Template)]
#[template(path = "account/connections.html")]
pub struct ConnectionsPage {
    /// The frame.
    pub layout: Layout,
    /// The one used last first.
    pub applications: Vec<ConnectionRow>,
    /// What has just been done.
    pub done: Option<String>,
}

/// My Applications.
#[derive(Clone, Debug, Template)]
#[template(path = "account/applications.html")]
pub struct ApplicationsPage {
    /// The frame.
    pub layout: Layout,
    /// The applications.
    pub applications: Vec<ApplicationRow>,
}

impl Page for AccountPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let fact = |label: &str, value: &str, note: Option<&str>| Fact {
            label: label.into(),
            value: value.into(),
            note: note.map(|text| (Tone::Ok, text.to_owned())),
        };
        let page = Self {
            layout: samples::portal("My Account", Section::Account),
            name: "Jennifer Blue".into(),
            facts: vec![
                fact("User ID", "bluej_4804", None),
                fact("Email address", "jennifer.blue@iron-builders.example", Some("Verified")),
                fact("Telephone", "+1 202 555 0101", Some("Verified")),
                fact("Organization", "Iron Builders LLC", None),
                fact("Identity proofing", "Not proofed", None),
                fact("Language and time zone", "English, America/New_York", None),
            ],
            actions: vec![
                Action::link("change-password", "Change password", "/account/password"),
                Action::link("manage-otp", "Manage OTP", "/account/otp"),
            ],
        };
        vec![("profile", page)]
    }
}

impl Page for SessionsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let row = |id: &str, current, device: &str, strength: &str, ago: i64| SessionRow {
            current,
            device: device.into(),
            address: "203.0.113.17".into(),
            strength: strength.into(),
            started: samples::when(ago * 30),
            seen: samples::when(ago),
            applications: if current { vec!["Iron Works Portal".into()] } else { vec![] },
            end: Action::post(format!("end-{id}"), "End", "/account/sessions/end").with("session", id),
        };
        let page = Self {
            layout: samples::portal("Sessions", Section::Sessions),
            sessions: vec![
                row("s1", true, "Firefox on Linux", "Phone OTP", -40),
                row("s2", false, "Chrome on Android", "Mobile ID", -8_000),
            ],
            end_others: Some(Action::post("end-others", "End all others", "/account/sessions/end-others").dangerous()),
        };
        let alone =
            Self { sessions: page.sessions.iter().take(1).cloned().collect(), end_others: None, ..page.clone() };
        vec![("two", page), ("one", alone)]
    }
}

impl Page for ConnectionsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let row = |id: &str, name: &str, vouched, may: &[&str]| ConnectionRow {
            name: name.into(),
            logo: None,
            may: may.iter().map(|item| super::consent::item_title(item)).collect(),
            vouched,
            since: samples::date(-8_000_000),
            last: Some(samples::when(-8_000)),
            revoke: Action::post(format!("revoke-{id}"), "Revoke", "/account/applications/revoke")
                .with("client", id)
                .dangerous(),
        };
        let page = Self {
            layout: samples::portal("Applications", Section::Connections),
            applications: vec![
                row("a", "Girder Planner", false, &["openid", "profile", "email", "offline_access"]),
                row("b", "Iron Works Portal", true, &["openid", "email"]),
            ],
            done: None,
        };
        let done = Some("Ended. It can see and do nothing more in your name.".to_owned());
        let none = Self { applications: vec![], done, ..page.clone() };
        vec![("two", page), ("none", none)]
    }
}

impl Page for ApplicationsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let row = |name: &str, status: (Tone, &str), needs: &str, note: Option<&str>, action| ApplicationRow {
            name: name.into(),
            partner: "Iron Works Inc.".into(),
            logo: None,
            status: (status.0, status.1.into()),
            needs: needs.into(),
            note: note.map(Into::into),
            action,
        };
        let page = Self {
            layout: samples::portal("My Applications", Section::Applications),
            applications: vec![
                row(
                    "Iron Works Portal",
                    (Tone::Ok, "Active"),
                    "Phone OTP or stronger",
                    None,
                    Some(Action::link("open-1", "Open", "https://iron-works.example/")),
                ),
                row(
                    "Drawings Vault",
                    (Tone::Notice, "Needs more"),
                    "OTP Hardware Token",
                    Some("This session has shown Phone OTP."),
                    Some(Action::post("elevate-2", "Elevate", "/account/elevate").with("application", "2")),
                ),
                row(
                    "Girder Planner",
                    (Tone::Warning, "Pending approval by Iron Works Inc."),
                    "Password",
                    Some("Asked for 3 days ago."),
                    None,
                ),
            ],
        };
        let none = Self { applications: vec![], ..page.clone() };
        vec![("three", page), ("none", none)]
    }
}
