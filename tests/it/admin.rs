//! Administration: who may be where, what an act does, and what the audit log remembers.

use std::collections::BTreeSet;

use stepgate_tests::{Page, World, logged_in, on_each_backend};

const TABS: [&str; 14] = [
    "/admin/people",
    "/admin/organizations",
    "/admin/partners",
    "/admin/applications",
    "/admin/clients",
    "/admin/audit",
    "/admin/keys",
    "/admin/phones",
    "/developer",
    "/admin/tokens",
    "/admin/proofing",
    "/admin/invitations",
    "/admin/reports",
    "/admin/orders",
];

/// Where the tabs of a page lead.
fn tab_links(page: &Page) -> Vec<String> {
    let rows = page.text.split("<nav class=\"tabs").skip(1).map(|row| row.split("</nav>").next().unwrap());
    let links = rows.flat_map(|row| row.split("href=\"").skip(1));
    links.map(|link| link.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_role_sees_its_own_and_nothing_else() {
    on_each_backend(|world| async move {
        // One letter a tab: yes, no.
        let cases = [
            ("admin", "yyyyyyyyyyyyyy"),
            ("oscar", "yynnnnnnnnnyyy"),
            ("petra", "nnyyynnnynnyyy"),
            ("ingrid", "nnnyynnnynnnnn"),
            ("agnes", "nnnnnnnnnnynnn"),
            ("alice", "nnnnnnnnnnnnnn"),
            ("simon", "yynnnynnnynnnn"),
            ("fiona", "nnnnnnnnnnnnyy"),
        ];
        for (username, expected) in cases {
            let mut browser = logged_in(&world, username).await;
            let mut seen = String::new();
            for tab in TABS {
                let page = browser.open(tab).await;
                seen.push(match page.status.as_u16() {
                    200 => 'y',
                    403 => 'n',
                    _ => '?',
                });
            }
            assert_eq!(seen, expected, "{username}");
            // The tabs lead there, and nowhere else.
            let mut tabs = BTreeSet::new();
            let mut wanted = BTreeSet::new();
            for (tab, letter) in TABS.iter().zip(expected.chars()) {
                if letter == 'y' && tab.starts_with("/admin") {
                    wanted.insert((*tab).to_owned());
                    tabs.extend(tab_links(browser.open(tab).await));
                }
            }
            tabs.remove("/admin/janitor");
            assert_eq!(tabs, wanted, "{username}");
            assert_eq!(
                browser.open("/account").await.text.contains("href=\"/admin\""),
                !wanted.is_empty(),
                "{username}"
            );
        }
        for tab in TABS {
            assert_eq!(world.browser().open(tab).await.name(), "login", "{tab}");
        }
        // Acts are refused as well as looks.
        let mut petra = logged_in(&world, "petra").await;
        petra.open("/account").await;
        for path in ["/admin/people/alice/do", "/admin/keys/rotate"] {
            assert_eq!(petra.post_with_proof(path).await, 403, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_suspension_ends_sessions_and_is_remembered() {
    on_each_backend(|world| async move {
        let mut alice = logged_in(&world, "alice").await;
        let mut oscar = logged_in(&world, "oscar").await;
        oscar.open("/admin/people/alice").await;
        oscar.submit(&[("reason", "left the company")]).await;
        assert!(oscar.page.words().contains("Suspended"), "{}", oscar.page.words());
        assert_eq!(alice.open("/account").await.name(), "login");
        alice.log_in("alice").await;
        assert_eq!(alice.page.name(), "password", "a suspended person cannot log in, and is told nothing");
        let mut admin = logged_in(&world, "admin").await;
        world
            .until("the event is in the chain", async || {
                let mut admin = admin.clone();
                let page = admin.open("/admin/audit?q=admin.").await;
                page.words().contains("admin.person.suspended") && page.words().contains("left the company")
            })
            .await;
        assert!(admin.open("/admin/people?q=ali").await.words().contains("Suspended"));
    })
    .await;
}

#[tokio::test]
async fn a_policy_holds_at_once_on_every_node() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let mut petra = logged_in(&world, "petra").await;
        petra.open("/admin/applications").await;
        let words = petra.page.text.clone();
        let (before, _) = words.split_once("A client on this machine").unwrap();
        let path = before.rsplit_once("href=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        petra.open(&path).await;
        for (policy, problem) in
            [("{", "Not a policy"), (r#"{"accepts":["gold"]}"#, "unknown class gold"), (r#"{"acepts":[]}"#, "acepts")]
        {
            petra.submit(&[("policy", policy)]).await;
            assert!(petra.page.words().contains(problem), "{policy}: {}", petra.page.words());
        }
        petra.submit(&[("policy", r#"{"accepts":["urn:stepgate:acr:otp"],"refuse_restricted":true}"#)]).await;
        assert!(petra.page.words().contains("in force on every node"), "{}", petra.page.words());
        // A request that asks for nothing is held to it; telephones are refused; a token will do.
        world
            .until("the policy is in force", async || {
                let (mut bob, started) = (world.browser(), rp.start(&[]));
                bob.open(&started.url).await;
                bob.log_in("bob").await.name() == "requirements-not-met"
            })
            .await;
        let (mut dave, started) = (world.browser(), rp.start(&[]));
        dave.open(&started.url).await;
        dave.log_in("dave").await;
        assert!(!dave.page.has("skip-otp"));
        dave.show_token(&world, "dave").await;
        assert_eq!(rp.finish(&started, &dave.page).await.acr(), "urn:stepgate:acr:hardware-token");
    })
    .await;
}

#[tokio::test]
async fn rotated_keys_sign_and_old_tokens_stay_valid() {
    on_each_backend(|world| async move {
        let rp = world.relying_party().await;
        let log_in = async || {
            let (mut browser, started) = (world.browser(), rp.start(&[]));
            browser.open(&started.url).await;
            browser.log_in("alice").await;
            let rp = world.relying_party().await;
            rp.finish(&started, &browser.page).await
        };
        let before = log_in().await;
        let mut admin = logged_in(&world, "admin").await;
        admin.open("/admin/keys").await;
        admin.submit_to("/admin/keys/rotate").await;
        assert!(admin.page.words().contains("New keys sign"), "{}", admin.page.words());
        let kid = |token: &str| token.split('.').next().unwrap().to_owned();
        world
            .until("every node signs with the new key", async || kid(&log_in().await.id_token) != kid(&before.id_token))
            .await;
        assert_eq!(rp.userinfo(&before.access_token).await.0, 200, "signed by the previous key");
    })
    .await;
}

#[tokio::test]
async fn t25_the_operators_commands_work_and_the_log_tells_when_it_was_touched() {
    on_each_backend(|world| async move {
        let (ok, said) = world.operate(&[
            "user",
            "add",
            "--username",
            "zoe",
            "--name",
            "Zoe Zander",
            "--email",
            "zoe@x.example",
            "--json",
        ]);
        assert!(ok, "{said}");
        let password =
            serde_json::from_str::<serde_json::Value>(said.trim()).unwrap()["password"].as_str().unwrap().to_owned();
        let mut zoe = world.browser();
        zoe.open("/account").await;
        zoe.submit(&[("username", "zoe")]).await;
        zoe.submit(&[("password", &password)]).await;
        assert_eq!(zoe.page.name(), "account");
        let again = world.operate(&["user", "add", "--username", "zoe", "--name", "Another"]);
        assert!(!again.0 && again.1.contains("--username"), "{}", again.1);

        let add = ["client", "add", "--id", "crane", "--name", "Crane", "--partner", "Cranes Inc.", "--redirect-uri"];
        let bad = world.operate(&[&add[..], &["http://evil.example/cb"]].concat());
        assert!(!bad.0 && bad.1.contains("--redirect-uri") && bad.1.contains("https"), "{}", bad.1);
        let (ok, said) = world.operate(&[&add[..], &["https://crane.example/cb", "--json"]].concat());
        assert!(ok && said.contains("client_secret"), "{said}");
        assert!(world.operate(&["client", "show", "crane"]).1.contains("https://crane.example/cb"));
        assert!(world.operate(&["keys", "list"]).1.contains("current"));

        let (ok, said) = world.operate(&["audit", "verify"]);
        assert!(ok && said.contains("whole"), "{said}");
        world.tamper("UPDATE audit_events SET kind = 'nothing.happened' WHERE seq = 2").await;
        let (ok, said) = world.operate(&["audit", "verify"]);
        assert!(!ok && said.contains("row 2"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn serve_names_everything_that_is_unfit_at_once() {
    let world = World::start(stepgate_tests::Backend::Sqlite).await;
    let file = std::env::temp_dir().join(format!("stepgate-bad-{}.toml", std::process::id()));
    let text = "[server]\nissuer = \"http://id.example/\"\n[tokens]\ncode_seconds = 600\n";
    std::fs::write(&file, text).unwrap();
    let (ok, said) = world.operate(&["serve", "--config", file.to_str().unwrap()]);
    assert!(!ok);
    for problem in ["must be https", "end with a slash", "secrets.master is the demo's", "tokens.code_seconds"] {
        assert!(said.contains(problem), "{problem} is not in {said}");
    }
    std::fs::write(&file, "[server]\nisuer = \"x\"\n[tokns]\na = 1\n").unwrap();
    let (ok, said) = world.operate(&["serve", "--config", file.to_str().unwrap()]);
    assert!(!ok && said.contains("server.isuer") && said.contains("tokns"), "{said}");
    let _ = std::fs::remove_file(&file);
}
