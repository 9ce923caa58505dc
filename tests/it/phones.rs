//! People and their telephone numbers: a number is theirs once a code came back, and every change is told.

use serde_json::Value;
use stepgate_tests::{Backend, Browser, World, on_each_backend};

const BOB: &str = "+12025550101";
const NEW: &str = "+12025550188";

/// The mails that a person got, newest first.
async fn mails(world: &World, to: &str) -> Vec<String> {
    let mut found = Vec::new();
    for node in 0..world.nodes() {
        let url = format!("{}/demo/inbox.json", world.node(node));
        let messages: Vec<Value> = reqwest::get(url).await.unwrap().json().await.unwrap();
        found.extend(messages.iter().filter(|it| it["to"] == to).map(|it| it["text"].as_str().unwrap().to_owned()));
    }
    found
}

async fn told(world: &World, to: &str, words: &str) {
    world.until(words, async || mails(world, to).await.iter().any(|mail| mail.contains(words))).await;
}

/// The address of the numbers' page, from Manage OTP.
async fn numbers(browser: &mut Browser) -> String {
    browser.open("/account/otp").await;
    let (_, rest) = browser.page.text.split_once("href=\"/account/otp/phones?credential=").expect("no way to numbers");
    format!("/account/otp/phones?credential={}", rest.split_once('"').unwrap().0)
}

async fn add(browser: &mut Browser, number: &str) {
    browser.submit(&[("number", number), ("country", "US"), ("channel", "text")]).await;
}

#[tokio::test]
async fn a_bought_phone_otp_becomes_active_by_a_code_that_comes_back() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("heidi").await;
        let page = numbers(&mut browser).await;
        // Without a credential in the address, to the only one.
        browser.open("/account/otp/phones").await;
        assert!(browser.page.name() == "phones" && browser.page.url.as_str().ends_with(&page), "{}", browser.page.url);
        assert!(browser.page.has("restricted") && browser.page.has("add-key"), "the notice, and what to use instead");
        for (number, words) in [
            ("+49 151 23456789", "numbers in the United States only"),
            ("900 234 5678", "surcharge"),
            ("+870 773111632", "satellite"),
            ("555 0177", "cannot be dialled"),
            ("+999 1", "cannot be dialled"),
        ] {
            add(&mut browser, number).await;
            assert_eq!(browser.page.name(), "phones");
            let said = browser.page.words().replace("is not a number that can be dialled", "cannot be dialled");
            assert!(said.contains(words), "{number}: {said}");
        }
        add(&mut browser, "(202) 555-0177").await;
        assert_eq!(browser.page.name(), "phone-code", "{}", browser.page.words());
        assert!(browser.page.words().contains("Delivered"), "{}", browser.page.words());
        let code = world.text_code("+12025550177").await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        browser.submit(&[("code", wrong)]).await;
        assert!(browser.page.words().contains("not right"), "{}", browser.page.words());
        let (twin, spaced) = (browser.clone(), format!(" {} {} ", &code[..3], &code[3..]));
        browser.submit(&[("code", &spaced)]).await;
        assert_eq!(browser.page.name(), "phones", "{}", browser.page.words());
        assert!(browser.page.words().contains("\u{2022}\u{2022}\u{2022}\u{2022} 0177"), "{}", browser.page.words());
        let mut twin = twin;
        twin.submit(&[("code", &code)]).await;
        assert_eq!(twin.page.name(), "phones", "pressed twice: the number is there already");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM phones WHERE masked LIKE '%0177'").await, 1);
        told(&world, "heidi@iron-builders.example", "0177 was added").await;

        let mut again = world.browser();
        again.open("/account").await;
        again.log_in("heidi").await;
        world.advance(61).await;
        again.show_phone(&world, "+12025550177").await;
        assert!(again.page.strength().contains("Phone OTP"), "{}", again.page.words());
    })
    .await;
}

#[tokio::test]
async fn t1_a_further_number_rests_takes_a_fresh_factor_and_is_told() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("bob").await;
        browser.submit(&[("skip", "1")]).await;
        let page = numbers(&mut browser).await;
        browser.open(&page).await;
        add(&mut browser, NEW).await;
        assert_eq!(browser.page.name(), "factor", "no change without a fresh factor: {}", browser.page.words());
        browser.show_phone(&world, BOB).await;

        browser.open(&page).await;
        add(&mut browser, BOB).await;
        assert!(browser.page.words().contains("set up already"), "{}", browser.page.words());
        add(&mut browser, NEW).await;
        let code = world.text_code(NEW).await;
        browser.submit(&[("code", &code)]).await;
        assert!(browser.page.words().contains("Rests until"), "{}", browser.page.words());
        told(&world, "bob@iron-builders.example", "0188 was added").await;

        let mut fresh = world.browser();
        fresh.open("/account").await;
        fresh.log_in("bob").await;
        assert!(!fresh.page.words().contains("0188"), "offered too early: {}", fresh.page.words());

        world.advance(73 * 3600).await;
        let mut later = world.browser();
        later.open("/account").await;
        later.log_in("bob").await;
        assert!(later.page.words().contains("0188"), "{}", later.page.words());
        later.show_phone(&world, BOB).await;
        later.open(&page).await;
        // Whoever changes numbers removes the old one: a new authenticator is bound, the old one goes.
        for masked in ["0101", "0102"] {
            let row = later.page.text.split("<li>").find(|row| row.contains(masked)).unwrap().to_owned();
            let (_, rest) = row.split_once("id=\"remove-").unwrap();
            let phone = rest.split_once('"').unwrap().0.to_owned();
            later.submit_with("/account/otp/phones/remove", &[("phone", &phone)]).await;
            assert!(later.page.words().contains("is removed"), "{}", later.page.words());
            told(&world, "bob@iron-builders.example", &format!("{masked} was removed")).await;
        }
        assert!(!later.page.text.contains("id=\"remove-"), "the last one stays");
        let (_, rest) = later.page.text.split_once("name=\"phone\" value=\"").unwrap();
        let last = rest.split_once('"').unwrap().0.to_owned();
        later.submit_with("/account/otp/phones/remove", &[("phone", &last)]).await;
        assert!(later.page.words().contains("last number"), "{}", later.page.words());
    })
    .await;
}

#[tokio::test]
async fn t4_guesses_at_a_new_number_are_counted_over_its_codes() {
    let world = World::start(Backend::Sqlite).await;
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("heidi").await;
    let page = numbers(&mut browser).await;
    for round in 0..3 {
        browser.open(&page).await;
        add(&mut browser, &format!("20255501{}", 60 + round)).await;
        let code = world.text_code(&format!("+120255501{}", 60 + round)).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..4 {
            browser.submit(&[("code", wrong)]).await;
        }
        if round == 2 {
            browser.submit(&[("code", &code)]).await;
            assert!(browser.page.words().contains("too many wrong codes"), "{}", browser.page.words());
        }
    }
    let verified = "SELECT COUNT(*) AS found FROM phones WHERE verified_at IS NOT NULL AND masked LIKE '%016_'";
    assert_eq!(world.count(verified).await, 0);
}

#[tokio::test]
async fn t1_an_application_that_refuses_the_telephone_network_gets_no_login_by_it() {
    on_each_backend(|world| async move {
        let policy = r#"{"accepts": ["urn:stepgate:acr:otp"], "refuse_restricted": true}"#;
        world.tamper(&format!("UPDATE applications SET policy = '{policy}'")).await;
        let rp = world.relying_party().await;
        let (mut bob, started) = (world.browser(), rp.start(&[]));
        bob.open(&started.url).await;
        bob.log_in("bob").await;
        assert_eq!(bob.page.name(), "requirements-not-met", "{}", bob.page.words());
        assert!(bob.page.words().contains("Phones are not accepted"), "{}", bob.page.words());

        let (mut erin, started) = (world.browser(), rp.start(&[]));
        erin.open(&started.url).await;
        erin.log_in("erin").await;
        assert!(erin.page.has("factor-hardware_token") && !erin.page.has("factor-phone_otp"), "{}", erin.page.words());
        // A form that offers it all the same changes nothing.
        erin.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
        assert!(erin.page.name() == "factor" && erin.page.words().contains("not offered"), "{}", erin.page.words());
        erin.show_token(&world, "erin").await;
        let login = rp.finish(&started, &erin.page).await;
        let told = rp.introspect(&login.access_token).await;
        assert!(!told.to_string().contains("sms"), "{told}");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM phone_challenges").await, 0);
    })
    .await;
}

#[tokio::test]
async fn t2_a_code_for_a_number_is_good_in_its_own_session_only() {
    let world = World::start(Backend::Sqlite).await;
    let (mut one, mut other) = (world.browser(), world.browser());
    for browser in [&mut one, &mut other] {
        browser.open("/account").await;
        browser.log_in("heidi").await;
    }
    let page = numbers(&mut one).await;
    one.open(&page).await;
    add(&mut one, NEW).await;
    let code = world.text_code(NEW).await;
    other.open(one.page.url.as_str()).await;
    assert_eq!(other.page.name(), "phone-code");
    other.submit(&[("code", &code)]).await;
    assert_eq!(other.page.name(), "phone-code", "{}", other.page.words());
    one.submit(&[("code", &code)]).await;
    assert_eq!(one.page.name(), "phones", "{}", one.page.words());
}

#[tokio::test]
async fn t2_the_code_of_one_login_is_wrong_in_another_and_costs_a_try() {
    on_each_backend(|world| async move {
        let (mut one, mut other) = (world.browser(), world.browser());
        for browser in [&mut one, &mut other] {
            browser.open("/account").await;
            browser.log_in("bob").await;
            browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
            assert_eq!(browser.page.name(), "code", "{}", browser.page.words());
            if world.count("SELECT COUNT(*) AS found FROM phone_challenges").await == 1 {
                world.advance(1).await;
            }
        }
        let (of_other, failed) = (
            world.text_code(BOB).await,
            "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'login.phone_otp.failed'",
        );
        one.submit(&[("code", &of_other)]).await;
        assert!(one.page.words().contains("not right"), "{}", one.page.words());
        assert_eq!(world.count(failed).await, 1);
        assert_eq!(world.count("SELECT CAST(SUM(failures) AS BIGINT) AS found FROM credentials").await, 1, "a try");
        other.submit(&[("code", &of_other)]).await;
        assert!(other.page.strength().contains("Phone OTP"), "{}", other.page.words());
    })
    .await;
}

#[tokio::test]
async fn t8_of_one_right_code_pressed_many_times_one_write_counts() {
    on_each_backend(|world| async move {
        // What changes a code that was used, is counted by the database itself.
        let counts = "CREATE TABLE counted (id INTEGER)";
        let trigger = match world.backend {
            Backend::Sqlite => vec![
                counts,
                "CREATE TRIGGER used AFTER UPDATE OF used_at ON phone_challenges WHEN NEW.used_at IS NOT NULL BEGIN
                   INSERT INTO counted VALUES (1); END",
            ],
            Backend::PostgresRedis => vec![
                counts,
                "CREATE FUNCTION note() RETURNS TRIGGER AS $$ BEGIN INSERT INTO counted VALUES (1); RETURN NEW; END $$
                   LANGUAGE plpgsql",
                "CREATE TRIGGER used AFTER UPDATE OF used_at ON phone_challenges FOR EACH ROW
                   WHEN (NEW.used_at IS NOT NULL) EXECUTE FUNCTION note()",
            ],
        };
        for statement in trigger {
            world.tamper(statement).await;
        }
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("bob").await;
        browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
        let code = world.text_code(BOB).await;
        let presses: Vec<_> = (0..16).map(|_| tokio::spawn(browser.prepared(&[("code", &code)]).send())).collect();
        for press in presses {
            assert!(!press.await.unwrap().unwrap().status().is_server_error());
        }
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM counted").await, 1, "writes that used the code");
        let succeeded = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'login.phone_otp.succeeded'";
        assert_eq!(world.count(succeeded).await, 1);
    })
    .await;
}

#[tokio::test]
async fn t11_each_cap_holds_by_itself_and_says_so_once() {
    let cases: [(&str, &str, [&str; 3]); 5] = [
        ("STEPGATE__PHONE__CAPS__NUMBER_HOUR", "text", ["bob", "bob", "bob"]),
        ("STEPGATE__PHONE__CAPS__PERSON_HOUR", "text", ["bob", "bob", "bob"]),
        ("STEPGATE__PHONE__CAPS__ADDRESS_HOUR", "text", ["bob", "erin", "bob"]),
        ("STEPGATE__PHONE__CAPS__ORGANIZATION_HOUR", "text", ["bob", "erin", "bob"]),
        ("STEPGATE__PHONE__CAPS__VOICE_NUMBER_HOUR", "voice", ["bob", "bob", "bob"]),
    ];
    for (cap, channel, people) in cases {
        let settings = [("STEPGATE__PHONE__CAPS__PAUSE_SECONDS", "0"), (cap, "2")];
        let world = World::start_with(Backend::Sqlite, &settings).await;
        for (round, username) in people.into_iter().enumerate() {
            let mut browser = world.browser();
            browser.open("/account").await;
            browser.log_in(username).await;
            browser.submit(&[("factor", "phone_otp"), ("channel", channel)]).await;
            if round < 2 {
                assert_eq!(browser.page.name(), "code", "{cap}: {}", browser.page.words());
                continue;
            }
            let words = browser.page.words();
            assert!(browser.page.name() == "factor" && words.contains("many codes in the last hour"), "{cap}: {words}");
            if channel == "voice" {
                browser.show_phone(&world, BOB).await;
                assert!(browser.page.strength().contains("Phone OTP"), "a text still goes: {}", browser.page.words());
            }
        }
        let alerts = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'phone_otp.cap.tripped'";
        assert_eq!(world.count(alerts).await, 1, "{cap}");
    }
}

#[tokio::test]
async fn t27_a_sealed_number_opens_in_its_own_row_only() {
    on_each_backend(|world| async move {
        let other = "(SELECT p.sealed_number FROM phones p WHERE p.masked LIKE '%0105' LIMIT 1)";
        world.tamper(&format!("UPDATE phones SET sealed_number = {other} WHERE masked LIKE '%0101'")).await;
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("bob").await;
        browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
        assert_eq!(browser.page.status, 500, "{}", browser.page.words());
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM phone_deliveries").await, 0, "nobody else gets his code");
    })
    .await;
}

#[tokio::test]
async fn t1_a_number_whose_sim_card_was_changed_gets_no_text() {
    let settings = [
        ("STEPGATE__PHONE__LOOKUP__KIND", "table"),
        ("STEPGATE__PHONE__LOOKUP__SWAPPED_HOURS__+12025550105", "2"),
        ("STEPGATE__PHONE__LOOKUP__SWAPPED_HOURS__+12025550101", "100"),
    ];
    let world = World::start_with(Backend::Sqlite, &settings).await;
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in("erin").await;
    browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
    assert_eq!(browser.page.name(), "factor", "{}", browser.page.words());
    assert!(browser.page.words().contains("SIM card"), "{}", browser.page.words());
    assert!(browser.page.has("factor-hardware_token") && browser.page.has("factor-mobile_id"), "other ways");
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM phone_challenges").await, 0, "no code was made");
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'phone_otp.swapped'").await, 1);
    told(&world, "erin@iron-builders.example", "held back").await;

    let mut bob = world.browser();
    bob.open("/account").await;
    bob.log_in("bob").await;
    bob.show_phone(&world, BOB).await;
    assert!(bob.page.strength().contains("Phone OTP"), "long ago is no risk: {}", bob.page.words());
}

#[tokio::test]
async fn t11_the_day_s_cap_stops_all_sending_until_an_operator_starts_it() {
    let settings = [("STEPGATE__PHONE__SPEND__PER_DAY", "10"), ("STEPGATE__PHONE__SPEND__PRICE", "5")];
    let world = World::start_with(Backend::Sqlite, &settings).await;
    let try_it = async || {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.log_in("bob").await;
        browser.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
        browser
    };
    for _ in 0..2 {
        assert_eq!(try_it().await.page.name(), "code");
    }
    let refused = try_it().await;
    assert!(refused.page.words().contains("not sent at the moment"), "{}", refused.page.words());
    let alerts = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'phone_otp.cap.tripped'";
    assert_eq!(world.count(alerts).await, 1);

    let mut admin = world.browser();
    admin.open("/admin/phones").await;
    admin.log_in("admin").await;
    admin.open("/admin/phones").await;
    let words = admin.page.words();
    assert!(
        words.contains("Stopped") && words.contains("0.10 USD of 0.10 USD") && words.contains("+1202555"),
        "{words}"
    );
    admin.submit_to("/admin/phones/start").await;
    assert!(admin.page.words().contains("sent again"), "{}", admin.page.words());
    assert_eq!(try_it().await.page.name(), "code", "as much again");

    let (done, said) = world.operate(&["phone", "stop", "--json"]);
    assert!(done && said.contains("false"), "{said}");
    assert!(try_it().await.page.words().contains("not sent at the moment"));
    let (done, said) = world.operate(&["phone", "start", "--json"]);
    assert!(done && said.contains("true"), "{said}");
    let (_, said) = world.operate(&["phone", "status", "--json"]);
    assert!(said.contains("\"sending\":true") && said.contains("\"spent_today\":15"), "{said}");

    let mut oscar = world.browser();
    oscar.open("/admin/phones").await;
    oscar.log_in("oscar").await;
    assert_eq!(oscar.open("/admin/phones").await.status.as_u16(), 403, "operators only");
}
