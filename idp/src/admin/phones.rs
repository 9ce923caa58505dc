//! Codes by telephone: what is spent, what comes back, and the switch.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_store::deliveries::{self, Conversion};

use super::access::{Act, Place};
use super::{ListQuery, enter};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::{DetailPage, DetailSection};
use crate::pages::form::Form as PageForm;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};
use crate::phones::{day, switch};

/// Blocks that the page shows, those with most codes first.
const BLOCKS: u32 = 200;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/phones", get(get_phones))
        .route("/admin/phones/stop", post(post_stop))
        .route("/admin/phones/start", post(post_start))
}

async fn get_phones(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Phones, Act::See).await?;
        let stopped = deliveries::find_stopped(&cx.app.db).await?;
        let form = match &stopped {
            Some(_) => PageForm::side("start", "/admin/phones/start", "Start sending again", Vec::new()),
            None => PageForm::side("stop", "/admin/phones/stop", "Stop all sending", Vec::new())
                .dangerous("Nobody gets codes by text or call until somebody starts it again. Other ways stay open."),
        };
        let mut facts = facts(&cx).await?;
        if let Some(stopped) = &stopped {
            let zone = administrator.visitor.zone();
            facts.insert(0, ("Stopped".to_owned(), Cell::Time(When::new(stopped.at, cx.now, &zone))));
            facts.insert(1, ("Because".to_owned(), Cell::text(stopped.reason.clone())));
        }
        let table = Some(blocks(&cx).await?);
        let section = |heading: &str, table, forms| DetailSection { heading: heading.to_owned(), table, forms };
        let page = DetailPage {
            layout: administrator.layout(&cx, "Codes by telephone", Place::Phones),
            page: "admin-phones",
            heading: "Codes by telephone".to_owned(),
            state: Some(match stopped {
                Some(_) => (Tone::Danger, "Stopped".to_owned()),
                None => (Tone::Ok, "Sending".to_owned()),
            }),
            facts,
            sections: vec![
                section("Blocks of numbers, yesterday and today", table, Vec::new()),
                section("Kill switch", None, vec![form]),
            ],
            back: Action::link("back", "What happened", "/admin/audit?q=phone_otp"),
            done: match query.done.as_str() {
                "stopped" => Some("No codes are sent any more.".to_owned()),
                "started" => Some("Codes are sent again.".to_owned()),
                _ => None,
            },
            secret: None,
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn facts(cx: &Cx) -> Result<Vec<(String, Cell)>, Fault> {
    let spend = &cx.app.settings.phone.spend;
    let (spent, granted) = deliveries::find_spend(&cx.app.db, day(cx.now)).await?;
    let cap = match spend.per_day {
        0 => "no cap".to_owned(),
        cap => format!("of {}", spend.amount(cap + granted)),
    };
    let ways: Vec<&str> = cx.app.outbound.ways.iter().map(|way| way.name.as_str()).collect();
    let ways = if ways.is_empty() { "none: nobody can get codes".to_owned() } else { ways.join(", then ") };
    Ok(vec![
        ("Spent today (UTC)".to_owned(), Cell::text(format!("{} {cap}", spend.amount(spent)))),
        ("Providers".to_owned(), Cell::text(ways)),
        ("Countries".to_owned(), Cell::text(cx.app.settings.phone.countries.join(", "))),
    ])
}

async fn blocks(cx: &Cx) -> Result<Table, Fault> {
    let rule = &cx.app.settings.phone.conversion;
    let found = deliveries::list_conversions(&cx.app.db, day(cx.now) - 1, BLOCKS).await?;
    let row = |block: &Conversion| {
        let percent = (block.used * 100).checked_div(block.sent).unwrap_or(0);
        let state = match block {
            block if rule.cuts(block.sent, block.used) => Cell::State(Tone::Danger, "Cut off".to_owned()),
            block if block.sent < u64::from(rule.after) => Cell::State(Tone::Neutral, "Too few to tell".to_owned()),
            _ => Cell::State(Tone::Ok, "Open".to_owned()),
        };
        vec![
            Cell::Code(format!("{}\u{2026}", block.prefix)),
            Cell::text(block.sent.to_string()),
            Cell::text(block.used.to_string()),
            Cell::text(format!("{percent} %")),
            Cell::text(cx.app.settings.phone.spend.amount(block.spent)),
            state,
        ]
    };
    let columns = ["Block", "Sent", "Used", "Came back", "Spent", "State"];
    Ok(Table::new(&columns, found.iter().map(row).collect(), "No codes were sent yesterday or today."))
}

async fn post_stop(form: Form) -> Response {
    turn(&form, false).await.unwrap_or_else(|failure| failure.respond(&form.cx))
}

async fn post_start(form: Form) -> Response {
    turn(&form, true).await.unwrap_or_else(|failure| failure.respond(&form.cx))
}

async fn turn(form: &Form, on: bool) -> Result<Response, PageFailure> {
    let cx = &form.cx;
    let administrator = enter(cx, &form.browser, Place::Phones, Act::Edit).await?;
    let operator = administrator.visitor.person.id;
    if on {
        switch::start(cx, operator).await?;
        return Ok(see_other("/admin/phones?done=started"));
    }
    switch::stop(cx, operator).await?;
    Ok(see_other("/admin/phones?done=stopped"))
}
