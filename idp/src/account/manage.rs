//! Manage OTP: one card for each credential, *Elevate*, resync, rename.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::assurance::{self, CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Interaction, PortalPage, Purpose, Want};
use stepgate_core::credentials::Credential;
use stepgate_store::credentials::Suspended;
use stepgate_store::{credentials, deliveries, mobile, security_keys};

use super::fresh::step_up;
use super::phones::delivered;
use super::{Visitor, change, otp_help, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::credentials::security_key;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::login::Parked;
use crate::login::hardware::{self, Resynced};
use crate::notices::{self, Notice};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::{CredentialCard, FormPage, ManageOtpPage, PhoneRow};
use crate::pages::{self, Action, Section, When};

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
    let mut cards = Vec::new();
    for credential in &visitor.credentials {
        let shown = !matches!(credential.kind, CredentialKind::Password | CredentialKind::Recovery);
        if shown && credential.stage != CredentialState::Revoked {
            cards.push(card(cx, &visitor, credential).await?);
        }
    }
    let usable = cards.iter().any(|card| card.state == CredentialState::Active);
    let done = match done {
        "resynced" => Some("Your token is in step again."),
        "token-activated" => Some("Your token is set up. From now on its codes can be used."),
        "renamed" => Some("The new name is saved."),
        "phone-added" => Some("Your phone is set up. From now on it can approve logins."),
        "key-added" => Some("Your security key is set up. It can be used from now on."),
        "recovered" => Some("That worked. Set up a new device now: you have five minutes before we ask again."),
        "password" => Some("Your password is changed. The old one does not work any more."),
        "stolen" => Some("It is switched off, and you are signed out everywhere else. Now change your password."),
        "suspended" => Some("It is suspended. Nobody can use it until you resume it."),
        "lost" => Some("It is suspended, and logins that it was used for elsewhere have ended. Get another one soon."),
        "resumed" => Some("It can be used again."),
        "revoked" => Some("It is given up. It opens nothing any more."),
        _ => None,
    };
    let mut more: Vec<Action> = resume(cx, browser).await?.into_iter().collect();
    if security_key::available(cx) {
        more.push(Action::post("add-key", "Add security key", "/account/otp/key/new"));
    }
    more.push(Action::link("get", "Get another credential", "/account/otp/get"));
    more.extend(otp_help::ways(cx, &visitor).await?);
    let mut layout = visitor.layout(cx, "Manage OTP", Section::ManageOtp);
    layout.banner = layout.banner.or_else(|| otp_help::hint(cx, &visitor));
    let page = ManageOtpPage {
        layout,
        elevate: usable.then(|| Action::post("elevate", "Elevate", "/account/elevate")),
        cards,
        more,
        done: done.map(str::to_owned),
    };
    Ok(with_browser(cx, browser, pages::respond(StatusCode::OK, &page)))
}

/// The way back to the request that the person left in order to mend a credential.
async fn resume(cx: &Cx, browser: &Browser) -> Result<Option<Action>, PageFailure> {
    let Some(id) = browser.resume else { return Ok(None) };
    let Some(parked) = Parked::find(cx, id, browser.token()).await? else { return Ok(None) };
    let Some(client_id) = parked.interaction.client_id() else { return Ok(None) };
    let client = crate::clients::find(cx, client_id).await?;
    let name = client.map_or_else(|| "the application".to_owned(), |client| client.application.name.clone());
    Ok(Some(Action::link("resume", format!("Go on to {name}"), parked.path())))
}

async fn card(cx: &Cx, visitor: &Visitor, credential: &Credential) -> Result<CredentialCard, Fault> {
    let (state, zone) = (credential.state(cx.now), visitor.zone());
    let phones = match credential.kind {
        CredentialKind::PhoneOtp => credentials::list_phones(&cx.app.db, credential.id).await?,
        _ => Vec::new(),
    };
    let mut rows = Vec::new();
    for phone in phones.into_iter().filter(|phone| phone.verified_at.is_some()) {
        let channels = match (phone.text, phone.voice) {
            (true, true) => "Text and calls",
            (true, false) => "Text only",
            _ => "Calls only",
        };
        let last = deliveries::find_last(&cx.app.db, phone.id).await?;
        let last = last.and_then(|(state, at)| Some((delivered(state)?, When::new(at, cx.now, &zone).text)));
        let last = last.map_or_else(String::new, |(words, when)| format!(" \u{b7} {words} {when}"));
        rows.push(PhoneRow {
            channels: format!("{channels}{last}"),
            masked: phone.masked,
            preferred: phone.preferred,
            actions: Vec::new(),
        });
    }
    let devices = match credential.kind {
        CredentialKind::MobileId => mobile::list_devices(&cx.app.db, credential.id).await?,
        _ => Vec::new(),
    };
    let number = credential.serial.clone().or_else(|| devices.iter().find(|it| it.active).map(|it| it.label.clone()));
    let number = match credential.kind {
        CredentialKind::SecurityKey if security_keys::is_synced(&cx.app.db, credential.id).await? => {
            Some("Synced between your devices".to_owned())
        }
        CredentialKind::SecurityKey => Some("On one device only".to_owned()),
        _ => number,
    };
    let suspended = match state {
        CredentialState::Suspended => credentials::find_suspension(&cx.app.db, credential.id).await?,
        _ => None,
    };
    Ok(CredentialCard {
        id: credential.id.to_string(),
        kind: credential.kind,
        label: credential.label.clone(),
        number,
        state,
        proofed: visitor.person.is_proofed(cx.now),
        shown: visitor.live.session.events.iter().any(|event| event.credential == credential.id),
        bought: credential.purchased_at.map(|at| When::date(at, &zone)),
        expires: credential.expires_at.map(|at| When::date(at, &zone)),
        last_used: credential.last_used_at.map(|at| When::new(at, cx.now, &zone)),
        note: note(credential, state, suspended, cx),
        phones: rows,
        primary: primary(credential, state),
        actions: actions(credential, state, suspended),
    })
}

pub(super) fn note(
    credential: &Credential,
    state: CredentialState,
    suspended: Option<Suspended>,
    cx: &Cx,
) -> Option<String> {
    match state {
        CredentialState::Pending => Some("Bought, not set up yet: it cannot be used until you activate it.".to_owned()),
        CredentialState::Expired => Some(
            "Its subscription has ended. It cannot elevate until it is renewed; your device and your proofing stay."
                .to_owned(),
        ),
        CredentialState::Locked => {
            Some("Locked after too many wrong codes. Ask your administrator to unlock it.".to_owned())
        }
        CredentialState::Suspended => Some(change::why(suspended).to_owned()),
        CredentialState::Active if credential.retry_at.is_some_and(|at| at > cx.now) => {
            Some("After several wrong codes it rests for a while. Try again later.".to_owned())
        }
        CredentialState::Active | CredentialState::Revoked => None,
    }
}

fn primary(credential: &Credential, state: CredentialState) -> Option<Action> {
    let (id, credential_id) = (format!("activate-{}", credential.id), credential.id.to_string());
    match (state, credential.kind) {
        (CredentialState::Pending, CredentialKind::MobileId) => {
            Some(Action::post(id, "Activate", "/account/otp/mobile/start").with("credential", credential_id))
        }
        (CredentialState::Pending, CredentialKind::PhoneOtp) => {
            let place = format!("/account/otp/phones?credential={}", credential.id);
            Some(Action::link(id, "Activate", place))
        }
        (CredentialState::Pending, CredentialKind::HardwareToken) => {
            Some(Action::link(id, "Activate", "/account/otp/token"))
        }
        _ => None,
    }
}

fn actions(credential: &Credential, state: CredentialState, suspended: Option<Suspended>) -> Vec<Action> {
    let id = credential.id.to_string();
    let link = |name: &str, label: &str| {
        Action::link(format!("{name}-{id}"), label, format!("/account/otp/{name}?credential={id}"))
    };
    let mut actions = Vec::new();
    if state == CredentialState::Active {
        let elevate = Action::post(format!("elevate-{id}"), "Elevate", "/account/elevate");
        actions.push(elevate.with("kind", credential.kind.as_str()));
    }
    actions.push(Action::link(format!("details-{id}"), "View details", format!("/account/otp/{id}")));
    if credential.kind == CredentialKind::HardwareToken && state == CredentialState::Active {
        actions.push(link("resync", "Resync"));
    }
    if credential.kind == CredentialKind::PhoneOtp && state == CredentialState::Active {
        actions.push(link("phones", "Numbers"));
    }
    if credential.kind == CredentialKind::MobileId && state == CredentialState::Active {
        let add = Action::post(format!("add-phone-{id}"), "Add phone", "/account/otp/mobile/start");
        actions.push(add.with("credential", id.clone()));
        actions.push(Action::link(format!("phones-{id}"), "Phones", "/account/otp/mobile"));
    }
    actions.push(link("rename", "Rename"));
    actions.extend(change::actions(credential, state, suspended));
    actions
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
        let fits = (1..=40).contains(&label.chars().count()) && !label.chars().any(char::is_control);
        if !fits {
            let typed = (label, Some("A name has 1 to 40 characters."));
            return Ok(rename_page(&cx, &visitor, credential, typed));
        }
        step_up(&cx, &form, &visitor).await?;
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
