//! *It is broken*: whoever bought a token, or has it, asks for another one within the days of its warranty, once for each
//! token. Finance replaces it (`warranty`), or refuses with a reason that is mailed.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use serde_json::json;
use stepgate_core::contact::is_unseen;
use stepgate_core::id::{LicenseKeyId, OrderId, PersonId};
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey};
use stepgate_core::subscriptions::order::{Order, OrderStage, WARRANTY_DAYS};
use stepgate_core::subscriptions::term::days_after;
use stepgate_core::time::Timestamp;
use stepgate_store::desk::{self, Extras};
use stepgate_store::tokens::parcels;
use stepgate_store::warranty::{self as store, Answer, Request};
use stepgate_store::{license_keys, orders};

use super::{orders as order_pages, words};
use crate::account::Visitor;
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::notices::{self, Notice};
use crate::pages::When;
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::words::Language;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/orders/{number}/broken", post(post_broken))
}

/// How a token stands with its warranty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warranty {
    /// It can be asked for another one until then.
    Until(Timestamp),
    /// Its days are over since then.
    Over(Timestamp),
    /// Somebody has asked, and waits for an answer.
    Asked(Timestamp),
    /// It is not replaced; why.
    Refused(String),
}

/// A token that was sent, and how it stands.
pub struct Sent {
    /// The key that it was sold with.
    pub key: LicenseKey,
    /// Which token of that key.
    pub number: i64,
    /// How it stands.
    pub warranty: Warranty,
}

/// The tokens of an order that were sent. Not those that are replaced at the moment: the next is not there yet.
///
/// # Errors
/// The store.
pub async fn sent(cx: &Cx, order: &Order, extras: &Extras) -> Result<Vec<Sent>, Fault> {
    let (Some(at), OrderStage::Paid, None) = (extras.sent_at, order.stage, extras.replaces) else {
        return Ok(Vec::new());
    };
    let keys = license_keys::list_keys_of_order(&cx.app.db, order.id).await?;
    let replaced = store::list_replaced(&cx.app.db, order.id).await?;
    let asked = store::list_requests(&cx.app.db, order.id).await?;
    let ends = days_after(at, WARRANTY_DAYS);
    let mut found = Vec::new();
    for key in keys.into_iter().filter(|key| key.gives.ships && key.stage != KeyStage::Void) {
        let number = match replaced.iter().find(|(replaced, ..)| *replaced == key.id) {
            Some((_, _, false)) => continue,
            Some((_, number, true)) => number + 1,
            None => 1,
        };
        let request = asked.iter().find(|it| it.key == key.id && it.number == number);
        let warranty = match request.map(|it| (it.answer, it.asked_at, it.why.clone())) {
            Some((Answer::None, at, _)) => Warranty::Asked(at),
            Some((Answer::Refused, _, why)) => Warranty::Refused(why.unwrap_or_default()),
            Some((Answer::Replaced, ..)) | None if cx.now < ends => Warranty::Until(ends),
            Some((Answer::Replaced, ..)) | None => Warranty::Over(ends),
        };
        found.push(Sent { key, number, warranty });
    }
    Ok(found)
}

/// The order that a key was bought with, and how its token stands. `None` where none was sent.
///
/// # Errors
/// The store.
pub async fn of_key(cx: &Cx, key: LicenseKeyId) -> Result<Option<(Order, Sent)>, Fault> {
    let order = license_keys::find_key(&cx.app.db, key).await?.and_then(|key| key.order);
    let Some(order) = order else { return Ok(None) };
    let Some(order) = orders::find_order(&cx.app.db, order).await? else { return Ok(None) };
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    let sent = sent(cx, &order, &extras).await?.into_iter().find(|sent| sent.key.id == key);
    Ok(sent.map(|sent| (order, sent)))
}

/// Whether somebody has asked, and waits.
///
/// # Errors
/// The store.
pub(super) async fn is_asked(cx: &Cx, order: OrderId, (key, number): (LicenseKeyId, i64)) -> Result<bool, Fault> {
    let asked = store::list_requests(&cx.app.db, order).await?;
    Ok(asked.iter().any(|it| it.key == key && it.number == number && it.answer == Answer::None))
}

/// What was asked about an order and waits for an answer.
///
/// # Errors
/// The store.
pub async fn list_asked(cx: &Cx, order: &Order) -> Result<Vec<Request>, Fault> {
    let mut asked = store::list_requests(&cx.app.db, order.id).await?;
    asked.retain(|it| it.answer == Answer::None);
    Ok(asked)
}

/// A reason as it is kept and mailed: one line, 200 characters. `None` when nothing is written.
pub fn reason(typed: &str) -> Option<String> {
    let text: String = typed.chars().filter(|letter| !is_unseen(*letter)).take(200).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Asks for another token. `false`: it cannot be asked for, any more or again. Whoever calls it knows that the person bought
/// the token, or has it.
///
/// # Errors
/// The store.
pub async fn ask(cx: &Cx, key: LicenseKeyId, (by, reason): (PersonId, &str)) -> Result<bool, Fault> {
    let Some((order, Sent { number, warranty: Warranty::Until(_), .. })) = of_key(cx, key).await? else {
        return Ok(false);
    };
    let new = Request {
        key,
        number,
        asked_by: by,
        asked_at: cx.now,
        reason: reason.to_owned(),
        answer: Answer::None,
        why: None,
    };
    let transaction = cx.app.db.begin().await?;
    // Finance may be replacing it, or giving the order back, at this moment.
    if !orders::touch_order(&transaction, &order).await? || !store::insert_request(&transaction, order.id, &new).await?
    {
        return Ok(false);
    }
    let data = json!({ "order": order.number, "license_key": key, "reason": reason });
    audit::record(cx, &transaction, Event::new("warranty.asked").by(by).data(data)).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Does not replace a token: who asked reads why. `false`: nobody asks for it any more.
///
/// # Errors
/// The store.
pub async fn refuse(cx: &Cx, order: &Order, key: LicenseKeyId, (by, why): (PersonId, &str)) -> Result<bool, Fault> {
    let asked = list_asked(cx, order).await?;
    let Some(request) = asked.iter().find(|it| it.key == key) else { return Ok(false) };
    let transaction = cx.app.db.begin().await?;
    let answer = (Answer::Refused, Some(why));
    if !orders::touch_order(&transaction, order).await?
        || !store::answer_request(&transaction, (key, request.number), answer, (by, cx.now)).await?
    {
        return Ok(false);
    }
    let data = json!({ "order": order.number, "license_key": key, "why": why });
    let event = Event { actor: Some(by), ..Event::new("warranty.refused").to(request.asked_by).data(data) };
    audit::record(cx, &transaction, event).await?;
    let notice = Notice::spoken(|language| {
        let facts = [("order", order.number.as_str().into()), ("reason", why.into())];
        (language.text("warranty-mail-subject"), language.say("warranty-mail", facts))
    });
    let notice = notice.by_mail_only();
    notices::tell(cx, &transaction, request.asked_by, &notice).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The field for what is broken.
pub(crate) fn reason_field(language: Language) -> Field {
    Field::required("reason", language.text("warranty-reason"), Control::Text, "")
        .help(language.text("warranty-reason-help"))
}

/// How a token stands, in words.
pub(crate) fn told(visitor: &Visitor, warranty: &Warranty, language: Language) -> Cell {
    let say = |key: &str, at: Timestamp| {
        language.say(key, [("date", When::date_in(language, at, &visitor.zone()).text.into())])
    };
    Cell::text(match warranty {
        Warranty::Until(ends) => say("warranty-until", *ends),
        Warranty::Over(ends) => say("warranty-over", *ends),
        Warranty::Asked(at) => say("warranty-asked", *at),
        Warranty::Refused(why) => language.say("warranty-refused", [("reason", why.as_str().into())]),
    })
}

/// What the purchaser sees of the tokens of an order, and can say about them.
///
/// # Errors
/// The store.
pub(super) async fn section(
    cx: &Cx,
    visitor: &Visitor,
    (order, extras): (&Order, &Extras),
) -> Result<Option<DetailSection>, Fault> {
    let mut sent = sent(cx, order, extras).await?;
    sent.retain(|it| it.key.purchaser == Some(visitor.person.id));
    if sent.is_empty() {
        return Ok(None);
    }
    let owed = parcels::list_owed(&cx.app.db, order.id).await?;
    let (mut rows, mut open) = (Vec::new(), Vec::new());
    for (place, it) in (1..).zip(&sent) {
        let serial = owed.iter().find(|owed| owed.key == it.key.id).and_then(|owed| owed.serial.clone());
        let name = serial.unwrap_or_else(|| format!("Token {place}"));
        let whose = match it.key.redeemed_by.or(it.key.holder) {
            Some(person) if person == visitor.person.id => "You".to_owned(),
            Some(person) => words::name(cx, person).await?,
            None => it.key.holder_mail.clone().unwrap_or_else(|| "Nobody yet".to_owned()),
        };
        if let Warranty::Until(_) = it.warranty {
            open.push((it.key.id.to_string(), format!("{name}: {whose}")));
        }
        rows.push(vec![Cell::text(name), Cell::text(whose), told(visitor, &it.warranty, Language::English)]);
    }
    let mut forms = Vec::new();
    if !open.is_empty() {
        let which = Field::required("key", "Which", Control::Select(open), "");
        let path = format!("/orders/{}/broken", order.number);
        let effect = "We look into it, and send another token in its place, or write to you why not. It costs nothing.";
        let mut form = PageForm::side("broken", path, "It is broken", vec![which, reason_field(Language::English)]);
        form.effect = Some(effect.to_owned());
        forms.push(form);
    }
    let table = Table::new(&["Token", "For", "Warranty"], rows, "");
    Ok(Some(DetailSection { heading: "Warranty".to_owned(), table: Some(table), forms }))
}

async fn post_broken(Path(number): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let (visitor, order) = order_pages::own(&cx, &form.browser, &number).await?;
        let key: LicenseKeyId = form.get("key").parse().map_err(|_| PageFailure::NotFound)?;
        let found = license_keys::find_key(&cx.app.db, key).await?.ok_or(PageFailure::NotFound)?;
        if found.order != Some(order.id) || found.purchaser != Some(visitor.person.id) {
            return Err(PageFailure::NotFound);
        }
        let done = match reason(form.get("reason")) {
            None => "no-reason",
            Some(reason) if ask(&cx, key, (visitor.person.id, &reason)).await? => "asked",
            Some(_) => "raced",
        };
        Ok(see_other(&format!("/orders/{number}?done={done}")))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}
