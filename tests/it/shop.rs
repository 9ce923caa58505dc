//! The shop: from the catalogue to an order that is paid, and back; by card, invoice, voucher and on account.

use std::sync::Arc;

use stepgate_tests::{Backend, Browser, Page, World, on_each_backend};
use tokio::sync::Barrier;

pub(super) use stepgate_tests::logged_in;

/// Puts something into the cart.
pub(super) async fn add<'a>(browser: &'a mut Browser, product: &str, quantity: &str, whom: &str) -> &'a Page {
    browser.open("/account/otp/get").await;
    browser.submit_with("/cart/add", &[("product", product), ("quantity", quantity), ("for", whom)]).await
}

/// Fills in the checkout that is open, and orders.
pub(super) async fn order<'a>(browser: &'a mut Browser, more: &[(&str, &str)]) -> &'a Page {
    assert_eq!(browser.page.name(), "checkout", "{}", browser.page.words());
    let fields = checkout_fields(browser, more);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(&fields).await
}

pub(super) fn checkout_fields(browser: &Browser, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("name", "Zoë Ångström"),
        ("company", "株式会社 鉄"),
        ("street", "Ægirsgata 1\n3. etasje"),
        ("town", "Þórshöfn"),
        ("country", "Ísland"),
        ("same_address", "1"),
        ("terms", "1"),
        ("method", "card"),
    ];
    let changed = |name: &str| more.iter().any(|(other, _)| *other == name);
    let kept =
        usual.iter().filter(|(name, _)| !changed(name) && browser.page.text.contains(&format!("name=\"{name}\"")));
    kept.chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Orders what is in the cart, by card, at the demo's own provider; the number of the order.
pub(super) async fn buy(browser: &mut Browser, choice: &str) -> String {
    browser.open("/checkout").await;
    order(browser, &[]).await;
    assert_eq!(browser.page.name(), "demo-card", "{}", browser.page.words());
    let path = browser.page.url.path().to_owned();
    browser.submit_with(&path, &[("choice", choice)]).await;
    assert_eq!(browser.page.name(), "order", "{}", browser.page.words());
    number(&browser.page)
}

pub(super) fn number(page: &Page) -> String {
    page.url.path().split('/').nth(2).unwrap_or_else(|| panic!("{}: no order: {}", page.url, page.words())).to_owned()
}

pub(super) async fn keys(world: &World, stage: &str) -> i64 {
    world
        .count(&format!("SELECT COUNT(*) AS found FROM license_keys WHERE stage = '{stage}' AND order_id IS NOT NULL"))
        .await
}

#[tokio::test]
async fn an_order_by_card_from_the_catalogue_to_its_keys_and_back() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        assert_eq!(alice.open("/account/otp/get").await.name(), "acquire");
        assert!(alice.page.words().contains("Mobile ID with identity proofing"), "{}", alice.page.words());
        assert_eq!(add(&mut alice, "mobile-id", "1", "me").await.name(), "cart");
        add(&mut alice, "mobile-id", "2", "later").await;
        assert!(alice.page.words().contains("Total 90.00 USD"), "{}", alice.page.words());
        // What is missing is named, and nothing is ordered.
        alice.open("/checkout").await;
        order(&mut alice, &[("town", ""), ("terms", "")]).await;
        assert_eq!((alice.page.name(), alice.page.status.as_u16()), ("checkout", 422));
        for remedy in ["Write the town", "accept them to order"] {
            assert!(alice.page.words().contains(remedy), "{}", alice.page.words());
        }
        assert!(alice.page.text.contains("Zoë Ångström"), "what was typed stays");
        let number = buy(&mut alice, "decline").await;
        assert!(alice.page.words().contains("Nothing was paid yet"), "{}", alice.page.words());
        assert_eq!(keys(&world, "unredeemed").await, 0);
        // Not paid, but kept: the same page of the provider opens again.
        alice.submit_to(&format!("/orders/{number}/pay")).await;
        let path = alice.page.url.path().to_owned();
        alice.submit_with(&path, &[("choice", "pay")]).await;
        let words = alice.page.words();
        for told in ["Your order is paid", "Not activated yet", "Zoë Ångström, 株式会社 鉄, Ægirsgata 1, 3. etasje"]
        {
            assert!(words.contains(told), "{told}: {words}");
        }
        assert_eq!(keys(&world, "unredeemed").await, 3);
        // One's own is activated here, and what that means is said; the others are handed on.
        assert_eq!(alice.page.text.matches("/account/otp/license/activate").count(), 1);
        assert_eq!(alice.page.text.matches("Hand over</a>").count(), 2);
        assert!(words.contains("after that the order cannot be given back"), "{words}");
        // The receipt, once; the keys are not in it.
        let mail = world.mail("alice@iron-builders.example", &number).await;
        assert!(!mail.contains("mobile-id") && mail.contains("90.00 USD"), "{mail}");
        // Somebody else's order is as good as none.
        let mut bob = logged_in(&world, "bob").await;
        for path in ["", "/return", "/invoice.pdf"] {
            assert_eq!(bob.open(&format!("/orders/{number}{path}")).await.status.as_u16(), 404, "{path}");
        }
        // Given back: void at once, the money follows, and not twice.
        alice.submit_to(&format!("/orders/{number}/refund")).await;
        assert_eq!((keys(&world, "unredeemed").await, keys(&world, "void").await), (0, 3));
        world
            .until("the money is back", async || {
                world.count("SELECT COUNT(*) AS found FROM orders WHERE stage = 'refunded'").await == 1
            })
            .await;
        assert_eq!(alice.open(&format!("/orders/{number}")).await.words().matches("Give back").count(), 0);
        assert_eq!(keys(&world, "void").await, 3);
    })
    .await;
}

#[tokio::test]
async fn a_double_click_the_back_button_and_two_tabs_are_one_order() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, "security-key", "1", "me").await;
        alice.open("/checkout").await;
        let (form, mut other) = (alice.clone(), alice.clone());
        let fields = checkout_fields(&alice, &[]);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // Eight presses of one button at the same moment.
        let (barrier, request) = (Arc::new(Barrier::new(8)), alice.prepared(&fields));
        let presses: Vec<_> = (0..8)
            .map(|_| {
                let (barrier, request) = (Arc::clone(&barrier), request.try_clone().unwrap());
                tokio::spawn(async move {
                    barrier.wait().await;
                    let answer = request.send().await.unwrap();
                    answer.headers()["location"].to_str().unwrap().to_owned()
                })
            })
            .collect();
        let mut places = Vec::new();
        for press in presses {
            places.push(press.await.unwrap());
        }
        places.dedup();
        assert_eq!(places.len(), 1, "{places:?}");
        let orders = async || world.count("SELECT COUNT(*) AS found FROM orders").await;
        assert_eq!(orders().await, 1);
        // Back, and once more: the same order.
        let mut back = form.clone();
        back.submit(&fields).await;
        assert_eq!((back.page.name(), orders().await), ("demo-card", 1));
        // Another window had the cart open all the time: it is told, and nothing is ordered twice.
        other.open("/cart").await;
        assert!(other.page.words().contains("Your cart is empty"), "{}", other.page.words());
        add(&mut other, "mobile-id", "3", "later").await;
        let mut old = other.clone();
        other.submit(&[("q0", "5")]).await;
        assert!(other.page.words().contains("150.00 USD"), "{}", other.page.words());
        old.submit(&[("q0", "4")]).await;
        assert!(old.page.words().contains("changed in another window"), "{}", old.page.words());
        other.open("/checkout").await;
        add(&mut old, "mobile-id", "1", "later").await;
        order(&mut other, &[]).await;
        assert!(other.page.words().contains("changed in another window"), "{}", other.page.words());
        assert_eq!(orders().await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_bought_is_not_in_the_cart() {
    let world = World::start(Backend::Sqlite).await;
    let mut alice = logged_in(&world, "alice").await;
    let cases = [
        ("mobile-id", "-1", "later", "whole number from 1 to 500"),
        ("mobile-id", "501", "later", "whole number from 1 to 500"),
        ("mobile-id", "1e2", "later", "whole number from 1 to 500"),
        ("mobile-id", "2", "me", "One for each person"),
        ("mobile-id", "1", "people", "Tick the people"),
        ("no-such-thing", "1", "me", "not sold"),
        ("mobile-id", "1", "person:bob", "no such person"),
        ("mobile-id", "1", "everybody", "Say for whom"),
        ("mobile-id", "1", "renew:nonsense", "no such credential"),
    ];
    for (product, quantity, whom, told) in cases {
        let page = add(&mut alice, product, quantity, whom).await;
        assert_eq!(page.status.as_u16(), 422, "{product} {quantity} {whom}");
        assert!(page.words().contains(told), "{whom}: {}", page.words());
        // It is said where it was typed, and what was typed stays.
        assert_eq!(page.name(), "acquire", "{whom}");
        assert!(
            quantity == "1" || page.text.contains(&format!("name=\"quantity\" value=\"{quantity}\"")),
            "{quantity}"
        );
    }
    add(&mut alice, "mobile-id", "3", "later").await;
    let page = add(&mut alice, "mobile-id", "499", "later").await;
    assert!(page.words().contains("With those in your cart that would be more than 500"), "{}", page.words());
    alice.open("/cart").await;
    alice.submit(&[("q0", "many")]).await;
    assert!(alice.page.words().contains("Nothing was changed") && alice.page.text.contains("value=\"many\""));
    // Somebody else's credential, and one that is not to be renewed yet.
    let id = async |username: &str, kind: &str| {
        let sql = format!(
            "SELECT lower(substr(hex(c.id),1,8)||'-'||substr(hex(c.id),9,4)||'-'||substr(hex(c.id),13,4)||'-'||
             substr(hex(c.id),17,4)||'-'||substr(hex(c.id),21)) AS found
             FROM credentials c JOIN persons p ON p.id = c.person_id WHERE p.username = '{username}' AND c.kind = '{kind}'"
        );
        world.texts(&sql).await.remove(0)
    };
    let franks = id("frank", "phone_otp").await;
    let page = add(&mut alice, "phone-otp-domestic", "1", &format!("renew:{franks}")).await;
    assert!(page.words().contains("no such credential"), "{}", page.words());
    let mut bob = logged_in(&world, "bob").await;
    let own = id("bob", "phone_otp").await;
    let page = add(&mut bob, "phone-otp-domestic", "1", &format!("renew:{own}")).await;
    assert!(page.words().contains("cannot be renewed now"), "{}", page.words());
    // An administrator buys for people of the organization.
    let mut oscar = logged_in(&world, "oscar").await;
    let page = add(&mut oscar, "mobile-id", "1", "person:alice").await;
    assert_eq!(page.name(), "cart", "{}", page.words());
    assert!(page.words().contains("Alice Archer (alice)"), "{}", page.words());
    // Several at once; for whom a renewal is open, nothing is bought unasked.
    oscar.open("/account/otp/get").await;
    let people = ["bob", "frank", "carol"].map(|name| ("person", format!("person:{name}")));
    let csrf = oscar.page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut fields = vec![("csrf", csrf), ("product", "phone-otp-domestic".to_owned()), ("for", "people".to_owned())];
    fields.extend(people);
    let fields: Vec<_> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    oscar.post(&format!("{}/cart/add", world.issuer), &fields).await;
    let words = oscar.page.words();
    for told in ["Added for 2 of 3", "Not added for frank", "(bob)", "(carol)"] {
        assert!(words.contains(told), "{told}: {words}");
    }
    // A renewal that is open is offered in place of a new one; the credential is renewed once, and keeps its holder.
    let mut frank = logged_in(&world, "frank").await;
    let page = add(&mut frank, "phone-otp-international", "1", "me").await;
    assert_eq!(page.name(), "renew-first", "{}", page.words());
    // Whatever the form says: a cheaper product would not reach as far as what is held.
    frank.submit(&[("product", "phone-otp-domestic")]).await;
    assert!(frank.page.words().contains("Renewal: Phone OTP, international"), "{}", frank.page.words());
    let page = add(&mut frank, "phone-otp-domestic", "1", &format!("renew:{franks}")).await;
    assert!(page.words().contains("in your cart already"), "{}", page.words());
    buy(&mut frank, "pay").await;
    assert_eq!(keys(&world, "redeemed").await, 1);
    let ends = "SELECT expires_at AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                WHERE p.username = 'frank' AND c.kind = 'phone_otp'";
    let ends = world.count(ends).await;
    assert!(ends > stepgate_tests::now() * 1000 + 300 * 86_400_000);
    assert!(!frank.page.has("refund-submit"), "what is in use is not taken back");
    let words = frank.page.words();
    assert!(words.contains("What was renewed lasts a year longer") && !words.contains("Activate"), "{words}");
}

#[tokio::test]
async fn an_invoice_has_a_number_without_gaps_and_no_key_before_the_money() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        let mut numbers = Vec::new();
        for _ in 0..2 {
            add(&mut alice, "mobile-id", "1", "me").await;
            alice.open("/checkout").await;
            order(&mut alice, &[("method", "invoice"), ("purchase_order", "PO-77 <b>")]).await;
            numbers.push(number(&alice.page));
        }
        let invoices = world.texts("SELECT invoice_number AS found FROM orders ORDER BY placed_at").await;
        assert_eq!(invoices, ["INV-000001", "INV-000002"]);
        assert!(alice.page.words().contains("PO-77") && !alice.page.text.contains("<b>"), "{}", alice.page.words());
        assert_eq!(keys(&world, "unredeemed").await, 0, "no key before the money");
        let pdf = alice.open(&format!("/orders/{}/invoice.pdf", numbers[0])).await;
        assert!(pdf.status.is_success());
        // Only finance says that the money came; saying it on both nodes at once makes the keys once.
        let mut oscar = logged_in(&world, "oscar").await;
        oscar.open("/admin/orders").await;
        assert_eq!(oscar.post_with_proof(&format!("/admin/orders/{}/paid", numbers[0])).await, 403);
        let mut fiona = logged_in(&world, "fiona").await;
        fiona.open(&format!("/admin/orders/{}", numbers[0])).await;
        let request = fiona.prepared_to(&format!("/admin/orders/{}/paid", numbers[0]));
        let (one, two) = (request.try_clone().unwrap(), request);
        let (one, two) = tokio::join!(one.send(), two.send());
        assert!(one.unwrap().status().is_redirection() && two.unwrap().status().is_redirection());
        assert_eq!(keys(&world, "unredeemed").await, 1);
        assert!(fiona.open("/admin/orders").await.words().contains(&numbers[1]), "{}", fiona.page.words());
        // The other is given up by its purchaser; its number stays its own.
        alice.open(&format!("/orders/{}", numbers[1])).await;
        alice.submit_to(&format!("/orders/{}/cancel", numbers[1])).await;
        assert!(alice.page.words().contains("cancelled"), "{}", alice.page.words());
        // Money that comes all the same is not lost.
        fiona.open(&format!("/admin/orders/{}", numbers[1])).await;
        fiona.submit_to(&format!("/admin/orders/{}/paid", numbers[1])).await;
        assert_eq!(keys(&world, "unredeemed").await, 2);
        // Given back: finance sends the money, and says so.
        alice.open(&format!("/orders/{}", numbers[1])).await;
        alice.submit_to(&format!("/orders/{}/refund", numbers[1])).await;
        fiona.open("/admin/orders?attention=1").await;
        assert!(fiona.page.words().contains(&numbers[1]), "{}", fiona.page.words());
        fiona.open(&format!("/admin/orders/{}", numbers[1])).await;
        fiona.submit_to(&format!("/admin/orders/{}/refunded", numbers[1])).await;
        assert!(alice.open(&format!("/orders/{}", numbers[1])).await.words().contains("Given back"));
    })
    .await;
}

#[tokio::test]
async fn the_last_use_of_a_voucher_pays_one_order() {
    on_each_backend(|world| async move {
        let mut fiona = logged_in(&world, "fiona").await;
        fiona.open("/admin/vouchers").await;
        fiona
            .submit(&[("uses", "2"), ("note", "tests"), ("days", "30"), ("product", "mobile-id"), ("sponsor", "")])
            .await;
        let code = fiona.page.text.split("id=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert_eq!(
            world.count("SELECT COUNT(*) AS found FROM vouchers WHERE note = 'tests' AND remaining = 2").await,
            1
        );
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, "bundle", "1", "me").await;
        alice.open("/checkout").await;
        for (typed, told) in
            [("nonsense", "do not know"), ("AAAA-BBBB-CCCC", "do not know"), (code.as_str(), "another product")]
        {
            order(&mut alice, &[("method", "voucher"), ("voucher", typed)]).await;
            assert!(alice.page.words().contains(told), "{typed}: {}", alice.page.words());
        }
        // Two people, two nodes, one use each left: three want it.
        let mut requests = Vec::new();
        for username in ["bob", "carol", "dave"] {
            let mut person = logged_in(&world, username).await;
            add(&mut person, "mobile-id", "1", "later").await;
            person.open("/checkout").await;
            let fields = checkout_fields(&person, &[("method", "voucher"), ("voucher", &code.to_lowercase())]);
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            requests.push(person.prepared(&fields));
        }
        let barrier = Arc::new(Barrier::new(3));
        let tasks: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let barrier = Arc::clone(&barrier);
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().status().as_u16()
                })
            })
            .collect();
        let mut placed = 0;
        for task in tasks {
            placed += usize::from(task.await.unwrap() == 303);
        }
        assert_eq!((placed, keys(&world, "unredeemed").await), (2, 2));
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders WHERE stage = 'paid'").await, 2);
        // Given back, the use is there again.
        let mut winner = None;
        for username in ["bob", "carol", "dave"] {
            let mut person = logged_in(&world, username).await;
            if person.open("/orders").await.text.contains("href=\"/orders/SG-") {
                winner = Some(person);
            }
        }
        let mut winner = winner.unwrap();
        let path = winner.page.text.split("href=\"/orders/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        winner.open(&format!("/orders/{path}")).await;
        winner.submit_to(&format!("/orders/{path}/refund")).await;
        assert!(winner.page.words().contains("Given back"), "{}", winner.page.words());
        assert_eq!(world.count("SELECT remaining AS found FROM vouchers WHERE note = 'tests'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_account_pays_as_long_as_something_is_left_and_only_for_its_administrators() {
    on_each_backend(|world| async move {
        let mut fiona = logged_in(&world, "fiona").await;
        let mut oscar = logged_in(&world, "oscar").await;
        add(&mut oscar, "mobile-id", "1", "later").await;
        oscar.open("/checkout").await;
        let sponsor = oscar.page.text.split("value=\"organization:").nth(1).unwrap().split('"').next().unwrap();
        let sponsor = format!("organization:{sponsor}");
        fiona.open("/admin/sponsors").await;
        let payer = fiona.page.text.split("value=\"partner:").nth(1).unwrap().split('"').next().unwrap();
        let payer = format!("partner:{payer}");
        fiona.submit(&[("most", "45.00"), ("sponsor", &sponsor)]).await;
        assert!(fiona.page.words().contains("45.00 USD"), "{}", fiona.page.words());
        // To belong to an organization, or to test a partner's clients, is no say over its money.
        let used = async || world.count("SELECT CAST(SUM(used) AS BIGINT) AS found FROM sponsor_accounts").await;
        for (username, account) in [("alice", &sponsor), ("ingrid", &payer)] {
            let mut person = logged_in(&world, username).await;
            add(&mut person, "mobile-id", "1", "later").await;
            person.open("/checkout").await;
            assert!(!person.page.text.contains("name=\"sponsor\""), "{username}: {}", person.page.words());
            assert!(!person.page.words().contains("left"), "{username}: {}", person.page.words());
            order(&mut person, &[("method", "sponsored"), ("sponsor", account)]).await;
            assert_eq!(person.page.status.as_u16(), 422, "{username}: {}", person.page.words());
            assert_eq!((used().await, keys(&world, "unredeemed").await), (0, 0), "{username}");
        }
        order(&mut oscar, &[("method", "sponsored"), ("sponsor", &sponsor)]).await;
        assert!(oscar.page.words().contains("Not activated yet"), "{}", oscar.page.words());
        let number = number(&oscar.page);
        assert_eq!(used().await, 3000);
        // The log says whose account pays.
        let id = sponsor.split(':').nth(1).unwrap();
        for kind in ["order.placed", "order.paid"] {
            let sql = format!("SELECT data AS found FROM audit_events WHERE kind = '{kind}'");
            assert!(world.texts(&sql).await[0].contains(id), "{kind}");
        }
        add(&mut oscar, "mobile-id", "1", "later").await;
        oscar.open("/checkout").await;
        order(&mut oscar, &[("method", "sponsored"), ("sponsor", &sponsor)]).await;
        assert!(oscar.page.words().contains("This account cannot pay for it"), "{}", oscar.page.words());
        assert_eq!((used().await, keys(&world, "unredeemed").await), (3000, 1));
        oscar.open(&format!("/orders/{number}")).await;
        oscar.submit_to(&format!("/orders/{number}/refund")).await;
        assert_eq!(used().await, 0);
        oscar.open("/checkout").await;
        order(&mut oscar, &[("method", "sponsored"), ("sponsor", &sponsor)]).await;
        assert_eq!(used().await, 3000);
    })
    .await;
}
