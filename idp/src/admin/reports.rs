//! Reports: a page, files for spreadsheets, and the same for programs.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::subscriptions::export::Period;
use stepgate_store::reports::{Ending, ProductFigures, Reach, Revenue};

use super::access::{Act, Place, Scope};
use super::{Administrator, enter};
use crate::access::{self, Good};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::oauth_error::ProtocolFailure;
use crate::http::page::{PageFailure, download_csv};
use crate::pages::form::{Control, Field};
use crate::pages::reports::{ReportPage, ReportPart};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action};
use crate::reports::{self, amount, expiring, sales};
use crate::{mutual_tls, userinfo};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/reports", get(get_reports))
        .route("/admin/reports/products.csv", get(get_products_csv))
        .route("/admin/reports/revenue.csv", get(get_revenue_csv))
        .route("/admin/reports/expiring.csv", get(get_expiring_csv))
        .route("/admin/api/reports/sales", get(api_sales))
        .route("/admin/api/reports/expiring", get(api_expiring))
}

/// Which days.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Days {
    from: String,
    to: String,
}

fn reach(administrator: &Administrator) -> Reach {
    match &administrator.scope {
        Scope::All => Reach::All,
        Scope::Limited { organizations, partners, .. } => {
            Reach::Of { organizations: organizations.clone(), partners: partners.clone() }
        }
        Scope::Nothing => Reach::Of { organizations: Vec::new(), partners: Vec::new() },
    }
}

async fn get_reports(cx: Cx, browser: Browser, Query(days): Query<Days>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Reports, Act::See).await?;
        let mut filter = vec![
            Field::optional("from", "From", Control::Date, days.from.clone()),
            Field::optional("to", "To, that day too (UTC)", Control::Date, days.to.clone()),
        ];
        let (status, period) = match Period::parse(&days.from, &days.to, cx.now) {
            Ok(period) => (StatusCode::OK, period),
            Err(error) => {
                // The last thirty days are shown in place of what was typed.
                if let Some(field) = filter.first_mut() {
                    field.error = Some(error.to_string());
                }
                let usual = Period::parse("", "", cx.now).map_err(crate::fault::Fault::internal)?;
                (StatusCode::UNPROCESSABLE_ENTITY, usual)
            }
        };
        if status == StatusCode::OK {
            for (field, day) in filter.iter_mut().zip([period.first, period.last]) {
                field.value = day.to_string();
            }
        }
        let reach = reach(&administrator);
        let sales = sales(&cx.app.db, &reach, period).await?;
        let endings = expiring(&cx.app.db, &reach, (period, cx.now)).await?;
        let query = format!("?from={}&to={}", period.first, period.last);
        let file = |name: &str, words: &str| Action::link(name, words, format!("/admin/reports/{name}.csv{query}"));
        let page = ReportPage {
            layout: administrator.layout(&cx, "Reports", Place::Reports),
            heading: "Reports".to_owned(),
            filter,
            parts: parts(&sales, &endings.products),
            actions: vec![
                file("products", "Products (CSV)"),
                file("revenue", "Revenue (CSV)"),
                file("expiring", "Expiring (CSV)"),
            ],
        };
        Ok(pages::respond(status, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn parts(sales: &reports::Sales, endings: &[Ending]) -> Vec<ReportPart> {
    let count = |number: i64| Cell::text(number.to_string());
    let products = sales.products.iter().map(|it: &ProductFigures| {
        vec![Cell::Code(it.product.clone()), count(it.sold), count(it.renewed), count(it.activated)]
    });
    let money = |it: &Revenue| {
        let of = |minor| Cell::text(amount(minor, &it.currency));
        [count(it.orders), of(it.net), of(it.tax), of(it.gross), of(it.refunded)]
    };
    let named = |figures: &[Revenue], nobody: &str| -> Vec<Vec<Cell>> {
        let row = |it: &Revenue| {
            let name = if it.whose.is_empty() { nobody } else { &it.whose };
            std::iter::once(Cell::text(name)).chain(money(it)).collect()
        };
        figures.iter().map(row).collect()
    };
    let all = sales
        .revenue
        .iter()
        .map(|it| std::iter::once(Cell::Code(it.currency.clone())).chain(money(it)).collect())
        .collect();
    let ends = endings.iter().map(|it| {
        vec![Cell::Code(it.product.clone()), count(it.in_30), count(it.in_60), count(it.in_90), count(it.lapsed)]
    });
    let heads = |first| [first, "Orders", "Net", "Tax", "Gross", "Given back"];
    let part = |heading: &str, table| ReportPart { heading: heading.to_owned(), table };
    let nothing = "Nothing in these days.";
    vec![
        part("Revenue", Table::new(&heads("Currency"), all, nothing)),
        part(
            "Sold and activated",
            Table::new(&["Product", "Sold", "Renewed", "Activated"], products.collect(), nothing),
        ),
        part(
            "By organization",
            Table::new(&heads("Organization"), named(&sales.organizations, "No organization"), nothing),
        ),
        part("By partner", Table::new(&heads("Partner"), named(&sales.partners, "Unknown"), nothing)),
        part(
            "Expiring",
            Table::new(
                &["Product", "Within 30 days", "Within 60 days", "Within 90 days", "Lapsed in the period"],
                ends.collect(),
                "Nothing ends soon.",
            ),
        ),
    ]
}

/// Which part becomes a file.
#[derive(Clone, Copy)]
enum Part {
    Products,
    Revenue,
    Expiring,
}

async fn get_products_csv(cx: Cx, browser: Browser, Query(days): Query<Days>) -> Response {
    file(&cx, &browser, (&days, Part::Products)).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn get_revenue_csv(cx: Cx, browser: Browser, Query(days): Query<Days>) -> Response {
    file(&cx, &browser, (&days, Part::Revenue)).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn get_expiring_csv(cx: Cx, browser: Browser, Query(days): Query<Days>) -> Response {
    file(&cx, &browser, (&days, Part::Expiring)).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn file(cx: &Cx, browser: &Browser, (days, part): (&Days, Part)) -> Result<Response, PageFailure> {
    let administrator = enter(cx, browser, Place::Reports, Act::See).await?;
    let period = Period::parse(&days.from, &days.to, cx.now)
        .map_err(|error| PageFailure::BadRequest { detail: error.to_string() })?;
    let (db, reach) = (&cx.app.db, reach(&administrator));
    Ok(match part {
        Part::Products => download_csv("products.csv", sales(db, &reach, period).await?.products_csv()),
        Part::Revenue => download_csv("revenue.csv", sales(db, &reach, period).await?.revenue_csv()),
        Part::Expiring => download_csv("expiring.csv", expiring(db, &reach, (period, cx.now)).await?.csv()),
    })
}

/// A program of the operator's: a token of the client itself, for us, with the scope, from a client that the
/// configuration names.
async fn authorized(cx: &Cx, headers: &HeaderMap) -> Result<(), ProtocolFailure> {
    let refused = |code, text: &str| ProtocolFailure::BearerRefused(OAuthError::new(code, text));
    let Some(token) = userinfo::from_header(headers)? else { return Err(ProtocolFailure::BearerMissing) };
    let token = match access::find(cx, &token).await? {
        Some(Good::Service(token)) => token,
        Some(Good::Person { .. }) => {
            return Err(refused(ErrorCode::InsufficientScope, "a token by client_credentials is needed"));
        }
        None => return Err(refused(ErrorCode::InvalidToken, "the token is unknown, expired or revoked")),
    };
    if !mutual_tls::may_use(cx, token.cnf.as_ref()) {
        let text = "the token is bound to a certificate that did not come with the request";
        return Err(refused(ErrorCode::InvalidToken, text));
    }
    if !token.aud.contains(cx.app.issuer()) {
        return Err(refused(ErrorCode::InvalidToken, "the token is for another resource; leave out resource"));
    }
    if !token.scope.contains(reports::SCOPE) {
        return Err(refused(ErrorCode::InsufficientScope, "the scope reports is needed"));
    }
    if !cx.app.settings.reports.clients.contains(&token.client_id) {
        let text = "the client is not among reports.clients of the configuration";
        return Err(refused(ErrorCode::InsufficientScope, text));
    }
    Ok(())
}

fn period(cx: &Cx, days: &Days) -> Result<Period, ProtocolFailure> {
    Period::parse(&days.from, &days.to, cx.now)
        .map_err(|error| OAuthError::new(ErrorCode::InvalidRequest, error.to_string()).into())
}

fn answer(found: Result<serde_json::Value, ProtocolFailure>) -> Response {
    found.map_or_else(IntoResponse::into_response, |value| {
        ([(header::CACHE_CONTROL, "no-store")], Json(value)).into_response()
    })
}

async fn api_sales(cx: Cx, headers: HeaderMap, Query(days): Query<Days>) -> Response {
    answer(
        async {
            authorized(&cx, &headers).await?;
            Ok(sales(&cx.app.db, &Reach::All, period(&cx, &days)?).await?.json())
        }
        .await,
    )
}

async fn api_expiring(cx: Cx, headers: HeaderMap, Query(days): Query<Days>) -> Response {
    answer(
        async {
            authorized(&cx, &headers).await?;
            Ok(expiring(&cx.app.db, &Reach::All, (period(&cx, &days)?, cx.now)).await?.json())
        }
        .await,
    )
}
