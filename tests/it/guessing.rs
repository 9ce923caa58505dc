//! Guesses are counted before they are compared, over all nodes, whatever happens afterwards; and the right ones of one
//! person do not lock one another out.

use std::sync::Arc;

use stepgate_tests::{Backend, Browser, World, on_each_backend, on_each_backend_with};
use tokio::sync::Barrier;

/// Enough room for all of them at the password pool.
const ROOM: [(&str, &str); 1] = [("STEPGATE__PASSWORDS__QUEUE", "400")];

const EVALUATED: &str = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'login.password.failed'
                         AND data LIKE '%\"counted\":true%'";

/// Browsers at the password page, each with a login of its own.
async fn at_password(world: &World, username: &str, count: usize) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for _ in 0..count {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.submit(&[("username", username)]).await;
        browsers.push(browser);
    }
    browsers
}

/// All press at the same moment; where each is led, or the status where it is led nowhere.
async fn at_once(browsers: &[Browser], password: &str) -> Vec<u16> {
    let barrier = Arc::new(Barrier::new(browsers.len()));
    let presses: Vec<_> = browsers
        .iter()
        .map(|browser| {
            let (barrier, request) = (Arc::clone(&barrier), browser.prepared(&[("password", password)]));
            tokio::spawn(async move {
                barrier.wait().await;
                request.send().await.unwrap().status().as_u16()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for press in presses {
        answers.push(press.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_of_two_hundred_guesses_at_once_five_are_evaluated() {
    on_each_backend_with(&ROOM, |world| async move {
        let browsers = at_password(&world, "alice", 200).await;
        let answers = at_once(&browsers, "not-the-password").await;
        assert!(answers.iter().all(|status| *status == 200), "nobody is let in: {answers:?}");
        assert_eq!(world.count(EVALUATED).await, 5);
        // A new login does not begin anew, and the right password waits as well.
        let mut browser = at_password(&world, "alice", 1).await.remove(0);
        browser.submit(&[("password", "stepgate-demo-2026")]).await;
        assert_eq!(browser.page.name(), "password");
        assert_eq!(world.count(EVALUATED).await, 5);
        world.advance(60).await;
        browser.submit(&[("password", "stepgate-demo-2026")]).await;
        assert_eq!(browser.page.name(), "account", "{}", browser.page.words());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_at_once_are_all_let_in() {
    on_each_backend_with(&ROOM, |world| async move {
        let browsers = at_password(&world, "alice", 40).await;
        let answers = at_once(&browsers, "stepgate-demo-2026").await;
        assert!(answers.iter().all(|status| *status == 303), "{answers:?}");
        let left = "SELECT CAST(COALESCE(SUM(failures + checking), 0) AS BIGINT) AS found FROM credentials
                    WHERE kind = 'password'";
        assert_eq!(world.count(left).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_a_failed_write_afterwards_and_a_crash_take_no_count_back() {
    on_each_backend(|world| async move {
        let failures = |kind: &'static str| {
            let sql = format!(
                "SELECT failures AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                 WHERE p.username = 'dave' AND c.kind = '{kind}'"
            );
            let world = &world;
            async move { world.count(&sql).await }
        };
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("dave").await;
        browser.submit(&[("factor", "hardware_token")]).await;
        // What comes after the comparison fails.
        world.tamper("ALTER TABLE audit_events RENAME TO gone").await;
        browser.submit(&[("code", "000000")]).await;
        assert_eq!(browser.page.status, 500);
        world.tamper("ALTER TABLE gone RENAME TO audit_events").await;
        assert_eq!(failures("hardware_token").await, 1);
        for number in 0..world.nodes() {
            world.kill_node(number);
        }
        for number in 0..world.nodes() {
            world.start_node(number).await;
        }
        assert_eq!(failures("hardware_token").await, 1, "kept over a crash");
        assert_eq!(failures("password").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t6_guesses_at_one_credential_lock_no_other() {
    on_each_backend(|world| async move {
        // Somebody who knows the password guesses codes until the token rests.
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("erin").await;
        browser.submit(&[("factor", "hardware_token")]).await;
        for _ in 0..6 {
            browser.submit(&[("code", "000000")]).await;
        }
        assert!(browser.page.words().contains("too many wrong codes"), "{}", browser.page.words());
        // The password and the phone are as they were.
        let mut owner = world.browser();
        owner.open("/account").await;
        assert_eq!(owner.log_in("erin").await.name(), "factor");
        owner.show_mobile(&world, "erin").await;
        assert_eq!(owner.page.name(), "account");
        // Guesses at the password leave the token as it was.
        let mut guesser = at_password(&world, "dave", 1).await.remove(0);
        for _ in 0..6 {
            guesser.submit(&[("password", "wrong")]).await;
        }
        let sql = "SELECT failures AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                   WHERE p.username = 'dave' AND c.kind = ";
        assert_eq!(world.count(&format!("{sql}'hardware_token'")).await, 0);
        assert_eq!(world.count(&format!("{sql}'password'")).await, 5);
    })
    .await;
}

#[tokio::test]
async fn codes_are_taken_as_people_type_them_and_each_try_counts_once() {
    on_each_backend(|world| async move {
        let failures = "SELECT failures AS found FROM credentials c JOIN persons p ON p.id = c.person_id
                        WHERE p.username = 'dave' AND c.kind = 'hardware_token'";
        let wide = |code: &str| -> String {
            code.chars().map(|c| char::from_u32(u32::from(c) - 0x30 + 0xff10).unwrap()).collect()
        };
        let spaced = |code: &str| format!(" {} {} ", &code[..3], &code[3..]);
        let forms: [&dyn Fn(&str) -> String; 2] = [&wide, &spaced];
        for form in forms {
            world.advance(60).await;
            let mut browser = world.browser();
            browser.open("/account").await;
            browser.log_in("dave").await;
            browser.submit(&[("factor", "hardware_token")]).await;
            for letters in ["abcdef", "12345", "1234567890", "12 34 5x"] {
                browser.submit(&[("code", letters)]).await;
                assert!(browser.page.words().contains("Type the digits only"), "{letters}: {}", browser.page.words());
            }
            assert_eq!(world.count(failures).await, 0, "nothing was compared, nothing counts");
            browser.submit(&[("code", &wide("000000"))]).await;
            assert!(browser.page.words().contains("not right"), "{}", browser.page.words());
            assert_eq!(world.count(failures).await, 1, "one try");
            let code = form(&world.shown_code("dave").await);
            browser.submit(&[("code", &code)]).await;
            assert_eq!(browser.page.name(), "account", "{code}: {}", browser.page.words());
        }
    })
    .await;
}

#[tokio::test]
async fn t35_a_clock_that_goes_back_accepts_no_used_step() {
    // The demo's clock only goes forward: the node starts anew, without the way it had been moved.
    let world = World::start(Backend::Sqlite).await;
    world.advance(300).await;
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("dave").await;
    browser.show_token(&world, "dave").await;
    assert_eq!(browser.page.name(), "account");
    world.kill_node(0);
    world.start_node(0).await;
    let mut late = world.browser();
    late.open("/account").await;
    late.log_in("dave").await;
    late.submit(&[("factor", "hardware_token")]).await;
    for _ in 0..2 {
        // What the token shows five minutes ago is below the last step that was used.
        let code = world.shown_code("dave").await;
        late.submit(&[("code", &code)]).await;
        assert_eq!(late.page.name(), "code", "{}", late.page.words());
    }
}
