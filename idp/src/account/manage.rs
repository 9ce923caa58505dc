//! Manage OTP: one card for each credential, *Elevate*, resync, rename.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Interaction, Landing, PortalPage, Purpose, Want};
use stepgate_core::contact::is_unseen;
use stepgate_core::credentials::Credential;
use stepgate_store::credentials;

use super::fresh::step_up_at;
use super::{Visitor, cards, key_offer, otp_help, resume, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::credentials::security_key;
use crate::cx::Cx;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::login::Parked;
use crate::login::hardware::{self, Resynced};
use crate::notices::{self, Notice};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::{FIRST_STEP, FormPage, ManageOtpPage};
use crate::pages::{self, Action, Section};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp", get(get_manage))
        .route("/account/elevate", post(post_elevate))
        .route("/account/otp/resync", get(get_resync).post(post_resync))
        .route("/account/otp/rename", get(get_rename).post(post_rename))
}

/// What a page's address may carry.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    credential: String,
    #[serde(default)]
    done: String,
}

async fn get_manage(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    show(&cx, &browser, &which.done).await.unwrap_or_else(|failure| failure.respond(&cx))
}

async fn show(cx: &Cx, browser: &Browser, done: &str) -> Result<Response, PageFailure> {
    let visitor = visit(cx, browser, PortalPage::ManageOtp).await?;
    let (cards, status) = cards::all(cx, &visitor).await?;
    let usable = cards.iter().any(|card| card.state == CredentialState::Active);
    let resume = resume::action(cx, &visitor, browser).await?;
    let language = visitor.language;
    let mut more: Vec<Action> = resume.into_iter().collect();
    more.extend(trial(&visitor, done));
    let get = language.text(if cards.is_empty() { "get-credential" } else { "get-another" });
    more.push(Action::link(FIRST_STEP, get, "/account/otp/get"));
    more.push(Action::link("license", language.text("have-license-key"), "/account/otp/license"));
    if security_key::available(cx) {
        more.push(key_offer::action(cx, &visitor, &language.text("add-security-key")));
    }
    more.extend(otp_help::ways(cx, &visitor).await?);
    if crate::shop::cards::available(cx) {
        more.push(Action::link("card", language.text("card-for-renewals"), "/account/otp/card"));
    }
    more.push(Action::link("reminders", language.text("reminders"), "/account/otp/reminders"));
    let mut layout = visitor.layout_in_theirs(cx, "manage-otp", Section::ManageOtp);
    // What ends is told by the status already, unless something that waits comes before it there.
    let waits = cards.iter().any(|card| card.state == CredentialState::Pending);
    let twice = status.is_some() && !waits;
    layout.banner = layout.banner.filter(|banner| banner.action.is_none() || !twice);
    layout.banner = layout.banner.or_else(|| otp_help::hint(cx, &visitor));
    let page = ManageOtpPage {
        layout,
        status,
        elevate: usable.then(|| Action::post("elevate", language.text("elevate"), "/account/elevate")),
        cards,
        more,
        done: said(done).map(|key| language.text(key)),
    };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

/// A phone that was just set up can be tried: a request that lifts nothing.
fn trial(visitor: &Visitor, said: &str) -> Option<Action> {
    let held = |held: &&Credential| held.kind == CredentialKind::MobileId && held.stage == CredentialState::Active;
    let credential = visitor.credentials.iter().find(held).filter(|_| said == "phone-added")?;
    let action = Action::post("try-phone", visitor.language.text("try-phone"), "/account/otp/test");
    Some(action.with("credential", credential.id.to_string()))
}

/// What was just done: the key of the words.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "resynced" => "done-resynced",
        "token-activated" => "done-token-activated",
        "renamed" => "done-renamed",
        "phone-added" => "done-phone-added",
        "key-added" => "done-key-added",
        "key-adopted" => "done-key-adopted",
        "recovered" => "done-recovered",
        "password" => "done-password",
        "stolen" => "done-stolen",
        "suspended" => "done-suspended",
        "lost" => "done-lost",
        "resumed" => "done-resumed",
        "revoked" => "done-revoked",
        "redeemed" => "done-redeemed",
        "renewed" => "done-renewed",
        "reminders" => "done-saved",
        "language" => "done-language",
        _ => return None,
    })
}

/// *Elevate*: the same engine as for an application, for this very session and this very person.
async fn post_elevate(form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let want = form.get("kind").parse().map_or(Want::AnyOtp, Want::Kind);
        let purpose = Purpose::Elevate { person: visitor.person.id, session: visitor.live.session.id, want };
        let parked = Parked::begin(&cx, form.browser.token(), Interaction::begin(purpose, cx.now)).await?;
        Ok(see_other(&parked.path()))
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// The credential that a page is about, of the wanted kind, and the person's own.
pub(super) fn own<'a>(
    visitor: &'a Visitor,
    id: &str,
    kind: Option<CredentialKind>,
) -> Result<&'a Credential, PageFailure> {
    let found = visitor.credential(id).filter(|found| kind.is_none_or(|kind| found.kind == kind));
    found.ok_or(PageFailure::NotFound)
}

async fn get_resync(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let token = own(&visitor, &which.credential, Some(CredentialKind::HardwareToken))?;
        Ok(resync_page(&cx, &visitor, token, None))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn resync_page(cx: &Cx, visitor: &Visitor, token: &Credential, error: Option<&str>) -> Response {
    let language = visitor.language;
    let digits = |name: &str, label: &str| Field::required(name, language.text(label), Control::Digits, "");
    let hidden = Field::required("credential", "", Control::Hidden, token.id.to_string());
    let fields = vec![hidden, digits("first", "resync-first"), digits("second", "resync-second")];
    let mut form = PageForm::main("/account/otp/resync", language.text("resync"), fields);
    form.error = error.map(|key| language.text(key));
    let page = FormPage {
        layout: visitor.layout_in_theirs(cx, "resync", Section::ManageOtp),
        page: "resync",
        heading: token.serial.as_deref().map_or_else(
            || language.text("resync-heading-unnamed"),
            |serial| language.say("resync-heading", [("serial", serial.into())]),
        ),
        lead: language.text("resync-lead"),
        form,
        back: Action::link("cancel", language.text("back-to-manage-otp"), "/account/otp"),
    };
    pages::respond(StatusCode::OK, &page)
}

async fn post_resync(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let token = own(&visitor, form.get("credential"), Some(CredentialKind::HardwareToken))?;
        let (first, second) = (form.get("first"), form.get("second"));
        let error = match hardware::resync(&cx, &visitor.person, token.id, first, second).await? {
            Resynced::Done => return Ok(see_other("/account/otp?done=resynced")),
            Resynced::Malformed => "resync-malformed",
            Resynced::Locked => "code-locked",
            Resynced::FarAway => "resync-far-away",
            Resynced::Wrong => "resync-wrong",
        };
        Ok(resync_page(&cx, &visitor, token, Some(error)))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_rename(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, &which.credential, None)?;
        Ok(rename_page(&cx, &visitor, credential, (&credential.label, None)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn rename_page(cx: &Cx, visitor: &Visitor, credential: &Credential, (typed, error): (&str, Option<&str>)) -> Response {
    let hidden = Field::required("credential", "", Control::Hidden, credential.id.to_string());
    let language = visitor.language;
    let mut label = Field::required("label", language.text("name"), Control::Text, typed);
    label.error = error.map(|key| language.text(key));
    let page = FormPage {
        layout: visitor.layout_in_theirs(cx, "rename", Section::ManageOtp),
        page: "rename",
        heading: language.say("rename-heading", [("label", credential.label.as_str().into())]),
        lead: language.say("rename-lead", [("kind", language.kind(credential.kind).into())]),
        form: PageForm::main("/account/otp/rename", language.text("save"), vec![hidden, label]),
        back: Action::link("cancel", language.text("back-to-manage-otp"), "/account/otp"),
    };
    pages::respond(StatusCode::OK, &page)
}

async fn post_rename(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, form.get("credential"), None)?;
        let label = form.get("label");
        let fits = (1..=40).contains(&label.chars().count()) && !label.chars().any(is_unseen);
        if !fits {
            let typed = (label, Some("name-wrong"));
            return Ok(rename_page(&cx, &visitor, credential, typed));
        }
        step_up_at(&cx, &form, &visitor, Landing::Rename(credential.id)).await?;
        let transaction = cx.app.db.begin().await?;
        credentials::update_label(&transaction, credential.id, label).await?;
        let data = serde_json::json!({ "credential": credential.id });
        audit::record(&cx, &transaction, Event::new("credential.renamed").by(visitor.person.id).data(data)).await?;
        let text = format!("{} has another name now: {label}.", credential.label);
        let notice = Notice::new("A credential was renamed", text).about(credential.id).by_mail_only();
        notices::tell(&cx, &transaction, visitor.person.id, &notice).await?;
        transaction.commit().await?;
        Ok(see_other("/account/otp?done=renamed"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
