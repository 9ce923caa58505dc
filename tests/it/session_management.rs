//! Logout in a real browser: the page that partners ask, the frames that tell them, the demo's own partner.

use serde_json::json;
use stepgate_tests::{Backend, Listener, World};
use thirtyfour::prelude::*;

use crate::chromium::{chromium, click, fill, find, shows, text};

async fn log_in(driver: &WebDriver, username: &str) {
    fill(driver, "main[data-page=login] #username", username).await;
    click(driver, "#continue").await;
    fill(driver, "main[data-page=password] #password", "stepgate-demo-2026").await;
    click(driver, "#continue").await;
}

/// Changes what `demo-local` registered, before anybody has used it.
async fn registered(world: &World, from: &str, to: &str) {
    let sql =
        format!("UPDATE clients SET metadata = REPLACE(metadata, '{from}', '{to}') WHERE client_id = 'demo-local'");
    world.tamper(&sql).await;
}

/// Asks the provider's frame on the partner's page.
async fn ask(driver: &WebDriver, message: &str) -> String {
    let script = "const [message, done] = arguments; window.ask(message).then(done);";
    let answer = driver.execute_async(script, vec![json!(message)]).await.unwrap();
    answer.json().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_partners_page_learns_without_asking_us_that_the_session_changed() {
    let Some(driver) = chromium(1100, true).await else { return };
    let (world, listener) = (World::start(Backend::Sqlite).await, Listener::start().await);
    let page = format!("http://localhost:{}/page", listener.port);
    registered(&world, "http://127.0.0.1/callback", &page).await;
    listener.shows(&format!(
        "<!doctype html><title>Partner</title><iframe id=op src='{}/session/check'></iframe><script>
         window.ask = (message) => new Promise((done) => {{
           const say = () => document.getElementById('op').contentWindow.postMessage(message, '{0}');
           // Until the frame is there to hear it.
           const again = setInterval(say, 500);
           addEventListener('message', (event) => {{
             if (event.origin !== '{0}') return;
             clearInterval(again);
             done(event.data);
           }}, {{ once: true }});
           say();
         }});</script>",
        world.issuer
    ));
    let rp =
        stepgate_tests::RelyingParty::discover(&world.issuer, "demo-local", Some("demo-local-secret"), &page).await;
    driver.goto(&rp.start(&[]).url).await.unwrap();
    log_in(&driver, "alice").await;
    find(&driver, "#op").await;
    let url = driver.current_url().await.unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "session_state").unwrap().1.into_owned();
    let question = format!("demo-local {state}");
    assert_eq!(ask(&driver, &question).await, "unchanged");
    assert_eq!(ask(&driver, &format!("demo-spa {state}")).await, "changed", "the state of one client is no other's");
    for nonsense in ["", "demo-local", "demo-local x", "demo-local a.b.c", " a.b"] {
        assert_eq!(ask(&driver, nonsense).await, "error", "{nonsense:?}");
    }
    // A silent renewal has another salt, and says the same.
    let partner = driver.window().await.unwrap();
    driver.goto(&rp.start(&[("prompt", "none")]).url).await.unwrap();
    let url = driver.current_url().await.unwrap();
    let renewed = url.query_pairs().find(|(name, _)| name == "session_state").unwrap().1.into_owned();
    assert_ne!(renewed, state);
    assert_eq!(ask(&driver, &question).await, "unchanged");
    // Signed out in another window; then in again: another session.
    let window = driver.new_window().await.unwrap();
    for again in [false, true] {
        driver.switch_to_window(window.clone()).await.unwrap();
        driver.goto(format!("{}/account", world.issuer)).await.unwrap();
        if again {
            log_in(&driver, "alice").await;
            find(&driver, "main[data-page=account]").await;
        } else {
            click(&driver, "#sign-out").await;
            find(&driver, "main[data-page=logged-out]").await;
        }
        driver.switch_to_window(partner.clone()).await.unwrap();
        assert_eq!(ask(&driver, &question).await, "changed", "again: {again}");
    }
    driver.quit().await.unwrap();
}

#[tokio::test]
async fn hidden_frames_tell_partners_and_the_browser_goes_on_with_and_without_scripts() {
    for scripts in [true, false] {
        let Some(driver) = chromium(1100, scripts).await else { return };
        let (world, listener) = (World::start(Backend::Sqlite).await, Listener::start().await);
        let page = format!("http://localhost:{}/page", listener.port);
        listener.shows("<!doctype html><title>Partner</title><p id=back>Back</p>");
        registered(&world, "http://127.0.0.1/callback", &page).await;
        registered(&world, "http://127.0.0.1/\"", &format!("{page}\"")).await;
        let framed = format!(
            "\"frontchannel_logout_uri\":\"{}\",\"frontchannel_logout_session_required\":true",
            listener.url("/framed")
        );
        registered(&world, "\"frontchannel_logout_session_required\":false", &framed).await;
        let rp =
            stepgate_tests::RelyingParty::discover(&world.issuer, "demo-local", Some("demo-local-secret"), &page).await;
        let started = rp.start(&[]);
        driver.goto(&started.url).await.unwrap();
        log_in(&driver, "alice").await;
        find(&driver, "#back").await;
        let url = driver.current_url().await.unwrap();
        let code = url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let (_, tokens) = rp.token(&rp.exchange_fields(&started, &code)).await;
        let mut logout = url::Url::parse(&format!("{}/logout", world.issuer)).unwrap();
        logout
            .query_pairs_mut()
            .append_pair("id_token_hint", tokens["id_token"].as_str().unwrap())
            .append_pair("post_logout_redirect_uri", &page)
            .append_pair("state", "xyz");
        driver.goto(logout.as_str()).await.unwrap();
        let back = format!("{page}?state=xyz");
        world.until("it goes on", async || driver.current_url().await.unwrap().as_str() == back).await;
        let framed = listener.framed();
        assert_eq!(framed.len(), 1, "scripts: {scripts}");
        assert_eq!(framed[0]["iss"], world.issuer);
        driver.quit().await.unwrap();
    }
}

#[tokio::test]
async fn the_demos_partner_shows_that_the_provider_logged_the_person_out() {
    let Some(driver) = chromium(1100, true).await else { return };
    let world = World::start(Backend::Sqlite).await;
    driver.goto(&world.partner).await.unwrap();
    click(&driver, "#plain").await;
    log_in(&driver, "alice").await;
    find(&driver, "#id-token-claims").await;
    driver.goto(format!("{}/account", world.issuer)).await.unwrap();
    click(&driver, "#sign-out").await;
    find(&driver, "main[data-page=logged-out]").await;
    assert!(!text(&driver, "main").await.contains("could not reach"));
    driver.goto(&world.partner).await.unwrap();
    shows(&driver, "#told", "You were logged out by the provider.").await;
    assert!(!driver.query(By::Css("#id-token-claims")).nowait().exists().await.unwrap());
    driver.quit().await.unwrap();
}
