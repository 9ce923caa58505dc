//! What finance and the sweep owe: one token for one broken token, matters that are looked after one by one, money that came
//! twice, too early or hangs, and figures that count what was sold.

use std::sync::Arc;

use serde_json::{Value, json};
use stepgate_tests::{Backend, Browser, Checkout, WEBHOOK_SECRET, World, now, on_each_backend};
use tokio::sync::Barrier;

use crate::payments::{PAID, order_by_card, order_number, stage, worlds};
use crate::shop::{add, keys, logged_in, number, order};

/// How many matters are open.
async fn open(world: &World) -> i64 {
    world.count("SELECT COUNT(*) AS found FROM order_attentions WHERE settled_at IS NULL").await
}

async fn events(world: &World, kind: &str) -> i64 {
    world.count(&format!("SELECT COUNT(*) AS found FROM audit_events WHERE kind = '{kind}'")).await
}

fn value(browser: &Browser, marker: &str) -> String {
    browser.page.text.split(marker).nth(1).expect(marker).split('"').next().unwrap().to_owned()
}

/// The key that is offered for a replacement first.
fn broken(browser: &Browser) -> String {
    let select = browser.page.text.split("name=\"key\"").nth(1).expect("nothing can be replaced");
    select.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn sold(world: &World) -> (i64, i64) {
    let (done, said) = world.operate(&["report", "sales", "--json"]);
    assert!(done, "{said}");
    let sales: Value = serde_json::from_str(&said).unwrap();
    let tokens = sales["products"].as_array().unwrap().iter().find(|it| it["product"] == "hardware-token");
    (tokens.map_or(0, |it| it["sold"].as_i64().unwrap()), sales["revenue"][0]["orders"].as_i64().unwrap())
}

#[tokio::test]
async fn one_broken_token_is_one_new_token_and_both_go_back_together() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, "hardware-token", "1", "later").await;
        alice.open("/checkout").await;
        order(&mut alice, &[("method", "invoice")]).await;
        let bought = number(&alice.page);
        let path = format!("/admin/orders/{bought}");
        let mut fiona = logged_in(&world, "fiona").await;
        fiona.open(&path).await;
        fiona.submit_to(&format!("{path}/paid")).await;
        fiona.submit(&[("carrier", "Bring"), ("tracking", "TR-1"), ("serials", "HT-1001")]).await;
        let key = broken(&fiona);
        // The page was opened eight times, so these are eight forms; pressed on all nodes at the same moment.
        let barrier = Arc::new(Barrier::new(8));
        let mut presses = Vec::new();
        for _ in 0..8 {
            fiona.open(&path).await;
            let (barrier, request) = (Arc::clone(&barrier), fiona.prepared(&[("key", key.as_str())]));
            presses.push(tokio::spawn(async move {
                barrier.wait().await;
                request.send().await.unwrap().status().as_u16()
            }));
        }
        for press in presses {
            assert_eq!(press.await.unwrap(), 303);
        }
        let orders = "SELECT COUNT(*) AS found FROM orders";
        assert_eq!((world.count(orders).await, keys(&world, "unredeemed").await), (2, 1), "no second year");
        assert_eq!(sold(&world), (1, 1), "a replacement is no sale");
        // While the new one is not sent there is nothing that could be broken.
        let form = [("key", key.as_str()), ("form", "another")];
        assert!(!fiona.open(&path).await.text.contains("name=\"key\""), "{}", fiona.page.words());
        fiona.submit_with(&format!("{path}/replace"), &form).await;
        assert!(fiona.page.words().contains("Nothing was done"), "{}", fiona.page.words());
        let new = world.texts("SELECT number AS found FROM orders WHERE replaces IS NOT NULL").await.remove(0);
        let new = format!("/admin/orders/{new}");
        // By itself it does not go back, and it is no first order of another replacement.
        fiona.open(&new).await;
        assert!(!fiona.page.has("refund-submit") && !fiona.page.text.contains("name=\"key\""));
        fiona.submit_with(&format!("{new}/refund"), &[("reason", "why not")]).await;
        assert!(fiona.page.words().contains("it replaces a broken token"), "{}", fiona.page.words());
        alice.open(&format!("/orders/{bought}")).await;
        alice.submit_to(&format!("/orders/{bought}/refund")).await;
        assert_eq!((keys(&world, "unredeemed").await, keys(&world, "void").await), (0, 1));
        assert_eq!(
            world.count("SELECT COUNT(*) AS found FROM orders WHERE replaces IS NOT NULL AND stage = 'refunded'").await,
            1
        );
        fiona.open(&new).await;
        fiona.submit_with(&format!("{new}/ship"), &[("carrier", "Bring"), ("tracking", "TR-2")]).await;
        assert!(fiona.page.words().contains("Nothing was done"), "{}", fiona.page.words());
        fiona.open(&path).await;
        fiona.submit_with(&format!("{path}/replace"), &form).await;
        assert!(fiona.page.words().contains("Nothing was done"), "{}", fiona.page.words());
        assert_eq!((world.count(orders).await, sold(&world)), (2, (0, 1)), "what went back was not sold");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_was_sent_in_place_of_another_can_break_too_but_the_days_are_those_of_the_first() {
    let world = World::start(Backend::Sqlite).await;
    let mut alice = logged_in(&world, "alice").await;
    add(&mut alice, "hardware-token", "1", "later").await;
    alice.open("/checkout").await;
    order(&mut alice, &[("method", "invoice")]).await;
    let path = format!("/admin/orders/{}", number(&alice.page));
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open(&path).await;
    fiona.submit_to(&format!("{path}/paid")).await;
    fiona.submit(&[("carrier", "Bring"), ("tracking", "TR-1"), ("serials", "HT-1001")]).await;
    let orders = async || world.count("SELECT COUNT(*) AS found FROM orders").await;
    for (days, so_many) in [(20, 2), (24, 3), (2, 3)] {
        world.advance(days * 86_400).await;
        fiona = logged_in(&world, "fiona").await;
        fiona.open(&path).await;
        let key = broken(&fiona);
        fiona.submit(&[("key", key.as_str())]).await;
        assert_eq!(orders().await, so_many, "{}", fiona.page.words());
        if fiona.page.text.contains("name=\"serials\"") {
            fiona.submit(&[("carrier", "Bring"), ("tracking", "TR-2"), ("serials", &format!("HT-100{so_many}"))]).await;
        }
    }
    assert_eq!(keys(&world, "unredeemed").await, 1);
}

#[tokio::test]
async fn each_matter_is_looked_after_by_itself_and_does_not_come_back() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "1").await;
        let path = format!("/admin/orders/{}", order_number(&world).await);
        let look = async |minor: i64, event: &str| {
            stripe.change(&session, "amount_total", json!(minor));
            assert_eq!(stripe.tell(&world.node(0), (event, PAID), &session).await, 200);
        };
        stripe.pay(&session, None);
        look(2999, "evt_1").await;
        let mut fiona = logged_in(&world, "fiona").await;
        assert!(fiona.open(&path).await.words().contains("A payment of 29.99 USD came"), "{}", fiona.page.words());
        // While she reads, another thing comes up.
        let first = value(&fiona, "name=\"attention\" value=\"");
        look(2998, "evt_2").await;
        fiona.submit_with(&format!("{path}/seen"), &[("attention", &first)]).await;
        let words = fiona.page.words();
        assert!(!words.contains("29.99 USD came") && words.contains("A payment of 29.98 USD came"), "{words}");
        fiona.submit_with(&format!("{path}/seen"), &[("attention", &first)]).await;
        assert!(fiona.page.words().contains("has looked after that before"), "{}", fiona.page.words());
        assert_eq!((open(&world).await, events(&world, "order.attention_settled").await), (1, 1));
        assert!(fiona.open("/admin/orders?attention=1").await.text.contains(&path));
        // The same again, and a third matter told of on all nodes at once.
        look(2999, "evt_3").await;
        assert_eq!(
            (open(&world).await, events(&world, "order.attention").await),
            (1, 2),
            "looked after is looked after"
        );
        stripe.change(&session, "amount_total", json!(2997));
        let barrier = Arc::new(Barrier::new(8));
        let tellings: Vec<_> = (0..8)
            .map(|place| {
                let (barrier, stripe, session) = (Arc::clone(&barrier), stripe.clone(), session.clone());
                let node = world.node(place % world.nodes());
                tokio::spawn(async move {
                    barrier.wait().await;
                    stripe.tell(&node, (&format!("evt_race_{place}"), PAID), &session).await
                })
            })
            .collect();
        for telling in tellings {
            assert_eq!(telling.await.unwrap(), 200);
        }
        assert_eq!((open(&world).await, events(&world, "order.attention").await), (2, 3));
    }
}

#[tokio::test]
async fn money_that_is_owed_stays_on_the_desk_until_it_went_back() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, "mobile-id", "1", "later").await;
        alice.open("/checkout").await;
        order(&mut alice, &[("method", "invoice")]).await;
        let bought = number(&alice.page);
        let path = format!("/admin/orders/{bought}");
        let mut fiona = logged_in(&world, "fiona").await;
        fiona.open(&path).await;
        fiona.submit_to(&format!("{path}/paid")).await;
        // Weeks later nobody can ask for it, but a reason of ours can give it back; its purchaser reads why.
        world.advance(16 * 86_400).await;
        fiona = logged_in(&world, "fiona").await;
        fiona.open(&path).await;
        fiona.submit_with(&format!("{path}/refund"), &[("reason", " ")]).await;
        assert!(fiona.page.words().contains("its 15 days are over"), "{}", fiona.page.words());
        fiona.submit_with(&format!("{path}/refund"), &[("reason", "ordered twice by mistake")]).await;
        assert_eq!((stage(&world).await.as_str(), keys(&world, "void").await), ("refunding", 1));
        assert!(world.mail("alice@iron-builders.example", "ordered twice by mistake").await.contains(&bought));
        assert!(!fiona.page.has("seen-submit") && fiona.page.has("refunded-submit"), "{}", fiona.page.words());
        // SQLite keeps bytes, PostgreSQL has a type for it.
        let id = if world.nodes() > 1 { "id::text" } else { "lower(hex(id))" };
        let id = world.texts(&format!("SELECT {id} AS found FROM order_attentions")).await.remove(0).replace('-', "");
        let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
        fiona.submit_with(&format!("{path}/seen"), &[("attention", &id)]).await;
        assert!(fiona.page.words().contains("Nothing was done"), "{}", fiona.page.words());
        assert!(fiona.open("/admin/orders?attention=1").await.text.contains(&path), "{}", fiona.page.words());
        fiona.open(&path).await;
        fiona.submit_to(&format!("{path}/refunded")).await;
        assert_eq!((open(&world).await, stage(&world).await.as_str()), (0, "refunded"));
    })
    .await;
}

#[tokio::test]
async fn orders_that_wait_for_people_hold_up_no_other_and_are_left_alone() {
    let stripe = Checkout::start().await;
    let world = World::start_with(Backend::Sqlite, &stripe.settings()).await;
    let mut alice = logged_in(&world, "alice").await;
    order_by_card(&mut alice, &stripe, "1").await;
    for place in 1..=55 {
        let copy = format!(
            "INSERT INTO orders (id, number, request_hash, purchaser_id, stage, version, method, currency, net, tax, gross,
               lines, billing, checkout_id, placed_at, due_at, shipping_stage)
             SELECT randomblob(16), 'SG-COPY-{place}', randomblob(32), purchaser_id, stage, 0, method, currency, net, tax,
               gross, lines, billing, 'cs_copy_{place}', placed_at, due_at, shipping_stage
             FROM orders WHERE checkout_id = 'cs_test_1'"
        );
        world.tamper(&copy).await;
    }
    for _ in 0..2 {
        add(&mut alice, "mobile-id", "1", "later").await;
        alice.open("/checkout").await;
        order(&mut alice, &[("method", "invoice")]).await;
    }
    let cancelled = async || world.count("SELECT COUNT(*) AS found FROM orders WHERE stage = 'cancelled'").await;
    world.tamper("UPDATE orders SET due_at = due_at + 86400000 * 400 WHERE invoice_number = 'INV-000002'").await;
    // Nothing can be said of those by card.
    stripe.breaks(Some(500));
    world.advance(61 * 86_400).await;
    world.until("the invoice is given up", async || cancelled().await == 1).await;
    let looked = "SELECT COUNT(*) AS found FROM orders WHERE method = 'card' AND checked_at >= due_at";
    world.until("all were looked at", async || world.count(looked).await == 56).await;
    // Not again with each round: those have been overdue for two months.
    let sum = "SELECT CAST(SUM(checked_at) AS INTEGER) AS found FROM orders WHERE method = 'card'";
    let before = world.count(sum).await;
    world.advance(3600).await;
    world.tamper("UPDATE orders SET due_at = placed_at WHERE invoice_number = 'INV-000002'").await;
    world.until("another round", async || cancelled().await == 2).await;
    assert_eq!(world.count(sum).await, before);
    stripe.breaks(None);
    world.advance(12 * 86_400).await;
    world.until("they are given up", async || cancelled().await >= 57).await;
}

#[tokio::test]
async fn money_that_came_twice_or_was_told_of_too_early_is_a_matter_for_finance() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "1").await;
        let number = order_number(&world).await;
        // Nobody says by hand that a card paid.
        let (done, said) = world.operate(&["order", "pay", &number, "--by", "admin"]);
        assert!(!done && said.contains("only the money of an invoice"), "{said}");
        assert_eq!(keys(&world, "unredeemed").await, 0);
        // It was paid in another way, and then by card as well.
        world.tamper(&format!("UPDATE orders SET stage = 'paid', paid_at = placed_at WHERE number = '{number}'")).await;
        stripe.pay(&session, None);
        for event in ["evt_1", "evt_2"] {
            assert_eq!(stripe.tell(&world.node(0), (event, PAID), &session).await, 200);
        }
        assert_eq!((open(&world).await, events(&world, "order.attention").await), (1, 1));
        // A dispute is told of before the payment is known to be ours.
        let session = order_by_card(&mut alice, &stripe, "1").await;
        let object = json!({ "id": "dp_1", "payment_intent": format!("pi_{session}") });
        let body = json!({ "id": "evt_3", "type": "charge.dispute.created", "data": { "object": object } }).to_string();
        let header = Checkout::sign(WEBHOOK_SECRET, now(), &body);
        assert_eq!(Checkout::send(&world.node(0), &header, &body).await, 200);
        assert_eq!(open(&world).await, 1);
        stripe.pay(&session, None);
        assert_eq!(stripe.tell(&world.node(world.nodes() - 1), ("evt_4", PAID), &session).await, 200);
        assert_eq!((stage(&world).await.as_str(), open(&world).await), ("paid", 2));
        let mut fiona = logged_in(&world, "fiona").await;
        let words = fiona.open(&format!("/admin/orders/{}", order_number(&world).await)).await.words();
        assert!(words.contains("Before this payment was known here"), "{words}");
    }
}

#[tokio::test]
async fn a_refund_that_hangs_is_seen_and_finished_by_hand() {
    for (world, stripe) in worlds().await {
        let mut alice = logged_in(&world, "alice").await;
        let session = order_by_card(&mut alice, &stripe, "1").await;
        let path = format!("/admin/orders/{}", order_number(&world).await);
        stripe.pay(&session, None);
        assert_eq!(stripe.tell(&world.node(0), ("evt_1", PAID), &session).await, 200);
        stripe.refunds_are("pending");
        alice.open(&format!("/orders/{}", order_number(&world).await)).await;
        alice.submit_to(&format!("/orders/{}/refund", order_number(&world).await)).await;
        let tries = async || {
            world.count("SELECT CAST(MAX(attempts) AS BIGINT) AS found FROM outbox WHERE kind = 'refund'").await
        };
        world.until("Stripe is asked", async || tries().await >= 1 && stripe.refunds().len() == 1).await;
        // Not before it hangs: the money may be on its way.
        let mut fiona = logged_in(&world, "fiona").await;
        fiona.open(&path).await;
        assert!(!fiona.page.has("refunded-submit"));
        fiona.submit_with(&format!("{path}/refunded"), &[]).await;
        assert_eq!((stage(&world).await.as_str(), open(&world).await), ("refunding", 0));
        for tried in 2..=8 {
            world.advance(3900).await;
            world.until("it is asked again", async || tries().await >= tried).await;
        }
        world.until("finance looks at it", async || open(&world).await == 1).await;
        let mut fiona = logged_in(&world, "fiona").await;
        assert!(fiona.open(&path).await.words().contains("is on its way, and has for long"), "{}", fiona.page.words());
        fiona.submit_to(&format!("{path}/refunded")).await;
        assert_eq!((stage(&world).await.as_str(), open(&world).await), ("refunded", 0));
        // Nothing is sent a second time.
        world.advance(3900).await;
        world
            .until("the wish is closed", async || {
                world.count("SELECT COUNT(*) AS found FROM outbox WHERE kind = 'refund' AND done_at IS NULL").await == 0
            })
            .await;
        assert_eq!(stripe.refunds().len(), 1);
    }
}

#[tokio::test]
async fn no_order_is_lost_between_two_pages_and_no_money_between_two_accounts() {
    let world = World::start(Backend::Sqlite).await;
    let mut alice = logged_in(&world, "alice").await;
    add(&mut alice, "mobile-id", "1", "later").await;
    alice.open("/checkout").await;
    order(&mut alice, &[("method", "invoice")]).await;
    for place in 1..=60 {
        let copy = format!(
            "INSERT INTO orders (id, number, request_hash, purchaser_id, stage, version, method, currency, net, tax, gross,
               lines, billing, placed_at, due_at, shipping_stage)
             SELECT randomblob(16), 'SG-COPY-{place}', randomblob(32), purchaser_id, stage, 0, method, currency, net, tax,
               gross, lines, billing, placed_at, due_at, shipping_stage FROM orders WHERE invoice_number IS NOT NULL"
        );
        world.tamper(&copy).await;
    }
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open("/admin/orders").await;
    let listed = |browser: &Browser| -> Vec<String> {
        let parts = browser.page.text.split("href=\"/admin/orders/SG-").skip(1);
        parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let mut all = listed(&fiona);
    let next = fiona.page.text.split("href=\"/admin/orders?q=").map(|part| part.split('"').next().unwrap());
    let next = next.filter(|part| part.contains("after=")).last().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    fiona.open(&format!("/admin/orders?q={next}")).await;
    all.extend(listed(&fiona));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 61, "each order once, though all were placed at one moment");
    // An account from which less was spent than is to go back: it is not passed over in silence.
    world.tamper("UPDATE orders SET method = 'sponsored', stage = 'paid', paid_at = placed_at, sponsor_kind = 'organization', sponsor_id = (SELECT id FROM organizations LIMIT 1) WHERE number = 'SG-COPY-1'").await;
    alice.open("/orders/SG-COPY-1").await;
    alice.submit_to("/orders/SG-COPY-1/refund").await;
    assert_eq!(open(&world).await, 1);
    fiona.open("/admin/orders/SG-COPY-1").await;
    assert!(fiona.page.words().contains("could not be given back to the sponsor"), "{}", fiona.page.words());
}
