//! The integrators' console: one page out of blocks. Dense, exact; protocol words are welcome.

use askama::Template;

use super::Page;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::table::{Cell, Table};

/// A page of the console.
#[derive(Clone, Debug, Template)]
#[template(path = "developer/page.html")]
pub struct ConsolePage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `developer-client`.
    pub page: &'static str,
    /// Its heading.
    pub heading: String,
    /// What the heading is about: an id that can be copied.
    pub id: Option<String>,
    /// Its state.
    pub state: Option<(Tone, String)>,
    /// Back to where it came from.
    pub back: Option<Action>,
    /// Its neighbours: words, path, whether it is this one.
    pub tabs: Vec<(String, String, bool)>,
    /// What can be done.
    pub actions: Vec<Action>,
    /// What was just done.
    pub done: Option<String>,
    /// A secret that is shown once: its name and itself.
    pub secret: Option<(String, String)>,
    /// The parts.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub enum Block {
    /// A few words.
    Words(String),
    /// Something to heed.
    Note(Tone, String),
    /// Facts under a heading.
    Facts(String, Vec<(String, Cell)>),
    /// A table under a heading, with a filter.
    Table(String, Vec<Field>, Table),
    /// A form in groups.
    Form(GroupedForm),
    /// A small form under a heading.
    Small(String, Form),
    /// Findings of the linter.
    Findings(Vec<Finding>),
    /// Items of the checklist.
    Steps(Vec<Step>),
    /// Text to copy: element id, name, text.
    Code(String, String, String),
    /// A message on the wire.
    Message(Message),
    /// Names, values, and what they mean.
    Explained(String, Vec<(String, String, String)>),
    /// Chooses a library: the page's path, and the choice.
    Library(String, Field),
    /// Waits for the fragment of the address, which only the browser knows.
    Fragment,
}

/// Fields that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Their heading.
    pub heading: String,
    /// What to know.
    pub lead: String,
    /// The fields.
    pub fields: Vec<Field>,
    /// Lists of which any can be ticked.
    pub sets: Vec<TickSet>,
    /// Whether they are in sight from the beginning.
    pub open: bool,
}

/// A list of which any can be ticked.
#[derive(Clone, Debug)]
pub struct TickSet {
    /// What it is a list of.
    pub name: String,
    /// What to tick.
    pub help: String,
    /// What is wrong with it.
    pub error: Option<String>,
    /// The ticks.
    pub ticks: Vec<Field>,
}

/// A long form.
#[derive(Clone, Debug)]
pub struct GroupedForm {
    /// Where it posts to.
    pub action: String,
    /// Its groups.
    pub groups: Vec<Group>,
    /// The words on its button.
    pub submit: String,
    /// A second button: words, and where it posts to.
    pub other: Option<(String, String)>,
    /// What is wrong with the whole of it.
    pub error: Option<String>,
}

impl GroupedForm {
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        let named = self.groups.iter().flat_map(|group| {
            let fields = group.fields.iter().map(|field| (field.name.as_str(), field.error.as_deref()));
            fields.chain(group.sets.iter().map(|set| (set.name.as_str(), set.error.as_deref())))
        });
        named.filter_map(|(name, error)| Some((name, error?))).collect()
    }

    pub(crate) fn field_id(&self, field: &Field) -> String {
        format!("form-{}", field.name)
    }
}

impl Group {
    pub(crate) fn is_open(&self) -> bool {
        let wrong = self.fields.iter().any(|field| field.error.is_some());
        self.open || wrong || self.sets.iter().any(|set| set.error.is_some())
    }
}

/// A finding of the linter.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its id.
    pub id: String,
    /// How it looks, and the word for it.
    pub severity: (Tone, &'static str),
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What mends it.
    pub fix: String,
    /// Where it is mended.
    pub link: Option<(String, String)>,
}

/// An item of the checklist.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// What it is.
    pub title: String,
    /// How to get there.
    pub how: String,
    /// Whether it is done.
    pub done: bool,
    /// Since when.
    pub since: Option<super::When>,
    /// Confirms it, or takes the confirmation back.
    pub confirm: Option<Action>,
}

/// A message on the wire.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its element id.
    pub id: String,
    /// Its heading.
    pub heading: String,
    /// `POST /token`.
    pub line: String,
    /// Its fields: names and values.
    pub fields: Vec<(String, String)>,
    /// What was answered: a status, and the body.
    pub answer: Option<(String, String)>,
    /// What to know.
    pub note: Option<String>,
}

impl ConsolePage {
    /// A page with nothing on it yet.
    pub fn new(layout: Layout, page: &'static str, heading: impl Into<String>) -> Self {
        Self {
            layout,
            page,
            heading: heading.into(),
            id: None,
            state: None,
            back: None,
            tabs: Vec::new(),
            actions: Vec::new(),
            done: None,
            secret: None,
            blocks: Vec::new(),
        }
    }

    /// The same with a further part.
    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }
}

impl Page for ConsolePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let layout = || samples::portal("Developer", Section::Developer("/developer"));
        let row = vec![
            Cell::link("/developer/applications/1", "Iron Works Portal"),
            Cell::text("Iron Works Inc."),
            Cell::State(Tone::Ok, "On".into()),
            Cell::Time(samples::when(-5_000)),
        ];
        let mut list = Self::new(layout(), "developer", "Applications");
        list.actions = vec![Action::link("new", "New application", "/developer/applications/new")];
        let filter = vec![Field::optional("q", "Search", Control::Text, "")];
        let list = list.with(Block::Table(
            String::new(),
            filter,
            Table::new(&["Name", "Partner", "State", "Made"], vec![row], "None yet."),
        ));
        let mut form = Self::new(layout(), "developer-client-form", "Settings");
        form.back = Some(Action::link("back", "Iron Works Portal", "/developer/applications/1"));
        form.tabs = vec![
            ("Overview".into(), "/developer/clients/x".into(), false),
            ("Settings".into(), "/developer/clients/x/edit".into(), true),
        ];
        let form = form.with(Block::Form(GroupedForm {
            action: "/developer/clients/x/edit".into(),
            groups: vec![
                Group {
                    heading: "Redirect URIs".into(),
                    lead: "Compared character by character.".into(),
                    fields: vec![
                        Field::optional("redirect_uris", "redirect_uris", Control::Lines, "http://app.example/cb")
                            .help("One in each line.")
                            .error("must be https; plain http is for loopback only"),
                    ],
                    sets: vec![TickSet {
                        name: "grant_types".into(),
                        help: "What it may ask the token endpoint for.".into(),
                        error: None,
                        ticks: vec![Field::optional("grant_types.a", "authorization_code", Control::Tick, "1")],
                    }],
                    open: true,
                },
                Group {
                    heading: "Logout".into(),
                    lead: "How the application learns of it.".into(),
                    sets: vec![],
                    fields: vec![Field::optional("x", "backchannel_logout_uri", Control::Text, "")],
                    open: false,
                },
            ],
            submit: "Save".into(),
            other: None,
            error: None,
        }));
        vec![("applications", list), ("a form with an error", form), ("all blocks", blocks(layout()))]
    }
}

fn blocks(layout: Layout) -> ConsolePage {
    let mut page = ConsolePage::new(layout, "developer-client", "Iron Works Portal");
    page.id = Some("iron-works-portal".into());
    page.state = Some((Tone::Ok, "On".into()));
    page.secret = Some(("A new client secret".into(), "wJalrXUtnFEMI-K7MDENG-bPxRfiCY".into()));
    page.done = Some("Saved. Every node has it.".into());
    let confirm = Action::post("confirm-checks-acr", "Confirm", "/developer/clients/x/go-live");
    page.with(Block::Words("What this client is and does.".into()))
        .with(Block::Note(Tone::Warning, "12 requests were not kept.".into()))
        .with(Block::Facts("Facts".into(), vec![("client_id".into(), Cell::Code("iron-works".into()))]))
        .with(Block::Findings(vec![Finding {
            id: "acr-in-the-clear".into(),
            severity: (Tone::Danger, "Must"),
            what: "3 requests ask for a strength in the clear.".into(),
            why: "A person can strip it.".into(),
            fix: "Register required_acr.".into(),
            link: Some(("required_acr".into(), "/developer/clients/x/edit#form-required_acr".into())),
        }]))
        .with(Block::Steps(vec![
            Step {
                id: "login".into(),
                title: "A login was seen".into(),
                how: "Somebody logged in.".into(),
                done: true,
                since: Some(samples::when(-4_000)),
                confirm: None,
            },
            Step {
                id: "checks-acr".into(),
                title: "Our code compares acr".into(),
                how: "Ask for less.".into(),
                done: false,
                since: None,
                confirm: Some(confirm),
            },
        ]))
        .with(Block::Code("snippet-curl".into(), "curl".into(), "curl https://id.example/token\n".into()))
        .with(Block::Message(Message {
            id: "message-token".into(),
            heading: "Token request".into(),
            line: "POST /token".into(),
            fields: vec![("grant_type".into(), "authorization_code".into())],
            answer: Some(("200 OK".into(), "{\n  \"token_type\": \"Bearer\"\n}".into())),
            note: Some("The code is used up.".into()),
        }))
        .with(Block::Explained(
            "ID token".into(),
            vec![("acr".into(), "urn:x".into(), "The strength that was granted.".into())],
        ))
        .with(Block::Small(
            "Add a secret".into(),
            Form::side("add-secret", "/developer/clients/x/secrets", "Add", Vec::new()),
        ))
        .with(Block::Fragment)
}
