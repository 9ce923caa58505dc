//! *Ship*: which tokens go into the parcel of an order, and that it is on its way, in one transaction.

use stepgate_core::credentials::hardware_token::inventory::{HardwareToken, TokenStage};
use stepgate_core::id::PersonId;
use stepgate_core::subscriptions::order::{Order, OrderStage};
use stepgate_store::tokens::parcels::{self, Owed};
use stepgate_store::{desk, tokens};

use super::mails;
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::parcel;

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shipped {
    /// It is on its way, or was before.
    Done,
    /// The order is not there any more, or not yet.
    Moved,
    /// These tokens do not go into this parcel, and why.
    Unfit(String),
}

/// How a parcel goes, and what is in it.
pub struct Parcel<'a> {
    /// Who carries it.
    pub carrier: &'a str,
    /// The carrier's number.
    pub tracking: &'a str,
    /// Serial numbers, as they were typed or scanned.
    pub serials: &'a str,
}

/// Sends an order, once however often the button is pressed. What was sent can get another carrier and number. Where there
/// is no inventory, nothing is asked about tokens.
///
/// # Errors
/// The store. Nothing is half done then.
pub async fn ship(cx: &Cx, order: &Order, parcel: &Parcel<'_>, by: PersonId) -> Result<Shipped, Fault> {
    let way = (parcel.carrier, parcel.tracking);
    match (order.stage, desk::find_extras(&cx.app.db, order.id).await?.shipping_stage.as_str()) {
        (OrderStage::Paid, "waiting") => {}
        (OrderStage::Paid, "sent") => return follow(cx, order, way, by).await,
        _ => return Ok(Shipped::Moved),
    }
    let owed = parcels::list_owed(&cx.app.db, order.id).await?;
    let mut packed = match pack(cx, &owed, parcel.serials).await? {
        Ok(packed) => packed,
        // The other press of the same button was faster.
        Err(why) => return Ok(if is_sent(cx, order, way).await? { Shipped::Done } else { Shipped::Unfit(why) }),
    };
    // In one order on all nodes, so that two parcels do not wait for one another.
    packed.sort_by(|one, other| one.serial.cmp(&other.serial));
    let transaction = cx.app.db.begin().await?;
    if !desk::ship_order(&transaction, order.id, way, cx.now).await? {
        drop(transaction);
        return Ok(if is_sent(cx, order, way).await? { Shipped::Done } else { Shipped::Moved });
    }
    let note = format!("Order {}, with {} {}", order.number, way.0, way.1);
    for Packed { owed, token, .. } in &packed {
        if let Some(token) = token
            && !parcel::send(cx, &transaction, (by, &note), (token, owed)).await?
        {
            let why = format!("{}, or what it is for, was changed at this moment. Look again.", token.serial);
            return Ok(Shipped::Unfit(why));
        }
    }
    let serials: Vec<&str> = packed.iter().map(|it| it.serial.as_str()).collect();
    let data = serde_json::json!({ "order": order.number, "carrier": way.0, "tracking": way.1, "serials": serials });
    let event = Event { actor: Some(by), ..Event::new("order.shipped").to(order.purchaser).data(data) };
    audit::record(cx, &transaction, event).await?;
    mails::sent(cx, &transaction, order, way, &serials).await?;
    transaction.commit().await?;
    Ok(Shipped::Done)
}

/// Whether it is on its way just so by now.
async fn is_sent(cx: &Cx, order: &Order, (carrier, tracking): (&str, &str)) -> Result<bool, Fault> {
    let now = desk::find_extras(&cx.app.db, order.id).await?;
    let same = (now.carrier.as_deref(), now.tracking.as_deref()) == (Some(carrier), Some(tracking));
    Ok(same && now.shipping_stage == "sent")
}

/// What is on its way has another carrier or number: its purchaser is told. The same again is nothing new.
async fn follow(cx: &Cx, order: &Order, way: (&str, &str), by: PersonId) -> Result<Shipped, Fault> {
    let transaction = cx.app.db.begin().await?;
    if desk::update_tracking(&transaction, order.id, way).await? {
        let data = serde_json::json!({ "order": order.number, "carrier": way.0, "tracking": way.1 });
        let event = Event { actor: Some(by), ..Event::new("order.tracking_changed").to(order.purchaser).data(data) };
        audit::record(cx, &transaction, event).await?;
        mails::sent(cx, &transaction, order, way, &[]).await?;
        transaction.commit().await?;
    }
    Ok(Shipped::Done)
}

/// A token in a parcel.
struct Packed<'a> {
    owed: &'a Owed,
    serial: String,
    /// `None` for one that is on its way already, or came past the inventory.
    token: Option<HardwareToken>,
}

/// Which token is for whom: those that are somebody's go to them, the others in the order in which they were typed.
async fn pack<'a>(cx: &Cx, owed: &'a [Owed], typed: &str) -> Result<Result<Vec<Packed<'a>>, String>, Fault> {
    let typed: Vec<&str> = typed.split([' ', '\t', '\r', '\n', ',', ';']).filter(|serial| !serial.is_empty()).collect();
    if !parcels::is_kept(&cx.app.db).await? {
        return Ok(match typed.first() {
            Some(first) => Err(format!("{first} is not in the inventory: nothing is. Leave this empty.")),
            None => Ok(Vec::new()),
        });
    }
    if typed.len() != owed.len() {
        return Ok(Err(so_many(owed.len(), typed.len())));
    }
    let (mut packed, mut open, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for (place, serial) in typed.iter().enumerate() {
        if typed.iter().take(place).any(|before| before.eq_ignore_ascii_case(serial)) {
            return Ok(Err(format!("{serial} is written twice. Each token has a number of its own.")));
        }
        let theirs = |it: &&Owed| it.serial.as_deref().is_some_and(|has| has.eq_ignore_ascii_case(serial));
        match owed.iter().find(theirs) {
            Some(owed) => packed.push(Packed { owed, serial: (*serial).to_owned(), token: assigned(cx, owed).await? }),
            None => rest.push(*serial),
        }
    }
    for it in owed.iter().filter(|it| packed.iter().all(|packed| packed.owed.key != it.key)) {
        if let Some(has) = &it.serial {
            let why =
                format!("{has} is assigned for this order already: send that one, or take it back into stock first.");
            return Ok(Err(why));
        }
        open.push(it);
    }
    for (owed, serial) in open.into_iter().zip(rest) {
        match in_stock(cx, serial).await? {
            Ok(token) => packed.push(Packed { owed, serial: token.serial.clone(), token: Some(token) }),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(packed))
}

fn so_many(owed: usize, typed: usize) -> String {
    match (owed, typed) {
        (1, 0) => "Write the serial number of the token that goes into the parcel.".to_owned(),
        (1, _) => format!("One token goes into this parcel, and {typed} serial numbers are written."),
        (owed, 0) => format!("Write the serial numbers of the {owed} tokens that go into the parcel, one a line."),
        (owed, _) => format!("{owed} tokens go into this parcel, and the serial numbers written are {typed}."),
    }
}

/// A token that is its holder's already and waits to be sent.
async fn assigned(cx: &Cx, owed: &Owed) -> Result<Option<HardwareToken>, Fault> {
    let Some(serial) = &owed.serial else { return Ok(None) };
    let token = tokens::find_token_by_serial(&cx.app.db, serial).await?;
    Ok(token.filter(|token| token.stage(cx.now) == TokenStage::Assigned))
}

async fn in_stock(cx: &Cx, typed: &str) -> Result<Result<HardwareToken, String>, Fault> {
    let found = match tokens::find_token_by_serial(&cx.app.db, typed).await? {
        Some(found) => Some(found),
        // Printed in capital letters, typed in any.
        None => tokens::find_token_by_serial(&cx.app.db, &typed.to_uppercase()).await?,
    };
    let typed: String = typed.chars().filter(|letter| !letter.is_control()).take(40).collect();
    let Some(token) = found else {
        return Ok(Err(format!(
            "{typed} is not in the inventory. Look at the number again, or import its file first."
        )));
    };
    let serial = &token.serial;
    Ok(match (token.stage(cx.now), token.person) {
        (TokenStage::Stock, _) if token.exported_at.is_some() => {
            Err(format!("The seed of {serial} is known elsewhere: it cannot become anybody's."))
        }
        (TokenStage::Stock, _) => Ok(token),
        (TokenStage::Shipped | TokenStage::Assigned | TokenStage::Active | TokenStage::Suspended, Some(_)) => {
            Err(format!("{serial} belongs to somebody already. Take another one."))
        }
        (stage, _) => Err(format!("{serial} is not in stock: it is {}. Take another one.", stage.as_str())),
    })
}
