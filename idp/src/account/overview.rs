//! My Account.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use stepgate_core::authorize::interaction::PortalPage;

use super::visit;
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::account::{AccountPage, Fact};
use crate::pages::{self, Action, Section, Tone};
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(|| async { see_other("/account") })).route("/account", get(get_account))
}

async fn get_account(cx: Cx, browser: Browser) -> Response {
    show(&cx, &browser).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::Account).await?;
    let (person, language) = (&visitor.person, visitor.language);
    let spoken = Language::ALL.iter().find(|(known, _)| *known == language).map(|(_, name)| (*name).to_owned());
    let fact = |label: &str, value: &Option<String>, note| {
        let value = value.clone().filter(|value| !value.is_empty())?;
        Some(Fact { label: language.text(label), value, note })
    };
    let verified = |flag: Option<bool>| flag.filter(|flag| *flag).map(|_| (Tone::Ok, language.text("verified")));
    let proofing = Fact {
        label: language.text("fact-identity"),
        value: match person.proofed_at.filter(|_| person.is_proofed(cx.now)) {
            Some(at) => language.say("fact-proofed-on", [("date", visitor.date(at).text.into())]),
            None => language.text("fact-not-proofed"),
        },
        note: None,
    };
    let facts = [
        fact("name", &person.claims.name, None),
        Some(Fact { label: language.text("user-id"), value: person.username.to_string(), note: None }),
        fact("fact-email", &person.claims.email, verified(person.claims.email_verified)),
        fact("fact-telephone", &person.claims.phone_number, verified(person.claims.phone_number_verified)),
        fact("fact-time-zone", &person.claims.zoneinfo, None),
        fact("language", &spoken, None),
        Some(proofing),
    ];
    let page = AccountPage {
        layout: visitor.layout_in_theirs(cx, "frame-account", Section::Account),
        name: person.display_name().to_owned(),
        facts: facts.into_iter().flatten().collect(),
        actions: vec![
            Action::link("open-manage-otp", language.text("manage-otp"), "/account/otp"),
            Action::link("change-language", language.text("change-language"), "/account/otp/reminders#language"),
            Action::link("change-password", language.text("change-password"), "/account/password"),
            Action::link("open-sessions", language.text("frame-sessions"), "/account/sessions"),
            Action::link("open-account-applications", language.text("known-applications"), "/account/applications"),
            Action::link("open-applications", language.text("frame-applications"), "/applications"),
        ],
    };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}
