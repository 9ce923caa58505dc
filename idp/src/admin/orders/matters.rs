//! What is open about an order: matters that finance looks after one by one, and money that goes back.

use stepgate_core::id::PersonId;
use stepgate_core::subscriptions::order::{NoRefund, Order};
use stepgate_store::attentions::{self, Attention};

use super::section;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::Tone;
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::shop::refund;

/// What has to be looked at, each matter with its own button: what comes up while somebody reads is not put aside with it.
pub(super) async fn attention(cx: &Cx, order: &Order) -> Result<Option<DetailSection>, Fault> {
    let open = attentions::list_open(&cx.app.db, order.id).await?;
    if open.is_empty() {
        return Ok(None);
    }
    let row = |it: &Attention| vec![Cell::State(Tone::Warning, it.reason.clone())];
    let table = Table::new(&["What"], open.iter().map(row).collect(), "");
    let form = |(number, it): (usize, &Attention)| {
        let field = Field::required("attention", "", Control::Hidden, it.id.to_string());
        let mut form =
            PageForm::side("seen", format!("/admin/orders/{}/seen", order.number), "It is looked after", vec![field]);
        if number > 0 {
            form.id = format!("seen-{number}");
            form.submit_id = format!("seen-{number}-submit");
        }
        form.effect = (open.len() > 1).then(|| it.reason.clone());
        form
    };
    let forms = open.iter().filter(|it| !it.until_refunded).enumerate().map(form).collect();
    Ok(Some(section("Needs attention", Some(table), forms)))
}

/// What finance says when the money went back.
pub(super) async fn refund(cx: &Cx, order: &Order) -> Result<Option<DetailSection>, Fault> {
    if !refund::can_mark_done(cx, order).await? {
        return Ok(None);
    }
    let path = format!("/admin/orders/{}/refunded", order.number);
    let done = PageForm::side("refunded", path, "The money went back", Vec::new());
    Ok(Some(section("Refund", None, vec![done.dangerous("The purchaser is told.")])))
}

/// Gives an order back: for a reason where one is given, else as its purchaser could.
pub(super) async fn give_back(
    cx: &Cx,
    order: &Order,
    (by, reason): (PersonId, &str),
) -> Result<Result<(), &'static str>, Fault> {
    let reason: String = reason.chars().filter(|letter| !letter.is_control()).take(200).collect();
    let given = match reason.trim() {
        "" => refund::give_back(cx, order.id, by).await?,
        reason => refund::give_back_because(cx, order.id, (by, reason)).await?,
    };
    Ok(given.map_err(|refusal| match refusal {
        NoRefund::Late => "late",
        NoRefund::Used => "used",
        NoRefund::Invitations => "invitations",
        NoRefund::Replacement => "replacement",
        NoRefund::Stage => "moved",
    }))
}

/// Why nothing was done.
pub(super) fn refusal(done: &str) -> Option<&'static str> {
    Some(match done {
        "late" => "Nothing was done: its 15 days are over. Say why it is given back all the same.",
        "used" => {
            "Nothing was done: a key of it was activated, or a subscription renewed. What is in use is not taken back."
        }
        "invitations" => "Nothing was done: it pays for invitations. Withdraw those instead.",
        "replacement" => "Nothing was done: it replaces a broken token. Give back the order that was paid.",
        "no-reason" => "Nothing was done: say why it is not replaced. Who asked reads it.",
        "earlier" => "Nothing was done: somebody has looked after that before, or it stays until the money went back.",
        _ => return None,
    })
}
