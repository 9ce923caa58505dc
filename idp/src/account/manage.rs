//! Manage OTP: one card for each credential, *Elevate*, resync, rename.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::assurance::{self, CredentialKind, CredentialState};
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
    let mut more: Vec<Action> = resume.into_iter().collect();
    more.extend(trial(&visitor, done));
    let get = if cards.is_empty() { "Get a credential" } else { "Get another credential" };
    more.push(Action::link(FIRST_STEP, get, "/account/otp/get"));
    more.push(Action::link("license", "I have a license key", "/account/otp/license"));
    if security_key::available(cx) {
        more.push(key_offer::action(cx, &visitor, "Add security key"));
    }
    more.extend(otp_help::ways(cx, &visitor).await?);
    if crate::shop::cards::available(cx) {
        more.push(Action::link("card", "Card for renewals", "/account/otp/card"));
    }
    more.push(Action::link("reminders", "Reminders", "/account/otp/reminders"));
    let mut layout = visitor.layout(cx, "Manage OTP", Section::ManageOtp);
    // What ends is told by the status already, unless something that waits comes before it there.
    let waits = cards.iter().any(|card| card.state == CredentialState::Pending);
    let twice = status.is_some() && !waits;
    layout.banner = layout.banner.filter(|banner| banner.action.is_none() || !twice);
    layout.banner = layout.banner.or_else(|| otp_help::hint(cx, &visitor));
    let page = ManageOtpPage {
        layout,
        status,
        elevate: usable.then(|| Action::post("elevate", "Elevate", "/account/elevate")),
        cards,
        more,
        done: said(done).map(str::to_owned),
    };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

/// A phone that was just set up can be tried: a request that lifts nothing.
fn trial(visitor: &Visitor, said: &str) -> Option<Action> {
    let held = |held: &&Credential| held.kind == CredentialKind::MobileId && held.stage == CredentialState::Active;
    let credential = visitor.credentials.iter().find(held).filter(|_| said == "phone-added")?;
    let action = Action::post("try-phone", "Try your phone", "/account/otp/test");
    Some(action.with("credential", credential.id.to_string()))
}

/// What was just done.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "resynced" => "Your token is in step again.",
        "token-activated" => "Your token is set up. From now on its codes can be used.",
        "renamed" => "The new name is saved.",
        "phone-added" => {
            "Your phone is set up. From now on it can approve logins. Try it now: this browser will show six digits, and \
             the phone will ask whether you log in, for what and from where. Type the digits there."
        }
        "key-added" => "Your security key is set up. It can be used from now on.",
        "key-adopted" => "Your security key has the subscription now that you bought.",
        "recovered" => "That worked. Set up a new device now: you have five minutes before we ask again.",
        "password" => "Your password is changed. The old one does not work any more.",
        "stolen" => "It is switched off, and you are signed out everywhere else. Now change your password.",
        "suspended" => "It is suspended. Nobody can use it until you resume it.",
        "lost" => "It is suspended, and logins that it was used for elsewhere have ended. Get another one soon.",
        "resumed" => "It can be used again.",
        "revoked" => "It is given up. It opens nothing any more.",
        "redeemed" => "The key is yours. Now set up what it became.",
        "renewed" => "It is renewed. Your device and your proofing stay what they are.",
        "reminders" => "Saved.",
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
    let digits = |name: &str, label: &str| Field::required(name, label, Control::Digits, "");
    let hidden = Field::required("credential", "", Control::Hidden, token.id.to_string());
    let fields = vec![hidden, digits("first", "First code"), digits("second", "The code after it")];
    let mut form = PageForm::main("/account/otp/resync", "Resync", fields);
    form.error = error.map(str::to_owned);
    let page = FormPage {
        layout: visitor.layout(cx, "Resync", Section::ManageOtp),
        page: "resync",
        heading: format!("Bring {} back into step", token.serial.as_deref().unwrap_or("your token")),
        lead: "Type a code from your token, wait for the next one, and type that as well.".to_owned(),
        form,
        back: Action::link("cancel", "Back to Manage OTP", "/account/otp"),
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
            Resynced::Malformed => "Type both codes; digits only.",
            Resynced::Locked => "There were too many wrong codes. Wait a while before you try again.",
            Resynced::FarAway => {
                "These codes do follow one another, but your token has run too far away to be brought back here. Ask \
                 your administrator for another one."
            }
            Resynced::Wrong => {
                "These are not two codes that follow one another. Type one, wait until your token shows another, and \
                 type that one as the second."
            }
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
    let mut label = Field::required("label", "Name", Control::Text, typed);
    label.error = error.map(str::to_owned);
    let page = FormPage {
        layout: visitor.layout(cx, "Rename", Section::ManageOtp),
        page: "rename",
        heading: format!("Rename {}", credential.label),
        lead: format!("The name is yours alone; {} stays what it is.", assurance::label(credential.kind)),
        form: PageForm::main("/account/otp/rename", "Save", vec![hidden, label]),
        back: Action::link("cancel", "Back to Manage OTP", "/account/otp"),
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
            let typed = (label, Some("A name has 1 to 40 characters."));
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
