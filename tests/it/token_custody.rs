//! Tokens in the hands of their holders: what they do is in the custody log, how far their clocks ran is kept and looked at
//! together; and what lets seeds in or out takes a fresh factor of the administrator.

use stepgate_tests::{Browser, PASSWORD, World, on_each_backend};

use crate::hardware_tokens::{HEX, act, logged_in, open_token, propose, registration_code, shown};

/// Oscar with his token HT-1004 in use, from the demo's stock; its credential.
async fn activated(world: &World) -> (Browser, String) {
    let mut oscar = logged_in(world, "oscar").await;
    let code = registration_code(world, "oscar").await;
    oscar.open("/account/otp/token").await;
    let fields =
        [("serial", "HT-1004"), ("registration", code.as_str()), ("first", &shown(0, 0)), ("second", &shown(1, 0))];
    oscar.submit(&fields).await;
    assert_eq!(oscar.page.name(), "manage-otp", "{}", oscar.page.words());
    let card = oscar.page.text.split("id=\"credential-").find(|card| card.contains("HT-1004")).unwrap();
    let credential = card.split('"').next().unwrap().to_owned();
    (oscar, credential)
}

/// The lines of the custody log with this note, `from to who`.
async fn lines(world: &World, note: &str) -> Vec<String> {
    let sql = format!(
        "SELECT l.from_stage || ' ' || l.to_stage || ' ' || COALESCE(p.username, '-') AS found FROM token_custody l
         LEFT JOIN persons p ON p.id = l.actor WHERE l.note LIKE '{note}%'"
    );
    world.texts(&sql).await
}

#[tokio::test]
async fn what_its_holder_does_is_in_the_custody_log() {
    on_each_backend(|world| async move {
        let (mut oscar, token) = activated(&world).await;
        oscar.submit_with("/account/otp/suspend", &[("credential", &token)]).await;
        assert_eq!(lines(&world, "put to rest").await, ["active suspended oscar"]);
        world.advance(90).await;
        let code = shown(0, 90);
        oscar.submit_with("/account/otp/resume", &[("credential", &token), ("code", &code)]).await;
        assert!(oscar.page.words().contains("can be used again"), "{}", oscar.page.words());
        assert_eq!(lines(&world, "resumed by its holder, with a code").await, ["suspended active oscar"]);
        // An administrator who had the page open is told that the token moved.
        let mut admin = logged_in(&world, "admin").await;
        open_token(&mut admin, "HT-1004").await;
        let stale = admin.prepared(&[("note", "a minute late")]);
        oscar.submit_with("/account/otp/lost", &[("credential", &token)]).await;
        assert_eq!(lines(&world, "reported lost by its holder").await, ["active suspended oscar"]);
        assert_eq!(stale.send().await.unwrap().status(), 422);
        open_token(&mut admin, "HT-1004").await;
        let words = admin.page.words();
        assert!(words.contains("oscar Active Suspended oscar reported lost by its holder"), "{words}");
        // What an administrator does on the person's page is a line as well.
        let path = "/admin/people/oscar/do";
        admin.submit_with(path, &[("act", "reactivate"), ("credential", &token)]).await;
        assert_eq!(lines(&world, "on the page of its holder").await, ["suspended active admin"]);
        world.mail("oscar@iron-builders.example", "An administrator has reactivated it").await;
        assert_eq!(act(&mut admin, "HT-1004", "lost", &[("note", "it is really gone")]).await, 200);
        assert_eq!(lines(&world, "it is really gone").await, ["active lost admin"]);
    })
    .await;
}

#[tokio::test]
async fn each_way_back_into_step_is_kept_and_a_series_is_looked_at_together() {
    on_each_backend(|world| async move {
        let (mut oscar, token) = activated(&world).await;
        world.advance(300).await;
        // Ten steps ahead, at a login: the first code is refused, the second brings the token back.
        oscar.submit_with("/account/elevate", &[("kind", "hardware_token")]).await;
        oscar.submit(&[("factor", "hardware_token")]).await;
        assert_eq!(oscar.submit(&[("code", &shown(10, 300))]).await.name(), "code");
        oscar.submit(&[("code", &shown(11, 300))]).await;
        assert_eq!(oscar.page.name(), "manage-otp", "{}", oscar.page.words());
        // By hand, further on: its holder is told.
        oscar.open(&format!("/account/otp/resync?credential={token}")).await;
        oscar.submit(&[("first", &shown(20, 300)), ("second", &shown(21, 300))]).await;
        assert!(oscar.page.words().contains("in step again"), "{}", oscar.page.words());
        world.mail("oscar@iron-builders.example", "brought back into step").await;
        // A pair that does not follow leaves nothing.
        oscar.open(&format!("/account/otp/resync?credential={token}")).await;
        oscar.submit(&[("first", &shown(25, 300)), ("second", &shown(27, 300))]).await;
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM token_drifts").await, 2);

        let mut admin = logged_in(&world, "admin").await;
        open_token(&mut admin, "HT-1004").await;
        let words = admin.page.words();
        let (_, history) = words.split_once("Brought back into step").unwrap();
        for (how, from) in [("Resync by its holder", "+3"), ("By itself, at a login", "+")] {
            let (_, rest) = history.split_once(how).unwrap_or_else(|| panic!("{how}: {history}"));
            assert!(rest.trim_start().starts_with(from), "{how}: {rest}");
        }
        admin.open("/admin/tokens/worn").await;
        let words = admin.page.words();
        let (_, series) = words.split_once("By file and model").unwrap();
        let drift = world.count("SELECT drift AS found FROM credentials WHERE serial = 'HT-1004'").await * 30;
        assert!((570..=660).contains(&drift), "{drift}");
        assert!(series.contains(&format!("{drift:+} s {drift:+} s")), "middle and worst: {series}");
        assert!(series.contains("HT-1004") && series.contains("Replace soon"), "{series}");
    })
    .await;
}

#[tokio::test]
async fn t30_seeds_in_and_out_take_a_fresh_factor_and_the_way_leads_back() {
    on_each_backend(|world| async move {
        let mut admin = logged_in(&world, "admin").await;
        assert_eq!(propose(&mut admin, "Spring order", &[], &format!("A-1,{HEX},totp,6,30\n")).await, 200);
        let file = admin.page.url.path().to_owned();
        let acts = format!("{file}/do");
        let mut simon = logged_in(&world, "simon").await;
        simon.open(&file).await;
        world.advance(301).await;
        // A session that was left open approves nothing: its owner logs in again, and is back at the file.
        simon.submit_with(&acts, &[("act", "approve")]).await;
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM token_batches WHERE stage = 'proposed'").await, 1);
        simon.log_in("simon").await;
        assert_eq!((simon.page.name(), simon.page.url.path()), ("admin-token-file", file.as_str()));
        assert_eq!(simon.submit_with(&acts, &[("act", "approve")]).await.status, 200);
        assert!(simon.page.words().contains("Approved"), "{}", simon.page.words());
        // Handing over: to propose it, to approve it, and to fetch it.
        admin.open(&file).await;
        admin.submit_with(&acts, &[("act", "export"), ("note", "to Girders")]).await;
        assert_ne!(admin.page.name(), "admin-token-file");
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM token_exports").await, 0);
        admin.log_in("admin").await;
        admin.submit_with(&acts, &[("act", "export"), ("note", "to Girders")]).await;
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM token_exports").await, 1);
        simon.open(&file).await;
        let export = simon.page.text.split("name=\"export\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let export = export.to_owned();
        world.advance(301).await;
        simon.submit_with(&acts, &[("act", "approve-export"), ("export", &export)]).await;
        let approved = "SELECT COUNT(*) AS found FROM token_exports WHERE approved_by IS NOT NULL";
        assert_eq!(world.count(approved).await, 0);
        simon.log_in("simon").await;
        assert_eq!(simon.submit_with(&acts, &[("act", "approve-export"), ("export", &export)]).await.status, 200);
        assert_eq!(world.count(approved).await, 1);
        admin.open(&file).await;
        let fetch = [("act", "fetch"), ("export", export.as_str()), ("password", "correct horse battery")];
        assert!(!admin.submit_with(&acts, &fetch).await.text.contains("KeyContainer"));
        admin.log_in("admin").await;
        assert!(admin.submit_with(&acts, &fetch).await.text.contains("KeyContainer"));
        // So does what lets somebody in again, on their page.
        world.advance(301).await;
        let holder = "/admin/people/dave";
        simon.open(holder).await;
        let row = simon.page.text.split("<tr").find(|row| row.contains("HT-0001")).unwrap();
        let id = row.split("id=\"suspend-credential-").nth(1).unwrap().split('"').next().unwrap().to_owned();
        simon.submit_with(&format!("{holder}/do"), &[("act", "suspend-credential"), ("credential", &id)]).await;
        let suspended = "SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-0001' AND stage = 'suspended'";
        assert_eq!(world.count(suspended).await, 1, "stopped at once: {}", simon.page.words());
        simon.submit_with(&format!("{holder}/do"), &[("act", "reactivate"), ("credential", &id)]).await;
        assert_eq!(world.count(suspended).await, 1);
        simon.log_in("simon").await;
        assert_eq!(simon.page.url.path(), holder);
        simon.submit_with(&format!("{holder}/do"), &[("act", "reactivate"), ("credential", &id)]).await;
        assert_eq!(world.count(suspended).await, 0);
        // What stops something takes no more than being there: a recall does not wait for a password.
        world.advance(301).await;
        simon.open(&file).await;
        simon.submit_with(&acts, &[("act", "recall"), ("note", "leaking")]).await;
        assert!(simon.page.words().contains("Recalled"), "{}", simon.page.words());
    })
    .await;
}

#[tokio::test]
async fn a_detour_leads_back_to_the_page_it_began_on() {
    on_each_backend(|world| async move {
        let mut dave = logged_in(&world, "dave").await;
        dave.open("/account/otp").await;
        let card = dave.page.text.split("id=\"credential-").find(|card| card.contains("HT-0001")).unwrap();
        let token = card.split('"').next().unwrap().to_owned();
        for (number, (from, to, fields, back)) in [
            (
                format!("/account/otp/rename?credential={token}"),
                "/account/otp/rename",
                vec![("credential", token.as_str()), ("label", "Mine")],
                "rename",
            ),
            (format!("/account/otp/{token}"), "/account/otp/revoke", vec![("credential", &token)], "credential"),
            ("/account/otp/recovery".to_owned(), "/account/otp/recovery/make", vec![("x", "")], "recovery"),
            ("/account/otp/token".to_owned(), "/account/otp/token", vec![("serial", "x")], "token-activate"),
            (
                "/account/password".to_owned(),
                "/account/password",
                vec![("current", PASSWORD), ("password", "a-new-password-1"), ("again", "a-new-password-1")],
                "change-password",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            world.advance(400).await;
            dave.open(&from).await;
            assert_eq!(dave.page.name(), back, "{from}");
            dave.submit_with(to, &fields).await;
            assert_eq!(dave.page.name(), "factor", "{to}");
            dave.show_token(&world, "dave").await;
            assert_eq!(dave.page.name(), back, "{number} {to}: {}", dave.page.words());
            assert!(dave.page.url.as_str().ends_with(&from), "{} is not {from}", dave.page.url);
        }
        // Nothing was done on the way: what was posted is not posted again.
        let kept = "SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-0001' AND stage = 'active' AND label <> 'Mine'";
        assert_eq!(world.count(kept).await, 1);
        // Given up on the way, it leads back as well.
        world.advance(400).await;
        dave.open(&format!("/account/otp/{token}")).await;
        dave.submit_with("/account/otp/revoke", &[("credential", &token)]).await;
        dave.submit(&[("cancel", "1")]).await;
        assert_eq!(dave.page.name(), "credential", "{}", dave.page.words());
    })
    .await;
}

#[tokio::test]
async fn a_token_that_ran_away_comes_back_by_two_codes() {
    on_each_backend(|world| async move {
        let mut dave = world.browser();
        dave.open("/account").await;
        dave.log_in("dave").await;
        dave.submit(&[("factor", "hardware_token")]).await;
        // Ten steps ahead, and the one after it: the first is wrong, the second brings the token back.
        assert_eq!(dave.submit(&[("code", &shown(10, 0))]).await.name(), "code");
        dave.submit(&[("code", &shown(11, 0))]).await;
        assert_eq!(dave.page.name(), "account", "{}", dave.page.words());
        assert_eq!(
            world.count("SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-0001' AND drift > 9").await,
            1
        );
        let mut admin = logged_in(&world, "admin").await;
        assert!(admin.open("/admin/tokens/worn").await.words().contains("Clocks and batteries"));
        // The first code waits for five minutes only.
        let mut again = world.browser();
        again.open("/account").await;
        again.log_in("dave").await;
        again.submit(&[("factor", "hardware_token")]).await;
        assert_eq!(again.submit(&[("code", &shown(30, 0))]).await.name(), "code");
        world.advance(330).await;
        assert_eq!(again.submit(&[("code", &shown(31, 0))]).await.name(), "code");
        // At password strength, with two codes, by hand; and when no window reaches it, that is said.
        let mut dave = logged_in(&world, "dave").await;
        for (first, second, said) in [
            (shown(500, 330), shown(501, 330), "run too far away"),
            (shown(33, 330), shown(35, 330), "not two codes that follow"),
            (shown(33, 330), shown(34, 330), "in step again"),
        ] {
            dave.open("/account/otp").await;
            let path = dave.page.text.split("href=\"").find(|rest| rest.starts_with("/account/otp/resync")).unwrap();
            let path = path.split('"').next().unwrap().to_owned();
            dave.open(&path).await;
            let words = dave.submit(&[("first", &first), ("second", &second)]).await.words();
            assert!(words.contains(said), "{said}: {words}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_series_is_recalled_and_opens_nothing_at_once() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        let code = registration_code(&world, "oscar").await;
        oscar.open("/account/otp/token").await;
        let fields =
            [("serial", "HT-1004"), ("registration", code.as_str()), ("first", &shown(0, 0)), ("second", &shown(1, 0))];
        assert_eq!(oscar.submit(&fields).await.name(), "manage-otp");
        let mut simon = logged_in(&world, "simon").await;
        simon.open("/admin/tokens/files").await;
        let file = simon.page.text.split("href=\"").find(|rest| rest.starts_with("/admin/tokens/files/")).unwrap();
        let file = file.split('"').next().unwrap().to_owned();
        simon.open(&file).await;
        let recall =
            simon.submit_with(&format!("{file}/do"), &[("act", "recall"), ("note", "leaking batteries")]).await;
        assert!(recall.words().contains("leaking batteries"), "{}", recall.words());
        assert!(!oscar.open("/account/otp").await.words().contains("HT-1004"));
        assert_eq!(
            world
                .count(
                    "SELECT COUNT(*) AS found FROM hardware_tokens WHERE stage <> 'revoked' OR sealed_seed IS NOT NULL"
                )
                .await,
            0
        );
        assert_eq!(
            world.count("SELECT COUNT(*) AS found FROM token_custody WHERE note = 'leaking batteries'").await,
            4
        );
    })
    .await;
}
