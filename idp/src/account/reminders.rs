//! Who is reminded of an ending subscription, and in which language we speak with them.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use stepgate_core::account::StandardClaims;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_store::{people, term_notices};

use super::visit;
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::sections::SectionsPage;
use crate::pages::{self, Action, Section};
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/reminders", get(get_reminders).post(post_reminders))
        .route("/account/language", post(post_language))
}

async fn get_reminders(cx: Cx, browser: Browser) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let language = visitor.language;
        let on = term_notices::wants_reminders(&cx.app.db, visitor.person.id).await?;
        let mails =
            Field::optional("mails", language.text("reminders-mails"), Control::Tick, if on { "1" } else { "" })
                .help(language.text("reminders-days"));
        let own = Language::of(&visitor.person);
        let chosen = Field::optional(
            "language",
            language.text("language"),
            Control::Select(languages(language)),
            own.map_or("", Language::tag),
        )
        .help(language.text("language-help"));
        let part = |heading: &str, form: PageForm| DetailSection {
            heading: language.text(heading),
            table: None,
            forms: vec![form],
        };
        let save = || language.text("save");
        let page = SectionsPage {
            layout: visitor.layout_in_theirs(&cx, "reminders", Section::ManageOtp),
            page: "reminders",
            heading: language.text("reminders"),
            lead: language.text("reminders-lead"),
            note: None,
            actions: Vec::new(),
            sections: vec![
                part("reminders-by-mail", PageForm::main("/account/otp/reminders", save(), vec![mails])),
                part("language", PageForm::side("language", "/account/language", save(), vec![chosen])),
            ],
            back: Action::link("cancel", language.text("manage-otp"), "/account/otp"),
        };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What can be chosen: nothing in particular, or one of our languages by its own name.
fn languages(shown_in: Language) -> Vec<(String, String)> {
    let known = Language::ALL.iter().map(|(known, name)| (known.tag().to_owned(), (*name).to_owned()));
    std::iter::once((String::new(), shown_in.text("language-of-browser"))).chain(known).collect()
}

async fn post_reminders(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let on = form.get("mails") == "1";
        let transaction = cx.app.db.begin().await?;
        term_notices::set_reminders(&transaction, visitor.person.id, on).await?;
        let event = Event::new("subscription.reminders").by(visitor.person.id);
        audit::record(&cx, &transaction, event.data(json!({ "on": on }))).await?;
        transaction.commit().await?;
        Ok(see_other("/account/otp?done=reminders"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The region of a locale is a fact of its own, which says where telephone numbers are dialled: it outlives the language.
fn with_region(language: Language, before: Option<&str>) -> String {
    let region = before.and_then(|locale| locale.rsplit_once(['-', '_'])).map(|(_, region)| region);
    match region.filter(|region| region.len() == 2 && region.bytes().all(|letter| letter.is_ascii_uppercase())) {
        Some(region) => format!("{}-{region}", language.tag()),
        None => language.tag().to_owned(),
    }
}

/// Keeps the language as the person's `locale`, which applications that may know it see, too.
async fn post_language(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let (person, chosen) = (&visitor.person, Language::of_tag(form.get("language")));
        if chosen != Language::of(person) {
            let locale = chosen.map(|language| with_region(language, person.claims.locale.as_deref()));
            let claims = StandardClaims { locale, ..person.claims.clone() };
            let transaction = cx.app.db.begin().await?;
            if !people::update_claims(&transaction, person, &claims, cx.now).await? {
                // Somebody changed the person at the same moment: the page says what holds.
                return Ok(see_other("/account/otp/reminders"));
            }
            let event = Event::new("account.language").by(person.id);
            audit::record(&cx, &transaction, event.data(json!({ "locale": claims.locale }))).await?;
            transaction.commit().await?;
        }
        Ok(see_other("/account/otp?done=language"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
