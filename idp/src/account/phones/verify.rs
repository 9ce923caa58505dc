//! The code that comes back from a new number: its page, what became of it on its way, its check.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use stepgate_core::assurance::{Evidence, FactorEvent, Method};
use stepgate_core::authorize::interaction::PortalPage;
use stepgate_core::credentials::hardware_token::normalise_code;
use stepgate_core::credentials::{Credential, Phone, phone_otp};
use stepgate_store::{challenges, credentials, phones as store};

use super::{Which, binding, own_phone, page, told};
use crate::account::{Visitor, resume, visit};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::{Browser, Form};
use crate::http::page::{PageFailure, see_other};
use crate::login::phone::{self, Channel, Sending};
use crate::login::{not_sent, receipt};
use crate::{phones, session, subscriptions};

/// Wrong codes at a new number that a person may type in an hour, over all new numbers.
const TRIES: u64 = 10;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/otp/phones/verify", get(get_verify).post(post_verify))
        .route("/account/otp/phones/status", get(get_status))
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

/// What became of the code: the page's script asks every two seconds. Whoever is not logged in any more is told no more.
async fn get_status(cx: Cx, browser: Browser, Query(which): Query<Which>) -> Response {
    let told = async {
        let gone = || Ok(receipt::gone());
        let Some(live) = session::find(&cx, browser.session.as_deref()).await? else { return gone() };
        let Ok(id) = which.phone.parse() else { return gone() };
        receipt::status(&cx, &super::binding_in(&live.session, id), receipt::Place::NewNumber).await
    };
    match told.await {
        Ok(told) => ([(header::CACHE_CONTROL, "no-store")], Json(told)).into_response(),
        Err(fault) => PageFailure::from(fault).respond(&cx),
    }
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
                Ok(Added::Usable(shown)) => {
                    return resume::bound(&cx, &form.browser, visitor.live, shown, &format!("{here}&done=added")).await;
                }
                Ok(Added::Rests) => return Ok(see_other(&format!("{here}&done=resting"))),
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

/// A number that is the person's now.
enum Added {
    /// Logins take it, and its code has shown it.
    Usable(FactorEvent),
    /// It rests before logins take it.
    Rests,
}

/// Checks the code that came back from a new number. The try is counted before anything is compared, on the person and on
/// the code.
async fn verify(
    cx: &Cx,
    visitor: &Visitor,
    credential: &Credential,
    (phone, binding): (&Phone, &str),
    typed: &str,
) -> Result<Result<Added, &'static str>, Fault> {
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
    if rests {
        return Ok(Ok(Added::Rests));
    }
    Ok(Ok(Added::Usable(FactorEvent {
        method: if latest.channel == Channel::Voice.as_str() { Method::PhoneVoice } else { Method::PhoneText },
        at: cx.now,
        credential: credential.id,
        evidence: Evidence::default(),
        proofed: visitor.person.is_proofed(cx.now),
    })))
}

/// The number is the person's: the first one activates the credential, a further one rests. Whether it does.
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
