//! Whose money and whose business it is: recent factors for acts that move money, what finance and administrators see of
//! orders, and accounts among more organizations than a list holds.

use stepgate_tests::{Backend, Browser, World, on_each_backend};

use super::shop::{add, logged_in, number, order};

const STALE: u64 = 16 * 60;

/// Shows the password again, where the page asks for a new login.
async fn confirm(browser: &mut Browser, username: &str) {
    assert_eq!(browser.page.name(), "login", "{}", browser.page.words());
    browser.log_in(username).await;
    assert!(browser.page.words().contains("press the button once more"), "{}", browser.page.words());
}

fn first_of(browser: &Browser, kind: &str) -> String {
    let (_, rest) = browser.page.text.split_once(&format!("value=\"{kind}:")).expect("no such sponsor");
    format!("{kind}:{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn money_and_prices_move_by_a_recent_factor_and_what_was_typed_waits_for_it() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, "hardware-token", "1", "me").await;
        alice.open("/checkout").await;
        order(&mut alice, &[("method", "invoice")]).await;
        let bought = format!("/admin/orders/{}", number(&alice.page));
        let mut fiona = logged_in(&world, "fiona").await;
        world.advance(STALE).await;
        // Reading stays free.
        for path in ["/admin/orders", &bought, "/admin/vouchers", "/admin/sponsors", "/admin/catalogue/mobile-id"] {
            assert_eq!(fiona.open(path).await.status.as_u16(), 200, "{path}");
        }
        // An order is not paid by an old session.
        fiona.open(&bought).await;
        fiona.submit_to(&format!("{bought}/paid")).await;
        let paid = async || world.count("SELECT COUNT(*) AS found FROM orders WHERE stage = 'paid'").await;
        assert_eq!(paid().await, 0);
        confirm(&mut fiona, "fiona").await;
        assert_eq!((fiona.page.url.path(), paid().await), (bought.as_str(), 0));
        fiona.submit_to(&format!("{bought}/paid")).await;
        assert_eq!(paid().await, 1, "{}", fiona.page.words());
        assert!(!fiona.open(&bought).await.words().contains("once more"));

        world.advance(STALE).await;
        // What moves no money is done at once.
        fiona.open(&bought).await;
        fiona.submit(&[("carrier", "Bring"), ("tracking", "TR-9"), ("serials", "HT-1001")]).await;
        assert!(fiona.page.words().contains("TR-9") && fiona.page.words().contains("Done."), "{}", fiona.page.words());
        fiona.open("/admin/sponsors").await;
        let payer = first_of(&fiona, "organization");
        fiona.submit(&[("most", "77.00"), ("sponsor", &payer)]).await;
        confirm(&mut fiona, "fiona").await;
        assert!(fiona.page.text.contains("value=\"77.00\""), "{}", fiona.page.text);
        assert!(!fiona.page.words().contains("77.00 USD"), "nothing is saved yet");
        fiona.submit(&[("most", "77.00"), ("sponsor", &payer)]).await;
        assert!(fiona.page.words().contains("77.00 USD"), "{}", fiona.page.words());
        let changed = world.texts("SELECT data AS found FROM audit_events WHERE kind = 'sponsor.changed'").await;
        assert!(changed[0].contains("\"before\":{") && changed[0].contains("100000"), "{changed:?}");

        world.advance(STALE).await;
        fiona.open("/admin/catalogue/mobile-id").await;
        let price = [("price", "31.50"), ("renewal_price", "30.00"), ("partners", ""), ("withdrawn", "")];
        fiona.submit(&price).await;
        confirm(&mut fiona, "fiona").await;
        assert!(fiona.page.text.contains("value=\"31.50\""), "{}", fiona.page.text);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM catalogue_overrides").await, 0);
        fiona.submit(&price).await;
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM catalogue_overrides").await, 1);

        world.advance(STALE).await;
        let vouchers = async || world.count("SELECT COUNT(*) AS found FROM vouchers WHERE note = 'kept & typed'").await;
        let voucher = [("uses", "3"), ("note", "kept & typed"), ("days", "12"), ("product", ""), ("sponsor", "")];
        fiona.open("/admin/vouchers").await;
        fiona.submit(&voucher).await;
        confirm(&mut fiona, "fiona").await;
        assert!(fiona.page.text.contains("kept &#38; typed") && vouchers().await == 0, "{}", fiona.page.text);
        fiona.submit(&voucher).await;
        assert_eq!(vouchers().await, 1);
        // Withdrawing says what it does, and that it was done.
        fiona.open("/admin/vouchers").await;
        let (before, _) = fiona.page.text.split_once("kept &#38; typed</a>").unwrap();
        let one = before.rsplit_once("href=\"").unwrap().1.split('"').next().unwrap().to_owned();
        assert!(fiona.open(&one).await.words().contains("the 3 uses that are left are gone"), "{}", fiona.page.words());
        fiona.submit_to(&format!("{one}/withdraw")).await;
        assert!(fiona.page.words().contains("It is withdrawn"), "{}", fiona.page.words());

        // Who holds more than a password shows more than a password.
        world.tamper("INSERT INTO roles (person_id, role, place) SELECT id, 'finance', '' FROM persons WHERE username = 'bob'").await;
        let mut bob = logged_in(&world, "bob").await;
        bob.open("/admin/sponsors").await;
        bob.submit(&[("most", "88.00"), ("sponsor", &payer)]).await;
        bob.show_phone(&world, "+12025550101").await;
        assert_eq!(bob.page.url.path(), "/admin/sponsors", "{}", bob.page.words());
        assert!(bob.page.text.contains("value=\"88.00\""), "{}", bob.page.text);
        // What one typed is nobody else's to read.
        assert!(!fiona.open("/admin/sponsors").await.text.contains("88.00"));
    })
    .await;
}

#[tokio::test]
async fn invitations_go_out_by_a_recent_factor() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        world.advance(STALE).await;
        let sent = async || world.count("SELECT COUNT(*) AS found FROM invitations").await;
        oscar.open("/admin/invitations/new").await;
        let payer = first_of(&oscar, "organization");
        let fields = [("email", "nina@north.example"), ("name", "Nina"), ("sponsor", &payer), ("product", "mobile-id")];
        oscar.submit(&fields).await;
        confirm(&mut oscar, "oscar").await;
        assert!(oscar.page.text.contains("nina@north.example") && sent().await == 0, "{}", oscar.page.text);
        oscar.submit(&fields).await;
        assert_eq!(sent().await, 1, "{}", oscar.page.words());
        world.advance(STALE).await;
        // A chosen file cannot be kept: there the factor comes first.
        assert_eq!(oscar.open("/admin/invitations/file").await.name(), "login");
        oscar.log_in("oscar").await;
        assert_eq!(oscar.page.url.path(), "/admin/invitations/file", "{}", oscar.page.words());
        world.advance(STALE).await;
        let many = [("sponsor", payer.as_str()), ("product", "mobile-id"), ("rows", "")];
        oscar.upload(&many, b"email,name\notto@x.example,Otto\n").await;
        confirm(&mut oscar, "oscar").await;
        assert!(oscar.page.text.contains("otto@x.example") && sent().await == 1, "{}", oscar.page.text);
        // Withdrawing moves money as well.
        oscar.open("/admin/invitations").await;
        let (_, rest) = oscar.page.text.split_once("<td data-label=\"Email\"><a href=\"").unwrap();
        let one = rest.split('"').next().unwrap().to_owned();
        world.advance(STALE).await;
        oscar.open(&one).await;
        oscar.submit_with(&format!("{one}/do"), &[("act", "withdraw")]).await;
        confirm(&mut oscar, "oscar").await;
        assert_eq!(oscar.page.url.path(), one);
        oscar.submit_with(&format!("{one}/do"), &[("act", "withdraw")]).await;
        assert!(oscar.page.words().contains("It is withdrawn"), "{}", oscar.page.words());
    })
    .await;
}

#[tokio::test]
async fn who_uses_what_is_told_to_the_purchaser_and_to_nobody_who_keeps_books() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        add(&mut alice, "mobile-id", "1", "me").await;
        add(&mut alice, "mobile-id", "1", "later").await;
        alice.open("/checkout").await;
        order(&mut alice, &[("method", "invoice")]).await;
        let bought = number(&alice.page);
        let mut fiona = logged_in(&world, "fiona").await;
        fiona.open(&format!("/admin/orders/{bought}")).await;
        fiona.submit_to(&format!("/admin/orders/{bought}/paid")).await;
        world.tamper("UPDATE license_keys SET holder_mail = 'friend@elsewhere.example' WHERE holder_id IS NULL").await;
        fiona.open(&format!("/admin/orders/{bought}")).await;
        let words = fiona.page.words();
        assert!(words.contains("Mobile ID Not activated yet 2"), "{words}");
        assert!(!words.contains("friend@elsewhere.example") && words.contains("One person"), "{words}");
        // What she bought for herself is not her organization's.
        let mut oscar = logged_in(&world, "oscar").await;
        assert!(!oscar.open("/admin/orders").await.words().contains(&bought), "{}", oscar.page.words());
        for path in ["", "/invoice.pdf"] {
            assert_eq!(oscar.open(&format!("/admin/orders/{bought}{path}")).await.status.as_u16(), 404, "{path}");
        }
        // What its administrator buys for its people is; his own credential is not.
        for (whom, seen) in [("person:alice", true), ("me", false)] {
            add(&mut oscar, "mobile-id", "1", whom).await;
            oscar.open("/checkout").await;
            order(&mut oscar, &[("method", "invoice")]).await;
            let own = number(&oscar.page);
            assert_eq!(oscar.open("/admin/orders").await.words().contains(&own), seen, "{whom}");
            if seen {
                oscar.open(&format!("/admin/orders/{own}")).await;
                assert!(!oscar.page.words().contains("Alice"), "{}", oscar.page.words());
            }
        }
        // Whose voucher pays sees the sum, and neither the buyer nor the address.
        let mut bob = logged_in(&world, "bob").await;
        add(&mut bob, "mobile-id", "1", "me").await;
        bob.open("/checkout").await;
        order(&mut bob, &[("method", "voucher"), ("voucher", "DEMO-VOUCHER-0001")]).await;
        let paid = number(&bob.page);
        let mut petra = logged_in(&world, "petra").await;
        assert!(petra.open("/admin/orders").await.words().contains(&paid), "{}", petra.page.words());
        petra.open(&format!("/admin/orders/{paid}")).await;
        for list in [petra.page.words(), petra.open("/admin/orders").await.words()] {
            assert!(list.contains("30.00 USD") && !list.contains("Bob") && !list.contains("Zoë"), "{list}");
        }
        let logged = world.texts("SELECT data AS found FROM audit_events WHERE kind = 'order.paid' ORDER BY at").await;
        assert!(!logged.last().unwrap().contains("\"voucher\":null"), "{logged:?}");
    })
    .await;
}

#[tokio::test]
async fn an_account_is_of_somebody_known_and_covers_what_is_spent() {
    let world = World::start(Backend::Sqlite).await;
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open("/admin/sponsors").await;
    let payer = first_of(&fiona, "organization");
    let accounts = "SELECT COUNT(*) AS found FROM sponsor_accounts";
    let before = world.count(accounts).await;
    for unknown in ["organization:00000000-0000-0000-0000-000000000001", "nobody", ""] {
        fiona.submit(&[("most", "10.00"), ("sponsor", unknown)]).await;
        assert_eq!(fiona.page.status.as_u16(), 422, "{unknown}");
        assert!(fiona.page.words().contains("Choose") && fiona.page.text.contains("value=\"10.00\""), "{unknown}");
    }
    assert_eq!(world.count(accounts).await, before);
    world.tamper("UPDATE sponsor_accounts SET used = 5000").await;
    fiona.submit(&[("most", "49.99"), ("sponsor", &payer)]).await;
    assert!(fiona.page.words().contains("50.00 USD are spent already"), "{}", fiona.page.words());
    fiona.submit(&[("most", "50.00"), ("sponsor", &payer)]).await;
    assert!(fiona.page.words().contains("The account is saved"), "{}", fiona.page.words());
    // Neither does a voucher name somebody unknown, nor becomes an unknown product any product.
    fiona.open("/admin/vouchers").await;
    let made = "SELECT COUNT(*) AS found FROM vouchers WHERE note = 'bad'";
    for (sponsor, product) in [("organization:00000000-0000-0000-0000-000000000001", "mobile-id"), ("", "mobile")] {
        let fields = [("uses", "1"), ("note", "bad"), ("days", "1"), ("product", product), ("sponsor", sponsor)];
        fiona.submit(&fields).await;
        assert_eq!((fiona.page.status.as_u16(), world.count(made).await), (422, 0), "{sponsor} {product}");
    }
    // Letters of vouchers are not guessed at will.
    let mut alice = logged_in(&world, "alice").await;
    add(&mut alice, "mobile-id", "1", "me").await;
    alice.open("/checkout").await;
    for _ in 0..21 {
        order(&mut alice, &[("method", "voucher"), ("voucher", "ABCDEFGHABCDEFGHABCDEFGH")]).await;
    }
    assert!(alice.page.words().contains("You have tried many vouchers"), "{}", alice.page.words());
    order(&mut alice, &[("method", "voucher"), ("voucher", "DEMO-VOUCHER-0001")]).await;
    assert!(alice.page.words().contains("You have tried many vouchers"), "the right one does not help any more");
}

#[tokio::test]
async fn administrators_work_among_more_organizations_partners_and_people_than_a_list_holds() {
    let world = World::start(Backend::Sqlite).await;
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)";
    for table in ["organizations", "partners"] {
        let sql = format!(
            "{numbers} INSERT INTO {table} (id, name, created_at)
                           SELECT randomblob(16), printf('A{table}%04d', i), 0 FROM n"
        );
        world.tamper(&sql).await;
    }
    let sql = format!(
        "{numbers} INSERT INTO persons (id, username, email, claims, created_at, updated_at)
                       SELECT randomblob(16), printf('a%04d', i), printf('a%04d@x.example', i), '{{}}', 0, 0 FROM n"
    );
    world.tamper(&sql).await;
    world
        .tamper(
            "INSERT INTO memberships (person_id, organization_id, created_at)
             SELECT p.id, o.id, 0 FROM persons p, organizations o
             WHERE p.username LIKE 'a0%' AND o.name = 'Iron Builders LLC'",
        )
        .await;
    let mut oscar = logged_in(&world, "oscar").await;
    assert!(oscar.open("/admin/organizations").await.words().contains("Iron Builders LLC"), "{}", oscar.page.words());
    super::invitations::invite(&mut oscar, "organization", ("nina@north.example", "Nina")).await;
    let words = oscar.page.words();
    assert!(
        words.contains("The mail is on its way") && words.contains("Mobile") | words.contains("mobile-id"),
        "{words}"
    );
    assert!(words.contains("Iron Builders LLC"), "{words}");
    assert!(oscar.open("/admin/people?q=oscar").await.words().contains("Oscar Owen"), "{}", oscar.page.words());
    assert!(oscar.open("/admin/people?after=a0600").await.words().contains("Oscar Owen"), "{}", oscar.page.words());
    let mut petra = logged_in(&world, "petra").await;
    assert!(petra.open("/admin/partners").await.words().contains("Iron Works Inc."), "{}", petra.page.words());
    super::invitations::invite(&mut petra, "partner", ("otto@north.example", "Otto")).await;
    assert!(petra.page.words().contains("Iron Works Inc."), "{}", petra.page.words());
    // Finance, and whoever reaches everybody, name whom the list does not hold.
    let mut admin = logged_in(&world, "admin").await;
    let words = admin.open("/admin/invitations").await.words();
    assert!(words.contains("Iron Builders LLC") && words.contains("Iron Works Inc."), "{words}");
    let mut fiona = logged_in(&world, "fiona").await;
    fiona.open("/admin/sponsors").await;
    let first = first_of(&fiona, "organization");
    for (name, told) in [("Nobody Ltd.", "Nobody has this name"), ("Iron Builders LLC", "The account is saved")] {
        fiona.submit(&[("most", "61.00"), ("sponsor", &first), ("sponsor_name", name)]).await;
        assert!(fiona.page.words().contains(told), "{name}: {}", fiona.page.words());
    }
    let most = "SELECT most AS found FROM sponsor_accounts WHERE kind = 'organization'";
    assert_eq!(world.count(most).await, 6100);
    let (one, said) = world.operate(&[
        "client",
        "add",
        "--id",
        "crane",
        "--name",
        "Crane",
        "--partner",
        "Iron Works Inc.",
        "--redirect-uri",
        "https://crane.example/cb",
        "--json",
    ]);
    assert!(one, "{said}");
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM partners WHERE name = 'Iron Works Inc.'").await, 1);
}
