//! Which language is spoken with whom, and that a page speaks one of them only.

use reqwest::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue};
use serde_json::json;
use stepgate_tests::{Browser, Page, World, on_each_backend};

use super::license_keys::at;
use super::shop::{add, buy};

const OTP: &str = "urn:stepgate:acr:otp";

/// A browser whose owner reads these languages.
fn browser(world: &World, languages: &'static str) -> Browser {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(languages));
    Browser::over(&world.issuer, world.client().default_headers(headers))
}

/// A day as it is written in German: `2. März 2026`.
pub(super) fn names_a_german_day(text: &str) -> bool {
    let months = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    months.iter().any(|month| text.contains(&format!(". {month} 20")))
}

/// Checks that a page says that it is German, and is: no word of English, but for names.
pub(super) fn is_german(page: &Page) {
    assert!(page.text.contains("<html lang=\"de\" dir=\"ltr\">"), "{}: {}", page.url, page.words());
    let english = [
        "the", "The", "your", "Your", "you", "You", "and", "with", "is", "it", "It", "not", "of", "to", "Help",
        "Renew", "Sign", "Back", "Continue", "Cancel", "Password", "Bought", "Expires", "ago", "Skip",
    ];
    let words = page.words();
    // What a screen reader says is read, too.
    let spoken = page.text.split(" aria-label=\"").chain(page.text.split(" title=\"")).skip(1);
    let spoken: Vec<&str> = spoken.filter_map(|rest| rest.split_once('"').map(|(text, _)| text)).collect();
    let all =
        format!("{words} {}", spoken.iter().filter(|text| !text.contains('<')).copied().collect::<Vec<_>>().join(" "));
    let found: Vec<_> = all.split(|it: char| !it.is_alphanumeric()).filter(|word| english.contains(word)).collect();
    assert!(found.is_empty(), "{}: {found:?} in: {all}", page.url);
}

fn is_english(page: &Page) {
    assert!(page.text.contains("<html lang=\"en\" dir=\"ltr\">"), "{}: {}", page.url, page.words());
}

#[tokio::test]
async fn a_renewal_from_the_refusal_to_the_application_is_in_german_throughout() {
    on_each_backend(|world| async move {
        world.tamper("UPDATE persons SET claims = REPLACE(claims, 'en-US', 'de-DE') WHERE username = 'frank'").await;
        let rp = world.relying_party().await;
        // Nobody is known yet: the application asks for German, the browser for nothing.
        let (mut frank, started) = (world.browser(), rp.start(&[("acr_values", OTP), ("ui_locales", "fr de-CH en")]));
        is_german(frank.open(&started.url).await);
        is_german(frank.submit(&[("username", "frank")]).await);
        is_german(frank.submit(&[("password", "wrong")]).await);
        assert!(frank.page.words().contains("passen nicht zusammen"), "{}", frank.page.words());
        frank.submit(&[("password", stepgate_tests::PASSWORD)]).await;
        assert_eq!(frank.page.name(), "requirements-not-met");
        is_german(&frank.page);
        let words = frank.page.words();
        assert!(words.contains("abgelaufen") && words.contains("Phone OTP verlängern"), "{words}");
        assert!(names_a_german_day(&words), "{words}");
        let parked = frank.page.url.path().to_owned();
        let id = super::mobile_phones::between(&frank.page.text, "/account/otp/renew?credential=", "\"");
        is_german(frank.open(&format!("/account/otp/renew?credential={id}")).await);
        let words = frank.page.words();
        assert!(
            words.contains("48,00\u{a0}$ für ein weiteres Jahr") || words.contains("48,00 $ für ein weiteres Jahr"),
            "{words}"
        );
        assert!(names_a_german_day(&words) && words.contains("In den Warenkorb"), "{words}");
        for path in
            ["/account/otp", "/account", "/account/otp/reminders", &format!("/account/otp/{id}"), "/account/otp/help"]
        {
            is_german(frank.open(path).await);
        }
        // What is in English only is in English throughout, the banner and the names of the pages as well.
        is_english(frank.open("/account/sessions").await);
        let words = frank.page.words();
        assert!(words.contains("Your Phone OTP ended") && !words.contains("Abmelden"), "{words}");

        world.sell_at(0, json!({ "to": "frank", "product": "phone-otp-international", "renew": id })).await;
        is_german(frank.open("/account/otp?done=renewed").await);
        assert!(frank.page.words().contains("Es ist verlängert."), "{}", frank.page.words());
        is_german(frank.open(&parked).await);
        frank.submit(&[("factor", "phone_otp")]).await;
        is_german(&frank.page);
        is_german(frank.submit(&[("code", "000000")]).await);
        let code = world.text_code("+12025550106").await;
        frank.submit(&[("code", &code)]).await;
        assert_eq!(rp.finish(&started, &frank.page).await.acr(), OTP);
    })
    .await;
}

#[tokio::test]
async fn what_was_bought_and_waits_is_told_in_german() {
    on_each_backend(|world| async move {
        world.tamper("UPDATE persons SET claims = REPLACE(claims, 'en-US', 'de-DE') WHERE username = 'alice'").await;
        let rp = world.relying_party().await;
        let (mut alice, started) = (world.browser(), rp.start(&[("acr_values", "urn:stepgate:acr:mobile-id")]));
        alice.open(&started.url).await;
        alice.log_in("alice").await;
        is_german(&alice.page);
        assert!(alice.page.words().contains("Mobile ID beschaffen"), "{}", alice.page.words());
        let parked = alice.page.url.path().to_owned();
        add(&mut alice, "mobile-id", "1", "me").await;
        buy(&mut alice, "pay").await;
        let mail = world.mail("alice@iron-builders.example", "Ihre Bestellung ist bezahlt").await;
        assert!(mail.contains("Aktivieren Sie, was für Sie ist") && mail.contains("30,00\u{a0}$"), "{mail}");
        for (path, said) in [
            (parked.as_str(), "Mobile ID aktivieren"),
            ("/account/otp", "Mobile ID wartet auf Sie"),
            ("/account", "Mobile ID gehört Ihnen und ist noch nicht aktiviert."),
            ("/account/proofing", "Weiter zu"),
        ] {
            is_german(alice.open(path).await);
            assert!(alice.page.words().contains(said), "{path}: {}", alice.page.words());
        }
    })
    .await;
}

#[tokio::test]
async fn the_language_is_the_persons_then_the_applications_then_the_browsers() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let mut alice = browser(&world, "de-AT,de;q=0.9,en;q=0.8");
        is_german(alice.open(&rp.start(&[]).url).await);
        is_english(alice.open(&rp.start(&[("ui_locales", "en de")]).url).await);
        is_german(alice.open(&rp.start(&[("ui_locales", "sv")]).url).await);
        is_english(browser(&world, "sv, fr;q=0.5").open(&rp.start(&[]).url).await);

        // Her own choice is English; she makes it German, and then leaves it to the browser.
        alice.open("/account/otp/reminders").await;
        is_german(&alice.page);
        alice.log_in("alice").await;
        is_english(alice.open("/account/otp/reminders").await);
        alice.submit_with("/account/language", &[("language", "de")]).await;
        is_german(&alice.page);
        assert!(alice.page.words().contains("Ab jetzt sprechen wir Deutsch"), "{}", alice.page.words());
        let locale = || world.texts("SELECT claims AS found FROM persons WHERE username = 'alice'");
        assert!(
            locale().await[0].contains("\"de-US\""),
            "her telephone numbers are where they were: {:?}",
            locale().await
        );
        let audited = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'account.language'";
        assert_eq!(world.count(audited).await, 1);
        is_german(&at(&world, "alice", "/account/otp").await.page);
        alice.open("/account/otp/reminders").await;
        alice.submit_with("/account/language", &[("language", "fr")]).await;
        is_german(alice.open("/account/otp").await);
        assert!(!locale().await[0].contains("de-US"), "{:?}", locale().await);
        is_english(&at(&world, "alice", "/account/otp").await.page);

        let url = format!("{}/.well-known/openid-configuration", world.issuer);
        let known = world.client().build().unwrap().get(url).send().await.unwrap();
        let known: serde_json::Value = known.json().await.unwrap();
        assert_eq!(
            (&known["ui_locales_supported"], &known["claims_locales_supported"]),
            (&json!(["en", "de"]), &json!(["en"]))
        );
    })
    .await;
}
