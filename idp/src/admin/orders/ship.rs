//! *Ship*: who carries it, and which tokens are in the parcel. What is on its way can get another carrier or number.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use stepgate_core::subscriptions::order::{Order, OrderStage};
use stepgate_store::desk::Extras;
use stepgate_store::tokens::parcels::{self, Owed};

use super::super::access::Act;
use super::{find, page, section};
use crate::app::App;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Form;
use crate::http::page::{PageFailure, see_other};
use crate::pages;
use crate::pages::admin::DetailSection;
use crate::pages::form::{Control, Field, Form as PageForm};
use crate::pages::table::{Cell, Table};
use crate::shop::parcel::{Parcel, Shipped, ship};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/orders/{number}/ship", post(post_ship))
}

/// What was typed and does not fit, and what is wrong with its tokens.
pub(super) struct Unfit<'a> {
    form: &'a Form,
    serials: Option<String>,
}

/// The form, for an order that is paid and goes by post.
pub(super) async fn parcel(
    cx: &Cx,
    order: &Order,
    extras: &Extras,
    unfit: Option<&Unfit<'_>>,
) -> Result<Option<DetailSection>, Fault> {
    let sent = extras.shipping_stage == "sent";
    if order.stage != OrderStage::Paid || !(sent || extras.shipping_stage == "waiting") {
        return Ok(None);
    }
    let typed = |name: &str, kept: &Option<String>| {
        unfit.map_or_else(|| kept.clone().unwrap_or_default(), |unfit| unfit.form.get(name).to_owned())
    };
    let mut fields = vec![
        Field::required("carrier", "Carrier", Control::Text, typed("carrier", &extras.carrier)),
        Field::required("tracking", "Tracking number", Control::Text, typed("tracking", &extras.tracking)),
    ];
    for field in fields.iter_mut().filter(|field| unfit.is_some() && !fits(&field.value)) {
        field.error = Some("Write 1 to 80 characters, on one line.".to_owned());
    }
    let owed = parcels::list_owed(&cx.app.db, order.id).await?;
    if !sent && !owed.is_empty() {
        let assigned = owed.iter().filter_map(|it| it.serial.clone()).collect::<Vec<_>>().join("\n");
        let mut field = serials(&owed, parcels::is_kept(&cx.app.db).await?, typed("serials", &Some(assigned)));
        field.error = unfit.and_then(|unfit| unfit.serials.clone());
        fields.push(field);
    }
    let (heading, button) = if sent { ("Sent", "Change the tracking number") } else { ("Ship", "It is on its way") };
    let form = PageForm::side("ship", format!("/admin/orders/{}/ship", order.number), button, fields);
    Ok(Some(section(heading, contents(order, &owed), vec![form])))
}

/// The field for the numbers on the tokens.
fn serials(owed: &[Owed], kept: bool, value: String) -> Field {
    let (label, control, how) = match owed.len() {
        1 => ("Serial number of the token", Control::Text, String::new()),
        many => (
            "Serial numbers of the tokens",
            Control::Lines,
            format!("{many} of them, one a line, in the order above. "),
        ),
    };
    if !kept {
        let help = "Nothing is in the inventory, so nothing is assigned: leave it empty.";
        return Field::optional("serials", label, control, value).help(help);
    }
    let help = "Each becomes the person's whose subscription waits for it, and the registration code is mailed to them. What \
                goes with a license key becomes whoever's activates that.";
    Field::required("serials", label, control, value).help(format!("{how}{help}"))
}

/// What each token is for, and which it is. Who uses what is told to the purchaser alone.
fn contents(order: &Order, owed: &[Owed]) -> Option<Table> {
    let row = |(number, it): (u32, &Owed)| {
        let whose = match (it.open, it.person) {
            (true, _) => "Whoever activates its license key",
            (false, Some(person)) if person == order.purchaser => "The purchaser",
            (false, _) => "Whoever has activated its license key",
        };
        vec![Cell::number(number), Cell::text(whose), it.serial.clone().map_or(Cell::Empty, Cell::Code)]
    };
    let rows: Vec<_> = (1..).zip(owed).map(row).collect();
    (!rows.is_empty()).then(|| Table::new(&["No.", "For", "Token"], rows, ""))
}

async fn post_ship(Path(number): Path<String>, form: Form) -> Response {
    let cx = form.cx.clone();
    let done = async {
        let (administrator, order) = find(&cx, &form.browser, &number, Act::Edit).await?;
        let parcel =
            Parcel { carrier: form.get("carrier"), tracking: form.get("tracking"), serials: form.get("serials") };
        let shipped = if order.stage != OrderStage::Paid {
            Shipped::Moved
        } else if fits(parcel.carrier) && fits(parcel.tracking) {
            ship(&cx, &order, &parcel, administrator.visitor.person.id).await?
        } else {
            Shipped::Unfit(String::new())
        };
        let done = match shipped {
            Shipped::Done => "done",
            Shipped::Moved => "moved",
            Shipped::Unfit(why) => {
                let unfit = Unfit { form: &form, serials: Some(why).filter(|why| !why.is_empty()) };
                let page = page(&cx, &administrator, &order, ("", Some(&unfit))).await?;
                return Ok(pages::respond(StatusCode::UNPROCESSABLE_ENTITY, &page));
            }
        };
        Ok(see_other(&format!("/admin/orders/{number}?done={done}")))
    };
    done.await.unwrap_or_else(|failure: PageFailure| failure.respond(&cx))
}

/// Whether a carrier, or its number, can be kept and mailed.
fn fits(text: &str) -> bool {
    (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
