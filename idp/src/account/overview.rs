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
use crate::pages::{self, Action, Section, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(|| async { see_other("/account") })).route("/account", get(get_account))
}

async fn get_account(cx: Cx, browser: Browser) -> Response {
    show(&cx, &browser).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::Account).await?;
    let person = &visitor.person;
    let fact = |label: &str, value: &Option<String>, note| {
        let value = value.clone().filter(|value| !value.is_empty())?;
        Some(Fact { label: label.to_owned(), value, note })
    };
    let verified = |flag: Option<bool>| flag.filter(|flag| *flag).map(|_| (Tone::Ok, "Verified".to_owned()));
    let proofing = Fact {
        label: "Identity".to_owned(),
        value: match person.proofed_at.filter(|_| person.is_proofed(cx.now)) {
            Some(at) => format!("Proofed on {}", When::date(at, &visitor.zone()).text),
            None => "Not proofed".to_owned(),
        },
        note: None,
    };
    let facts = [
        fact("Name", &person.claims.name, None),
        Some(Fact { label: "User ID".to_owned(), value: person.username.to_string(), note: None }),
        fact("Email", &person.claims.email, verified(person.claims.email_verified)),
        fact("Telephone", &person.claims.phone_number, verified(person.claims.phone_number_verified)),
        fact("Time zone", &person.claims.zoneinfo, None),
        Some(proofing),
    ];
    let page = AccountPage {
        layout: visitor.layout(cx, "My Account", Section::Account),
        name: person.display_name().to_owned(),
        facts: facts.into_iter().flatten().collect(),
        actions: vec![
            Action::link("open-manage-otp", "Manage OTP", "/account/otp"),
            Action::link("change-password", "Change password", "/account/password"),
            Action::link("open-sessions", "Sessions", "/account/sessions"),
            Action::link("open-account-applications", "Applications that know you", "/account/applications"),
            Action::link("open-applications", "My Applications", "/applications"),
        ],
    };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}
