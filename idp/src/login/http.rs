//! `/interaction/{id}`: the pages of a login.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, get};
use axum::{Json, Router};
use serde_json::json;
use stepgate_core::authorize::interaction::Stage;
use stepgate_core::authorize::{AuthorizationResponse, Delivery};
use stepgate_core::id::{ChallengeId, InteractionId};
use stepgate_store::people;

use super::dispatch::{Answer, dispatch, refuse, spoken};
use super::parked::Parked;
use super::steps::{self, Outcome};
use super::{receipt, render, unmet};
use crate::app::App;
use crate::clients;
use crate::credentials::passkey;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser, with_cookie};
use crate::logout;
use crate::pages::{self, Layout, message::FormPostPage};
use crate::session;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/interaction/{id}", get(get_interaction).post(post_interaction))
        .route("/interaction/{id}/status", get(get_status))
        .route("/interaction/{id}/passkey", routing::post(post_passkey))
}

async fn get_interaction(State(_): State<Arc<App>>, cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let answer = async {
        let parked = find(&cx, &id, &browser).await?;
        let live = session::find(&cx, browser.session.as_deref()).await?;
        let (path, read) = (parked.path(), parked.version());
        match dispatch(&cx, parked, live).await? {
            // Another request of this browser was faster, and the login goes on where that one left it.
            Answer::Gone if Parked::was_overtaken(&cx, read).await? => Ok(see_other(&path)),
            answer => respond(&cx, &browser, answer, None).await,
        }
    };
    let answer = answer.await;
    or_where_it_led(&cx, &id, &browser, answer).await
}

async fn post_interaction(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let answer = post(&cx, &id, &form).await;
    or_where_it_led(&cx, &id, &form.browser, answer).await
}

/// A request that comes after the end follows to the page of ours that the login led to.
async fn or_where_it_led(cx: &Cx, id: &str, browser: &Browser, answer: Result<Response, PageFailure>) -> Response {
    let led_to = async {
        let id = id.parse().ok()?;
        Parked::led_to(cx, id, browser.token()).await.ok()?
    };
    match answer {
        Ok(response) => response,
        Err(PageFailure::InteractionGone) => match led_to.await {
            Some(path) => see_other(&path),
            None => PageFailure::InteractionGone.respond(cx),
        },
        Err(failure) => failure.respond(cx),
    }
}

async fn post(cx: &Cx, id: &str, form: &Form) -> Result<Response, PageFailure> {
    let parked = find(cx, id, &form.browser).await?;
    let live = session::find(cx, form.browser.session.as_deref()).await?;
    if !form.get("cancel").is_empty() || form.get("decision") == "deny" {
        let client = match parked.interaction.client_id() {
            Some(id) => clients::find(cx, id).await?,
            None => None,
        };
        let error = unmet::cancelled(&parked.interaction.stage);
        let answer = refuse(cx, &parked, client.as_deref(), &error).await?;
        return respond(cx, &form.browser, answer, None).await;
    }
    let path = parked.path();
    match steps::take(cx, parked, live, form).await? {
        // To the page by GET, so that *back* and *reload* never post twice.
        Outcome::Next { cookie } => {
            let response = see_other(&path);
            Ok(match cookie {
                Some(cookie) => with_cookie(response, cookie),
                None => response,
            })
        }
        Outcome::Earned { renewed, replaced } => {
            let response = replaced.map_or_else(|| see_other(&path), |ended| logout::replaced(cx, ended, &path));
            Ok(renewed.cookies.into_iter().fold(response, with_cookie))
        }
        Outcome::Again { parked, live, say } => {
            // Another press of the same form was faster: whatever this one would be told, the login is further on.
            if Parked::was_overtaken(cx, parked.version()).await? {
                return Ok(see_other(&path));
            }
            let read = parked.version();
            match dispatch(cx, *parked, live).await? {
                Answer::Gone if Parked::was_overtaken(cx, read).await? => Ok(see_other(&path)),
                answer => respond(cx, &form.browser, answer, Some(say)).await,
            }
        }
    }
}

async fn find(cx: &Cx, id: &str, browser: &Browser) -> Result<Parked, PageFailure> {
    let id: InteractionId = id.parse().map_err(|_| PageFailure::InteractionGone)?;
    Parked::find(cx, id, browser.token()).await?.ok_or(PageFailure::InteractionGone)
}

/// What a page says about the last try.
pub(super) enum Say {
    /// An error at the field: the key of its words.
    Error(&'static str),
    /// The same, where it speaks of something.
    Told(String),
    /// The page for the offline code, with the key of an error.
    OfflineCode(Option<&'static str>),
}

/// Turns an answer into a response.
async fn respond(cx: &Cx, browser: &Browser, answer: Answer, say: Option<Say>) -> Result<Response, PageFailure> {
    match answer {
        Answer::Page(scene) => Ok(with_browser(cx, browser, render::page(cx, browser, &scene, say).await?)),
        Answer::Client { response, application } => Ok(to_client(cx, &response, &application)),
        Answer::Portal(path) => Ok(see_other(&path)),
        Answer::Gone => Err(PageFailure::InteractionGone),
        Answer::Unanswerable(error) => Err(PageFailure::BadRequest { detail: error.to_string() }),
    }
}

/// Sends the browser back to a client.
pub fn to_client(cx: &Cx, response: &AuthorizationResponse, application: &str) -> Response {
    match response.delivery() {
        Delivery::Location(location) => see_other(&location),
        Delivery::FormPost { action, fields } => {
            let page = FormPostPage {
                layout: Layout::plain("Going back", cx.app.demo),
                application: application.to_owned(),
                action: action.to_owned(),
                fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            };
            pages::respond(axum::http::StatusCode::OK, &page)
        }
    }
}

/// Something for a passkey to sign: the login's script asks when the person wants to use one.
async fn post_passkey(Path(id): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let parked = find(&cx, &id, &form.browser).await?;
        Ok::<_, PageFailure>(passkey::begin(&cx, &parked.binding()).await?)
    };
    match begun.await {
        Ok(Some(options)) => ([(axum::http::header::CACHE_CONTROL, "no-store")], Json(options)).into_response(),
        Ok(None) => PageFailure::NotFound.respond(&cx),
        Err(failure) => failure.respond(&cx),
    }
}

/// What the script of a page asks every two seconds: whether the phone has answered, what became of a code.
async fn get_status(State(_): State<Arc<App>>, cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let told = async {
        let parked = find(&cx, &id, &browser).await?;
        Ok::<_, PageFailure>(match parked.interaction.stage {
            Stage::MobileWait { challenge, .. } => json!({ "state": mobile_state(&cx, challenge).await? }),
            Stage::PhoneCode { .. } => {
                let person = match session::find(&cx, browser.session.as_deref()).await? {
                    Some(live) => people::find_person(&cx.app.db, live.session.person).await?,
                    None => None,
                };
                let language = spoken(&cx, person.as_ref(), &parked.interaction);
                receipt::status(&cx, language, &parked.binding(), receipt::Place::Login).await?
            }
            _ => receipt::gone(),
        })
    };
    match told.await {
        Ok(told) => {
            let never_stored = [(axum::http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            (never_stored, Json(told)).into_response()
        }
        Err(failure) => failure.respond(&cx),
    }
}

async fn mobile_state(cx: &Cx, challenge: ChallengeId) -> Result<&'static str, PageFailure> {
    let found = stepgate_store::mobile::find_challenge(&cx.app.db, challenge).await?;
    Ok(found.map_or("gone", |found| {
        let over = found.state == stepgate_store::mobile::ChallengeState::Pending && found.expires_at <= cx.now;
        if over { "expired" } else { found.state.as_str() }
    }))
}
