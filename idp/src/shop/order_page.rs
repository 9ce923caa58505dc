//! One order, as its purchaser sees it: where it stands, what was bought, the keys, and what can be done.

use stepgate_core::subscriptions::checkout::lines_of;
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey};
use stepgate_core::subscriptions::order::{Order, OrderStage, PaymentMethod, REFUND_DAYS};
use stepgate_core::subscriptions::term::days_after;
use stepgate_store::desk::{self, Extras};
use stepgate_store::license_keys;

use super::catalogue::catalogue;
use super::{buyer, receipt, words};
use crate::account::Visitor;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::extract::Browser;
use crate::http::page::PageFailure;
use crate::pages::admin::DetailSection;
use crate::pages::form::Form as PageForm;
use crate::pages::shop::ShopPage;
use crate::pages::table::{Cell, Table};
use crate::pages::{Action, Section, Tone, When};
use crate::subscriptions::key_letters;

fn done_note(done: &str) -> Option<(Tone, &'static str)> {
    Some(match done {
        "placed" => (Tone::Ok, "Thank you. Your order is placed."),
        "paid" => (Tone::Ok, "Thank you. Your order is paid."),
        "unpaid" => (Tone::Warning, "Nothing was paid yet. You can pay now, or cancel the order."),
        "unavailable" => (
            Tone::Warning,
            "The payment provider does not answer at the moment. Your order is kept: pay in a few minutes.",
        ),
        "wrong" => (Tone::Danger, "A payment came that does not fit this order. Our finance department looks into it."),
        "cancelled" => (Tone::Ok, "The order is cancelled. Nothing is to be paid."),
        "returned" => (Tone::Ok, "You gave it back. The license keys are void, and the money follows."),
        "invitations" => (
            Tone::Warning,
            "It pays for invitations: withdraw those that were not taken up, and the account has its money back.",
        ),
        "replacement" => (
            Tone::Warning,
            "It replaces a broken token and cost nothing. Give back the order that was paid, and it goes with it.",
        ),
        "late" => (Tone::Warning, "An order can be given back within 15 days after it was paid."),
        "used" => {
            (Tone::Warning, "A key of it was activated, or a subscription renewed. What is in use is not taken back.")
        }
        "raced" => (Tone::Warning, "The order has moved on in the meantime. This is where it stands now."),
        _ => return None,
    })
}

/// The page.
pub(super) async fn page(
    cx: &Cx,
    browser: &Browser,
    (visitor, order): (&Visitor, &Order),
    done: &str,
) -> Result<ShopPage, PageFailure> {
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    let keys = license_keys::list_keys_of_order(&cx.app.db, order.id).await?;
    let layout = visitor.layout(cx, "Order", Section::Orders);
    let mut page = ShopPage::new(layout, "order", format!("Order {}", order.number));
    let (tone, word) = words::stage(order);
    page.state = Some((tone, word.to_owned()));
    page.notes.extend(done_note(done).map(|(tone, text)| (tone, text.to_owned())));
    page.lead = lead(order).map(str::to_owned);
    let open = order.stage == OrderStage::AwaitingPayment;
    if open && order.method == PaymentMethod::Card {
        page.main = Some(Action::post("continue", "Pay now", format!("/orders/{}/pay", order.number)));
    }
    page.actions = actions(cx, browser, order, &extras).await?;
    let section = |heading: &str, table, forms| DetailSection { heading: heading.to_owned(), table, forms };
    if !keys.is_empty() {
        let heading = if order.gives().1 { "License keys" } else { "Renewed" };
        page.sections.push(section(heading, Some(key_table(cx, visitor, order, &keys).await?), Vec::new()));
    }
    let bought = words::lines(cx, &order.lines, visitor.person.id).await?;
    page.sections.push(section("What you ordered", Some(bought), Vec::new()));
    page.facts = facts(cx, visitor, order, &extras).await?;
    let used = keys.iter().filter(|key| key.stage == KeyStage::Redeemed).count();
    if extras.replaces.is_none() && order.check_refund(used, cx.now).is_ok() {
        let until = order.paid_at.map(|paid| When::date(days_after(paid, REFUND_DAYS), &visitor.zone()).text);
        let form = PageForm::side("refund", format!("/orders/{}/refund", order.number), "Give back", Vec::new());
        let effect = format!(
            "All license keys of this order become void, and {} go back. Possible until {}.",
            order.totals.gross,
            until.unwrap_or_default()
        );
        page.sections.push(section("Give it back", None, vec![form.dangerous(effect)]));
    }
    if open && !super::place::is_covered(order) {
        let form = PageForm::side("cancel", format!("/orders/{}/cancel", order.number), "Cancel the order", Vec::new());
        page.sections.push(section("Cancel", None, vec![form.dangerous("Nothing is to be paid then.")]));
    }
    page.back = Some(Action::link("back", "Your orders", "/orders"));
    Ok(page)
}

fn lead(order: &Order) -> Option<&'static str> {
    match (order.stage, order.method) {
        (OrderStage::Paid, _) => Some(words::after_payment(order)),
        (OrderStage::AwaitingPayment, PaymentMethod::Invoice | PaymentMethod::Card) => {
            Some(words::before_payment(order))
        }
        _ => None,
    }
}

async fn actions(cx: &Cx, browser: &Browser, order: &Order, extras: &Extras) -> Result<Vec<Action>, PageFailure> {
    let mut actions = Vec::new();
    if extras.invoice.is_some() {
        actions.push(Action::link("invoice", "Invoice (PDF)", format!("/orders/{}/invoice.pdf", order.number)));
    }
    if receipt::has_receipt(order) {
        actions.push(Action::link("receipt", "Receipt (PDF)", format!("/orders/{}/receipt.pdf", order.number)));
    }
    if order.stage == OrderStage::Paid && order.gives().1 {
        actions.push(Action::link("keys", "License keys", "/account/otp/keys"));
    }
    // Whoever came from an application goes back to it, once what was bought is set up.
    if let (Some(id), OrderStage::Paid) = (extras.interaction, order.stage)
        && let Some((application, path)) = buyer::parked(cx, browser, id).await?
    {
        actions.push(Action::link("resume", format!("Go on to {application}"), path));
    }
    Ok(actions)
}

/// Keys that are shown on the page of their order; all are on a page of their own.
const KEYS: usize = 200;

/// The keys. Their letters are shown to the purchaser while they can be handed on; a renewal has none to hand on.
async fn key_table(cx: &Cx, visitor: &Visitor, order: &Order, keys: &[LicenseKey]) -> Result<Table, Fault> {
    let mut rows = Vec::new();
    let (shown, more) = keys.split_at(keys.len().min(KEYS));
    for key in shown {
        let line = usize::try_from(key.line).ok().and_then(|line| order.lines.get(line));
        let name = line.map_or_else(|| key.product.to_string(), |line| line.name.clone());
        let (tone, word) = words::key_stage(key.stage);
        let open = key.stage == KeyStage::Unredeemed;
        // Keys of invitations are their readers', not of whoever pressed the button.
        let own = key.purchaser == Some(visitor.person.id);
        let letters = if open && own { Cell::Code(key_letters(&cx.app, key.id).expose().clone()) } else { Cell::Empty };
        let whose = match (key.redeemed_by.or(key.holder), &key.holder_mail) {
            (Some(person), _) if person == visitor.person.id => "You".to_owned(),
            _ if !own => "Whom it was sent to".to_owned(),
            (Some(person), _) => words::name(cx, person).await?,
            (None, Some(mail)) => mail.clone(),
            (None, None) => "Nobody yet".to_owned(),
        };
        let mine = open && key.holder.map_or(own, |holder| holder == visitor.person.id);
        let activate = Action::post(format!("activate-{}", key.id), "Activate", "/account/otp/license/activate");
        rows.push(vec![
            Cell::text(name),
            letters,
            Cell::text(whose),
            Cell::State(tone, word.to_owned()),
            if mine { Cell::Button(activate.with("id", key.id.to_string())) } else { Cell::Empty },
        ]);
    }
    if !more.is_empty() {
        let rest = Cell::text(format!("{} more", more.len()));
        let page = Cell::link("/account/otp/keys", "License keys");
        rows.push(vec![rest, page, Cell::Empty, Cell::Empty, Cell::Empty]);
    }
    Ok(Table::new(&["Product", "License key", "For", "State", ""], rows, "None."))
}

async fn facts(cx: &Cx, visitor: &Visitor, order: &Order, extras: &Extras) -> Result<Vec<(String, Cell)>, Fault> {
    let zone = visitor.zone();
    let mut facts = words::sums(&order.totals, &catalogue(cx).await?.tax_name);
    let mut add = |name: &str, cell: Cell| facts.push((name.to_owned(), cell));
    add("Placed", Cell::Time(When::new(order.placed_at, cx.now, &zone)));
    add("Payment", Cell::text(words::method(order.method)));
    if let (Some(card), true) = (&extras.card, order.paid_at.is_some()) {
        add("Card", Cell::text(card.clone()));
    }
    if let Some(paid) = order.paid_at {
        add("Paid", Cell::Time(When::date(paid, &zone)));
    }
    if let Some(refunded) = extras.refunded_at {
        add("Money went back", Cell::Time(When::date(refunded, &zone)));
    }
    if let (Some(invoice), OrderStage::AwaitingPayment) = (&extras.invoice, order.stage) {
        add("Invoice", Cell::Code(invoice.clone()));
        let until = days_after(order.placed_at, cx.app.settings.shop.invoice_days);
        add("Payable until", Cell::Time(When::date(until, &zone)));
    }
    if let Some(number) = &order.purchase_order {
        add("Your purchase order", Cell::text(number.clone()));
    }
    add("Billed to", Cell::text(lines_of(&order.billing).join(", ")));
    if let Some(shipping) = &order.shipping {
        add("Sent to", Cell::text(lines_of(shipping).join(", ")));
        let state = match extras.sent_at {
            Some(sent) => Cell::Time(When::date(sent, &zone)),
            None => Cell::text("Not sent yet"),
        };
        add("Sent", state);
    }
    if let (Some(carrier), Some(tracking)) = (&extras.carrier, &extras.tracking) {
        add("Tracking", Cell::text(format!("{carrier}: {tracking}")));
    }
    Ok(facts)
}
