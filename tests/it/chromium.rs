//! A real browser: log in, elevate, back at the application; with scripts and without, on a wide screen and a phone's.

use std::time::{Duration, Instant};

use serde_json::json;
use stepgate_tests::{Backend, World};
use thirtyfour::prelude::*;

const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser window, as wide as a phone or as a desk; `None` where there is no ChromeDriver.
pub(super) async fn chromium(width: u32, scripts: bool) -> Option<WebDriver> {
    let Ok(driver) = std::env::var("STEPGATE_TEST_CHROMEDRIVER") else {
        println!("STEPGATE_TEST_CHROMEDRIVER is not set: no browser");
        return None;
    };
    let mut capabilities = DesiredCapabilities::chrome();
    for flag in FLAGS {
        capabilities.add_arg(flag).unwrap();
    }
    capabilities.add_arg(&format!("--window-size={width},900")).unwrap();
    if !scripts {
        let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
        capabilities.add_experimental_option("prefs", off).unwrap();
    }
    Some(WebDriver::new(&driver, capabilities).await.unwrap())
}

/// How long a page may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does something with the page until it works out. Scripts put other elements in place, and pages follow each other,
/// between the moment in which an element is found and that in which it is used: so both are done again.
async fn patiently<T>(driver: &WebDriver, what: &str, act: impl AsyncFn() -> WebDriverResult<Option<T>>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        let error = match act().await {
            Ok(Some(done)) => return done,
            Ok(None) => String::new(),
            Err(error) => error.to_string(),
        };
        if Instant::now() > end {
            panic!("{what}: {error}: {}", driver.source().await.unwrap_or_default());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn first(driver: &WebDriver, selector: &str) -> WebDriverResult<WebElement> {
    driver.find(By::Css(selector)).await
}

pub(super) async fn find(driver: &WebDriver, selector: &str) -> WebElement {
    patiently(driver, selector, async || first(driver, selector).await.map(Some)).await
}

/// Waits for an element whose text has this in it; all of its text.
pub(super) async fn shows(driver: &WebDriver, selector: &str, part: &str) -> String {
    let what = format!("{selector} with {part:?}");
    patiently(driver, &what, async || {
        let said = first(driver, selector).await?.text().await?;
        Ok(said.contains(part).then_some(said))
    })
    .await
}

pub(super) async fn click(driver: &WebDriver, selector: &str) {
    patiently(driver, selector, async || first(driver, selector).await?.click().await.map(Some)).await;
}

pub(super) async fn fill(driver: &WebDriver, selector: &str, text: &str) {
    patiently(driver, selector, async || first(driver, selector).await?.send_keys(text).await.map(Some)).await;
}

/// The text that a page came with. What a script writes later is waited for by [`shows`].
pub(super) async fn text(driver: &WebDriver, selector: &str) -> String {
    patiently(driver, selector, async || first(driver, selector).await?.text().await.map(Some)).await
}

/// Nothing is wider than the window.
pub(super) async fn fits(driver: &WebDriver) {
    let page = find(driver, "html").await;
    let wide = page.prop("scrollWidth").await.unwrap().unwrap();
    let window = page.prop("clientWidth").await.unwrap().unwrap();
    let pixels = |text: String| text.parse::<u32>().unwrap();
    assert!(pixels(wide) <= pixels(window), "{}", driver.current_url().await.unwrap());
}

/// The whole way for one credential, from the application and back to it.
async fn elevate(world: &World, driver: &WebDriver, username: &str, button: &str) {
    driver.delete_all_cookies().await.unwrap();
    driver.goto(&world.partner).await.unwrap();
    click(driver, &format!("#{button}")).await;
    fill(driver, "main[data-page=login] #username", username).await;
    fits(driver).await;
    click(driver, "#continue").await;
    fill(driver, "main[data-page=password] #password", "stepgate-demo-2026").await;
    fits(driver).await;
    click(driver, "#continue").await;
    find(driver, "main[data-page=factor]").await;
    fits(driver).await;
    match button {
        "phone-otp" => {
            click(driver, "#factor-phone_otp").await;
            find(driver, "main[data-page=code]").await;
            let code = world.text_code("+12025550101").await;
            fill(driver, "#code", &code).await;
            click(driver, "#continue").await;
        }
        "mobile-id" => {
            click(driver, "#factor-mobile_id").await;
            let number = text(driver, "#match-number").await.replace(char::is_whitespace, "");
            fits(driver).await;
            assert_eq!(world.approve(username, &number).await["result"], "approved");
            // With scripts the page goes on by itself; without, the person presses the button.
            if driver.query(By::Css("main[data-page=partner-home]")).nowait().exists().await.unwrap() {
                return;
            }
            if let Ok(Some(button)) =
                driver.query(By::Css("main[data-page=mobile-id-wait] #continue")).nowait().first_opt().await
            {
                let _ = button.click().await;
            }
        }
        _ => {
            click(driver, "#factor-hardware_token").await;
            let code = world.shown_code(username).await;
            fill(driver, "#code", &code).await;
            click(driver, "#continue").await;
        }
    }
}

#[tokio::test]
async fn each_credential_elevates_in_a_browser_with_and_without_scripts() {
    for (scripts, width) in [(true, 1100), (false, 1100), (true, 500)] {
        let Some(driver) = chromium(width, scripts).await else { return };
        let world = World::start(Backend::Sqlite).await;
        for (username, button) in [("bob", "phone-otp"), ("carol", "mobile-id"), ("dave", "hardware-token")] {
            elevate(&world, &driver, username, button).await;
            find(&driver, "main[data-page=partner-home]").await;
            shows(&driver, "#acr", &format!("urn:stepgate:acr:{button}")).await;
            driver.goto(format!("{}/account", world.issuer)).await.unwrap();
            let strength = text(&driver, "#credential-strength").await;
            assert!(["Phone OTP", "Mobile ID", "OTP Hardware Token"].contains(&strength.as_str()), "{strength}");
            fits(&driver).await;
        }
        driver.quit().await.unwrap();
    }
}

/// Logs in with the password where the application asks for a Mobile ID.
async fn ask_for_mobile_id(driver: &WebDriver, username: &str) {
    click(driver, "#mobile-id").await;
    fill(driver, "main[data-page=login] #username", username).await;
    click(driver, "#continue").await;
    fill(driver, "main[data-page=password] #password", "stepgate-demo-2026").await;
    click(driver, "#continue").await;
}

#[tokio::test]
async fn a_phone_is_set_up_in_one_window_and_approves_what_the_other_asks() {
    let Some(driver) = chromium(1100, true).await else { return };
    let world = World::start(Backend::Sqlite).await;
    driver.goto(&world.partner).await.unwrap();
    ask_for_mobile_id(&driver, "grace").await;
    // What is missing is named, and mended in place.
    find(&driver, "main[data-page=requirements-not-met]").await;
    click(&driver, "#continue").await;
    let code = text(&driver, "#enrol-code").await;
    let browser = driver.window().await.unwrap();
    let phone = driver.new_window().await.unwrap();
    driver.switch_to_window(phone.clone()).await.unwrap();
    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    fill(&driver, "#enrol-code", &code).await;
    click(&driver, "#enrol").await;
    let digits = text(&driver, "#confirm-digits").await;
    driver.switch_to_window(browser.clone()).await.unwrap();
    fill(&driver, "#digits", &digits).await;
    click(&driver, "#continue").await;
    // The parked request goes on by itself: to set the phone up was to show it.
    find(&driver, "main[data-page=partner-home]").await;
    shows(&driver, "#acr", "urn:stepgate:acr:mobile-id").await;
    // At the next login it is asked.
    driver.delete_all_cookies().await.unwrap();
    driver.goto(&world.partner).await.unwrap();
    ask_for_mobile_id(&driver, "grace").await;
    click(&driver, "#factor-mobile_id").await;
    let number = text(&driver, "#match-number").await.replace(char::is_whitespace, "");
    driver.switch_to_window(phone).await.unwrap();
    fill(&driver, "#number", &number).await;
    click(&driver, "#approve").await;
    shows(&driver, "#result", "Approved. Go on in your browser.").await;
    // A phone without a screen lock says what its approvals are worth.
    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    shows(&driver, "#unlocked", "without asking who holds it").await;
    driver.switch_to_window(browser).await.unwrap();
    find(&driver, "main[data-page=partner-home]").await;
    shows(&driver, "#acr", "urn:stepgate:acr:mobile-id").await;
    // The API asks for more than an old login, and is then satisfied.
    click(&driver, "#api-call").await;
    shows(&driver, "#orders-answer", "Girder").await;
    driver.quit().await.unwrap();
}

#[tokio::test]
async fn a_security_key_is_added_and_opens_what_a_phone_does_not() {
    let Some(driver) = chromium(1100, true).await else { return };
    let world = World::start(Backend::Sqlite).await;
    // Web Authentication §11.3: a key that is always touched, and knows its holder.
    let place = format!(
        "{}/session/{}/webauthn/authenticator",
        std::env::var("STEPGATE_TEST_CHROMEDRIVER").unwrap(),
        driver.session_id()
    );
    let key = json!({ "protocol": "ctap2", "transport": "usb", "hasUserVerification": true, "isUserVerified": true });
    let plugged_in = reqwest::Client::new().post(place).json(&key).send().await.unwrap();
    assert!(plugged_in.status().is_success());

    driver.goto(format!("{}/account/otp", world.issuer)).await.unwrap();
    fill(&driver, "#username", "alice").await;
    click(&driver, "#continue").await;
    fill(&driver, "#password", "stepgate-demo-2026").await;
    click(&driver, "#continue").await;
    click(&driver, "#add-key").await;
    find(&driver, "main[data-page=security-key-add]").await;
    fits(&driver).await;
    click(&driver, "#continue").await;
    shows(&driver, ".note.ok", "Your security key is set up").await;
    click(&driver, "#elevate").await;
    click(&driver, "#factor-security_key").await;
    fits(&driver).await;
    click(&driver, "main[data-page=security-key] #continue").await;
    find(&driver, "main[data-page=manage-otp]").await;
    shows(&driver, "#credential-strength", "Security Key").await;
    driver.quit().await.unwrap();
}

#[tokio::test]
async fn without_scripts_nothing_is_offered_that_needs_them() {
    let Some(driver) = chromium(360, false).await else { return };
    let world = World::start(Backend::Sqlite).await;
    driver.goto(format!("{}/account/otp", world.issuer)).await.unwrap();
    assert!(!find(&driver, "form[data-passkey]").await.is_displayed().await.unwrap());
    fits(&driver).await;
    driver.quit().await.unwrap();
}

#[tokio::test]
async fn a_passkey_of_this_device_logs_in_without_a_name() {
    let Some(driver) = chromium(360, true).await else { return };
    let world = World::start(Backend::Sqlite).await;
    let place = format!(
        "{}/session/{}/webauthn/authenticator",
        std::env::var("STEPGATE_TEST_CHROMEDRIVER").unwrap(),
        driver.session_id()
    );
    let device = json!({ "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true });
    assert!(reqwest::Client::new().post(place).json(&device).send().await.unwrap().status().is_success());
    driver.goto(format!("{}/account/otp", world.issuer)).await.unwrap();
    fill(&driver, "#username", "alice").await;
    click(&driver, "#continue").await;
    fill(&driver, "#password", "stepgate-demo-2026").await;
    click(&driver, "#continue").await;
    click(&driver, "#add-key").await;
    click(&driver, "main[data-page=security-key-add] #continue").await;
    shows(&driver, ".note.ok", "Your security key is set up").await;
    driver.delete_all_cookies().await.unwrap();
    driver.goto(format!("{}/account/otp", world.issuer)).await.unwrap();
    // The browser's own list has one entry, which this device picks by itself.
    find(&driver, "main[data-page=manage-otp]").await;
    shows(&driver, "#credential-strength", "Security Key").await;
    driver.quit().await.unwrap();
}

/// Deletes what the app keeps, once no page has it open any more: a page that was left may still be alive for a moment.
const LOSE: &str = "const done = arguments[0]; const asked = indexedDB.deleteDatabase('stepgate');
    asked.onsuccess = () => done('gone'); asked.onerror = () => done('failed'); asked.onblocked = () => done('blocked');";

#[tokio::test]
async fn a_phone_with_a_screen_lock_approves_behind_it() {
    let Some(driver) = chromium(500, true).await else { return };
    let world = World::start(Backend::Sqlite).await;
    let place = format!(
        "{}/session/{}/webauthn/authenticator",
        std::env::var("STEPGATE_TEST_CHROMEDRIVER").unwrap(),
        driver.session_id()
    );
    let lock = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true,
    });
    let built_in = reqwest::Client::new().post(place).json(&lock).send().await.unwrap();
    assert!(built_in.status().is_success());
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in("grace").await;
    let credential = super::mobile_phones::between(&browser.page.text, "credential\" id=\"credential-", "\"");
    browser.submit(&[("credential", &credential)]).await;
    let code = super::mobile_phones::between(&browser.page.text, "id=\"enrol-code\">", "<");

    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    fill(&driver, "#enrol-code", &code).await;
    click(&driver, "#enrol").await;
    click(&driver, "#use-lock").await;
    let digits = text(&driver, "#confirm-digits").await;
    browser.submit(&[("digits", &digits)]).await;
    assert!(browser.page.words().contains("Your phone is set up"), "{}", browser.page.words());
    find(&driver, "#ready").await;
    fits(&driver).await;

    let rp = world.relying_party().await;
    let started = rp.start(&[("acr_values", "urn:stepgate:acr:mobile-id")]);
    let mut browser = world.browser();
    browser.open(&started.url).await;
    browser.log_in("grace").await;
    browser.submit(&[("factor", "mobile_id")]).await;
    fill(&driver, "#number", &browser.page.match_number()).await;
    fits(&driver).await;
    click(&driver, "#approve").await;
    shows(&driver, "#result", "Approved. Go on in your browser.").await;
    browser.submit(&[("approved", "1")]).await;
    let login = rp.finish(&started, &browser.page).await;
    assert_eq!(login.amr(), "pwd swk pop user mca mfa");

    // A wrong clock: the phone goes on by the server's, and says what that means for codes.
    world.advance(24 * 3600).await;
    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    shows(&driver, "#clock", "about 1 day behind").await;
    click(&driver, "#offline").await;
    find(&driver, "#offline-code").await;
    shows(&driver, "#clock", "offline codes are refused").await;

    // What the browser kept is gone, and the app says so.
    driver.goto(format!("{}/mobile/icon.svg", world.issuer)).await.unwrap();
    patiently(&driver, "the store is deleted", async || {
        let gone = driver.execute_async(LOSE, Vec::new()).await?;
        Ok((gone.json() == &json!("gone")).then_some(()))
    })
    .await;
    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    shows(&driver, "#lost", "deleted what this app kept").await;
    driver.quit().await.unwrap();
}
