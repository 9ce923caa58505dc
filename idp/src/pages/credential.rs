//! One credential: what it is, what can be done with it, and when, where and for what it was used.

use askama::Template;

use super::Page;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::table::{Cell, Table};
use crate::words::Language;

/// One credential of the person's.
#[derive(Clone, Debug, Template)]
#[template(path = "account/credential.html")]
pub struct CredentialPage {
    /// The frame.
    pub layout: Layout,
    /// Its name.
    pub heading: String,
    /// How its state looks.
    pub tone: Tone,
    /// Its state in a word.
    pub state: String,
    /// What the state means, and what to do.
    pub note: Option<String>,
    /// What is known.
    pub facts: Vec<(String, Cell)>,
    /// *Elevate*, *Test*, *Rename*, *Suspend*, *Report lost*, *Revoke*.
    pub actions: Vec<Action>,
    /// Its numbers or phones: a heading and the rows.
    pub devices: Option<(String, Table)>,
    /// A form of its own, where an action needs more than a button: *Resume* by a code.
    pub forms: Vec<Form>,
    /// When, where, which application.
    pub history: Table,
    /// What was just done.
    pub done: Option<String>,
    /// What was just refused.
    pub refused: Option<String>,
}

impl CredentialPage {
    /// How a button looks: what the state asks for comes first and is filled; what merely changes something is not.
    pub(crate) fn look(&self, action: &Action) -> &'static str {
        let leads =
            ["activate-", "renew-", "new-", "proofing-", "elevate-"].iter().any(|name| action.id.starts_with(name));
        if leads && self.actions.first() == Some(action) { "main" } else { "" }
    }
}

/// The heads of the history, by their keys.
const HISTORY: [&str; 5] = ["history-when", "history-what", "history-where", "history-with", "history-for"];

/// The history of a credential.
pub fn history(language: Language, rows: Vec<Vec<Cell>>) -> Table {
    let heads = HISTORY.map(|key| language.text(key));
    Table::new(&heads.each_ref().map(String::as_str), rows, language.text("history-none"))
}

/// The result of a credential's test.
#[derive(Clone, Debug, Template)]
#[template(path = "account/otp-test.html")]
pub struct OtpTestPage {
    /// The frame.
    pub layout: Layout,
    /// `Ok` when it works.
    pub tone: Tone,
    /// `Your token works`.
    pub heading: String,
    /// What was found: `Its clock is 20 seconds slow, which is fine.`
    pub detail: String,
    /// The next step, and back to Manage OTP.
    pub actions: Vec<Action>,
}

impl Page for CredentialPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let row = |seconds, tone: Option<Tone>, what: &str, place: &str, with: &str, application: &str| {
            let what = match tone {
                Some(tone) => Cell::State(tone, what.into()),
                None => Cell::text(what),
            };
            let (place, with) = (Cell::text(place), Cell::text(with));
            vec![Cell::Time(samples::when(seconds)), what, place, with, Cell::text(application)]
        };
        let rows = vec![
            row(-1_200, Some(Tone::Ok), "Used", "203.0.113.7", "Firefox on Linux", "Iron Works Portal, Girder Planner"),
            row(-90_000, Some(Tone::Warning), "Wrong code", "198.51.100.20", "", ""),
            row(-900_000, None, "Renamed", "203.0.113.7", "", ""),
        ];
        let link = |id: &str, label: &str| Action::link(id, label, "/account/otp/c2");
        let active = Self {
            layout: samples::portal("Desk token", Section::ManageOtp),
            heading: "Desk token".into(),
            tone: Tone::Ok,
            state: "Active".into(),
            note: None,
            facts: vec![
                ("Kind".into(), Cell::text("OTP Hardware Token")),
                ("Serial number".into(), Cell::Code("HT-0002".into())),
                ("Bought".into(), Cell::Time(samples::date(-300 * 86_400))),
                ("Expires".into(), Cell::Time(samples::date(65 * 86_400))),
                ("Last used".into(), Cell::Time(samples::when(-1_200))),
                ("Clock".into(), Cell::text("30 seconds ahead, which is fine")),
            ],
            actions: vec![
                link("test", "Test"),
                link("rename", "Rename"),
                link("suspend", "Suspend"),
                Action::link("lost", "Report lost", "/account/otp/lost").dangerous(),
                Action::link("revoke", "Revoke", "/account/otp/revoke").dangerous(),
            ],
            devices: None,
            forms: vec![],
            history: history(Language::English, rows),
            done: Some("The new name is saved.".into()),
            refused: None,
        };
        let phones = vec![
            vec![Cell::Code("\u{2022}\u{2022}\u{2022}\u{2022} 0101".into()), Cell::text("Text and calls"), Cell::Empty],
            vec![Cell::Code("\u{2022}\u{2022}\u{2022}\u{2022} 0102".into()), Cell::text("Text only"), Cell::Empty],
        ];
        let code = Field::required("code", "Code", Control::Digits, "").help("The digits that it shows now.");
        let suspended = Self {
            heading: "Phone OTP".into(),
            tone: Tone::Warning,
            state: "Suspended".into(),
            note: Some("You put it to rest. It opens nothing until you resume it.".into()),
            devices: Some(("Numbers".into(), Table::new(&["Number", "Takes", "Offered first"], phones, ""))),
            forms: vec![Form::side("resume", "/account/otp/resume", "Resume", vec![code])],
            history: history(Language::English, vec![]),
            done: None,
            refused: Some("That code is not right.".into()),
            ..active.clone()
        };
        vec![("active", active), ("suspended", suspended)]
    }
}

impl Page for OtpTestPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let back = Action::link("continue", "Back to Manage OTP", "/account/otp");
        let page = Self {
            layout: samples::portal("Test", Section::ManageOtp),
            tone: Tone::Ok,
            heading: "Your token works".into(),
            detail: "Its clock is 20 seconds slow, which is fine.".into(),
            actions: vec![back.clone()],
        };
        let off = Self {
            tone: Tone::Warning,
            heading: "Your token is out of step".into(),
            detail: "It is 14 codes ahead. Resync it with two codes in a row.".into(),
            actions: vec![
                Action::link("continue", "Resync", "/account/otp/c2/resync"),
                Action { id: "cancel".into(), ..back },
            ],
            ..page.clone()
        };
        vec![("works", page), ("out of step", off)]
    }
}
