//! Hardware tokens from the file to the shredder: import by two people, custody, activation, recall. Files by themselves
//! are `token_files`, what holders do and how tokens age `token_custody`.

use std::sync::Arc;

use stepgate_core::credentials::hardware_token::{OathParameters, code_at};
use stepgate_tests::{Browser, World, on_each_backend};
use tokio::sync::Barrier;

pub(super) use stepgate_tests::logged_in;

pub const SEED: &[u8] = b"12345678901234567890";
pub const HEX: &str = "3132333435363738393031323334353637383930";

/// What a demo token shows so many steps from now, when the demo's clock was moved by so many seconds.
pub fn shown(ahead: i64, moved: u64) -> String {
    let now = stepgate::cx::Clock::default().now().unix_seconds() + i64::try_from(moved).unwrap();
    let step = now / 30 + ahead;
    code_at(SEED, &OathParameters::COMMON_TOTP, step.try_into().unwrap()).expose().clone()
}

/// Opens a token's page.
pub async fn open_token(browser: &mut Browser, serial: &str) {
    browser.open(&format!("/admin/tokens?q={serial}")).await;
    let path = browser.page.text.split("href=\"").find(|rest| rest.starts_with("/admin/tokens/token/")).unwrap();
    let path = path.split('"').next().unwrap().to_owned();
    browser.open(&path).await;
}

pub async fn act(browser: &mut Browser, serial: &str, act: &str, fields: &[(&str, &str)]) -> u16 {
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
pub async fn registration_code(world: &World, username: &str) -> String {
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

pub async fn propose(browser: &mut Browser, name: &str, more: &[(&str, &str)], file: &str) -> u16 {
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
            ("ht-1004", &code, (&second, &first), "not two codes of this token that follow"),
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
        let right = [("serial", " ht-1004"), ("registration", code.as_str()), ("first", first.as_str()), ("second", second.as_str())];
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
