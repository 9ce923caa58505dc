//! An organization's administrator renews for many people at once: what is ticked, or all that the filter finds, goes into
//! the cart and is one order. Prices are looked up once for each product, whatever the number of people.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::account::Role;
use stepgate_core::assurance::{CredentialKind, label};
use stepgate_core::id::{CredentialId, OrganizationId};
use stepgate_core::subscriptions::export::{Cell as Exported, csv};
use stepgate_core::subscriptions::order::{CartLine, LineFor, MAX_RENEWALS};
use stepgate_core::time::Timestamp;
use stepgate_store::carts;
use stepgate_store::renewals::{self as store, Ending, Filter, Order, Past};

use super::access::{Act, Place};
use super::{Administrator, enter};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, download_csv, see_other};
use crate::pages::form::{Control, Field};
use crate::pages::renewals::{RenewalRow, RenewalsPage};
use crate::pages::{self, When};
use crate::shop::Catalogue;
use crate::subscriptions::{is_renewable, renewal_product_of};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/renewals", get(get_renewals))
        .route("/admin/renewals.csv", get(get_csv))
        .route("/cart/add-renewals", post(post_renewals))
}

/// Rows of a page.
const PAGE: usize = 50;
/// Rows of an export at most.
const EXPORTED: usize = 20_000;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the addresses carry, and the form that adds all.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
struct RenewalQuery {
    /// A user ID begins so.
    q: String,
    kind: String,
    /// Ends within so many days; `0` for what is over.
    days: String,
    sort: String,
    /// Where the page before ended: what it is ordered by, and the id.
    from: String,
    after: String,
}

const DAYS: [(&str, &str); 5] =
    [("", "Any time"), ("0", "It is over"), ("7", "Within 7 days"), ("30", "Within 30 days"), ("60", "Within 60 days")];

impl RenewalQuery {
    fn read(form: &Form) -> Self {
        let get = |name: &str| form.get(name).to_owned();
        Self { q: get("q"), kind: get("kind"), days: get("days"), ..Self::default() }
    }

    fn order(&self) -> Order {
        if self.sort == "person" { Order::Person } else { Order::Ends }
    }

    /// The same filter at another place.
    fn address(&self, path: &str, past: Option<&Ending>) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("q", &self.q).append_pair("kind", &self.kind).append_pair("days", &self.days);
        pairs.append_pair("sort", &self.sort);
        if let Some(last) = past {
            let ends = last.credential.expires_at.map_or(0, Timestamp::unix_millis).to_string();
            let from = if self.order() == Order::Person { last.username.as_str() } else { ends.as_str() };
            pairs.append_pair("from", from).append_pair("after", &last.credential.id.to_string());
        }
        format!("{path}?{}", pairs.finish())
    }

    fn past(&self) -> Option<Past> {
        let id: CredentialId = self.after.parse().ok()?;
        Some(match self.order() {
            Order::Person => Past::Person(self.from.clone(), id),
            Order::Ends => Past::Ends(Timestamp::from_unix_millis(self.from.parse().ok()?), id),
        })
    }

    /// Which of those that this administrator may renew; the days in which that is possible at all around them.
    fn filter(&self, cx: &Cx, administrator: &Administrator) -> Filter {
        let rules = &cx.app.settings.subscriptions;
        let (earliest, latest) = (cx.now - 366 * DAY, cx.now + DAY * u32::from(rules.renewal_opens_days));
        let until = match self.days.parse::<u32>() {
            Ok(days) => latest.min(cx.now + DAY * days.min(400)),
            Err(_) => latest,
        };
        let own = administrator.visitor.roles.iter().filter_map(|role| match role {
            Role::OrganizationAdministrator(organization) => Some(*organization),
            _ => None,
        });
        Filter {
            organizations: own.collect::<Vec<OrganizationId>>(),
            after: earliest,
            until,
            kind: self.kind.parse().ok(),
            name: self.q.clone(),
            only: None,
            order: self.order(),
            past: None,
        }
    }
}

async fn get_renewals(cx: Cx, browser: Browser, Query(query): Query<RenewalQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::People, Act::Edit).await?;
        show(&cx, &administrator, &query, None).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn show(
    cx: &Cx,
    administrator: &Administrator,
    query: &RenewalQuery,
    error: Option<String>,
) -> Result<Response, PageFailure> {
    let zone = administrator.visitor.zone();
    let catalogue = crate::shop::catalogue(cx).await?;
    let filter = query.filter(cx, administrator);
    let found = store::list_endings(&cx.app.db, &Filter { past: query.past(), ..filter.clone() }, PAGE).await?;
    let row = |ending: &Ending| {
        let (credential, price) = (&ending.credential, price(cx, &catalogue, ending)?);
        Some(RenewalRow {
            id: credential.id.to_string(),
            label: credential.label.clone(),
            username: ending.username.clone(),
            ends: When::date(credential.expires_at?, &zone),
            price,
        })
    };
    let page = RenewalsPage {
        layout: administrator.layout(cx, "Renew for your people", Place::People),
        rows: found.iter().filter_map(row).collect(),
        all: store::count_endings(&cx.app.db, &filter).await?,
        most: MAX_RENEWALS,
        filter: fields(query),
        hidden: [("q", &query.q), ("kind", &query.kind), ("days", &query.days)]
            .map(|(name, it)| (name, it.clone()))
            .into(),
        export: query.address("/admin/renewals.csv", None),
        first: (!query.after.is_empty()).then(|| query.address("/admin/renewals", None)),
        next: found.last().filter(|_| found.len() == PAGE).map(|last| query.address("/admin/renewals", Some(last))),
        error,
    };
    let status = if page.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(pages::respond(status, &page))
}

fn fields(query: &RenewalQuery) -> Vec<Field> {
    let pairs =
        |all: &[(&str, &str)]| all.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect();
    let sold = [
        CredentialKind::PhoneOtp,
        CredentialKind::MobileId,
        CredentialKind::HardwareToken,
        CredentialKind::SecurityKey,
    ];
    let kinds: Vec<_> = [("", "Any")].into_iter().chain(sold.map(|kind| (kind.as_str(), label(kind)))).collect();
    vec![
        Field::optional("q", "User ID begins with", Control::Text, query.q.clone()),
        Field::optional("kind", "Kind", Control::Select(pairs(&kinds)), query.kind.clone()),
        Field::optional("days", "Ends", Control::Select(pairs(&DAYS)), query.days.clone()),
        Field::optional(
            "sort",
            "Order",
            Control::Select(pairs(&[("", "First to end first"), ("person", "By user ID")])),
            query.sort.clone(),
        ),
    ]
}

/// What another year costs; `None` for what cannot be renewed now.
fn price(cx: &Cx, catalogue: &Catalogue, ending: &Ending) -> Option<String> {
    if !is_renewable(cx, &ending.credential) {
        return None;
    }
    let product = renewal_product_of(cx, catalogue, &ending.credential, &ending.sold)?;
    Some(catalogue.product(&product.id)?.renewal_price(catalogue.currency)?.to_string())
}

async fn get_csv(cx: Cx, browser: Browser, Query(query): Query<RenewalQuery>) -> Response {
    let made = async {
        let administrator = enter(&cx, &browser, Place::People, Act::Edit).await?;
        let catalogue = crate::shop::catalogue(&cx).await?;
        let filter = query.filter(&cx, &administrator);
        let row = |ending: &Ending| -> Option<Vec<Exported>> {
            let price = price(&cx, &catalogue, ending)?;
            let ends = When::date(ending.credential.expires_at?, &jiff::tz::TimeZone::UTC).iso;
            let kind = ending.credential.kind.as_str();
            Some(vec![ending.username.as_str().into(), kind.into(), ends.as_str().into(), price.as_str().into()])
        };
        let found = store::list_endings(&cx.app.db, &filter, EXPORTED).await?;
        let rows: Vec<_> = found.iter().filter_map(row).collect();
        Ok(download_csv("renewals.csv", csv(&["user_id", "kind", "ends", "price"], &rows)))
    };
    made.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Puts renewals into the cart: of people of the administrator's own organizations, each credential once.
async fn post_renewals(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::People, Act::Edit).await?;
        let query = RenewalQuery::read(&form);
        let filter = query.filter(&cx, &administrator);
        let whole = form.get("all") == "1";
        let refuse = async |text: String| show(&cx, &administrator, &query, Some(text)).await;
        let wanted: Vec<CredentialId> = form.all("renew").filter_map(|id| id.parse().ok()).collect();
        if wanted.is_empty() && !whole {
            return refuse("Choose at least one.".to_owned()).await;
        }
        // What was ticked is looked up among everything that can be renewed, not among the first thousand of a filter.
        let all = if whole {
            store::list_endings(&cx.app.db, &filter, MAX_RENEWALS + 1).await?
        } else {
            ticked(&cx, &filter, &wanted).await?
        };
        if all.len() > MAX_RENEWALS {
            return refuse(too_many(store::count_endings(&cx.app.db, &filter).await?)).await;
        }
        let catalogue = crate::shop::catalogue(&cx).await?;
        let line = |ending: &Ending| {
            let product = renewal_product_of(&cx, &catalogue, &ending.credential, &ending.sold)?;
            Some(CartLine { product: product.id, quantity: 1, whom: LineFor::Renewal(ending.credential.id) })
        };
        let lines: Vec<CartLine> = all.iter().filter_map(line).collect();
        if lines.is_empty() {
            let text = "None of these can be renewed any more, or they are not of your organization. Choose again.";
            return refuse(text.to_owned()).await;
        }
        if add(&cx, &administrator, lines).await? {
            return Ok(see_other("/cart"));
        }
        let text = format!("Your cart would hold more than {MAX_RENEWALS} lines. Order what is in it first.");
        refuse(text).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn too_many(found: usize) -> String {
    format!(
        "{found} can be renewed, and one order holds {MAX_RENEWALS}. Narrow the list by kind, by name or by days, order \
         those, then come back for the others."
    )
}

/// Those of the ticked ones that the administrator may renew.
async fn ticked(cx: &Cx, filter: &Filter, wanted: &[CredentialId]) -> Result<Vec<Ending>, Fault> {
    let filter = Filter { only: Some(wanted.iter().copied().take(MAX_RENEWALS).collect()), ..filter.clone() };
    Ok(store::list_endings(&cx.app.db, &filter, MAX_RENEWALS).await?)
}

/// `false`: the cart would hold too many lines. Another tab may change it meanwhile; then it is read again.
async fn add(cx: &Cx, administrator: &Administrator, new: Vec<CartLine>) -> Result<bool, Fault> {
    let person = administrator.visitor.person.id;
    for _ in 0..8 {
        let mut cart = carts::find_cart(&cx.app.db, person).await?;
        for line in &new {
            if cart.lines.iter().all(|known| known.whom != line.whom) {
                cart.lines.push(line.clone());
            }
        }
        if cart.lines.len() > MAX_RENEWALS {
            return Ok(false);
        }
        if carts::save_cart(&cx.app.db.write, person, (&cart.lines, cart.version), cx.now).await? {
            return Ok(true);
        }
    }
    Err(Fault::internal("a cart is changed by others all the time"))
}
