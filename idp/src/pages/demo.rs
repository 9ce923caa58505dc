//! The demo's own pages: who there is, what they hold, which codes work now, what was sent.

use askama::Template;
use stepgate_core::assurance::CredentialKind;

use super::Page;
use super::layout::{Layout, Section};
use super::parts::kind_icon;
use super::samples;
use super::when::When;

/// One made-up person.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    /// The user ID.
    pub username: String,
    /// The name.
    pub name: String,
    /// What the person holds or does: kind for the icon, words.
    pub holds: Vec<(CredentialKind, String)>,
    /// What to know: `Operator`, `Phone OTP expired 20 days ago`.
    pub note: String,
    /// The code that works now.
    pub code: Option<String>,
}

impl DemoPerson {
    pub(crate) fn held(&self) -> Vec<(&'static str, &str)> {
        self.holds.iter().map(|(kind, words)| (kind_icon(*kind), words.as_str())).collect()
    }
}

/// `/demo`: the people and their current codes.
#[derive(Clone, Debug, Template)]
#[template(path = "demo/demo.html")]
pub struct DemoPage {
    /// The frame.
    pub layout: Layout,
    /// The password of all.
    pub password: String,
    /// The address of the demo's partner application.
    pub partner_url: String,
    /// The people.
    pub people: Vec<DemoPerson>,
}

/// One message that the demo has sent.
#[derive(Clone, Debug)]
pub struct InboxMessage {
    /// `Text`, `Call`, `Mail`, `Push`.
    pub channel: String,
    /// Who to.
    pub to: String,
    /// What it says.
    pub text: String,
    /// The code in it.
    pub code: Option<String>,
    /// When it was sent.
    pub at: When,
}

/// `/demo/inbox`: all that was sent, newest first.
#[derive(Clone, Debug, Template)]
#[template(path = "demo/inbox.html")]
pub struct InboxPage {
    /// The frame.
    pub layout: Layout,
    /// The messages.
    pub messages: Vec<InboxMessage>,
}

fn layout(title: &str) -> Layout {
    Layout { section: Section::Demo, ..Layout::plain(title, true) }
}

impl Page for DemoPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let person =
            |username: &str, name: &str, holds: &[(CredentialKind, &str)], note: &str, code: Option<&str>| DemoPerson {
                username: username.into(),
                name: name.into(),
                holds: holds.iter().map(|(kind, words)| (*kind, (*words).to_owned())).collect(),
                note: note.into(),
                code: code.map(Into::into),
            };
        let page = Self {
            layout: layout("Demo"),
            password: "stepgate-demo-2026".into(),
            partner_url: "http://localhost:8081".into(),
            people: vec![
                person("alice", "Alice Anvil", &[], "Password only", None),
                person(
                    "bob",
                    "Bob Beam",
                    &[(CredentialKind::PhoneOtp, "Phone OTP")],
                    "Two numbers; codes arrive in the inbox",
                    None,
                ),
                person("carol", "Carol Crane", &[(CredentialKind::MobileId, "Mobile ID")], "", Some("204117")),
                person("dave", "Dave Dowel", &[(CredentialKind::HardwareToken, "HT-0001")], "", Some("755224")),
                person(
                    "erin",
                    "Erin Engine",
                    &[
                        (CredentialKind::PhoneOtp, "Phone OTP"),
                        (CredentialKind::MobileId, "Mobile ID"),
                        (CredentialKind::HardwareToken, "HT-0002"),
                    ],
                    "Proofed",
                    Some("287082"),
                ),
                person("admin", "Ada Min", &[], "Operator", None),
            ],
        };
        vec![("people", page)]
    }
}

impl Page for InboxPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let message = |channel: &str, to: &str, text: &str, code: Option<&str>, ago| InboxMessage {
            channel: channel.into(),
            to: to.into(),
            text: text.into(),
            code: code.map(Into::into),
            at: samples::when(ago),
        };
        let page = Self {
            layout: layout("Inbox"),
            messages: vec![
                message(
                    "Text",
                    "+1 202 555 0101",
                    "493051 is your Stepgate code for Iron Works Portal.",
                    Some("493051"),
                    -20,
                ),
                message(
                    "Mail",
                    "frank@iron-builders.example",
                    "Your Phone OTP expired 20 days ago. You can still renew it.",
                    None,
                    -7_200,
                ),
            ],
        };
        let empty = Self { messages: vec![], ..page.clone() };
        vec![("two", page), ("empty", empty)]
    }
}
