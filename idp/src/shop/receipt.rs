//! A receipt as a PDF: that an order was paid, when and by which means, and what went back. Made anew each time, like an
//! invoice; its number is the order's.

use stepgate_core::subscriptions::checkout::lines_of;
use stepgate_core::subscriptions::order::{Order, OrderStage, PaymentMethod, Sponsor};
use stepgate_store::desk::{self, Extras};
use stepgate_store::people;

use super::catalogue::catalogue;
use super::paper::{Row, WHOLE, date, drawn, heading, row, sold, space, total, wrapped};
use crate::cx::Cx;
use crate::fault::Fault;

/// Whether an order has a receipt: it was paid, whatever became of it since.
pub(super) const fn has_receipt(order: &Order) -> bool {
    order.paid_at.is_some() && matches!(order.stage, OrderStage::Paid | OrderStage::Refunding | OrderStage::Refunded)
}

/// The receipt of an order; `None` where it has none.
///
/// # Errors
/// The store, or a font that cannot be read.
pub(super) async fn receipt(cx: &Cx, order: &Order) -> Result<Option<Vec<u8>>, Fault> {
    if !has_receipt(order) {
        return Ok(None);
    }
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    let tax_name = catalogue(cx).await?.tax_name;
    let by = paid_by(cx, order, &extras).await?;
    drawn(cx, &rows(&cx.app.settings.shop.seller, order, (&extras, &tax_name, &by))).map(Some)
}

/// By which means it was paid: `Visa ending in 4242`, a voucher, whose account.
///
/// # Errors
/// The store.
pub(super) async fn paid_by(cx: &Cx, order: &Order, extras: &Extras) -> Result<String, Fault> {
    Ok(match order.method {
        PaymentMethod::Card => match &extras.card {
            Some(card) => format!("Card: {}", card.replace("ending in ", "\u{2022}\u{2022}\u{2022}\u{2022} ")),
            None => "Card".to_owned(),
        },
        PaymentMethod::Invoice => match &extras.invoice {
            Some(number) => format!("Invoice {number}"),
            None => "Nothing was to be paid".to_owned(),
        },
        PaymentMethod::Voucher => "Voucher".to_owned(),
        PaymentMethod::Sponsored => match order.sponsor {
            Some(Sponsor::Organization(id)) => {
                let known = people::list_organizations(&cx.app.db).await?;
                let found = known.into_iter().find(|organization| organization.id == id);
                format!("On the account of {}", found.map_or_else(|| "an organization".to_owned(), |it| it.name))
            }
            Some(Sponsor::Partner(id)) => {
                let known = people::list_partners(&cx.app.db).await?;
                let found = known.into_iter().find(|partner| partner.id == id);
                format!("On the account of {}", found.map_or_else(|| "a partner".to_owned(), |it| it.name))
            }
            None => "On account".to_owned(),
        },
    })
}

fn rows(seller: &[String], order: &Order, (extras, tax_name, by): (&Extras, &str, &str)) -> Vec<Row> {
    let mut rows: Vec<Row> = seller.iter().map(row).collect();
    rows.extend([space(28.0), heading(format!("Receipt {}", order.number))]);
    rows.push(row(format!("Order {}, placed on {} (UTC)", order.number, date(order.placed_at))));
    rows.extend(order.paid_at.map(|paid| row(format!("Paid on {} (UTC)", date(paid)))));
    rows.extend(wrapped(&format!("Paid by: {by}"), WHOLE).into_iter().map(row));
    rows.extend(order.purchase_order.iter().map(|own| row(format!("Your purchase order: {own}"))));
    rows.extend([space(18.0), row("Billed to")]);
    rows.extend(lines_of(&order.billing).iter().flat_map(|line| wrapped(line, WHOLE)).map(row));
    rows.push(space(22.0));
    rows.extend(sold(order, tax_name));
    match (order.stage, extras.refunded_at) {
        (OrderStage::Refunded, refunded) => {
            rows.push(total("Given back", format!("-{}", order.totals.gross)));
            rows.push(space(14.0));
            let on = refunded.map_or_else(String::new, |at| format!(" on {} (UTC)", date(at)));
            rows.push(row(format!("{} went back to where they came from{on}.", order.totals.gross)));
        }
        (OrderStage::Refunding, _) => {
            rows.push(space(14.0));
            rows.push(row(format!("{} are on their way back.", order.totals.gross)));
        }
        (OrderStage::Paid | OrderStage::AwaitingPayment | OrderStage::Cancelled, _) => {}
    }
    rows
}

#[cfg(test)]
mod tests {
    use stepgate_core::id::{OrderId, PersonId};
    use stepgate_core::subscriptions::money::Money;
    use stepgate_core::subscriptions::order::{Party, Totals};
    use stepgate_core::time::Timestamp;

    use super::*;

    #[test]
    fn a_receipt_says_when_and_by_which_means_it_was_paid_and_what_went_back() {
        let usd = |minor| Money::new(minor, "USD".parse().unwrap());
        let paid = Order {
            id: OrderId::from_uuid(uuid::Uuid::from_u128(1)),
            number: "SG-7K2M-9QXA".to_owned(),
            purchaser: PersonId::from_uuid(uuid::Uuid::from_u128(2)),
            organization: None,
            sponsor: None,
            stage: OrderStage::Paid,
            method: PaymentMethod::Card,
            lines: Vec::new(),
            totals: Totals { net: usd(3000), tax: usd(570), gross: usd(3570) },
            billing: Party { name: "Zoë".to_owned(), ..Party::default() },
            shipping: None,
            purchase_order: None,
            placed_at: Timestamp::from_unix_seconds(1_772_400_000),
            paid_at: Some(Timestamp::from_unix_seconds(1_772_460_300)),
            version: 1,
        };
        let extras = Extras { refunded_at: Some(Timestamp::from_unix_seconds(1_773_000_000)), ..Extras::default() };
        let words = |order: &Order| {
            let rows = rows(&["Stepgate".to_owned()], order, (&extras, "VAT", "Card: Visa 4242"));
            rows.iter().flat_map(|row| row.texts.iter().map(|(_, text)| text.clone())).collect::<Vec<_>>().join("|")
        };
        let told = words(&paid);
        for part in ["Receipt SG-7K2M-9QXA", "Paid on 2 Mar 2026", "Paid by: Card: Visa 4242", "VAT|5.70 USD", "Zoë"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("back"), "{told}");
        let back = words(&Order { stage: OrderStage::Refunded, ..paid.clone() });
        assert!(back.contains("Given back|-35.70 USD") && back.contains("on 8 Mar 2026"), "{back}");
        for (stage, paid_at, has) in [
            (OrderStage::Refunded, paid.paid_at, true),
            (OrderStage::AwaitingPayment, None, false),
            (OrderStage::Cancelled, None, false),
        ] {
            assert_eq!(has_receipt(&Order { stage, paid_at, ..paid.clone() }), has, "{stage:?}");
        }
    }
}
