//! The administrators' pages: plain and dense. Deny by default.
//!
//! Owns: who may see and do what (`access`). Never: a page that did not ask. Every act is an audit event in the same
//! transaction.

pub mod access;
mod applications;
mod janitor;
mod operations;
mod mobile;
mod orders;
mod payers;
mod people;
mod proofing;
mod renewals;
mod tokens;
mod resets;
mod phones;
mod invitations;
mod reports;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use stepgate_core::authorize::interaction::PortalPage;

use access::{Act, Place, Scope, may};

use crate::account::{Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, see_other};
use crate::pages::{Layout, Section};

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(get_admin))
        .merge(people::routes())
        .merge(mobile::routes())
        .merge(resets::routes())
        .merge(applications::routes())
        .merge(operations::routes())
        .merge(tokens::routes())
        .merge(janitor::routes())
        .merge(phones::routes())
        .merge(proofing::routes())
        .merge(renewals::routes())
        .merge(invitations::routes())
        .merge(reports::routes())
        .merge(orders::routes())
}

/// What a list's address may carry.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ListQuery {
    q: String,
    after: String,
    before: Option<i64>,
    done: String,
}

/// Somebody who may be here.
struct Administrator {
    visitor: Box<Visitor>,
    scope: Scope,
}

impl Administrator {
    fn layout(&self, cx: &Cx, title: &str, place: Place) -> Layout {
        self.visitor.layout(cx, title, Section::Admin(place.tab()))
    }
}

/// Whoever is not logged in goes to the login; whoever has no role for it is refused.
async fn enter(cx: &Cx, browser: &Browser, place: Place, act: Act) -> Result<Administrator, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::Admin).await?;
    match may(&visitor.roles, place, act) {
        Scope::Nothing => Err(PageFailure::Forbidden),
        scope => Ok(Administrator { visitor, scope }),
    }
}

/// The first page that the person may see.
async fn get_admin(cx: Cx, browser: Browser) -> Response {
    let first = async {
        let visitor = visit(&cx, &browser, PortalPage::Admin).await?;
        let place = Place::ALL.iter().find(|place| may(&visitor.roles, **place, Act::See) != Scope::Nothing);
        place.map_or(Err(PageFailure::Forbidden), |place| Ok(see_other(place.tab())))
    };
    first.await.unwrap_or_else(|failure| failure.respond(&cx))
}
