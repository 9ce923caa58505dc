//! What wears out: clocks that run away, lives that end; a token at a time, and series by series.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use jiff::tz::TimeZone;
use stepgate_core::credentials::hardware_token::Mode;
use stepgate_core::credentials::hardware_token::inventory::HardwareToken;
use stepgate_store::tokens::drifts::{self, Drift, How, Series};
use stepgate_store::tokens::list_worn_tokens;

use super::super::access::{Act, Place};
use super::super::enter;
use super::{holder, token_link};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;
use crate::pages::admin::{DetailPage, DetailSection};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/tokens/worn", get(get_worn))
}

/// Tokens that are listed one by one, and lines of one token's history.
const LINES: u32 = 100;

async fn get_worn(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Tokens, Act::See).await?;
        let zone = administrator.visitor.zone();
        let year = std::time::Duration::from_secs(365 * 86_400);
        let found = list_worn_tokens(&cx.app.db, cx.now + year, LINES).await?;
        let columns = ["Serial number", "Holder", "Clock is off by", "Pace", "In use since", "Life ends", "Wear"];
        let empty = "No token in use is off by a step, and none ends within a year.";
        let worn = Table::new(&columns, found.iter().map(|token| row(&cx, token, &zone)).collect(), empty);
        let found = drifts::list_series(&cx.app.db).await?;
        let columns =
            ["File", "Model", "In use", "Oldest since", "First life ends", "Clocks, in the middle", "Clock, the worst"];
        let rows = found.iter().map(|series| series_row(series, &zone)).collect();
        let series = Table::new(&columns, rows, "No token that came in a file is in use.");
        let section =
            |heading: &str, table| DetailSection { heading: heading.to_owned(), table: Some(table), forms: Vec::new() };
        let page = DetailPage {
            layout: administrator.layout(&cx, "Wear", Place::Tokens),
            page: "admin-tokens-worn",
            heading: "Clocks and batteries".to_owned(),
            state: None,
            facts: Vec::new(),
            sections: vec![section("By file and model", series), section("The worst, one by one", worn)],
            back: Action::link("tokens", "All tokens", "/admin/tokens"),
            done: None,
            secret: None,
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn seconds(seconds: i64) -> String {
    format!("{seconds:+} s")
}

fn row(cx: &Cx, token: &HardwareToken, zone: &TimeZone) -> Vec<Cell> {
    let drift = token.drift(cx.now);
    let (tone, word) = if token.is_wearing_out(cx.now) { (Tone::Warning, "Replace soon") } else { (Tone::Ok, "Fine") };
    vec![
        token_link(token),
        holder(token),
        Cell::text(drift.map_or_else(String::new, |(off, _)| seconds(off))),
        Cell::text(drift.and_then(|(_, year)| year).map_or_else(String::new, |year| format!("{year:+} s a year"))),
        Cell::time(token.activated.map(|(at, _)| When::date(at, zone))),
        Cell::time(token.life_ends_at.map(|at| When::date(at, zone))),
        Cell::State(tone, word.to_owned()),
    ]
}

fn series_row(series: &Series, zone: &TimeZone) -> Vec<Cell> {
    vec![
        Cell::link(format!("/admin/tokens/files/{}", series.batch), series.name.clone()),
        Cell::text(series.model.clone()),
        Cell::text(series.tokens.to_string()),
        Cell::time(series.oldest.map(|at| When::date(at, zone))),
        Cell::time(series.ends_first.map(|at| When::date(at, zone))),
        Cell::text(series.clocks.median().map_or_else(String::new, seconds)),
        Cell::text(series.clocks.worst().map_or_else(String::new, seconds)),
    ]
}

/// How often a token ran away, and how far it had come each time.
pub(super) async fn history(cx: &Cx, token: &HardwareToken, zone: &TimeZone) -> Result<DetailSection, Fault> {
    let found = match token.credential {
        Some(credential) => drifts::list_drifts(&cx.app.db, credential, LINES).await?,
        None => Vec::new(),
    };
    let row = |drift: &Drift| {
        let how = match drift.how {
            How::Resync => "Resync by its holder",
            How::ByItself => "By itself, at a login",
        };
        let (from, to) = match token.parameters.mode() {
            Mode::Totp { period_seconds } => {
                let off = |steps: i32| seconds(i64::from(steps).saturating_mul(i64::from(period_seconds)));
                (off(drift.from.drift), off(drift.to.drift))
            }
            // The counters begin at 0, and the first code is the one of 0.
            Mode::Hotp => {
                let presses = |last: i64| format!("{} presses", last.saturating_add(1));
                (presses(drift.from.last), presses(drift.to.last))
            }
        };
        vec![Cell::Time(When::new(drift.at, cx.now, zone)), Cell::text(how), Cell::text(from), Cell::text(to)]
    };
    let table = Table::new(
        &["When", "How", "Was thought to be at", "Was at"],
        found.iter().map(row).collect(),
        "It has never run away so far that two codes were needed.",
    );
    Ok(DetailSection { heading: "Brought back into step".to_owned(), table: Some(table), forms: Vec::new() })
}
