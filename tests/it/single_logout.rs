//! Whatever ends a session, every partner in it hears of it, once.

use std::collections::BTreeMap;

use serde_json::Value;
use stepgate_tests::{Browser, Listener, Login, RelyingParty, World, on_each_backend_with};

/// The listener is on this machine: the guarded client must be told so.
const REACHABLE: &[(&str, &str)] = &[("STEPGATE__OUTBOUND__ALLOW", "[\"127.0.0.1/32\"]")];

/// Adds to what a client registered. Before anybody has used it: nodes keep what they have read for a minute.
async fn register(world: &World, client: &str, more: &[(&str, String)]) {
    let before = "\"frontchannel_logout_session_required\":false,";
    let mut metadata = "\"frontchannel_logout_session_required\":true,".to_owned();
    for (name, value) in more {
        metadata.push_str(&format!("\"{name}\":\"{value}\","));
    }
    world
        .tamper(&format!(
            "UPDATE clients SET metadata = REPLACE(metadata, '{before}', '{metadata}') WHERE client_id = '{client}'"
        ))
        .await;
}

async fn log_in(rp: &RelyingParty, browser: &mut Browser, username: &str) -> Login {
    let started = rp.start(&[]);
    browser.open(&started.url).await;
    if browser.page.name() != "outside" {
        browser.log_in(username).await;
    }
    rp.finish(&started, &browser.page).await
}

async fn partner(world: &World, more: &[&str]) -> (RelyingParty, Listener) {
    let listener = Listener::start().await;
    let uri = |name: &str| listener.url(if name == "backchannel_logout_uri" { "/told" } else { "/framed?t=1" });
    let more: Vec<(&str, String)> = more.iter().map(|name| (*name, uri(name))).collect();
    register(world, "demo-local", &more).await;
    (world.relying_party().await, listener)
}

/// Waits for the next message, and judges it.
async fn heard(world: &World, rp: &RelyingParty, listener: &Listener, count: usize, login: &Login, way: &str) {
    world.until(way, async || listener.taken().len() >= count).await;
    let taken = listener.taken();
    assert_eq!(taken.len(), count, "{way}");
    let claims = rp.logout_token(&taken[count - 1]);
    assert_eq!((&claims["sub"], &claims["sid"]), (&login.claims["sub"], &login.claims["sid"]), "{way}");
}

#[tokio::test]
async fn however_a_session_ends_the_partner_is_told() {
    on_each_backend_with(REACHABLE, |world| async move {
        // The partner sees pairwise subjects: what it is told must be the one that it knows.
        let pairwise = "UPDATE clients SET metadata = REPLACE(metadata, '\"subject_type\":\"public\"',
             '\"subject_type\":\"pairwise\"') WHERE client_id = 'demo-local'";
        world.tamper(pairwise).await;
        let (rp, listener) = partner(&world, &["backchannel_logout_uri"]).await;

        let mut browser = world.browser();
        let login = log_in(&rp, &mut browser, "alice").await;
        // Several grants in one session are one partner.
        log_in(&rp, &mut browser, "alice").await;
        let back = format!("/logout?id_token_hint={}&post_logout_redirect_uri=http://127.0.0.1/", login.id_token);
        browser.open(&back).await;
        assert_eq!(browser.page.name(), "outside");
        assert_eq!(listener.taken().len(), 1, "it hears before the browser is sent back");
        heard(&world, &rp, &listener, 1, &login, "the partner asked for it").await;

        let login = log_in(&rp, &mut browser, "alice").await;
        browser.open("/account").await;
        browser.submit_to("/account/sign-out").await;
        assert_eq!(browser.page.name(), "logged-out");
        assert!(!browser.page.words().contains("could not reach"));
        heard(&world, &rp, &listener, 2, &login, "Sign out").await;

        let login = log_in(&rp, &mut browser, "alice").await;
        browser.open("/account/sessions").await;
        browser.submit(&[("session", login.claims["sid"].as_str().unwrap())]).await;
        assert_eq!(browser.page.name(), "logged-out");
        heard(&world, &rp, &listener, 3, &login, "End").await;

        let login = log_in(&rp, &mut browser, "alice").await;
        let mut other = world.browser();
        other.open("/account").await;
        other.log_in("alice").await;
        other.open("/account/sessions").await;
        other.submit_to("/account/sessions/end-others").await;
        heard(&world, &rp, &listener, 4, &login, "End all others").await;

        // Somebody else logs in, in the same browser.
        let login = log_in(&rp, &mut browser, "alice").await;
        let started = rp.start(&[("prompt", "select_account")]);
        browser.open(&started.url).await;
        assert_eq!(browser.page.name(), "login", "{}", browser.page.words());
        browser.log_in("petra").await;
        let second = rp.finish(&started, &browser.page).await;
        heard(&world, &rp, &listener, 5, &login, "somebody else logged in").await;

        let mut admin = world.browser();
        admin.open("/admin/people/petra").await;
        admin.log_in("admin").await;
        admin.open("/admin/people/petra").await;
        admin.submit(&[("reason", "a test")]).await;
        heard(&world, &rp, &listener, 6, &second, "suspended").await;
        let tried = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'logout.told'";
        assert_eq!(world.count(tried).await, 6);
    })
    .await;
}

#[tokio::test]
async fn a_partner_that_does_not_listen_is_told_again_and_the_person_learns_of_it() {
    on_each_backend_with(REACHABLE, |world| async move {
        let (rp, listener) = partner(&world, &["backchannel_logout_uri"]).await;
        listener.answers(&[500, 302, 400]);
        let mut browser = world.browser();
        let login = log_in(&rp, &mut browser, "alice").await;
        browser.open("/account").await;
        browser.submit_to("/account/sign-out").await;
        assert!(browser.page.words().contains("could not reach A client on this machine"), "{}", browser.page.words());
        for (number, wait) in [(2, 6), (3, 16), (4, 61)] {
            world.advance(wait).await;
            world.until("the next try", async || listener.told().len() == number).await;
        }
        heard(&world, &rp, &listener, 1, &login, "the fourth try").await;
        let jti = |(token, _): &(String, u16)| rp.logout_token(token)["jti"].clone();
        let told = listener.told();
        assert!(told.iter().all(|one| jti(one) == jti(&told[0])), "a repetition must be recognised");

        // One that never listens is given up.
        listener.answers(&[500; 20]);
        log_in(&rp, &mut browser, "alice").await;
        browser.open("/account").await;
        browser.submit_to("/account/sign-out").await;
        let given_up = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'logout.not_told'";
        let before = listener.told().len();
        for number in 0..8 {
            world.advance(50_000).await;
            world.until("another try", async || listener.told().len() > before + number).await;
        }
        world.until("it is given up", async || world.count(given_up).await == 1).await;
        assert_eq!(listener.told().len(), before + 8);
    })
    .await;
}

#[tokio::test]
async fn a_node_dies_while_it_tells_and_another_tells_in_its_place() {
    on_each_backend_with(REACHABLE, |world| async move {
        let (rp, listener) = partner(&world, &["backchannel_logout_uri"]).await;
        listener.answers(&[0]);
        let mut browser = world.browser();
        let login = log_in(&rp, &mut browser, "alice").await;
        // Only the last node is there to do it.
        let last = world.nodes() - 1;
        if last > 0 {
            world.kill_node(0);
        }
        browser.open("/account").await;
        let mut leaving = browser.clone();
        let request = leaving.prepared_to("/account/sign-out");
        let leaves = tokio::spawn(async move { request.send().await });
        world.until("the first try", async || listener.told().len() == 1).await;
        world.kill_node(last);
        let _ = leaves.await.unwrap();
        world.start_node(0).await;
        if last > 0 {
            world.start_node(last).await;
        }
        leaving.open("/account").await;
        assert_eq!(leaving.page.name(), "login", "the session had ended");
        world.advance(20).await;
        heard(&world, &rp, &listener, 1, &login, "after the crash").await;
        world.advance(100).await;
        let open = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'logout' AND done_at IS NULL";
        world.until("the message is done", async || world.count(open).await == 0).await;
        assert_eq!(listener.told().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn each_message_is_taken_once_whichever_node_brings_it() {
    on_each_backend_with(REACHABLE, |world| async move {
        let (rp, listener) = partner(&world, &["backchannel_logout_uri"]).await;
        const SESSIONS: usize = 12;
        listener.answers(&[503; SESSIONS]);
        let mut kept = world.browser();
        kept.open("/account").await;
        kept.log_in("alice").await;
        for _ in 0..SESSIONS {
            log_in(&rp, &mut world.browser(), "alice").await;
        }
        kept.open("/account/sessions").await;
        kept.submit_to("/account/sessions/end-others").await;
        world.until("all first tries", async || listener.told().len() == SESSIONS).await;
        // Both nodes find them due at the same moment.
        world.advance(10).await;
        world.until("all are taken", async || listener.taken().len() >= SESSIONS).await;
        let open = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'logout' AND done_at IS NULL";
        world.until("all are done", async || world.count(open).await == 0).await;
        world.advance(1000).await;
        let mut by_session: BTreeMap<String, usize> = BTreeMap::new();
        for token in listener.taken() {
            let sid: Value = rp.logout_token(&token)["sid"].clone();
            *by_session.entry(sid.as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!(by_session.len(), SESSIONS);
        assert!(by_session.values().all(|count| *count == 1), "{by_session:?}");
    })
    .await;
}

#[tokio::test]
async fn the_browser_tells_partners_in_frames_of_theirs_and_goes_on() {
    on_each_backend_with(REACHABLE, |world| async move {
        let (rp, listener) = partner(&world, &["frontchannel_logout_uri"]).await;
        let mut browser = world.browser();
        let login = log_in(&rp, &mut browser, "alice").await;
        let cookies = browser.cookies();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let url = format!(
            "{}/logout?id_token_hint={}&post_logout_redirect_uri=http://127.0.0.1/&state=xyz",
            world.issuer, login.id_token
        );
        let answer = http.get(url).header("cookie", cookies).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.ends_with(&format!("; frame-src http://127.0.0.1:{}", listener.port)), "{policy}");
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
        let page = answer.text().await.unwrap().replace("&#38;", "&");
        let issuer: String = url::form_urlencoded::byte_serialize(world.issuer.as_bytes()).collect();
        let frame =
            format!("{}&iss={issuer}&sid={}", listener.url("/framed?t=1"), login.claims["sid"].as_str().unwrap());
        assert!(page.contains(&format!("<iframe class=\"sr\" src=\"{frame}\"")), "{page}");
        assert_eq!(page.matches("<iframe").count(), 1);
        for way_on in
            ["href=\"http://127.0.0.1/?state=xyz\" data-onward", "content=\"4;url=http://127.0.0.1/?state=xyz\""]
        {
            assert!(page.contains(way_on), "{way_on}: {page}");
        }
        assert_eq!(browser.open("/account").await.name(), "login");
    })
    .await;
}
