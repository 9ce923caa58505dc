//! Reports: the days, and one table for each question.

use askama::Template;

use super::Page;
use super::form::{Control, Field};
use super::layout::{Layout, Section};
use super::parts::Action;
use super::samples;
use super::table::{Cell, Table};

/// One table of a report.
#[derive(Clone, Debug)]
pub struct ReportPart {
    /// Its heading.
    pub heading: String,
    /// Its rows.
    pub table: Table,
}

/// What was sold, and what ends.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/reports.html")]
pub struct ReportPage {
    /// The frame.
    pub layout: Layout,
    /// Its heading.
    pub heading: String,
    /// The days: a form that gets this same page.
    pub filter: Vec<Field>,
    /// The tables.
    pub parts: Vec<ReportPart>,
    /// Files.
    pub actions: Vec<Action>,
}

impl Page for ReportPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let row = |cells: &[&str]| cells.iter().map(|text| Cell::text(*text)).collect::<Vec<_>>();
        let table = |columns: &[&str], rows| Table::new(columns, rows, "Nothing in these days.");
        let page = Self {
            layout: samples::portal("Reports", Section::Admin("/admin/reports")),
            heading: "Reports".into(),
            filter: vec![
                Field::optional("from", "From", Control::Date, "2026-02-01"),
                Field::optional("to", "To", Control::Date, "2026-03-02"),
            ],
            parts: vec![
                ReportPart {
                    heading: "Revenue".into(),
                    table: table(
                        &["Currency", "Orders", "Net", "Tax", "Gross", "Given back"],
                        vec![row(&["USD", "12", "480.00 USD", "91.20 USD", "571.20 USD", "24.00 USD"])],
                    ),
                },
                ReportPart { heading: "By partner".into(), table: table(&["Partner"], vec![]) },
            ],
            actions: vec![Action::link("revenue", "Revenue (CSV)", "/admin/reports/revenue.csv")],
        };
        vec![("two tables", page)]
    }
}
