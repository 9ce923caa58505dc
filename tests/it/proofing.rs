//! Identity proofing by an agent: first the person, then the device.

use std::sync::Arc;

use stepgate_tests::{Browser, MobileClient, World, on_each_backend};
use tokio::sync::Barrier;

use super::license_keys::{at, begin_mobile};

const PROOFED: &str = "urn:stepgate:acr:otp:proofed";

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

fn found<'a>(issuer: &'a str, name: &'a str) -> [(&'a str, &'a str); 5] {
    [("method", "video"), ("document", "passport"), ("issuer", issuer), ("name", name), ("act", "approve")]
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
        open_case(&mut agnes, "alice").await;
        assert!(agnes.page.words().contains("Alice Archer"));
        agnes.submit(&found("Germany", "")).await;
        assert!(agnes.page.words().contains("must be the account"), "{}", agnes.page.words());
        agnes.submit(&found("C01X00T47", "1")).await;
        assert!(agnes.page.words().contains("Numbers of documents are not kept"), "{}", agnes.page.words());
        // The decision takes a fresh factor.
        world.advance(400).await;
        agnes.submit(&found("Germany", "1")).await;
        assert_eq!(agnes.page.name(), "login", "{}", agnes.page.words());
        agnes.log_in("agnes").await;
        open_case(&mut agnes, "alice").await;
        agnes.submit(&found("Germany", "1")).await;
        assert!(agnes.page.words().contains("Decided"), "{}", agnes.page.words());
        let mail = world.mail("alice@iron-builders.example", "Your identity is proofed").await;
        assert!(!mail.contains("Germany"), "{mail}");
        let kept =
            world.texts("SELECT document || ' ' || issuer || ' ' || method AS found FROM proofing_requests").await;
        assert_eq!(kept, ["passport Germany video"]);

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
        open_case(&mut agnes, "dave").await;
        agnes.submit(&[("reason", "no")]).await;
        assert!(agnes.page.words().contains("Say why"), "{}", agnes.page.words());
        agnes.submit(&[("reason", "The passport has run out.")]).await;
        dave.open("/account/proofing").await;
        assert!(dave.page.words().contains("The passport has run out."), "{}", dave.page.words());
        dave.submit_to("/account/proofing").await;
        assert!(dave.page.words().contains("You are in the queue"), "{}", dave.page.words());

        upgraded(&world, "agnes").await;
        open_case(&mut agnes, "agnes").await;
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
        for name in ["agnes", "admin"] {
            let mut agent = at(&world, name, "/admin/proofing").await;
            open_case(&mut agent, "bob").await;
            agents.push(agent);
        }
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
