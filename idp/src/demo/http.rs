//! The demo's own pages and switches, under `/demo`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::credentials::hardware_token::{Mode, OathParameters, code_at};
use stepgate_core::jose::SigningAlgorithm;
use stepgate_store::{credentials, people as people_store};

use super::people::{self, PEOPLE, SEED};
use super::phones::{Answering, Phones, offline};
use super::{clock, paper};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::page::PageFailure;
use crate::keys;
use crate::outbound::recording::InboxMessage;
use crate::pages::demo::{DemoPage, DemoPerson, InboxMessage as InboxView, InboxPage};
use crate::pages::{self, Layout, Section, When};

/// The partner application's address.
#[derive(Clone)]
struct PartnerUrl(String);

/// The routes.
pub fn routes(app: &Arc<App>, phones: Arc<Phones>, partner: String) -> Router {
    Router::new()
        .route("/demo", get(get_demo))
        .route("/demo/inbox", get(get_inbox))
        .route("/demo/inbox.json", get(get_inbox_json))
        .route("/demo/inbox/failing", post(post_failing))
        .route("/demo/codes.json", get(get_codes))
        .route("/demo/clock", post(clock::post_clock))
        .route("/demo/rotate-keys", post(post_rotate_keys))
        .route("/demo/mobile-id/{username}/approve", post(post_approve))
        .route("/demo/mobile-id/{username}/deny", post(post_deny))
        .route("/demo/sell", post(super::sale::post_sell))
        .route("/demo/playground", post(super::playground::post_run))
        .merge(super::shop::routes())
        .layer(Extension(phones))
        .layer(Extension(PartnerUrl(partner)))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(app), crate::http::router::guard))
        .with_state(Arc::clone(app))
}

fn layout(title: &str) -> Layout {
    Layout { section: Section::Demo, ..Layout::plain(title, true) }
}

pub(super) fn messages(app: &App) -> Vec<InboxMessage> {
    app.outbound.inbox.as_ref().map(|inbox| inbox.messages()).unwrap_or_default()
}

async fn get_demo(cx: Cx, Extension(partner): Extension<PartnerUrl>) -> Response {
    let codes = match codes(&cx).await {
        Ok(codes) => codes,
        Err(fault) => return PageFailure::Fault(fault).respond(&cx),
    };
    let held = |person: &people::DemoPerson, holding: &people::Holding| {
        let next =
            codes.get(&format!("{}.recovery", person.username)).filter(|_| holding.kind() == CredentialKind::Recovery);
        let text = next.map_or_else(|| holding.text(), |code| format!("{}, next: {code}", holding.text()));
        (holding.kind(), text)
    };
    let people = PEOPLE.iter().map(|person| DemoPerson {
        username: person.username.to_owned(),
        name: person.name.to_owned(),
        holds: person.holds.iter().map(|holding| held(person, holding)).collect(),
        note: person.note.to_owned(),
        code: codes.get(person.username).cloned(),
    });
    let page = DemoPage {
        layout: layout("Demo"),
        password: people::PASSWORD.to_owned(),
        partner_url: partner.0,
        people: people.collect(),
    };
    pages::respond(StatusCode::OK, &page)
}

/// What tokens and phones show now, by user ID.
async fn codes(cx: &Cx) -> Result<BTreeMap<String, String>, Fault> {
    let mut codes = BTreeMap::new();
    for demo in PEOPLE {
        let Some(person) = people_store::find_person_by_login(&cx.app.db, demo.username).await? else { continue };
        for held in credentials::list_credentials(&cx.app.db, person.id).await? {
            let now = cx.now.unix_seconds().unsigned_abs();
            match held.kind {
                // Bought, and waiting for a token.
                CredentialKind::HardwareToken if held.stage == CredentialState::Pending => {}
                CredentialKind::HardwareToken => {
                    let Some(secret) = credentials::find_secret(&cx.app.db, held.id).await? else { continue };
                    let parameters: OathParameters =
                        serde_json::from_value(secret.parameters).map_err(Fault::internal)?;
                    let factor = match parameters.mode() {
                        Mode::Hotp => secret.counter.saturating_add(1).unsigned_abs(),
                        Mode::Totp { period_seconds } => now / u64::from(period_seconds),
                    };
                    let code = code_at(SEED, &parameters, factor).expose().clone();
                    codes.insert(demo.username.to_owned(), code);
                }
                CredentialKind::MobileId => {
                    let key = offline(demo.username);
                    let code = code_at(key.expose(), &OathParameters::COMMON_TOTP, now / 30);
                    codes.entry(demo.username.to_owned()).or_insert_with(|| code.expose().clone());
                    codes.insert(format!("{}.mobile_id", demo.username), code.expose().clone());
                }
                _ => {}
            }
        }
        if let Some(code) = paper::next(cx, person.id, demo.username).await? {
            codes.insert(format!("{}.recovery", demo.username), code);
        }
    }
    Ok(codes)
}

async fn get_codes(cx: Cx) -> Response {
    match codes(&cx).await {
        Ok(codes) => Json(codes).into_response(),
        Err(fault) => PageFailure::Fault(fault).respond(&cx),
    }
}

async fn get_inbox(State(app): State<Arc<App>>) -> Response {
    let view = |message: InboxMessage| InboxView {
        channel: match message.channel {
            crate::outbound::recording::Channel::Sms => "Text",
            crate::outbound::recording::Channel::Voice => "Call",
            crate::outbound::recording::Channel::Mail => "Mail",
            crate::outbound::recording::Channel::Push => "Push",
        }
        .to_owned(),
        to: message.to,
        text: message.text,
        code: message.code,
        at: When::new(message.at, app.clock.now(), &TimeZone::UTC),
    };
    let page = InboxPage { layout: layout("Inbox"), messages: messages(&app).into_iter().map(view).collect() };
    pages::respond(StatusCode::OK, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failing {
    failing: bool,
}

/// Plays a provider that does not answer.
async fn post_failing(State(app): State<Arc<App>>, Json(body): Json<Failing>) -> StatusCode {
    if let Some(inbox) = &app.outbound.inbox {
        inbox.set_failing(body.failing);
    }
    StatusCode::NO_CONTENT
}

/// New signing keys at once, on every node: for runs that compare the published keys before and after.
async fn post_rotate_keys(cx: Cx) -> Response {
    let rotated = async {
        let (app, sealing) = (&cx.app, &cx.app.secrets.sealing);
        // Without EdDSA: the conformance suite takes new keys of types RSA and EC only.
        let algorithms = [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256];
        keys::rotate(&app.db, &algorithms, sealing, cx.entropy(), cx.now).await?;
        app.replace_keys(keys::load(&app.db, sealing, cx.now).await?);
        app.invalidations.publish("keys").await;
        Ok::<(), Fault>(())
    };
    match rotated.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(fault) => PageFailure::Fault(fault).respond(&cx),
    }
}

async fn get_inbox_json(State(app): State<Arc<App>>) -> Response {
    Json(messages(&app)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    number: String,
}

async fn post_approve(
    cx: Cx,
    Extension(phones): Extension<Arc<Phones>>,
    Path(username): Path<String>,
    Json(body): Json<Approve>,
) -> Response {
    answered(phones.answer(&cx, &username, Some(&body.number)).await)
}

async fn post_deny(cx: Cx, Extension(phones): Extension<Arc<Phones>>, Path(username): Path<String>) -> Response {
    answered(phones.answer(&cx, &username, None).await)
}

fn answered(result: Result<String, Answering>) -> Response {
    match result {
        Ok(result) => Json(json!({ "result": result })).into_response(),
        Err(error @ (Answering::NoPhone | Answering::NoRequest)) => {
            (StatusCode::NOT_FOUND, Json(json!({ "error": error.to_string() }))).into_response()
        }
        Err(error) => {
            let body = Json(json!({ "error": error.to_string() }));
            (StatusCode::BAD_GATEWAY, body).into_response()
        }
    }
}
