//! Logout that a relying party starts (OpenID Connect RP-Initiated Logout), or the person on our own pages; and how
//! everybody in a session learns that it has ended, whatever ended it.
//!
//! Owns: the one way in which a session ends (`end`), with what partners are told. Never: when a session ends without
//! asking; `stepgate_core::logout` decides that.

pub mod back_channel;
pub mod check_session;
pub mod end;
mod farewell;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use stepgate_core::logout::{self, BrowserSession, LogoutDecision, LogoutHint, PostLogoutRedirect, VerifiedHint};
use stepgate_core::oidc::params::{Params, RawLogout};

use crate::access;
use crate::app::App;
use crate::clients::{self, Registered};
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::message::LogoutConfirmPage;
use crate::pages::{self, Layout};
use crate::session::{self, Live};

pub use back_channel::deliver_left_behind;
pub use farewell::{Onward, replaced, signed_out};

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/logout", get(get_logout).post(post_logout))
        .route("/logout/confirm", post(post_confirm))
        .route("/account/sign-out", post(post_sign_out))
        .merge(check_session::routes())
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

/// A logout request that was judged.
struct Judged {
    decision: LogoutDecision,
    /// The browser's session.
    live: Option<Live>,
    /// The client that the request speaks for.
    client: Option<Arc<Registered>>,
}

impl Judged {
    /// The name of the client's application, for people.
    fn application(&self) -> Option<&str> {
        self.client.as_ref().map(|client| client.application.name.as_str())
    }

    /// Ends the session and goes where the decision says.
    async fn end(self, cx: &Cx, then: Option<&PostLogoutRedirect>) -> Result<Response, PageFailure> {
        let name = self.application().unwrap_or("the application").to_owned();
        end(cx, self.live, then, &name).await
    }
}

async fn judge(cx: &Cx, browser: &Browser, query: &[u8]) -> Result<Judged, PageFailure> {
    let bad = |detail: String| PageFailure::BadRequest { detail };
    let raw = RawLogout::from(&Params::parse(query).map_err(|error| bad(error.to_string()))?);
    let hint = hint(cx, raw.id_token_hint.as_deref()).await?;
    let client = match logout::client_id(&raw, &hint) {
        Some(id) => clients::find(cx, id).await?,
        None => None,
    };
    let live = session::find(cx, browser.session.as_deref()).await?;
    let session = live.as_ref().map(|live| BrowserSession { session: live.session.id, person: live.session.person });
    let decision = logout::decide(&raw, &hint, client.as_ref().map(|client| &client.client), session);
    // Anybody can write a client_id; only a hint shows that the request is the client's.
    let client = client.filter(|_| matches!(hint, LogoutHint::Verified(_)));
    Ok(Judged { decision, live, client })
}

async fn answer(cx: &Cx, browser: &Browser, query: &[u8]) -> Result<Response, PageFailure> {
    let judged = judge(cx, browser, query).await?;
    match judged.decision.clone() {
        LogoutDecision::RedirectNow(then) => judged.end(cx, Some(&then)).await,
        LogoutDecision::LoggedOutPage => judged.end(cx, None).await,
        LogoutDecision::AskConfirmation { .. } => {
            let live = judged.live.as_ref().ok_or(PageFailure::InteractionGone)?;
            let person = stepgate_store::people::find_person(&cx.app.db, live.session.person).await?;
            let request = String::from_utf8_lossy(query).into_owned();
            let page = LogoutConfirmPage {
                layout: Layout::plain("Sign out", cx.app.demo),
                action: "/logout/confirm".to_owned(),
                csrf: browser.csrf(&cx.app),
                username: person.map(|person| person.username.to_string()).unwrap_or_default(),
                application: judged.application().map(str::to_owned),
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
        let judged = judge(&cx, &form.browser, form.get("request").as_bytes()).await?;
        match judged.decision.clone() {
            LogoutDecision::RedirectNow(then) | LogoutDecision::AskConfirmation { then: Some(then) } => {
                judged.end(&cx, Some(&then)).await
            }
            LogoutDecision::LoggedOutPage | LogoutDecision::AskConfirmation { then: None } => {
                judged.end(&cx, None).await
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
        end(&cx, live, None, "").await
    };
    ended.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Ends the browser's session, if there is one, tells everybody in it, and answers.
async fn end(
    cx: &Cx,
    live: Option<Live>,
    then: Option<&PostLogoutRedirect>,
    name: &str,
) -> Result<Response, PageFailure> {
    let ended = match live {
        Some(live) => end::end(cx, live.session.id, live.session.person).await?,
        None => None,
    };
    let location = then.map(PostLogoutRedirect::location);
    let onward = match &location {
        Some(location) => Onward::Application { location, name },
        None => Onward::Stay,
    };
    Ok(signed_out(cx, ended, onward).await?)
}
