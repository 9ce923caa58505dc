//! Orders, for those who keep the books: the list, and one order with what can be done about it. `desk` is what is given
//! out beside orders: vouchers, accounts; `catalogue` what is sold.

mod acts;
mod broken;
mod catalogue;
mod desk;
mod matters;
mod ship;
mod sponsors;
mod waiting;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use stepgate_core::subscriptions::checkout::lines_of;
use stepgate_core::subscriptions::license_key::KeyStage;
use stepgate_core::subscriptions::order::{Order, OrderStage, Sponsor};
use stepgate_core::time::Timestamp;
use stepgate_store::desk::{self as store, Extras, Filter};
use stepgate_store::{license_keys, orders, reports};

use super::access::{Act, Place, Scope, may};
use super::{Administrator, enter};
use crate::account::confirm::{self, ONCE_MORE};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;
use crate::pages::admin::{DetailPage, DetailSection, ListPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, When};
use crate::shop::{self, words};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/orders", get(get_orders))
        .route("/admin/orders/{number}", get(get_order))
        .route("/admin/orders/{number}/invoice.pdf", get(get_invoice))
        .merge(acts::routes())
        .merge(ship::routes())
        .merge(waiting::routes())
        .merge(desk::routes())
        .merge(sponsors::routes())
        .merge(catalogue::routes())
}

const PAGE: u32 = 50;

#[derive(Deserialize, Default)]
#[serde(default)]
struct OrderQuery {
    q: String,
    stage: String,
    attention: String,
    before: Option<i64>,
    after: String,
    done: String,
}

fn section(heading: &str, table: Option<Table>, forms: Vec<PageForm>) -> DetailSection {
    DetailSection { heading: heading.to_owned(), table, forms }
}

async fn get_orders(cx: Cx, browser: Browser, Query(query): Query<OrderQuery>) -> Response {
    list(&cx, &browser, &query).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn list(cx: &Cx, browser: &Browser, query: &OrderQuery) -> Result<Response, PageFailure> {
    let administrator = enter(cx, browser, Place::Orders, Act::See).await?;
    let filter = filter(&administrator, query);
    let found = store::list_orders(&cx.app.db, &filter, PAGE).await?;
    let zone = administrator.visitor.zone();
    let mut rows = Vec::new();
    for order in &found {
        let (tone, word) = words::stage(order);
        let bought = is_buyers(&administrator.scope, order);
        rows.push(vec![
            Cell::link(format!("/admin/orders/{}", order.number), order.number.clone()),
            if bought { Cell::text(words::name(cx, order.purchaser).await?) } else { Cell::Empty },
            Cell::text(order.totals.gross.to_string()),
            Cell::text(words::method(order.method)),
            Cell::State(tone, word.to_owned()),
            Cell::Time(When::new(order.placed_at, cx.now, &zone)),
        ]);
    }
    let columns = ["Order", "Purchaser", "Total", "Payment", "State", "Placed"];
    let mut table = Table::new(&columns, rows, "No order matches.");
    let address = |last: &Order| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("q", &query.q).append_pair("stage", &query.stage);
        let placed = last.placed_at.unix_millis().to_string();
        pairs.append_pair("attention", &query.attention).append_pair("before", &placed);
        format!("/admin/orders?{}", pairs.append_pair("after", &last.id.to_string()).finish())
    };
    if found.len() == PAGE as usize {
        table.next = found.last().map(address);
    }
    table.first = query.before.is_some().then(|| "/admin/orders".to_owned());
    let mut stages = vec![(String::new(), "Any".to_owned())];
    stages.extend(OrderStage::ALL.iter().map(|stage| (stage.as_str().to_owned(), stage.as_str().replace('_', " "))));
    let mut actions = Vec::new();
    if administrator.scope == Scope::All {
        actions.push(Action::link("waiting", "Who waits for a token", "/admin/orders/waiting"));
        actions.push(Action::link("vouchers", "Vouchers", "/admin/vouchers"));
        actions.push(Action::link("catalogue", "Catalogue", "/admin/catalogue"));
    }
    if may(&administrator.visitor.roles, Place::Accounts, Act::See) != Scope::Nothing {
        actions.push(Action::link("sponsors", "Accounts", "/admin/sponsors"));
    }
    let page = ListPage {
        layout: administrator.layout(cx, "Orders", Place::Orders),
        page: "admin-orders",
        heading: "Orders".to_owned(),
        filter: vec![
            Field::optional("q", "Number begins with", Control::Text, query.q.clone()),
            Field::optional("stage", "Stage", Control::Select(stages), query.stage.clone()),
            Field::optional("attention", "Only what needs attention", Control::Tick, query.attention.clone()),
        ],
        table,
        actions,
        done: None,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

/// What the administrator may see of what was asked for.
fn filter(administrator: &Administrator, query: &OrderQuery) -> Filter {
    Filter {
        number: query.q.clone(),
        stage: OrderStage::parse(&query.stage),
        attention: query.attention == "1",
        of: match &administrator.scope {
            Scope::Limited { organizations, partners, .. } => Some((organizations.clone(), partners.clone())),
            Scope::All => None,
            Scope::Nothing => Some((Vec::new(), Vec::new())),
        },
        before: query.before.map(Timestamp::from_unix_millis).zip(query.after.parse().ok()),
    }
}

/// An order that this administrator may see.
async fn find(cx: &Cx, browser: &Browser, number: &str, act: Act) -> Result<(Administrator, Order), PageFailure> {
    let administrator = enter(cx, browser, Place::Orders, act).await?;
    let order = orders::find_order_by_number(&cx.app.db, number).await?.ok_or(PageFailure::NotFound)?;
    let pays = match (&administrator.scope, order.sponsor) {
        (Scope::Limited { organizations, .. }, Some(Sponsor::Organization(id))) => organizations.contains(&id),
        (Scope::Limited { partners, .. }, Some(Sponsor::Partner(id))) => partners.contains(&id),
        _ => false,
    };
    let own = pays || is_buyers(&administrator.scope, &order);
    if own { Ok((administrator, order)) } else { Err(PageFailure::NotFound) }
}

/// Whether an order is of somebody within a scope, not only paid by them: who bought it, and where it is billed and sent
/// to, is nothing for whose voucher paid.
fn is_buyers(scope: &Scope, order: &Order) -> bool {
    match scope {
        Scope::All => true,
        Scope::Limited { organizations, .. } => order.organization.is_some_and(|id| organizations.contains(&id)),
        Scope::Nothing => false,
    }
}

async fn get_order(cx: Cx, browser: Browser, Path(number): Path<String>, Query(query): Query<OrderQuery>) -> Response {
    let shown = async {
        let (administrator, order) = find(&cx, &browser, &number, Act::See).await?;
        let path = format!("/admin/orders/{number}");
        let once_more = confirm::kept(&cx, &browser, (&administrator.visitor, &path)).await?.is_some();
        let done = if once_more && query.done.is_empty() { "confirmed" } else { &query.done };
        let page = page(&cx, &administrator, &order, (done, None)).await?;
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn page(
    cx: &Cx,
    administrator: &Administrator,
    order: &Order,
    (done, unfit): (&str, Option<&ship::Unfit<'_>>),
) -> Result<DetailPage, PageFailure> {
    let extras = store::find_extras(&cx.app.db, order.id).await?;
    let (tone, word) = words::stage(order);
    let mut sections = vec![section("Lines", Some(words::lines_without_names(&order.lines)), Vec::new())];
    sections.push(section("License keys", Some(keys(cx, order).await?), Vec::new()));
    if may(&administrator.visitor.roles, Place::Orders, Act::Edit) == Scope::All {
        sections.extend(matters::attention(cx, order).await?);
        sections.extend(broken::asked(cx, administrator, order).await?);
        sections.extend(acts::sections(cx, order, &extras, unfit).await?);
        sections.extend(matters::refund(cx, order).await?);
    }
    Ok(DetailPage {
        layout: administrator.layout(cx, "Order", Place::Orders),
        page: "admin-order",
        heading: format!("Order {}", order.number),
        state: Some((tone, word.to_owned())),
        facts: facts(cx, administrator, order, &extras).await?,
        sections,
        back: Action::link("back", "Orders", "/admin/orders"),
        done: match done {
            "done" => Some("Done.".to_owned()),
            "moved" => Some("Nothing was done: the order had moved on. This is where it stands now.".to_owned()),
            "replaced" => Some("The new token is ordered. It waits to be sent.".to_owned()),
            "refused" => Some("It is not replaced. Who asked was told why.".to_owned()),
            "confirmed" => Some(ONCE_MORE.to_owned()),
            other => matters::refusal(other).map(str::to_owned),
        },
        secret: None,
    })
}

/// How many keys stand where. Whose they are, and who used them, is told to their purchaser alone.
async fn keys(cx: &Cx, order: &Order) -> Result<Table, Fault> {
    let row = |(product, stage, count): (String, KeyStage, i64)| {
        let (tone, word) = words::key_stage(stage);
        let line = order.lines.iter().find(|line| line.product.as_str() == product);
        let name = line.map_or(product.as_str(), |line| line.name.as_str());
        vec![Cell::text(name), Cell::State(tone, word.to_owned()), Cell::text(count.to_string())]
    };
    let rows = license_keys::count_keys_of_order(&cx.app.db, order.id).await?.into_iter().map(row).collect();
    Ok(Table::new(&["Product", "State", "Keys"], rows, "None while it is not paid."))
}

async fn facts(
    cx: &Cx,
    administrator: &Administrator,
    order: &Order,
    extras: &Extras,
) -> Result<Vec<(String, Cell)>, Fault> {
    let zone = administrator.visitor.zone();
    let bought = is_buyers(&administrator.scope, order);
    let mut facts = Vec::new();
    let mut add = |name: &str, cell: Cell| facts.push((name.to_owned(), cell));
    for (name, sum) in words::sums(&order.totals, "Tax") {
        add(&name, sum);
    }
    if bought {
        add("Purchaser", Cell::text(words::name(cx, order.purchaser).await?));
    }
    add("Payment", Cell::text(words::method(order.method)));
    if let Some(sponsor) = order.sponsor {
        let name = reports::find_sponsor_name(&cx.app.db, sponsor).await?;
        add("Paid by", Cell::text(name.unwrap_or_else(|| sponsor.parts().1.to_string())));
    }
    add("Placed", Cell::Time(When::new(order.placed_at, cx.now, &zone)));
    let date = |at: Option<Timestamp>| Cell::time(at.map(|at| When::date(at, &zone)));
    add("Paid", date(order.paid_at));
    add("Given up", date(extras.due_at.filter(|_| order.stage == OrderStage::AwaitingPayment)));
    add("Money went back", date(extras.refunded_at));
    if extras.invoice.is_some() && bought {
        add(
            "Invoice",
            Cell::link(
                format!("/admin/orders/{}/invoice.pdf", order.number),
                extras.invoice.clone().unwrap_or_default(),
            ),
        );
    }
    add("Provider's page", Cell::text(extras.checkout.clone().unwrap_or_default()));
    add("Provider's payment", Cell::text(extras.payment.clone().unwrap_or_default()));
    add("Purchase order", Cell::text(order.purchase_order.clone().unwrap_or_default()));
    if bought {
        add("Billed to", Cell::text(lines_of(&order.billing).join(", ")));
    }
    if let Some(shipping) = order.shipping.as_ref().filter(|_| bought) {
        add("Sent to", Cell::text(lines_of(shipping).join(", ")));
        add("Sent", date(extras.sent_at));
        add("Carrier", Cell::text(extras.carrier.clone().unwrap_or_default()));
        add("Tracking", Cell::text(extras.tracking.clone().unwrap_or_default()));
    }
    if let Some(id) = extras.replaces
        && let Some(broken) = orders::find_order(&cx.app.db, id).await?
    {
        add("Replaces a token of", Cell::link(format!("/admin/orders/{}", broken.number), broken.number));
    }
    for number in store::list_replacements(&cx.app.db, order.id).await? {
        add("Replaced by", Cell::link(format!("/admin/orders/{number}"), number.clone()));
    }
    facts.retain(|(_, cell)| *cell != Cell::Empty);
    Ok(facts)
}

async fn get_invoice(cx: Cx, browser: Browser, Path(number): Path<String>) -> Response {
    let made = async {
        let (administrator, order) = find(&cx, &browser, &number, Act::See).await?;
        if !is_buyers(&administrator.scope, &order) {
            return Err(PageFailure::NotFound);
        }
        Ok(shop::pdf(&order, shop::invoice(&cx, &order).await?.ok_or(PageFailure::NotFound)?))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
