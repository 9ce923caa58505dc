//! What to do when a device is lost, stolen, broken or new: one question, then the way.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use stepgate_core::assurance::{CredentialKind, CredentialState, label};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::credentials::suspension::Cause;
use stepgate_store::{credentials, recovery, sessions};

use super::{Visitor, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::custody;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other, with_browser};
use crate::logout::end;
use crate::notices::{self, Notice};
use crate::pages::self_help::{GuideItem, GuidePage};
use crate::pages::{self, Action, Banner, Section, Tone};
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/otp/help", get(get_help)).route("/account/otp/stolen", post(post_stolen))
}

/// What Manage OTP offers for the day on which something is gone.
pub(super) async fn ways(cx: &Cx, visitor: &Visitor) -> Result<Vec<Action>, Fault> {
    let language = visitor.language;
    let codes = match recovery::find_set(&cx.app.db.read, visitor.person.id).await? {
        Some(set) => language.say("recovery-codes-left", [("left", i64::from(set.left).into())]),
        None => language.text("recovery-codes"),
    };
    Ok(vec![
        Action::link("recovery", codes, "/account/otp/recovery"),
        Action::link("otp-help", language.text("otp-help"), "/account/otp/help"),
    ])
}

/// A second authenticator is urged where there is only one.
pub(super) fn hint(cx: &Cx, visitor: &Visitor) -> Option<Banner> {
    let active = devices(visitor).filter(|held| held.state(cx.now) == CredentialState::Active).count();
    let codes = visitor
        .credentials
        .iter()
        .any(|held| held.kind == CredentialKind::Recovery && held.state(cx.now) == CredentialState::Active);
    (active == 1 && !codes).then(|| Banner {
        tone: Tone::Notice,
        text: visitor.language.text("banner-one-device"),
        action: Some(Action::link("banner-action", visitor.language.text("recovery-codes"), "/account/otp/recovery")),
    })
}

fn devices(visitor: &Visitor) -> impl Iterator<Item = &Credential> {
    visitor.credentials.iter().filter(|held| {
        !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery)
            && held.stage != CredentialState::Revoked
    })
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Lost,
    Stolen,
    Broken,
    New,
    Nothing,
}

impl What {
    const ALL: &'static [Self] = &[Self::Lost, Self::Stolen, Self::Broken, Self::New, Self::Nothing];

    const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Broken => "broken",
            Self::New => "new",
            Self::Nothing => "nothing",
        }
    }

    /// What people say, and what we do about it: the keys of the words.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Lost => ("help-lost", "help-lost-text"),
            Self::Stolen => ("help-stolen", "help-stolen-text"),
            Self::Broken => ("help-broken", "help-broken-text"),
            Self::New => ("help-new", "help-new-text"),
            Self::Nothing => ("help-nothing", "help-nothing-text"),
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    what: String,
}

async fn get_help(cx: Cx, browser: Browser, Query(asked): Query<Asked>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::OtpHelp).await?;
        let what = What::ALL.iter().find(|what| what.name() == asked.what);
        let page = what.map_or_else(|| question(&cx, &visitor), |what| answer(&cx, &visitor, *what));
        Ok(with_browser(&cx, &browser, pages::respond(StatusCode::OK, &page)))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

fn question(cx: &Cx, visitor: &Visitor) -> GuidePage {
    let language = visitor.language;
    let items = What::ALL.iter().map(|what| {
        let (heading, text) = what.words();
        let path = format!("/account/otp/help?what={}", what.name());
        GuideItem {
            kind: None,
            heading: language.text(heading),
            text: language.text(text),
            actions: vec![Action::link(format!("what-{}", what.name()), language.text("help-that"), path)],
        }
    });
    GuidePage {
        layout: visitor.layout_in_theirs(cx, "help-title", Section::ManageOtp),
        page: "otp-help",
        heading: language.text("help-heading"),
        lead: language.text("help-lead"),
        note: None,
        items: items.collect(),
        back: Action::link("cancel", language.text("back-to-manage-otp"), "/account/otp"),
    }
}

fn answer(cx: &Cx, visitor: &Visitor, what: What) -> GuidePage {
    let language = visitor.language;
    let (heading, lead) = what.words();
    let mut items: Vec<GuideItem> = match what {
        What::Nothing => vec![
            GuideItem {
                kind: Some(CredentialKind::Recovery),
                heading: language.text("help-code"),
                text: language.text("help-code-text"),
                actions: vec![Action::link(
                    "use-recovery",
                    language.text("help-code-use"),
                    "/account/otp/recovery/use",
                )],
            },
            GuideItem {
                kind: None,
                heading: language.text("help-desk"),
                text: language.text("help-desk-text"),
                actions: vec![Action::link("bind", language.text("help-desk-use"), "/account/otp/bind")],
            },
        ],
        _ => devices(visitor).map(|held| item(cx, held, what, language)).collect(),
    };
    if items.is_empty() {
        items.push(GuideItem {
            kind: None,
            heading: language.text("help-no-device"),
            text: language.text("help-no-device-text"),
            actions: vec![Action::link("open-manage-otp", language.text("manage-otp"), "/account/otp")],
        });
    }
    GuidePage {
        layout: visitor.layout_in_theirs(cx, "help-title", Section::ManageOtp),
        page: "otp-help",
        heading: language.text(heading),
        lead: language.text(lead),
        note: None,
        items,
        back: Action::link("cancel", language.text("help-else"), "/account/otp/help"),
    }
}

fn item(cx: &Cx, held: &Credential, what: What, language: Language) -> GuideItem {
    let id = held.id.to_string();
    let active = held.state(cx.now) == CredentialState::Active;
    let act = |name: &str, words: &str, path: &str| {
        Action::post(format!("{name}-{id}"), language.text(words), path).with("credential", id.clone())
    };
    let suspend = act("suspend", "help-suspend", "/account/otp/suspend");
    let lost = act("lost", "help-report-lost", "/account/otp/lost").dangerous();
    let revoke = act("revoke", "help-revoke", "/account/otp/revoke").dangerous();
    let stolen = act("stolen", "help-switch-off", "/account/otp/stolen").dangerous();
    let card = Action::link(format!("card-{id}"), language.text("help-card"), format!("/account/otp#credential-{id}"));
    let actions = match what {
        What::Lost if active => vec![suspend, lost],
        What::Lost => vec![lost],
        What::Stolen if active => vec![stolen, lost],
        What::Stolen => vec![lost],
        What::Broken => vec![revoke],
        What::New => vec![card, revoke],
        What::Nothing => Vec::new(),
    };
    let number = held.serial.as_deref().map(|serial| format!(", {serial}")).unwrap_or_default();
    let text = format!("{}{number}", language.kind(held.kind));
    GuideItem { kind: Some(held.kind), heading: held.label.clone(), text, actions }
}

/// Stolen: off at once, and out everywhere else. The password is enough to switch off, never to switch on again
/// (NIST SP 800-63B-4 §4.3).
async fn post_stolen(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::OtpHelp).await?;
        let held = devices(&visitor).find(|held| held.id.to_string() == form.get("credential"));
        let held = held.ok_or(PageFailure::NotFound)?;
        let (person, own) = (visitor.person.id, visitor.live.session.id);
        for session in sessions::list_sessions(&cx.app.db, person, cx.now).await? {
            end::know_partners(&cx, session.id).await?;
        }
        let transaction = cx.app.db.begin().await?;
        if credentials::suspend_credential(&transaction, held.id, Cause::Lost, cx.now).await? {
            let line = (Some(person), "reported stolen by its holder");
            custody::log(&cx, &transaction, held, TokenStage::Suspended, line).await?;
        }
        let (count, ended) = end::end_all_in(&cx, &transaction, person, Some(own)).await?;
        let event = Event::new("credential.stolen").by(person).session(own);
        let event = event.data(json!({ "credential": held.id, "sessions_ended": count }));
        audit::record(&cx, &transaction, event).await?;
        let text = format!(
            "Your {} was reported stolen and is switched off; all other sessions were ended. If that was not you, sign in \
             and change your password.",
            label(held.kind)
        );
        notices::tell(&cx, &transaction, person, &Notice::new("A device was reported stolen", text).about(held.id))
            .await?;
        transaction.commit().await.map_err(Fault::from)?;
        ended.tell_soon(&cx);
        Ok(see_other("/account/otp?done=stolen"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
