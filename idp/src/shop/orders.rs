//! `/orders`: what somebody ordered, and what can be done about it. Only the purchaser sees an order here.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::subscriptions::order::{NoRefund, Order, OrderStage, PaymentMethod};
use stepgate_store::{desk, orders};

use super::pay::{self, Seen};
use super::{invoice, order_page, place, receipt, refund, words};
use crate::account::{Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::shop::ShopPage;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Section, When};
use crate::subscriptions::settle;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/orders", get(get_orders))
        .route("/orders/{number}", get(get_order))
        .route("/orders/{number}/return", get(get_return))
        .route("/orders/{number}/pay", post(post_pay))
        .route("/orders/{number}/cancel", post(post_cancel))
        .route("/orders/{number}/refund", post(post_refund))
        .route("/orders/{number}/invoice.pdf", get(get_invoice))
        .route("/orders/{number}/receipt.pdf", get(get_receipt))
}

async fn get_orders(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Orders).await?;
        let zone = visitor.zone();
        let row = |order: &Order| {
            let (tone, word) = words::stage(order);
            let names: Vec<_> = order.lines.iter().map(|line| line.name.as_str()).collect();
            vec![
                Cell::link(format!("/orders/{}", order.number), order.number.clone()),
                Cell::text(names.join(", ")),
                Cell::text(order.totals.gross.to_string()),
                Cell::State(tone, word.to_owned()),
                Cell::Time(When::new(order.placed_at, cx.now, &zone)),
            ]
        };
        let found = orders::list_orders_of(&cx.app.db, visitor.person.id).await?;
        let rows = found.iter().map(row).collect();
        let table = Table::new(&["Order", "What", "Total", "State", "Placed"], rows, "You have ordered nothing yet.");
        let mut page = ShopPage::new(visitor.layout(&cx, "Orders", Section::Orders), "orders", "Your orders");
        page.sections =
            vec![DetailSection { heading: "Newest first".to_owned(), table: Some(table), forms: Vec::new() }];
        page.actions = vec![
            Action::link("get", "Get a credential", "/account/otp/get"),
            Action::link("cart", "Cart", "/cart"),
            Action::link("keys", "License keys", "/account/otp/keys"),
        ];
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// An order of the visitor's own; another's is as good as none.
pub(super) async fn own(cx: &Cx, browser: &Browser, number: &str) -> Result<(Box<Visitor>, Order), PageFailure> {
    let visitor = visit(cx, browser, PortalPage::Orders).await?;
    let order = orders::find_order_by_number(&cx.app.db, number).await?;
    let order = order.filter(|order| order.purchaser == visitor.person.id).ok_or(PageFailure::NotFound)?;
    Ok((visitor, order))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OrderQuery {
    done: String,
}

async fn get_order(cx: Cx, browser: Browser, Path(number): Path<String>, Query(query): Query<OrderQuery>) -> Response {
    let shown = async {
        let (visitor, order) = own(&cx, &browser, &number).await?;
        let order = if order.stage == OrderStage::AwaitingPayment && place::is_covered(&order) {
            // The node that placed it died before it could make the keys.
            settle(&cx, &order, None).await?;
            orders::find_order(&cx.app.db, order.id).await?.unwrap_or(order)
        } else {
            order
        };
        let page = order_page::page(&cx, &browser, (&visitor, &order), &query.done).await?;
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Back from the card provider. That the browser comes here proves nothing: the provider is asked.
async fn get_return(cx: Cx, browser: Browser, Path(number): Path<String>) -> Response {
    let shown = async {
        let (_, order) = own(&cx, &browser, &number).await?;
        let seen = match desk::find_extras(&cx.app.db, order.id).await?.checkout {
            Some(checkout) => pay::look(&cx, &order, &checkout).await?,
            None => Seen::Nothing,
        };
        Ok(see_other(&after(&order, &seen)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn after(order: &Order, seen: &Seen) -> String {
    let done = match seen {
        Seen::Paid => "paid",
        Seen::Open(_) | Seen::Nothing => "unpaid",
        Seen::Wrong => "wrong",
        Seen::Unavailable => "unavailable",
    };
    format!("/orders/{}?done={done}", order.number)
}

async fn post_pay(Path(number): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let paid = async {
        let (_, order) = own(&cx, &form.browser, &number).await?;
        if order.method != PaymentMethod::Card {
            return Err(PageFailure::NotFound);
        }
        Ok(match pay::begin(&cx, &order).await? {
            Seen::Open(url) => see_other(&url),
            seen => see_other(&after(&order, &seen)),
        })
    };
    paid.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_cancel(Path(number): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let (visitor, order) = own(&cx, &form.browser, &number).await?;
        let done = if place::cancel(&cx, &order, Some(visitor.person.id)).await? { "cancelled" } else { "raced" };
        Ok(see_other(&format!("/orders/{number}?done={done}")))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_refund(Path(number): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let (visitor, order) = own(&cx, &form.browser, &number).await?;
        let done = match refund::give_back(&cx, order.id, visitor.person.id).await? {
            Ok(()) => "returned",
            Err(NoRefund::Late) => "late",
            Err(NoRefund::Used) => "used",
            Err(NoRefund::Invitations) => "invitations",
            Err(NoRefund::Replacement) => "replacement",
            Err(NoRefund::Stage) => "raced",
        };
        Ok(see_other(&format!("/orders/{number}?done={done}")))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_invoice(cx: Cx, browser: Browser, Path(number): Path<String>) -> Response {
    let made = async {
        let (_, order) = own(&cx, &browser, &number).await?;
        Ok(pdf(&order, invoice::invoice(&cx, &order).await?.ok_or(PageFailure::NotFound)?))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_receipt(cx: Cx, browser: Browser, Path(number): Path<String>) -> Response {
    let made = async {
        let (_, order) = own(&cx, &browser, &number).await?;
        Ok(file(("receipt", &order.number), receipt::receipt(&cx, &order).await?.ok_or(PageFailure::NotFound)?))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// An invoice as a file.
pub(crate) fn pdf(order: &Order, bytes: Vec<u8>) -> Response {
    file(("invoice", &order.number), bytes)
}

fn file((kind, number): (&str, &str), bytes: Vec<u8>) -> Response {
    let name = format!("inline; filename=\"{kind}-{number}.pdf\"");
    let name = HeaderValue::try_from(name).unwrap_or_else(|_| HeaderValue::from_static("inline"));
    let kind = HeaderValue::from_static("application/pdf");
    let never = HeaderValue::from_static("no-store");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name), (header::CACHE_CONTROL, never)], bytes)
        .into_response()
}
