//! Identity proofing by an agent: first the person, then the device.

use std::sync::Arc;

use stepgate_tests::{Browser, MobileClient, World, on_each_backend};
use tokio::sync::Barrier;

use super::license_keys::{at, begin_mobile};

const PROOFED: &str = "urn:stepgate:acr:otp:proofed";

const AGNES: &str = "+12025550107";

/// The newest request in the queue, opened.
async fn open_case(agent: &mut Browser, person: &str) {
    agent.open("/admin/proofing").await;
    let text = &agent.page.text;
    let before = text.split(&format!(">{person}</a>")).next().unwrap();
    assert!(before.len() < text.len(), "{person} is not in the queue: {}", agent.page.words());
    let path = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().to_owned();
    agent.open(&path).await;
    assert_eq!(agent.page.name(), "admin-proofing-request");
}

/// The same by Agnes, who shows her telephone where she is asked for it.
async fn take_case(world: &World, agnes: &mut Browser, person: &str) {
    open_case(agnes, person).await;
    if agnes.page.words().contains("Show a device") {
        let case = agnes.page.url.path().to_owned();
        agnes.submit(&[("act", "confirm")]).await;
        agnes.show_phone(world, AGNES).await;
        assert_eq!(agnes.page.url.path(), case, "back at the request: {}", agnes.page.words());
    }
}

fn found<'a>(issuer: &'a str, name: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("method", "video"),
        ("document", "passport"),
        ("issuer", issuer),
        ("valid_until", "2031-05-28"),
        ("name", name),
        ("act", "approve"),
    ]
}

/// An agent sees this person and their passport, and approves.
pub(super) async fn approve(world: &World, person: &str) {
    let mut agnes = at(world, "agnes", "/admin/proofing").await;
    take_case(world, &mut agnes, person).await;
    agnes.submit(&found("Germany", "1")).await;
    assert!(agnes.page.words().contains("Decided"), "{}", agnes.page.words());
}

async fn decided(world: &World) -> i64 {
    world.count("SELECT COUNT(*) AS found FROM proofing_requests WHERE stage <> 'asked'").await
}

async fn upgraded(world: &World, username: &str) -> Browser {
    let key = world.sell("oscar", "proofing-upgrade", 1).await.remove(0);
    let mut browser = at(world, username, "/account/otp/license").await;
    browser.submit(&[("key", &key)]).await;
    assert_eq!(browser.page.name(), "proofing", "{}", browser.page.words());
    browser
}

#[tokio::test]
async fn nothing_is_bound_before_the_agent_has_seen_the_person() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let (mut alice, started) = (world.browser(), rp.start(&[("acr_values", PROOFED)]));
        alice.open(&started.url).await;
        alice.log_in("alice").await;
        assert_eq!(alice.page.name(), "requirements-not-met");
        let key = world.sell("alice", "mobile-id-proofed", 1).await.remove(0);
        alice.open("/account/otp/license").await;
        alice.submit(&[("key", &key)]).await;
        assert_eq!(alice.page.name(), "proofing", "{}", alice.page.words());
        assert!(alice.page.words().contains("You are in the queue"), "{}", alice.page.words());
        alice.open("/account/otp").await;
        assert!(alice.page.words().contains("waits for your identity proofing"), "{}", alice.page.words());
        assert!(!alice.page.text.contains("/account/otp/mobile/start"), "no way to bind it");
        let id = super::mobile_phones::between(&alice.page.text, "credential\" id=\"credential-", "\"");
        alice.submit_with("/account/otp/mobile/start", &[("credential", &id)]).await;
        assert_eq!(alice.page.name(), "proofing", "nor past the button");

        let mut agnes = at(&world, "agnes", "/admin/proofing").await;
        assert_eq!(agnes.page.name(), "admin-proofing");
        take_case(&world, &mut agnes, "alice").await;
        let case = agnes.page.url.path().to_owned();
        assert!(agnes.page.words().contains("Alice Archer"));
        agnes.submit(&found("Germany", "")).await;
        assert!(agnes.page.words().contains("must be the account"), "{}", agnes.page.words());
        agnes.submit(&found("C01X00T47", "1")).await;
        assert!(agnes.page.words().contains("Numbers of documents are not kept"), "{}", agnes.page.words());
        let mut old = found("Germany", "1");
        old[3].1 = "2020-01-31";
        agnes.submit(&old).await;
        assert!(agnes.page.words().contains("has run out"), "{}", agnes.page.words());
        // It takes longer than other acts may.
        world.advance(400).await;
        agnes.submit(&found("Germany", "1")).await;
        assert!(agnes.page.words().contains("Decided"), "{}", agnes.page.words());
        let mail = world.mail("alice@iron-builders.example", "Your identity is proofed").await;
        assert!(!mail.contains("Germany"), "{mail}");
        let kept =
            world.texts("SELECT document || ' ' || issuer || ' ' || method || ' ' || level || ' ' || document_valid_until AS found FROM proofing_requests").await;
        assert_eq!(kept, ["passport Germany video ial2 2031-05-28"]);
        let words = agnes.open(&case).await.words();
        assert!(words.contains("ial2") && words.contains("2031-05-28") && words.contains("In a video call"), "{words}");

        alice.open("/account/otp").await;
        begin_mobile(&mut alice).await;
        assert_eq!(alice.page.name(), "login", "the password is stale by now");
        alice.log_in("alice").await;
        begin_mobile(&mut alice).await;
        let code = super::mobile_phones::between(&alice.page.text, "id=\"enrol-code\">", "<");
        let (_phone, digits) =
            MobileClient::enrol_at(&world.issuer, &code, ("Alice's phone", 400), None).await.unwrap();
        // To bind it was to show it: straight on to the application.
        alice.submit(&[("digits", &digits)]).await;
        assert_eq!(rp.finish(&started, &alice.page).await.acr(), PROOFED);
        for kind in ["proofing.asked", "proofing.approved"] {
            let sql = format!("SELECT COUNT(*) AS found FROM audit_events WHERE kind = '{kind}'");
            assert_eq!(world.count(&sql).await, 1, "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_refusal_says_why_and_nobody_decides_about_themselves() {
    on_each_backend(|world| async move {
        let mut dave = upgraded(&world, "dave").await;
        let mut agnes = at(&world, "agnes", "/admin/proofing").await;
        take_case(&world, &mut agnes, "dave").await;
        agnes.submit(&[("reason", "no")]).await;
        assert!(agnes.page.words().contains("Say why"), "{}", agnes.page.words());
        agnes.submit(&[("reason", "The passport has run out.")]).await;
        dave.open("/account/proofing").await;
        assert!(dave.page.words().contains("The passport has run out."), "{}", dave.page.words());
        dave.submit_to("/account/proofing").await;
        assert!(dave.page.words().contains("You are in the queue"), "{}", dave.page.words());

        upgraded(&world, "agnes").await;
        take_case(&world, &mut agnes, "agnes").await;
        agnes.submit(&found("Germany", "1")).await;
        assert!(agnes.page.words().contains("Nobody decides about themselves"), "{}", agnes.page.words());
        let sql = "SELECT COUNT(*) AS found FROM persons WHERE username = 'agnes' AND proofed_at IS NOT NULL";
        assert_eq!(world.count(sql).await, 0);
        // Whoever has no such role sees nothing of it.
        assert_eq!(dave.open("/admin/proofing").await.status, 403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_agents_one_decides() {
    on_each_backend(|world| async move {
        upgraded(&world, "bob").await;
        let mut agents = Vec::new();
        let role = "INSERT INTO roles (person_id, role, place) SELECT id, 'proofing_agent', '' FROM persons
                    WHERE username = 'dave'";
        world.tamper(role).await;
        let mut agnes = at(&world, "agnes", "/admin/proofing").await;
        take_case(&world, &mut agnes, "bob").await;
        let mut dave = at(&world, "dave", "/admin/proofing").await;
        open_case(&mut dave, "bob").await;
        dave.submit(&[("act", "confirm")]).await;
        dave.show_token(&world, "dave").await;
        agents.extend([agnes, dave]);
        let barrier = Arc::new(Barrier::new(8));
        let presses: Vec<_> = (0..8)
            .map(|number| {
                let agent = &agents[number % 2];
                let request = match number % 2 {
                    0 => agent.prepared(&found("Germany", "1")),
                    _ => agent.prepared(&[("reason", "Not the person of the picture.")]),
                };
                let barrier = Arc::clone(&barrier);
                tokio::spawn(async move {
                    barrier.wait().await;
                    request.send().await.unwrap().status().as_u16()
                })
            })
            .collect();
        let mut decided = 0;
        for press in presses {
            decided += i32::from(press.await.unwrap() == 303);
        }
        assert_eq!(decided, 1);
        let sql = "SELECT COUNT(*) AS found FROM audit_events WHERE kind IN ('proofing.approved', 'proofing.refused')";
        assert_eq!(world.count(sql).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_password_decides_about_nobody_and_what_was_typed_is_kept() {
    on_each_backend(|world| async move {
        upgraded(&world, "bob").await;
        let mut agnes = at(&world, "agnes", "/admin/proofing").await;
        open_case(&mut agnes, "bob").await;
        let case = agnes.page.url.path().to_owned();
        assert!(!agnes.page.text.contains("name=\"reason\""), "a device comes before the form");
        // Past the page, from a form that was open too long: the text is there when she comes back.
        agnes.submit_with(&case, &[("act", "refuse"), ("reason", "The picture is another person's.")]).await;
        agnes.show_phone(&world, AGNES).await;
        assert_eq!((agnes.page.url.path(), decided(&world).await), (case.as_str(), 0));
        assert!(agnes.page.text.contains("another person"), "{}", agnes.page.words());
        // The whole session ended over it.
        world.advance(2000).await;
        agnes.submit(&[("reason", "The passport is another person's, and torn.")]).await;
        assert_eq!((agnes.page.name(), decided(&world).await), ("login", 0));
        agnes.log_in("agnes").await;
        agnes.show_phone(&world, AGNES).await;
        assert_eq!(agnes.page.url.path(), case);
        assert!(agnes.page.text.contains("and torn."), "{}", agnes.page.words());
        // Another browser has none of it.
        world.advance(61).await;
        let mut other = at(&world, "agnes", "/admin/proofing").await;
        take_case(&world, &mut other, "bob").await;
        assert!(!other.page.text.contains("and torn."), "{}", other.page.words());
        agnes.submit(&[("reason", "The passport is torn.")]).await;
        assert!(agnes.page.words().contains("Decided"), "{}", agnes.page.words());

        // The operator holds a password and nothing else.
        upgraded(&world, "carol").await;
        let mut admin = at(&world, "admin", "/admin/proofing").await;
        open_case(&mut admin, "carol").await;
        assert!(admin.page.words().contains("You need a device"), "{}", admin.page.words());
        let case = admin.page.url.path().to_owned();
        for act in ["confirm", "refuse"] {
            admin.submit_with(&case, &[("act", act), ("reason", "The picture is another person's.")]).await;
            assert!(admin.page.words().contains("You need a device"), "{}", admin.page.words());
        }
        assert_eq!(decided(&world).await, 1);
    })
    .await;
}

#[tokio::test]
async fn after_the_third_refusal_nobody_is_told_to_ask_again() {
    on_each_backend(|world| async move {
        let mut dave = upgraded(&world, "dave").await;
        let mut agnes = at(&world, "agnes", "/admin/proofing").await;
        for time in ["first", "second", "third"] {
            take_case(&world, &mut agnes, "dave").await;
            let last = time == "third";
            assert_eq!(agnes.page.words().contains("cannot ask again"), last, "{}", agnes.page.words());
            agnes.submit(&[("reason", &format!("For the {time} time."))]).await;
            let mail = world.mail("dave@iron-builders.example", &format!("For the {time} time.")).await;
            assert_eq!(mail.contains("You can ask again"), !last, "{mail}");
            assert_eq!(mail.contains("speak with your administrator"), last, "{mail}");
            dave.open("/account/proofing").await;
            if !last {
                dave.submit_to("/account/proofing").await;
            }
        }
        assert!(dave.page.words().contains("Speak with your administrator"), "{}", dave.page.words());
    })
    .await;
}

#[tokio::test]
async fn a_long_queue_is_shown_a_page_at_a_time() {
    on_each_backend(|world| async move {
        world.sell("oscar", "mobile-id", 60).await;
        // All of the same moment.
        let rows = "INSERT INTO proofing_requests (id, person_id, stage, asked_at)
                    SELECT id, purchaser_id, 'refused', 1000 FROM license_keys WHERE product = 'mobile-id'
                    AND purchaser_id IS NOT NULL";
        world.tamper(rows).await;
        let all = world.count("SELECT COUNT(*) AS found FROM proofing_requests").await;
        let mut agnes = at(&world, "agnes", "/admin/proofing?q=refused").await;
        let mut seen = std::collections::BTreeSet::new();
        let requests = |page: &stepgate_tests::Page| -> Vec<String> {
            let links = page.text.split("href=\"/admin/proofing/").skip(1);
            links.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
        };
        let first = requests(&agnes.page);
        assert_eq!(first.len(), 50);
        seen.extend(first);
        let next = super::mobile_phones::between(&agnes.page.text, "href=\"/admin/proofing?q=refused&", "\"");
        agnes.open(&format!("/admin/proofing?q=refused&{}", next.replace("amp;", "").replace("#38;", ""))).await;
        seen.extend(requests(&agnes.page));
        assert_eq!(i64::try_from(seen.len()).unwrap(), all, "each once, none left out");
    })
    .await;
}
