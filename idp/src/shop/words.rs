//! Orders in words, for the pages of buyers and of administrators.

use stepgate_core::assurance;
use stepgate_core::id::PersonId;
use stepgate_core::subscriptions::license_key::KeyStage;
use stepgate_core::subscriptions::money::Money;
use stepgate_core::subscriptions::order::{LineFor, Order, OrderLine, OrderStage, PaymentMethod, Totals, summed};
use stepgate_store::{credentials, people};

use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::Tone;
use crate::pages::table::{Cell, Table};
use crate::words::Language;

/// Where an order stands.
pub const fn stage(order: &Order) -> (Tone, &'static str) {
    match (order.stage, order.method) {
        (OrderStage::AwaitingPayment, PaymentMethod::Invoice) => (Tone::Notice, "Waits for payment of the invoice"),
        (OrderStage::AwaitingPayment, _) => (Tone::Notice, "Not paid yet"),
        (OrderStage::Paid, _) => (Tone::Ok, "Paid"),
        (OrderStage::Refunding, _) => (Tone::Warning, "Being given back"),
        (OrderStage::Refunded, _) => (Tone::Neutral, "Given back"),
        (OrderStage::Cancelled, _) => (Tone::Neutral, "Cancelled"),
    }
}

/// How an order is paid.
pub const fn method(method: PaymentMethod) -> &'static str {
    match method {
        PaymentMethod::Card => "Card",
        PaymentMethod::Invoice => "Invoice",
        PaymentMethod::Voucher => "Voucher",
        PaymentMethod::Sponsored => "On account",
    }
}

/// Where a key stands.
pub const fn key_stage(stage: KeyStage) -> (Tone, &'static str) {
    match stage {
        KeyStage::Unredeemed => (Tone::Notice, "Not activated yet"),
        KeyStage::Redeemed => (Tone::Ok, "Activated"),
        KeyStage::Void => (Tone::Neutral, "Void"),
    }
}

/// For whom a line is.
///
/// # Errors
/// The store.
pub async fn whom(cx: &Cx, whom: LineFor, reader: PersonId) -> Result<String, Fault> {
    Ok(match whom {
        LineFor::Later => "To hand out later".to_owned(),
        LineFor::Person(person) if person == reader => "You".to_owned(),
        LineFor::Person(person) => name(cx, person).await?,
        LineFor::Renewal(id) => match credentials::find_credential(&cx.app.db, id).await? {
            Some(found) => {
                let kind = assurance::label(found.kind);
                if found.person == reader { format!("Your {kind}") } else { name(cx, found.person).await? }
            }
            None => "A credential that is gone".to_owned(),
        },
    })
}

/// A person's name and user ID.
///
/// # Errors
/// The store.
pub async fn name(cx: &Cx, person: PersonId) -> Result<String, Fault> {
    let found = people::find_person(&cx.app.db, person).await?;
    Ok(found.map_or_else(|| person.to_string(), |it| format!("{} ({})", it.display_name(), it.username)))
}

/// Lines that are shown one by one; those of an order that renews for many are summed up after them.
pub const SHOWN: usize = 50;

/// The lines of an order.
///
/// # Errors
/// The store.
pub async fn lines(cx: &Cx, lines: &[OrderLine], reader: PersonId) -> Result<Table, Fault> {
    let mut rows = Vec::new();
    let (shown, more) = lines.split_at(lines.len().min(SHOWN));
    for line in shown {
        rows.push(row(line, whom(cx, line.whom, reader).await?));
    }
    rows.extend(further(more));
    Ok(table(rows))
}

/// The same for whoever keeps the books: who uses what is for the purchaser alone.
pub fn lines_without_names(lines: &[OrderLine]) -> Table {
    let whom = |line: &OrderLine| match line.whom {
        LineFor::Later => "To hand out later",
        LineFor::Person(_) => "One person",
        LineFor::Renewal(_) => "A renewal",
    };
    let (shown, more) = lines.split_at(lines.len().min(SHOWN));
    let mut rows: Vec<_> = shown.iter().map(|line| row(line, whom(line).to_owned())).collect();
    rows.extend(further(more));
    table(rows)
}

fn table(rows: Vec<Vec<Cell>>) -> Table {
    Table::new(&["Product", "For", "Quantity", "Price", "Sum"], rows, "Nothing.")
}

fn row(line: &OrderLine, whom: String) -> Vec<Cell> {
    vec![
        Cell::text(line.name.clone()),
        Cell::text(whom),
        Cell::number(line.quantity),
        Cell::number(line.unit),
        line.unit.times(line.quantity).map_or(Cell::Empty, Cell::number),
    ]
}

/// What is not shown one by one, in the columns of the others.
pub fn further(lines: &[OrderLine]) -> Vec<Vec<Cell>> {
    summed(lines).iter().map(|line| row(line, "More people".to_owned())).collect()
}

/// What has to be done with what was paid for.
pub fn after_payment(order: &Order, language: Language) -> String {
    language.text(match order.gives() {
        (true, false) => "order-after-renewal",
        (true, true) => "order-after-both",
        (false, _) => "order-after-keys",
    })
}

/// What happens once the money has come.
pub fn before_payment(order: &Order, language: Language) -> String {
    language.text(match order.gives() {
        (true, false) => "order-before-renewal",
        (true, true) => "order-before-both",
        (false, _) => "order-before-keys",
    })
}

/// What it comes to.
pub fn sums(totals: &Totals, tax_name: &str) -> Vec<(String, Cell)> {
    let fact = |name: &str, sum: Money| (name.to_owned(), Cell::number(sum));
    let mut facts = Vec::new();
    if totals.tax.minor != 0 {
        facts.push(fact("Without tax", totals.net));
        facts.push(fact(tax_name, totals.tax));
    }
    facts.push(fact("Total", totals.gross));
    facts
}
