//! RP-Initiated Logout, case by case.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use stepgate_core::jose::{PrivateKey, SigningAlgorithm};
use stepgate_tests::{Browser, Login, RelyingParty, World, on_each_backend};

const BACK: &str = "http://127.0.0.1/";

type Parameters<'a> = Vec<(&'a str, &'a str)>;

/// A person who is logged in at the relying party.
async fn logged_in(world: &World, rp: &RelyingParty, username: &str) -> (Browser, Login) {
    let (mut browser, started) = (world.browser(), rp.start(&[]));
    browser.open(&started.url).await;
    browser.log_in(username).await;
    let login = rp.finish(&started, &browser.page).await;
    (browser, login)
}

fn request(parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("/logout?{}", query.finish())
}

/// Whether the browser still has its session.
async fn is_logged_in(rp: &RelyingParty, browser: &mut Browser) -> bool {
    let silent = rp.start(&[("prompt", "none")]);
    browser.open(&silent.url).await;
    match browser.page.parameter("code") {
        Some(_) => true,
        None => {
            assert_eq!(rp.error(&silent, &browser.page), "login_required");
            false
        }
    }
}

#[tokio::test]
async fn a_hint_and_a_registered_uri_lead_back_with_the_state_and_nothing_else() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        for (state, expected) in [(Some("a b&c"), "http://127.0.0.1/?state=a%20b%26c"), (None, BACK)] {
            let (mut browser, login) = logged_in(&world, &rp, "alice").await;
            let mut parameters = vec![("id_token_hint", login.id_token.as_str()), ("post_logout_redirect_uri", BACK)];
            parameters.extend(state.map(|state| ("state", state)));
            browser.open(&request(&parameters)).await;
            assert_eq!((browser.page.name(), browser.page.url.as_str()), ("outside", expected));
            assert!(!is_logged_in(&rp, &mut browser).await);
            assert!(!browser.cookies().contains("session=") && !browser.cookies().contains("state="));
            // Once more: there is nothing left to end, and the way back is the same.
            browser.open(&request(&parameters)).await;
            assert_eq!(browser.page.url.as_str(), expected);
        }
        // An ID token that has expired is a hint all the same; so is a request that comes by POST.
        let (mut browser, login) = logged_in(&world, &rp, "alice").await;
        world.advance(700).await;
        let parameters = [
            ("id_token_hint", login.id_token.as_str()),
            ("post_logout_redirect_uri", BACK),
            ("client_id", &rp.client_id),
        ];
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let posted = http.post(format!("{}/logout", world.issuer)).form(&parameters).send().await.unwrap();
        // Cookies do not come with a form of another site: the browser comes again, by GET.
        let again = posted.headers()["location"].to_str().unwrap();
        assert!(again.starts_with("/logout?id_token_hint="), "{again}");
        browser.open(again).await;
        assert_eq!(browser.page.url.as_str(), BACK);
        assert!(!is_logged_in(&rp, &mut browser).await);
    })
    .await;
}

/// The hint without its signature, and with one of a stranger.
fn forged(login: &Login) -> [String; 3] {
    let parts: Vec<&str> = login.id_token.split('.').collect();
    let header: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(parts[0].as_bytes()).unwrap()).unwrap();
    let none = BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
    let pkcs8 = PrivateKey::generate_pkcs8(SigningAlgorithm::Rs256).unwrap();
    let stranger = PrivateKey::from_pkcs8(SigningAlgorithm::Rs256, &pkcs8).unwrap();
    let cut = &parts[2][..parts[2].len() - 4];
    [
        format!("{none}.{}.", parts[1]),
        stranger.sign_as("JWT", header["kid"].as_str().unwrap(), &login.claims).unwrap(),
        format!("{}.{}.{cut}AAAA", parts[0], parts[1]),
    ]
}

#[tokio::test]
async fn whatever_is_not_the_clients_leads_nowhere_and_ends_nothing() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let (mut browser, login) = logged_in(&world, &rp, "alice").await;
        let hint = login.id_token.as_str();
        let mut cases: Vec<Parameters<'_>> = vec![
            vec![("id_token_hint", hint), ("post_logout_redirect_uri", "http://127.0.0.1/?foo=bar"), ("state", "s")],
            vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/"), ("state", "s")],
            vec![("id_token_hint", hint), ("post_logout_redirect_uri", BACK), ("client_id", "demo-spa")],
            vec![("id_token_hint", "nonsense"), ("post_logout_redirect_uri", BACK)],
        ];
        let forged = forged(&login);
        for hint in &forged {
            cases.push(vec![("id_token_hint", hint), ("post_logout_redirect_uri", BACK), ("state", "s")]);
        }
        for case in cases {
            browser.open(&request(&case)).await;
            assert_eq!((browser.page.name(), browser.page.status.as_u16()), ("error", 400), "{case:?}");
            assert!(is_logged_in(&rp, &mut browser).await, "{case:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_cannot_show_a_hint_of_this_session_is_asked_for_by_the_person() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let (_, elsewhere) = logged_in(&world, &rp, "alice").await;
        let (_, other) = logged_in(&world, &rp, "petra").await;
        let cases: Vec<(Parameters<'_>, Option<&str>)> = vec![
            (vec![], None),
            (vec![("state", "s")], None),
            (vec![("post_logout_redirect_uri", BACK), ("state", "s")], None),
            (vec![("post_logout_redirect_uri", BACK), ("client_id", &rp.client_id)], None),
            (
                vec![("id_token_hint", &elsewhere.id_token), ("post_logout_redirect_uri", BACK), ("state", "s")],
                Some("http://127.0.0.1/?state=s"),
            ),
            (vec![("id_token_hint", &other.id_token), ("post_logout_redirect_uri", BACK)], Some(BACK)),
        ];
        for (case, back) in cases {
            let (mut browser, _) = logged_in(&world, &rp, "alice").await;
            browser.open(&request(&case)).await;
            assert_eq!(browser.page.name(), "logout-confirm", "{case:?}");
            assert_eq!(browser.page.words().contains("asks to sign you out"), back.is_some(), "{case:?}");
            let asked = browser.clone();
            browser.submit(&[("decision", "stay")]).await;
            assert!(is_logged_in(&rp, &mut browser).await, "{case:?}");
            browser.page = asked.page;
            browser.submit(&[("decision", "logout")]).await;
            match back {
                Some(back) => assert_eq!(browser.page.url.as_str(), back),
                None => assert_eq!(browser.page.name(), "logged-out", "{case:?}"),
            }
            assert!(!is_logged_in(&rp, &mut browser).await, "{case:?}");
        }
        // A hint without a URI needs no question; a browser without a session has nothing to be asked about.
        let (mut browser, login) = logged_in(&world, &rp, "alice").await;
        browser.open(&request(&[("id_token_hint", &login.id_token)])).await;
        assert_eq!(browser.page.name(), "logged-out");
        assert!(!is_logged_in(&rp, &mut browser).await);
        assert_eq!(world.browser().open("/logout?state=s").await.name(), "logged-out");
    })
    .await;
}

#[tokio::test]
async fn discovery_names_what_there_is() {
    on_each_backend(|world| async move {
        let url = format!("{}/.well-known/openid-configuration", world.issuer);
        let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        assert_eq!(document["end_session_endpoint"], json!(format!("{}/logout", world.issuer)));
        for name in ["frontchannel", "backchannel"] {
            assert_eq!(document[format!("{name}_logout_supported")], true);
            assert_eq!(document[format!("{name}_logout_session_supported")], true);
        }
        // The one page that others may frame; no other is.
        let header = |answer: &reqwest::Response, name: &str| {
            answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let check = reqwest::get(document["check_session_iframe"].as_str().unwrap()).await.unwrap();
        assert_eq!(check.status(), 200);
        assert!(!check.headers().contains_key("x-frame-options"));
        assert!(!header(&check, "content-security-policy").contains("frame-ancestors"));
        let login = reqwest::get(format!("{}/account", world.issuer)).await.unwrap();
        assert_eq!(header(&login, "x-frame-options"), "DENY");
        let policy = header(&login, "content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("frame-src"), "{policy}");
    })
    .await;
}
