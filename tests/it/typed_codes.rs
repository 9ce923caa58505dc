//! What people type where a code is asked for: early, late, replayed, spaced, in full-width digits, with letters. Each
//! gets words that say what to do, and what was compared counts as one try.

use stepgate_core::credentials::hardware_token::{OathParameters, code_at};
use stepgate_tests::{Browser, World, on_each_backend_with};

const BOB: &str = "+12025550101";
const SEED: &[u8] = b"12345678901234567890";
/// Codes may follow one another here, whatever the time between them.
const SOON: &[(&str, &str)] = &[("STEPGATE__PHONE__CAPS__PAUSE_SECONDS", "1")];

fn wide(code: &str) -> String {
    code.chars().map(|digit| char::from_u32(u32::from(digit) - 0x30 + 0xff10).unwrap()).collect()
}

fn spaced(code: &str) -> String {
    format!(" {}\u{a0}{} ", &code[..3], &code[3..])
}

async fn failures(world: &World, username: &str, kind: &str) -> i64 {
    let sql = format!(
        "SELECT failures AS found FROM credentials c JOIN persons p ON p.id = c.person_id
         WHERE p.username = '{username}' AND c.kind = '{kind}'"
    );
    world.count(&sql).await
}

async fn at_code(world: &World, username: &str, factor: &[(&str, &str)]) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in(username).await;
    browser.submit(factor).await;
    assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
    browser
}

/// Nothing of it can be a code: the page says so, and nothing is counted.
async fn no_codes(world: &World, browser: &mut Browser, username: &str, kind: &str) {
    let before = failures(world, username, kind).await;
    for typed in ["", "abcdef", "12345", "123456789", "12 34 5x", "１２３", "1234 abcd", "<b>123456</b>"] {
        browser.submit(&[("code", typed)]).await;
        assert!(browser.page.words().contains("Type the digits only"), "{typed:?}: {}", browser.page.words());
    }
    assert_eq!(failures(world, username, kind).await, before, "nothing was compared");
}

#[tokio::test]
async fn t4_each_code_of_a_token_that_is_compared_is_one_try_and_each_gets_its_words() {
    on_each_backend_with(&[], |world| async move {
        // Begin right after a step has begun: the test has the rest of it.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let moved = 30 - now % 30 + 31;
        world.advance(moved).await;
        let step = (now + moved) / 30;
        let shown = |step: u64| code_at(SEED, &OathParameters::COMMON_TOTP, step).expose().clone();
        let mut dave = at_code(&world, "dave", &[("factor", "hardware_token")]).await;
        no_codes(&world, &mut dave, "dave", "hardware_token").await;
        let mut count = 0;
        for (what, typed) in [
            ("early", shown(step + 3)),
            ("late", shown(step - 3)),
            ("eight digits", format!("00{}", shown(step))),
            ("of another", "000000".to_owned()),
        ] {
            dave.submit(&[("code", &typed)]).await;
            let words = dave.page.words();
            assert!(words.contains("That code is not right") && words.contains("Resync"), "{what}: {words}");
            count += 1;
            assert_eq!(failures(&world, "dave", "hardware_token").await, count, "{what}");
        }
        dave.submit(&[("code", &spaced(&wide(&shown(step))))]).await;
        assert_eq!(dave.page.name(), "account", "{}", dave.page.words());
        assert_eq!(failures(&world, "dave", "hardware_token").await, 0);
        let mut again = at_code(&world, "dave", &[("factor", "hardware_token")]).await;
        again.submit(&[("code", &shown(step))]).await;
        assert!(again.page.words().contains("already used"), "replayed: {}", again.page.words());
        assert_eq!(failures(&world, "dave", "hardware_token").await, 1);
    })
    .await;
}

#[tokio::test]
async fn t4_each_code_by_text_that_is_compared_is_one_try_and_each_gets_its_words() {
    on_each_backend_with(SOON, |world| async move {
        let text = [("factor", "phone_otp"), ("channel", "text")];
        let forms: [fn(&str) -> String; 3] = [wide, spaced, |code| format!("{}-{}", &code[..3], &code[3..])];
        for (round, form) in forms.into_iter().enumerate() {
            world.advance(120).await;
            let mut bob = at_code(&world, "bob", &text).await;
            no_codes(&world, &mut bob, "bob", "phone_otp").await;
            let code = world.text_code(BOB).await;
            let wrong = if code == "000000" { "000001" } else { "000000" };
            bob.submit(&[("code", &form(wrong))]).await;
            assert!(bob.page.words().contains("not right, or it is too old"), "{}", bob.page.words());
            assert_eq!(failures(&world, "bob", "phone_otp").await, 1, "round {round}");
            bob.submit(&[("code", &form(&code))]).await;
            assert_eq!(bob.page.name(), "account", "{}: {}", form(&code), bob.page.words());
            assert_eq!(failures(&world, "bob", "phone_otp").await, 0);
        }
        // Late: past its life. And early: of a login that has not asked for one yet, it is nobody's.
        world.advance(120).await;
        let mut bob = at_code(&world, "bob", &text).await;
        let code = world.text_code(BOB).await;
        let mut other = world.browser();
        other.open("/account").await;
        other.log_in("bob").await;
        world.advance(601).await;
        bob.submit(&[("code", &code)]).await;
        assert!(bob.page.words().contains("too old"), "{}", bob.page.words());
        assert_eq!(failures(&world, "bob", "phone_otp").await, 1);
        other.submit(&text).await;
        let next = world.text_code(BOB).await;
        other.submit(&[("code", &code)]).await;
        assert!(next == code || other.page.words().contains("not right"), "{}", other.page.words());
        other.submit(&[("code", &next)]).await;
        assert_eq!(other.page.name(), "account", "{}", other.page.words());
        // Replayed, in another login than the one that it was for: it opens nothing a second time.
        world.advance(3700).await;
        let mut last = at_code(&world, "bob", &text).await;
        last.submit(&[("code", &next)]).await;
        assert!(last.page.words().contains("not right, or it is too old"), "{}", last.page.words());
        assert_eq!(failures(&world, "bob", "phone_otp").await, 1);
    })
    .await;
}
