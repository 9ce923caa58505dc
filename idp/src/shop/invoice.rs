//! An invoice as a PDF. It is made anew each time, from the order as it was sold; its number was given with the order.

use stepgate_core::subscriptions::checkout::lines_of;
use stepgate_core::subscriptions::order::{Order, OrderStage};
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::desk;

use super::catalogue::catalogue;
use super::paper::{Row, WHOLE, date, drawn, heading, row, sold, space, wrapped};
use crate::cx::Cx;
use crate::fault::Fault;

/// The invoice of an order; `None` where it has none.
///
/// # Errors
/// The store, or a font that cannot be read.
pub async fn invoice(cx: &Cx, order: &Order) -> Result<Option<Vec<u8>>, Fault> {
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    let Some(number) = extras.invoice else { return Ok(None) };
    let tax_name = catalogue(cx).await?.tax_name;
    let rows = rows(cx, order, (&number, &tax_name));
    drawn(cx, &rows).map(Some)
}

fn rows(cx: &Cx, order: &Order, (number, tax_name): (&str, &str)) -> Vec<Row> {
    let shop = &cx.app.settings.shop;
    let mut rows: Vec<Row> = shop.seller.iter().map(row).collect();
    rows.extend([space(28.0), heading(format!("Invoice {number}"))]);
    let until = days_after(order.placed_at, shop.invoice_days);
    rows.push(row(format!("Order {}, placed on {} (UTC)", order.number, date(order.placed_at))));
    rows.push(row(match (order.stage, order.paid_at) {
        (OrderStage::AwaitingPayment, _) => format!("Payable within {} days, until {}", shop.invoice_days, date(until)),
        (OrderStage::Paid, Some(paid)) => format!("Paid on {}. Nothing is to be paid any more.", date(paid)),
        (OrderStage::Cancelled, _) => "Cancelled. Nothing is to be paid.".to_owned(),
        (OrderStage::Refunding | OrderStage::Refunded, _) | (OrderStage::Paid, None) => {
            "Given back. Nothing is to be paid.".to_owned()
        }
    }));
    rows.extend(order.purchase_order.iter().map(|own| row(format!("Your purchase order: {own}"))));
    rows.extend([space(18.0), row("Billed to")]);
    rows.extend(lines_of(&order.billing).iter().flat_map(|line| wrapped(line, WHOLE)).map(row));
    rows.push(space(22.0));
    rows.extend(sold(order, tax_name));
    rows.push(space(28.0));
    rows.push(row("The license keys are handed out when the money has come. Please state the number of the invoice."));
    rows.extend(shop.payment_details.iter().flat_map(|line| wrapped(line, WHOLE)).map(row));
    rows
}
