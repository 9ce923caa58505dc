//! A page of the portal with parts under headings: license keys, identity proofing; and the list of what an administrator
//! can renew for others.

use askama::Template;

use super::Page;
use super::admin::DetailSection;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::table::{Cell, Table};
use super::when::When;

/// Parts under headings.
#[derive(Clone, Debug, Template)]
#[template(path = "account/sections.html")]
pub struct SectionsPage {
    /// The frame.
    pub layout: Layout,
    /// The page's name: `license`.
    pub page: &'static str,
    /// Its heading.
    pub heading: String,
    /// What it is about.
    pub lead: String,
    /// What was done, or what is wrong.
    pub note: Option<(Tone, String)>,
    /// Ways on.
    pub actions: Vec<Action>,
    /// The parts.
    pub sections: Vec<DetailSection>,
    /// Back; its id becomes `cancel`.
    pub back: Action,
}

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
    /// The rows.
    pub rows: Vec<RenewalRow>,
    /// What is wrong.
    pub error: Option<String>,
}

impl Page for SectionsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let columns = ["Product", "Key", "State", ""];
        let row = vec![
            Cell::text("Mobile ID"),
            Cell::Code("33QN-9627-RMAC-8GHP-MBCE-ZRBQ".into()),
            Cell::State(Tone::Ok, "Not used".into()),
            Cell::Button(Action::post("use-1", "Use it", "/account/otp/license/activate").with("id", "1")),
        ];
        let mine = Table::new(&columns, vec![row], "None.");
        let key = Field::required("key", "License key", Control::Text, "33QN-9627-RMAC-8GHP-MBCE-ZRBX")
            .error("A letter is mistyped, or two are swapped; compare it group by group.");
        let page = Self {
            layout: samples::portal("I have a license key", Section::ManageOtp),
            page: "license",
            heading: "I have a license key".into(),
            lead: "Type it as you got it; capital letters and hyphens do not matter.".into(),
            note: Some((Tone::Ok, "It is theirs now. We have written to them.".into())),
            actions: vec![Action::link("keys", "All my keys", "/account/otp/keys")],
            sections: vec![
                DetailSection { heading: "Keys for you".into(), table: Some(mine), forms: vec![] },
                DetailSection {
                    heading: "Another key".into(),
                    table: None,
                    forms: vec![Form::main("/account/otp/license", "Use it", vec![key])],
                },
            ],
            back: Action::link("cancel", "Manage OTP", "/account/otp"),
        };
        vec![("license", page)]
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
        let page = Self {
            layout: samples::portal("Renew for your people", Section::Admin("/admin/people")),
            rows: vec![row("frank", "Phone OTP", -20), row("erin", "Mobile ID", 12)],
            error: None,
        };
        let error = Self { error: Some("Choose at least one.".into()), ..page.clone() };
        let none = Self { rows: vec![], ..page.clone() };
        vec![("two", page), ("none chosen", error), ("nothing", none)]
    }
}
