//! What finance can do about one order: mark it paid, cancel it, give it back, replace a token. `ship` sends it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use stepgate_core::entropy::random_token;
use stepgate_core::subscriptions::order::{Order, OrderStage, PaymentMethod};
use stepgate_store::desk::Extras;

use super::super::access::Act;
use super::ship::{Unfit, parcel};
use super::{find, matters, section};
use crate::account::confirm::{self, Typed};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::shop::attention::look_after;
use crate::shop::refund;
use crate::shop::{self, Replaced, broken, words};
use crate::subscriptions::{Settled, settle};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/orders/{number}/{act}", post(post_act))
}

/// What finance can do.
pub(super) async fn sections(
    cx: &Cx,
    order: &Order,
    extras: &Extras,
    unfit: Option<&Unfit<'_>>,
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
    acts.extend(parcel(cx, order, extras, unfit).await?);
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
        if !matches!(act.as_str(), "seen" | "refuse") {
            let path = format!("/admin/orders/{number}");
            let typed = Typed::of(form.every());
            confirm::confirm(&cx, &form.browser, (&administrator.visitor, &path), &typed).await?;
        }
        let to = |number: &str, done: &str| Ok(see_other(&format!("/admin/orders/{number}?done={done}")));
        let by = administrator.visitor.person.id;
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
            "seen" => {
                let id = form.get("attention").parse().map_err(|_| PageFailure::NotFound)?;
                return to(&number, if look_after(&cx, &order, id, by).await? { "done" } else { "earlier" });
            }
            "refuse" => {
                let key = form.get("key").parse().map_err(|_| PageFailure::NotFound)?;
                let Some(why) = broken::reason(form.get("reason")) else { return to(&number, "no-reason") };
                return to(
                    &number,
                    if broken::refuse(&cx, &order, key, (by, &why)).await? { "refused" } else { "moved" },
                );
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
