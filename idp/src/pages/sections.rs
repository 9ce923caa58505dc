//! A page of the portal with parts under headings: license keys, identity proofing.

use askama::Template;

use super::Page;
use super::admin::DetailSection;
use super::form::{Control, Field, Form};
use super::layout::{Layout, Section};
use super::parts::{Action, Tone};
use super::samples;
use super::table::{Cell, Table};

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
