//! An organization's administrator renews for many people at once: what is ticked goes into the cart.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::account::Role;
use stepgate_core::credentials::Credential;
use stepgate_core::id::CredentialId;
use stepgate_core::subscriptions::order::{CartLine, LineFor, MAX_LINES};
use stepgate_store::{carts, subscriptions as store};

use super::access::{Act, Place};
use super::{Administrator, enter};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::pages::sections::{RenewalRow, RenewalsPage};
use crate::pages::{self, When};
use crate::subscriptions::renewal_product;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/renewals", get(get_renewals)).route("/cart/add-renewals", post(post_renewals))
}

/// Most that one page offers: an order's lines.
const MOST: u32 = MAX_LINES as u32;

/// What the administrator's organizations can renew now, the first to end first.
async fn renewable(cx: &Cx, administrator: &Administrator) -> Result<Vec<(Credential, String)>, Fault> {
    let opens = Duration::from_secs(24 * 3600) * u32::from(cx.app.settings.subscriptions.renewal_opens_days);
    let (after, before) = (cx.now - Duration::from_secs(366 * 24 * 3600), cx.now + opens + Duration::from_secs(3600));
    let mut found: Vec<(Credential, String)> = Vec::new();
    for role in &administrator.visitor.roles {
        if let Role::OrganizationAdministrator(organization) = role {
            found.extend(store::list_ending_of(&cx.app.db, *organization, (after, before), MOST).await?);
        }
    }
    found.sort_by_key(|(credential, _)| (credential.expires_at, credential.id.uuid()));
    found.dedup_by_key(|(credential, _)| credential.id);
    found.retain(|(credential, _)| crate::subscriptions::is_renewable(cx, credential));
    found.truncate(MAX_LINES);
    Ok(found)
}

async fn get_renewals(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::People, Act::Edit).await?;
        show(&cx, &administrator, None).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn show(cx: &Cx, administrator: &Administrator, error: Option<&str>) -> Result<Response, PageFailure> {
    let zone = administrator.visitor.zone();
    let catalogue = crate::shop::catalogue(cx).await?;
    let mut rows = Vec::new();
    for (credential, username) in renewable(cx, administrator).await? {
        let (Some(product), Some(ends)) = (renewal_product(cx, &credential).await?, credential.expires_at) else {
            continue;
        };
        let price = catalogue.product(&product.id).and_then(|it| it.renewal_price(catalogue.currency));
        rows.push(RenewalRow {
            id: credential.id.to_string(),
            label: credential.label,
            username,
            ends: When::date(ends, &zone),
            price: price.map(|price| price.to_string()).unwrap_or_default(),
        });
    }
    let layout = administrator.layout(cx, "Renew for your people", Place::People);
    let page = RenewalsPage { layout, rows, error: error.map(str::to_owned) };
    Ok(pages::respond(StatusCode::OK, &page))
}

/// Puts renewals into the cart: of people of the administrator's own organizations, each credential once.
async fn post_renewals(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::People, Act::Edit).await?;
        let wanted: Vec<CredentialId> = form.all("renew").filter_map(|id| id.parse().ok()).collect();
        if wanted.is_empty() {
            return show(&cx, &administrator, Some("Choose at least one.")).await;
        }
        let mut lines = Vec::new();
        for (credential, _) in renewable(&cx, &administrator).await? {
            if !wanted.contains(&credential.id) {
                continue;
            }
            if let Some(product) = renewal_product(&cx, &credential).await? {
                lines.push(CartLine { product: product.id, quantity: 1, whom: LineFor::Renewal(credential.id) });
            }
        }
        if lines.is_empty() {
            let text = "None of these can be renewed any more, or they are not of your organization. Choose again.";
            return show(&cx, &administrator, Some(text)).await;
        }
        if add(&cx, &administrator, lines).await? {
            return Ok(see_other("/cart"));
        }
        show(&cx, &administrator, Some("Your cart holds too many lines. Order what is in it first.")).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
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
        if cart.lines.len() > MAX_LINES {
            return Ok(false);
        }
        if carts::save_cart(&cx.app.db.write, person, (&cart.lines, cart.version), cx.now).await? {
            return Ok(true);
        }
    }
    Err(Fault::internal("a cart is changed by others all the time"))
}
