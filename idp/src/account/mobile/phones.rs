//! The phones of a Mobile ID: names, replacement, removal, and whether they are asked at all.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::assurance::CredentialKind;
use stepgate_core::authorize::interaction::{Landing, PortalPage};
use stepgate_core::contact::is_unseen;
use stepgate_core::credentials::mobile_id::MOST_PHONES;
use stepgate_core::credentials::{Credential, MobileDevice};
use stepgate_store::mobile;

use crate::account::fresh::step_up_at;
use crate::account::{Visitor, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::credentials::mobile_id::{self, Revoker};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::mobile_phones::{MobilePhonesPage, PhoneItem};
use crate::pages::otp::FormPage;
use crate::pages::{self, Action, Section, Tone, When};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/mobile", get(get_phones))
        .route("/account/otp/mobile/rename", get(get_rename).post(post_rename))
        .route("/account/otp/mobile/revoke", get(get_revoke).post(post_revoke))
        .route("/account/otp/mobile/ask-again", post(post_ask_again))
}

/// What a page's address may carry.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    device: String,
    #[serde(default)]
    done: String,
}

const LIST: &str = "/account/otp/mobile";

/// The person's Mobile ID, if they have one that was not given up.
fn own(visitor: &Visitor) -> Result<&Credential, PageFailure> {
    let found = visitor.credentials.iter().find(|held| {
        let given_up = held.stage == stepgate_core::assurance::CredentialState::Revoked;
        held.kind == CredentialKind::MobileId && !given_up
    });
    found.ok_or(PageFailure::NotFound)
}

/// A phone of theirs.
pub(super) async fn phone(cx: &Cx, visitor: &Visitor, id: &str) -> Result<MobileDevice, PageFailure> {
    let id = id.parse().map_err(|_| PageFailure::NotFound)?;
    let found = mobile::find_device(&cx.app.db, id).await?.filter(|found| found.person == visitor.person.id);
    found.ok_or(PageFailure::NotFound)
}

async fn get_phones(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    show(&cx, &browser, &which.done).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser, done: &str) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::ManageOtp).await?;
    let credential = own(&visitor)?;
    let phones = confirmed(cx, credential).await?;
    let held = mobile::find_hold(&cx.app.db, credential.id).await?;
    let add = Action::post("add-phone", "Add a phone", "/account/otp/mobile/start")
        .with("credential", credential.id.to_string());
    let page = MobilePhonesPage {
        layout: visitor.layout(cx, "Phones", Section::ManageOtp),
        add: (phones.len() < MOST_PHONES).then_some(add),
        phones: phones.iter().map(|phone| item(cx, &visitor, phone)).collect(),
        ask_again: held.map(|_| Action::post("ask-again", "Ask my phones again", "/account/otp/mobile/ask-again")),
        done: match done {
            "renamed" => Some("The new name is saved.".to_owned()),
            "removed" => Some("The phone is removed. It approves nothing any more.".to_owned()),
            "asked" => Some("Your phones are asked again.".to_owned()),
            _ => None,
        },
    };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

/// The phones that a browser has confirmed.
pub(super) async fn confirmed(cx: &Cx, credential: &Credential) -> Result<Vec<MobileDevice>, Fault> {
    let mut phones = mobile::list_devices(&cx.app.db, credential.id).await?;
    phones.retain(|phone| phone.active);
    Ok(phones)
}

fn item(cx: &Cx, visitor: &Visitor, phone: &MobileDevice) -> PhoneItem {
    let (id, zone) = (phone.id.to_string(), visitor.zone());
    let link = |name: &str, label: &str| {
        Action::link(format!("{name}-{id}"), label, format!("/account/otp/mobile/{name}?device={id}"))
    };
    let replace = Action::post(format!("replace-{id}"), "Replace", "/account/otp/mobile/start")
        .with("credential", phone.credential.to_string())
        .with("replaces", id.clone());
    PhoneItem {
        label: phone.label.clone(),
        state: match phone.suspended_at {
            Some(_) => (Tone::Danger, "Suspended: there seem to be two of it"),
            None => (Tone::Ok, "In use"),
        },
        strength: match phone.verifier {
            Some(_) => "Asks for your fingerprint, face or PIN",
            None => "Approves without asking who holds it",
        },
        reached: match phone.sealed_push {
            Some(_) => "Woken up when a login waits",
            None => "Asks by itself while the app is open",
        },
        added: When::date(phone.created_at, &zone),
        seen: phone.seen_at.map(|at| When::new(at, cx.now, &zone)),
        actions: vec![link("rename", "Rename"), replace, link("revoke", "Remove").dangerous()],
        id,
    }
}

async fn get_rename(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let phone = phone(&cx, &visitor, &which.device).await?;
        Ok(rename_page(&cx, &visitor, &phone, (&phone.label, None)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn rename_page(cx: &Cx, visitor: &Visitor, phone: &MobileDevice, (typed, error): (&str, Option<&str>)) -> Response {
    let hidden = Field::required("device", "", Control::Hidden, phone.id.to_string());
    let mut label = Field::required("label", "Name", Control::Text, typed);
    label.error = error.map(str::to_owned);
    let page = FormPage {
        layout: visitor.layout(cx, "Rename a phone", Section::ManageOtp),
        page: "mobile-rename",
        heading: format!("Rename {}", phone.label),
        lead: "So that you can tell your phones apart.".to_owned(),
        form: PageForm::main("/account/otp/mobile/rename", "Save", vec![hidden, label]),
        back: Action::link("cancel", "Back to your phones", LIST),
    };
    pages::respond(StatusCode::OK, &page)
}

async fn post_rename(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let phone = phone(&cx, &visitor, form.get("device")).await?;
        let label = form.get("label").trim();
        let fits = (1..=40).contains(&label.chars().count()) && !label.chars().any(is_unseen);
        if !fits {
            let typed = (label, Some("A name has 1 to 40 characters."));
            return Ok(rename_page(&cx, &visitor, &phone, typed));
        }
        let transaction = cx.app.db.begin().await?;
        mobile::update_device_label(&transaction, phone.id, label).await?;
        let event = Event::new("mobile_id.phone.renamed").by(visitor.person.id);
        audit::record(&cx, &transaction, event.data(serde_json::json!({ "device": phone.id }))).await?;
        transaction.commit().await?;
        Ok(see_other("/account/otp/mobile?done=renamed"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_revoke(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let phone = phone(&cx, &visitor, &which.device).await?;
        let hidden = Field::required("device", "", Control::Hidden, phone.id.to_string());
        let form = PageForm {
            submit_id: "continue".to_owned(),
            ..PageForm::side("revoke", "/account/otp/mobile/revoke", "Remove", vec![hidden])
        };
        let page = FormPage {
            layout: visitor.layout(&cx, "Remove a phone", Section::ManageOtp),
            page: "mobile-revoke",
            heading: format!("Remove {}?", phone.label),
            lead: "Do this when you no longer have it, or when somebody else may.".to_owned(),
            form: form.dangerous(
                "It stops approving at once, and its offline codes are worth nothing. It can be set up again later.",
            ),
            back: Action::link("cancel", "Back to your phones", LIST),
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_revoke(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let phone = phone(&cx, &visitor, form.get("device")).await?;
        step_up_at(&cx, &form, &visitor, Landing::MobilePhones).await?;
        mobile_id::revoke(&cx, &phone, Revoker::Person).await?;
        Ok(see_other("/account/otp/mobile?done=removed"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_ask_again(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor)?;
        step_up_at(&cx, &form, &visitor, Landing::MobilePhones).await?;
        mobile_id::ask_again(&cx, visitor.person.id, credential.id).await?;
        Ok(see_other("/account/otp/mobile?done=asked"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
