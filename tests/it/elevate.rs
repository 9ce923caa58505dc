//! The heart: an application demands, the session is lifted, the tokens tell the truth.

use stepgate_tests::{Browser, World, on_each_backend};

const OTP: &str = "urn:stepgate:acr:otp";
const PHONE: &str = "urn:stepgate:acr:phone-otp";
const MOBILE: &str = "urn:stepgate:acr:mobile-id";
const TOKEN: &str = "urn:stepgate:acr:hardware-token";
const BOBS: &str = "+12025550101";

async fn show(browser: &mut Browser, world: &World, username: &str, kind: &str) {
    match kind {
        "phone" => browser.show_phone(world, BOBS).await,
        "mobile" => browser.show_mobile(world, username).await,
        _ => browser.show_token(world, username).await,
    };
}

#[tokio::test]
async fn each_credential_elevates_and_the_application_gets_the_truth() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let cases = [
            ("bob", PHONE, "phone", "pwd otp sms mca mfa"),
            ("carol", MOBILE, "mobile", "pwd swk pop mca mfa"),
            ("dave", TOKEN, "token", "pwd otp hwk mfa"),
            ("erin", "urn:stepgate:acr:otp:proofed", "token", "pwd otp hwk mfa"),
            ("bob", OTP, "phone", "pwd otp sms mca mfa"),
            ("erin", "https://refeds.org/profile/mfa", "mobile", "pwd swk pop mca mfa"),
        ];
        for (username, acr, kind, amr) in cases {
            let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", acr)]));
            browser.open(&started.url).await;
            browser.log_in(username).await;
            assert_eq!(browser.page.name(), "factor", "{username} {acr}");
            assert!(!browser.page.has("skip-otp"), "{username} {acr}: nothing to skip");
            show(&mut browser, &world, username, kind).await;
            let login = rp.finish(&started, &browser.page).await;
            assert_eq!((login.acr(), login.amr().as_str()), (acr, amr), "{username}");
            let now = rp.introspect(&login.access_token).await;
            assert_eq!((&now["active"], &now["acr"]), (&true.into(), &acr.into()), "{username}");
            assert_eq!(now["auth_time"], login.auth_time());
            // A refresh keeps what was, and raises nothing.
            world.advance(70).await;
            let again = rp.refresh(&login).await;
            assert_eq!((again.acr(), again.auth_time()), (login.acr(), login.auth_time()));
            assert!(again.claims["iat"].as_i64() > login.claims["iat"].as_i64());
        }
    })
    .await;
}

#[tokio::test]
async fn a_live_session_is_asked_for_the_missing_factor_only() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (world.relying_party().await, world.browser());
        let started = rp.start(&[]);
        browser.open(&started.url).await;
        browser.log_in("erin").await;
        browser.submit(&[("skip", "1")]).await;
        let plain = rp.finish(&started, &browser.page).await;
        assert_eq!(plain.acr(), "urn:stepgate:acr:password:proofed");

        world.advance(5).await;
        let started = rp.start(&[("acr_values", TOKEN)]);
        assert_eq!(browser.open(&started.url).await.name(), "factor", "no second password");
        assert!(browser.page.has("factor-hardware_token") && !browser.page.has("factor-phone_otp"));
        browser.show_token(&world, "erin").await;
        let token = rp.finish(&started, &browser.page).await;
        assert_eq!(token.acr(), TOKEN);
        assert!(token.auth_time() >= plain.auth_time() + 5, "the later factor");

        // What holds is not asked again; what another partner wants is.
        let started = rp.start(&[("acr_values", OTP), ("prompt", "none")]);
        browser.open(&started.url).await;
        assert_eq!(rp.finish(&started, &browser.page).await.auth_time(), token.auth_time());
        let started = rp.start(&[("acr_values", MOBILE)]);
        browser.open(&started.url).await;
        assert_eq!(browser.page.name(), "factor");
        browser.show_mobile(&world, "erin").await;
        let mobile = rp.finish(&started, &browser.page).await;
        // Two possessions and a password: only what the acr rests on is told.
        assert_eq!((mobile.acr(), mobile.amr().as_str()), (MOBILE, "pwd swk pop mca mfa"));
        assert_eq!(browser.open("/account").await.strength(), "Mobile ID, proofed");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_met_is_said_and_reported() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let cases = [
            ("alice", OTP, "no OTP credential yet"),
            ("bob", TOKEN, "Phones are not accepted"),
            ("frank", OTP, "Its subscription has ended"),
            ("grace", OTP, "Bought, not activated yet"),
            ("dave", "urn:stepgate:acr:otp:proofed", "Your identity has not been proofed"),
        ];
        for (username, acr, reason) in cases {
            let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", acr)]));
            browser.open(&started.url).await;
            browser.log_in(username).await;
            assert_eq!(browser.page.name(), "requirements-not-met", "{username}: {}", browser.page.words());
            assert!(browser.page.words().contains(reason), "{username}: {}", browser.page.words());
            browser.submit(&[("cancel", "1")]).await;
            assert_eq!(rp.error(&started, &browser.page), "unmet_authentication_requirements", "{username}");
        }
        // Given up half way: the same.
        let (mut browser, started) = (world.browser(), rp.start(&[("acr_values", PHONE)]));
        browser.open(&started.url).await;
        browser.log_in("bob").await;
        browser.submit(&[("cancel", "1")]).await;
        assert_eq!(rp.error(&started, &browser.page), "unmet_authentication_requirements");
        // And a plain no is a plain no.
        let (mut browser, started) = (world.browser(), rp.start(&[]));
        browser.open(&started.url).await;
        browser.submit(&[("cancel", "1")]).await;
        assert_eq!(rp.error(&started, &browser.page), "access_denied");
    })
    .await;
}

#[tokio::test]
async fn every_way_of_asking_is_understood() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (world.relying_party().await, world.browser());
        let silent = async |browser: &mut Browser, more: &[(&str, &str)]| {
            let started = rp.start(&[&[("prompt", "none")], more].concat());
            browser.open(&started.url).await;
            started
        };
        let started = silent(&mut browser, &[]).await;
        assert_eq!(rp.error(&started, &browser.page), "login_required");
        let started = rp.start(&[]);
        browser.open(&started.url).await;
        browser.log_in("dave").await;
        browser.submit(&[("skip", "1")]).await;
        let first = rp.finish(&started, &browser.page).await;

        // Silently: the same login; a stronger demand is an error, an unknown one is ignored.
        for more in [&[][..], &[("acr_values", "1 2")], &[("max_age", "10000")], &[("id_token_hint", &first.id_token)]]
        {
            let started = silent(&mut browser, more).await;
            let login = rp.finish(&started, &browser.page).await;
            assert_eq!((login.auth_time(), login.acr()), (first.auth_time(), first.acr()), "{more:?}");
        }
        let claims = |acr: &str| format!(r#"{{"id_token":{{"acr":{{"essential":true,"values":["{acr}"]}}}}}}"#);
        for more in [("acr_values", OTP), ("claims", &claims(TOKEN))] {
            let started = silent(&mut browser, &[more]).await;
            assert_eq!(rp.error(&started, &browser.page), "login_required", "{more:?}");
        }
        let started = silent(&mut browser, &[("claims", &claims("gold"))]).await;
        assert_eq!(rp.error(&started, &browser.page), "unmet_authentication_requirements");

        // max_age=0 and prompt=login ask again, and auth_time moves.
        let mut last = first.auth_time();
        for more in [("max_age", "0"), ("prompt", "login")] {
            world.advance(3).await;
            let started = rp.start(&[more]);
            assert_eq!(browser.open(&started.url).await.name(), "password", "{more:?}");
            browser.log_in("dave").await;
            if browser.page.name() == "factor" {
                browser.submit(&[("skip", "1")]).await;
            }
            let login = rp.finish(&started, &browser.page).await;
            assert!(login.auth_time() > last, "{more:?}");
            last = login.auth_time();
        }
        // An essential acr leads to the factor like acr_values do.
        let started = rp.start(&[("claims", &claims(TOKEN))]);
        browser.open(&started.url).await;
        browser.show_token(&world, "dave").await;
        assert_eq!(rp.finish(&started, &browser.page).await.acr(), TOKEN);
    })
    .await;
}

#[tokio::test]
async fn nobody_else_can_take_over_an_elevation() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/account/otp").await;
        browser.log_in("dave").await;
        browser.submit(&[("skip", "1")]).await;
        assert_eq!((browser.page.name(), browser.page.strength().as_str()), ("manage-otp", "Password"));
        browser.submit(&[("kind", "hardware_token")]).await;
        assert_eq!(browser.page.name(), "factor");
        let elevation = browser.page.url.to_string();
        let form = browser.page.clone();

        // Erin logs in in the same browser, and tries to finish what Dave began, with her own token.
        browser.open("/account").await;
        browser.submit(&[("csrf", &token_of(&browser.page.text))]).await;
        assert_eq!(browser.page.name(), "logged-out");
        browser.open("/account").await;
        browser.log_in("erin").await;
        browser.submit(&[("skip", "1")]).await;
        browser.page = form;
        browser.submit(&[("factor", "hardware_token")]).await;
        assert_ne!(browser.page.name(), "code");
        assert_ne!(browser.open(&elevation).await.name(), "factor");
        assert_eq!(browser.open("/account").await.strength(), "Password, proofed");
    })
    .await;
}

/// The proof in the sign-out form, which is the first on each page of the portal.
fn token_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn introspection_says_what_holds_now() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (world.relying_party().await, world.browser());
        let started = rp.start(&[("acr_values", PHONE), ("scope", "openid offline_access"), ("prompt", "consent")]);
        browser.open(&started.url).await;
        browser.log_in("bob").await;
        browser.show_phone(&world, BOBS).await;
        assert_eq!(browser.page.name(), "consent");
        browser.submit(&[("decision", "allow")]).await;
        let mut login = rp.finish(&started, &browser.page).await;
        assert_eq!(rp.introspect(&login.access_token).await["acr"], PHONE);
        // Ten months later Bob's subscription has ended. What was issued before expired long ago; a refresh gives
        // tokens that claim no strength any more.
        for _ in 0..12 {
            world.advance(26 * 24 * 3600).await;
            let token = login.refresh_token.clone().unwrap();
            let (status, answer) = rp.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)]).await;
            if !status.is_success() {
                // 30 days after the authorization nothing is refreshed.
                assert_eq!(answer["error"], "invalid_grant");
                return;
            }
            login.refresh_token = answer["refresh_token"].as_str().map(str::to_owned);
        }
        panic!("a refresh token lives for ever");
    })
    .await;
}
