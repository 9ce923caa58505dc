//! My Account, Applications: what each application may know and do, and the way to end it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;
use stepgate_store::{consents, grants};

use super::{Visitor, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::clients;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::account::{ConnectionRow, ConnectionsPage};
use crate::pages::consent::item_title;
use crate::pages::login::web_address;
use crate::pages::{self, Action, Section, When};

const PATH: &str = "/account/applications";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, get(get_connections)).route("/account/applications/revoke", post(post_revoke))
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

async fn get_connections(cx: Cx, browser: Browser, Query(query): Query<Done>) -> Response {
    show(&cx, &browser, &query.done).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser, done: &str) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::AccountApplications).await?;
    let mut rows = Vec::new();
    for connection in connections(cx, visitor.person.id).await? {
        rows.extend(row(cx, &visitor, connection).await?);
    }
    let page = ConnectionsPage {
        layout: visitor.layout(cx, "Applications", Section::Connections),
        applications: rows,
        done: (!done.is_empty()).then(|| "Ended. It can see and do nothing more in your name.".to_owned()),
    };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

/// A client that the person has allowed something, or been at.
struct Connection {
    client: String,
    /// What was allowed on the consent page; `None` where nobody was asked.
    allowed: Option<Vec<String>>,
    since: Timestamp,
    last: Option<Timestamp>,
}

async fn connections(cx: &Cx, person: PersonId) -> Result<Vec<Connection>, Fault> {
    let mut allowed = consents::list_consents(&cx.app.db, person).await?;
    let mut found = Vec::new();
    for used in consents::list_uses(&cx.app.db, person).await? {
        let place = allowed.iter().position(|consent| consent.client == used.client);
        let consent = place.map(|place| allowed.swap_remove(place));
        found.push(Connection {
            since: consent.as_ref().map_or(used.first, |consent| consent.since.min(used.first)),
            allowed: consent.map(|consent| consent.items),
            client: used.client,
            last: Some(used.last),
        });
    }
    found.extend(allowed.into_iter().map(|consent| Connection {
        client: consent.client,
        allowed: Some(consent.items),
        since: consent.since,
        last: None,
    }));
    Ok(found)
}

async fn row(cx: &Cx, visitor: &Visitor, connection: Connection) -> Result<Option<ConnectionRow>, Fault> {
    let Some(client) = clients::find(cx, &connection.client).await? else { return Ok(None) };
    let vouched = client.client.metadata.skip_consent;
    let may = match connection.allowed {
        Some(allowed) if !vouched => allowed,
        _ => grants::latest_scope(&cx.app.db, visitor.person.id, &connection.client).await?,
    };
    let (id, zone) = (&connection.client, visitor.zone());
    Ok(Some(ConnectionRow {
        name: client.application.name.clone(),
        logo: web_address(client.client.metadata.logo_uri.as_deref()),
        may: may.iter().map(|item| item_title(item)).collect(),
        vouched,
        since: When::new(connection.since, cx.now, &zone),
        last: connection.last.map(|last| When::new(last, cx.now, &zone)),
        revoke: Action::post(format!("revoke-{id}"), "Revoke", "/account/applications/revoke")
            .with("client", id)
            .dangerous(),
    }))
}

async fn post_revoke(form: Form) -> Response {
    let cx = form.cx.clone();
    let revoked = async {
        let visitor = visit(&cx, &form.browser, PortalPage::AccountApplications).await?;
        revoke(&cx, visitor.person.id, form.get("client")).await?;
        Ok(see_other("/account/applications?done=1"))
    };
    revoked.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Takes back what a person allowed a client: the consent, and every grant with all tokens that hang on it.
async fn revoke(cx: &Cx, person: PersonId, client: &str) -> Result<(), Fault> {
    let transaction = cx.app.db.begin().await?;
    let consent = consents::delete_consent(&transaction, person, client).await?;
    let grants = grants::revoke_grants_to_client(&transaction, person, client, cx.now).await?;
    if !consent && grants == 0 {
        return Ok(());
    }
    let event = Event::new("consent.revoked").by(person).client(client);
    audit::record(cx, &transaction, event.data(json!({ "consent": consent, "grants": grants }))).await?;
    Ok(transaction.commit().await?)
}
