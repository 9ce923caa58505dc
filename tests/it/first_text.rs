//! Before the first text to a number that is being added: a person fills in the form, not a program.

use stepgate_tests::{Backend, Browser, World, on_each_backend_with};

const CHECKED: [(&str, &str); 2] =
    [("STEPGATE__PHONE__FIRST_TEXT__FORM_SECONDS", "3"), ("STEPGATE__PHONE__FIRST_TEXT__NUMBERS_DAY", "3")];

async fn at_form(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("heidi").await;
    browser.open("/account/otp/phones").await;
    assert_eq!(browser.page.name(), "phones", "{}", browser.page.words());
    browser
}

fn number(last: u32) -> String {
    format!("20255501{last:02}")
}

async fn sent(world: &World) -> i64 {
    world.count("SELECT COUNT(*) AS found FROM phone_deliveries").await
}

async fn doubts(world: &World, why: &str) -> i64 {
    let kind = "kind = 'phone_otp.form.doubted'";
    world.count(&format!("SELECT COUNT(*) AS found FROM audit_events WHERE {kind} AND data LIKE '%\"{why}\"%'")).await
}

#[tokio::test]
async fn t11_a_program_that_adds_numbers_gets_no_text() {
    on_each_backend_with(&CHECKED, |world| async move {
        let mut browser = at_form(&world).await;
        let fields = |number: &str| [("number", number.to_owned()), ("country", "US".to_owned())];
        let submit = async |browser: &mut Browser, last: u32, more: &[(&str, &str)]| {
            let fields = fields(&number(last));
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            fields.extend(more);
            browser.submit(&fields).await;
        };
        // At once, as no person types.
        submit(&mut browser, 60, &[]).await;
        assert!(
            browser.page.name() == "phones" && browser.page.words().contains("very fast"),
            "{}",
            browser.page.words()
        );
        // The same form a moment later is good, with what was typed; but not for a program that fills in everything.
        world.advance(4).await;
        submit(&mut browser, 60, &[("comment", "buy now")]).await;
        assert!(browser.page.words().contains("people do not see"), "{}", browser.page.words());
        assert!(browser.page.text.contains(&format!("value=\"{}\"", number(60))), "what was typed is kept");
        // A proof of one's own, and one of another person.
        for forged in ["1.x.AAAA", "", "1764315000000.name.c2VhbA"] {
            let mut forger = browser.clone();
            submit(&mut forger, 60, &[("opened", forged)]).await;
            assert!(forger.page.words().contains("open for too long"), "{forged}: {}", forger.page.words());
        }
        assert_eq!(sent(&world).await, 0, "nothing was sent");

        // Sent sixteen times at once, a form sends one text.
        let typed = number(60);
        let presses: Vec<_> =
            (0..16).map(|_| tokio::spawn(browser.prepared(&[("number", &typed), ("country", "US")]).send())).collect();
        for press in presses {
            assert!(!press.await.unwrap().unwrap().status().is_server_error());
        }
        assert_eq!(sent(&world).await, 1, "one form, one text");
        assert_eq!((doubts(&world, "fast").await, doubts(&world, "trapped").await), (1, 1));
        assert!(doubts(&world, "used").await >= 1);

        // A person goes on: a new form, a few seconds, a text; three numbers in a day.
        for last in 61..64 {
            browser.open("/account/otp/phones").await;
            world.advance(4).await;
            submit(&mut browser, last, &[]).await;
            if last < 63 {
                assert_eq!(browser.page.name(), "phone-code", "{}", browser.page.words());
            }
        }
        assert!(browser.page.words().contains("many new numbers today"), "{}", browser.page.words());
        assert_eq!((sent(&world).await, doubts(&world, "capped").await), (3, 1));
    })
    .await;
}

#[tokio::test]
async fn a_form_that_was_open_for_an_hour_is_opened_anew_and_a_login_is_never_asked() {
    let world = World::start_with(Backend::Sqlite, &CHECKED).await;
    let mut browser = at_form(&world).await;
    world.advance(3601).await;
    let typed = number(70);
    let fields = [("number", typed.as_str()), ("country", "US")];
    browser.submit(&fields).await;
    if browser.page.name() != "phones" {
        // An hour is long for a session as well: the login comes first, then the numbers again.
        browser = at_form(&world).await;
    } else {
        assert!(browser.page.words().contains("open for too long"), "{}", browser.page.words());
    }
    world.advance(4).await;
    browser.submit(&fields).await;
    assert_eq!(browser.page.name(), "phone-code", "{}", browser.page.words());

    let mut bob = world.browser();
    bob.open("/account").await;
    bob.log_in("bob").await;
    bob.show_phone(&world, "+12025550101").await;
    assert!(bob.page.strength().contains("Phone OTP"), "at once: {}", bob.page.words());
}
