//! Reports: a page, files for spreadsheets, and the same for programs.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::oidc::{ErrorCode, OAuthError};
use stepgate_core::subscriptions::export::Period;
use stepgate_core::subscriptions::product::Product;
use stepgate_store::reports::{By, Ending, ProductFigures, Reach, Revenue};

use super::access::{Act, Place, Scope};
use super::{Administrator, enter};
use crate::access::{self, Good};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::oauth_error::ProtocolFailure;
use crate::http::page::{PageFailure, download_csv};
use crate::pages::form::{Control, Field};
use crate::pages::parts::kind_name;
use crate::pages::reports::{ReportPage, ReportPart};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action};
use crate::reports::{self, amount, expiring, sales, told_apart};
use crate::{mutual_tls, shop, userinfo};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/reports", get(get_reports))
        .route("/admin/reports/products.csv", get(get_products_csv))
        .route("/admin/reports/revenue.csv", get(get_revenue_csv))
        .route("/admin/reports/expiring.csv", get(get_expiring_csv))
        .route("/admin/api/reports/sales", get(api_sales))
        .route("/admin/api/reports/expiring", get(api_expiring))
}

/// Which days, and by what the counts are told apart.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Days {
    from: String,
    to: String,
    by: String,
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
            Field::optional("by", "Counts", Control::Select(apart()), days.by.clone()),
        ];
        let by = told_apart(&days.by).unwrap_or(By::Nothing);
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
        let sales = sales(&cx.app.db, (&reach, by), period).await?;
        let endings = expiring(&cx.app.db, (&reach, by), (period, cx.now)).await?;
        let names = Names { products: shop::catalogue(&cx).await?.products };
        let by = if by == By::Nothing { "" } else { &days.by };
        let query = format!("?from={}&to={}&by={by}", period.first, period.last);
        let file = |name: &str, words: &str| Action::link(name, words, format!("/admin/reports/{name}.csv{query}"));
        let page = ReportPage {
            layout: administrator.layout(&cx, "Reports", Place::Reports),
            heading: "Reports".to_owned(),
            filter,
            parts: parts(&names, &sales, &endings),
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

/// By what the counts can be told apart.
fn apart() -> Vec<(String, String)> {
    let choices = [("", "In all"), ("organization", "By organization"), ("partner", "By partner")];
    choices.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect()
}

/// What products are called.
struct Names {
    products: Vec<Product>,
}

impl Names {
    /// The name of a product, or of a kind of credential that was not sold here; else what it goes by.
    fn of(&self, product: &str) -> String {
        let known = self.products.iter().find(|known| known.id.as_str() == product);
        let kind = product.parse::<CredentialKind>().ok().map(kind_name);
        known.map(|known| known.name.clone()).or(kind.map(str::to_owned)).unwrap_or_else(|| product.to_owned())
    }
}

/// Counts of products, with whose they are in the first column where they are told apart.
fn counted<const N: usize>(by: By, heads: [&str; N], rows: Vec<(&str, Vec<Cell>)>, nothing: &str) -> Table {
    let (first, nobody) = match by {
        By::Nothing => (None, ""),
        By::Organization => (Some("Organization"), "No organization"),
        By::Partner => (Some("Partner"), "No partner"),
    };
    let row = |(whose, cells): (&str, Vec<Cell>)| {
        let name = first.map(|_| Cell::text(if whose.is_empty() { nobody } else { whose }));
        name.into_iter().chain(cells).collect()
    };
    let heads: Vec<&str> = first.into_iter().chain(heads).collect();
    Table::new(&heads, rows.into_iter().map(row).collect(), nothing)
}

fn count(number: i64) -> Cell {
    Cell::number(number)
}

fn parts(names: &Names, sales: &reports::Sales, endings: &reports::Expiring) -> Vec<ReportPart> {
    let products = sales.products.iter().map(|it: &ProductFigures| {
        let cells = vec![Cell::text(names.of(&it.product)), count(it.sold), count(it.renewed), count(it.activated)];
        (it.whose.as_str(), cells)
    });
    let ends = endings.products.iter().map(|it: &Ending| {
        let days = [it.in_30, it.in_60, it.in_90, it.lapsed].map(count);
        (it.whose.as_str(), std::iter::once(Cell::text(names.of(&it.product))).chain(days).collect())
    });
    let money = |it: &Revenue| {
        let of = |minor| Cell::number(amount(minor, &it.currency));
        [count(it.orders), of(it.net), of(it.tax), of(it.gross), of(it.refunded)]
    };
    let named = |figures: &[Revenue], nobody: &str| -> Vec<Vec<Cell>> {
        let row = |it: &Revenue| {
            let name = if it.whose.is_empty() { nobody } else { &it.whose };
            std::iter::once(Cell::text(name)).chain(money(it)).collect()
        };
        figures.iter().map(row).collect()
    };
    let all =
        sales.revenue.iter().map(|it| std::iter::once(Cell::text(it.currency.clone())).chain(money(it)).collect());
    let heads = |first| [first, "Orders", "Net", "Tax", "Gross", "Given back"];
    let part = |heading: &str, table| ReportPart { heading: heading.to_owned(), table };
    let nothing = "Nothing in these days.";
    let sold = ["Product", "Sold", "Renewed", "Activated"];
    let ending = ["Product", "Within 30 days", "Within 60 days", "Within 90 days", "Lapsed in the period"];
    vec![
        part("Revenue", Table::new(&heads("Currency"), all.collect(), nothing)),
        part("Sold and activated", counted(sales.by, sold, products.collect(), nothing)),
        part(
            "Revenue by organization",
            Table::new(&heads("Organization"), named(&sales.organizations, "No organization"), nothing),
        ),
        part("Revenue by partner that paid", Table::new(&heads("Partner"), named(&sales.partners, "Unknown"), nothing)),
        part("Expiring", counted(endings.by, ending, ends.collect(), "Nothing ends soon.")),
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
    let by = told_apart(&days.by).map_err(|detail| PageFailure::BadRequest { detail })?;
    let (db, reach) = (&cx.app.db, reach(&administrator));
    let figures = (&reach, by);
    Ok(match part {
        Part::Products => download_csv("products.csv", sales(db, figures, period).await?.products_csv()),
        Part::Revenue => download_csv("revenue.csv", sales(db, figures, period).await?.revenue_csv()),
        Part::Expiring => download_csv("expiring.csv", expiring(db, figures, (period, cx.now)).await?.csv()),
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

/// What a program asks for: the days, and by what the counts are told apart.
fn asked(cx: &Cx, days: &Days) -> Result<(Period, By), ProtocolFailure> {
    let refused = |text: String| ProtocolFailure::from(OAuthError::new(ErrorCode::InvalidRequest, text));
    let period = Period::parse(&days.from, &days.to, cx.now).map_err(|error| refused(error.to_string()))?;
    Ok((period, told_apart(&days.by).map_err(refused)?))
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
            let (period, by) = asked(&cx, &days)?;
            Ok(sales(&cx.app.db, (&Reach::All, by), period).await?.json())
        }
        .await,
    )
}

async fn api_expiring(cx: Cx, headers: HeaderMap, Query(days): Query<Days>) -> Response {
    answer(
        async {
            authorized(&cx, &headers).await?;
            let (period, by) = asked(&cx, &days)?;
            Ok(expiring(&cx.app.db, (&Reach::All, by), (period, cx.now)).await?.json())
        }
        .await,
    )
}
