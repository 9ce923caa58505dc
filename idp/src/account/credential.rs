//! One credential: its page, and its test.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use stepgate_core::assurance::{self, CredentialKind, CredentialState};
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
use crate::pages::parts::{state_name, state_tone};
use crate::pages::table::{Cell, Table};
use crate::pages::{self, Action, Section, Tone, When};
use crate::subscriptions::{self, Plan};

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
        page.done = (said.done == "asked").then(|| "Thank you. We look into it, and write to you.".to_owned());
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
    let id = credential.id.to_string();
    let sold = terms::find_sold_as(&cx.app.db, credential.id).await?;
    let mut actions: Vec<Action> =
        cards::primary(cx, visitor, &crate::shop::catalogue(cx).await?, (credential, &sold)).into_iter().collect();
    if state == CredentialState::Active {
        let elevate = Action::post(format!("elevate-{id}"), "Elevate", "/account/elevate");
        actions.push(elevate.with("kind", credential.kind.as_str()));
    }
    if !matches!(credential.kind, CredentialKind::Password | CredentialKind::Recovery) {
        let rename = format!("/account/otp/rename?credential={id}");
        actions.push(Action::link(format!("rename-{id}"), "Rename", rename));
        actions.extend(change::actions(credential, state, suspended));
    }
    let mut forms: Vec<PageForm> = by_code(credential, suspended).into_iter().collect();
    let plan = subscriptions::plan(cx, credential, &sold).await?;
    forms.extend(renew::switch(cx, visitor, credential, (&sold, plan.as_ref())));
    let (warranty, is_broken) = broken::of(cx, visitor, credential, &sold).await?;
    forms.extend(is_broken);
    let mut facts = facts(cx, visitor, (credential, &sold, plan.as_ref()), suspended).await?;
    facts.extend(warranty);
    Ok(CredentialPage {
        layout: visitor.layout(cx, &credential.label, Section::ManageOtp),
        heading: credential.label.clone(),
        tone: state_tone(state),
        state: state_name(state).to_owned(),
        note: cards::note(cx, visitor, credential, suspended),
        facts,
        actions,
        devices: devices(cx, visitor, credential).await?,
        forms,
        history: history::of(cx, visitor, credential).await?,
        done: None,
        refused: refused(said).map(str::to_owned),
    })
}

fn refused(said: &str) -> Option<&'static str> {
    Some(match said {
        "no-reason" => "Nothing was sent to us: say in a few words what is broken.",
        "asked" => "Nothing was sent to us: somebody asked about this token before, or its warranty is over.",
        "malformed" => "A code has 6 to 8 digits. Type the digits only.",
        "wrong" => "That code is not right. Type the digits that your token shows now.",
        "replayed" => "That code was already used. Wait for the next one (up to 30 seconds).",
        "locked" => "There were too many wrong codes. Wait a while before you try again.",
        "needs-code" => "To resume it, type the code that it shows now.",
        "needs-other" => {
            "To resume it you need another credential than this one and your password. Ask your administrator, or revoke \
             it and get a new one."
        }
        _ => return None,
    })
}

/// What its holder put to rest comes back by a proof of its own: a code of the token, a code to the number, the phone.
fn by_code(credential: &Credential, suspended: Option<Suspended>) -> Option<PageForm> {
    if change::shows_itself(credential, suspended) {
        let hidden = |name: &str, value: String| Field::required(name, "", Control::Hidden, value);
        let fields = vec![hidden("credential", credential.id.to_string()), hidden("by", "itself".to_owned())];
        let label = match credential.kind {
            CredentialKind::MobileId => "Resume on your phone",
            _ => "Resume by a code to your number",
        };
        return Some(PageForm::side("resume", "/account/otp/resume", label, fields));
    }
    let paused = suspended.is_some_and(|it| it.cause == Cause::Paused);
    (paused && credential.kind == CredentialKind::HardwareToken).then(|| {
        let hidden = Field::required("credential", "", Control::Hidden, credential.id.to_string());
        let code = Field::required("code", "Code", Control::Digits, "").help("The digits that your token shows now.");
        PageForm::side("resume", "/account/otp/resume", "Resume by a code", vec![hidden, code])
    })
}

async fn facts(
    cx: &Cx,
    visitor: &Visitor,
    (credential, sold, plan): (&Credential, &SoldAs, Option<&Plan>),
    suspended: Option<Suspended>,
) -> Result<Vec<(String, Cell)>, Fault> {
    let zone = visitor.zone();
    let date = |at| Cell::Time(When::date(at, &zone));
    let mut facts = vec![("Kind".to_owned(), Cell::text(assurance::label(credential.kind)))];
    let mut add = |label: &str, value: Option<Cell>| facts.extend(value.map(|value| (label.to_owned(), value)));
    add("Serial number", credential.serial.clone().map(Cell::Code));
    add("Bought", credential.purchased_at.map(date));
    let product = sold.product.as_ref().map(|sold| {
        let products = cx.app.settings.subscriptions.products();
        let known = products.into_iter().find(|product| product.id == *sold);
        Cell::text(known.map_or_else(|| sold.to_string(), |product| product.name))
    });
    add("Bought as", product);
    add("Set up", credential.activated_at.map(date));
    add("Expires", credential.expires_at.map(date));
    let by_itself = plan.filter(|_| sold.auto_renew && credential.expires_at.is_some());
    add("Renewed by itself", by_itself.map(|plan| Cell::text(renew::words(visitor, plan))));
    let used = credential.last_used_at.map(|at| Cell::Time(When::new(at, cx.now, &zone)));
    add("Last used", Some(used.unwrap_or_else(|| Cell::text("Never"))));
    let since = suspended.and_then(|it| it.at);
    add("Suspended", since.map(|at| Cell::Time(When::new(at, cx.now, &zone))));
    let tries = (credential.failures > 0).then(|| Cell::text(credential.failures.to_string()));
    add("Failed tries since", tries);
    if visitor.person.is_proofed(cx.now) {
        add("Identity", Some(Cell::State(Tone::Ok, "Proofed".to_owned())));
    }
    if credential.kind == CredentialKind::HardwareToken && credential.stage != CredentialState::Pending {
        let (label, text) = step(cx, credential).await?;
        add(label, Some(Cell::text(text)));
    }
    Ok(facts)
}

/// Where a token is: how far its clock wanders, or how often its button was pressed.
async fn step(cx: &Cx, credential: &Credential) -> Result<(&'static str, String), Fault> {
    let Some(kept) = credentials::find_secret(&cx.app.db, credential.id).await? else {
        return Ok(("Clock", String::new()));
    };
    let parameters: OathParameters = serde_json::from_value(kept.parameters).map_err(Fault::internal)?;
    Ok(match parameters.mode() {
        Mode::Hotp => ("Codes used", kept.counter.saturating_add(1).to_string()),
        Mode::Totp { .. } if credential.last_used_at.is_none() => ("Clock", "not seen yet".to_owned()),
        Mode::Totp { period_seconds } => {
            let away = kept.drift.unsigned_abs().saturating_mul(period_seconds);
            let text = match kept.drift {
                0 => "in step with ours".to_owned(),
                1.. => format!("about {away} seconds ahead, which is fine"),
                _ => format!("about {away} seconds behind, which is fine"),
            };
            ("Clock", text)
        }
    })
}

/// The numbers of Phone OTP, the phones of Mobile ID.
async fn devices(cx: &Cx, visitor: &Visitor, credential: &Credential) -> Result<Option<(String, Table)>, Fault> {
    let zone = visitor.zone();
    let (heading, columns, rows): (_, &[&str], Vec<Vec<Cell>>) = match credential.kind {
        CredentialKind::PhoneOtp => {
            let phones = credentials::list_phones(&cx.app.db, credential.id).await?;
            let rows = phones.into_iter().map(|phone| {
                let takes = match (phone.text, phone.voice) {
                    (true, true) => "Text and calls",
                    (true, false) => "Text only",
                    _ => "Calls only",
                };
                let first = if phone.preferred { "Offered first" } else { "" };
                let proved = Cell::time(phone.verified_at.map(|at| When::date(at, &zone)));
                vec![Cell::Code(phone.masked), Cell::text(takes), proved, Cell::text(first)]
            });
            ("Numbers", &["Number", "Takes", "Proved", "Order"], rows.collect())
        }
        CredentialKind::MobileId => {
            let phones = mobile::list_devices(&cx.app.db, credential.id).await?;
            let rows = phones.into_iter().map(|phone| {
                let (tone, word) = if phone.active { (Tone::Ok, "Set up") } else { (Tone::Notice, "Not confirmed") };
                vec![Cell::text(phone.label), Cell::State(tone, word.to_owned())]
            });
            ("Phones", &["Phone", "State"], rows.collect())
        }
        _ => return Ok(None),
    };
    Ok(Some((heading.to_owned(), Table::new(columns, rows, "None."))))
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
        let detail = match credential.kind {
            CredentialKind::HardwareToken => match step(&cx, credential).await? {
                ("Clock", text) => format!("Its clock is {text}."),
                (_, count) => format!("Codes of it that were used so far: {count}."),
            },
            _ => "It was asked and answered as it should.".to_owned(),
        };
        let page = OtpTestPage {
            layout: visitor.layout(&cx, "Test", Section::ManageOtp),
            tone: Tone::Ok,
            heading: format!("{} works", credential.label),
            detail: format!("{detail} Your session is as strong as it was before."),
            actions: vec![
                Action::link("continue", "Back to Manage OTP", "/account/otp"),
                Action::link("details", "View details", format!("/account/otp/{id}")),
            ],
        };
        Ok(pages::respond(StatusCode::OK, &page))
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
