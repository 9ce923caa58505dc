//! *This was not me*: what a person can do who got a notice of something that somebody else did.
//!
//! Owns: the page behind the link, and what its button does, once: the credential concerned is suspended, all sessions
//! end, administrators learn of it from the audit log. Reading the page changes nothing, so that whoever scans mail for
//! bad links stops nobody. Never: a login; whoever holds the link can stop things and start none.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use stepgate_core::assurance::CredentialState;
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::credentials::suspension::Cause;
use stepgate_core::secret::TokenHash;
use stepgate_store::notices::{NoticeLink, find_link, take_link};
use stepgate_store::{credentials, people, sessions};

use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::custody;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, with_browser};
use crate::logout::end;
use crate::notices::{self, Notice};
use crate::pages::not_me::{NotMeForm, NotMePage};
use crate::pages::{self, Action, Layout, When};

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/not-me", get(get_not_me).post(post_not_me))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

async fn get_not_me(cx: Cx, browser: Browser, Query(link): Query<Link>) -> Response {
    let shown = async {
        let found = find_link(&cx.app.db, &TokenHash::of(&link.token), cx.now).await?;
        let Some(found) = found else { return Ok(gone(&cx)) };
        let credential = concerned(&cx, &found).await?;
        let page = if found.used_at.is_some() {
            done(&cx, &found, credential.as_ref()).await?
        } else {
            let form = NotMeForm { csrf: browser.csrf(&cx.app), token: link.token.clone() };
            NotMePage {
                heading: "Was this you?".to_owned(),
                lead: found.text.clone(),
                effects_lead: "If it was not you, this happens at once:",
                form: Some(form),
                action: None,
                ..done(&cx, &found, credential.as_ref()).await?
            }
        };
        Ok::<_, PageFailure>(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn post_not_me(form: Form) -> Response {
    let cx = form.cx.clone();
    let stopped = async {
        let token = TokenHash::of(form.get("token"));
        let Some(found) = find_link(&cx.app.db, &token, cx.now).await? else { return Ok(gone(&cx)) };
        let credential = concerned(&cx, &found).await?;
        if found.used_at.is_none() {
            stop(&cx, &token, &found, credential.as_ref()).await?;
        }
        // Pressed twice: what was done stays done, and is said once more.
        Ok::<_, PageFailure>(pages::respond(StatusCode::OK, &done(&cx, &found, credential.as_ref()).await?))
    };
    stopped.await.unwrap_or_else(|failure| failure.respond(&cx))
}

/// The credential that the link is about, if it can still be used.
async fn concerned(cx: &Cx, link: &NoticeLink) -> Result<Option<Credential>, Fault> {
    let Some(id) = link.credential else { return Ok(None) };
    let found = credentials::find_credential(&cx.app.db, id).await?;
    Ok(found.filter(|found| found.person == link.person && found.stage != CredentialState::Revoked))
}

/// Suspends, ends and tells, in one transaction that begins with using the link up.
async fn stop(cx: &Cx, token: &TokenHash, link: &NoticeLink, credential: Option<&Credential>) -> Result<(), Fault> {
    for session in sessions::list_sessions(&cx.app.db, link.person, cx.now).await? {
        end::know_partners(cx, session.id).await?;
    }
    let transaction = cx.app.db.begin().await?;
    if take_link(&transaction, token, cx.now).await?.is_none() {
        return Ok(());
    }
    let suspended = match credential {
        Some(it) => credentials::suspend_credential(&transaction, it.id, Cause::NotMe, cx.now).await?,
        None => false,
    };
    if let Some(it) = credential.filter(|_| suspended) {
        custody::log(cx, &transaction, it, TokenStage::Suspended, (None, "its holder said: this was not me")).await?;
    }
    let (count, ended) = end::end_all_in(cx, &transaction, link.person, None).await?;
    let data = json!({
        "subject": link.subject, "credential": link.credential, "suspended": suspended, "sessions": count,
    });
    audit::record(cx, &transaction, Event::new("security.not_me").to(link.person).data(data)).await?;
    let mut text = "Somebody followed the link \u{201c}this was not me\u{201d} in a notice of ours. ".to_owned();
    if suspended && let Some(it) = credential {
        text.push_str(&format!("{} is suspended. ", it.label));
    }
    text.push_str("All your sessions have ended. Sign in and look at Manage OTP.");
    notices::tell(cx, &transaction, link.person, &Notice::new("Your account was secured", text)).await?;
    transaction.commit().await?;
    ended.tell_soon(cx);
    Ok(())
}

async fn done(cx: &Cx, link: &NoticeLink, credential: Option<&Credential>) -> Result<NotMePage, Fault> {
    let person = people::find_person(&cx.app.db, link.person).await?;
    let zone = person.as_ref().and_then(|person| person.claims.zoneinfo.as_deref()).unwrap_or("UTC");
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let mut facts = vec![("What", link.subject.clone()), ("When", When::date(link.created_at, &zone).exact)];
    facts.extend(link.ip.map(|ip| ("From", ip.to_string())));
    let mut effects: Vec<String> = Vec::new();
    effects.extend(credential.map(|it| format!("1. {} is suspended: nobody can use it.", it.label)));
    effects
        .push(format!("{}. All your sessions end, here and at the applications that you opened.", effects.len() + 1));
    effects.push(format!("{}. The administrators are told.", effects.len() + 1));
    Ok(NotMePage {
        layout: Layout::plain("Was this you?", cx.app.demo),
        heading: "It is stopped".to_owned(),
        lead: "Sign in and look at what you hold. Change your password if somebody may know it.".to_owned(),
        facts,
        effects_lead: "With your report this happened:",
        effects,
        form: None,
        action: Some(Action::link("continue", "Sign in", "/account/otp")),
    })
}

fn gone(cx: &Cx) -> Response {
    let page = NotMePage {
        layout: Layout::plain("Was this you?", cx.app.demo),
        heading: "This link does not work any more".to_owned(),
        lead:
            "It is older than three days, or a part of it is missing. Sign in to see what you hold; what is not yours \
               can be suspended there at once."
                .to_owned(),
        facts: Vec::new(),
        effects_lead: "",
        effects: Vec::new(),
        form: None,
        action: Some(Action::link("continue", "Sign in", "/account/otp")),
    };
    pages::respond(StatusCode::NOT_FOUND, &page)
}
