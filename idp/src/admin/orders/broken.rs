//! What somebody asked for under warranty: replace it, or say why not.

use stepgate_core::entropy::random_token;
use stepgate_core::subscriptions::order::Order;
use stepgate_store::tokens::parcels;
use stepgate_store::warranty::Request;

use super::super::Administrator;
use super::section;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::When;
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::shop::{broken, words};

/// Each wish, with its two answers.
pub(super) async fn asked(
    cx: &Cx,
    administrator: &Administrator,
    order: &Order,
) -> Result<Option<DetailSection>, Fault> {
    let asked = broken::list_asked(cx, order).await?;
    if asked.is_empty() {
        return Ok(None);
    }
    let owed = parcels::list_owed(&cx.app.db, order.id).await?;
    let (mut rows, mut forms) = (Vec::new(), Vec::new());
    for (place, it) in (1..).zip(&asked) {
        let serial = owed.iter().find(|owed| owed.key == it.key).and_then(|owed| owed.serial.clone());
        let token = serial.unwrap_or_else(|| "A token that is not set up".to_owned());
        let when = When::new(it.asked_at, cx.now, &administrator.visitor.zone());
        let who = words::name(cx, it.asked_by).await?;
        rows.push(vec![Cell::text(token.clone()), Cell::text(who), Cell::text(it.reason.clone()), Cell::Time(when)]);
        forms.extend(answers(cx, order, (place, it), &token));
    }
    let table = Table::new(&["Token", "Who asks", "What is broken", "Since"], rows, "");
    Ok(Some(section("Needs attention: broken tokens", Some(table), forms)))
}

fn answers(cx: &Cx, order: &Order, (place, it): (u32, &Request), token: &str) -> [PageForm; 2] {
    let key = || Field::required("key", "", Control::Hidden, it.key.to_string());
    let path = |act: &str| format!("/admin/orders/{}/{act}", order.number);
    let once = Field::required("form", "", Control::Hidden, random_token(cx.entropy()));
    let replace =
        PageForm::side(&format!("replace-{place}"), path("replace"), format!("Replace {token}"), vec![once, key()]);
    let words = "A new order that costs nothing. The broken token opens nothing any more; its subscription goes on with the \
                 new one.";
    let why = Field::required("reason", "Why not", Control::Text, "").help("Who asked reads it.");
    let refuse =
        PageForm::side(&format!("refuse-{place}"), path("refuse"), format!("Do not replace {token}"), vec![key(), why]);
    [replace.dangerous(words), refuse]
}
