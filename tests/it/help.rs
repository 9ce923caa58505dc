//! The help pages: they are there, they lead on, and each person rates each of them once.

use stepgate_tests::{logged_in, on_each_backend};

/// Every address of ours that a page leads to.
fn links(text: &str) -> Vec<String> {
    let found = text.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next());
    found.filter(|link| !link.starts_with("static/")).map(|link| format!("/{link}")).collect()
}

#[tokio::test]
async fn every_page_is_served_to_everybody_and_leads_on() {
    on_each_backend(|world| async move {
        let mut stranger = world.browser();
        stranger.open("/help").await;
        assert_eq!((stranger.page.name(), stranger.page.status.as_u16()), ("help", 200));
        let mut pages: Vec<String> =
            links(&stranger.page.text).into_iter().filter(|link| link.starts_with("/help/")).collect();
        pages.retain(|link| !link.contains('#'));
        pages.sort();
        pages.dedup();
        assert_eq!(pages.len(), 11, "{pages:?}");
        for path in &pages {
            stranger.open(path).await;
            let page = stranger.page.clone();
            assert_eq!(page.status.as_u16(), 200, "{path}");
            assert_eq!(page.name(), format!("help-{}", &path[6..]));
            assert!(
                page.has("sign-in-to-rate")
                    && page.words().contains("Page contents")
                    && page.words().contains("Jump to")
            );
            assert!(page.text.contains("<svg class=\"drawing\""), "{path}: no picture");
            for link in links(&page.text) {
                let (target, id) = link.split_once('#').unwrap_or((&link, ""));
                let answer = world.browser().open(target).await.clone();
                assert_eq!(answer.status.as_u16(), 200, "{path} leads to {link}");
                assert!(id.is_empty() || answer.has(id) || answer.name() == "login", "{path} leads to {link}");
            }
        }
        assert_eq!(stranger.open("/help/nothing").await.status.as_u16(), 404);
    })
    .await;
}

#[tokio::test]
async fn a_person_rates_a_page_once_and_may_think_again() {
    on_each_backend(|world| async move {
        let path = "/help/get-started";
        let mut alice = logged_in(&world, "alice").await;
        alice.open(path).await;
        assert!(alice.page.words().contains("Nobody has rated this page yet"), "{}", alice.page.words());
        alice.submit(&[("stars", "2")]).await;
        assert_eq!(alice.page.url.path(), path);
        assert!(alice.page.words().contains("2.0 of 5, 1 rating."), "{}", alice.page.words());
        alice.submit(&[("stars", "5")]).await;
        assert!(alice.page.words().contains("5.0 of 5, 1 rating."), "{}", alice.page.words());
        // The same form from many windows at once, over all nodes: one rating.
        let presses: Vec<_> = (0..6).map(|_| tokio::spawn(alice.prepared(&[("stars", "4")]).send())).collect();
        for press in presses {
            assert!(press.await.unwrap().unwrap().status().is_redirection());
        }
        let mut bob = logged_in(&world, "bob").await;
        bob.open(path).await;
        bob.submit(&[("stars", "3")]).await;
        assert!(bob.page.words().contains("3.5 of 5, 2 ratings."), "{}", bob.page.words());
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM help_ratings").await, 2);
        for nonsense in ["0", "6", "-1", "five", ""] {
            bob.submit(&[("stars", nonsense)]).await;
            assert_eq!(bob.page.status.as_u16(), 422, "{nonsense}");
            assert!(bob.page.words().contains("choose one to five stars"), "{nonsense}");
            assert!(bob.page.words().contains("3.5 of 5, 2 ratings."), "{nonsense}");
        }
        bob.open("/help/overview").await;
        assert!(bob.page.words().contains("Nobody has rated"), "each page has ratings of its own");
        // Whoever is not logged in is led to the login, and back to the help.
        let mut stranger = world.browser();
        assert_eq!(stranger.open("/help/get-started/rate").await.name(), "login");
        stranger.log_in("carol").await;
        stranger.submit(&[("skip", "1")]).await;
        assert_eq!(stranger.page.url.path(), "/help/get-started");
    })
    .await;
}

#[tokio::test]
async fn help_is_offered_where_people_get_stuck() {
    on_each_backend(|world| async move {
        let mut bob = world.browser();
        bob.open("/account").await;
        bob.log_in("bob").await;
        bob.submit(&[("factor", "phone_otp"), ("channel", "text")]).await;
        assert!(bob.page.text.contains("/help/phone-otp#no-code"), "{}", bob.page.words());
        let mut dave = world.browser();
        dave.open("/account").await;
        dave.log_in("dave").await;
        dave.submit(&[("factor", "hardware_token")]).await;
        assert!(dave.page.text.contains("/help/hardware-token#refused"));
        let mut frank = logged_in(&world, "frank").await;
        assert!(frank.open("/account/otp").await.text.contains("/help/renewals#late"), "an expired one");
        let mut grace = logged_in(&world, "grace").await;
        assert!(grace.open("/account/otp").await.text.contains("/help/mobile-id#set-up"), "a pending one");
        let rp = world.relying_party().await;
        let started = rp.start(&[("acr_values", "urn:stepgate:acr:hardware-token")]);
        let mut alice = world.browser();
        alice.open(&started.url).await;
        alice.log_in("alice").await;
        assert!(alice.page.text.contains("/help/application-access#refused"), "{}", alice.page.words());
    })
    .await;
}
