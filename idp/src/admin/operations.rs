//! Organizations, partners, the audit log, signing keys.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::jose::{KeyStage, stage};
use stepgate_store::audit::{Filter, list_events};
use stepgate_store::people;

use super::access::{Act, Place, Scope};
use super::{Administrator, ListQuery, enter};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::keys;
use crate::pages::admin::ListPage;
use crate::pages::form::{Control, Field};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/organizations", get(get_organizations))
        .route("/admin/partners", get(get_partners))
        .route("/admin/audit", get(get_audit))
        .route("/admin/keys", get(get_keys))
        .route("/admin/keys/rotate", post(post_rotate))
}

/// A list page of one place.
fn list(
    cx: &Cx,
    administrator: &Administrator,
    place: Place,
    (page, heading): (&'static str, &str),
    table: Table,
) -> ListPage {
    ListPage {
        layout: administrator.layout(cx, heading, place),
        page,
        heading: heading.to_owned(),
        filter: Vec::new(),
        table,
        actions: Vec::new(),
        done: None,
    }
}

async fn get_organizations(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Organizations, Act::See).await?;
        let found = match &administrator.scope {
            Scope::Limited { organizations, .. } => people::list_organizations_in(&cx.app.db, organizations).await?,
            Scope::All | Scope::Nothing => people::list_organizations(&cx.app.db).await?,
        };
        let rows = found.iter().map(|it| vec![Cell::text(it.name.clone()), Cell::Code(it.id.to_string())]).collect();
        let table = Table::new(&["Name", "Id"], rows, "None.");
        let name = ("admin-organizations", "Organizations");
        Ok(pages::respond(StatusCode::OK, &list(&cx, &administrator, Place::Organizations, name, table)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_partners(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Partners, Act::See).await?;
        let found = match &administrator.scope {
            Scope::Limited { partners, .. } => people::list_partners_in(&cx.app.db, partners).await?,
            Scope::All | Scope::Nothing => people::list_partners(&cx.app.db).await?,
        };
        let rows = found.iter().map(|it| vec![Cell::text(it.name.clone()), Cell::Code(it.id.to_string())]).collect();
        let table = Table::new(&["Name", "Id"], rows, "None.");
        let name = ("admin-partners", "Partners");
        Ok(pages::respond(StatusCode::OK, &list(&cx, &administrator, Place::Partners, name, table)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_audit(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Audit, Act::See).await?;
        let filter = Filter { person: None, kind: query.q.clone(), before: query.before };
        let events = list_events(&cx.app.db, &filter, 50).await?;
        let zone = administrator.visitor.zone();
        let row = |found: &stepgate_store::audit::Event| {
            let event = &found.event;
            vec![
                Cell::text(found.seq.map(|seq| seq.to_string()).unwrap_or_default()),
                Cell::Time(When::new(event.at, cx.now, &zone)),
                Cell::Code(event.kind.clone()),
                Cell::Code(event.actor.map(|id| id.to_string()).unwrap_or_default()),
                Cell::Code(event.person.map(|id| id.to_string()).unwrap_or_default()),
                Cell::text(event.client.clone().unwrap_or_default()),
                Cell::Code(event.data.to_string()),
            ]
        };
        let columns = ["No.", "When", "What", "By", "To", "Client", "Facts"];
        let mut table = Table::new(&columns, events.iter().map(row).collect(), "Nothing yet.");
        if events.len() == 50 {
            let last = events.last().and_then(|last| last.seq).unwrap_or(0);
            table.next = Some(format!("/admin/audit?q={}&before={last}", query.q));
        }
        table.first = query.before.map(|_| "/admin/audit".to_owned());
        let mut page = list(&cx, &administrator, Place::Audit, ("admin-audit", "Audit log"), table);
        page.filter = vec![Field::optional("q", "What begins with", Control::Text, query.q)];
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_keys(cx: Cx, browser: Browser, Query(query): Query<ListQuery>) -> Response {
    let shown = async {
        let administrator = enter(&cx, &browser, Place::Keys, Act::See).await?;
        let zone = administrator.visitor.zone();
        let keys = keys::list(&cx.app.db).await?;
        let row = |key: &stepgate_store::keys::StoredKey| {
            let (tone, word) = match stage(&key.times, cx.now) {
                KeyStage::Next => (Tone::Notice, "Next"),
                KeyStage::Current => (Tone::Ok, "Signs"),
                KeyStage::Previous => (Tone::Neutral, "Published"),
                KeyStage::Gone => (Tone::Neutral, "Gone"),
            };
            vec![
                Cell::text(key.times.algorithm.as_str()),
                Cell::State(tone, word.to_owned()),
                Cell::Code(key.times.kid.clone()),
                Cell::Time(When::date(key.times.signs_from, &zone)),
                Cell::time(key.times.published_until.map(|at| When::date(at, &zone))),
            ]
        };
        let columns = ["Algorithm", "State", "kid", "Signs from", "Published until"];
        let table = Table::new(&columns, keys.iter().map(row).collect(), "None.");
        let mut page = list(&cx, &administrator, Place::Keys, ("admin-keys", "Signing keys"), table);
        page.actions = vec![Action::post("rotate", "Rotate now", "/admin/keys/rotate")];
        page.done = (!query.done.is_empty()).then(|| "New keys sign; the old ones stay published.".to_owned());
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_rotate(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let administrator = enter(&cx, &form.browser, Place::Keys, Act::Edit).await?;
        keys::rotate_now(&cx.app.db, &cx.app.secrets.sealing, cx.entropy(), cx.now).await?;
        cx.app.replace_keys(keys::load(&cx.app.db, &cx.app.secrets.sealing, cx.now).await?);
        cx.app.invalidations.publish("keys").await;
        let event = Event { actor: Some(administrator.visitor.person.id), ..Event::new("admin.keys.rotated") };
        audit::record(&cx, &cx.app.db.write, event).await?;
        Ok(see_other("/admin/keys?done=1"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
