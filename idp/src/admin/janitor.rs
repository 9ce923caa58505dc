//! The janitor's page: what is left lying about, and one button that removes what cannot hurt.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::assurance;
use stepgate_store::janitor::Leftovers;

use super::access::{Act, Place, Scope};
use super::{Administrator, ListQuery, enter};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::janitor::{self, Part};
use crate::pages::admin::{DetailPage, DetailSection};
use crate::pages::form::Form as PageForm;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Section, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/janitor", get(get_janitor)).route("/admin/janitor/clean", post(post_clean))
}

async fn get_janitor(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Audit, Act::See).await?;
        let report = janitor::report(&cx.app.db, &cx.app.settings.janitor, cx.now).await?;
        let mut sections: Vec<_> =
            report.parts.iter().filter(|part| part.count > 0).map(|part| section(&cx, &administrator, part)).collect();
        sections.insert(0, cleaning(&administrator, report.leftovers));
        let facts = report.parts.iter().map(|part| (part.words.clone(), Cell::text(part.count.to_string())));
        let facts = facts.chain(metadata(&cx, &administrator));
        let page = DetailPage {
            layout: administrator.visitor.layout(&cx, "Janitor", Section::Admin("/admin/janitor")),
            page: "admin-janitor",
            heading: "Janitor".to_owned(),
            state: None,
            facts: facts.collect(),
            sections,
            back: Action::link("cancel", "People", "/admin/people"),
            done: match query.done.as_str() {
                "cleaned" => Some("Removed. How much is in the audit log.".to_owned()),
                "busy" => Some("Another node is cleaning at this moment. Look again in a minute.".to_owned()),
                _ => None,
            },
            secret: None,
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// How old the metadata of security keys is.
fn metadata(cx: &Cx, administrator: &Administrator) -> Option<(String, Cell)> {
    let (number, next, old) = cx.app.attestation.age(cx.now)?;
    let day = When::date(next, &administrator.visitor.zone()).text;
    let state = if old {
        let text = format!("No. {number}: out of date since {day}. Fetch a new file and start anew.");
        Cell::State(Tone::Danger, text)
    } else {
        Cell::State(Tone::Ok, format!("No. {number}, good until {day}"))
    };
    Some(("Metadata of security keys".to_owned(), state))
}

fn cleaning(administrator: &Administrator, leftovers: Leftovers) -> DetailSection {
    let Leftovers { phones, numbers } = leftovers;
    let row = |what: &str, count: u64| vec![Cell::text(what), Cell::text(count.to_string())];
    let rows = vec![row("Phones that were never confirmed", phones), row("Numbers that no code has proved", numbers)];
    let may = access_to_clean(administrator) && phones + numbers > 0;
    let form = may.then(|| {
        PageForm::side("clean", "/admin/janitor/clean", "Remove these", Vec::new())
            .dangerous("None of them ever worked. Whoever began one begins again; nothing that works is touched.")
    });
    DetailSection {
        heading: "What can be removed".to_owned(),
        table: Some(Table::new(&["What", "How many"], rows, "Nothing.")),
        forms: form.into_iter().collect(),
    }
}

fn access_to_clean(administrator: &Administrator) -> bool {
    super::access::may(&administrator.visitor.roles, Place::Audit, Act::Edit) == Scope::All
}

fn section(cx: &Cx, administrator: &Administrator, part: &Part) -> DetailSection {
    let zone = administrator.visitor.zone();
    let rows = part.found.iter().map(|found| {
        vec![
            Cell::link(format!("/admin/people/{}", found.username), found.username.clone()),
            Cell::text(assurance::label(found.kind)),
            Cell::text(found.name.clone()),
            Cell::Time(When::new(found.at, cx.now, &zone)),
            Cell::text(found.failures.to_string()),
            Cell::text(found.drift.to_string()),
        ]
    });
    let when = if matches!(part.name, "expiring" | "dying") { "Ends" } else { "Last used or made" };
    let columns = ["Person", "Kind", "Serial or name", when, "Failures", "Drift"];
    DetailSection {
        heading: format!("{} ({})", part.words, part.count),
        table: Some(Table::new(&columns, rows.collect(), "None.")),
        forms: Vec::new(),
    }
}

async fn post_clean(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Audit, Act::Edit).await?;
        let by = administrator.visitor.person.id;
        // Whoever presses the button again goes on with the own lease.
        if !janitor::lead(&cx.app.db, &by.to_string(), cx.now).await? {
            return Ok(see_other("/admin/janitor?done=busy"));
        }
        let transaction = cx.app.db.begin().await?;
        let removed = janitor::clean(&transaction, &cx.app.settings.janitor, cx.now).await?;
        let event = Event { actor: Some(by), ..Event::new("admin.janitor.cleaned") };
        audit::record(&cx, &transaction, event.data(janitor::in_json(removed))).await?;
        transaction.commit().await.map_err(Fault::from)?;
        Ok(see_other("/admin/janitor?done=cleaned"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
