//! One credential: its page, and its test.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Interaction, PortalPage, Purpose, Want};
use stepgate_core::credentials::Credential;
use stepgate_core::credentials::hardware_token::{Mode, OathParameters};
use stepgate_core::credentials::suspension::Cause;
use stepgate_store::credentials::Suspended;
use stepgate_store::subscriptions::SoldAs;
use stepgate_store::{audit, credentials, mobile, subscriptions as terms};

use super::change::{self, Which};
use super::manage::own;
use super::{Visitor, broken, cards, history, renew, visit};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::login::Parked;
use crate::pages::credential::{CredentialPage, OtpTestPage};
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::parts::state_tone;
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Layout, Section, Tone, When};
use crate::subscriptions::{self, Plan};
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/{credential}", get(get_details))
        .route("/account/otp/test", post(post_test).get(get_tested))
}

/// What the page's address may carry.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    refused: String,
    #[serde(default)]
    done: String,
}

async fn get_details(cx: Cx, browser: Browser, Path(id): Path<String>, Query(said): Query<Said>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, &id, None)?;
        let mut page = details(&cx, &visitor, credential, &said.refused).await?;
        page.done = (said.done == "asked").then(|| visitor.language.text("warranty-asked-thanks"));
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn details(cx: &Cx, visitor: &Visitor, credential: &Credential, said: &str) -> Result<CredentialPage, Fault> {
    let state = credential.state(cx.now);
    let suspended = match state {
        CredentialState::Suspended => credentials::find_suspension(&cx.app.db, credential.id).await?,
        _ => None,
    };
    let (id, language) = (credential.id.to_string(), visitor.language);
    let sold = terms::find_sold_as(&cx.app.db, credential.id).await?;
    let catalogue = crate::shop::catalogue(cx).await?;
    let mut actions: Vec<Action> = cards::primary(cx, visitor, &catalogue, (credential, &sold)).into_iter().collect();
    if state == CredentialState::Active {
        let elevate = Action::post(format!("elevate-{id}"), language.text("elevate"), "/account/elevate");
        actions.push(elevate.with("kind", credential.kind.as_str()));
    }
    if !matches!(credential.kind, CredentialKind::Password | CredentialKind::Recovery) {
        let rename = format!("/account/otp/rename?credential={id}");
        actions.push(Action::link(format!("rename-{id}"), language.text("rename"), rename));
        actions.extend(change::actions(credential, (state, suspended), language));
    }
    let mut forms: Vec<PageForm> = by_code(credential, suspended, language).into_iter().collect();
    let plan = subscriptions::plan(cx, credential, &sold).await?;
    forms.extend(renew::switch(cx, visitor, credential, (&sold, plan.as_ref())));
    let (warranty, is_broken) = broken::of(cx, visitor, credential, &sold).await?;
    forms.extend(is_broken);
    let mut facts = facts(cx, visitor, (credential, &sold, plan.as_ref()), suspended).await?;
    facts.extend(warranty);
    Ok(CredentialPage {
        layout: Layout {
            title: credential.label.clone(),
            ..visitor.layout_in_theirs(cx, "manage-otp", Section::ManageOtp)
        },
        heading: credential.label.clone(),
        tone: state_tone(state),
        state: language.state(state),
        note: cards::note(cx, visitor, (credential, suspended), language),
        facts,
        actions,
        devices: devices(cx, visitor, credential).await?,
        forms,
        history: history::of(cx, visitor, credential).await?,
        done: None,
        refused: refused(said).map(|key| language.text(key)),
    })
}

fn refused(said: &str) -> Option<&'static str> {
    Some(match said {
        "no-reason" => "warranty-no-reason",
        "asked" => "warranty-asked-before",
        "malformed" => "code-malformed",
        "wrong" => "code-wrong-now",
        "replayed" => "code-replayed-token",
        "locked" => "code-locked",
        "needs-code" => "resume-needs-code",
        "needs-other" => "resume-needs-other",
        _ => return None,
    })
}

/// What its holder put to rest comes back by a proof of its own: a code of the token, a code to the number, the phone.
fn by_code(credential: &Credential, suspended: Option<Suspended>, language: Language) -> Option<PageForm> {
    if change::shows_itself(credential, suspended) {
        let hidden = |name: &str, value: String| Field::required(name, "", Control::Hidden, value);
        let fields = vec![hidden("credential", credential.id.to_string()), hidden("by", "itself".to_owned())];
        let label = match credential.kind {
            CredentialKind::MobileId => language.text("resume-by-phone"),
            _ => language.text("resume-by-number"),
        };
        return Some(PageForm::side("resume", "/account/otp/resume", label, fields));
    }
    let paused = suspended.is_some_and(|it| it.cause == Cause::Paused);
    (paused && credential.kind == CredentialKind::HardwareToken).then(|| {
        let hidden = Field::required("credential", "", Control::Hidden, credential.id.to_string());
        let code = Field::required("code", language.text("code"), Control::Digits, "");
        let fields = vec![hidden, code.help(language.text("resume-code-help"))];
        PageForm::side("resume", "/account/otp/resume", language.text("resume-by-code"), fields)
    })
}

async fn facts(
    cx: &Cx,
    visitor: &Visitor,
    (credential, sold, plan): (&Credential, &SoldAs, Option<&Plan>),
    suspended: Option<Suspended>,
) -> Result<Vec<(String, Cell)>, Fault> {
    let (zone, language) = (visitor.zone(), visitor.language);
    let date = |at| Cell::Time(visitor.date(at));
    let near = |at| Cell::Time(When::new_in(language, at, cx.now, &zone));
    let mut facts = vec![(language.text("fact-kind"), Cell::text(language.kind(credential.kind)))];
    let mut add = |label: &str, value: Option<Cell>| facts.extend(value.map(|value| (language.text(label), value)));
    add("fact-serial", credential.serial.clone().map(Cell::Code));
    add("bought", credential.purchased_at.map(date));
    let product = sold.product.as_ref().map(|sold| {
        let products = cx.app.settings.subscriptions.products();
        let known = products.into_iter().find(|product| product.id == *sold);
        Cell::text(known.map_or_else(|| sold.to_string(), |product| product.name))
    });
    add("fact-bought-as", product);
    add("set-up", credential.activated_at.map(date));
    add("expires", credential.expires_at.map(date));
    let by_itself = plan.filter(|_| sold.auto_renew && credential.expires_at.is_some());
    add("fact-by-itself", by_itself.map(|plan| Cell::text(renew::words(visitor, plan))));
    let used = credential.last_used_at.map(near);
    add("last-used", Some(used.unwrap_or_else(|| Cell::text(language.text("never")))));
    let since = suspended.and_then(|it| it.at);
    add("state-suspended", since.map(near));
    let tries = (credential.failures > 0).then(|| Cell::text(credential.failures.to_string()));
    add("fact-failures", tries);
    if visitor.person.is_proofed(cx.now) {
        add("fact-identity", Some(Cell::State(Tone::Ok, language.text("proofed"))));
    }
    if credential.kind == CredentialKind::HardwareToken && credential.stage != CredentialState::Pending {
        let (label, text) = step(cx, credential, language).await?;
        add(label, Some(Cell::text(text)));
    }
    Ok(facts)
}

/// The word for a token's clock.
const CLOCK: &str = "fact-clock";

/// Where a token is: how far its clock wanders, or how often its button was pressed.
async fn step(cx: &Cx, credential: &Credential, language: Language) -> Result<(&'static str, String), Fault> {
    let Some(kept) = credentials::find_secret(&cx.app.db, credential.id).await? else {
        return Ok((CLOCK, String::new()));
    };
    let parameters: OathParameters = serde_json::from_value(kept.parameters).map_err(Fault::internal)?;
    Ok(match parameters.mode() {
        Mode::Hotp => ("fact-codes-used", kept.counter.saturating_add(1).to_string()),
        Mode::Totp { .. } if credential.last_used_at.is_none() => (CLOCK, language.text("clock-unseen")),
        Mode::Totp { period_seconds } => {
            let away = kept.drift.unsigned_abs().saturating_mul(period_seconds);
            let text = match kept.drift {
                0 => language.text("clock-in-step"),
                1.. => language.say("clock-ahead", [("seconds", away.into())]),
                _ => language.say("clock-behind", [("seconds", away.into())]),
            };
            (CLOCK, text)
        }
    })
}

/// The numbers of Phone OTP, the phones of Mobile ID.
async fn devices(cx: &Cx, visitor: &Visitor, credential: &Credential) -> Result<Option<(String, Table)>, Fault> {
    let language = visitor.language;
    let (heading, columns, rows): (_, &[&str], Vec<Vec<Cell>>) = match credential.kind {
        CredentialKind::PhoneOtp => {
            let phones = credentials::list_phones(&cx.app.db, credential.id).await?;
            let rows = phones.into_iter().map(|phone| {
                let takes = language.text(cards::channels(&phone));
                let first = if phone.preferred { language.text("phone-first") } else { String::new() };
                let proved = Cell::time(phone.verified_at.map(|at| visitor.date(at)));
                vec![Cell::Code(phone.masked), Cell::text(takes), proved, Cell::text(first)]
            });
            ("numbers", &["phone-number", "phone-takes", "phone-proved", "phone-order"], rows.collect())
        }
        CredentialKind::MobileId => {
            let phones = mobile::list_devices(&cx.app.db, credential.id).await?;
            let rows = phones.into_iter().map(|phone| {
                let (tone, word) =
                    if phone.active { (Tone::Ok, "set-up") } else { (Tone::Notice, "device-unconfirmed") };
                vec![Cell::text(phone.label), Cell::State(tone, language.text(word))]
            });
            ("phones", &["device", "device-state"], rows.collect())
        }
        _ => return Ok(None),
    };
    let columns: Vec<String> = columns.iter().map(|column| language.text(column)).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    Ok(Some((language.text(heading), Table::new(&columns, rows, language.text("none")))))
}

/// A test is a login's step that leads nowhere else.
async fn post_test(form: Form) -> Response {
    let cx = form.cx.clone();
    let begun = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, form.get("credential"), None)?;
        let testable = !matches!(credential.kind, CredentialKind::Password | CredentialKind::Recovery);
        if !testable || credential.state(cx.now) != CredentialState::Active {
            return Ok(see_other(&format!("/account/otp/{}", credential.id)));
        }
        let (person, session) = (visitor.person.id, visitor.live.session.id);
        let purpose = Purpose::Elevate { person, session, want: Want::Test(credential.id) };
        let parked = Parked::begin(&cx, form.browser.token(), Interaction::begin(purpose, cx.now)).await?;
        Ok(see_other(&parked.path()))
    };
    begun.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// How long the result of a test is worth showing, in milliseconds.
const JUST_TESTED: i64 = 600_000;

/// The result, from what is on record: nobody can make the page say that something works.
async fn get_tested(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, &which.credential, None)?;
        let id = credential.id.to_string();
        let events = audit::list_latest_of(&cx.app.db, visitor.person.id, 20).await?;
        let worked = events.iter().map(|found| &found.event).any(|event| {
            event.kind == "credential.tested"
                && event.data.get("credential").and_then(serde_json::Value::as_str) == Some(id.as_str())
                && cx.now.unix_millis() - event.at.unix_millis() < JUST_TESTED
        });
        if !worked {
            return Ok(see_other(&format!("/account/otp/{id}")));
        }
        let language = visitor.language;
        let detail = match credential.kind {
            CredentialKind::HardwareToken => match step(&cx, credential, language).await? {
                (CLOCK, text) => language.say("test-clock", [("clock", text.into())]),
                (_, count) => language.say("test-codes", [("count", count.into())]),
            },
            _ => language.text("test-answered"),
        };
        let page = OtpTestPage {
            layout: visitor.layout_in_theirs(&cx, "test", Section::ManageOtp),
            tone: Tone::Ok,
            heading: language.say("test-works", [("label", credential.label.as_str().into())]),
            detail: format!("{detail} {}", language.text("test-session")),
            actions: vec![
                Action::link("continue", language.text("back-to-manage-otp"), "/account/otp"),
                Action::link("details", language.text("view-details"), format!("/account/otp/{id}")),
            ],
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
