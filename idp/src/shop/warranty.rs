//! A broken token is replaced under warranty. What is sent is a token and no subscription: the one that is paid for goes on
//! with the new token and ends when it would have ended, so that nobody has two of what they bought once.

use stepgate_core::assurance::CredentialKind;
use stepgate_core::id::{LicenseKeyId, OrderId, PersonId};
use stepgate_core::secret::sha256;
use stepgate_core::subscriptions::checkout::order_number;
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey};
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::{Order, OrderEvent, OrderStage, PaymentMethod, WARRANTY_DAYS, totals};
use stepgate_core::subscriptions::product::Gives;
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::tokens::parcels;
use stepgate_store::warranty::{self as wishes, Answer};
use stepgate_store::{Transaction, desk, license_keys, orders, subscriptions as terms, tokens};

use super::place::place_free;
use super::{broken, mails};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::hardware_tokens::acts;

/// What became of a replacement.
pub enum Replaced {
    /// The order of the new token.
    Order(Box<Order>),
    /// Nothing was sent, or too long ago, or the key has no token.
    Not,
}

/// The keys of an order whose tokens were sent, each with the serial number of its token where it is known. Not those whose
/// new token is still to be sent: there is nothing that could be broken.
///
/// # Errors
/// The store.
pub async fn replaceable(cx: &Cx, order: &Order) -> Result<Vec<(LicenseKey, Option<String>)>, Fault> {
    let mut found = Vec::new();
    for key in license_keys::list_keys_of_order(&cx.app.db, order.id).await? {
        if !key.gives.ships || key.stage == KeyStage::Void || !desk::find_replaced(&cx.app.db, key.id).await?.1 {
            continue;
        }
        let serial = match key.stage {
            KeyStage::Redeemed => serial(cx, key.id).await?,
            KeyStage::Unredeemed => parcels::find_token_of_key(&cx.app.db.write, key.id).await?.map(|it| it.serial),
            KeyStage::Void => None,
        };
        found.push((key, serial));
    }
    Ok(found)
}

async fn serial(cx: &Cx, key: LicenseKeyId) -> Result<Option<String>, Fault> {
    let made = terms::list_credentials_of_key(&cx.app.db, key).await?;
    Ok(made.into_iter().find(|held| held.kind == CredentialKind::HardwareToken).and_then(|held| held.serial))
}

/// Replaces the token of a key: a new order that costs nothing, gives nothing but a token, and refers to the first. The
/// form's token makes it one order however often the button is pressed, and of two people who press it one has it. The days
/// run from the first shipment, whatever was sent since; who asked within them is not late because we are.
///
/// # Errors
/// The store.
pub async fn replace(
    cx: &Cx,
    broken: &Order,
    key: LicenseKeyId,
    (by, form): (PersonId, &str),
) -> Result<Replaced, Fault> {
    let request_hash = sha256(format!("warranty:{}:{form}", broken.id).as_bytes()).to_vec();
    if let Some(before) = orders::find_order_of_request(&cx.app.db, &request_hash).await? {
        return Ok(Replaced::Order(Box::new(before)));
    }
    let extras = desk::find_extras(&cx.app.db, broken.id).await?;
    let (number, _) = desk::find_replaced(&cx.app.db, key).await?;
    let asked = broken::is_asked(cx, broken.id, (key, number + 1)).await?;
    let in_time = extras.sent_at.is_some_and(|sent| asked || cx.now < days_after(sent, WARRANTY_DAYS));
    let (true, OrderStage::Paid, None) = (in_time, broken.stage, extras.replaces) else { return Ok(Replaced::Not) };
    let all = replaceable(cx, broken).await?;
    let Some((key, serial)) = all.into_iter().find(|(known, _)| known.id == key) else { return Ok(Replaced::Not) };
    let Some(order) = draft(cx, broken, &key)? else { return Ok(Replaced::Not) };
    let transaction = cx.app.db.begin().await?;
    if !orders::touch_order(&transaction, broken).await?
        || !retire(cx, &transaction, (by, broken), serial.as_deref()).await?
    {
        drop(transaction);
        // The other press of the same button was faster, or the order is being given back.
        let before = orders::find_order_of_request(&cx.app.db, &request_hash).await?;
        return Ok(before.map_or(Replaced::Not, |before| Replaced::Order(Box::new(before))));
    }
    place_free(cx, &transaction, &order, request_hash).await?;
    desk::set_replaces(&transaction, order.id, broken.id).await?;
    desk::insert_replaced(&transaction, (key.id, number + 1), (broken.id, order.id)).await?;
    wishes::answer_request(&transaction, (key.id, number + 1), (Answer::Replaced, None), (by, cx.now)).await?;
    let data = serde_json::json!({ "order": order.number, "replaces": broken.number, "serial": serial });
    let event = Event { actor: Some(by), ..Event::new("order.replaced").to(broken.purchaser).data(data) };
    audit::record(cx, &transaction, event).await?;
    // Nothing is to be paid, and there is no key to make: it is never seen unpaid.
    if !orders::move_order(&transaction, &order, OrderStage::Paid, (Some(by), cx.now)).await? {
        return Err(Fault::internal(format!("order {} is not in this transaction", order.number)));
    }
    mails::replaced(cx, &transaction, &order).await?;
    transaction.commit().await?;
    Ok(Replaced::Order(Box::new(order)))
}

fn draft(cx: &Cx, broken: &Order, key: &LicenseKey) -> Result<Option<Order>, Fault> {
    let Some(sold) = usize::try_from(key.line).ok().and_then(|line| broken.lines.get(line)) else { return Ok(None) };
    let free = Money::zero(sold.unit.currency);
    let mut line = sold.clone();
    (line.quantity, line.unit, line.name) = (1, free, format!("Warranty: {}", sold.name));
    line.gives = Gives { kinds: Vec::new(), proofing: false, ..line.gives };
    Ok(Some(Order {
        id: OrderId::random(cx.entropy()),
        number: order_number(cx.entropy()),
        totals: totals(std::slice::from_ref(&line), free.currency, 0).map_err(Fault::internal)?,
        lines: vec![line],
        stage: OrderStage::AwaitingPayment,
        method: PaymentMethod::Invoice,
        sponsor: None,
        placed_at: cx.now,
        paid_at: None,
        version: 0,
        ..broken.clone()
    }))
}

/// The broken token opens nothing any more. `false`: it was moved at the same moment.
async fn retire(
    cx: &Cx,
    transaction: &Transaction,
    (by, broken): (PersonId, &Order),
    serial: Option<&str>,
) -> Result<bool, Fault> {
    let Some(serial) = serial else { return Ok(true) };
    match tokens::find_token_by_serial(&cx.app.db, serial).await? {
        Some(token) => acts::retire(cx, transaction, by, (&token, &format!("Warranty: order {}", broken.number))).await,
        None => Ok(true),
    }
}

/// The orders that replace tokens of this one and are not given back.
///
/// # Errors
/// The store.
pub(super) async fn replacements(cx: &Cx, order: &Order) -> Result<Vec<(Order, Vec<LicenseKey>)>, Fault> {
    let mut found = Vec::new();
    for number in desk::list_replacements(&cx.app.db, order.id).await? {
        let replacement = orders::find_order_by_number(&cx.app.db, &number).await?;
        let open = |it: &Order| matches!(it.stage, OrderStage::AwaitingPayment | OrderStage::Paid);
        if let Some(replacement) = replacement.filter(open) {
            let keys = license_keys::list_keys_of_order(&cx.app.db, replacement.id).await?;
            found.push((replacement, keys));
        }
    }
    Ok(found)
}

/// Gives a replacement back together with the order that it belongs to: it is not sent any more, and a key that it has is
/// void. `false` when it was changed at the same moment.
///
/// # Errors
/// The store.
pub(super) async fn give_back_with(
    cx: &Cx,
    transaction: &Transaction,
    (replacement, keys): &(Order, Vec<LicenseKey>),
    by: PersonId,
) -> Result<bool, Fault> {
    let events: &[OrderEvent] = match replacement.stage {
        OrderStage::AwaitingPayment => &[OrderEvent::Cancelled],
        _ => &[OrderEvent::RefundAsked, OrderEvent::RefundDone],
    };
    let mut now = replacement.clone();
    for event in events {
        let Some(next) = now.stage.after(*event) else { return Ok(false) };
        if !orders::move_order(transaction, &now, next, (Some(by), cx.now)).await? {
            return Ok(false);
        }
        now = Order { stage: next, version: now.version + 1, ..now };
    }
    if license_keys::void_keys_of_order(transaction, replacement.id, cx.now).await? != keys.len() as u64 {
        return Ok(false);
    }
    let data = serde_json::json!({ "order": replacement.number, "stage": now.stage.as_str() });
    let event = Event { actor: Some(by), ..Event::new("order.replacement_ended").to(replacement.purchaser).data(data) };
    audit::record(cx, transaction, event).await?;
    Ok(true)
}
