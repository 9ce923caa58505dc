//! My sessions: where I am logged in, and the way to end it.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::assurance;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::id::SessionId;
use stepgate_store::{grants, sessions};

use super::visit;
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::logout::{self, Onward};
use crate::pages::account::{SessionRow, SessionsPage};
use crate::pages::{self, Action, Section, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/sessions", get(get_sessions))
        .route("/account/sessions/end", post(post_end))
        .route("/account/sessions/end-others", post(post_end_others))
}

async fn get_sessions(cx: Cx, browser: Browser) -> Response {
    show(&cx, &browser).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::Sessions).await?;
    let (holdings, zone) = (visitor.holdings(cx), visitor.zone());
    let granted = grants::list_grants(&cx.app.db, visitor.person.id).await?;
    let mut rows: Vec<SessionRow> = Vec::new();
    for session in sessions::list_sessions(&cx.app.db, visitor.person.id, cx.now).await? {
        let mut applications: Vec<String> = Vec::new();
        for grant in granted.iter().filter(|grant| grant.session == session.id) {
            let client = crate::clients::find(cx, &grant.client).await?;
            let name = client.map_or_else(|| grant.client.clone(), |client| client.application.name.clone());
            if !applications.contains(&name) {
                applications.push(name);
            }
        }
        rows.push(SessionRow {
            current: session.id == visitor.live.session.id,
            device: browser_name(&session.user_agent),
            address: session.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            strength: assurance::strength(&session.events, &holdings, cx.now).to_string(),
            started: When::new(session.created_at, cx.now, &zone),
            seen: When::new(session.last_seen_at, cx.now, &zone),
            applications,
            end: Action::post(format!("end-{}", session.id), "End", "/account/sessions/end")
                .with("session", session.id.to_string()),
        });
    }
    rows.sort_by_key(|row| !row.current);
    let end_others =
        (rows.len() > 1).then(|| Action::post("end-others", "End all others", "/account/sessions/end-others"));
    let page = SessionsPage { layout: visitor.layout(cx, "Sessions", Section::Sessions), sessions: rows, end_others };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

/// What people call their browser, out of what it calls itself.
pub(super) fn browser_name(user_agent: &str) -> String {
    let has = |name: &str| user_agent.contains(name);
    let browser = if has("Firefox/") {
        "Firefox"
    } else if has("Edg/") {
        "Edge"
    } else if has("Chrome/") || has("Chromium/") {
        "Chrome"
    } else if has("Safari/") {
        "Safari"
    } else {
        return user_agent.split(['/', ' ']).next().filter(|name| !name.is_empty()).unwrap_or("A browser").to_owned();
    };
    let system = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"].into_iter().find(|system| has(system));
    system.map_or_else(|| browser.to_owned(), |system| format!("{browser} on {}", system.trim_end_matches(" X")))
}

async fn post_end(form: Form) -> Response {
    let cx = form.cx.clone();
    let ended = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Sessions).await?;
        let id: SessionId = form.get("session").parse().map_err(|_| PageFailure::NotFound)?;
        let own = sessions::find_session(&cx.app.db, id).await?.is_some_and(|found| found.person == visitor.person.id);
        if !own {
            return Err(PageFailure::NotFound);
        }
        let ended = logout::end::end(&cx, id, visitor.person.id).await?;
        if id == visitor.live.session.id {
            return Ok(logout::signed_out(&cx, ended, Onward::Stay).await?);
        }
        if let Some(ended) = ended {
            ended.tell_soon(&cx);
        }
        Ok(see_other("/account/sessions"))
    };
    ended.await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn post_end_others(form: Form) -> Response {
    let cx = form.cx.clone();
    let ended = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Sessions).await?;
        let (person, own) = (visitor.person.id, visitor.live.session.id);
        for session in sessions::list_sessions(&cx.app.db, person, cx.now).await? {
            logout::end::know_partners(&cx, session.id).await?;
        }
        let transaction = cx.app.db.begin().await?;
        let (count, ended) = logout::end::end_all_in(&cx, &transaction, person, Some(own)).await?;
        let event = Event::new("session.others_ended").by(person).session(own);
        audit::record(&cx, &transaction, event.data(serde_json::json!({ "count": count }))).await?;
        transaction.commit().await.map_err(Fault::from)?;
        ended.tell_soon(&cx);
        Ok(see_other("/account/sessions"))
    };
    ended.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
