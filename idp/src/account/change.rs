//! Suspend, report lost, resume, revoke: what the holder of a credential can do about it.
//!
//! Stopping something takes a session and nothing more (NIST SP 800-63B-4 §4.3, §4.5: one factor is enough to report a
//! loss); starting it again, or giving it up for good, takes a fresh factor. Each act is an audit event and a notice.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use stepgate_core::assurance::{self, CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Interaction, Landing, PortalPage, Purpose, Want};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::inventory::TokenStage;
use stepgate_core::credentials::suspension::{Cause, Remedy};
use stepgate_store::credentials::{self, Suspended};
use stepgate_store::sessions;

use super::fresh::{FRESH, step_up_at};
use super::manage::own;
use super::{Visitor, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::custody;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::login::Parked;
use crate::login::hardware::{self, CodeOutcome};
use crate::logout::end::{self, Ended};
use crate::notices::{self, Notice};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::otp::FormPage;
use crate::pages::{self, Action, Section};
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/suspend", post(post_suspend))
        .route("/account/otp/resume", post(post_resume))
        .route("/account/otp/lost", get(get_lost).post(post_lost))
        .route("/account/otp/revoke", get(get_revoke).post(post_revoke))
}

/// Which credential a page is about.
#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    pub(super) credential: String,
}

/// What can be done about a credential in this state.
pub(super) fn actions(
    credential: &Credential,
    (state, suspended): (CredentialState, Option<Suspended>),
    language: Language,
) -> Vec<Action> {
    let id = credential.id.to_string();
    let act = |name: &str| {
        Action::post(format!("{name}-{id}"), language.text(name), format!("/account/otp/{name}"))
            .with("credential", id.clone())
    };
    let ask = |name: &str, label: &str| {
        let path = format!("/account/otp/{name}?credential={id}");
        Action::link(format!("{name}-{id}"), language.text(label), path).dangerous()
    };
    let cause = suspended.map_or(Cause::Administrator, |it| it.cause);
    let mut actions = Vec::new();
    match state {
        CredentialState::Active => actions.extend([act("test"), act("suspend"), ask("lost", "report-lost")]),
        CredentialState::Locked | CredentialState::Expired => actions.push(ask("lost", "report-lost")),
        CredentialState::Suspended if cause.remedy() != Remedy::Administrator => {
            actions.push(act("resume"));
            actions.extend((cause == Cause::Paused).then(|| ask("lost", "report-lost")));
        }
        CredentialState::Suspended | CredentialState::Pending | CredentialState::Revoked => return actions,
    }
    actions.push(ask("revoke", "revoke"));
    actions
}

/// Why it is suspended, and what ends that: the key of the words.
pub(super) fn why(suspended: Option<Suspended>) -> &'static str {
    match suspended.map_or(Cause::Administrator, |it| it.cause) {
        Cause::Paused => "suspended-paused",
        Cause::Lost => "suspended-lost",
        Cause::NotMe => "suspended-not-me",
        Cause::Administrator => "suspended-by-administrator",
    }
}

/// A credential of the person's that they can manage themselves.
fn managed<'a>(visitor: &'a Visitor, id: &str) -> Result<&'a Credential, PageFailure> {
    let found = own(visitor, id, None)?;
    match found.kind {
        CredentialKind::Password | CredentialKind::Recovery => Err(PageFailure::NotFound),
        _ => Ok(found),
    }
}

fn tell_of(credential: &Credential, what: &str, more: &str) -> Notice {
    let name = if credential.label == assurance::label(credential.kind) {
        credential.label.clone()
    } else {
        format!("{} ({})", credential.label, assurance::label(credential.kind))
    };
    Notice::new(format!("{} was {what}", credential.label), format!("{name} was {what}. {more}")).about(credential.id)
}

async fn post_suspend(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = managed(&visitor, form.get("credential"))?;
        let transaction = cx.app.db.begin().await?;
        if credentials::suspend_credential(&transaction, credential.id, Cause::Paused, cx.now).await? {
            let event = Event::new("credential.suspended").by(visitor.person.id).session(visitor.live.session.id);
            audit::record(&cx, &transaction, event.data(json!({ "credential": credential.id }))).await?;
            let line = (Some(visitor.person.id), "put to rest by its holder");
            custody::log(&cx, &transaction, credential, TokenStage::Suspended, line).await?;
            let notice = tell_of(credential, "suspended", "Nobody can use it until you resume it under Manage OTP.");
            notices::tell(&cx, &transaction, visitor.person.id, &notice).await?;
        }
        transaction.commit().await?;
        Ok(see_other("/account/otp?done=suspended"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn get_lost(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    confirm(&cx, &browser, &which, ["lost", "report-lost", "lost-lead", "lost-effect"]).await
}

async fn get_revoke(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    confirm(&cx, &browser, &which, ["revoke", "revoke", "revoke-lead", "revoke-effect"]).await
}

/// The page that says what will happen, and asks.
async fn confirm(
    cx: &Cx,
    browser: &Browser,
    which: &Which,
    [name, label, lead, effect]: [&'static str; 4],
) -> Response {
    let shown = async {
        let visitor = visit(cx, browser, PortalPage::ManageOtp).await?;
        let credential = managed(&visitor, &which.credential)?;
        let hidden = Field::required("credential", "", Control::Hidden, credential.id.to_string());
        let (path, language) = (format!("/account/otp/{name}"), visitor.language);
        let act = language.text(label);
        let form = PageForm::side(name, path, act.clone(), vec![hidden]).dangerous(language.text(effect));
        let page = FormPage {
            layout: visitor.layout_in_theirs(cx, label, Section::ManageOtp),
            page: if name == "lost" { "otp-lost" } else { "otp-revoke" },
            heading: format!("{act}: {}?", credential.label),
            lead: language.text(lead),
            form: PageForm { submit_id: "continue".to_owned(), ..form },
            back: Action::link("cancel", language.text("back-to-manage-otp"), "/account/otp"),
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(cx))
}

async fn post_lost(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = managed(&visitor, form.get("credential"))?;
        report_lost(&cx, &visitor, credential).await?.tell_soon(&cx);
        Ok(see_other("/account/otp?done=lost"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Suspends what is lost and ends every other login in which it was shown: whoever has it now may be in one of them.
async fn report_lost(cx: &Cx, visitor: &Visitor, credential: &Credential) -> Result<Ended, PageFailure> {
    let person = visitor.person.id;
    let mut others = sessions::list_sessions(&cx.app.db, person, cx.now).await?;
    others.retain(|session| {
        session.id != visitor.live.session.id && session.events.iter().any(|event| event.credential == credential.id)
    });
    for session in &others {
        end::know_partners(cx, session.id).await?;
    }
    let mut ended = Ended::default();
    let transaction = cx.app.db.begin().await?;
    if credentials::suspend_credential(&transaction, credential.id, Cause::Lost, cx.now).await? {
        for session in &others {
            if let Some(more) = end::end_in(cx, &transaction, session.id, person).await? {
                ended.join(more);
            }
        }
        let data = json!({ "credential": credential.id, "sessions": others.len() });
        let event = Event::new("credential.lost").by(person).session(visitor.live.session.id);
        audit::record(cx, &transaction, event.data(data)).await?;
        let line = (Some(person), "reported lost by its holder");
        custody::log(cx, &transaction, credential, TokenStage::Suspended, line).await?;
        let notice =
            tell_of(credential, "reported lost", "It is suspended, and logins in which it was used have ended.");
        notices::tell(cx, &transaction, person, &notice).await?;
    }
    transaction.commit().await.map_err(Fault::from)?;
    Ok(ended)
}

async fn post_resume(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = managed(&visitor, form.get("credential"))?;
        let details = format!("/account/otp/{}", credential.id);
        let Some(suspended) = credentials::find_suspension(&cx.app.db, credential.id).await? else {
            return Ok(see_other("/account/otp"));
        };
        let typed = form.get("code");
        if !typed.is_empty() && credential.kind == CredentialKind::HardwareToken {
            let refused = match hardware::resume(&cx, &visitor.person, credential.id, typed).await? {
                CodeOutcome::Accepted(_) => return Ok(see_other("/account/otp?done=resumed")),
                CodeOutcome::Malformed => "malformed",
                CodeOutcome::Locked => "locked",
                CodeOutcome::Replayed | CodeOutcome::Overtaken => "replayed",
                CodeOutcome::Wrong => "wrong",
            };
            return Ok(see_other(&format!("{details}?refused={refused}")));
        }
        let by_itself = form.get("by") == "itself" && shows_itself(credential, Some(suspended));
        match allowed(&cx, &visitor, credential, suspended.cause) {
            Resuming::ByItself => return detour(&cx, &form, &visitor, credential, Want::Resume(credential.id)).await,
            Resuming::StepUp if by_itself => {
                return detour(&cx, &form, &visitor, credential, Want::Resume(credential.id)).await;
            }
            Resuming::Allowed => {}
            Resuming::StepUp => return detour(&cx, &form, &visitor, credential, Want::AnyOtp).await,
            Resuming::ByItsCode => return Ok(see_other(&format!("{details}?refused=needs-code"))),
            Resuming::NeedsPassword => {
                step_up_at(&cx, &form, &visitor, Landing::Credential(credential.id)).await?;
            }
            Resuming::Refused => return Ok(see_other(&format!("{details}?refused=needs-other"))),
        }
        let transaction = cx.app.db.begin().await?;
        if credentials::resume_credential(&transaction, credential.id, suspended.cause).await? {
            let event = Event::new("credential.resumed").by(visitor.person.id).session(visitor.live.session.id);
            audit::record(&cx, &transaction, event.data(json!({ "credential": credential.id }))).await?;
            let line = (Some(visitor.person.id), "resumed by its holder");
            custody::log(&cx, &transaction, credential, TokenStage::Active, line).await?;
            let notice = tell_of(credential, "resumed", "It can be used again.");
            notices::tell(&cx, &transaction, visitor.person.id, &notice).await?;
        }
        transaction.commit().await?;
        Ok(see_other("/account/otp?done=resumed"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Whether a suspension may end now.
enum Resuming {
    Allowed,
    /// Another credential is held: it must be shown first.
    StepUp,
    /// Nothing else is held, but a token can show a code.
    ByItsCode,
    /// Nothing else is held, but a phone can be asked.
    ByItself,
    /// Nothing else is held than the password.
    NeedsPassword,
    /// Nothing that is held does.
    Refused,
}

/// What was shown with the suspended credential itself never counts, however fresh.
fn allowed(cx: &Cx, visitor: &Visitor, credential: &Credential, cause: Cause) -> Resuming {
    let others: Vec<_> = visitor
        .credentials
        .iter()
        .filter(|held| !matches!(held.kind, CredentialKind::Password | CredentialKind::Recovery))
        .filter(|held| held.id != credential.id && held.state(cx.now) == CredentialState::Active)
        .map(|held| held.id)
        .collect();
    let fresh = |event: &stepgate_core::assurance::FactorEvent| {
        cx.now.since(event.at) <= FRESH && others.contains(&event.credential)
    };
    match cause.remedy() {
        Remedy::Administrator => Resuming::Refused,
        _ if visitor.live.session.events.iter().any(fresh) => Resuming::Allowed,
        _ if !others.is_empty() => Resuming::StepUp,
        Remedy::OtherCredential => Resuming::Refused,
        Remedy::AnyFreshFactor if credential.kind == CredentialKind::HardwareToken => Resuming::ByItsCode,
        Remedy::AnyFreshFactor if is_phone(credential) => Resuming::ByItself,
        Remedy::AnyFreshFactor => Resuming::NeedsPassword,
    }
}

const fn is_phone(credential: &Credential) -> bool {
    matches!(credential.kind, CredentialKind::PhoneOtp | CredentialKind::MobileId)
}

/// Whether a credential that its holder put to rest can be asked itself: by a code to its number, or on the phone.
pub(super) fn shows_itself(credential: &Credential, suspended: Option<Suspended>) -> bool {
    is_phone(credential) && suspended.is_some_and(|it| it.cause == Cause::Paused)
}

/// The detour on which another credential, or the one that rests, is shown.
async fn detour(
    cx: &Cx,
    form: &Form,
    visitor: &Visitor,
    credential: &Credential,
    want: Want,
) -> Result<Response, PageFailure> {
    let (person, session) = (visitor.person.id, visitor.live.session.id);
    let mut interaction = Interaction::begin(Purpose::Elevate { person, session, want }, cx.now);
    interaction.back = Some(Landing::Credential(credential.id));
    let parked = Parked::begin(cx, form.browser.token(), interaction).await?;
    Ok(see_other(&parked.path()))
}

async fn post_revoke(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = managed(&visitor, form.get("credential"))?;
        step_up_at(&cx, &form, &visitor, Landing::Credential(credential.id)).await?;
        let transaction = cx.app.db.begin().await?;
        if credentials::revoke_credential(&transaction, credential.id, cx.now).await? {
            let event = Event::new("credential.revoked").by(visitor.person.id).session(visitor.live.session.id);
            audit::record(&cx, &transaction, event.data(json!({ "credential": credential.id }))).await?;
            let line = (Some(visitor.person.id), "given up by its holder");
            custody::log(&cx, &transaction, credential, TokenStage::Revoked, line).await?;
            let notice = tell_of(credential, "revoked", "It is given up for good and opens nothing any more.");
            notices::tell(&cx, &transaction, visitor.person.id, &notice).await?;
        }
        transaction.commit().await?;
        Ok(see_other("/account/otp?done=revoked"))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
