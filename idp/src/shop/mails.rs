//! What buyers are told by mail, in the transaction of the act: by mail only, since it does not concern the security of
//! the account.

use stepgate_core::subscriptions::order::{Order, OrderLine, PaymentMethod, summed};
use stepgate_store::Connection;

use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};

use super::words;

async fn tell(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    (subject, text): (&str, String),
) -> Result<(), Fault> {
    let page = cx.app.url(&format!("/orders/{}", order.number));
    let notice = Notice::new(format!("{subject}: {}", order.number), format!("{text}\n\nYour order: {page}"));
    notices::tell(cx, transaction, order.purchaser, &notice.by_mail_only()).await
}

fn listed(order: &Order) -> String {
    let line = |line: &OrderLine| format!("{} x {}, {} each", line.quantity, line.name, line.unit);
    let lines: Vec<String> = summed(&order.lines).iter().map(line).collect();
    let tax = if order.totals.tax.minor == 0 { String::new() } else { format!("\nTax: {}", order.totals.tax) };
    format!("{}{tax}\nTotal: {}", lines.join("\n"), order.totals.gross)
}

/// An order was placed that is paid by invoice.
pub(super) async fn invoiced(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    invoice: &str,
) -> Result<(), Fault> {
    let pdf = cx.app.url(&format!("/orders/{}/invoice.pdf", order.number));
    let text = format!(
        "Thank you for your order. {} Please pay invoice {invoice} within {} days.\n\n{}\n\nThe invoice: {pdf}",
        words::before_payment(order),
        cx.app.settings.shop.invoice_days,
        listed(order)
    );
    tell(cx, transaction, order, ("Your invoice", text)).await
}

/// An order is paid: the receipt.
///
/// # Errors
/// The store.
pub async fn paid(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let how = match order.method {
        PaymentMethod::Card => "by card",
        PaymentMethod::Invoice => "by invoice",
        PaymentMethod::Voucher => "with a voucher",
        PaymentMethod::Sponsored => "on account",
    };
    let keys = if order.gives().1 {
        " On its page you find the license keys. They are not in this mail: mails are read by many."
    } else {
        ""
    };
    let text = format!("Your order is paid ({how}). {}{keys}\n\n{}", words::after_payment(order), listed(order));
    tell(cx, transaction, order, ("Your receipt", text)).await
}

/// An order was given up.
pub(super) async fn cancelled(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let text = "Your order was cancelled. Nothing is to be paid. If money is on its way all the same, the order comes \
                back to life when it arrives.";
    tell(cx, transaction, order, ("Your order was cancelled", text.to_owned())).await
}

/// An order is being given back.
pub(super) async fn refunding(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    reason: Option<&str>,
) -> Result<(), Fault> {
    let what = match reason {
        Some(reason) => format!("We give your order back ({reason})."),
        None => "You gave your order back.".to_owned(),
    };
    let text = format!("{what} Its license keys are void, and {} go back.", order.totals.gross);
    tell(cx, transaction, order, ("Your order goes back", text)).await
}

/// The money went back.
pub(super) async fn refunded(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let text = format!("{} went back to where they came from.", order.totals.gross);
    tell(cx, transaction, order, ("Your money is back", text)).await
}

/// The money did not go back.
pub(super) async fn refund_refused(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let text = "The payment provider could not send the money back. Your license keys are good again, and our finance \
                department looks into it.";
    tell(cx, transaction, order, ("The money could not go back", text.to_owned())).await
}

/// A broken token is replaced.
pub(super) async fn replaced(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let text = "A new token is sent to you in place of the broken one. It costs nothing. The license key, or the subscription \
                that runs already, is the one that you have.";
    tell(cx, transaction, order, ("Your token is replaced", text.to_owned())).await
}

/// What was ordered is on its way.
pub(super) async fn sent(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    (carrier, tracking): (&str, &str),
) -> Result<(), Fault> {
    let text = format!("What you ordered is on its way, with {carrier}. Tracking number: {tracking}.");
    tell(cx, transaction, order, ("Your order is on its way", text)).await
}

/// The same with the tokens that are in the parcel.
///
/// # Errors
/// The store.
pub(super) async fn sent_tokens(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    (carrier, tracking): (&str, &str),
    serials: &[&str],
) -> Result<(), Fault> {
    let (shown, more) = serials.split_at(serials.len().min(20));
    let in_it = match (serials.len(), more.len()) {
        (0, _) => return sent(cx, transaction, order, (carrier, tracking)).await,
        (1, _) => format!("In it is the token {}.", shown.concat()),
        (_, 0) => format!("In it are the tokens {}.", shown.join(", ")),
        (_, more) => format!("In it are the tokens {} and {more} more.", shown.join(", ")),
    };
    let text = format!(
        "What you ordered is on its way, with {carrier}. Tracking number: {tracking}. {in_it}\n\nA token that was sent with a \
         license key becomes whoever's activates that key: the page of your order says which goes with which."
    );
    tell(cx, transaction, order, ("Your order is on its way", text)).await
}
