//! What buyers are told by mail, in the transaction of the act: by mail only, since it does not concern the security of
//! the account. In their language; the words are in `locales/`.

use stepgate_core::subscriptions::order::{Order, OrderLine, PaymentMethod, summed};
use stepgate_store::Connection;

use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::words::Language;

use super::words;

/// A mail about an order: the key of its subject, and what it says.
async fn tell(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    (subject, said): (&str, impl Fn(Language) -> String),
) -> Result<(), Fault> {
    let page = cx.app.url(&format!("/orders/{}", order.number));
    let notice = Notice::spoken(|language| {
        let subject = format!("{}: {}", language.text(subject), order.number);
        let link = language.say("order-page", [("page", page.as_str().into())]);
        (subject, format!("{}\n\n{link}", said(language)))
    });
    notices::tell(cx, transaction, order.purchaser, &notice.by_mail_only()).await
}

fn listed(language: Language, order: &Order) -> String {
    let line = |line: &OrderLine| {
        let facts = [("product", line.name.as_str().into()), ("unit", language.money(line.unit).into())];
        language.say("order-line", facts.into_iter().chain([("quantity", line.quantity.into())]))
    };
    let mut lines: Vec<String> = summed(&order.lines).iter().map(line).collect();
    if order.totals.tax.minor != 0 {
        lines.push(language.say("order-tax", [("sum", language.money(order.totals.tax).into())]));
    }
    lines.push(language.say("order-total", [("sum", language.money(order.totals.gross).into())]));
    lines.join("\n")
}

/// An order was placed that is paid by invoice.
pub(super) async fn invoiced(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    invoice: &str,
) -> Result<(), Fault> {
    let pdf = cx.app.url(&format!("/orders/{}/invoice.pdf", order.number));
    let days = i64::from(cx.app.settings.shop.invoice_days);
    let said = |language: Language| {
        let then = words::before_payment(order, language);
        let facts = [("then", then.into()), ("invoice", invoice.into()), ("days", days.into())];
        let text = language.say("order-invoiced", facts);
        let paper = language.say("order-invoice", [("pdf", pdf.as_str().into())]);
        format!("{text}\n\n{}\n\n{paper}", listed(language, order))
    };
    tell(cx, transaction, order, ("order-invoiced-subject", said)).await
}

/// An order is paid: the receipt.
///
/// # Errors
/// The store.
pub async fn paid(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let key = match order.method {
        PaymentMethod::Card => "order-paid-card",
        PaymentMethod::Invoice => "order-paid-invoice",
        PaymentMethod::Voucher => "order-paid-voucher",
        PaymentMethod::Sponsored => "order-paid-account",
    };
    let said = |language: Language| {
        let mut text = format!("{} {}", language.text(key), words::after_payment(order, language));
        if order.gives().1 {
            text = format!("{text} {}", language.text("order-paid-keys"));
        }
        format!("{text}\n\n{}", listed(language, order))
    };
    tell(cx, transaction, order, ("order-paid-subject", said)).await
}

/// An order was given up.
pub(super) async fn cancelled(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let said = |language: Language| language.text("order-cancelled");
    tell(cx, transaction, order, ("order-cancelled-subject", said)).await
}

/// An order is being given back.
pub(super) async fn refunding(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    reason: Option<&str>,
) -> Result<(), Fault> {
    let said = |language: Language| {
        let sum = ("sum", language.money(order.totals.gross).into());
        match reason {
            Some(reason) => language.say("order-refunding-by-us", [sum, ("reason", reason.into())]),
            None => language.say("order-refunding", [sum]),
        }
    };
    tell(cx, transaction, order, ("order-refunding-subject", said)).await
}

/// The money went back.
pub(super) async fn refunded(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let said =
        |language: Language| language.say("order-refunded", [("sum", language.money(order.totals.gross).into())]);
    tell(cx, transaction, order, ("order-refunded-subject", said)).await
}

/// The money did not go back.
pub(super) async fn refund_refused(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let said = |language: Language| language.text("order-refund-refused");
    tell(cx, transaction, order, ("order-refund-refused-subject", said)).await
}

/// A broken token is replaced.
pub(super) async fn replaced(cx: &Cx, transaction: &impl Connection, order: &Order) -> Result<(), Fault> {
    let said = |language: Language| language.text("order-replaced");
    tell(cx, transaction, order, ("order-replaced-subject", said)).await
}

/// What was ordered is on its way, with these tokens in it.
pub(super) async fn sent(
    cx: &Cx,
    transaction: &impl Connection,
    order: &Order,
    (carrier, tracking): (&str, &str),
    serials: &[&str],
) -> Result<(), Fault> {
    let (shown, more) = serials.split_at(serials.len().min(20));
    let said = |language: Language| {
        let text = language.say("order-sent", [("carrier", carrier.into()), ("tracking", tracking.into())]);
        if serials.is_empty() {
            return text;
        }
        let mut listed = shown.join(", ");
        if !more.is_empty() {
            listed = language.say("order-sent-more", [("serials", listed.into()), ("more", more.len().into())]);
        }
        let facts = [("serials", listed.into()), ("count", serials.len().into())];
        format!("{text} {}\n\n{}", language.say("order-sent-tokens", facts), language.text("order-sent-which"))
    };
    tell(cx, transaction, order, ("order-sent-subject", said)).await
}
