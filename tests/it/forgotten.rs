//! Forgotten and changed passwords: a mailed link shows who reads the mail, and never takes the place of a second factor.

use stepgate_tests::{Browser, World, on_each_backend, on_each_backend_with};

use crate::recovery::{ROOMY, at_once, link, logged_in, mail, mails};

/// Asks for a link, and waits for it.
async fn link_for(world: &World, username: &str) -> String {
    let mut browser = world.browser();
    browser.open("/help/password").await;
    let to = format!("{username}@iron-builders.example");
    let count = mails(world, &to).await.iter().filter(|text| text.contains("asked for a new password")).count();
    browser.submit(&[("login", username)]).await;
    assert_eq!(browser.page.name(), "mail-sent");
    let more = async || {
        mails(world, &to).await.iter().filter(|text| text.contains("asked for a new password")).count() > count
    };
    world.until("the link", more).await;
    link(&mail(world, username, "asked for a new password").await)
}

const NEW: &str = "seven green bridges";

async fn choose(browser: &mut Browser, password: &str) -> String {
    browser.submit(&[("password", password), ("again", password), ("end_others", "1")]).await;
    browser.page.words()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_mailed_link_once() {
    on_each_backend_with(ROOMY, async |world| {
        let mut elsewhere = logged_in(&world, "alice").await;
        let (link, other) = (link_for(&world, "alice").await, link_for(&world, "alice").await);
        let mut browser = world.browser();
        assert_eq!(browser.open(&link).await.name(), "new-password");
        browser.submit(&[("password", NEW), ("again", "another")]).await;
        assert!(browser.page.words().contains("not the same"));
        assert!(choose(&mut browser, "password123").await.contains("many people use this password"));
        choose(&mut browser, NEW).await;
        assert_eq!(browser.page.name(), "password-changed");
        for used in [&link, &other] {
            let page = browser.open(used).await;
            assert_eq!((page.name(), page.status.as_u16()), ("link-over", 410));
        }
        assert_eq!(elsewhere.open("/account").await.name(), "login", "other sessions end");
        mail(&world, "alice", "The password of your account was changed").await;
        assert_eq!(logged_in(&world, "alice").await.page.name(), "password", "the old one is over");
        browser.open("/account").await;
        browser.submit(&[("username", "alice")]).await;
        assert_eq!(browser.submit(&[("password", NEW)]).await.name(), "account");

        // Too old; and made up.
        let late = link_for(&world, "alice").await;
        world.advance(1201).await;
        for dead in [late.as_str(), "/help/password/new?link=AAAA", "/help/password/new"] {
            assert_eq!(browser.open(dead).await.status.as_u16(), 410, "{dead}");
        }

        // The user ID goes to its address, and only when the address was typed.
        browser.open("/help/user-id").await;
        browser.submit(&[("login", "Bob@Iron-Builders.example")]).await;
        assert!(mail(&world, "bob", "which user ID").await.contains("\n    bob\n"));
    })
    .await;
}

#[tokio::test]
async fn t31_a_mail_never_takes_the_place_of_the_second_factor() {
    on_each_backend_with(ROOMY, async |world| {
        let link = link_for(&world, "dave").await;
        let mut browser = world.browser();
        assert_eq!(browser.open(&link).await.name(), "new-password-factor");
        let token = link.split_once("link=").unwrap().1;
        let words = [("link", token), ("password", NEW), ("again", NEW)];
        browser.submit_with("/help/password/new", &words).await;
        assert_eq!(browser.page.name(), "new-password-factor", "not without the factor");

        browser.submit_with("/help/password/factor", &[("link", token)]).await;
        assert_eq!((browser.page.name(), browser.page.has("skip-otp")), ("factor", false));
        let factor = browser.page.url.clone();
        // The session is no login: not for our pages, not for applications.
        let rp = world.relying_party().await;
        for place in ["/account", "/account/otp", "/account/otp/recovery/use", "/applications"] {
            assert_ne!(browser.open(place).await.url.path(), place);
            assert!(matches!(browser.page.name(), "login" | "password"), "{place}: {}", browser.page.name());
        }
        browser.open(&rp.start(&[("prompt", "none")]).url).await;
        assert_eq!(browser.page.parameter("error").unwrap(), "login_required");
        browser.open("/help/password/new").await;
        assert_eq!(browser.page.name(), "new-password-factor");

        // Somebody else's factor, in another browser, does not help.
        let mut thief = world.browser();
        thief.open("/account/otp").await;
        thief.log_in("erin").await;
        thief.open(&link).await;
        assert_eq!(thief.page.name(), "new-password-factor");

        browser.open(factor.as_str()).await;
        browser.show_token(&world, "dave").await;
        assert_eq!(browser.page.name(), "new-password", "{}", browser.page.words());
        assert_eq!(thief.open(&link).await.name(), "new-password-factor", "shown in one browser, not in the other");
        choose(&mut browser, NEW).await;
        assert_eq!(browser.page.name(), "password-changed");
        assert!(matches!(browser.open("/account").await.name(), "login" | "password"), "its session ends");
        browser.submit(&[("username", "dave")]).await;
        browser.submit(&[("password", NEW)]).await;
        assert_eq!(browser.page.name(), "factor");
    })
    .await;
}

#[tokio::test]
async fn t13_the_pages_tell_nobody_who_exists() {
    on_each_backend_with(ROOMY, async |world| {
        for path in ["/help/password", "/help/user-id"] {
            let mut seen = Vec::new();
            for typed in ["alice", "alice@iron-builders.example", "nobody-of-that-name", "nobody@nowhere.example"] {
                let mut browser = world.browser();
                browser.open(path).await;
                let answer = browser.prepared(&[("login", typed)]).send().await.unwrap();
                let names = answer.headers().keys().map(ToString::to_string).collect::<Vec<_>>();
                seen.push((answer.status(), names, answer.text().await.unwrap()));
            }
            assert!(seen.iter().all(|one| *one == seen[0]), "{path}");
        }
        world
            .until("all are answered", async || {
                world.count("SELECT COUNT(*) AS found FROM outbox WHERE kind = 'forgotten' AND done_at IS NULL").await
                    == 0
            })
            .await;
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM recovery_links").await, 2, "two for alice");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_a_mailed_link_sets_one_password() {
    on_each_backend_with(ROOMY, async |world| {
        for round in 1..=5 {
            let link = link_for(&world, "alice").await;
            let mut browser = world.browser();
            browser.open(&link).await;
            let request = browser.prepared(&[("password", NEW), ("again", NEW)]);
            let bodies = at_once(&request).await;
            assert_eq!(bodies.iter().filter(|body| body.contains("op-password-changed")).count(), 1);
            let changed = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'password.changed'";
            assert_eq!(world.count(changed).await, round);
        }
    })
    .await;
}

#[tokio::test]
async fn the_password_is_changed_by_who_knows_it_and_a_stolen_device_is_off_at_once() {
    on_each_backend(async |world| {
        let mut browser = logged_in(&world, "dave").await;
        let mut elsewhere = logged_in(&world, "dave").await;
        browser.show_token(&world, "dave").await;
        let fields = |current| [("current", current), ("password", NEW), ("again", NEW), ("end_others", "1")];
        browser.open("/account/password").await;
        browser.submit(&fields("something else")).await;
        assert!(browser.page.words().contains("not your password of today"), "{}", browser.page.words());
        browser.submit(&fields("stepgate-demo-2026")).await;
        assert!(browser.page.words().contains("Your password is changed"), "{}", browser.page.words());
        assert_eq!(elsewhere.open("/account").await.name(), "login");

        browser.open("/account/otp/help").await;
        assert_eq!(browser.page.name(), "otp-help");
        for what in ["lost", "broken", "new", "nothing", "stolen"] {
            assert_eq!(browser.open(&format!("/account/otp/help?what={what}")).await.status.as_u16(), 200);
        }
        let credential = browser.page.attribute("name=\"credential\" value");
        browser.submit_with("/account/otp/stolen", &[("credential", &credential)]).await;
        assert!(browser.page.words().contains("It is switched off"), "{}", browser.page.words());
        assert!(browser.page.words().contains("Suspended"));
        mail(&world, "dave", "reported stolen").await;
    })
    .await;
}

/// Numbers without any order, the same in each run.
struct Mixer(u64);

impl Mixer {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Whoever holds the mail and not the token walks about: links, pages of other steps, *other ways*, *skip*, guesses.
#[tokio::test]
async fn t10_no_walk_from_a_mail_reaches_a_new_password_without_the_factor() {
    on_each_backend_with(ROOMY, async |world| {
        let link = link_for(&world, "dave").await;
        let token = link.split_once("link=").unwrap().1.to_owned();
        let mut mixer = Mixer(2026);
        for _ in 0..6 {
            let mut browser = world.browser();
            let mut interaction = link.clone();
            browser.open(&link).await;
            for _ in 0..14 {
                if browser.page.url.path().starts_with("/interaction/") {
                    interaction = browser.page.url.to_string();
                }
                let path = browser.page.url.path().to_owned();
                match mixer.next(9) {
                    0 => browser.open(&link).await,
                    1 => browser.open("/help/password/new").await,
                    2 => browser.open(&interaction).await,
                    _ if !browser.page.text.contains("name=\"csrf\"") => browser.open(&link).await,
                    3 => browser.submit_with("/help/password/factor", &[("link", &token)]).await,
                    4 => {
                        let fields = [("link", token.as_str()), ("password", NEW), ("again", NEW)];
                        browser.submit_with("/help/password/new", &fields).await
                    }
                    5 => browser.submit_with("/help/password/new", &[("password", NEW), ("again", NEW)]).await,
                    6 if path.starts_with("/interaction/") => browser.submit_with(&path, &[("skip", "1")]).await,
                    7 if path.starts_with("/interaction/") => browser.submit_with(&path, &[("other", "1")]).await,
                    8 if path.starts_with("/interaction/") => {
                        let fields = [("factor", "hardware_token"), ("step", "code"), ("code", "000000")];
                        browser.submit_with(&path, &fields).await
                    }
                    _ => browser.open("/account/otp").await,
                };
                assert!(!matches!(browser.page.name(), "new-password" | "password-changed" | "manage-otp" | "account"));
            }
        }
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'password.changed'").await, 0);
    })
    .await;
}
