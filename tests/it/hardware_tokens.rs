//! Hardware tokens from the file to the shredder: import by two people, custody, activation, recall, export.

use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use stepgate_core::credentials::hardware_token::import::pskc::Unlock;
use stepgate_core::credentials::hardware_token::import::{Format, Found, Rows};
use stepgate_core::credentials::hardware_token::{OathParameters, code_at};
use stepgate_core::secret::{SecretBytes, SecretString};
use stepgate_tests::{Browser, World, on_each_backend};
use tokio::sync::Barrier;

const SEED: &[u8] = b"12345678901234567890";
const HEX: &str = "3132333435363738393031323334353637383930";

async fn logged_in(world: &World, username: &str) -> Browser {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.log_in(username).await;
    if browser.page.name() == "factor" {
        browser.submit(&[("skip", "1")]).await;
    }
    browser
}

/// What a demo token shows so many steps from now, when the demo's clock was moved by so many seconds.
pub(super) fn shown(ahead: i64, moved: u64) -> String {
    let now = stepgate::cx::Clock::default().now().unix_seconds() + i64::try_from(moved).unwrap();
    let step = now / 30 + ahead;
    code_at(SEED, &OathParameters::COMMON_TOTP, step.try_into().unwrap()).expose().clone()
}

/// Opens a token's page.
async fn open_token(browser: &mut Browser, serial: &str) {
    browser.open(&format!("/admin/tokens?q={serial}")).await;
    let path = browser.page.text.split("href=\"").find(|rest| rest.starts_with("/admin/tokens/token/")).unwrap();
    let path = path.split('"').next().unwrap().to_owned();
    browser.open(&path).await;
}

async fn act(browser: &mut Browser, serial: &str, act: &str, fields: &[(&str, &str)]) -> u16 {
    open_token(browser, serial).await;
    let form = browser.page.text.split("<form").find(|form| form.contains(&format!("id=\"{act}\"")));
    let form = form.unwrap_or_else(|| panic!("no {act}: {}", browser.page.words())).to_owned();
    let version = form.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = format!("{}/do", browser.page.url.path());
    let fields: Vec<_> =
        [("act", act), ("version", version.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.submit_with(&path, &fields).await.status.as_u16()
}

/// The latest registration code that a person was mailed.
pub(super) async fn registration_code(world: &World, username: &str) -> String {
    let read = async || {
        let mut found: Vec<(String, String)> = Vec::new();
        for node in 0..world.nodes() {
            let inbox = reqwest::get(format!("{}/demo/inbox.json", world.node(node))).await.unwrap();
            for mail in inbox.json::<Vec<serde_json::Value>>().await.unwrap() {
                let text = mail["text"].as_str().unwrap_or_default().to_owned();
                if mail["to"] == format!("{username}@iron-builders.example")
                    && text.starts_with("Your registration code")
                {
                    let code = text.lines().find(|line| line.starts_with("    ")).unwrap().trim().to_owned();
                    found.push((mail["at"].as_str().unwrap().to_owned(), code));
                }
            }
        }
        found.into_iter().max().map(|(_, code)| code)
    };
    world.until("the registration code is there", async || read().await.is_some()).await;
    let code = read().await.unwrap();
    // T26: a hash of it is kept, and nothing else.
    let kept = format!("SELECT COUNT(*) AS found FROM notice_links WHERE text LIKE '%{code}%'");
    assert_eq!(world.count(&kept).await, 0, "the code stands in the clear");
    code
}

async fn propose(browser: &mut Browser, name: &str, more: &[(&str, &str)], file: &str) -> u16 {
    browser.open("/admin/tokens/import").await;
    let fields: Vec<_> = [("name", name), ("format", "oath-csv"), ("algorithm", "sha1")]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    browser.upload(&fields, file.as_bytes()).await.status.as_u16()
}

/// Sends the same request from several browsers at the same moment; how many were told that it is done.
async fn release(requests: Vec<reqwest::RequestBuilder>) -> usize {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                let answer = request.send().await.unwrap();
                answer.headers().get("location").is_some_and(|to| to.to_str().unwrap().contains("?done="))
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += usize::from(task.await.unwrap());
    }
    count
}

const TOKENS: &str = "SELECT COUNT(*) AS found FROM hardware_tokens";

#[tokio::test]
async fn a_file_comes_in_whole_when_a_second_person_agrees_or_not_at_all() {
    on_each_backend(|world| async move {
        let before = world.count(TOKENS).await;
        let mut admin = logged_in(&world, "admin").await;
        let good = format!("A-1,{HEX},totp,6,30\nA-2,{HEX},hotp,8\n");
        // A dry run keeps nothing.
        assert_eq!(propose(&mut admin, "dry", &[("check", "1")], &good).await, 200);
        assert!(admin.page.words().contains("Nothing wrong"), "{}", admin.page.words());
        // Bad files: each names row, serial and reason; nothing of them stays.
        for (file, reason) in [
            (format!("{good}A-1,{HEX},totp,6,30\n"), "3 A-1 its serial number is in this file twice"),
            (format!("{good}HT-1001,{HEX},totp,6,30\n"), "3 HT-1001 its serial number is taken"),
            (format!("{good}HT-0001,{HEX},totp,6,30\n"), "3 HT-0001 its serial number is taken"),
            (format!("{good}A-3,31,totp,6,30\n"), "3 A-3 its seed has 1 bytes"),
            ("\n".to_owned(), "the file holds no token"),
        ] {
            assert_eq!(propose(&mut admin, "bad", &[], &file).await, 422);
            assert!(admin.page.words().contains(reason), "{reason}: {}", admin.page.words());
            assert!(!admin.page.text.contains(HEX) && !admin.page.text.contains("12345678901234567890"));
        }
        assert_eq!(propose(&mut admin, "bad", &[("algorithm", "")], &good).await, 422);
        assert!(admin.page.words().contains("does not say which hash"));
        assert_eq!(
            propose(&mut admin, "bad", &[("format", "pskc")], "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>").await,
            422
        );
        assert!(admin.page.words().contains("a DTD is not accepted"), "{}", admin.page.words());
        assert_eq!(world.count(TOKENS).await, before, "nothing is half-imported");

        assert_eq!(propose(&mut admin, "Spring order", &[], &good).await, 200);
        assert!(admin.page.words().contains("Another administrator must approve"), "{}", admin.page.words());
        let file = admin.page.url.path().to_owned();
        assert!(!admin.page.text.contains("value=\"approve\""), "the proposer is not offered to approve");
        assert_eq!(admin.submit_with(&format!("{file}/do"), &[("act", "approve")]).await.status, 422, "nor can they");
        assert!(admin.open("/admin/tokens?q=A-").await.words().contains("No token"), "what waits does not count");
        // Two others press at the same moment, on every node: one of them approves.
        let mut presses = Vec::new();
        for username in ["simon", "sally"] {
            let mut other = logged_in(&world, username).await;
            other.open(&file).await;
            presses.extend((0..3).map(|_| other.prepared(&[("act", "approve")])));
        }
        assert_eq!(release(presses).await, 1);
        let words = admin.open("/admin/tokens?q=A-").await.words();
        assert!(words.contains("A-1") && words.contains("A-2") && words.contains("In stock"), "{words}");
        // A file that was refused by the second person leaves no seed.
        assert_eq!(propose(&mut admin, "Summer order", &[], &good.replace("A-", "B-")).await, 200);
        let file = admin.page.url.path().to_owned();
        let mut simon = logged_in(&world, "simon").await;
        simon.open(&file).await;
        simon.submit_with(&format!("{file}/do"), &[("act", "reject")]).await;
        assert!(simon.page.words().contains("Not imported"), "{}", simon.page.words());
        assert_eq!(world.count(TOKENS).await, before + 2);
        // And one that nobody decided on in time cannot be approved any more.
        assert_eq!(propose(&mut admin, "Autumn order", &[], &good.replace("A-", "C-")).await, 200);
        let file = admin.page.url.path().to_owned();
        world.advance(8 * 86_400).await;
        let mut simon = logged_in(&world, "simon").await;
        simon.open(&file).await;
        assert_eq!(simon.submit_with(&format!("{file}/do"), &[("act", "approve")]).await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn a_shipped_token_is_activated_by_its_holder_once() {
    on_each_backend(|world| async move {
        let mut admin = logged_in(&world, "admin").await;
        let mut oscar = logged_in(&world, "oscar").await;
        let words = oscar.open("/account/otp").await.words();
        assert!(words.contains("HT-1004") && words.contains("Not activated yet"), "{words}");
        let code = registration_code(&world, "oscar").await;
        let (first, second) = (shown(0, 0), shown(1, 0));
        for (serial, registration, codes, said) in [
            ("HT-1004", code.as_str(), ("12345", "x"), "Type two codes"),
            ("HT-1001", &code, (first.as_str(), second.as_str()), "do not belong together"),
            ("HT-1004", "AAAAA-AAAAA", (&first, &second), "do not belong together"),
            ("HT-1004", &code, (&second, &first), "not two codes of this token that follow"),
            ("HT-1004", &code, (&shown(400, 0), &shown(401, 0)), "too far off"),
        ] {
            oscar.open("/account/otp/token").await;
            let fields = [("serial", serial), ("registration", registration), ("first", codes.0), ("second", codes.1)];
            let words = oscar.submit(&fields).await.words();
            assert!(words.contains(said), "{said}: {words}");
        }
        // Another person cannot activate it with everything right.
        let mut petra = logged_in(&world, "petra").await;
        petra.open("/account/otp/token").await;
        let right = [("serial", "HT-1004"), ("registration", code.as_str()), ("first", first.as_str()), ("second", second.as_str())];
        assert!(petra.submit(&right).await.words().contains("do not belong together"));
        // Pressed four times at the same moment: in use once.
        oscar.open("/account/otp/token").await;
        assert_eq!(release((0..4).map(|_| oscar.prepared(&right)).collect()).await, 1);
        let active = "SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-1004' AND stage = 'active'";
        assert_eq!(world.count(active).await, 1);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM token_custody l JOIN hardware_tokens t ON t.id = l.token_id WHERE t.serial = 'HT-1004' AND l.to_stage = 'active'").await, 1);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM hardware_tokens WHERE serial = 'HT-1004' AND sealed_seed IS NOT NULL").await, 0, "the seed has moved");
        // The codes that were shown are used up; the next one elevates.
        oscar.open("/account/otp").await;
        oscar.submit(&[("kind", "hardware_token")]).await;
        oscar.submit(&[("factor", "hardware_token")]).await;
        oscar.submit(&[("code", &second)]).await;
        assert_eq!(oscar.page.name(), "code", "{}", oscar.page.words());
        world.advance(60).await;
        oscar.submit(&[("code", &shown(0, 60))]).await;
        assert_eq!(oscar.page.strength(), "OTP Hardware Token", "{}", oscar.page.words());
        // Its custody tells the whole way; suspended by an administrator it opens nothing.
        open_token(&mut admin, "HT-1004").await;
        let words = admin.page.words();
        for line in ["new on the site", "by post to 1 Girder Street", "activated by its holder"] {
            assert!(words.contains(line), "{line}: {words}");
        }
        assert_eq!(act(&mut admin, "HT-1004", "suspend", &[("note", "on leave")]).await, 200);
        assert!(oscar.open("/account/otp").await.words().contains("Suspended"));
        assert_eq!(act(&mut admin, "HT-1004", "reactivate", &[("note", "back")]).await, 200);
        assert_eq!(act(&mut admin, "HT-1004", "lost", &[("note", "left on a train")]).await, 200);
        assert!(!oscar.open("/account/otp").await.words().contains("HT-1004"), "revoked");
        assert_eq!(act(&mut admin, "HT-1004", "destroy", &[("note", "found, shredded")]).await, 200);
        assert!(admin.page.words().contains("Destroyed"));
    })
    .await;
}

#[tokio::test]
async fn of_two_who_act_on_one_token_one_is_told_that_they_came_second() {
    on_each_backend(|world| async move {
        let mut presses = Vec::new();
        for (username, holder) in [("admin", "petra"), ("simon", "agnes"), ("sally", "ingrid")] {
            let mut browser = logged_in(&world, username).await;
            open_token(&mut browser, "HT-1001").await;
            presses.extend((0..2).map(|_| browser.prepared(&[("username", holder), ("note", "a race")])));
        }
        assert_eq!(release(presses).await, 1);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-1001'").await, 1);
        let mut admin = logged_in(&world, "admin").await;
        // Taken back into stock nobody waits for it any more, and it can become somebody else's.
        assert_eq!(act(&mut admin, "HT-1001", "take-back", &[("note", "moved away")]).await, 200);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-1001'").await, 0);
        assert_eq!(act(&mut admin, "HT-1001", "assign", &[("username", "nobody"), ("note", "")]).await, 422);
        assert_eq!(act(&mut admin, "HT-1001", "assign", &[("username", "petra"), ("note", "")]).await, 200);
        assert!(admin.page.words().contains("petra"), "{}", admin.page.words());
    })
    .await;
}

#[tokio::test]
async fn ten_wrong_registration_codes_are_the_last() {
    on_each_backend(|world| async move {
        let mut oscar = logged_in(&world, "oscar").await;
        let code = registration_code(&world, "oscar").await;
        let (first, second) = (shown(0, 0), shown(1, 0));
        let typed = |code: &str| {
            [
                ("serial", "HT-1004".to_owned()),
                ("registration", code.to_owned()),
                ("first", first.clone()),
                ("second", second.clone()),
            ]
        };
        let borrowed = |typed: &[(&'static str, String); 4]| typed.clone();
        for round in 0..11 {
            oscar.open("/account/otp/token").await;
            let typed = borrowed(&typed(if round < 10 { "AAAAA-AAAAA" } else { &code }));
            let fields: Vec<_> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert!(oscar.submit(&fields).await.words().contains("do not belong together"), "round {round}");
        }
        // A new code from the administrator opens the way again.
        let mut admin = logged_in(&world, "admin").await;
        assert_eq!(act(&mut admin, "HT-1004", "send-code", &[]).await, 200);
        world.until("another code came", async || registration_code(&world, "oscar").await != code).await;
        let code = registration_code(&world, "oscar").await.to_lowercase().replace('-', " ");
        oscar.open("/account/otp/token").await;
        let typed = typed(&code);
        let fields: Vec<_> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(oscar.submit(&fields).await.name(), "manage-otp");
    })
    .await;
}

#[tokio::test]
async fn t27_a_seed_opens_in_its_own_row_only() {
    on_each_backend(|world| async move {
        world
            .tamper(
                "UPDATE hardware_tokens SET sealed_seed = (SELECT s.sealed_seed FROM hardware_tokens s WHERE s.serial = 'HT-1001')
                 WHERE serial = 'HT-1004'",
            )
            .await;
        let mut oscar = logged_in(&world, "oscar").await;
        let code = registration_code(&world, "oscar").await;
        oscar.open("/account/otp/token").await;
        let fields = [("serial", "HT-1004"), ("registration", code.as_str()), ("first", &shown(0, 0)), ("second", &shown(1, 0))];
        assert_eq!(oscar.submit(&fields).await.status, 500);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM credentials WHERE serial = 'HT-1004' AND stage = 'pending'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn t30_only_operators_and_support_reach_the_tokens() {
    on_each_backend(|world| async move {
        let mut admin = logged_in(&world, "admin").await;
        open_token(&mut admin, "HT-1001").await;
        let token = admin.page.url.path().to_owned();
        admin.open("/admin/tokens/files").await;
        let file = admin.page.text.split("href=\"").find(|rest| rest.starts_with("/admin/tokens/files/")).unwrap();
        let file = file.split('"').next().unwrap().to_owned();
        let pages =
            ["/admin/tokens", "/admin/tokens/worn", "/admin/tokens/import", "/admin/tokens/files", &token, &file];
        let acts = [format!("{token}/do"), format!("{file}/do")];
        for (username, allowed) in [
            ("admin", true),
            ("simon", true),
            ("oscar", false),
            ("petra", false),
            ("ingrid", false),
            ("agnes", false),
            ("alice", false),
        ] {
            let mut browser = logged_in(&world, username).await;
            for page in pages {
                assert_eq!(browser.open(page).await.status, if allowed { 200 } else { 403 }, "{username} {page}");
            }
            browser.open("/account").await;
            for path in &acts {
                // With nothing to do, whoever may is told that there is no such act.
                assert_eq!(browser.post_with_proof(path).await, if allowed { 404 } else { 403 }, "{username} {path}");
            }
            // The upload takes another kind of form; without one it is refused before anybody is looked at.
            assert_eq!(browser.post_with_proof("/admin/tokens/import").await, 403);
        }
        for page in pages {
            assert_eq!(world.browser().open(page).await.name(), "login", "{page}");
        }
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

#[tokio::test]
async fn the_command_line_proposes_lists_and_assigns() {
    on_each_backend(|world| async move {
        let path = std::env::temp_dir().join(format!("tokens-{}-{:?}.csv", std::process::id(), world.backend));
        std::fs::write(&path, format!("D-1,{HEX},totp,6,30\nD-2,{HEX},totp,6,45\n")).unwrap();
        let file = path.to_str().unwrap();
        let import = ["token", "import", file, "--format", "oath-csv", "--json"];
        let run = |more: &[&str]| world.operate(&[&import[..], more].concat());
        for (more, said) in [
            (["--by", "admin", "--algorithm", ""], "--algorithm: An OATH CSV does not say"),
            (["--by", "nobody", "--algorithm", "sha1"], "there is no person nobody"),
            (["--by", "petra", "--algorithm", "sha1"], "petra may not administer tokens"),
            (["--by", "admin", "--algorithm", "sha1"], "row 2 (D-2): a token's time step is 30 or 60 seconds"),
        ] {
            let (done, text) = run(&more);
            assert!(!done && text.contains(said), "{said}: {text}");
        }
        std::fs::write(&path, format!("D-1,{HEX},totp,6,30\n")).unwrap();
        let (done, text) = run(&["--by", "admin", "--algorithm", "sha1", "--dry-run"]);
        assert!(done && text.contains("nothing was imported"), "{text}");
        let (done, text) = run(&["--by", "admin", "--algorithm", "sha1", "--name", "By shell"]);
        assert!(done && text.contains("another person approves it"), "{text}");
        let _ = std::fs::remove_file(&path);
        assert_eq!(world.operate(&["token", "list", "--serial", "D-", "--json"]).1.trim(), "[]");
        let batch =
            serde_json::from_str::<serde_json::Value>(text.trim()).unwrap()["batch"].as_str().unwrap().to_owned();
        let file = format!("/admin/tokens/files/{batch}");
        let mut admin = logged_in(&world, "admin").await;
        admin.open(&file).await;
        assert_eq!(admin.submit_with(&format!("{file}/do"), &[("act", "approve")]).await.status, 422);
        let mut simon = logged_in(&world, "simon").await;
        simon.open(&file).await;
        assert_eq!(simon.submit(&[("act", "approve")]).await.status, 200);
        let (done, text) = world.operate(&["token", "assign", "D-1", "agnes", "--by", "simon", "--json"]);
        assert!(done && text.contains("registration code is mailed"), "{text}");
        let (_, text) = world.operate(&["token", "list", "--stage", "assigned", "--json"]);
        assert!(text.contains("\"D-1\"") && text.contains("\"agnes\"") && !text.contains(HEX), "{text}");
        assert_eq!(registration_code(&world, "agnes").await.len(), 11);
        let (done, text) = world.operate(&["token", "assign", "D-1", "agnes", "--by", "simon"]);
        assert!(!done && text.contains("is assigned"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn what_goes_out_takes_two_people_and_others_can_read_it() {
    on_each_backend(|world| async move {
        let (mut admin, mut simon) = (logged_in(&world, "admin").await, logged_in(&world, "simon").await);
        admin.open("/admin/tokens/files").await;
        let file = admin.page.text.split("href=\"").find(|rest| rest.starts_with("/admin/tokens/files/")).unwrap();
        let file = file.split('"').next().unwrap().to_owned();
        let (acts, password) = (format!("{file}/do"), "correct horse battery");
        admin.open(&file).await;
        admin.submit_with(&acts, &[("act", "export"), ("note", "to Girders & Co.")]).await;
        let waits = admin.page.text.split("name=\"export\" value=\"").nth(1);
        assert!(waits.is_none(), "the proposer is offered nothing yet");
        simon.open(&file).await;
        let export =
            simon.page.text.split("name=\"export\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fetch = [("act", "fetch"), ("export", export.as_str()), ("password", password)];
        let approve = [("act", "approve-export"), ("export", export.as_str())];
        assert_eq!(admin.submit_with(&acts, &fetch).await.status, 422, "not approved");
        assert_eq!(admin.submit_with(&acts, &approve).await.status, 422, "not by its proposer");
        assert_eq!(simon.submit_with(&acts, &approve).await.status, 200);
        assert_eq!(simon.submit_with(&acts, &fetch).await.status, 422, "not by its approver");
        admin.open(&file).await;
        assert_eq!(
            admin.submit_with(&acts, &[("act", "fetch"), ("export", &export), ("password", "short")]).await.status,
            422
        );
        let text = admin.submit_with(&acts, &fetch).await.text.clone();
        assert!(text.starts_with("<?xml") && !text.contains("12345678901234567890"), "{text}");
        let mut rows =
            Rows::new(Format::Pskc(Unlock::Password(SecretString::new(password.to_owned()))), text.as_bytes());
        let mut serials = Vec::new();
        while let Some(found) = rows.next_row().unwrap() {
            let Found::Token(token) = found else { panic!() };
            assert_eq!(token.seed.expose(), SEED);
            serials.push(token.serial);
        }
        serials.sort();
        assert_eq!(serials, ["HT-1001", "HT-1002", "HT-1003"], "what is in stock, and nobody's");
        others_read(&text, password);
        admin.open(&file).await;
        assert_eq!(admin.submit_with(&acts, &fetch).await.status, 422, "once");
        // What others know can become nobody's here.
        assert_eq!(act(&mut admin, "HT-1001", "assign", &[("username", "petra"), ("note", "")]).await, 422);
        assert!(admin.page.words().contains("known elsewhere"));
    })
    .await;
}

/// Debian's `pskctool` and PyPI's `python-pskc` read the file, and `oathtool` shows the code of the seed that they found.
fn others_read(file: &str, password: &str) {
    let path = std::env::temp_dir().join(format!("export-{}.pskcxml", std::process::id()));
    std::fs::write(&path, file).unwrap();
    match Command::new("pskctool").args(["--info", "--verbose"]).arg(&path).output() {
        Err(_) => println!("pskctool is not installed"),
        Ok(said) => {
            let text = String::from_utf8_lossy(&said.stdout).into_owned() + &*String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success() && text.contains("HT-1002"), "{text}");
        }
    }
    let Ok(python) = std::env::var("STEPGATE_TEST_PSKC_PYTHON") else {
        println!("STEPGATE_TEST_PSKC_PYTHON is not set: python-pskc is not asked");
        let _ = std::fs::remove_file(&path);
        return;
    };
    let script = "import sys\nfrom pskc import PSKC\nfile = PSKC(sys.argv[1])\nfile.encryption.derive_key(sys.argv[2])\nfor key in file.keys: print(key.serial, key.check() and key.secret.hex())";
    let said = Command::new(python).args(["-c", script]).arg(&path).arg(password).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned() + &*String::from_utf8_lossy(&said.stderr);
    assert!(text.contains(&format!("HT-1002 {HEX}")), "{text}");
    let code = Command::new("oathtool")
        .args(["--totp", "--now", "1970-01-01 00:00:59 UTC", "--digits", "8", HEX])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&code.stdout).trim(), "94287082");
    let _ = std::fs::remove_file(&path);
}

/// The files of `python-pskc`'s own tests, from its source package, which `tests/run` downloads.
#[test]
fn the_samples_of_others() {
    let Ok(folder) = std::env::var("STEPGATE_TEST_PSKC_SAMPLES") else {
        println!("STEPGATE_TEST_PSKC_SAMPLES is not set: the samples of python-pskc are not read");
        return;
    };
    let read = |name: &str, unlock: Unlock, change: &dyn Fn(String) -> String| {
        let text = change(std::fs::read_to_string(format!("{folder}/{name}")).unwrap());
        let mut rows = Rows::new(Format::Pskc(unlock), text.as_bytes());
        let mut said = String::new();
        loop {
            match rows.next_row() {
                Ok(None) => return said,
                Err(whole) => return format!("{said}refused: {}\n", whole.reason),
                Ok(Some(Found::Refused(error))) => said += &format!("row {}: {}\n", error.row, error.reason),
                Ok(Some(Found::Token(token))) => said += &format!("{} {}\n", token.serial, hex(token.seed.expose())),
            }
        }
    };
    let key =
        |text: &str| Unlock::Key(SecretBytes::new(data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()));
    let pre_shared = || key("12345678901234567890123456789012");
    let as_it_is = |text: String| text;
    let none = || Unlock::Nothing;
    for (name, unlock, said) in [
        ("rfc6030/figure2.pskcxml", none(), "AlgorithmParameters"),
        ("rfc6030/figure3.pskcxml", none(), HEX),
        ("rfc6030/figure4.pskcxml", none(), "elsewhere"),
        ("rfc6030/figure5.pskcxml", none(), HEX),
        ("rfc6030/figure6.pskcxml", pre_shared(), HEX),
        ("rfc6030/figure7.pskcxml", Unlock::Password(SecretString::new("qwerty".to_owned())), HEX),
        ("rfc6030/figure10.pskcxml", none(), HEX),
        ("invalid/mac-value.pskcxml", pre_shared(), "its MAC is wrong"),
        ("invalid/mac-algorithm.pskcxml", pre_shared(), "is not accepted: HMAC-SHA1"),
        ("invalid/no-mac-method.pskcxml", pre_shared(), "MAC"),
        ("invalid/missing-encryption.pskcxml", pre_shared(), "EncryptionMethod"),
        ("invalid/missing-encryption-method.pskcxml", pre_shared(), "Encryption"),
        ("invalid/unknown-encryption.pskcxml", pre_shared(), "is not accepted"),
        ("invalid/incomplete-derivation.pskcxml", Unlock::Password(SecretString::new("qwerty".to_owned())), "refused"),
        ("invalid/not-boolean.pskcxml", none(), "row 1"),
        ("invalid/not-integer.pskcxml", none(), "row 1"),
        ("invalid/not-integer2.pskcxml", none(), "row 1"),
        ("invalid/notxml.pskcxml", none(), "refused"),
        ("invalid/wrongelement.pskcxml", none(), "KeyContainer"),
        ("invalid/wrongversion.pskcxml", none(), "version \"1.2\""),
        ("encryption/tripledes-cbc.pskcxml", pre_shared(), "is not accepted"),
        ("draft-ietf-keyprov-pskc-02/figure2.pskcxml", none(), "refused"),
    ] {
        let found = read(name, unlock, &as_it_is);
        assert!(found.contains(said), "{name}: {said} is not in {found}");
        if name.starts_with("invalid/") {
            assert!(!found.contains(HEX), "{name}: {found}");
        }
    }
    // Those about encryption leave the token's own parameters away: they are put in.
    let whole = |text: String| {
        let parameters =
            "<AlgorithmParameters><ResponseFormat Encoding=\"DECIMAL\" Length=\"6\"/></AlgorithmParameters>";
        text.replace(
            "<Key>",
            &format!("<Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\">{parameters}"),
        )
    };
    let wrapped = "00112233445566778899aabbccddeeff";
    for (name, key_text, seed) in [
        ("encryption/kw-aes128.pskcxml", "000102030405060708090a0b0c0d0e0f", wrapped),
        ("encryption/kw-aes192.pskcxml", "000102030405060708090a0b0c0d0e0f1011121314151617", wrapped),
        (
            "encryption/kw-aes256.pskcxml",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff",
        ),
    ] {
        let found = read(name, key(key_text), &whole);
        assert!(found.contains(seed), "{name}: {found}");
    }
    // Each has another MAC, of which HMAC-SHA256 is one that we take.
    let digits = "1234567890".repeat(7);
    for (name, length, said) in
        [("aes128-cbc", 32, "hmac-sha224"), ("aes192-cbc", 48, "1 3"), ("aes256-cbc", 64, "hmac-sha384")]
    {
        let found = read(&format!("encryption/{name}.pskcxml"), key(&digits[..length]), &whole);
        assert!(found.contains(said), "{name}: {found}");
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// The figure that the issue asks for. It takes a minute and is for whoever measures: `STEPGATE_TEST_TOKENS=100000`.
#[tokio::test]
async fn a_big_file_comes_in_without_a_big_memory() {
    let count: usize = std::env::var("STEPGATE_TEST_TOKENS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let path = std::env::temp_dir().join(format!("big-{}.pskcxml", std::process::id()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">").unwrap();
    for number in 0..count {
        writeln!(
            file,
            "<KeyPackage><DeviceInfo><Manufacturer>M</Manufacturer><SerialNo>BIG-{number}</SerialNo></DeviceInfo><Key Id=\"1\" \
             Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\"><AlgorithmParameters><ResponseFormat Length=\"6\" \
             Encoding=\"DECIMAL\"/></AlgorithmParameters><Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>\
             </Secret></Data></Key></KeyPackage>"
        )
        .unwrap();
    }
    writeln!(file, "</KeyContainer>").unwrap();
    drop(file);
    let started = std::time::Instant::now();
    let (done, said) = world.operate(&["token", "import", path.to_str().unwrap(), "--format", "pskc", "--by", "admin"]);
    let _ = std::fs::remove_file(&path);
    assert!(done && said.contains(&count.to_string()), "{said}");
    println!("{count} tokens came in in {:.1} s", started.elapsed().as_secs_f64());
    assert!(started.elapsed().as_secs() < 60 + 60, "{:?}", started.elapsed());
    let waiting = world.count("SELECT COUNT(*) AS found FROM hardware_tokens WHERE serial LIKE 'BIG-%'").await;
    assert_eq!(usize::try_from(waiting).unwrap(), count);
}
