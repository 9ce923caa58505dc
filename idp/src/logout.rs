//! Logout that a relying party starts (OpenID Connect RP-Initiated Logout), or the person on our own pages.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::logout::{self, BrowserSession, LogoutDecision, LogoutHint, PostLogoutRedirect, VerifiedHint};
use stepgate_core::oidc::params::{Params, RawLogout};
use stepgate_store::sessions;

use crate::access;
use crate::app::App;
use crate::audit::{self, Event};
use crate::clients;
use crate::cx::Cx;
use crate::http::cookies::Cookie;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser, with_cookie};
use crate::pages::message::{LoggedOutPage, LogoutConfirmPage};
use crate::pages::{self, Action, Layout};
use crate::session::{self, Live};

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/logout", get(get_logout).post(post_logout))
        .route("/logout/confirm", post(post_confirm))
        .route("/account/sign-out", post(post_sign_out))
}

async fn get_logout(cx: Cx, browser: Browser, RawQuery(query): RawQuery) -> Response {
    answer(&cx, &browser, query.unwrap_or_default().as_bytes()).await.unwrap_or_else(|failure| failure.respond(&cx))
}

/// A relying party may post its request too (§2). Our cookies do not come with a form of another site, so the browser
/// is asked to come again by GET.
async fn post_logout(body: Bytes) -> Response {
    match std::str::from_utf8(&body) {
        Ok(query) if query.len() <= 7 * 1024 && query.bytes().all(|byte| byte.is_ascii_graphic()) => {
            see_other(&format!("/logout?{query}"))
        }
        _ => see_other("/logout"),
    }
}

async fn hint(cx: &Cx, hint: Option<&str>) -> Result<LogoutHint, PageFailure> {
    let Some(hint) = hint else { return Ok(LogoutHint::Absent) };
    let Some(claims) = access::read_hint(cx, hint) else { return Ok(LogoutHint::Refused) };
    let session = claims.sid.as_deref().and_then(|sid| sid.parse().ok());
    let person = access::person_of_hint(cx, &claims).await?;
    Ok(person.map_or(LogoutHint::Refused, |person| {
        LogoutHint::Verified(VerifiedHint { client_id: claims.aud, person, session })
    }))
}

async fn decide(cx: &Cx, browser: &Browser, query: &[u8]) -> Result<(LogoutDecision, Option<Live>), PageFailure> {
    let bad = |detail: String| PageFailure::BadRequest { detail };
    let raw = RawLogout::from(&Params::parse(query).map_err(|error| bad(error.to_string()))?);
    let hint = hint(cx, raw.id_token_hint.as_deref()).await?;
    let client = match logout::client_id(&raw, &hint) {
        Some(id) => clients::find(cx, id).await?,
        None => None,
    };
    let live = session::find(cx, browser.session.as_deref()).await?;
    let session = live.as_ref().map(|live| BrowserSession { session: live.session.id, person: live.session.person });
    Ok((logout::decide(&raw, &hint, client.as_ref().map(|client| &client.client), session), live))
}

async fn answer(cx: &Cx, browser: &Browser, query: &[u8]) -> Result<Response, PageFailure> {
    let (decision, live) = decide(cx, browser, query).await?;
    match decision {
        LogoutDecision::RedirectNow(then) => end(cx, live, Some(&then)).await,
        LogoutDecision::LoggedOutPage => end(cx, live, None).await,
        LogoutDecision::AskConfirmation { .. } => {
            let live = live.ok_or(PageFailure::InteractionGone)?;
            let person = stepgate_store::people::find_person(&cx.app.db, live.session.person).await?;
            let request = String::from_utf8_lossy(query).into_owned();
            let page = LogoutConfirmPage {
                layout: Layout::plain("Sign out", cx.app.demo),
                action: "/logout/confirm".to_owned(),
                csrf: browser.csrf(&cx.app),
                username: person.map(|person| person.username.to_string()).unwrap_or_default(),
                application: None,
                fields: vec![("request".to_owned(), request)],
            };
            Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
        }
        LogoutDecision::Refuse(refusal) => Err(PageFailure::BadRequest { detail: refusal.to_string() }),
    }
}

/// The person was asked. The request is judged again: nothing that the page carried is believed.
async fn post_confirm(form: Form) -> Response {
    let cx = form.cx.clone();
    let confirmed = async {
        if form.get("decision") != "logout" {
            return Ok(see_other("/account"));
        }
        let (decision, live) = decide(&cx, &form.browser, form.get("request").as_bytes()).await?;
        match decision {
            LogoutDecision::RedirectNow(then) | LogoutDecision::AskConfirmation { then: Some(then) } => {
                end(&cx, live, Some(&then)).await
            }
            LogoutDecision::LoggedOutPage | LogoutDecision::AskConfirmation { then: None } => {
                end(&cx, live, None).await
            }
            LogoutDecision::Refuse(refusal) => Err(PageFailure::BadRequest { detail: refusal.to_string() }),
        }
    };
    confirmed.await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn post_sign_out(form: Form) -> Response {
    let cx = form.cx.clone();
    let ended = async {
        let live = session::find(&cx, form.browser.session.as_deref()).await?;
        end(&cx, live, None).await
    };
    ended.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn end(cx: &Cx, live: Option<Live>, then: Option<&PostLogoutRedirect>) -> Result<Response, PageFailure> {
    if let Some(live) = live
        && sessions::end_session(&cx.app.db.write, live.session.id, cx.now).await?
    {
        let event = Event::new("session.ended").by(live.session.person).session(live.session.id);
        audit::record(cx, &cx.app.db.write, event).await?;
    }
    let response = match then {
        Some(then) => see_other(&then.location()),
        None => {
            let page = LoggedOutPage {
                layout: Layout::plain("Signed out", cx.app.demo),
                frames: Vec::new(),
                unreached: Vec::new(),
                action: Some(Action::link("continue", "Sign in again", "/account")),
            };
            pages::respond(StatusCode::OK, &page)
        }
    };
    Ok(with_cookie(response, cx.app.cookies.clear(Cookie::Session)))
}
