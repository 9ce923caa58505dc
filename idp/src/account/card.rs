//! The card for renewals: what is kept of it, what it will pay, another one in its place, and none.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::authorize::interaction::{Landing, PortalPage};
use stepgate_core::subscriptions::card::CardOnFile;
use stepgate_store::{cards as store, subscriptions as terms};

use super::fresh::step_up_at;
use super::{Visitor, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::sections::SectionsPage;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Section, Tone, When};
use crate::shop::cards::{self, Given};
use crate::subscriptions::{self, Payer};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/card", get(get_card))
        .route("/account/otp/card/new", post(post_new))
        .route("/account/otp/card/remove", post(post_remove))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CardQuery {
    done: String,
}

/// Back from the provider, too. That the browser comes here proves nothing: the provider is asked.
async fn get_card(cx: Cx, browser: Browser, Query(query): Query<CardQuery>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let given = cards::look_for(&cx, visitor.person.id).await?;
        let note = note(&query.done, given);
        Ok(with_browser(&cx, &browser, page(&cx, &visitor, (note, None)).await?))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn note(done: &str, given: Given) -> Option<(Tone, &'static str)> {
    match (done, given) {
        (_, Given::Kept) => Some((Tone::Ok, "Your card is kept for renewals.")),
        ("given", Given::Unavailable) => {
            Some((Tone::Warning, "The card provider does not answer at the moment. Look again in a few minutes."))
        }
        ("removed", _) => Some((Tone::Ok, "The card is not kept any more.")),
        ("unavailable", _) => {
            Some((Tone::Warning, "The card provider does not answer at the moment. Try again in a few minutes."))
        }
        _ => None,
    }
}

async fn page(
    cx: &Cx,
    visitor: &Visitor,
    (note, error): (Option<(Tone, &str)>, Option<&str>),
) -> Result<Response, Fault> {
    let card = store::find_card(&cx.app.db.write, visitor.person.id).await?;
    let mut sections = Vec::new();
    let section = |heading: &str, table, forms| DetailSection { heading: heading.to_owned(), table, forms };
    if let Some(card) = &card {
        sections.push(section("Your card", Some(kept(cx, visitor, card)), Vec::new()));
        sections.push(section("What it pays", Some(pays(cx, visitor).await?), Vec::new()));
    }
    if cards::available(cx) {
        let (heading, button) = match &card {
            Some(_) => ("Another card in its place", "Give another card"),
            None => ("Give a card", "Give a card"),
        };
        let mut keep = Field::required("keep", "Keep this card for renewals", Control::Tick, "");
        keep.error = error.map(str::to_owned);
        let mut form = PageForm::main("/account/otp/card/new", button, vec![keep]);
        form.effect = Some("You type it on the page of our card provider. Nothing is charged now.".to_owned());
        sections.push(section(heading, None, vec![form]));
    }
    if card.is_some() {
        let form = PageForm::side("remove", "/account/otp/card/remove", "Remove", Vec::new());
        let effect = "Our card provider forgets it, too. What was to be renewed with it is not renewed by itself.";
        sections.push(section("Remove it", None, vec![form.dangerous(effect)]));
    }
    let lead = match (&card, cards::available(cx)) {
        (Some(_), _) => {
            "It pays for what you let renew by itself, and for nothing else. You are told the price and the day \
                         before."
        }
        (None, true) => {
            "A card that you give here pays for what you let renew by itself, and for nothing else. You are told \
                         the price and the day before. We keep its last four digits, never its number."
        }
        (None, false) => "No cards are taken here.",
    };
    let page = SectionsPage {
        layout: visitor.layout(cx, "Card for renewals", Section::ManageOtp),
        page: "card",
        heading: "Card for renewals".to_owned(),
        lead: lead.to_owned(),
        note: note.map(|(tone, text)| (tone, text.to_owned())),
        actions: Vec::new(),
        sections,
        back: Action::link("cancel", "Manage OTP", "/account/otp"),
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(pages::respond(status, &page))
}

fn kept(cx: &Cx, visitor: &Visitor, card: &CardOnFile) -> Table {
    let facts = &card.card;
    let state = if facts.has_ended(cx.now) {
        Cell::State(Tone::Warning, "Expired: give another one".to_owned())
    } else if !cards::takes(cx, &card.provider) {
        Cell::State(Tone::Warning, "Cannot be charged here any more".to_owned())
    } else {
        Cell::State(Tone::Ok, "Kept".to_owned())
    };
    let row = vec![
        Cell::Code(format!("{} \u{2022}\u{2022}\u{2022}\u{2022} {}", facts.brand, facts.last4)),
        Cell::text(facts.end()),
        Cell::Time(When::date(card.kept_at, &visitor.zone())),
        state,
    ];
    Table::new(&["Card", "Good until", "Since", "State"], vec![row], "None.")
}

/// What is renewed by itself, when and for how much.
async fn pays(cx: &Cx, visitor: &Visitor) -> Result<Table, Fault> {
    let mut rows = Vec::new();
    let sold = terms::list_sold_as(&cx.app.db, visitor.person.id).await?;
    for credential in &visitor.credentials {
        let Some((_, sold)) = sold.iter().find(|(id, sold)| *id == credential.id && sold.auto_renew) else { continue };
        let Some(plan) = subscriptions::plan(cx, credential, sold).await? else { continue };
        if !matches!(plan.payer, Payer::Card(_)) {
            continue;
        }
        let on = plan.on.map_or_else(|| Cell::text("Not any more"), |on| Cell::Time(When::date(on, &visitor.zone())));
        rows.push(vec![
            Cell::link(format!("/account/otp/{}", credential.id), credential.label.clone()),
            on,
            Cell::text(plan.price.to_string()),
        ]);
    }
    let none = "Nothing yet. Switch on \u{201c}Renew by itself\u{201d} on the page of a credential.";
    Ok(Table::new(&["What", "When", "Price"], rows, none))
}

async fn post_new(form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        if !cards::available(&cx) {
            return Err(PageFailure::NotFound);
        }
        if form.get("keep") != "1" {
            let error = "Tick this if the card is to be kept; without that there is nothing to give it for.";
            return Ok(page(&cx, &visitor, (None, Some(error))).await?);
        }
        step_up_at(&cx, &form, &visitor, Landing::Card).await?;
        Ok(match cards::begin(&cx, visitor.person.id).await? {
            Some(url) => see_other(&url),
            None => see_other("/account/otp/card?done=unavailable"),
        })
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_remove(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        step_up_at(&cx, &form, &visitor, Landing::Card).await?;
        cards::remove(&cx, visitor.person.id).await?;
        Ok(see_other("/account/otp/card?done=removed"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
