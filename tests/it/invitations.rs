//! Invitations that somebody else pays for: the way of the invited person, of the file, of the money.

use std::sync::Arc;

use stepgate_tests::{Browser, World, on_each_backend};
use tokio::sync::Barrier;

pub(super) use stepgate_tests::logged_in;

/// What a Mobile ID costs in the demo, in cents.
const PRICE: i64 = 3000;
const NEW: &str = "/admin/invitations/new";
const FILE: &str = "/admin/invitations/file";

/// The first sponsor that the open form offers.
fn sponsor(browser: &Browser, kind: &str) -> String {
    let (_, rest) = browser.page.text.split_once(&format!("<option value=\"{kind}:")).expect("no such sponsor");
    format!("{kind}:{}", rest.split('"').next().unwrap())
}

pub(super) async fn invite(browser: &mut Browser, kind: &str, (email, name): (&str, &str)) {
    browser.open(NEW).await;
    let payer = sponsor(browser, kind);
    browser.submit(&[("email", email), ("name", name), ("sponsor", &payer), ("product", "mobile-id")]).await;
}

/// The link in a mail to an address that is none of those known before, whichever node sent it.
pub(super) async fn link(world: &World, email: &str, known: &[&str]) -> String {
    let found = std::sync::Mutex::new(String::new());
    let http = reqwest::Client::new();
    world
        .until("another link came", async || {
            for node in 0..world.nodes() {
                let answer = http.get(format!("{}/demo/inbox.json", world.node(node))).send().await.unwrap();
                let messages: Vec<serde_json::Value> = answer.json().await.unwrap();
                for message in messages.iter().filter(|message| message["to"] == email) {
                    let Some((_, rest)) = message["text"].as_str().unwrap().split_once("/join?token=") else {
                        continue;
                    };
                    let link = format!("/join?token={}", rest.split_whitespace().next().unwrap());
                    if !known.contains(&link.as_str()) {
                        *found.lock().unwrap() = link;
                        return true;
                    }
                }
            }
            false
        })
        .await;
    found.into_inner().unwrap()
}

async fn used(world: &World) -> i64 {
    world.count("SELECT CAST(SUM(used) AS BIGINT) AS found FROM sponsor_accounts").await
}

const JOIN: [(&str, &str); 3] =
    [("name", "Nina North"), ("password", "three blue anchors"), ("again", "three blue anchors")];

#[tokio::test]
async fn an_invited_person_joins_pays_nothing_and_has_the_key() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        invite(&mut oscar, "organization", ("Nina@North.example", "Nina North")).await;
        assert!(oscar.page.words().contains("The mail is on its way"), "{}", oscar.page.words());
        assert!(oscar.page.words().contains("nina@north.example") && oscar.page.words().contains("Sent"));
        assert_eq!(used(&world).await, PRICE);
        let order = "SELECT COUNT(*) AS found FROM orders WHERE stage = 'paid' AND method = 'sponsored' AND gross = 3000";
        assert_eq!(world.count(order).await, 1);

        let mailed = link(&world, "nina@north.example", &[]).await;
        let mut nina = world.browser();
        nina.open(&mailed).await;
        assert_eq!(nina.page.name(), "join", "{}", nina.page.words());
        assert!(oscar.open("/admin/invitations").await.words().contains("Opened"));
        // The rules for passwords and user IDs are those of everywhere else.
        nina.submit(&[("username", "nina"), ("name", "Nina North"), ("password", "password"), ("again", "password")]).await;
        assert_eq!(nina.page.status.as_u16(), 422, "{}", nina.page.words());
        nina.submit(&[&[("username", "alice")], &JOIN[..]].concat()).await;
        assert!(nina.page.words().contains("Somebody has this user ID"), "{}", nina.page.words());
        nina.submit(&[("username", "nina"), ("name", "Nina North"), ("password", "three blue anchors"), ("again", "x")]).await;
        assert!(nina.page.words().contains("not the same"));
        nina.submit(&[&[("username", "nina")], &JOIN[..]].concat()).await;
        assert_eq!(nina.page.name(), "joined", "{}", nina.page.words());
        let words = nina.page.words();
        assert!(words.contains("Mobile ID") && words.contains("License key") && words.contains("Nina North(nina)"), "{words}");
        assert!(words.contains("Organization : Iron Builders LLC | Credential Strength : Password"), "{words}");
        let key = "SELECT COUNT(*) AS found FROM license_keys k JOIN persons p ON p.id = k.holder_id
                   WHERE p.username = 'nina' AND k.stage = 'unredeemed'";
        assert_eq!(world.count(key).await, 1);
        // Once: not by a second press, not in another browser.
        for mut browser in [nina.clone(), world.browser()] {
            assert_eq!(browser.open(&mailed).await.status.as_u16(), 410);
        }
        assert!(oscar.open("/admin/invitations").await.words().contains("Joined"));
        // Who has it is not invited, and paid for, once more.
        invite(&mut oscar, "organization", ("nina@north.example", "Nina North")).await;
        assert!(oscar.page.words().contains("its person has it"), "{}", oscar.page.words());
        assert_eq!(used(&world).await, PRICE);
        // The account is a whole one.
        let mut again = world.browser();
        again.open("/account").await;
        again.submit(&[("username", "nina@north.example")]).await;
        again.submit(&[("password", "three blue anchors")]).await;
        assert_eq!(again.page.name(), "account");
        // What is activated is told, and not taken back.
        let redeemed = "UPDATE license_keys SET stage = 'redeemed', redeemed_at = purchased_at WHERE holder_mail = 'nina@north.example'";
        world.tamper(redeemed).await;
        assert!(oscar.open("/admin/invitations").await.words().contains("Activated"));
        assert_eq!(used(&world).await, PRICE);
    })
    .await;
}

#[tokio::test]
async fn who_has_an_account_signs_in_and_gets_the_key_and_nobody_else_does() {
    on_each_backend(|world| async move {
        let mut petra = logged_in(&world, "petra").await;
        let email = world.texts("SELECT email AS found FROM persons WHERE username = 'bob'").await.remove(0);
        // The answer is the same whether or not the address has an account.
        invite(&mut petra, "partner", (&email, "Bob Baker")).await;
        let known = petra.page.words();
        invite(&mut petra, "partner", ("nobody@north.example", "Bob Baker")).await;
        let told = |words: &str| words.split("Export").next().unwrap().to_owned();
        assert_eq!(told(&known), told(&petra.page.words()));
        let waits = "SELECT COUNT(*) AS found FROM license_keys WHERE holder_id IS NULL AND holder_mail IS NOT NULL";
        assert_eq!(world.count(waits).await, 2, "a partner sees nobody's account: the keys wait for the addresses");

        let mailed = link(&world, &email, &[]).await;
        let mut alice = logged_in(&world, "alice").await;
        alice.open(&mailed).await;
        assert_eq!(alice.page.name(), "join-other", "{}", alice.page.words());
        assert!(!alice.page.words().contains(&email), "the address is told to nobody else");

        let mut bob = world.browser();
        bob.open(&mailed).await;
        assert_eq!(bob.page.name(), "join-sign-in", "{}", bob.page.words());
        bob.submit_with("/join/sign-in", &[("token", mailed.split_once('=').unwrap().1)]).await;
        bob.log_in("bob").await;
        bob.submit(&[("skip", "1")]).await;
        assert_eq!((bob.page.name(), bob.page.url.path()), ("join-accept", "/join"), "{}", bob.page.words());
        bob.submit_to("/join/accept").await;
        assert_eq!(bob.page.name(), "joined", "{}", bob.page.words());
        assert!(bob.page.words().contains("License key"));
        assert_eq!(world.count(waits).await, 1);
        assert_eq!(bob.open(&mailed).await.status.as_u16(), 410);
        assert!(petra.open("/admin/invitations").await.words().contains("Joined"));
    })
    .await;
}

#[tokio::test]
async fn a_link_is_replaced_grows_old_and_what_is_withdrawn_is_paid_back() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        invite(&mut oscar, "organization", ("nina@north.example", "Nina North")).await;
        let first = link(&world, "nina@north.example", &[]).await;
        // The same person for the same thing: the mail is sent again instead.
        invite(&mut oscar, "organization", ("nina@north.example", "Nina North")).await;
        assert!(oscar.page.words().contains("Send that invitation again"), "{}", oscar.page.words());
        assert_eq!(used(&world).await, PRICE);
        oscar.open("/admin/invitations").await;
        let (_, rest) = oscar.page.text.split_once("<td data-label=\"Email\"><a href=\"").unwrap();
        let one = rest.split('"').next().unwrap().to_owned();
        oscar.open(&one).await;
        oscar.submit_with(&format!("{one}/do"), &[("act", "again")]).await;
        assert!(oscar.page.words().contains("Another mail is on its way"), "{}", oscar.page.words());
        let second = link(&world, "nina@north.example", &[&first]).await;
        assert_eq!(world.browser().open(&first).await.status.as_u16(), 410, "the first link");
        assert_eq!(world.browser().open(&second).await.name(), "join");
        world.advance(14 * 86_400).await;
        assert_eq!(world.browser().open(&second).await.status.as_u16(), 410, "after fourteen days");
        let mut oscar = logged_in(&world, "oscar").await;
        assert!(oscar.open(&one).await.words().contains("Link too old"), "{}", oscar.page.words());
        oscar.submit_with(&format!("{one}/do"), &[("act", "again")]).await;
        let third = link(&world, "nina@north.example", &[&first, &second]).await;
        assert_eq!(world.browser().open(&third).await.name(), "join");

        // Nobody else's administrator reaches it.
        let mut petra = logged_in(&world, "petra").await;
        assert_eq!(petra.open(&one).await.status.as_u16(), 404);
        petra.open(NEW).await;
        assert!(!petra.page.text.contains("organization:"), "a partner's administrator spends no organization's money");
        let payer = {
            oscar.open(NEW).await;
            sponsor(&oscar, "organization")
        };
        petra.submit(&[("email", "x@x.example"), ("name", "X"), ("sponsor", &payer), ("product", "mobile-id")]).await;
        assert_eq!(petra.page.status.as_u16(), 422, "{}", petra.page.words());

        // Pressed by many at once, the money comes back once.
        oscar.open(&one).await;
        let (barrier, presses) = (Arc::new(Barrier::new(6)), 0..6);
        let presses: Vec<_> = presses
            .map(|_| {
                let (barrier, mut oscar, one) = (Arc::clone(&barrier), oscar.clone(), one.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    oscar.submit_with(&format!("{one}/do"), &[("act", "withdraw")]).await.words()
                })
            })
            .collect();
        let mut done = 0;
        for press in presses {
            done += usize::from(press.await.unwrap().contains("It is withdrawn"));
        }
        assert_eq!((done, used(&world).await), (1, 0));
        assert_eq!(world.browser().open(&third).await.status.as_u16(), 410, "withdrawn");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM license_keys WHERE stage = 'void'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_file_is_looked_at_and_comes_in_whole_or_not_at_all() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        oscar.open(FILE).await;
        let payer = sponsor(&oscar, "organization");
        let fields = |check: &'static str| [("sponsor", payer.clone()), ("product", "mobile-id".to_owned()), ("check", check.to_owned()), ("rows", String::new())];
        let upload = async |oscar: &mut Browser, check: &'static str, file: &str| {
            let fields = fields(check);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            oscar.open(FILE).await;
            oscar.upload(&fields, file.as_bytes()).await;
        };
        let everything = "SELECT COUNT(*) AS found FROM invitations";
        let bad = "email,name,user_id\nnina@x.example,Nina,nina\nnobody,Nobody,\nnina@x.example,Again,\nz@x.example,Z \"Q\",\n";
        upload(&mut oscar, "", bad).await;
        assert_eq!(oscar.page.status.as_u16(), 422);
        let words = oscar.page.words();
        assert!(words.contains("5 file there is a quote within a field"), "{words}");
        assert!(words.contains("3 email this is no e-mail address"), "and what is wrong with the others: {words}");
        upload(&mut oscar, "", "email,name\nnobody,Nobody\n").await;
        assert!(!oscar.page.words().contains("It costs"), "nobody costs nothing: {}", oscar.page.words());
        upload(&mut oscar, "1", "name;email\r\nNina;nina@x.example\r\n").await;
        let words = oscar.page.words();
        assert!(words.contains("It can go") && words.contains("30.00 USD"), "as a spreadsheet writes it: {words}");
        let bad = "email,name,user_id\nnina@x.example,Nina,nina\nnobody,Nobody,\nnina@x.example,Again,\nz@x.example,,Ü\n";
        upload(&mut oscar, "", bad).await;
        let words = oscar.page.words();
        for told in ["3 email this is no e-mail address", "4 email the same address stands in line 2", "5 name there is no name", "5 user_id it cannot be a user ID"] {
            assert!(words.contains(told), "{told} is not in {words}");
        }
        assert_eq!((world.count(everything).await, used(&world).await), (0, 0), "nothing is half imported");

        let good = "\u{feff}name,email\r\n\"North, Nina\",nina@x.example\r\nOtto,otto@x.example\r\n";
        upload(&mut oscar, "1", good).await;
        let words = oscar.page.words();
        assert!(words.contains("It can go") && words.contains("60.00 USD") && words.contains("1000.00 USD"), "{words}");
        assert_eq!(world.count(everything).await, 0, "only looked at");
        // What was looked at stands in the form, ready to go.
        let pasted = oscar.page.text.split_once("name=\"rows\"").unwrap().1.split_once('>').unwrap().1.split("</textarea>").next().unwrap().replace("&#34;", "\"");
        let fields = [("sponsor", payer.as_str()), ("product", "mobile-id"), ("rows", &pasted)];
        oscar.upload(&fields, b"").await;
        assert!(oscar.page.words().contains("2 mails are on their way"), "{}", oscar.page.words());
        assert_eq!((world.count(everything).await, used(&world).await), (2, 2 * PRICE));
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders").await, 1, "one order for the batch");
        upload(&mut oscar, "", "email,name\nnina@x.example,Nina\np@x.example,P\n").await;
        assert!(oscar.page.words().contains("2 email you have invited this address"), "{}", oscar.page.words());

        let many: String = (0..40).map(|number| format!("p{number}@x.example,P\n")).collect();
        upload(&mut oscar, "", &format!("email,name\n{many}")).await;
        assert!(oscar.page.words().contains("it costs 1200.00 USD, and Iron Builders LLC has 940.00 USD left"), "{}", oscar.page.words());
        assert_eq!(world.count(everything).await, 2);
        // A thousand people in one go.
        world.tamper("UPDATE sponsor_accounts SET most = 100000000").await;
        let many: String = (0..1000).map(|number| format!("q{number}@x.example,Q\n")).collect();
        upload(&mut oscar, "", &format!("email,name\n{many}")).await;
        assert!(oscar.page.words().contains("1000 mails are on their way"), "{}", oscar.page.words());
        assert_eq!((world.count(everything).await, used(&world).await), (1002, 1002 * PRICE));
    })
    .await;
}

/// Sends prepared requests at the same moment; where each leads.
async fn at_once(requests: Vec<reqwest::RequestBuilder>) -> Vec<(u16, String)> {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                request.send().await.unwrap()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        let answer = task.await.unwrap();
        let location = answer.headers().get("location").map_or(String::new(), |it| it.to_str().unwrap().to_owned());
        answers.push((answer.status().as_u16(), location));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_covers_one_batch_pays_for_one() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        for round in 0..5 {
            world.tamper("UPDATE sponsor_accounts SET most = used + 3000").await;
            let before = used(&world).await;
            let mut forms = Vec::new();
            for number in 0..6 {
                oscar.open(NEW).await;
                let (payer, email) = (sponsor(&oscar, "organization"), format!("r{round}n{number}@x.example"));
                forms.push(oscar.prepared(&[
                    ("email", &email),
                    ("name", "R"),
                    ("sponsor", &payer),
                    ("product", "mobile-id"),
                ]));
            }
            let answers = at_once(forms).await;
            let done = answers.iter().filter(|(_, location)| location.contains("done=invited")).count();
            assert_eq!(done, 1, "round {round}: {answers:?}");
            assert_eq!(used(&world).await - before, PRICE, "round {round}");
            let (keys, orders) = (
                "SELECT COUNT(*) AS found FROM license_keys WHERE order_id IS NOT NULL",
                "SELECT COUNT(*) AS found FROM orders",
            );
            assert_eq!((world.count(keys).await, world.count(orders).await), (round + 1, round + 1), "round {round}");
        }
        // One form pressed by many: one batch.
        world.tamper("UPDATE sponsor_accounts SET most = 1000000").await;
        oscar.open(NEW).await;
        let payer = sponsor(&oscar, "organization");
        let form = oscar.prepared(&[
            ("email", "once@x.example"),
            ("name", "O"),
            ("sponsor", &payer),
            ("product", "mobile-id"),
        ]);
        let answers = at_once((0..6).map(|_| form.try_clone().unwrap()).collect()).await;
        assert_eq!(answers.iter().filter(|(_, location)| location.contains("done=invited")).count(), 1, "{answers:?}");
        assert_eq!(used(&world).await, 6 * PRICE);
        // One link opened by two: one account.
        let mailed = link(&world, "once@x.example", &[]).await;
        let mut joins = Vec::new();
        for number in 0..5 {
            let mut browser = world.browser();
            browser.open(&mailed).await;
            joins.push(browser.prepared(&[&[("username", format!("once{number}").as_str())], &JOIN[..]].concat()));
        }
        let answers = at_once(joins).await;
        assert_eq!(answers.iter().filter(|(_, location)| location == "/join/done").count(), 1, "{answers:?}");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM persons WHERE username LIKE 'once%'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_list_is_filtered_by_state_and_by_text_and_so_is_its_file() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        let people = ["ann", "ben", "cleo", "dora", "eric", "finn"];
        for name in people {
            let email = format!("{name}@new.example");
            invite(&mut oscar, "organization", (&email, &format!("{name} Newcomer"))).await;
        }
        let now = stepgate_tests::now() * 1000;
        for (name, change) in [
            ("ben", format!("opened_at = {now}")),
            ("cleo", format!("joined_at = {now}")),
            ("dora", format!("withdrawn_at = {now}")),
            ("eric", format!("expires_at = {}", now - 1000)),
        ] {
            world.tamper(&format!("UPDATE invitations SET {change} WHERE email = '{name}@new.example'")).await;
        }
        let redeemed = format!(
            "UPDATE license_keys SET stage = 'redeemed', redeemed_at = {now} WHERE id =
             (SELECT license_key_id FROM invitations WHERE email = 'finn@new.example')"
        );
        world.tamper(&redeemed).await;
        let states = ["sent", "opened", "joined", "withdrawn", "expired", "activated"];
        for (name, state) in people.iter().zip(states) {
            let words = oscar.open(&format!("/admin/invitations?state={state}&q=")).await.words();
            for other in people {
                assert_eq!(words.contains(&format!("{other}@new.example")), other == *name, "{state}: {words}");
            }
            let csv = oscar.open(&format!("/admin/invitations.csv?state={state}")).await.text.clone();
            assert_eq!(csv.lines().count(), 2, "{csv}");
            assert!(csv.contains(&format!("{name}@new.example")) && csv.contains(state), "{csv}");
        }
        // By address, or by what is in a name; both together.
        let words = oscar.open("/admin/invitations?q=cle").await.words();
        assert!(words.contains("cleo@new.example") && !words.contains("ann@new.example"), "{words}");
        let words = oscar.open("/admin/invitations?q=newcomer&state=sent").await.words();
        assert!(words.contains("ann@new.example") && !words.contains("cleo@new.example"), "{words}");
        let export = oscar.page.text.split("id=\"export\"").nth(1).unwrap().split("href=\"").nth(1).unwrap();
        let export = export.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        assert_eq!(oscar.open(&export).await.text.lines().count(), 2, "the file is of what the page shows");
    })
    .await;
}

#[tokio::test]
async fn a_key_of_an_invitation_is_its_readers_and_not_of_whoever_pressed_the_button() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        invite(&mut oscar, "organization", ("nina@north.example", "Nina North")).await;
        let id = "SELECT CAST(license_key_id AS TEXT) AS found FROM invitations";
        let hex = "SELECT lower(hex(license_key_id)) AS found FROM invitations";
        let id = world.texts(if world.nodes() > 1 { id } else { hex }).await.remove(0).replace('-', "");
        let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
        // He neither reads its letters nor has a say over it.
        oscar.open("/account/otp/keys").await;
        assert!(!oscar.page.text.contains(&id) && oscar.page.words().contains("You have bought none"));
        assert_eq!(oscar.open(&format!("/account/otp/keys/{id}")).await.status.as_u16(), 404);
        oscar.open("/account/otp/keys").await;
        for path in ["/account/otp/keys/take-back", "/account/otp/license/activate"] {
            assert_eq!(oscar.submit_with(path, &[("id", &id)]).await.status.as_u16(), 404, "{path}");
            oscar.open("/account/otp/keys").await;
        }
        let number = world.texts("SELECT number AS found FROM orders").await.remove(0);
        oscar.open(&format!("/orders/{number}")).await;
        let words = oscar.page.words();
        assert!(words.contains("Whom it was sent to") && !words.contains("nina@north.example"), "{words}");
        assert!(!oscar.page.has(&format!("activate-{id}")), "{words}");
        // Keys of before: somebody's purchase by the row, and yet nobody's to hand on.
        world.tamper("UPDATE license_keys SET purchaser_id = (SELECT id FROM persons WHERE username = 'oscar')").await;
        oscar.open("/account/otp/keys").await;
        oscar.submit_with("/account/otp/keys/take-back", &[("id", &id)]).await;
        assert!(oscar.page.words().contains("cannot be taken back"), "{}", oscar.page.words());
        let holds = "SELECT COUNT(*) AS found FROM license_keys WHERE holder_mail = 'nina@north.example'";
        assert_eq!(world.count(holds).await, 1);
        assert_eq!(world.texts("SELECT kind AS found FROM audit_events WHERE kind = 'order.placed'").await.len(), 1);

        let mailed = link(&world, "nina@north.example", &[]).await;
        let mut nina = world.browser();
        nina.open(&mailed).await;
        nina.submit(&[&[("username", "nina")], &JOIN[..]].concat()).await;
        nina.submit_with("/account/otp/license/activate", &[("id", &id)]).await;
        assert!(nina.page.words().contains("Set up your Mobile ID"), "{}", nina.page.words());
    })
    .await;
}
