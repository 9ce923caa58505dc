//! From a refusal to the application with the new strength, in a real browser, on a wide screen and on a phone's: by a
//! license key, by buying, by renewing, by being proofed, and by an invitation that somebody else pays for.

use std::future::Future;

use stepgate_tests::{World, on_each_backend};
use thirtyfour::prelude::*;

use super::chromium::{chromium, click, fill, find, fits, shows, text};
use super::invitations::{invite, link, logged_in};

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

/// Sets the waiting Mobile ID up in a window that plays the phone.
async fn set_up(world: &World, driver: &WebDriver) {
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
}

/// To set it up was to show it: the request that waits goes on by itself, and asks for nothing twice.
async fn set_up_and_go_on(world: &World, driver: &WebDriver) {
    set_up(world, driver).await;
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

#[tokio::test]
async fn who_lacks_proofing_buys_it_is_seen_by_an_agent_and_goes_on() {
    on_each_screen(async |world, driver| {
        refused(&world, &driver, ("#proofed", "dave")).await;
        click(&driver, "#continue").await;
        find(&driver, "main[data-page=acquire]").await;
        click(&driver, "#add-proofing-upgrade").await;
        pay(&driver).await;
        click(&driver, "main[data-page=order] [id^=activate-]").await;
        shows(&driver, "main[data-page=proofing]", "You are in the queue").await;
        fits(&driver).await;
        super::proofing::approve(&world, "dave").await;
        driver.refresh().await.unwrap();
        shows(&driver, "main[data-page=proofing]", "Your identity was proofed").await;
        fits(&driver).await;
        click(&driver, "#resume").await;
        // What is shown counts from now on: the device, while its holder is proofed.
        click(&driver, "#factor-hardware_token").await;
        find(&driver, "main[data-page=code]").await;
        let code = world.shown_code("dave").await;
        fill(&driver, "#code", &code).await;
        click(&driver, "#continue").await;
        find(&driver, "main[data-page=partner-home]").await;
        shows(&driver, "#acr", "urn:stepgate:acr:otp:proofed").await;
    })
    .await;
}

#[tokio::test]
async fn who_is_invited_makes_an_account_pays_nothing_and_is_let_in() {
    on_each_screen(async |world, driver| {
        let mut oscar = logged_in(&world, "oscar").await;
        invite(&mut oscar, "organization", ("nina@north.example", "Nina North")).await;
        let mailed = link(&world, "nina@north.example", &[]).await;
        driver.goto(format!("{}{mailed}", world.issuer)).await.unwrap();
        find(&driver, "main[data-page=join]").await;
        fits(&driver).await;
        fill(&driver, "#form-username", "nina").await;
        fill(&driver, "#form-password", "three blue anchors").await;
        fill(&driver, "#form-again", "three blue anchors").await;
        click(&driver, "main[data-page=join] #continue").await;
        shows(&driver, "main[data-page=joined]", "Mobile ID").await;
        fits(&driver).await;
        click(&driver, "[id^=activate-]").await;
        set_up(&world, &driver).await;
        shows(&driver, "main[data-page=manage-otp]", "Active").await;
        fits(&driver).await;
        // The application asks for it, and for nothing more.
        driver.goto(&world.partner).await.unwrap();
        click(&driver, "#mobile-id").await;
        shows(&driver, "#acr", "urn:stepgate:acr:mobile-id").await;
    })
    .await;
}
