//! Hardware tokens that ran away: learned drift, look-ahead, resync, and a code that is used once over all nodes.

use std::cell::Cell;
use std::time::UNIX_EPOCH;

use stepgate_core::credentials::hardware_token::{Algorithm, Mode, OathParameters, code_at};
use stepgate_tests::{Browser, World, on_each_backend};

/// Seconds of one step of Dave's token.
const STEP: u64 = 30;

/// A person's token in the test's hand: what it shows at any moving factor.
struct Token<'a> {
    world: &'a World,
    username: &'static str,
    mode: Mode,
    /// How far the world's clock was moved, in seconds.
    moved: Cell<u64>,
}

impl<'a> Token<'a> {
    fn of(world: &'a World, username: &'static str, mode: Mode) -> Self {
        Self { world, username, mode, moved: Cell::new(0) }
    }

    fn code(&self, factor: u64) -> String {
        let parameters = OathParameters::new(self.mode, Algorithm::Sha1, 6).unwrap();
        code_at(b"12345678901234567890", &parameters, factor).expose().clone()
    }

    /// Lets so many steps pass, to the beginning of one: the test has the rest of it. The step that it is then.
    async fn pass(&self, steps: u64) -> u64 {
        let now = UNIX_EPOCH.elapsed().unwrap().as_secs() + self.moved.get();
        let later = (now / STEP + steps) * STEP + 1;
        self.world.advance(later - now).await;
        self.moved.set(self.moved.get() + later - now);
        later / STEP
    }

    /// Types the code of a factor in a new browser; what came of it.
    async fn types(&self, factor: u64) -> &'static str {
        let mut browser = self.at_factor().await;
        browser.submit(&[("factor", "hardware_token")]).await;
        browser.submit(&[("code", &self.code(factor))]).await;
        let words = browser.page.words();
        match browser.page.name() {
            "account" => "accepted",
            "code" if words.contains("That code is not right") => "wrong",
            "code" if words.contains("That code was already used") => "used",
            _ => panic!("{words}"),
        }
    }

    async fn at_factor(&self) -> Browser {
        let mut browser = self.world.browser();
        browser.open("/account").await;
        browser.log_in(self.username).await;
        browser
    }

    /// Types the codes of two factors on the page for tokens out of step; whether that brought it back.
    async fn resyncs(&self, first: u64, second: u64) -> bool {
        let mut browser = self.at_factor().await;
        browser.submit(&[("skip", "1")]).await;
        browser.open("/account/otp").await;
        let (_, rest) = browser.page.text.split_once("href=\"/account/otp/resync").unwrap();
        let link = format!("/account/otp/resync{}", rest.split_once('"').unwrap().0.replace("&#38;", "&"));
        browser.open(&link).await;
        browser.submit(&[("first", &self.code(first)), ("second", &self.code(second))]).await;
        browser.page.words().contains("in step again")
    }
}

#[tokio::test]
async fn a_clock_that_wanders_is_followed_and_one_that_jumped_needs_two_codes() {
    on_each_backend(|world| async move {
        let token = Token::of(&world, "dave", Mode::Totp { period_seconds: 30 });
        let step = token.pass(1).await;
        assert_eq!(token.types(step + 2).await, "wrong", "two steps ahead at once");
        // One step at a time it may wander, and is followed: what was too far is then right, and the true time wrong.
        for drift in 1..=3 {
            let step = token.pass(2).await;
            assert_eq!(token.types(step + drift).await, "accepted", "drift {drift}");
        }
        let step = token.pass(2).await;
        assert_eq!(token.types(step).await, "wrong", "the drift was not learned");
        // It jumps: two codes that follow one another find it, any other two do not.
        let jumped = token.pass(2).await + 12;
        assert_eq!(token.types(jumped).await, "wrong");
        assert!(!token.resyncs(jumped, jumped + 2).await);
        assert!(token.resyncs(jumped, jumped + 1).await);
        assert_eq!(token.types(jumped + 1).await, "used", "the second code of the resync logs nobody in");
        let step = token.pass(3).await;
        assert_eq!(token.types(step + 13).await, "accepted");
        // In other browsers, over all nodes, it is used.
        for _ in 0..2 {
            assert_eq!(token.types(step + 13).await, "used");
        }
    })
    .await;
}

#[tokio::test]
async fn idle_presses_are_caught_up_with_and_too_many_need_two_codes() {
    on_each_backend(|world| async move {
        let token = Token::of(&world, "erin", Mode::Hotp);
        // Nine presses went nowhere, then nine more; ten are too many.
        assert_eq!(token.types(9).await, "accepted");
        assert_eq!(token.types(19).await, "accepted");
        assert_eq!(token.types(30).await, "wrong");
        assert!(!token.resyncs(30, 32).await);
        assert!(token.resyncs(30, 31).await);
        assert_eq!(token.types(32).await, "accepted");
        // Used, in every other browser; and what was skipped is gone.
        for _ in 0..2 {
            assert_eq!(token.types(32).await, "used");
        }
        assert_eq!(token.types(25).await, "wrong");
    })
    .await;
}
