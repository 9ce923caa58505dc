//! Where the person stands with identity proofing, in words, and the way to ask again.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::PortalPage;

use super::{Visitor, resume, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::sections::SectionsPage;
use crate::pages::{self, Action, Section, Tone, When};
use crate::proofing::{self, Standing};
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/proofing", get(get_proofing).post(post_again))
}

/// Where it stands: how it looks, in words, and what can be done.
pub(super) async fn told(
    cx: &Cx,
    visitor: &Visitor,
    language: Language,
) -> Result<(Tone, String, Option<Action>), Fault> {
    let zone = visitor.zone();
    let date = |at| When::date_in(language, at, &zone).text.into();
    if let Some(at) = visitor.person.proofed_at.filter(|_| visitor.person.is_proofed(cx.now)) {
        let text = match visitor.person.proofing_expires_at {
            Some(end) => language.say("proofing-done-until", [("at", date(at)), ("until", date(end))]),
            None => language.say("proofing-done", [("at", date(at))]),
        };
        return Ok((Tone::Ok, text, None));
    }
    let again = || Action::post("ask-again", language.text("proofing-again"), "/account/proofing");
    Ok(match proofing::standing(cx, visitor.person.id).await? {
        Standing::Nothing | Standing::Approved(_) => {
            let get = Action::link("get", language.text("proofing-get"), "/account/otp/get");
            (Tone::Neutral, language.text("proofing-none"), Some(get))
        }
        Standing::Waits(request) => {
            let facts = [("since", date(request.asked_at)), ("name", visitor.person.display_name().into())];
            (Tone::Notice, language.say("proofing-waits", facts), None)
        }
        Standing::Refused(request) => {
            let reason = request.reason.unwrap_or_default().into();
            (Tone::Warning, language.say("proofing-refused", [("reason", reason)]), Some(again()))
        }
        Standing::RefusedForGood(request) => {
            let reason = request.reason.unwrap_or_default().into();
            (Tone::Danger, language.say("proofing-refused-for-good", [("reason", reason)]), None)
        }
    })
}

async fn get_proofing(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Proofing).await?;
        let (tone, text, action) = told(&cx, &visitor, visitor.language).await?;
        let mut actions: Vec<Action> = action.into_iter().collect();
        actions.extend(resume::action(&cx, &visitor, &browser).await?);
        let page = SectionsPage {
            layout: visitor.layout_in_theirs(&cx, "proofing-heading", Section::ManageOtp),
            page: "proofing",
            heading: visitor.language.text("proofing-heading"),
            lead: visitor.language.text("proofing-lead"),
            note: Some((tone, text)),
            actions,
            sections: Vec::new(),
            back: Action::link("cancel", visitor.language.text("manage-otp"), "/account/otp"),
        };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_again(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Proofing).await?;
        proofing::ask_again(&cx, visitor.person.id).await?;
        Ok(see_other("/account/proofing"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
