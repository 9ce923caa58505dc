//! Money by card over Stripe's Checkout: whatever is lost, late, doubled or forged, one order has its keys once, and nothing
//! is had for nothing. A small server stands where Stripe is; the provider and its adapter are the real ones.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use stepgate_tests::{Backend, Browser, Checkout, WEBHOOK_SECRET, World, now};
use tokio::sync::Barrier;

use crate::shop::{add, checkout_fields, keys, logged_in, number, order};

pub(super) const PAID: &str = "checkout.session.completed";

/// Each backend with a provider that takes cards.
pub(super) async fn worlds() -> Vec<(World, Checkout)> {
    let mut worlds = Vec::new();
    let mut backends = vec![Backend::Sqlite];
    if std::env::var("STEPGATE_TEST_POSTGRES").is_ok() {
        backends.push(Backend::PostgresRedis);
    }
    for backend in backends {
        let stripe = Checkout::start().await;
        worlds.push((World::start_with(backend, &stripe.settings()).await, stripe));
    }
    worlds
}

/// Orders so many keys; the page at Stripe that the browser was led to.
pub(super) async fn order_by_card(browser: &mut Browser, stripe: &Checkout, quantity: &str) -> String {
    add(browser, "mobile-id", quantity, "later").await;
    browser.open("/checkout").await;
    order(browser, &[]).await;
    assert_eq!(browser.page.name(), "outside", "{}", browser.page.words());
    let session = stripe.sessions().last().unwrap()["id"].as_str().unwrap().to_owned();
    assert!(browser.page.url.path().ends_with(&session), "{}", browser.page.url);
    session
}

pub(super) async fn order_number(world: &World) -> String {
    world.texts("SELECT number AS found FROM orders ORDER BY placed_at DESC LIMIT 1").await.remove(0)
}

pub(super) async fn stage(world: &World) -> String {
    world.texts("SELECT stage AS found FROM orders ORDER BY placed_at DESC LIMIT 1").await.remove(0)
}

pub(super) async fn attention(world: &World) -> i64 {
    world.count("SELECT COUNT(*) AS found FROM order_attentions WHERE settled_at IS NULL").await
}

pub(super) async fn restart(world: &World) {
    for node in 0..world.nodes() {
        world.kill_node(node);
    }
    for node in 0..world.nodes() {
        world.start_node(node).await;
    }
}

#[tokio::test]
async fn messages_that_are_forged_late_doubled_or_out_of_order_change_nothing() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "2").await;
        assert_eq!(stripe.sessions()[0]["amount_total"], 6000);
        assert_eq!(stripe.sessions()[0]["customer_email"], "alice@iron-builders.example");
        let node = world.node(world.nodes() - 1);
        // It says paid; it is not. The page is read anew.
        assert_eq!(stripe.tell(&node, ("evt_1", PAID), &session).await, 200);
        assert_eq!(keys(&world, "unredeemed").await, 0);
        stripe.pay(&session, None);
        let body = stripe.event("evt_2", PAID, &session);
        let forged = [
            String::new(),
            Checkout::sign("whsec_of_somebody_else", now(), &body),
            Checkout::sign(WEBHOOK_SECRET, now() - 301, &body),
            Checkout::sign(WEBHOOK_SECRET, now(), &body).replace("v1=", "v0="),
            Checkout::sign(WEBHOOK_SECRET, now(), &body.replace("evt_2", "evt_3")),
        ];
        for header in forged {
            assert_eq!(Checkout::send(&node, &header, &body).await, 400, "{header}");
        }
        assert_eq!(keys(&world, "unredeemed").await, 0);
        // Of what came before, and of what is unknown, nothing follows.
        for (event, kind) in [("evt_4", "checkout.session.expired"), ("evt_5", "customer.created")] {
            assert_eq!(stripe.tell(&node, (event, kind), &session).await, 200);
        }
        assert_eq!(keys(&world, "unredeemed").await, 2, "any message about it is a reason to look");
        for _ in 0..3 {
            assert_eq!(stripe.tell(&world.node(0), ("evt_2", PAID), &session).await, 200);
        }
        assert_eq!(keys(&world, "unredeemed").await, 2);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM payment_events WHERE event_id = 'evt_2'").await, 1);
        // What was done at Stripe past us is laid before finance, once, and changes nothing.
        let payment = format!("pi_{session}");
        for event in ["evt_7", "evt_7", "evt_8"] {
            let kind = "charge.dispute.created";
            assert_eq!(stripe.tell_money(&node, (event, kind), &payment).await, 200);
            // That a message says so is not enough.
            let disputed = attention(&world).await;
            assert_eq!(disputed, i64::from(event == "evt_8"), "{event}");
            stripe.dispute(&payment);
        }
        assert_eq!((attention(&world).await, keys(&world, "unredeemed").await), (1, 2));
        // Not while Stripe does not answer: it is to be sent again.
        let session = order_by_card(&mut alice, &stripe, "1").await;
        stripe.pay(&session, None);
        stripe.breaks(Some(500));
        assert_eq!(stripe.tell(&node, ("evt_6", PAID), &session).await, 503);
        stripe.breaks(None);
        assert_eq!(stripe.tell(&node, ("evt_6", PAID), &session).await, 200);
        assert_eq!(keys(&world, "unredeemed").await, 3);
    }
}

#[tokio::test]
async fn the_official_library_signs_what_is_believed_and_believes_what_the_tests_sign() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles");
    let python = folder.join(".venv/bin/python");
    if !python.exists() {
        println!("tests/oracles is not installed: no judge of signatures");
        return;
    }
    let judge = |act: &str, other: &str, body: &str| {
        let mut judge = Command::new(&python)
            .args([folder.join("stripe_signature.py").to_str().unwrap(), act, WEBHOOK_SECRET, other])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        judge.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        let output = judge.wait_with_output().unwrap();
        assert!(output.status.success(), "{act}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let stripe = Checkout::start().await;
    let world = World::start_with(Backend::Sqlite, &stripe.settings()).await;
    let mut alice = logged_in(&world, "alice").await;
    let session = order_by_card(&mut alice, &stripe, "1").await;
    stripe.pay(&session, None);
    let body = stripe.event("evt_zürich", PAID, &session);
    assert_eq!(judge("verify", &Checkout::sign(WEBHOOK_SECRET, now(), &body), &body), PAID);
    let old = judge("sign", &(now() - 301).to_string(), &body);
    assert_eq!(Checkout::send(&world.issuer, &old, &body).await, 400);
    let header = judge("sign", &now().to_string(), &body);
    assert_eq!(Checkout::send(&world.issuer, &header, &body.replace("zürich", "zurich")).await, 400);
    assert_eq!(Checkout::send(&world.issuer, &header, &body).await, 200);
    assert_eq!(keys(&world, "unredeemed").await, 1);
}

#[tokio::test]
async fn money_that_does_not_fit_is_a_matter_for_finance_and_never_a_key() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let wrong: [(&str, Value); 3] =
            [("amount_total", json!(2999)), ("currency", json!("eur")), ("client_reference_id", json!("another"))];
        for (place, (member, value)) in wrong.into_iter().enumerate() {
            let session = order_by_card(&mut alice, &stripe, "1").await;
            stripe.pay(&session, None);
            stripe.change(&session, member, value);
            let event = format!("evt_wrong_{place}");
            assert_eq!(stripe.tell(&world.node(0), (&event, PAID), &session).await, 200);
            alice.open(&format!("/orders/{}/return", order_number(&world).await)).await;
            assert!(alice.page.words().contains("does not fit this order"), "{member}: {}", alice.page.words());
        }
        assert_eq!((keys(&world, "unredeemed").await, attention(&world).await), (0, 3));
        let mut fiona = logged_in(&world, "fiona").await;
        let number = order_number(&world).await;
        assert!(fiona.open("/admin/orders?attention=1").await.words().contains(&number));
        assert!(fiona.open(&format!("/admin/orders/{number}")).await.words().contains("does not fit"));
        let id =
            fiona.page.text.split("name=\"attention\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        fiona.submit_with(&format!("/admin/orders/{number}/seen"), &[("attention", &id)]).await;
        assert_eq!(attention(&world).await, 2);
    }
}

#[tokio::test]
async fn the_order_is_what_was_ordered_whatever_becomes_of_the_cart_and_late_money_is_not_lost() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "2").await;
        let number = order_number(&world).await;
        add(&mut alice, "bundle", "5", "later").await;
        stripe.pay(&session, None);
        // No message came; the browser did.
        alice.open(&format!("/orders/{number}/return")).await;
        assert_eq!(keys(&world, "unredeemed").await, 2);
        assert!(alice.open("/cart").await.words().contains("Mobile ID and hardware token"));
        // Neither browser nor message: it is noticed all the same.
        alice.submit(&[("q0", "1")]).await;
        alice.open("/checkout").await;
        order(&mut alice, &[]).await;
        let lost = stripe.sessions().last().unwrap()["id"].as_str().unwrap().to_owned();
        stripe.pay(&lost, None);
        world.advance(400).await;
        world.until("the sweep looks", async || keys(&world, "unredeemed").await == 3).await;
        // Cancelled: the page at Stripe is closed. Money that had been under way brings the order back to life.
        let session = order_by_card(&mut alice, &stripe, "1").await;
        let number = order_number(&world).await;
        alice.open(&format!("/orders/{number}")).await;
        alice.submit_to(&format!("/orders/{number}/cancel")).await;
        assert_eq!(stage(&world).await, "cancelled");
        assert_eq!(stripe.sessions().last().unwrap()["status"], "expired");
        stripe.pay(&session, None);
        alice.open(&format!("/orders/{number}/return")).await;
        assert_eq!((stage(&world).await.as_str(), keys(&world, "unredeemed").await), ("paid", 4));
        // Nobody pays: given up after a day.
        order_by_card(&mut alice, &stripe, "1").await;
        world.advance(86_400 + 60).await;
        world.until("it is given up", async || stage(&world).await == "cancelled").await;
        assert_eq!(keys(&world, "unredeemed").await, 4);
    }
}

#[tokio::test]
async fn a_node_dies_between_every_two_steps_and_the_order_has_its_keys_once() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let orders = async || world.count("SELECT COUNT(*) AS found FROM orders").await;
        // Between the order and the page: Stripe did not answer, then the nodes died.
        add(&mut alice, "mobile-id", "2", "later").await;
        alice.open("/checkout").await;
        stripe.breaks(Some(500));
        order(&mut alice, &[]).await;
        assert!(alice.page.words().contains("does not answer at the moment"), "{}", alice.page.words());
        let order_number = number(&alice.page);
        restart(&world).await;
        stripe.breaks(None);
        assert_eq!((orders().await, stripe.sessions().len()), (1, 0));
        // Between the page and its note: Stripe made it, and the nodes died before they heard of it.
        stripe.holds(Some("begin"));
        alice.open(&format!("/orders/{order_number}")).await;
        let press = alice.prepared_to(&format!("/orders/{order_number}/pay"));
        let pressed = tokio::spawn(async move { press.send().await.map(drop) });
        world.until("Stripe made the page", async || stripe.waiting() > 0).await;
        restart(&world).await;
        stripe.holds(None);
        let _ = pressed.await;
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders WHERE checkout_id IS NOT NULL").await, 0);
        alice.open(&format!("/orders/{order_number}")).await;
        alice.submit_to(&format!("/orders/{order_number}/pay")).await;
        assert_eq!((alice.page.name(), stripe.sessions().len()), ("outside", 1), "the same page again");
        // Between the payment and the keys: Stripe told, and the nodes died while they asked.
        let session = stripe.sessions()[0]["id"].as_str().unwrap().to_owned();
        stripe.pay(&session, None);
        stripe.holds(Some("find"));
        let (told, node, sent) = (stripe.clone(), world.node(0), session.clone());
        let telling = tokio::spawn(async move {
            let body = told.event("evt_crash", PAID, &sent);
            let header = Checkout::sign(WEBHOOK_SECRET, now(), &body);
            let request = reqwest::Client::new().post(format!("{node}/callbacks/stripe"));
            request.header("stripe-signature", header).body(body).send().await.map(drop)
        });
        world.until("Stripe is asked", async || stripe.waiting() > 0).await;
        restart(&world).await;
        stripe.holds(None);
        let _ = telling.await;
        assert_eq!(keys(&world, "unredeemed").await, 0);
        assert_eq!(stripe.tell(&world.node(0), ("evt_crash", PAID), &session).await, 200, "sent again, as Stripe does");
        assert_eq!(keys(&world, "unredeemed").await, 2);
        // Between what pays at once and its keys: what the database holds when a node dies there.
        world.tamper("DELETE FROM license_keys").await;
        world.tamper("UPDATE orders SET stage = 'awaiting_payment', paid_at = NULL, method = 'voucher'").await;
        world.advance(60).await;
        world.until("the sweep finds it", async || keys(&world, "unredeemed").await == 2).await;
        // Between the money that went back and its note.
        world.tamper("UPDATE orders SET method = 'card'").await;
        stripe.holds(Some("refund"));
        alice.open(&format!("/orders/{order_number}")).await;
        alice.submit_to(&format!("/orders/{order_number}/refund")).await;
        world.until("Stripe sent it", async || stripe.waiting() > 0).await;
        restart(&world).await;
        stripe.holds(None);
        world.advance(60).await;
        world.until("it is noted", async || stage(&world).await == "refunded").await;
        assert_eq!((stripe.refunds().len(), keys(&world, "unredeemed").await), (1, 0));
        assert_eq!(orders().await, 1);
    }
}

#[tokio::test]
async fn many_say_at_once_that_it_is_paid_and_many_give_it_back() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "3").await;
        let number = order_number(&world).await;
        stripe.pay(&session, None);
        let barrier = Arc::new(Barrier::new(8));
        let tasks: Vec<_> = (0..8)
            .map(|place| {
                let (barrier, stripe, session) = (Arc::clone(&barrier), stripe.clone(), session.clone());
                let node = world.node(place % world.nodes());
                tokio::spawn(async move {
                    barrier.wait().await;
                    stripe.tell(&node, (&format!("evt_{}", place / 2), PAID), &session).await
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 200);
        }
        assert_eq!(keys(&world, "unredeemed").await, 3);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'order.paid'").await, 1);
        alice.open(&format!("/orders/{number}")).await;
        let request = alice.prepared_to(&format!("/orders/{number}/refund"));
        let barrier = Arc::new(Barrier::new(8));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().status().as_u16()
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 303);
        }
        world.until("it went back", async || stage(&world).await == "refunded").await;
        assert_eq!(stripe.refunds().len(), 1);
        assert_eq!(stripe.refunds()[0]["amount"], 9000);
        // The message about the payment, once more, and late: what went back stays back.
        assert_eq!(stripe.tell(&world.node(0), ("evt_late", PAID), &session).await, 200);
        assert_eq!((stage(&world).await.as_str(), keys(&world, "unredeemed").await), ("refunded", 0));
    }
}

#[tokio::test]
async fn what_cannot_be_sent_back_leaves_the_keys_good() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "1").await;
        let number = order_number(&world).await;
        stripe.pay(&session, None);
        alice.open(&format!("/orders/{number}/return")).await;
        stripe.refunds_are("failed");
        alice.submit_to(&format!("/orders/{number}/refund")).await;
        world.until("the keys are good again", async || keys(&world, "unredeemed").await == 1).await;
        world.until("finance looks at it", async || attention(&world).await == 1).await;
        // Tried again: it takes its time, and then it is done.
        stripe.refunds_are("pending");
        alice.open(&format!("/orders/{number}")).await;
        alice.submit_to(&format!("/orders/{number}/refund")).await;
        world.until("Stripe has it", async || stripe.refunds().len() == 2).await;
        assert_eq!(stage(&world).await, "refunding");
        stripe.refunds_are("succeeded");
        world.advance(61).await;
        world.until("it went back", async || stage(&world).await == "refunded").await;
        // Too late.
        let session = order_by_card(&mut alice, &stripe, "1").await;
        let number = order_number(&world).await;
        stripe.pay(&session, None);
        alice.open(&format!("/orders/{number}/return")).await;
        let page = alice.page.clone();
        world.advance(15 * 86_400).await;
        let mut alice = logged_in(&world, "alice").await;
        assert!(!alice.open(&format!("/orders/{number}")).await.has("refund-submit"));
        assert!(page.has("refund-submit"));
        alice.submit_with(&format!("/orders/{number}/refund"), &[]).await;
        assert!(alice.page.words().contains("within 15 days"), "{}", alice.page.words());
        assert_eq!(keys(&world, "unredeemed").await, 1);
    }
}

#[tokio::test]
async fn amounts_and_forms_that_were_tampered_with_order_nothing() {
    let stripe = Checkout::start().await;
    let world = World::start_with(Backend::Sqlite, &stripe.settings()).await;
    let mut alice = logged_in(&world, "alice").await;
    add(&mut alice, "mobile-id", "1", "me").await;
    alice.open("/checkout").await;
    for (field, value, told) in [
        ("seen", "1.00 USD", "A price has changed"),
        ("cart", "99", "changed in another window"),
        ("method", "cheque", "ways to pay"),
        ("street", "a\u{7}b", "signs that no address has"),
    ] {
        let fields = checkout_fields(&alice, &[(field, value)]);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        alice.submit(&fields).await;
        assert!(alice.page.words().contains(told), "{field}: {}", alice.page.words());
    }
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders").await, 0);
    assert_eq!(stripe.sessions().len(), 0);
}
