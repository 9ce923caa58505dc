//! What finance can do about one order: mark it paid, cancel it, give it back, ship it, replace a token.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use stepgate_core::entropy::random_token;
use stepgate_core::id::PersonId;
use stepgate_core::subscriptions::order::{Order, OrderStage, PaymentMethod};
use stepgate_store::desk::{self as store, Extras};

use super::super::access::Act;
use super::{find, matters, page, section};
use crate::account::confirm::{self, Typed};
use crate::app::App;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::pages;
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::shop::attention::look_after;
use crate::shop::refund;
use crate::shop::{self, Replaced, words};
use crate::subscriptions::{Settled, settle};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/orders/{number}/{act}", post(post_act))
}

/// What finance can do.
pub(super) async fn sections(
    cx: &Cx,
    order: &Order,
    extras: &Extras,
    unfit: Option<&Form>,
) -> Result<Vec<DetailSection>, Fault> {
    let replaceable = replaceable(cx, order, extras).await?;
    let path = |act: &str| format!("/admin/orders/{}/{act}", order.number);
    let form = |act: &str, words: &str, fields| PageForm::side(act, path(act), words, fields);
    let mut acts = Vec::new();
    let unpaid = matches!(order.stage, OrderStage::AwaitingPayment | OrderStage::Cancelled);
    if order.method == PaymentMethod::Invoice && unpaid {
        let paid = form("paid", "The money has come", Vec::new()).dangerous("Its license keys are made at once.");
        acts.push(section("Mark paid", None, vec![paid]));
    }
    if order.stage == OrderStage::AwaitingPayment {
        let cancel = form("cancel", "Cancel", Vec::new())
            .dangerous("The purchaser is told. Money that comes all the same brings it back.");
        acts.push(section("Cancel", None, vec![cancel]));
    }
    if order.stage == OrderStage::Paid && extras.replaces.is_none() {
        let reason = Field::optional("reason", "Why, after 15 days", Control::Text, "");
        let back = form("refund", "Give back", vec![reason.help("The purchaser reads it.")]);
        let words = "Its license keys become void and the money goes back, if nothing was activated.";
        acts.push(section("Give back", None, vec![back.dangerous(words)]));
    }
    if order.stage == OrderStage::Paid && order.shipping.is_some() {
        let typed = |name: &str, kept: &Option<String>| {
            unfit.map_or_else(|| kept.clone().unwrap_or_default(), |form| form.get(name).to_owned())
        };
        let mut fields = vec![
            Field::required("carrier", "Carrier", Control::Text, typed("carrier", &extras.carrier)),
            Field::required("tracking", "Tracking number", Control::Text, typed("tracking", &extras.tracking)),
        ];
        for field in fields.iter_mut().filter(|field| unfit.is_some() && !fits(&field.value)) {
            field.error = Some("Write 1 to 80 characters, on one line.".to_owned());
        }
        acts.push(section("Ship", None, vec![form("ship", "It is on its way", fields)]));
    }
    if !replaceable.is_empty() {
        let fields = vec![
            Field::required("form", "", Control::Hidden, random_token(cx.entropy())),
            Field::required("key", "Broken", Control::Select(replaceable), ""),
        ];
        let words = "A new order that costs nothing, within 45 days after the first was sent. The broken token opens nothing \
                     any more; its subscription goes on with the new one.";
        acts.push(section("Warranty", None, vec![form("replace", "Replace a broken token", fields).dangerous(words)]));
    }
    Ok(acts)
}

/// Whose token can be broken: the keys whose tokens were sent.
async fn replaceable(cx: &Cx, order: &Order, extras: &Extras) -> Result<Vec<(String, String)>, Fault> {
    if extras.sent_at.is_none() || order.stage != OrderStage::Paid {
        return Ok(Vec::new());
    }
    let mut named = Vec::new();
    for (number, (key, serial)) in (1..).zip(shop::replaceable(cx, order).await?) {
        let whose = match key.redeemed_by.or(key.holder) {
            Some(person) => words::name(cx, person).await?,
            None => key.holder_mail.clone().unwrap_or_else(|| "nobody yet".to_owned()),
        };
        let token = serial.unwrap_or_else(|| format!("token {number}, not set up"));
        named.push((key.id.to_string(), format!("{token}: {whose}")));
    }
    Ok(named)
}

async fn post_act(Path((number, act)): Path<(String, String)>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let (administrator, order) = find(&cx, &form.browser, &number, Act::Edit).await?;
        // What moves no money takes no fresh factor.
        if !matches!(act.as_str(), "ship" | "seen") {
            let path = format!("/admin/orders/{number}");
            let typed = Typed::of(form.every());
            confirm::confirm(&cx, &form.browser, (&administrator.visitor, &path), &typed).await?;
        }
        let to = |number: &str, done: &str| Ok(see_other(&format!("/admin/orders/{number}?done={done}")));
        let by = administrator.visitor.person.id;
        if act == "ship" && !(fits(form.get("carrier")) && fits(form.get("tracking"))) {
            let page = page(&cx, &administrator, &order, ("", Some(&form))).await?;
            return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        let did = match act.as_str() {
            "paid" if order.method == PaymentMethod::Invoice => {
                matches!(settle(&cx, &order, Some(by)).await?, Settled::Now)
            }
            "cancel" => shop::cancel(&cx, &order, Some(by)).await?,
            "refund" => match matters::give_back(&cx, &order, (by, form.get("reason"))).await? {
                Ok(()) => true,
                Err(refusal) => return to(&number, refusal),
            },
            "refunded" => refund::mark_done(&cx, &order, by).await?,
            "ship" => ship(&cx, &order, (form.get("carrier"), form.get("tracking")), by).await?,
            "seen" => {
                let id = form.get("attention").parse().map_err(|_| PageFailure::NotFound)?;
                return to(&number, if look_after(&cx, &order, id, by).await? { "done" } else { "earlier" });
            }
            "replace" => {
                let key = form.get("key").parse().map_err(|_| PageFailure::NotFound)?;
                match shop::replace(&cx, &order, key, (by, form.get("form"))).await? {
                    Replaced::Order(new) => return to(&new.number, "replaced"),
                    Replaced::Not => false,
                }
            }
            _ => return Err(PageFailure::NotFound),
        };
        to(&number, if did { "done" } else { "moved" })
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Whether a carrier, or its number, can be kept and mailed.
fn fits(text: &str) -> bool {
    (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

async fn ship(cx: &Cx, order: &Order, (carrier, tracking): (&str, &str), by: PersonId) -> Result<bool, Fault> {
    let transaction = cx.app.db.begin().await?;
    if !store::ship_order(&transaction, order.id, (carrier, tracking), cx.now).await? {
        return Ok(false);
    }
    let data = serde_json::json!({ "order": order.number, "carrier": carrier, "tracking": tracking });
    let event = Event { actor: Some(by), ..Event::new("order.shipped").to(order.purchaser).data(data) };
    audit::record(cx, &transaction, event).await?;
    shop::tell_sent(cx, &transaction, order, (carrier, tracking)).await?;
    transaction.commit().await?;
    Ok(true)
}
