//! *Who waits for a token*: for those who send orders, and for those who hand out tokens.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use stepgate_core::id::{CredentialId, OrderId};
use stepgate_core::subscriptions::checkout::lines_of;
use stepgate_core::subscriptions::order::Order;
use stepgate_core::time::Timestamp;
use stepgate_store::tokens::{self, Waiting, Waits};
use stepgate_store::{credentials, desk, orders, people};

use super::super::access::{Act, Place, Scope, may};
use super::super::{Administrator, enter};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;
use crate::pages::admin::ListPage;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, When};
use crate::shop::words;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/orders/waiting", get(get_of_orders)).route("/admin/tokens/waiting", get(get_of_tokens))
}

const PAGE: u32 = 50;

#[derive(Deserialize, Default)]
#[serde(default)]
struct After {
    since: Option<i64>,
    after: String,
}

async fn get_of_orders(cx: Cx, browser: Browser, Query(after): Query<After>) -> Response {
    list(&cx, &browser, Place::Orders, &after).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn get_of_tokens(cx: Cx, browser: Browser, Query(after): Query<After>) -> Response {
    list(&cx, &browser, Place::Tokens, &after).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn list(cx: &Cx, browser: &Browser, place: Place, after: &After) -> Result<Response, PageFailure> {
    // Where somebody lives is for those who send parcels, not for everybody who sees an order.
    let administrator = enter(cx, browser, place, Act::Edit).await?;
    if administrator.scope != Scope::All {
        return Err(PageFailure::Forbidden);
    }
    let beyond = after.since.map(Timestamp::from_unix_millis).zip(after.after.parse().ok());
    let found = tokens::list_waiting(&cx.app.db, beyond, cx.now, PAGE).await?;
    let mut rows = Vec::new();
    for waiting in &found {
        rows.extend(row(cx, &administrator, waiting).await?);
    }
    let columns = ["Order", "For", "Where to", "Why", "Tokens", "Waits since"];
    let mut table = Table::new(&columns, rows, "Nobody waits for a token.");
    let here = format!("{}/waiting", place.tab());
    if found.len() == PAGE as usize {
        table.next = found.last().map(|last| {
            let (since, id) = last.place();
            format!("{here}?since={}&after={id}", since.unix_millis())
        });
    }
    table.first = after.since.is_some().then(|| here.clone());
    let other = |place, id: &str, label: &str, path: &str| {
        (may(&administrator.visitor.roles, place, Act::See) == Scope::All).then(|| Action::link(id, label, path))
    };
    let page = ListPage {
        layout: administrator.layout(cx, "Who waits for a token", place),
        page: "admin-waiting",
        heading: "Who waits for a token".to_owned(),
        filter: Vec::new(),
        table,
        actions: [
            other(Place::Tokens, "stock", "Tokens in stock", "/admin/tokens?stage=stock"),
            other(Place::Orders, "orders", "Orders", "/admin/orders"),
        ]
        .into_iter()
        .flatten()
        .collect(),
        done: None,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

/// A row; none for what is gone since it was listed.
async fn row(cx: &Cx, administrator: &Administrator, waiting: &Waiting) -> Result<Option<Vec<Cell>>, Fault> {
    let found = match waiting.what {
        Waits::Order(id) => of_order(cx, administrator, id).await?,
        Waits::Credential(id) => of_credential(cx, administrator, id).await?,
    };
    let since = When::new(waiting.since, cx.now, &administrator.visitor.zone());
    Ok(found.map(|mut cells| {
        cells.push(Cell::Time(since));
        cells
    }))
}

fn sees(administrator: &Administrator, place: Place) -> bool {
    may(&administrator.visitor.roles, place, Act::See) == Scope::All
}

async fn of_order(cx: &Cx, administrator: &Administrator, id: OrderId) -> Result<Option<Vec<Cell>>, Fault> {
    let Some(order) = orders::find_order(&cx.app.db, id).await? else { return Ok(None) };
    let number = if sees(administrator, Place::Orders) {
        Cell::link(format!("/admin/orders/{}", order.number), order.number.clone())
    } else {
        Cell::Code(order.number.clone())
    };
    let replaces = desk::find_extras(&cx.app.db, id).await?.replaces.is_some();
    Ok(Some(vec![
        number,
        Cell::text(words::name(cx, order.purchaser).await?),
        Cell::text(order.shipping.as_ref().map(|to| lines_of(to).join(", ")).unwrap_or_default()),
        Cell::text(if replaces { "Warranty" } else { "Bought" }),
        Cell::number(tokens_of(&order)),
    ]))
}

/// How many tokens go into its parcel.
fn tokens_of(order: &Order) -> u32 {
    order.lines.iter().filter(|line| line.gives.ships).fold(0, |sum, line| sum.saturating_add(line.quantity))
}

/// Somebody whose token is no more, or never came.
async fn of_credential(cx: &Cx, administrator: &Administrator, id: CredentialId) -> Result<Option<Vec<Cell>>, Fault> {
    let Some(credential) = credentials::find_credential(&cx.app.db, id).await? else { return Ok(None) };
    let Some(person) = people::find_person(&cx.app.db, credential.person).await? else { return Ok(None) };
    let name = format!("{} ({})", person.display_name(), person.username);
    let name = if sees(administrator, Place::People) {
        Cell::link(format!("/admin/people/{}", person.username), name)
    } else {
        Cell::text(name)
    };
    let why = "Has none, and no order is on its way";
    Ok(Some(vec![Cell::Empty, name, Cell::Empty, Cell::text(why), Cell::number(1)]))
}
