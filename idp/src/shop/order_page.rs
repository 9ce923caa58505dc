//! One order, as its purchaser sees it: where it stands, what was bought, the keys, and what can be done.

use stepgate_core::assurance::CredentialState;
use stepgate_core::id::CredentialId;
use stepgate_core::subscriptions::checkout::lines_of;
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey};
use stepgate_core::subscriptions::order::{LineFor, Order, OrderStage, PaymentMethod, REFUND_DAYS};
use stepgate_core::subscriptions::term::days_after;
use stepgate_core::time::Timestamp;
use stepgate_store::desk::{self, Extras};
use stepgate_store::tokens::parcels;
use stepgate_store::{credentials, license_keys, subscriptions as terms};

use super::catalogue::catalogue;
use super::{broken, buyer, receipt, words};
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
use crate::words::Language;

fn done_note(done: &str, stage: OrderStage) -> Option<(Tone, &'static str)> {
    Some(match done {
        "placed" if stage == OrderStage::Paid => (Tone::Ok, "Thank you. Your order is paid."),
        "placed" => (Tone::Ok, "Thank you. Your order is placed."),
        "paid" => (Tone::Ok, "Thank you. Your order is paid."),
        "unpaid" => (Tone::Warning, "Nothing was paid yet. You can pay now, or cancel the order."),
        "unavailable" => (
            Tone::Warning,
            "The payment provider does not answer at the moment. Your order is kept: pay in a few minutes.",
        ),
        "wrong" => (Tone::Danger, "A payment came that does not fit this order. Our finance department looks into it."),
        "cancelled" => (Tone::Ok, "The order is cancelled. Nothing is to be paid."),
        "returned" => (Tone::Ok, "You gave it back. The license keys are void."),
        "invitations" => (
            Tone::Warning,
            "It pays for invitations: withdraw those that were not taken up, and the account has its money back.",
        ),
        "replacement" => (
            Tone::Warning,
            "It replaces a broken token and cost nothing. Give back the order that was paid, and it goes with it.",
        ),
        "asked" => (Tone::Ok, "Thank you. We look into it, and write to you."),
        "no-reason" => (Tone::Warning, "Nothing was sent to us: say in a few words what is broken."),
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
    let all = license_keys::list_keys_of_order(&cx.app.db, order.id).await?;
    let used = all.iter().filter(|key| key.stage == KeyStage::Redeemed).count();
    let returnable = extras.replaces.is_none() && order.check_refund(used, cx.now).is_ok();
    let more = all.len().saturating_sub(SHOWN);
    let keys = order_keys(cx, visitor, (order, all)).await?;
    let layout = visitor.layout(cx, "Order", Section::Orders);
    let mut page = ShopPage::new(layout, "order", format!("Order {}", order.number));
    let (tone, word) = words::stage(order);
    page.state = Some((tone, word.to_owned()));
    page.notes.extend(done_note(done, order.stage).map(|(tone, text)| (tone, text.to_owned())));
    let (actions, back) = actions(cx, browser, order, &extras).await?;
    let next = next(visitor, (order, &keys, returnable), back.clone());
    (page.lead, page.main, page.actions) = (next.lead, next.main, actions);
    // The way on is there as well where something comes before it.
    page.actions.extend(back.filter(|back| page.main.as_ref() != Some(back)));
    let open = order.stage == OrderStage::AwaitingPayment;
    let section = |heading: &str, table, forms| DetailSection { heading: heading.to_owned(), table, forms };
    let (renewed, handed): (Vec<&OrderKey>, Vec<&OrderKey>) = keys.iter().partition(|key| key.renews.is_some());
    if !handed.is_empty() {
        page.sections.push(section("License keys", Some(key_table(cx, visitor, &handed, more)), Vec::new()));
    }
    if !renewed.is_empty() {
        page.sections.push(section("Renewed", Some(renewals(visitor, &renewed)), Vec::new()));
    }
    let mut bought = words::lines(cx, &order.lines, visitor.person.id).await?;
    bought.sums = words::sums(&order.totals, &catalogue(cx).await?.tax_name);
    page.sections.push(section("What you ordered", Some(bought), Vec::new()));
    page.facts = facts(cx, visitor, order, &extras);
    page.sections.extend(broken::section(cx, visitor, (order, &extras)).await?);
    if returnable {
        let until = order.paid_at.map(|paid| When::date(days_after(paid, REFUND_DAYS), &visitor.zone()).text);
        let form = PageForm::side("refund", format!("/orders/{}/refund", order.number), "Give back", Vec::new());
        let effect = format!(
            "All license keys of this order become void, and {}. Possible until {}.",
            way_back(order),
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

/// What the page leads with: words, the main button, and what pressing it means.
struct Next {
    lead: Option<String>,
    main: Option<Action>,
}

/// What is to be done next with an order: pay it, activate what is one's own, go back to where it was needed.
fn next(visitor: &Visitor, (order, keys, returnable): (&Order, &[OrderKey], bool), back: Option<Action>) -> Next {
    let say = |lead: &str, main: Option<Action>| Next { lead: Some(lead.to_owned()), main };
    match (order.stage, order.method) {
        (OrderStage::Paid, _) => {}
        (OrderStage::AwaitingPayment, PaymentMethod::Invoice) => {
            let invoice = Action::link("invoice", "Invoice (PDF)", format!("/orders/{}/invoice.pdf", order.number));
            return say(&words::before_payment(order, Language::English), Some(invoice));
        }
        (OrderStage::AwaitingPayment, PaymentMethod::Card) => {
            let pay = Action::post("continue", "Pay now", format!("/orders/{}/pay", order.number));
            return say(&words::before_payment(order, Language::English), Some(pay));
        }
        _ => return Next { lead: None, main: None },
    }
    if let Some(mine) = keys.iter().find(|key| key.is_mine(visitor)) {
        let until = order.paid_at.map(|paid| When::date(days_after(paid, REFUND_DAYS), &visitor.zone()).text);
        let lead = match until.filter(|_| returnable) {
            Some(until) => format!(
                "Activate it now, or later. Activating uses the license key up: after that the order cannot be given back, \
                 which is possible until {until} otherwise."
            ),
            None => "Activate it now, or later. Activating uses the license key up.".to_owned(),
        };
        return say(&lead, Some(mine.activate(format!("Activate {}", mine.name))));
    }
    if let Some(path) = keys.iter().find_map(|key| key.set_up.as_ref()) {
        let set_up = Action::link("continue", "Set it up", path.clone());
        return say("The license key is yours. Now set up what it became.", Some(set_up));
    }
    let on = back.or_else(|| Some(Action::link("continue", "Manage OTP", "/account/otp")));
    if keys.iter().any(|key| key.own && key.key.stage == KeyStage::Unredeemed) {
        let hand = Action::link("continue", "License keys", "/account/otp/keys");
        return say("Hand each license key to whom it is for. Whoever gets one is told, and activates it.", Some(hand));
    }
    if !keys.is_empty() && keys.iter().all(|key| key.renews.is_some()) {
        return say(&words::after_payment(order, Language::English), on);
    }
    Next { lead: None, main: on }
}

async fn actions(
    cx: &Cx,
    browser: &Browser,
    order: &Order,
    extras: &Extras,
) -> Result<(Vec<Action>, Option<Action>), PageFailure> {
    let mut actions = Vec::new();
    if extras.invoice.is_some() && order.stage != OrderStage::AwaitingPayment {
        actions.push(Action::link("invoice", "Invoice (PDF)", format!("/orders/{}/invoice.pdf", order.number)));
    }
    if receipt::has_receipt(order) {
        actions.push(Action::link("receipt", "Receipt (PDF)", format!("/orders/{}/receipt.pdf", order.number)));
    }
    // Whoever came from an application goes back to it, once what was bought is set up.
    let mut back = None;
    if let (Some(id), OrderStage::Paid) = (extras.interaction, order.stage)
        && let Some((application, path)) = buyer::parked(cx, browser, id).await?
    {
        back = Some(Action::link("resume", format!("Go on to {application}"), path));
    }
    Ok((actions, back))
}

/// A key of the order, and what became of it.
struct OrderKey {
    key: LicenseKey,
    /// What it is called on the order.
    name: String,
    /// For whom it is.
    whose: String,
    /// Whether the reader bought it, and may hand it on.
    own: bool,
    /// The credential that it made last longer, where it did so at once.
    renews: Option<CredentialId>,
    /// Until when it made something last that was there before.
    renewed_until: Option<Timestamp>,
    /// Where what it became waits to be set up by the reader.
    set_up: Option<String>,
}

impl OrderKey {
    /// Whether the reader is the one to activate it.
    fn is_mine(&self, visitor: &Visitor) -> bool {
        self.key.stage == KeyStage::Unredeemed && self.key.holder == Some(visitor.person.id)
    }

    fn activate(&self, label: String) -> Action {
        let id = self.key.id.to_string();
        Action::post(format!("activate-{id}"), label, "/account/otp/license/activate").with("id", id)
    }
}

/// Keys that are shown on the page of their order; all are on a page of their own.
const SHOWN: usize = 200;

async fn order_keys(
    cx: &Cx,
    visitor: &Visitor,
    (order, keys): (&Order, Vec<LicenseKey>),
) -> Result<Vec<OrderKey>, Fault> {
    let (person, mut found) = (visitor.person.id, Vec::new());
    let sent = match order.shipping {
        Some(_) => parcels::list_owed(&cx.app.db, order.id).await?,
        None => Vec::new(),
    };
    let renewed = credentials::list_by_ids(&cx.app.db, &order.renewals().take(SHOWN).collect::<Vec<_>>()).await?;
    for key in keys.into_iter().take(SHOWN) {
        let line = usize::try_from(key.line).ok().and_then(|line| order.lines.get(line));
        let name = line.map_or_else(|| key.product.to_string(), |line| line.name.clone());
        // A second line for the same credential leaves a key that can be used later.
        let renews = line.filter(|_| key.stage != KeyStage::Unredeemed).and_then(|line| match line.whom {
            LineFor::Renewal(id) => Some(id),
            LineFor::Person(_) | LineFor::Later => None,
        });
        // Keys of invitations are their readers', not of whoever pressed the button.
        let own = key.purchaser == Some(person);
        let whose = match (key.redeemed_by.or(key.holder), &key.holder_mail, line) {
            (_, _, Some(line)) if renews.is_some() => words::whom(cx, line.whom, person).await?,
            (Some(holder), ..) if holder == person => "You".to_owned(),
            _ if !own => "Whom it was sent to".to_owned(),
            (Some(holder), ..) => words::name(cx, holder).await?,
            (None, Some(mail), _) => mail.clone(),
            (None, None, _) => "Nobody yet".to_owned(),
        };
        let renewed = renews.and_then(|id| renewed.iter().find(|held| held.id == id));
        let made = match key.redeemed_by == Some(person) && renews.is_none() {
            true => terms::list_credentials_of_key(&cx.app.db, key.id).await?,
            false => Vec::new(),
        };
        let waits = made.iter().find(|held| held.stage == CredentialState::Pending);
        // Whoever hands keys and tokens on must know which goes with which.
        let others = own && key.holder != Some(person);
        let with = sent.iter().find(|it| it.key == key.id && it.open && others).and_then(|it| it.serial.as_ref());
        found.push(OrderKey {
            name: with.map_or_else(|| name.clone(), |serial| format!("{name}, token {serial}")),
            whose,
            own,
            renews,
            renewed_until: renewed.and_then(|held| held.expires_at),
            set_up: waits.map(|held| format!("/account/otp#credential-{}", held.id)),
            key,
        });
    }
    Ok(found)
}

/// The keys. Their letters are shown to the purchaser while they can be handed on.
fn key_table(cx: &Cx, visitor: &Visitor, keys: &[&OrderKey], more: usize) -> Table {
    let several = keys.iter().filter(|key| key.is_mine(visitor)).count() > 1;
    let mut rows = Vec::new();
    for key in keys {
        let open = key.key.stage == KeyStage::Unredeemed;
        let letters =
            if open && key.own { Cell::Code(key_letters(&cx.app, key.key.id).expose().clone()) } else { Cell::Empty };
        let (tone, word) = match &key.set_up {
            Some(_) => (Tone::Notice, "Not set up yet"),
            None => words::key_stage(key.key.stage),
        };
        let act = match (&key.set_up, key.is_mine(visitor)) {
            (Some(path), _) => Cell::link(path.clone(), "Set it up"),
            // The one key of one's own is the page's main button.
            (None, true) if several => Cell::Button(key.activate("Activate".to_owned())),
            (None, true) => Cell::Empty,
            (None, false) if open && key.own => {
                let words =
                    if key.key.holder.is_none() && key.key.holder_mail.is_none() { "Hand over" } else { "Change" };
                Cell::link(format!("/account/otp/keys/{}", key.key.id), words)
            }
            (None, false) => Cell::Empty,
        };
        let state = Cell::State(tone, word.to_owned());
        rows.push(vec![Cell::text(key.name.clone()), letters, Cell::text(key.whose.clone()), state, act]);
    }
    if more > 0 {
        let all = Cell::link("/account/otp/keys", "License keys");
        rows.push(vec![Cell::text(format!("{more} more")), all, Cell::Empty, Cell::Empty, Cell::Empty]);
    }
    // A column that says nothing is left out.
    let acts = rows.iter().any(|row| row.last().is_some_and(|cell| *cell != Cell::Empty));
    let mut columns = vec!["Product", "License key", "For", "State"];
    if acts {
        columns.push("");
    } else {
        rows.iter_mut().for_each(|row| row.truncate(4));
    }
    Table::new(&columns, rows, "None.")
}

/// What was renewed, and until when.
fn renewals(visitor: &Visitor, keys: &[&OrderKey]) -> Table {
    let zone = visitor.zone();
    let rows = keys.iter().map(|key| {
        let (tone, word) = match key.key.stage {
            KeyStage::Redeemed => (Tone::Ok, "Renewed"),
            stage @ (KeyStage::Unredeemed | KeyStage::Void) => words::key_stage(stage),
        };
        let until = Cell::time(key.renewed_until.map(|until| When::date(until, &zone)));
        vec![Cell::text(key.name.clone()), Cell::text(key.whose.clone()), Cell::State(tone, word.to_owned()), until]
    });
    Table::new(&["Product", "For", "State", "Ends"], rows.collect(), "None.")
}

/// Where the money goes when an order is given back.
fn way_back(order: &Order) -> String {
    match order.method {
        PaymentMethod::Voucher => "the voucher can be used again".to_owned(),
        PaymentMethod::Sponsored => format!("{} go back to the account that paid", order.totals.gross),
        PaymentMethod::Card => format!("{} go back to the card", order.totals.gross),
        PaymentMethod::Invoice => format!("we send {} back", order.totals.gross),
    }
}

fn facts(cx: &Cx, visitor: &Visitor, order: &Order, extras: &Extras) -> Vec<(String, Cell)> {
    let zone = visitor.zone();
    let mut facts = Vec::new();
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
    facts
}
