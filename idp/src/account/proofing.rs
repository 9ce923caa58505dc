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

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/proofing", get(get_proofing).post(post_again))
}

/// Where it stands: how it looks, in words, and what can be done.
pub(super) async fn told(cx: &Cx, visitor: &Visitor) -> Result<(Tone, String, Option<Action>), Fault> {
    let zone = visitor.zone();
    if let Some(at) = visitor.person.proofed_at.filter(|_| visitor.person.is_proofed(cx.now)) {
        let until = visitor.person.proofing_expires_at.map(|end| format!(", until {}", When::date(end, &zone).text));
        let text = format!("Your identity was proofed on {}{}.", When::date(at, &zone).text, until.unwrap_or_default());
        return Ok((Tone::Ok, text, None));
    }
    let again = || Action::post("ask-again", "Ask again", "/account/proofing");
    Ok(match proofing::standing(cx, visitor.person.id).await? {
        Standing::Nothing | Standing::Approved(_) => {
            let text = "Your identity is not proofed. Get the Proofing Upgrade, or a credential with proofing.";
            (Tone::Neutral, text.to_owned(), Some(Action::link("get", "Get proofed", "/account/otp/get")))
        }
        Standing::Waits(request) => {
            let text = format!(
                "You are in the queue since {}. An agent will get in touch with you, in person or by video; have a passport \
                 or an identity card ready that bears the name {}. We write to you when it is decided; you need not wait here.",
                When::date(request.asked_at, &zone).text,
                visitor.person.display_name()
            );
            (Tone::Notice, text, None)
        }
        Standing::Refused(request) => {
            let reason = request.reason.unwrap_or_default();
            (Tone::Warning, format!("It did not work out: {reason} Ask again when that is mended."), Some(again()))
        }
        Standing::RefusedForGood(request) => {
            let reason = request.reason.unwrap_or_default();
            (Tone::Danger, format!("It did not work out several times: {reason} Speak with your administrator."), None)
        }
    })
}

async fn get_proofing(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Proofing).await?;
        let (tone, text, action) = told(&cx, &visitor).await?;
        let mut actions: Vec<Action> = action.into_iter().collect();
        actions.extend(resume::action(&cx, &visitor, &browser).await?);
        let page = SectionsPage {
            layout: visitor.layout(&cx, "Identity proofing", Section::ManageOtp),
            page: "proofing",
            heading: "Identity proofing".to_owned(),
            lead: "Somebody of ours looks at you and at your document, once. It belongs to you, not to a device: it stays \
                   when you renew or change what you hold."
                .to_owned(),
            note: Some((tone, text)),
            actions,
            sections: Vec::new(),
            back: Action::link("cancel", "Manage OTP", "/account/otp"),
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
