//! The app itself, in a browser: its own new keys every year, the server's new keys, and what it says when it has missed
//! them. What it looks like to a person is in `chromium`.

use stepgate_tests::{Backend, World};
use thirtyfour::prelude::*;

use super::chromium::{chromium, click, fill, shows, text};
use super::mobile_phones::{between, waiting};

/// Another master secret than the demo's; and the demo's, which was in use before.
const MASTER: &str = "YW5vdGhlci1tYXN0ZXItc2VjcmV0LW9mLWEtdGVzdC1vbmx5LWZvci1sb29wYmFjaw";

/// The key of the server that the app keeps.
const KNOWS: &str = "const done = arguments[0]; const open = indexedDB.open('stepgate');
    open.onsuccess = () => {
      const db = open.result;
      const read = db.transaction('account').objectStore('account').get('account');
      read.onsuccess = () => { db.close(); done(read.result.keys[0].kid); };
    };";

/// Has the app keep another one, which nobody announces.
const MISS: &str = "const done = arguments[0]; const open = indexedDB.open('stepgate');
    open.onsuccess = () => {
      const db = open.result;
      const transaction = db.transaction('account', 'readwrite');
      const store = transaction.objectStore('account');
      const read = store.get('account');
      read.onsuccess = () => {
        const { keys } = read.result;
        store.put({ ...read.result, keys: [{ ...keys[0], kid: 'of-long-ago' }] }, 'account');
      };
      transaction.oncomplete = () => { db.close(); done(); };
    };";

/// Grace sets her phone up, which is a window of a real browser.
async fn enrol(world: &World, driver: &WebDriver) {
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in("grace").await;
    let credential = between(&browser.page.text, "credential\" id=\"credential-", "\"");
    browser.submit(&[("credential", &credential)]).await;
    let code = between(&browser.page.text, "id=\"enrol-code\">", "<");
    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    fill(driver, "#enrol-code", &code).await;
    click(driver, "#enrol").await;
    let digits = text(driver, "#confirm-digits").await;
    browser.submit(&[("digits", &digits)]).await;
    assert!(browser.page.words().contains("Your phone is set up"), "{}", browser.page.words());
}

/// She logs in elsewhere; the phone asks her, and she types the number that she sees there.
async fn approves(world: &World, driver: &WebDriver) {
    let mut login = waiting(world).await;
    fill(driver, "#number", &login.page.match_number()).await;
    click(driver, "#approve").await;
    shows(driver, "#result", "Approved. Go on in your browser.").await;
    login.submit(&[("approved", "1")]).await;
    assert_eq!(login.page.strength(), "Mobile ID", "{}", login.page.words());
}

async fn knows(driver: &WebDriver) -> String {
    let kid = driver.execute_async(KNOWS, Vec::new()).await.unwrap();
    kid.json().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_app_makes_new_keys_every_year_and_learns_the_servers() {
    let Some(driver) = chromium(500, true).await else { return };
    let mut world = World::start(Backend::Sqlite).await;
    enrol(&world, &driver).await;
    approves(&world, &driver).await;

    // A year later the app makes new keys by itself; they take over, and the next approval counts.
    let year = 366 * 24 * 3600;
    world.tamper("UPDATE credentials SET expires_at = NULL").await;
    let replaced = "SELECT COUNT(*) AS found FROM mobile_devices WHERE previous_jwk IS NOT NULL";
    assert_eq!(world.count(replaced).await, 0);
    world.advance(year).await;
    world.until("the new keys are used", async || world.count(replaced).await == 1).await;
    approves(&world, &driver).await;
    let announced = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'mobile_id.phone.new_keys'";
    assert_eq!(world.count(announced).await, 1, "once");

    // A new master secret: the server's key is another one, and the phone hears of it under the one that it knows.
    let before = knows(&driver).await;
    world.set("STEPGATE__SECRETS__MASTER", MASTER);
    world.set("STEPGATE__SECRETS__PREVIOUS", format!("[\"{}\"]", stepgate::boot::DEMO_MASTER).leak());
    world.kill_node(0);
    world.start_node(0).await;
    world.advance(year + 60).await;
    world.until("it keeps the new key", async || knows(&driver).await != before).await;
    approves(&world, &driver).await;

    // A phone that was away for too long says what to do, and shows nothing that it cannot read.
    driver.execute_async(MISS, Vec::new()).await.unwrap();
    shows(&driver, "#stale", "choose Replace beside this phone").await;
    let asked = waiting(&world).await;
    assert_eq!(asked.page.name(), "mobile-id-wait");
    assert!(!driver.query(By::Css("#number")).nowait().exists().await.unwrap());
    driver.quit().await.unwrap();
}

#[tokio::test]
async fn a_phone_that_was_just_set_up_is_tried_without_letting_anybody_in() {
    let Some(driver) = chromium(500, true).await else { return };
    let world = World::start(Backend::Sqlite).await;
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in("grace").await;
    let credential = between(&browser.page.text, "credential\" id=\"credential-", "\"");
    browser.submit(&[("credential", &credential)]).await;
    let code = between(&browser.page.text, "id=\"enrol-code\">", "<");
    driver.goto(format!("{}/mobile", world.issuer)).await.unwrap();
    fill(&driver, "#enrol-code", &code).await;
    click(&driver, "#enrol").await;
    let digits = text(&driver, "#confirm-digits").await;
    browser.submit(&[("digits", &digits)]).await;
    // What will be seen is said before.
    let words = browser.page.words();
    assert!(words.contains("this browser will show six digits") && words.contains("Try your phone"), "{words}");
    // In another session: the one in which the phone was set up has its strength from that.
    assert_eq!(browser.open("/account").await.strength(), "Mobile ID");
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in("grace").await;
    browser.submit(&[("skip", "1")]).await;
    browser.submit_with("/account/otp/test", &[("credential", &credential)]).await;
    if browser.page.name() == "factor" {
        browser.submit(&[("factor", "mobile_id")]).await;
    }
    let number = browser.page.match_number();
    shows(&driver, "#purpose", "To try it out: nobody is let in").await;
    fill(&driver, "#number", &number).await;
    click(&driver, "#approve").await;
    shows(&driver, "#result", "Approved").await;
    browser.submit(&[("approved", "1")]).await;
    assert!(browser.page.words().contains("works"), "{}", browser.page.words());
    browser.open("/account").await;
    assert_eq!(browser.page.strength(), "Password", "a test lifts nothing");
    browser.open("/account/otp").await;
    assert!(!browser.page.words().contains("Try your phone"));
    driver.quit().await.unwrap();
}
