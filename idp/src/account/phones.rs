//! The numbers of Phone OTP: added by a code that comes back, offered first, changed, removed.
//!
//! A number is an authenticator of its own: every change takes a fresh factor, and is told at every address on file
//! (NIST SP 800-63B-4 §3.1.3.3, §4.1.2). The pages are in `page`.

mod page;

pub(super) use page::delivered;

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use stepgate_core::assurance::{CredentialKind, CredentialState};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::contact::{Country, PhoneNumber, Reach};
use stepgate_core::credentials::hardware_token::normalise_code;
use stepgate_core::credentials::{Credential, Phone, phone_otp};
use stepgate_core::id::PhoneId;
use stepgate_store::{challenges, credentials, phones as store};

use super::fresh::step_up;
use super::{Visitor, resume, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::login::not_sent;
use crate::login::phone::{self, Channel, Sending};
use crate::notices::{self, Notice};
use crate::{phones, subscriptions};

/// Wrong codes at a new number that a person may type in an hour, over all new numbers.
const TRIES: u64 = 10;
/// Numbers that one credential has at most.
const NUMBERS: usize = 5;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/phones", get(get_phones).post(post_add))
        .route("/account/otp/phones/verify", get(get_verify).post(post_verify))
        .route("/account/otp/phones/prefer", post(post_prefer))
        .route("/account/otp/phones/channels", post(post_channels))
        .route("/account/otp/phones/remove", post(post_remove))
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
    format!("phone:{phone}:{}", visitor.live.session.id)
}

async fn get_phones(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let credential = own(&visitor, &which.credential, &cx)?;
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
        step_up(&cx, &form, &visitor).await?;
        let typed = Typed {
            number: form.get("number"),
            country: form.get("country"),
            channel: form.get("channel"),
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
        other => Added::Not(not_sent(&other)),
    })
}

async fn get_verify(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let shown = async {
        let visitor = visit(&cx, &browser, PortalPage::ManageOtp).await?;
        let (credential, phone) = own_phone(&cx, &visitor, &which.phone).await?;
        if phone.verified_at.is_some() {
            return Ok(see_other(&format!("/account/otp/phones?credential={}", credential.id)));
        }
        page::verify(&cx, &visitor, (credential, &phone), &binding(&visitor, phone.id), None).await
    };
    shown.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

async fn post_verify(form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let visitor = visit(&cx, &form.browser, PortalPage::ManageOtp).await?;
        let (credential, phone) = own_phone(&cx, &visitor, form.get("phone")).await?;
        let binding = binding(&visitor, phone.id);
        let here = format!("/account/otp/phones?credential={}", credential.id);
        if phone.verified_at.is_some() {
            return Ok(see_other(&here));
        }
        let error = if form.get("resend").is_empty() {
            match verify(&cx, &visitor, credential, (&phone, &binding), form.get("code")).await? {
                Ok(rests) => {
                    let done = if rests { "resting" } else { "added" };
                    let here = format!("{here}&done={done}");
                    return Ok(see_other(&resume::way_on(&cx, &form.browser, &here).await?));
                }
                Err(error) => error.to_owned(),
            }
        } else {
            let channel = if phone.text { Channel::Text } else { Channel::Voice };
            match phone::send_unverified(&cx, &phone, channel, &binding, &visitor.person).await? {
                Sending::Sent(_) => return Ok(see_other(&format!("/account/otp/phones/verify?phone={}", phone.id))),
                other => not_sent(&other),
            }
        };
        page::verify(&cx, &visitor, (credential, &phone), &binding, Some(error)).await
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Checks the code that came back from a new number. The try is counted before anything is compared, on the person and on
/// the code. Whether the number rests before logins take it.
async fn verify(
    cx: &Cx,
    visitor: &Visitor,
    credential: &Credential,
    (phone, binding): (&Phone, &str),
    typed: &str,
) -> Result<Result<bool, &'static str>, Fault> {
    let Some(code) = normalise_code(typed) else { return Ok(Err("A code has six digits. Type the digits only.")) };
    let (db, person) = (&cx.app.db, visitor.person.id);
    let hour = std::time::Duration::from_secs(3600);
    if cx.app.ephemeral.incr("phone bind try", &person.to_string(), hour, cx.now).await? > TRIES {
        return Ok(Err("There were too many wrong codes. Try again in an hour."));
    }
    let Some(latest) = challenges::latest_phone_challenge(db, binding).await? else {
        return Ok(Err("There is no code for this number. Ask for another one."));
    };
    let hash = challenges::reserve_phone_try(db, latest.id, binding, cx.now, phone_otp::MAX_TRIES).await?;
    let key = cx.app.secrets.codes.expose();
    if !hash.is_some_and(|hash| phone_otp::code_matches(key, latest.id, &code, &hash)) {
        let event = Event::new("phone_otp.number.failed").by(person);
        audit::record(cx, &db.write, event).await?;
        return Ok(Err("That code is not right, or it is too old. Check the digits, or ask for another code."));
    }
    if !challenges::take_phone_challenge(db, latest.id, cx.now).await? {
        return Ok(Err("That code was already used. Ask for another one."));
    }
    let rests = bind(cx, visitor, credential, phone).await?;
    phones::code_used(cx, latest.id).await?;
    Ok(Ok(rests))
}

/// The number is the person's: the first one activates the credential, a further one rests.
async fn bind(cx: &Cx, visitor: &Visitor, credential: &Credential, phone: &Phone) -> Result<bool, Fault> {
    let known = credentials::list_phones(&cx.app.db, credential.id).await?;
    let first = !known.iter().any(|other| other.verified_at.is_some());
    let age = cx.app.settings.phone.minimum_age();
    let usable_from = (!first && !age.is_zero()).then(|| cx.now + age);
    let transaction = cx.app.db.begin().await?;
    store::verify_phone(&transaction, phone.id, usable_from, cx.now).await?;
    if first {
        store::prefer_phone(&transaction, credential.id, phone.id).await?;
        credentials::update_stage(&transaction, credential.id, "pending", "active", cx.now).await?;
        subscriptions::begin_term(cx, &transaction, credential).await?;
    }
    let event = Event::new("phone_otp.number.added").by(visitor.person.id);
    let data = json!({ "credential": credential.id, "phone": phone.id, "number": phone.masked });
    audit::record(cx, &transaction, event.data(data)).await?;
    let rest = if usable_from.is_some() {
        format!(" It can be used for logins in {} hours.", cx.app.settings.phone.minimum_age_hours)
    } else {
        String::new()
    };
    let text = format!("The number {} was added to your Phone OTP and gets login codes.{rest}", phone.masked);
    told(cx, &transaction, credential, ("A telephone number was added", text)).await?;
    transaction.commit().await?;
    Ok(usable_from.is_some())
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
    step_up(cx, form, &visitor).await?;
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
