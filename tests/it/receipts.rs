//! What became of a code, on its page while it is open: with scripts by itself, without by a reload.

use stepgate_tests::{Backend, Smsc, World};
use thirtyfour::prelude::*;

use super::chromium::{chromium, click, fill, find, text};

/// Waits until the page says it; it never says it again.
async fn says(driver: &WebDriver, words: &str) {
    let line = driver.query(By::Css("#delivery")).with_text(words.to_owned());
    assert!(line.exists().await.unwrap(), "in vain: {words}: {}", driver.source().await.unwrap());
}

async fn log_in(world: &World, driver: &WebDriver, username: &str) {
    driver.goto(format!("{}/account", world.issuer)).await.unwrap();
    fill(driver, "main[data-page=login] #username", username).await;
    click(driver, "#continue").await;
    fill(driver, "main[data-page=password] #password", stepgate_tests::PASSWORD).await;
    click(driver, "#continue").await;
}

#[tokio::test]
async fn a_receipt_appears_on_the_open_page_by_itself() {
    let Some(driver) = chromium(500, true).await else { return };
    let Some(smsc) = Smsc::start() else { return };
    let providers: &'static str = format!("[{}]", smsc.provider()).leak();
    let world = World::start_with(Backend::Sqlite, &[("STEPGATE__PHONE__PROVIDERS", providers)]).await;
    log_in(&world, &driver, "bob").await;
    click(&driver, "#factor-phone_otp").await;
    find(&driver, "main[data-page=code]").await;
    fill(&driver, "#code", "12").await;
    assert_eq!(text(&driver, "[data-receipt]").await, "", "nothing is known");
    smsc.receipt("m1", 2).await;
    says(&driver, "Delivered: your phone has it.").await;
    let typed = find(&driver, "#code").await.prop("value").await.unwrap();
    assert_eq!(typed.as_deref(), Some("12"), "what was typed stays");

    // A number that is being added, and a carrier that does not want it.
    driver.delete_all_cookies().await.unwrap();
    log_in(&world, &driver, "heidi").await;
    find(&driver, "main[data-page=account]").await;
    driver.goto(format!("{}/account/otp/phones", world.issuer)).await.unwrap();
    fill(&driver, "#form-number", "202 555 0177").await;
    click(&driver, "#continue").await;
    find(&driver, "main[data-page=phone-code]").await;
    smsc.receipt("m2", 5).await;
    says(&driver, "Your carrier refused it. Check the number, or ask for another code.").await;
    driver.quit().await.unwrap();
}

#[tokio::test]
async fn without_scripts_a_reload_says_what_became_of_a_code() {
    let Some(driver) = chromium(500, false).await else { return };
    let Some(smsc) = Smsc::start() else { return };
    let providers: &'static str = format!("[{}]", smsc.provider()).leak();
    let world = World::start_with(Backend::Sqlite, &[("STEPGATE__PHONE__PROVIDERS", providers)]).await;
    log_in(&world, &driver, "bob").await;
    click(&driver, "#factor-phone_otp").await;
    find(&driver, "main[data-page=code]").await;
    smsc.receipt("m1", 5).await;
    let failed = "SELECT COUNT(*) AS found FROM phone_deliveries WHERE state = 'failed'";
    world.until("the receipt is noted", async || world.count(failed).await == 1).await;
    driver.refresh().await.unwrap();
    says(&driver, "Your carrier refused it. Ask for another code, or use another way.").await;
    driver.quit().await.unwrap();
}
