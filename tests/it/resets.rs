//! The supervised reset: two people, a day, a code; the person told and able to stop it; nobody skips a step.

use stepgate_tests::{Browser, SecurityKey, World, on_each_backend};

use crate::recovery::{at_once, link, mail};

const DAY: u64 = 24 * 3600;
const CASE: &str = "/admin/people/dave/reset";
const REASON: [(&str, &str); 2] =
    [("reason", "the token burnt with the office"), ("checked", "called back at the number on file")];

async fn agent(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/admin/people").await;
    browser.log_in(username).await;
    browser.open(CASE).await;
    browser
}

async fn act(browser: &mut Browser, what: &str) -> String {
    browser.open(CASE).await;
    browser.submit_with(CASE, &[("act", what)]).await;
    browser.page.words()
}

async fn ask(browser: &mut Browser) -> String {
    browser.open(CASE).await;
    browser.submit_with(CASE, &[("act", "ask"), REASON[0], REASON[1]]).await;
    browser.page.words()
}

async fn code(browser: &mut Browser) -> String {
    act(browser, "issue").await;
    let (_, rest) =
        browser.page.text.split_once("id=\"secret\">").unwrap_or_else(|| panic!("{}", browser.page.words()));
    rest.split_once('<').unwrap().0.to_owned()
}

/// Dave, with nothing but his password, where the code is typed.
async fn dave(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.open("/account/otp/bind").await;
    browser.log_in("dave").await;
    if browser.page.name() == "factor" {
        browser.submit(&[("skip", "1")]).await;
    }
    assert_eq!(browser.page.name(), "bind", "{}", browser.page.words());
    browser
}

async fn counted(world: &World, kind: &str) -> i64 {
    world.count(&format!("SELECT COUNT(*) AS found FROM audit_events WHERE kind = '{kind}'")).await
}

#[tokio::test]
async fn t10_a_reset_takes_two_people_a_day_and_the_code() {
    on_each_backend(async |world| {
        let (mut sally, mut simon) = (agent(&world, "sally").await, agent(&world, "simon").await);
        sally.submit_with(CASE, &[("act", "ask"), ("reason", "lost"), ("checked", "")]).await;
        assert_eq!(sally.page.status.as_u16(), 400, "words are needed");
        assert!(ask(&mut sally).await.contains("Waits for approval"), "{}", sally.page.words());
        assert!(ask(&mut simon).await.contains("open case about this person already"));
        assert!(act(&mut sally, "issue").await.contains("not at a stage"));
        assert!(act(&mut sally, "approve").await.contains("somebody else has to approve"));
        assert!(act(&mut simon, "approve").await.contains("Code possible from"));
        mail(&world, "dave", "It becomes possible in 24 hours").await;
        assert!(act(&mut simon, "issue").await.contains("waiting time is not over"));
        let mut person = dave(&world).await;
        person.submit(&[("code", "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA")]).await;
        assert_eq!(person.page.name(), "bind");

        world.advance(DAY).await;
        let mut sally = agent(&world, "sally").await;
        let first = code(&mut sally).await;
        let second = code(&mut sally).await;
        let mut person = dave(&world).await;
        person.submit(&[("code", &first)]).await;
        assert!(person.page.words().contains("That is not the code"), "{}", person.page.words());
        // Somebody else with the right code gets nothing.
        let mut thief = world.browser();
        thief.open("/account/otp/bind").await;
        thief.log_in("alice").await;
        thief.submit(&[("code", &second)]).await;
        assert!(thief.page.words().contains("no code for you"), "{}", thief.page.words());
        world.advance(601).await;
        person.submit(&[("code", &second)]).await;
        assert!(person.page.words().contains("no code for you"), "too late: {}", person.page.words());
        // Ten minutes later an agent shows again that it is still they who sit there.
        act(&mut sally, "issue").await;
        assert_ne!(sally.page.name(), "admin-reset", "T30: a session that was left open makes no code");
        sally.log_in("sally").await;
        assert_eq!((sally.page.name(), sally.page.url.path()), ("admin-reset", CASE), "and is led back");
        // Meanwhile somebody has the lost token, and is logged in with it.
        let mut thief = world.browser();
        thief.open("/account").await;
        thief.log_in("dave").await;
        thief.show_token(&world, "dave").await;
        assert_eq!(thief.page.name(), "account");
        let third = code(&mut sally).await;
        person.open("/account/otp/bind").await;
        person.submit(&[("code", &third)]).await;
        assert_eq!((person.page.name(), person.page.strength().as_str()), ("manage-otp", "Recovery code"));
        assert_eq!(person.open("/applications").await.url.path(), "/account/otp");
        let mut key = SecurityKey::new(&world.issuer);
        person.submit_to("/account/otp/key/new").await;
        let response = key.register(&person.page.attribute("data-key-options"));
        person.submit(&[("response", &response), ("label", "New key")]).await;
        assert!(person.page.words().contains("Your security key is set up"), "{}", person.page.words());
        mail(&world, "dave", "The ones that were said to be lost are suspended").await;
        // What was said to be lost is off, and whoever was in with it is out.
        assert_eq!(thief.open("/account").await.name(), "login");
        let token = "SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-0001' AND stage = 'suspended'
                     AND suspended_for = 'lost'";
        assert_eq!(world.count(token).await, 1);
        thief.log_in("dave").await;
        thief.submit(&[("factor", "hardware_token")]).await;
        assert_ne!(thief.page.name(), "code", "its codes are not asked for: {}", thief.page.words());
        // Found again, it comes back by the new key and by nothing less.
        let card = person.page.text.split("id=\"credential-").find(|card| card.contains("HT-0001")).unwrap();
        let lost = card.split('"').next().unwrap().to_owned();
        let mut owner = world.browser();
        owner.open("/account/otp").await;
        owner.log_in("dave").await;
        owner.submit(&[("skip", "1")]).await;
        owner.submit_with("/account/otp/resume", &[("credential", &lost)]).await;
        assert_eq!(owner.page.name(), "factor", "{}", owner.page.words());
        owner.submit(&[("factor", "security_key")]).await;
        let response = key.sign(&owner.page.attribute("data-key-options"));
        owner.submit(&[("response", &response)]).await;
        assert_eq!(owner.page.name(), "credential");
        assert_eq!(world.count(token).await, 1, "it asks once more");
        owner.submit_with("/account/otp/resume", &[("credential", &lost)]).await;
        assert_eq!(world.count(token).await, 0, "{}", owner.page.words());
        person.open("/account/otp/bind").await;
        person.submit(&[("code", &third)]).await;
        assert!(person.page.words().contains("no code for you") || person.page.name() == "manage-otp");
        assert_eq!(counted(&world, "reset.bound").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_person_stops_it_without_a_login_and_a_refusal_ends_it() {
    on_each_backend(async |world| {
        let (mut sally, mut simon) = (agent(&world, "sally").await, agent(&world, "simon").await);
        ask(&mut sally).await;
        act(&mut simon, "approve").await;
        let undo = link(&mail(&world, "dave", "stop it here").await);
        let kept = "SELECT COUNT(*) AS found FROM notice_links WHERE text LIKE '%link=%'";
        assert_eq!(world.count(kept).await, 0, "T26: the link stands in the clear");
        let mut stranger = world.browser();
        assert_eq!(stranger.open(&undo).await.name(), "undo-reset");
        stranger.submit(&[("link", undo.split_once("link=").unwrap().1)]).await;
        assert_eq!(stranger.page.name(), "reset-undone");
        let page = stranger.open(&undo).await;
        assert_eq!((page.name(), page.status.as_u16()), ("link-over", 410));
        mail(&world, "dave", "was stopped").await;
        world.advance(DAY).await;
        let (mut sally, mut simon) = (agent(&world, "sally").await, agent(&world, "simon").await);
        assert!(act(&mut sally, "issue").await.contains("not at a stage"), "{}", sally.page.words());
        assert!(ask(&mut sally).await.contains("Waits for approval"), "another one may begin");
        assert!(act(&mut simon, "refuse").await.contains("Refused"));
        assert!(act(&mut simon, "approve").await.contains("not at a stage"));
    })
    .await;
}

#[tokio::test]
async fn t30_each_role_at_each_route() {
    on_each_backend(async |world| {
        for username in ["alice", "dave", "oscar", "petra", "ingrid", "agnes", "sally", "simon", "admin"] {
            let may = matches!(username, "sally" | "simon" | "admin");
            let mut browser = world.browser();
            browser.open("/account").await;
            browser.log_in(username).await;
            if browser.page.name() == "factor" {
                browser.submit(&[("skip", "1")]).await;
            }
            let (account, expected) = (browser.page.clone(), if may { 200 } else { 403 });
            for path in ["/admin/resets", CASE] {
                assert_eq!(browser.open(path).await.status.as_u16(), expected, "{username} {path}");
            }
            for what in ["approve", "refuse", "issue"] {
                browser.page = account.clone();
                let answer = browser.submit_with(CASE, &[("act", what)]).await;
                // There is no case: whoever may is told so.
                assert_eq!(answer.status.as_u16(), if may { 404 } else { 403 }, "{username} {what}");
            }
            browser.page = account;
            let own = format!("/admin/people/{username}/reset");
            let answer = browser.submit_with(&own, &[("act", "ask"), REASON[0], REASON[1]]).await;
            assert_eq!(answer.status.as_u16(), expected, "{username} for themselves");
            assert!(!may || answer.words().contains("about your own account"), "{}", answer.words());
        }
        assert_eq!(counted(&world, "reset.asked").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_each_step_is_taken_once() {
    on_each_backend(async |world| {
        let form = |browser: &Browser, what: &str| browser.prepared(&[("act", what), REASON[0], REASON[1]]);
        for round in 1..=3 {
            let (mut sally, mut simon) = (agent(&world, "sally").await, agent(&world, "simon").await);
            at_once(&form(&sally, "ask")).await;
            assert_eq!(counted(&world, "reset.asked").await, round * 2 - 1);
            simon.open(CASE).await;
            at_once(&form(&simon, "approve")).await;
            assert_eq!(counted(&world, "reset.approved").await, round * 2 - 1);
            world.advance(DAY).await;
            sally = agent(&world, "sally").await;
            let code = code(&mut sally).await;
            let person = dave(&world).await;
            at_once(&person.prepared(&[("code", &code)])).await;
            assert_eq!(counted(&world, "reset.bound").await, round);

            ask(&mut sally).await;
            simon = agent(&world, "simon").await;
            act(&mut simon, "approve").await;
            world.until("the mail", async || counted(&world, "reset.approved").await == round * 2).await;
            let waiting = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'mail' AND done_at IS NULL";
            world.until("the mail", async || world.count(waiting).await == 0).await;
            let undo = link(&mail(&world, "dave", "stop it here").await);
            let mut stranger = world.browser();
            stranger.open(&undo).await;
            let bodies = at_once(&stranger.prepared(&[("link", undo.split_once("link=").unwrap().1)])).await;
            assert_eq!(bodies.iter().filter(|body| body.contains("op-reset-undone")).count(), 1);
            assert_eq!(counted(&world, "reset.undone").await, round);
        }
    })
    .await;
}
