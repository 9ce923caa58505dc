//! Tokens that were ordered: who waits for one, which goes into whose parcel, and whose it becomes.

use std::sync::Arc;

use stepgate_tests::{Backend, Browser, World, on_each_backend};
use tokio::sync::Barrier;

use crate::hardware_tokens::{act, open_token, registration_code, shown};
use crate::shop::{add, logged_in, number, order};

/// Buys tokens on invoice, which finance marks as paid: the buyer, finance on the order's page, and its path.
pub async fn bought(world: &World, username: &str, quantity: &str, whom: &str) -> (Browser, Browser, String) {
    let mut buyer = logged_in(world, username).await;
    add(&mut buyer, "hardware-token", quantity, whom).await;
    buyer.open("/checkout").await;
    order(&mut buyer, &[("method", "invoice")]).await;
    let path = format!("/admin/orders/{}", number(&buyer.page));
    let mut fiona = logged_in(world, "fiona").await;
    fiona.open(&path).await;
    fiona.submit_to(&format!("{path}/paid")).await;
    (buyer, fiona, path)
}

pub fn parcel(serials: &str) -> [(&'static str, &str); 3] {
    [("carrier", "Bring"), ("tracking", "TR-1"), ("serials", serials)]
}

/// Activates the key that somebody bought for themselves.
pub async fn use_key(buyer: &mut Browser, path: &str) {
    buyer.open(&path.replace("/admin", "")).await;
    let id = super::mobile_phones::between(&buyer.page.text, "id=\"activate-", "\"");
    buyer.submit_with("/account/otp/license/activate", &[("id", &id)]).await;
}

/// Where tokens are: `serial stage username`.
async fn stock(world: &World) -> Vec<String> {
    world
        .texts(
            "SELECT t.serial || ' ' || t.stage || ' ' || COALESCE(p.username, '-') AS found FROM hardware_tokens t
             LEFT JOIN persons p ON p.id = t.person_id ORDER BY t.serial",
        )
        .await
}

#[tokio::test]
async fn a_token_that_was_ordered_is_assigned_with_its_parcel_and_opens() {
    on_each_backend(|world| async move {
        let (mut alice, mut fiona, path) = bought(&world, "alice", "1", "me").await;
        let bought = path.rsplit('/').next().unwrap().to_owned();
        use_key(&mut alice, &path).await;
        // Those who send it, and those who hand tokens out, see who waits; nobody else does.
        let words = fiona.open("/admin/orders/waiting").await.words();
        for told in [bought.as_str(), "Alice Archer (alice)", "Ægirsgata 1", "Bought"] {
            assert!(words.contains(told), "{told}: {words}");
        }
        let mut simon = logged_in(&world, "simon").await;
        assert!(simon.open("/admin/tokens").await.text.contains("href=\"/admin/tokens/waiting\""));
        assert!(simon.open("/admin/tokens/waiting").await.words().contains(&bought));
        assert_eq!(simon.open("/admin/orders/waiting").await.status.as_u16(), 403);
        let mut oscar = logged_in(&world, "oscar").await;
        for page in ["/admin/orders/waiting", "/admin/tokens/waiting"] {
            assert_eq!(oscar.open(page).await.status.as_u16(), 403, "{page}");
        }
        // What does not fit is said at the field, and nothing moves.
        let before = stock(&world).await;
        for (serials, said) in [
            ("", "Write the serial number of the token"),
            ("HT-9999", "HT-9999 is not in the inventory"),
            ("HT-1004", "HT-1004 belongs to somebody"),
            ("HT-1001 HT-1002", "2 serial numbers are written"),
        ] {
            fiona.open(&path).await;
            fiona.submit(&parcel(serials)).await;
            assert_eq!(fiona.page.status.as_u16(), 422, "{serials}");
            let at = fiona.page.text.split("id=\"ship-serials-error\"").nth(1).unwrap_or_default();
            assert!(at.contains(said), "{said}: {}", fiona.page.words());
            assert!(fiona.page.text.contains("value=\"TR-1\""), "what was typed stays");
        }
        assert_eq!(stock(&world).await, before);
        // Eight presses at one moment, on all nodes: one parcel, one mail.
        fiona.open(&path).await;
        let barrier = Arc::new(Barrier::new(8));
        let presses: Vec<_> = (0..8)
            .map(|_| {
                let (barrier, request) = (Arc::clone(&barrier), fiona.prepared(&parcel("ht-1001")));
                tokio::spawn(async move {
                    barrier.wait().await;
                    let answer = request.send().await.unwrap();
                    answer.headers()["location"].to_str().unwrap().to_owned()
                })
            })
            .collect();
        for press in presses {
            assert!(press.await.unwrap().ends_with("?done=done"));
        }
        let events = async |kind: &str| {
            world.count(&format!("SELECT COUNT(*) AS found FROM audit_events WHERE kind = '{kind}'")).await
        };
        assert!(stock(&world).await.contains(&"HT-1001 shipped alice".to_owned()), "{:?}", stock(&world).await);
        assert_eq!((events("order.shipped").await, events("token.assigned").await), (1, 2), "Oscar's was the other");
        let mail = world.mail("alice@iron-builders.example", "Your order is on its way").await;
        assert!(mail.contains("token HT-1001") && mail.contains("TR-1"), "{mail}");
        assert_eq!(world.mails("alice@iron-builders.example", "Your order is on its way").await, 1);
        assert!(!fiona.open("/admin/orders/waiting").await.words().contains(&bought));
        // It is hers: the code came by mail, and with it she puts it into use.
        let code = registration_code(&world, "alice").await;
        alice.open("/account/otp/token").await;
        let typed =
            [("serial", "HT-1001"), ("registration", code.as_str()), ("first", &shown(0, 0)), ("second", &shown(1, 0))];
        alice.submit(&typed).await;
        assert!(alice.page.words().contains("Your token is set up"), "{}", alice.page.words());
        // Another number is told; the same again is nothing new.
        for tracking in ["TR-2", "TR-2"] {
            fiona.open(&path).await;
            assert!(fiona.page.words().contains("HT-1001") && !fiona.page.text.contains("name=\"serials\""));
            fiona.submit(&[("carrier", "Bring"), ("tracking", tracking)]).await;
            assert!(fiona.page.words().contains("Done."), "{}", fiona.page.words());
        }
        assert!(world.mail("alice@iron-builders.example", "TR-2").await.contains(&bought));
        assert_eq!((events("order.shipped").await, events("order.tracking_changed").await), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_token_that_goes_with_a_key_becomes_whoevers_activates_it() {
    on_each_backend(|world| async move {
        let (mut alice, mut fiona, path) = bought(&world, "alice", "2", "later").await;
        fiona.open(&path).await;
        for (serials, said) in
            [("HT-1001", "2 tokens go into this parcel"), ("HT-1001\nht-1001", "ht-1001 is written twice")]
        {
            fiona.submit(&parcel(serials)).await;
            assert!(fiona.page.words().contains(said), "{said}: {}", fiona.page.words());
        }
        fiona.submit(&parcel("HT-1002\r\nHT-1001\r\n")).await;
        assert!(fiona.page.words().contains("Done."), "{}", fiona.page.words());
        let sent = stock(&world).await;
        assert_eq!(&sent[..2], ["HT-1001 shipped -", "HT-1002 shipped -"]);
        // Whoever hands them on sees which goes with which; the help desk sees what they are for.
        alice.open(&path.replace("/admin", "")).await;
        let row = alice.page.text.split("<tr").find(|row| row.contains("token HT-1002")).unwrap().to_owned();
        let letters = super::mobile_phones::between(&row, "<code>", "</code>");
        let mut simon = logged_in(&world, "simon").await;
        open_token(&mut simon, "HT-1002").await;
        assert!(simon.page.words().contains(path.rsplit('/').next().unwrap()), "{}", simon.page.words());
        let mut bob = logged_in(&world, "bob").await;
        bob.open("/account/otp/license").await;
        bob.submit(&[("key", &letters)]).await;
        assert!(stock(&world).await.contains(&"HT-1002 assigned bob".to_owned()), "{:?}", stock(&world).await);
        registration_code(&world, "bob").await;
        let card = "SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-1002' AND license_key_id IS NOT NULL";
        assert_eq!(world.count(card).await, 1);
        // What is taken back belongs to no key any more.
        act(&mut simon, "HT-1001", "take-back", &[("note", "came back")]).await;
        assert_eq!(
            world.count("SELECT COUNT(*) AS found FROM hardware_tokens WHERE license_key_id IS NOT NULL").await,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_activated_while_its_token_is_sent_leaves_no_token_that_is_nobodys() {
    on_each_backend(|world| async move {
        let (mut alice, mut fiona, path) = bought(&world, "alice", "1", "me").await;
        alice.open(&path.replace("/admin", "")).await;
        fiona.open(&path).await;
        let id = super::mobile_phones::between(&alice.page.text, "id=\"activate-", "\"");
        let barrier = Arc::new(Barrier::new(2));
        let presses = [fiona.prepared(&parcel("HT-1001")), alice.prepared(&[("id", &id)])].map(|request| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                request.send().await.unwrap().status().as_u16()
            })
        });
        for press in presses {
            press.await.unwrap();
        }
        // The parcel was sent, or it is told that something changed: then it is sent now.
        fiona.open(&path).await;
        if fiona.page.text.contains("name=\"serials\"") {
            fiona.submit(&parcel("HT-1001")).await;
        }
        assert_eq!(stock(&world).await[0].split(' ').nth(2), Some("alice"), "{:?}", stock(&world).await);
        let hers = "SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-1001' AND license_key_id IS NOT NULL";
        assert_eq!(world.count(hers).await, 1);
    })
    .await;
}

#[tokio::test]
async fn who_has_lost_a_token_waits_too_and_where_no_tokens_are_kept_nothing_is_asked() {
    let world = World::start(Backend::Sqlite).await;
    let (mut alice, mut fiona, path) = bought(&world, "alice", "1", "me").await;
    use_key(&mut alice, &path).await;
    fiona.open(&path).await;
    fiona.submit(&parcel("HT-1001")).await;
    let mut simon = logged_in(&world, "simon").await;
    assert!(simon.open("/admin/tokens/waiting").await.words().contains("Nobody waits"), "{}", simon.page.words());
    act(&mut simon, "HT-1001", "lost", &[("note", "never came")]).await;
    let words = simon.open("/admin/tokens/waiting").await.words();
    assert!(words.contains("Alice Archer (alice)") && words.contains("no order is on its way"), "{words}");
    assert!(simon.page.text.contains("href=\"/admin/people/alice\""));
    // A page at a time, oldest first, each once.
    for place in 1..=60 {
        let copy = format!(
            "INSERT INTO orders (id, number, request_hash, purchaser_id, stage, version, method, currency, net, tax, gross,
               lines, billing, shipping, placed_at, paid_at, shipping_stage)
             SELECT randomblob(16), 'SG-COPY-{place}', randomblob(32), purchaser_id, stage, 0, method, currency, net, tax,
               gross, lines, billing, shipping, placed_at, paid_at - 60000, 'waiting' FROM orders WHERE shipping IS NOT NULL
               AND number NOT LIKE 'SG-COPY-%'"
        );
        world.tamper(&copy).await;
    }
    fiona.open("/admin/orders/waiting").await;
    assert!(!fiona.page.words().contains("no order is on its way"));
    let mut listed = fiona.page.text.matches("href=\"/admin/orders/SG-COPY-").count();
    let next = fiona.page.text.split("href=\"").find(|link| link.starts_with("/admin/orders/waiting?since=")).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    fiona.open(&next).await;
    listed += fiona.page.text.matches("href=\"/admin/orders/SG-COPY-").count();
    assert!(listed == 60 && fiona.page.words().contains("no order is on its way"), "{listed}: {}", fiona.page.words());
    // Without an inventory nothing is asked about tokens, and nothing stands in the way.
    for table in ["token_custody", "hardware_tokens"] {
        world.tamper(&format!("DELETE FROM {table}")).await;
    }
    let (_, mut fiona, path) = bought(&world, "bob", "1", "later").await;
    fiona.open(&path).await;
    assert!(fiona.page.words().contains("Nothing is in the inventory"), "{}", fiona.page.words());
    fiona.submit(&parcel("HT-1002")).await;
    assert!(fiona.page.words().contains("Leave this empty"), "{}", fiona.page.words());
    fiona.submit(&parcel("")).await;
    assert!(fiona.page.words().contains("Done."), "{}", fiona.page.words());
}
