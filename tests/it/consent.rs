//! Consent: asked, remembered, taken back.

use stepgate_tests::{Browser, Login, Page, RelyingParty, Started, World, on_each_backend};

const CALLBACK: &str = "http://127.0.0.1/callback";

async fn asking(world: &World) -> RelyingParty {
    RelyingParty::discover(&world.issuer, "demo-consent", Some("demo-consent-secret"), CALLBACK).await
}

async fn begin(rp: &RelyingParty, browser: &mut Browser, more: &[(&str, &str)]) -> (Started, Page) {
    let started = rp.start(more);
    let page = browser.open(&started.url).await.clone();
    (started, page)
}

/// Asks, is asked for consent, and gets tokens once it is given.
async fn allow(rp: &RelyingParty, browser: &mut Browser, more: &[(&str, &str)]) -> Login {
    let (started, page) = begin(rp, browser, more).await;
    assert_eq!(page.name(), "consent", "{more:?}: {}", page.words());
    browser.submit(&[("decision", "allow")]).await;
    rp.finish(&started, &browser.page).await
}

#[tokio::test]
async fn the_first_page_and_the_question_show_who_asks_for_what() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (asking(&world).await, world.browser());
        let (started, login) = begin(&rp, &mut browser, &[]).await;
        assert_eq!(login.name(), "login");
        browser.log_in("alice").await;
        let consent = browser.page.clone();
        assert_eq!(consent.name(), "consent");
        for page in [&login, &consent] {
            let logo = format!(
                "<img src=\"{}/iron-works.svg\" alt=\"\" width=\"40\" height=\"40\" referrerpolicy=\"no-referrer\"",
                world.partner
            );
            assert!(page.text.contains(&logo), "{}: {}", page.name(), page.text);
            for path in ["/privacy", "/terms"] {
                assert!(page.text.contains(&format!("href=\"{}{path}\"", world.partner)), "{}: {path}", page.name());
            }
            assert!(page.words().contains("Girder Planner"));
        }
        let words = consent.words();
        for said in
            ["Know who you are", "See your profile Alice Archer (alice), date of birth", "alice@iron-builders.example"]
        {
            assert!(words.contains(said), "{said}: {words}");
        }
        assert!(!words.contains("telephone") && !words.contains("away"), "{words}");
        browser.submit(&[("decision", "deny")]).await;
        assert_eq!(rp.error(&started, &browser.page), "access_denied");
    })
    .await;
}

#[tokio::test]
async fn a_yes_is_remembered_for_exactly_what_it_was_given() {
    on_each_backend(|world| async move {
        let (rp, mut browser) = (asking(&world).await, world.browser());
        browser.open("/account").await;
        browser.log_in("alice").await;
        let (silent, _) = begin(&rp, &mut browser, &[("prompt", "none")]).await;
        assert_eq!(rp.error(&silent, &browser.page), "consent_required");
        allow(&rp, &mut browser, &[("scope", "openid email")]).await;
        let goes_through = async |browser: &mut Browser, more: &[(&str, &str)]| {
            let (started, page) = begin(&rp, browser, more).await;
            assert_eq!(page.name(), "outside", "{more:?}: {}", page.words());
            rp.finish(&started, &page).await
        };
        goes_through(&mut browser, &[("scope", "openid email")]).await;
        goes_through(&mut browser, &[("scope", "openid"), ("prompt", "none")]).await;
        // A single claim is asked for, and is not the whole profile.
        let claim = [("scope", "openid"), ("claims", r#"{"userinfo":{"given_name":null}}"#)];
        let (_, page) = begin(&rp, &mut browser, &claim).await;
        assert!(page.words().contains("See your first name Alice"), "{}", page.words());
        let login = allow(&rp, &mut browser, &claim).await;
        assert_eq!(rp.userinfo(&login.access_token).await.1["given_name"], "Alice");
        goes_through(&mut browser, &claim).await;
        let (_, page) = begin(&rp, &mut browser, &[("scope", "openid profile")]).await;
        assert_eq!(page.name(), "consent");
        // What was allowed is still allowed, what is wished is asked, and to act in absence is asked every time.
        allow(&rp, &mut browser, &[("scope", "openid phone")]).await;
        goes_through(&mut browser, &[("scope", "openid phone email")]).await;
        allow(&rp, &mut browser, &[("scope", "openid"), ("prompt", "consent")]).await;
        for _ in 0..2 {
            allow(&rp, &mut browser, &[("scope", "openid offline_access")]).await;
        }
        // The operator vouches for this one: it is asked about where it wishes so, or wants to act in absence.
        let trusted = world.relying_party().await;
        let (started, page) = begin(&trusted, &mut browser, &[]).await;
        trusted.finish(&started, &page).await;
        for _ in 0..2 {
            allow(&trusted, &mut browser, &[("scope", "openid offline_access")]).await;
            allow(&trusted, &mut browser, &[("scope", "openid"), ("prompt", "consent")]).await;
        }
        let (silent, page) =
            begin(&trusted, &mut browser, &[("scope", "openid offline_access"), ("prompt", "none")]).await;
        assert_eq!(trusted.error(&silent, &page), "consent_required");
        // Another person was asked nothing yet.
        let mut other = world.browser();
        other.open("/account").await;
        other.log_in("petra").await;
        assert_eq!(begin(&rp, &mut other, &[("scope", "openid")]).await.1.name(), "consent");
    })
    .await;
}

#[tokio::test]
async fn what_was_allowed_can_be_taken_back_and_everything_ends_at_once() {
    on_each_backend(|world| async move {
        let opaque = "UPDATE clients SET metadata = REPLACE(metadata, '\"access_token_format\":\"jwt\"',
             '\"access_token_format\":\"opaque\"') WHERE client_id = 'demo-consent'";
        world.tamper(opaque).await;
        let (rp, trusted, mut browser) = (asking(&world).await, world.relying_party().await, world.browser());
        browser.open("/account").await;
        browser.log_in("alice").await;
        let login = allow(&rp, &mut browser, &[("scope", "openid email offline_access")]).await;
        let later = allow(&rp, &mut browser, &[("scope", "openid"), ("prompt", "consent")]).await;
        let (started, page) = begin(&trusted, &mut browser, &[]).await;
        let kept = trusted.finish(&started, &page).await;
        for token in [&login.access_token, &later.access_token] {
            assert!(!token.contains('.'), "opaque");
            assert_eq!(rp.introspect(token).await["active"], true);
        }
        browser.open("/account/applications").await;
        assert_eq!(browser.page.name(), "account-applications");
        let words = browser.page.words();
        for said in ["Girder Planner", "You allowed it", "See your email address", "Stay connected", "last used"] {
            assert!(words.contains(said), "{said}: {words}");
        }
        assert!(words.contains("A client on this machine Your administrator vouches for it"), "{words}");
        // Without the page's proof nothing happens.
        let forged = rp.http.post(format!("{}/account/applications/revoke", world.issuer));
        let forged = forged.header("cookie", browser.cookies()).form(&[("client", "demo-consent")]);
        assert_eq!(forged.send().await.unwrap().status(), 403);
        assert_eq!(rp.introspect(&login.access_token).await["active"], true);

        browser.submit(&[("client", "demo-consent")]).await;
        assert_eq!(browser.page.name(), "account-applications");
        assert!(!browser.page.words().contains("Girder Planner"), "{}", browser.page.words());
        for token in [&login.access_token, &later.access_token, login.refresh_token.as_ref().unwrap()] {
            assert_eq!(rp.introspect(token).await["active"], false);
        }
        let token = login.refresh_token.as_deref().unwrap();
        let (_, refused) = rp.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await;
        assert_eq!(refused["error"], "invalid_grant");
        assert_eq!(trusted.introspect(&kept.access_token).await["active"], true, "another application's is untouched");
        assert_eq!(begin(&rp, &mut browser, &[("scope", "openid")]).await.1.name(), "consent");
        let told = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'consent.revoked'";
        assert_eq!(world.count(told).await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_application_that_starts_its_own_login_is_told_who_and_for_whom() {
    on_each_backend(|world| async move {
        let mut browser = world.browser();
        browser.open("/applications").await;
        browser.log_in("alice").await;
        let page = browser.page.text.replace("&#38;", "&");
        let (_, rest) = page.split_once(&format!("{}/initiate?", world.partner)).unwrap();
        let query = rest.split_once('"').unwrap().0;
        let sent: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let expected =
            [("iss", &world.issuer), ("login_hint", &"alice".to_owned()), ("target_link_uri", &world.partner)];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.clone())));
        // The application goes to its own provider, and to no other.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let begun = http.get(format!("{}/initiate?{query}", world.partner)).send().await.unwrap();
        let location = begun.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.starts_with(&format!("{}/authorize?", world.issuer)) && location.contains("login_hint=alice"));
        let foreign = format!("{}/initiate?iss=https%3A%2F%2Fevil.example", world.partner);
        assert!(!http.get(foreign).send().await.unwrap().headers().contains_key("location"));
        // For somebody who is not logged in, the name is there already.
        let mut fresh = world.browser();
        fresh.open(&location).await;
        assert!(fresh.page.text.contains("value=\"alice\""), "{}", fresh.page.text);
    })
    .await;
}
