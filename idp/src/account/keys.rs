//! License keys: those that the person bought, with who used which when, and those that were handed to them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey};
use stepgate_store::license_keys::{self, BoughtKey};

use super::{Visitor, license, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::sections::SectionsPage;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Section, Tone, When};
use crate::subscriptions::{self, Handed, name_of, verified_mail};

/// Keys on one page; whoever buys more than that works with the report.
const MOST: u32 = 500;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/keys", get(get_keys))
        .route("/account/otp/keys/{key}", get(get_key))
        .route("/account/otp/keys/hand", post(post_hand))
        .route("/account/otp/keys/take-back", post(post_take_back))
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    done: String,
}

async fn get_keys(cx: Cx, browser: Browser, Query(said): Query<Said>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Keys).await?;
        let bought = license_keys::list_keys_bought(&cx.app.db, visitor.person.id, MOST).await?;
        let rows = bought.iter().map(|bought| row(&cx, &visitor, bought)).collect();
        let columns = ["Product", "Key", "State", "Whose", "When", ""];
        let table = Table::new(&columns, rows, "You have bought none.");
        let note = match said.done.as_str() {
            "handed" => Some("It is theirs now. We have written to them."),
            "own" => Some("It is yours. Use it when you like."),
            "taken-back" => Some("It is yours again."),
            _ => None,
        };
        let sections = vec![
            DetailSection {
                heading: "Keys for you".to_owned(),
                table: Some(license::table(&cx, &visitor, &visitor.keys)),
                forms: Vec::new(),
            },
            DetailSection { heading: "Keys that you bought".to_owned(), table: Some(table), forms: Vec::new() },
        ];
        let page = SectionsPage {
            layout: visitor.layout(&cx, "License keys", Section::ManageOtp),
            page: "keys",
            heading: "License keys".to_owned(),
            lead: "Each becomes a credential of one person, once. Hand it to whom it is for; until they use it you can take \
                   it back."
                .to_owned(),
            note: note.map(|text| (Tone::Ok, text.to_owned())),
            actions: vec![Action::link("license", "I have a license key", "/account/otp/license")],
            sections,
            back: Action::link("cancel", "Manage OTP", "/account/otp"),
        };
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn row(cx: &Cx, visitor: &Visitor, bought: &BoughtKey) -> Vec<Cell> {
    let (key, zone) = (&bought.key, visitor.zone());
    let when = Cell::Time(When::date(key.redeemed_at.unwrap_or(key.purchased_at), &zone));
    let mine = key.redeemed_by.or(key.holder) == Some(visitor.person.id);
    let whose = bought.redeemed_by.clone().or_else(|| bought.holder.clone()).or_else(|| key.holder_mail.clone());
    let whose = if mine { Some("You".to_owned()) } else { whose };
    let (letters, state, manage) = match key.stage {
        KeyStage::Unredeemed => {
            let letters = Cell::Code(subscriptions::key_letters(&cx.app, key.id).expose().clone());
            let handed = whose.is_some() && !mine;
            let state = if handed { (Tone::Notice, "Handed over") } else { (Tone::Ok, "Not used") };
            let words = if handed { "Change" } else { "Hand over" };
            (letters, state, Cell::link(format!("/account/otp/keys/{}", key.id), words))
        }
        KeyStage::Redeemed => (Cell::Empty, (Tone::Neutral, "Used"), Cell::Empty),
        KeyStage::Void => (Cell::Empty, (Tone::Danger, "Void"), Cell::Empty),
    };
    let state = Cell::State(state.0, state.1.to_owned());
    vec![Cell::text(name_of(cx, key)), letters, state, Cell::text(whose.unwrap_or_default()), when, manage]
}

/// A key of the visitor's own purchase; nobody else's is known here.
async fn bought(cx: &Cx, visitor: &Visitor, id: &str) -> Result<LicenseKey, PageFailure> {
    let Ok(id) = id.parse() else { return Err(PageFailure::NotFound) };
    let key = license_keys::find_key(&cx.app.db, id).await?;
    key.filter(|key| key.purchaser == Some(visitor.person.id)).ok_or(PageFailure::NotFound)
}

async fn get_key(cx: Cx, browser: Browser, Path(id): Path<String>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::Keys).await?;
        let key = bought(&cx, &visitor, &id).await?;
        Ok(page(&cx, &visitor, &key, ("", None)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn page(cx: &Cx, visitor: &Visitor, key: &LicenseKey, (typed, error): (&str, Option<&str>)) -> Response {
    let hidden = || Field::required("id", "", Control::Hidden, key.id.to_string());
    let open = key.stage == KeyStage::Unredeemed;
    let mut whom = Field::required("whom", "User ID or email address", Control::Text, typed)
        .help("Somebody of your organization by user ID, anybody by address. We write to them where to use it.");
    whom.error = error.map(str::to_owned);
    let mine = key.holder == Some(visitor.person.id);
    let handed = !mine && (key.holder.is_some() || key.holder_mail.is_some());
    let mut forms = Vec::new();
    let mut own = PageForm::side("use", "/account/otp/license/activate", "Use it myself", vec![hidden()]);
    own.effect = Some(OWN.to_owned());
    if mine {
        forms.push(PageForm { tone: Tone::Ok, ..own.clone() });
        forms.push(PageForm::side("hand", "/account/otp/keys/hand", "Hand over", vec![hidden(), whom]));
    } else {
        forms.push(PageForm::main("/account/otp/keys/hand", "Hand over", vec![hidden(), whom]));
    }
    if handed {
        let mut back = PageForm::side("take-back", "/account/otp/keys/take-back", "Take it back", vec![hidden()]);
        back.effect = Some("It is yours to hand over again. Whoever had it is told.".to_owned());
        forms.push(back);
    }
    forms.extend((!mine && !handed).then_some(own));
    let columns = ["License key", "State"];
    let (tone, word) = if handed { (Tone::Notice, "Handed over") } else { (Tone::Ok, "Not used") };
    let letters = Cell::Code(subscriptions::key_letters(&cx.app, key.id).expose().clone());
    let letters = Table::new(&columns, vec![vec![letters, Cell::State(tone, word.to_owned())]], "");
    let page = SectionsPage {
        layout: visitor.layout(cx, "License key", Section::ManageOtp),
        page: "key",
        heading: name_of(cx, key),
        lead: if open {
            "Whoever uses it first has it. Hand it to one person, and nobody else can.".to_owned()
        } else {
            "It was used, or is void: it cannot be handed over any more.".to_owned()
        },
        note: error.filter(|_| !open).map(|error| (Tone::Danger, error.to_owned())),
        actions: Vec::new(),
        sections: open
            .then(|| DetailSection { heading: "The license key".to_owned(), table: Some(letters), forms })
            .into_iter()
            .collect(),
        back: Action::link("cancel", "License keys", "/account/otp/keys"),
    };
    pages::respond(StatusCode::OK, &page)
}

/// What using a key of one's own means.
const OWN: &str = "It becomes a credential of yours. The order that it came with is not taken back after that.";

async fn post_hand(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Keys).await?;
        let key = bought(&cx, &visitor, form.get("id")).await?;
        let whom = form.get("whom");
        let typed = whom.to_lowercase();
        let own = typed == visitor.person.username.as_str() || verified_mail(&visitor.person) == Some(typed);
        let error = match subscriptions::hand_over(&cx, &visitor.person, &key, whom).await? {
            Handed::Done if own => return Ok(see_other("/account/otp/keys?done=own")),
            Handed::Done => return Ok(see_other("/account/otp/keys?done=handed")),
            Handed::NoSuchPerson => {
                "Nobody of your organization has this user ID, and it is no email address. Look at it again. Addresses are \
                 written with the letters a to z."
            }
            Handed::TooOften => {
                "Nothing was sent: enough mails went out for now. Wait an hour, or give the letters of the key to whom it \
                 is for."
            }
            Handed::NotAnyMore => "It was used or given back a moment ago: it cannot be handed over any more.",
        };
        Ok(page(&cx, &visitor, &key, (whom, Some(error))))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_take_back(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::Keys).await?;
        let key = bought(&cx, &visitor, form.get("id")).await?;
        if subscriptions::take_back(&cx, &visitor.person, &key).await? {
            return Ok(see_other("/account/otp/keys?done=taken-back"));
        }
        let error = "It was used or given back a moment ago: it cannot be taken back any more.";
        Ok(page(&cx, &visitor, &key, ("", Some(error))))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
