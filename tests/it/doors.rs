//! What opens one door opens no other (T9), and words of others are never markup (T32).

use stepgate_tests::{Browser, World, on_each_backend};

use crate::hardware_tokens::{HEX, logged_in, propose};
use crate::recovery::{link, mail};

/// The one-time words of a mail, and what they are for.
async fn asked(world: &World, path: &str, login: &str, words: &str) -> String {
    let mut browser = world.browser();
    browser.open(path).await;
    browser.submit(&[("login", login)]).await;
    link(&mail(world, "alice", words).await).split_once("link=").unwrap().1.to_owned()
}

async fn made(browser: &mut Browser) -> String {
    browser.open("/account/otp/recovery").await;
    browser.submit_to("/account/otp/recovery/make").await;
    browser.page.text.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn t9_what_opens_one_door_opens_no_other() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let mut alice = logged_in(&world, "alice").await;
        let recovery = made(&mut alice).await;
        let password = asked(&world, "/help/password", "alice", "asked for a new password").await;
        let notice = mail(&world, "alice", "New recovery codes were made").await;
        let not_me = notice.split_once("/not-me?token=").unwrap().1.split_whitespace().next().unwrap().to_owned();
        let started = rp.start(&[]);
        alice.open(&started.url).await;
        let login = rp.finish(&started, &alice.page).await;
        let cookie = alice.cookies().rsplit('=').next().unwrap().to_owned();
        let parked = {
            let mut other = world.browser();
            other.open("/account").await;
            other.page.url.path().rsplit('/').next().unwrap().to_owned()
        };
        let words = [
            ("a recovery code", recovery.as_str()),
            ("a link for a password", password.as_str()),
            ("a link of a notice", not_me.as_str()),
            ("an access token", login.access_token.as_str()),
            ("a session", cookie.as_str()),
            ("a parked request", parked.as_str()),
        ];
        for (what, word) in words {
            let mut stranger = world.browser();
            if what != "a link for a password" {
                assert_eq!(stranger.open(&format!("/help/password/new?link={word}")).await.status, 410, "{what}");
            }
            assert_eq!(stranger.open(&format!("/help/undo?link={word}")).await.status, 410, "{what} stops no reset");
            if what != "a link of a notice" {
                let page = stranger.open(&format!("/not-me?token={word}")).await;
                assert!(page.words().contains("does not work any more"), "{what}: {}", page.words());
            }
            if what != "a parked request" {
                let page = stranger.open(&format!("/login/{word}")).await;
                assert_ne!(page.status, 200, "{what} is no parked request");
            }
            // As a code, a refresh token and an access token.
            let url = format!("{}/token", world.issuer);
            for form in [
                [("grant_type", "authorization_code"), ("code", word), ("redirect_uri", "http://127.0.0.1/callback")],
                [("grant_type", "refresh_token"), ("refresh_token", word), ("scope", "openid")],
            ] {
                let request = reqwest::Client::new().post(&url).basic_auth("demo-local", Some("demo-local-secret"));
                let answer = request.form(&form).send().await.unwrap();
                assert_eq!(answer.status(), 400, "{what}");
                let answer: serde_json::Value = answer.json().await.unwrap();
                assert_eq!(answer["error"], "invalid_grant", "{what}");
            }
            if what != "an access token" {
                let userinfo = reqwest::Client::new().get(format!("{}/userinfo", world.issuer)).bearer_auth(word);
                assert_eq!(userinfo.send().await.unwrap().status(), 401, "{what}");
            }
            // As what a help desk reads out.
            let mut browser = logged_in(&world, "alice").await;
            browser.open("/account/otp/bind").await;
            browser.submit(&[("code", word)]).await;
            assert_eq!(browser.page.name(), "bind", "{what}: {}", browser.page.words());
        }
        // Each is still good for what it is.
        let mut stranger = world.browser();
        assert_eq!(stranger.open(&format!("/help/password/new?link={password}")).await.name(), "new-password");
        assert!(stranger.open(&format!("/not-me?token={not_me}")).await.words().contains("Was this you?"));
        let mut browser = logged_in(&world, "alice").await;
        browser.open("/account/otp/recovery/use").await;
        browser.submit(&[("code", &recovery)]).await;
        assert_eq!(browser.page.strength(), "Recovery code", "{}", browser.page.words());
    })
    .await;
}

#[tokio::test]
async fn t32_words_of_others_are_never_markup_or_formulas() {
    on_each_backend(|world| async move {
        let evil = "<script>alert(1)</script>\u{202e}\"'><img src=x>=cmd|' /C calc'!A0";
        let mut admin = logged_in(&world, "admin").await;
        // The name of a file, a note, a reason, a name that somebody gives to a token.
        let csv = format!("X-1,{HEX},totp,6,30\n");
        assert_eq!(propose(&mut admin, evil, &[], &csv).await, 200);
        let file = admin.page.url.path().to_owned();
        let clean = |page: &stepgate_tests::Page| {
            assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "{}", page.url);
        };
        clean(&admin.page);
        let mut simon = logged_in(&world, "simon").await;
        clean(simon.open(&file).await);
        simon.submit_with(&format!("{file}/do"), &[("act", "approve")]).await;
        simon.submit_with(&format!("{file}/do"), &[("act", "export"), ("note", evil)]).await;
        clean(&simon.page);
        admin.open("/admin/people/dave/reset").await;
        admin.submit_with("/admin/people/dave/reset", &[("act", "ask"), ("reason", evil), ("checked", evil)]).await;
        clean(&admin.page);
        let mut dave = world.browser();
        dave.open("/account/otp").await;
        dave.log_in("dave").await;
        dave.show_token(&world, "dave").await;
        dave.open("/account/otp").await;
        let card = dave.page.text.split("id=\"credential-").find(|card| card.contains("HT-0001")).unwrap();
        let token = card.split('"').next().unwrap().to_owned();
        let name = "<script>alert(1)</script>=cmd|x";
        dave.submit_with("/account/otp/rename", &[("credential", &token), ("label", name)]).await;
        assert!(dave.page.words().contains("The new name is saved"), "{}", dave.page.words());
        clean(&dave.page);
        clean(dave.open(&format!("/account/otp/{token}")).await);
        for path in
            ["/admin/tokens/files", "/admin/tokens?q=X-", &file, "/admin/people/dave", "/admin/audit", "/admin/resets"]
        {
            clean(admin.open(path).await);
        }
        // A mail is text: what stands in it is read, and a line of it cannot become a header.
        let mail = mail(&world, "dave", "has another name now").await;
        assert!(mail.contains(name), "{mail}");
        let inbox = dave.open("/demo/inbox").await;
        assert!(!inbox.text.contains("<script>alert"), "the inbox shows words");
        // A serial number is none of these.
        assert_eq!(
            propose(&mut admin, "bad", &[], &format!("<b>1</b>,{HEX},totp,6,30\n=1+1,{HEX},totp,6,30\n")).await,
            422
        );
        clean(&admin.page);
        assert!(admin.page.words().contains("Refused 2"), "{}", admin.page.words());
    })
    .await;
}
