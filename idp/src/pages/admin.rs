//! The administrators' pages: a list, a detail. Dense, plain, all alike.

use askama::Template;

use super::Page;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::table::{Cell, Table};

/// A list with a filter: people, organizations, partners, applications, clients, the audit log, keys.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/list.html")]
pub struct ListPage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `admin-people`.
    pub page: &'static str,
    /// Its heading.
    pub heading: String,
    /// The filter: a form that gets this same page.
    pub filter: Vec<Field>,
    /// The rows.
    pub table: Table,
    /// *Invite*, *Register*, *Rotate*, *Export*.
    pub actions: Vec<Action>,
    /// What was just done.
    pub done: Option<String>,
}

/// One part of a detail page.
#[derive(Clone, Debug)]
pub struct DetailSection {
    /// Its heading.
    pub heading: String,
    /// Its rows.
    pub table: Option<Table>,
    /// What can be done.
    pub forms: Vec<Form>,
}

/// One person, application, client.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/detail.html")]
pub struct DetailPage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `admin-person`.
    pub page: &'static str,
    /// Its heading.
    pub heading: String,
    /// Its state.
    pub state: Option<(Tone, String)>,
    /// What is known.
    pub facts: Vec<(String, Cell)>,
    /// The rest.
    pub sections: Vec<DetailSection>,
    /// Back to the list.
    pub back: Action,
    /// What was just done.
    pub done: Option<String>,
    /// A secret that is shown once: its name and itself.
    pub secret: Option<(String, String)>,
}

impl Page for ListPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let person = |id: &str, name: &str, organization: &str, tone, state: &str| {
            vec![
                Cell::link(format!("/admin/people/{id}"), id),
                Cell::text(name),
                Cell::text(organization),
                Cell::State(tone, state.into()),
                Cell::Time(samples::when(-5_000)),
            ]
        };
        let mut table = Table::new(
            &["User ID", "Name", "Organization", "State", "Last seen"],
            vec![
                person("bluej_4804", "Jennifer Blue", "Iron Builders LLC", Tone::Ok, "Active"),
                person("frank", "Frank Ferrous", "Iron Builders LLC", Tone::Warning, "OTP expired"),
                person("mallory", "Mallory Moss", "Girders & Co.", Tone::Danger, "Suspended"),
            ],
            "Nobody matches. Search for a part of the name, the user ID or the email address.",
        );
        table.next = Some("/admin/people?after=mallory".into());
        let people = Self {
            layout: samples::portal("People", Section::Admin("/admin/people")),
            page: "admin-people",
            heading: "People".into(),
            filter: vec![
                Field::optional("q", "Search", Control::Text, ""),
                Field::optional(
                    "state",
                    "State",
                    Control::Select(vec![("".into(), "Any".into()), ("suspended".into(), "Suspended".into())]),
                    "",
                ),
            ],
            table,
            actions: vec![Action::link("export", "Export", "/admin/people.csv")],
            done: None,
        };
        let none = Self { table: Table { rows: vec![], next: None, ..people.table.clone() }, ..people.clone() };
        let keys = Self {
            layout: samples::portal("Keys", Section::Admin("/admin/keys")),
            page: "admin-keys",
            heading: "Signing keys".into(),
            filter: vec![],
            table: Table::new(
                &["Key ID", "Algorithm", "State", "Since"],
                vec![vec![
                    Cell::Code("3q2-7wQb".into()),
                    Cell::text("ES256"),
                    Cell::State(Tone::Ok, "Signing".into()),
                    Cell::Time(samples::date(-86_400 * 20)),
                ]],
                "No keys.",
            ),
            actions: vec![Action::post("rotate", "Rotate", "/admin/keys/rotate")],
            done: Some("A new key signs from now on. The old one stays published for 7 days.".into()),
        };
        vec![("people", people), ("none", none), ("keys", keys)]
    }
}

impl Page for DetailPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let back = Action::link("back", "People", "/admin/people");
        let revoke = Action::post("revoke-1", "Revoke", "/admin/people/frank/roles/revoke").with("role", "support");
        let person = Self {
            layout: samples::portal("People", Section::Admin("/admin/people")),
            page: "admin-person",
            heading: "Frank Ferrous".into(),
            state: Some((Tone::Ok, "Active".into())),
            facts: vec![
                ("User ID".into(), Cell::Code("frank".into())),
                ("Email address".into(), Cell::text("frank@iron-builders.example")),
                ("Organization".into(), Cell::link("/admin/organizations/1", "Iron Builders LLC")),
                ("Made".into(), Cell::Time(samples::date(-400 * 86_400))),
            ],
            sections: vec![
                DetailSection {
                    heading: "Credentials".into(),
                    table: Some(Table::new(
                        &["Kind", "Number", "State", "Expires", "Last used"],
                        vec![vec![
                            Cell::text("Phone OTP"),
                            Cell::Code("•••• 0106".into()),
                            Cell::State(Tone::Warning, "Expired".into()),
                            Cell::Time(samples::date(-20 * 86_400)),
                            Cell::Time(samples::when(-30 * 86_400)),
                        ]],
                        "None.",
                    )),
                    forms: vec![],
                },
                DetailSection {
                    heading: "Roles".into(),
                    table: Some(Table::new(
                        &["Role", "Where", ""],
                        vec![vec![Cell::text("Support"), Cell::text("Everywhere"), Cell::Button(revoke)]],
                        "No roles.",
                    )),
                    forms: vec![Form::side(
                        "grant",
                        "/admin/people/frank/roles",
                        "Grant",
                        vec![Field::required("role", "Role", roles(), "support")],
                    )],
                },
                DetailSection {
                    heading: "Suspend".into(),
                    table: None,
                    forms: vec![
                        Form::side(
                            "suspend",
                            "/admin/people/frank/suspend",
                            "Suspend",
                            vec![Field::required("reason", "Reason", Control::Text, "")],
                        )
                        .dangerous("Frank is signed out everywhere and cannot sign in until somebody lifts it."),
                    ],
                },
            ],
            back,
            done: None,
            secret: None,
        };
        let policy =
            "{\n  \"accept\": [\n    { \"methods\": [\"hardware_token\", \"mobile_id\"], \"proofd\": true }\n  ]\n}";
        let application = Self {
            layout: samples::portal("Applications", Section::Admin("/admin/applications")),
            page: "admin-application",
            heading: "Iron Works Portal".into(),
            facts: vec![
                ("Partner".into(), Cell::link("/admin/partners/1", "Iron Works Inc.")),
                ("Address".into(), Cell::link("https://iron-works.example/", "https://iron-works.example/")),
            ],
            sections: vec![DetailSection {
                heading: "What it accepts".into(),
                table: None,
                forms: vec![Form::main(
                    "/admin/applications/1/policy",
                    "Save the policy",
                    vec![
                        Field::required("policy", "Policy", Control::Json, policy)
                            .help("A list of combinations, of which any one is enough.")
                            .error("Line 3: there is no field proofd. Did you mean proofed?"),
                    ],
                )],
            }],
            back: Action::link("back", "Applications", "/admin/applications"),
            secret: Some(("Client secret of iron-works".into(), "wJalrXUtnFEMI-K7MDENG-bPxRfiCY".into())),
            ..person.clone()
        };
        vec![("person", person), ("policy with an error", application)]
    }
}

fn roles() -> Control {
    let roles = [("support", "Support"), ("proofing_agent", "Proofing agent"), ("operator", "Operator")];
    Control::Select(roles.map(|(value, words)| (value.to_owned(), words.to_owned())).to_vec())
}
