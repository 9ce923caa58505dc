//! A card on file, and renewals that it pays without its person: announced, charged once whatever dies in between, and
//! payable by hand where the bank says no. What goes back at Stripe, and the receipt.

use serde_json::Value;
use stepgate_tests::{Backend, Browser, Checkout, World};

use super::license_keys::at;
use super::payments::{attention, order_by_card, order_number, restart, stage, worlds};
use super::renewal::{credential, ends, is_a_year};
use super::shop::{add, checkout_fields, logged_in};

const DAY: u64 = 24 * 3600;
const BOB: &str = "bob@iron-builders.example";
const PHONE: &str = "+12025550101";
const PAID: &str = "checkout.session.completed";
const CARD: &str = "/account/otp/card";

/// Presses *Give a card*, with a fresh factor where one is asked for; the page at Stripe.
async fn begin(world: &World, stripe: &Checkout, bob: &mut Browser) -> String {
    bob.open(CARD).await;
    bob.submit(&[("keep", "1")]).await;
    if bob.page.name() == "factor" {
        bob.show_phone(world, PHONE).await;
        assert_eq!(bob.page.name(), "card", "back at the page of the button: {}", bob.page.words());
        bob.submit(&[("keep", "1")]).await;
    }
    assert_eq!(bob.page.name(), "outside", "{}", bob.page.words());
    stripe.sessions().last().unwrap()["id"].as_str().unwrap().to_owned()
}

/// Bob keeps a card, and lets his Phone OTP renew itself. His organization has no account.
async fn prepared(world: &World, stripe: &Checkout, last4: &str) -> String {
    world.tamper("DELETE FROM sponsor_accounts").await;
    let id = credential(world, "bob", "Phone OTP").await;
    let mut bob = at(world, "bob", &format!("/account/otp/{id}")).await;
    bob.submit(&[("on", "1")]).await;
    assert_eq!(bob.page.name(), "card", "the next page is for the card: {}", bob.page.words());
    let session = begin(world, stripe, &mut bob).await;
    stripe.give_card(&session, last4);
    bob.open(&format!("{CARD}?done=given")).await;
    assert!(bob.page.words().contains("Your card is kept"), "{}", bob.page.words());
    assert!(bob.page.words().contains("48.00 USD"), "what it pays: {}", bob.page.words());
    id
}

async fn bobs_end(world: &World) -> i64 {
    ends(world, "bob", "phone_otp").await
}

/// Waits until nothing is due and nothing waits.
async fn quiet(world: &World) {
    let open = "SELECT COUNT(*) AS found FROM outbox WHERE done_at IS NULL AND failed_at IS NULL";
    world.until("everything is out", async || world.count(open).await == 0).await;
}

async fn told(world: &World, about: &str) -> usize {
    quiet(world).await;
    world.mails(BOB, about).await
}

async fn renewed(world: &World, before: i64) {
    world.until("it is renewed", async || bobs_end(world).await > before).await;
    quiet(world).await;
    assert!(is_a_year(before, bobs_end(world).await), "one year, once");
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM terms").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_given_at_the_provider_replaced_and_taken_away() {
    for (world, stripe) in worlds().await {
        let mut bob = at(&world, "bob", CARD).await;
        assert!(!bob.page.text.contains("checked"), "never ticked beforehand");
        bob.submit(&[("keep", "")]).await;
        assert_eq!(bob.page.status.as_u16(), 422);
        assert_eq!(stripe.sessions().len(), 0);
        let first = begin(&world, &stripe, &mut bob).await;
        // That the browser comes back says nothing.
        bob.open(&format!("{CARD}?done=given")).await;
        assert!(bob.page.words().contains("Give a card") && !bob.page.words().contains("4242"), "{}", bob.page.words());
        let cards = "SELECT COUNT(*) AS found FROM cards_on_file";
        assert_eq!(world.count(cards).await, 0);
        stripe.give_card(&first, "4242");
        // Nor does a message: another's page is read, and its reference is no visit of ours.
        stripe.change(&first, "client_reference_id", Value::from("somebody"));
        assert_eq!(stripe.tell(&world.node(0), ("evt_1", PAID), &first).await, 200);
        assert_eq!(world.count(cards).await, 0);
        let setup = world.texts("SELECT CAST(checkout_id AS TEXT) AS found FROM card_setups").await;
        assert_eq!(setup, std::slice::from_ref(&first));
        let second = begin(&world, &stripe, &mut bob).await;
        stripe.give_card(&second, "4242");
        // The browser never came back: the message is enough.
        let last = world.node(world.nodes() - 1);
        for event in ["evt_2", "evt_2", "evt_3"] {
            assert_eq!(stripe.tell(&last, (event, PAID), &second).await, 200);
        }
        bob.open(CARD).await;
        let words = bob.page.words();
        assert!(words.contains("Visa \u{2022}\u{2022}\u{2022}\u{2022} 4242") && words.contains("12/2099"), "{words}");
        assert_eq!(told(&world, "A card for renewals was added").await, 1);
        let kept = world.texts("SELECT customer || ' ' || method AS found FROM cards_on_file").await.remove(0);
        assert!(kept.starts_with(&format!("cus_{second} pm_4242_")), "{kept}");
        // Another one in its place: the first is taken away at the provider, too.
        let third = begin(&world, &stripe, &mut bob).await;
        stripe.give_card(&third, "1881");
        bob.open(&format!("{CARD}?done=given")).await;
        assert!(bob.page.words().contains("1881") && !bob.page.words().contains("4242"), "{}", bob.page.words());
        world.until("the first is taken away", async || stripe.detached().len() == 1).await;
        assert!(stripe.detached()[0].starts_with("pm_4242"));
        // None: at once here, and there once it answers. Late messages bring nothing back.
        stripe.breaks(Some(500));
        bob.submit_to(&format!("{CARD}/remove")).await;
        assert!(bob.page.words().contains("not kept any more"), "{}", bob.page.words());
        assert_eq!(world.count(cards).await, 0);
        stripe.breaks(None);
        world.advance(120).await;
        world.until("the second is taken away", async || stripe.detached().len() == 2).await;
        for (event, session) in [("evt_4", &first), ("evt_5", &second), ("evt_6", &third)] {
            assert_eq!(stripe.tell(&last, (event, PAID), session).await, 200);
        }
        assert_eq!(world.count(cards).await, 0);
        assert_eq!(told(&world, "Your card for renewals was removed").await, 1);
        let events =
            "SELECT COUNT(*) AS found FROM audit_events WHERE kind IN ('card.kept', 'card.replaced', 'card.removed')";
        assert_eq!(world.count(events).await, 3);
        // Not with a factor from before.
        world.advance(600).await;
        bob.open(CARD).await;
        bob.submit(&[("keep", "1")]).await;
        assert_eq!(bob.page.name(), "factor", "{}", bob.page.words());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_that_pays_an_order_is_kept_only_where_its_buyer_wants_it() {
    let stripe = Checkout::start().await;
    let world = World::start_with(Backend::Sqlite, &stripe.settings()).await;
    let cards = "SELECT COUNT(*) AS found FROM cards_on_file";
    let mut alice = logged_in(&world, "alice").await;
    let session = order_by_card(&mut alice, &stripe, "1").await;
    stripe.pay(&session, None);
    assert_eq!(stripe.tell(&world.issuer, ("evt_1", PAID), &session).await, 200);
    assert_eq!((stage(&world).await.as_str(), world.count(cards).await), ("paid", 0));
    add(&mut alice, "mobile-id", "1", "later").await;
    alice.open("/checkout").await;
    assert!(alice.page.words().contains("Keep this card for renewals"), "{}", alice.page.words());
    let fields = checkout_fields(&alice, &[("keep_card", "1")]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    alice.submit(&fields).await;
    assert_eq!(alice.page.name(), "outside", "{}", alice.page.words());
    let session = stripe.sessions().last().unwrap()["id"].as_str().unwrap().to_owned();
    stripe.pay_with(&session, "1881", None);
    let number = order_number(&world).await;
    alice.open(&format!("/orders/{number}/return")).await;
    assert!(alice.page.words().contains("Card Visa ending in 1881"), "{}", alice.page.words());
    assert_eq!(world.count(cards).await, 1);
    // The receipt; another's is as good as none, and an unpaid order has none.
    alice.open(&format!("/orders/{number}/receipt.pdf")).await;
    assert!(alice.page.status.is_success() && alice.page.text.starts_with("%PDF-"));
    let mut bob = logged_in(&world, "bob").await;
    assert_eq!(bob.open(&format!("/orders/{number}/receipt.pdf")).await.status.as_u16(), 404);
    order_by_card(&mut alice, &stripe, "1").await;
    let unpaid = order_number(&world).await;
    assert_eq!(alice.open(&format!("/orders/{unpaid}/receipt.pdf")).await.status.as_u16(), 404);
    // Removed: the same order, told of again, brings it not back.
    alice.open(CARD).await;
    alice.submit_to(&format!("{CARD}/remove")).await;
    assert_eq!(stripe.tell(&world.issuer, ("evt_2", PAID), &session).await, 200);
    assert_eq!(world.count(cards).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_by_card_is_announced_charged_once_and_receipted() {
    for (world, stripe) in worlds().await {
        let id = prepared(&world, &stripe, "4242").await;
        let before = bobs_end(&world).await;
        let page = at(&world, "bob", &format!("/account/otp/{id}")).await.page.words();
        assert!(page.contains("for 48.00 USD, on the card Visa ending in 4242"), "{page}");
        world.advance(246 * DAY).await;
        let mail = world.mail(BOB, "will be renewed on").await;
        assert!(mail.contains("48.00 USD") && mail.contains("4242") && mail.contains(&id), "{mail}");
        assert_eq!((told(&world, "ends in 60 days").await, stripe.tries()), (0, 0), "told, not charged");
        // The provider does not answer: asked again under the same key.
        stripe.breaks(Some(500));
        world.advance(30 * DAY).await;
        let waits = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'card charge' AND last_error IS NOT NULL";
        world.until("it waits", async || world.count(waits).await == 1).await;
        assert_eq!((bobs_end(&world).await, stripe.tries()), (before, 0));
        stripe.breaks(None);
        world.advance(120).await;
        renewed(&world, before).await;
        let charges = stripe.charges();
        assert_eq!(charges.len(), 1, "{charges:?}");
        assert_eq!((&charges[0]["amount"], &charges[0]["currency"]), (&Value::from(4800), &Value::from("usd")));
        assert_eq!(told(&world, "was renewed for another year: 48.00 USD").await, 1);
        // Every step once more, as a node that died before its note would do it.
        world.tamper("UPDATE card_charges SET ended_at = NULL").await;
        world.tamper("UPDATE outbox SET done_at = NULL, due_at = 0 WHERE kind = 'card charge'").await;
        quiet(&world).await;
        world.tamper("UPDATE outbox SET done_at = NULL, due_at = 0 WHERE kind = 'card charge'").await;
        quiet(&world).await;
        assert_eq!((stripe.tries(), attention(&world).await), (1, 0));
        renewed(&world, before).await;
        let number = order_number(&world).await;
        let mut bob = at(&world, "bob", &format!("/orders/{number}")).await;
        assert!(bob.page.words().contains("Visa ending in 4242"), "{}", bob.page.words());
        bob.open(&format!("/orders/{number}/receipt.pdf")).await;
        assert!(bob.page.text.starts_with("%PDF-"));
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_die_between_the_charge_and_its_note_and_it_is_found_again() {
    for (world, stripe) in worlds().await {
        prepared(&world, &stripe, "4242").await;
        let before = bobs_end(&world).await;
        world.advance(246 * DAY).await;
        world.mail(BOB, "will be renewed on").await;
        stripe.holds(Some("charge"));
        world.advance(30 * DAY).await;
        world.until("the bank paid", async || stripe.waiting() > 0).await;
        if world.nodes() > 1 {
            // Another node takes it over while the first still waits, and finds the charge.
            world.advance(90).await;
            renewed(&world, before).await;
            stripe.holds(None);
        } else {
            restart(&world).await;
            assert_eq!(bobs_end(&world).await, before);
            // More than a day later: no key is known any more.
            stripe.forgets_keys();
            stripe.holds(None);
            world.advance(277 * DAY).await;
            renewed(&world, before).await;
        }
        assert_eq!((stripe.tries(), stripe.charges().len(), attention(&world).await), (1, 1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_wants_confirmed_is_paid_by_hand_with_one_click() {
    for (world, stripe) in worlds().await {
        prepared(&world, &stripe, "3184").await;
        let before = bobs_end(&world).await;
        world.advance(246 * DAY).await;
        world.mail(BOB, "will be renewed on").await;
        world.advance(30 * DAY).await;
        let mail = world.mail(BOB, "could not be renewed").await;
        assert!(mail.contains("wants you to confirm") && mail.contains("try the card again on"), "{mail}");
        let number = order_number(&world).await;
        assert!(mail.contains(&format!("/orders/{number}")), "{mail}");
        assert_eq!((stripe.tries(), stage(&world).await.as_str()), (1, "awaiting_payment"));
        let mut bob = at(&world, "bob", &format!("/orders/{number}")).await;
        bob.submit_to(&format!("/orders/{number}/pay")).await;
        assert_eq!(bob.page.name(), "outside", "{}", bob.page.words());
        // In their own hands now: nobody charges it besides.
        world.advance(15 * DAY).await;
        world.until("it is given up after a day", async || stage(&world).await == "cancelled").await;
        quiet(&world).await;
        assert_eq!(stripe.tries(), 1);
        // Late money all the same.
        let session = stripe.sessions().last().unwrap()["id"].as_str().unwrap().to_owned();
        stripe.pay_with(&session, "3184", None);
        at(&world, "bob", &format!("/orders/{number}/return")).await;
        renewed(&world, before).await;
        assert_eq!(stripe.charges().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_declined_is_tried_three_times_and_nobody_is_charged_unasked() {
    let stripe = Checkout::start().await;
    let world = World::start_with(Backend::Sqlite, &stripe.settings()).await;
    prepared(&world, &stripe, "0341").await;
    let before = bobs_end(&world).await;
    world.advance(246 * DAY).await;
    world.mail(BOB, "will be renewed on").await;
    for (tries, days) in [(1, 30), (2, 15), (3, 8)] {
        world.advance(days * DAY).await;
        // Each is told before time goes on: an old mail is not sent any more.
        world.until("told", async || told(&world, "could not be renewed").await == tries).await;
        assert_eq!(stripe.tries(), tries);
    }
    // At the very end, and a month after.
    for (days, reminders) in [(7, 1), (30, 2)] {
        world.advance(days * DAY).await;
        let end = async || told(&world, "Phone OTP ends today").await + told(&world, "Phone OTP has ended").await;
        world.until("reminded as usual", async || end().await == reminders).await;
    }
    assert_eq!((stripe.tries(), told(&world, "could not be renewed").await), (3, 3));
    assert_eq!(told(&world, "We do not try the card again").await, 1);
    assert_eq!((bobs_end(&world).await, stripe.charges().len()), (before, 0));
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders").await, 1, "one order for one end");

    // Switched off after the announcement, dearer than announced, or without a card: nothing is charged.
    for (change, then) in [
        ("UPDATE credentials SET auto_renew = FALSE", "Phone OTP ends in 29 days"),
        ("UPDATE renewal_promises SET gross = 4799", "will be renewed on"),
        ("DELETE FROM cards_on_file", "neither an account nor a card"),
    ] {
        let stripe = Checkout::start().await;
        let world = World::start_with(Backend::Sqlite, &stripe.settings()).await;
        prepared(&world, &stripe, "4242").await;
        world.advance(246 * DAY).await;
        world.mail(BOB, "will be renewed on").await;
        world.tamper(change).await;
        let announced = told(&world, then).await;
        world.advance(30 * DAY).await;
        world.until(&format!("the reminder came: {change}"), async || told(&world, then).await > announced).await;
        assert_eq!(stripe.tries(), 0, "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_back_at_stripe_is_read_anew() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "1").await;
        stripe.pay(&session, None);
        let (payment, number) = (format!("pi_{session}"), order_number(&world).await);
        alice.open(&format!("/orders/{number}/return")).await;
        let last = world.node(world.nodes() - 1);
        // Said, and not so.
        assert_eq!(stripe.tell_money(&last, ("evt_1", "charge.refunded"), &payment).await, 200);
        assert_eq!(attention(&world).await, 0);
        stripe.refund_by_hand(&payment, 1000);
        stripe.breaks(Some(500));
        assert_eq!(stripe.tell_money(&last, ("evt_2", "charge.refunded"), &payment).await, 503, "to be sent again");
        stripe.breaks(None);
        for _ in 0..2 {
            assert_eq!(stripe.tell_money(&last, ("evt_2", "charge.refunded"), &payment).await, 200);
        }
        let why = world.texts("SELECT reason AS found FROM order_attentions WHERE settled_at IS NULL").await;
        assert!(why.len() == 1 && why[0].contains("10.00 USD"), "{why:?}");
        // Our own, told of before it is asked about again.
        let session = order_by_card(&mut alice, &stripe, "1").await;
        stripe.pay(&session, None);
        let (payment, number) = (format!("pi_{session}"), order_number(&world).await);
        alice.open(&format!("/orders/{number}/return")).await;
        stripe.refunds_are("pending");
        alice.open(&format!("/orders/{number}")).await;
        alice.submit_to(&format!("/orders/{number}/refund")).await;
        let noted = "SELECT COUNT(*) AS found FROM orders WHERE refund_id IS NOT NULL";
        world.until("Stripe has it", async || world.count(noted).await == 1).await;
        assert_eq!(stripe.tell_money(&last, ("evt_3", "refund.updated"), &payment).await, 200);
        assert_eq!(stage(&world).await, "refunding");
        stripe.refunds_are("succeeded");
        assert_eq!(stripe.tell_money(&last, ("evt_4", "refund.updated"), &payment).await, 200);
        assert_eq!(stage(&world).await, "refunded");
        assert_eq!((attention(&world).await, stripe.refunds().len()), (1, 2), "only what we did not ask for");
        alice.open(&format!("/orders/{number}/receipt.pdf")).await;
        assert!(alice.page.text.starts_with("%PDF-"));
        // The bank sent it back to us days later.
        stripe.refunds_are("failed");
        assert_eq!(stripe.tell_money(&last, ("evt_5", "refund.failed"), &payment).await, 200);
        assert_eq!(attention(&world).await, 2);
    }
}
