//! The numbers of Phone OTP: added by a code that comes back, offered first, changed, removed.
//!
//! A number is an authenticator of its own: every change takes a fresh factor, and is told at every address on file
//! (NIST SP 800-63B-4 §3.1.3.3, §4.1.2). The pages are in `page`.

mod page;
mod verify;

pub(super) use page::delivered;

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::{Landing, PortalPage};
use stepgate_core::contact::{Country, PhoneNumber, Reach};
use stepgate_core::credentials::{Credential, Phone};
use stepgate_core::grants::Session;
use stepgate_core::id::PhoneId;
use stepgate_store::{credentials, phones as store};

use super::fresh::step_up_at;
use super::{Visitor, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::login::not_sent;
use crate::login::phone::{self, Channel, Sending};
use crate::notices::{self, Notice};
use crate::phones::first_text::{self, Opened};
use crate::words::Language;
use crate::{phones, subscriptions};

/// Numbers that one credential has at most.
const NUMBERS: usize = 5;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/phones", get(get_phones).post(post_add))
        .route("/account/otp/phones/prefer", post(post_prefer))
        .route("/account/otp/phones/channels", post(post_channels))
        .route("/account/otp/phones/remove", post(post_remove))
        .merge(verify::routes())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Which {
    credential: String,
    phone: String,
    done: String,
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed<'a> {
    number: &'a str,
    country: &'a str,
    channel: &'a str,
    /// Of the number.
    number_error: Option<String>,
    /// Of the whole.
    error: Option<String>,
    /// What says when the form was opened; empty for a new one.
    opened: &'a str,
    /// The field that people do not see.
    trap: &'a str,
}

/// Phone OTP of the visitor that numbers can be added to: active, or waiting for its first.
fn own<'a>(visitor: &'a Visitor, id: &str, cx: &Cx) -> Result<&'a Credential, PageFailure> {
    let found = visitor.credential(id).filter(|found| found.kind == CredentialKind::PhoneOtp);
    let open = |found: &&Credential| matches!(found.state(cx.now), CredentialState::Active | CredentialState::Pending);
    found.filter(open).ok_or(PageFailure::NotFound)
}

/// A number of the visitor's.
async fn own_phone<'a>(cx: &Cx, visitor: &'a Visitor, id: &str) -> Result<(&'a Credential, Phone), PageFailure> {
    for credential in &visitor.credentials {
        if credential.kind != CredentialKind::PhoneOtp {
            continue;
        }
        let phones = credentials::list_phones(&cx.app.db, credential.id).await?;
        if let Some(phone) = phones.into_iter().find(|phone| phone.id.to_string() == id) {
            return Ok((own(visitor, &credential.id.to_string(), cx)?, phone));
        }
    }
    Err(PageFailure::NotFound)
}

/// How far the product behind a credential reaches.
async fn reach(cx: &Cx, credential: &Credential) -> Result<Reach, Fault> {
    let found = credentials::find_secret(&cx.app.db, credential.id).await?;
    let reach = found.and_then(|found| found.parameters.get("reach").cloned());
    Ok(reach.and_then(|reach| serde_json::from_value(reach).ok()).unwrap_or_default())
}

/// What a code for a new number is good for: this number, in this session.
fn binding(visitor: &Visitor, phone: PhoneId) -> String {
    binding_in(&visitor.live.session, phone)
}

/// The same, for who needs no more of the visitor.
fn binding_in(session: &Session, phone: PhoneId) -> String {
    format!("phone:{phone}:{}", session.id)
}

/// What a form for a new number is good for: this credential, in this session.
fn form_binding(visitor: &Visitor, credential: &Credential) -> String {
    format!("{}:{}", credential.id, visitor.live.session.id)
}

/// The page of the only Phone OTP that numbers can be added to; Manage OTP where there are several, or none.
fn only(visitor: &Visitor, cx: &Cx) -> String {
    let mut open = visitor.credentials.iter().filter(|held| own(visitor, &held.id.to_string(), cx).is_ok());
    match (open.next(), open.next()) {
        (Some(one), None) => format!("/account/otp/phones?credential={}", one.id),
        _ => "/account/otp".to_owned(),
    }
}

async fn get_phones(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        if which.credential.is_empty() {
            return Ok(see_other(&only(&visitor, &cx)));
        }
        let credential = own(&visitor, &which.credential, &cx)?;
        if !subscriptions::may_bind(&cx, &visitor.person, credential).await? {
            return Ok(see_other("/account/proofing"));
        }
        let done = match which.done.as_str() {
            "added" => Some("The number is yours now, and can get codes."),
            "resting" => Some("The number is yours now. It can get codes for logins after a few days of rest."),
            "changed" => Some("The change is saved."),
            "removed" => Some("The number is removed. It gets no codes any more."),
            _ => None,
        };
        page::list(&cx, &visitor, credential, done, Typed::default()).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_add(form: Form) -> Response {
    let cx = form.cx.clone();
    let added = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, form.get("credential"), &cx)?;
        if !subscriptions::may_bind(&cx, &visitor.person, credential).await? {
            return Ok(see_other("/account/proofing"));
        }
        step_up_at(&cx, &form, &visitor, Landing::Numbers(credential.id)).await?;
        let typed = Typed {
            number: form.get("number"),
            country: form.get("country"),
            channel: form.get("channel"),
            opened: form.get("opened"),
            trap: form.get("comment"),
            ..Typed::default()
        };
        match add(&cx, &visitor, credential, &typed).await? {
            Added::Sent(phone) => Ok(see_other(&format!("/account/otp/phones/verify?phone={phone}"))),
            Added::Number(error) => {
                let typed = Typed { number_error: Some(error), ..typed };
                page::list(&cx, &visitor, credential, None, typed).await
            }
            Added::Not(error) => {
                page::list(&cx, &visitor, credential, None, Typed { error: Some(error), ..typed }).await
            }
            Added::Anew(error) => {
                let typed = Typed { error: Some(error), opened: "", ..typed };
                page::list(&cx, &visitor, credential, None, typed).await
            }
        }
    };
    added.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// What became of the wish to add a number.
enum Added {
    /// A code is on its way there.
    Sent(PhoneId),
    /// Something is wrong with the number.
    Number(String),
    /// No code was sent.
    Not(String),
    /// No code was sent, and it takes a new form.
    Anew(String),
}

async fn add(cx: &Cx, visitor: &Visitor, credential: &Credential, typed: &Typed<'_>) -> Result<Added, Fault> {
    let policy = phones::policy(cx)?;
    let country = typed.country.parse::<Country>().unwrap_or(policy.home);
    let number = match PhoneNumber::parse_in(country, typed.number) {
        Ok(number) => number,
        Err(refusal) => return Ok(Added::Number(refusal.to_string())),
    };
    let channel = if typed.channel == "voice" { Channel::Voice } else { Channel::Text };
    let texts = channel == Channel::Text;
    if let Err(refusal) = policy.judge(&number, texts, reach(cx, credential).await?) {
        return Ok(Added::Number(refusal.to_string()));
    }
    if !texts && !cx.app.outbound.calls() {
        return Ok(Added::Not("Nobody can be called from here. Choose texts.".to_owned()));
    }
    let hash = phones::number_hash(cx, &number);
    if store::has_number(&cx.app.db, credential.id, &hash).await? {
        return Ok(Added::Number("This number is set up already. Type another one.".to_owned()));
    }
    let verified = credentials::list_phones(&cx.app.db, credential.id).await?;
    if verified.iter().filter(|phone| phone.verified_at.is_some()).count() >= NUMBERS {
        return Ok(Added::Not(format!("There are {NUMBERS} numbers already. Remove one first.")));
    }
    let opened = Opened { proof: typed.opened, trap: typed.trap };
    if let Some(doubt) = first_text::doubt(cx, &form_binding(visitor, credential), visitor.person.id, &opened).await? {
        let words = doubt.words().to_owned();
        return Ok(if doubt.takes_a_new_form() { Added::Anew(words) } else { Added::Not(words) });
    }
    let phone = Phone {
        id: PhoneId::random(cx.entropy()),
        credential: credential.id,
        masked: number.masked(),
        text: texts,
        voice: !texts,
        preferred: false,
        verified_at: None,
    };
    let sealed =
        cx.app.secrets.sealing.seal(cx.entropy(), phone::SEAL, &phone.id.to_string(), number.as_e164().as_bytes())?;
    let transaction = cx.app.db.begin().await?;
    store::delete_unverified(&transaction, credential.id).await?;
    credentials::insert_phone(&transaction, &phone, &sealed, &hash).await?;
    transaction.commit().await?;
    let binding = binding(visitor, phone.id);
    Ok(match phone::send_unverified(cx, &phone, channel, &binding, &visitor.person).await? {
        Sending::Sent(_) => Added::Sent(phone.id),
        Sending::Refused(refusal) => Added::Number(refusal.to_string()),
        Sending::TooSoon(_) => {
            Added::Not("A code went to this number a moment ago. Wait a minute, then try again.".to_owned())
        }
        Sending::NoSuchPhone => Added::Not("Another number was typed in the meantime. Type yours again.".to_owned()),
        other => Added::Not(not_sent(Language::English, &other)),
    })
}

/// Tells every address on file, the numbers that were there before among them.
async fn told(
    cx: &Cx,
    transaction: &impl stepgate_store::Connection,
    credential: &Credential,
    (subject, text): (&str, String),
) -> Result<(), Fault> {
    let text =
        format!("{text} If that was not you, sign in, remove the number under Manage OTP, and change your password.");
    notices::tell(cx, transaction, credential.person, &Notice::new(subject, text).about(credential.id)).await
}

/// A change of a verified number, once a fresh factor was shown.
async fn change(form: &Form, kind: Change) -> Result<Response, PageFailure> {
    let cx = &form.cx;
    let visitor = visit(cx, &form.browser, PortalPage::ManageOtp).await?;
    let (credential, phone) = own_phone(cx, &visitor, form.get("phone")).await?;
    step_up_at(cx, form, &visitor, Landing::Numbers(credential.id)).await?;
    let here = format!("/account/otp/phones?credential={}", credential.id);
    let transaction = cx.app.db.begin().await?;
    let (event, subject, text, done) = match kind {
        Change::Prefer => {
            store::prefer_phone(&transaction, credential.id, phone.id).await?;
            let text = format!("The number {} is offered first for your login codes from now on.", phone.masked);
            ("phone_otp.number.preferred", "Another telephone number comes first", text, "changed")
        }
        Change::Channels { texts, calls } => {
            let number = phone::find_number(cx, phone.id).await?.ok_or(PageFailure::NotFound)?;
            let judged = phones::policy(cx)?.judge(&number, texts, reach(cx, credential).await?);
            let error = match judged {
                _ if !texts && !calls => Some("A number must take texts or calls.".to_owned()),
                Err(refusal) => Some(refusal.to_string()),
                Ok(_) => None,
            };
            if error.is_some() {
                let typed = Typed { error, ..Typed::default() };
                return page::list(cx, &visitor, credential, None, typed).await;
            }
            store::update_channels(&transaction, phone.id, (texts, calls)).await?;
            let text = format!("The number {} gets your login codes another way from now on.", phone.masked);
            ("phone_otp.number.changed", "A telephone number was changed", text, "changed")
        }
        Change::Remove => {
            let text =
                format!("The number {} was removed from your Phone OTP. It gets no codes any more.", phone.masked);
            ("phone_otp.number.removed", "A telephone number was removed", text, "removed")
        }
    };
    // The number that goes is told as well: it is on file until the last statement.
    told(cx, &transaction, credential, (subject, text)).await?;
    if matches!(kind, Change::Remove) && !store::delete_phone(&transaction, credential.id, phone.id, cx.now).await? {
        let error = "This is the last number that can get codes. Add another one first; it must have rested.";
        let typed = Typed { error: Some(error.to_owned()), ..Typed::default() };
        drop(transaction);
        return page::list(cx, &visitor, credential, None, typed).await;
    }
    let data = json!({ "credential": credential.id, "phone": phone.id, "number": phone.masked });
    audit::record(cx, &transaction, Event::new(event).by(visitor.person.id).data(data)).await?;
    transaction.commit().await?;
    Ok(see_other(&format!("{here}&done={done}")))
}

/// What changes about a number.
#[derive(Clone, Copy)]
enum Change {
    Prefer,
    Channels { texts: bool, calls: bool },
    Remove,
}

async fn post_prefer(form: Form) -> Response {
    change(&form, Change::Prefer).await.unwrap_or_else(|failure| failure.respond(&form.cx))
}

async fn post_channels(form: Form) -> Response {
    let (texts, calls) = (form.get("channels") != "voice", form.get("channels") != "text");
    change(&form, Change::Channels { texts, calls }).await.unwrap_or_else(|failure| failure.respond(&form.cx))
}

async fn post_remove(form: Form) -> Response {
    change(&form, Change::Remove).await.unwrap_or_else(|failure| failure.respond(&form.cx))
}
