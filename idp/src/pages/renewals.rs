//! What an administrator of an organization can renew for its people: a page of it, with a filter, and a button for all.

use askama::Template;

use super::Page;
use super::form::{Control, Field};
use super::layout::{Layout, Section};
use super::samples;
use super::when::When;

/// One credential that can be renewed for its holder.
#[derive(Clone, Debug)]
pub struct RenewalRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Whose.
    pub username: String,
    /// When it ends, or ended.
    pub ends: When,
    /// What another year costs.
    pub price: String,
}

/// What an organization's administrator can renew.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/renewals.html")]
pub struct RenewalsPage {
    /// The frame.
    pub layout: Layout,
    /// The rows of this page.
    pub rows: Vec<RenewalRow>,
    /// How many the filter finds.
    pub all: usize,
    /// How many one order holds.
    pub most: usize,
    /// The filter.
    pub filter: Vec<Field>,
    /// The same, for the button that takes all.
    pub hidden: Vec<(&'static str, String)>,
    /// The way to the file.
    pub export: String,
    /// The first page, when this is not it.
    pub first: Option<String>,
    /// The next page.
    pub next: Option<String>,
    /// What is wrong.
    pub error: Option<String>,
}

impl RenewalsPage {
    pub(crate) fn has_more(&self) -> bool {
        self.all > self.rows.len()
    }

    pub(crate) fn is_too_much(&self) -> bool {
        self.all > self.most
    }
}

impl Page for RenewalsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let row = |username: &str, label: &str, days: i64| RenewalRow {
            id: format!("{username}-1"),
            label: label.into(),
            username: username.into(),
            ends: samples::date(days * 86_400),
            price: "24.00 USD".into(),
        };
        let days = vec![(String::new(), "Any time".to_owned()), ("7".to_owned(), "Within 7 days".to_owned())];
        let page = Self {
            layout: samples::portal("Renew for your people", Section::Admin("/admin/people")),
            rows: vec![row("frank", "Phone OTP", -20), row("erin", "Mobile ID", 12)],
            all: 240,
            most: 1000,
            filter: vec![
                Field::optional("q", "User ID begins with", Control::Text, ""),
                Field::optional("days", "Ends", Control::Select(days), ""),
            ],
            hidden: vec![("q", String::new()), ("days", String::new())],
            export: "/admin/renewals.csv".into(),
            first: Some("/admin/renewals".into()),
            next: Some("/admin/renewals?after=1".into()),
            error: None,
        };
        let error = Self { error: Some("Choose at least one.".into()), ..page.clone() };
        let none = Self { rows: vec![], all: 0, first: None, next: None, ..page.clone() };
        let many = Self { all: 4321, ..page.clone() };
        vec![("two", page), ("none chosen", error), ("nothing", none), ("thousands", many)]
    }
}
