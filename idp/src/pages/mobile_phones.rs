//! The phones of a Mobile ID.

use askama::Template;

use super::Page;
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::when::When;

/// One phone.
#[derive(Clone, Debug)]
pub struct PhoneItem {
    /// Its id; the item's element id is `phone-{id}`.
    pub id: String,
    /// The name that its holder gave it.
    pub label: String,
    /// Its state, in a word, and how that sounds.
    pub state: (Tone, &'static str),
    /// What an approval there shows.
    pub strength: &'static str,
    /// Whether it is woken up, or asks by itself.
    pub reached: &'static str,
    /// When it was set up.
    pub added: When,
    /// When it was last heard of.
    pub seen: Option<When>,
    /// *Rename*, *Replace*, *Remove*.
    pub actions: Vec<Action>,
}

/// The phones that approve for a person.
#[derive(Clone, Debug, Template)]
#[template(path = "account/mobile-phones.html")]
pub struct MobilePhonesPage {
    /// The frame.
    pub layout: Layout,
    /// The phones.
    pub phones: Vec<PhoneItem>,
    /// *Ask my phones again*, where the person has stopped that.
    pub ask_again: Option<Action>,
    /// *Add a phone*; its element id becomes `add-phone`. `None` when there are as many as can be.
    pub add: Option<Action>,
    /// What was just done: `The phone is removed.`
    pub done: Option<String>,
}

impl Page for MobilePhonesPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let act = |name: &str, label: &str, id: &str| {
            Action::link(format!("{name}-{id}"), label, format!("/account/otp/mobile/{name}?device={id}"))
        };
        let actions = |id: &str| {
            vec![act("rename", "Rename", id), act("replace", "Replace", id), act("revoke", "Remove", id).dangerous()]
        };
        let phone = PhoneItem {
            id: "d1".into(),
            label: "Carol's phone".into(),
            state: (Tone::Ok, "In use"),
            strength: "Asks for your fingerprint, face or PIN",
            reached: "Woken up when a login waits",
            added: samples::date(-90 * 86_400),
            seen: Some(samples::when(-1_200)),
            actions: actions("d1"),
        };
        let copied = PhoneItem {
            id: "d2".into(),
            label: "Old tablet with a name that is quite long, as names of tablets are".into(),
            state: (Tone::Danger, "Suspended: there seem to be two of it"),
            strength: "Approves without asking who holds it",
            reached: "Asks by itself while the app is open",
            seen: None,
            actions: actions("d2"),
            ..phone.clone()
        };
        let page = Self {
            layout: samples::portal("Phones", Section::ManageOtp),
            phones: vec![phone, copied],
            ask_again: None,
            add: Some(Action::post("add-phone", "Add a phone", "/account/otp/mobile/start")),
            done: None,
        };
        let held = Self {
            ask_again: Some(Action::post("ask-again", "Ask my phones again", "/account/otp/mobile/ask-again")),
            done: Some("The phone is removed. It approves nothing any more.".into()),
            ..page.clone()
        };
        let empty = Self { phones: Vec::new(), ..page.clone() };
        vec![("two", page), ("not asked", held), ("none", empty)]
    }
}
