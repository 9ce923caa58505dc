//! From a refusal to the application with the new strength, in a real browser, on a wide screen and on a phone's: by a
//! license key, by buying, by renewing.

use std::future::Future;

use stepgate_tests::{World, on_each_backend};
use thirtyfour::prelude::*;

use super::chromium::{chromium, click, fill, find, fits, shows, text};

/// Walks on each backend, on a wide screen and on a narrow one.
async fn on_each_screen<Fut: Future<Output = ()>>(walk: impl Fn(World, WebDriver) -> Fut) {
    if std::env::var("STEPGATE_TEST_CHROMEDRIVER").is_err() {
        println!("STEPGATE_TEST_CHROMEDRIVER is not set: no browser");
        return;
    }
    for width in [1100, 500] {
        on_each_backend(async |world| {
            let Some(driver) = chromium(width, true).await else { return };
            walk(world, driver.clone()).await;
            driver.quit().await.unwrap();
        })
        .await;
    }
}

/// Asks at the application for a strength that the person has nothing for.
async fn refused(world: &World, driver: &WebDriver, (button, username): (&str, &str)) {
    driver.goto(&world.partner).await.unwrap();
    click(driver, button).await;
    fill(driver, "main[data-page=login] #username", username).await;
    click(driver, "#continue").await;
    fill(driver, "main[data-page=password] #password", "stepgate-demo-2026").await;
    click(driver, "#continue").await;
    find(driver, "main[data-page=requirements-not-met]").await;
    fits(driver).await;
}

/// From the cart to an order that is paid.
async fn pay(driver: &WebDriver) {
    find(driver, "main[data-page=cart] table").await;
    fits(driver).await;
    click(driver, "main[data-page=cart] #continue").await;
    find(driver, "main[data-page=checkout]").await;
    fits(driver).await;
    click(driver, "#form-terms").await;
    click(driver, "main[data-page=checkout] #continue").await;
    find(driver, "main[data-page=demo-card]").await;
    fits(driver).await;
    click(driver, "main[data-page=demo-card] #continue").await;
    shows(driver, "main[data-page=order] h1", "Paid").await;
    fits(driver).await;
}

/// Sets the waiting Mobile ID up in a window that plays the phone. To set it up was to show it: the request that waits goes
/// on by itself, and asks for nothing twice.
async fn set_up_and_go_on(world: &World, driver: &WebDriver) {
    shows(driver, "main[data-page=manage-otp] #status", "").await;
    fits(driver).await;
    click(driver, "#status-action").await;
    let code = text(driver, "#enrol-code").await;
    let browser = driver.window().await.unwrap();
    let phone = driver.new_window().await.unwrap();
    driver.switch_to_window(phone).await.unwrap();
    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    fill(driver, "#enrol-code", &code).await;
    click(driver, "#enrol").await;
    let digits = text(driver, "#confirm-digits").await;
    driver.switch_to_window(browser).await.unwrap();
    fill(driver, "#digits", &digits).await;
    click(driver, "#continue").await;
    find(driver, "main[data-page=partner-home]").await;
    shows(driver, "#acr", "urn:stepgate:acr:mobile-id").await;
}

#[tokio::test]
async fn a_license_key_leads_from_the_refusal_back_to_the_application() {
    on_each_screen(async |world, driver| {
        let key = world.sell("oscar", "mobile-id", 1).await.remove(0);
        refused(&world, &driver, ("#mobile-id", "alice")).await;
        click(&driver, "#license").await;
        fill(&driver, "main[data-page=license] #form-key", &key.to_lowercase()).await;
        fits(&driver).await;
        click(&driver, "#continue").await;
        set_up_and_go_on(&world, &driver).await;
    })
    .await;
}

#[tokio::test]
async fn what_the_application_accepts_is_bought_set_up_and_shown_there() {
    on_each_screen(async |world, driver| {
        refused(&world, &driver, ("#mobile-id", "alice")).await;
        click(&driver, "#continue").await;
        find(&driver, "main[data-page=acquire]").await;
        fits(&driver).await;
        click(&driver, "#add-mobile-id").await;
        pay(&driver).await;
        let key = text(&driver, "main[data-page=order] code").await;
        assert_eq!(key.trim().len(), 29, "{key}");
        click(&driver, "main[data-page=order] [id^=activate-]").await;
        set_up_and_go_on(&world, &driver).await;
    })
    .await;
}

#[tokio::test]
async fn what_has_expired_is_renewed_and_shown_to_the_application() {
    on_each_screen(async |world, driver| {
        refused(&world, &driver, ("#phone-otp", "frank")).await;
        shows(&driver, "main", "expired on").await;
        click(&driver, "#continue").await;
        find(&driver, "main[data-page=renew]").await;
        fits(&driver).await;
        click(&driver, "main[data-page=renew] #continue").await;
        pay(&driver).await;
        click(&driver, "main[data-page=order] #resume").await;
        click(&driver, "#factor-phone_otp").await;
        find(&driver, "main[data-page=code]").await;
        let code = world.text_code("+12025550106").await;
        fill(&driver, "#code", &code).await;
        click(&driver, "#continue").await;
        find(&driver, "main[data-page=partner-home]").await;
        shows(&driver, "#acr", "urn:stepgate:acr:phone-otp").await;
        // The old end and a year, the number as it was.
        driver.goto(format!("{}/account/otp", world.issuer)).await.unwrap();
        shows(&driver, "main[data-page=manage-otp]", "\u{2022}\u{2022}\u{2022}\u{2022} 0106").await;
        fits(&driver).await;
    })
    .await;
}
