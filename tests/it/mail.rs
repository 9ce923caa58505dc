//! Notices through a real mail server (PyPI `aiosmtpd`): STARTTLS and a password, refusals that pass and refusals for good.
//! `STEPGATE_TEST_AIOSMTPD` names a Python that has it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use stepgate_tests::{Backend, Browser, World};

struct MailServer {
    child: Child,
    port: String,
    notes: Arc<Mutex<Vec<Value>>>,
    authority: String,
}

impl MailServer {
    /// `None`, and said, where there is no Python for it.
    fn start() -> Option<Self> {
        let Ok(python) = std::env::var("STEPGATE_TEST_AIOSMTPD") else {
            println!("STEPGATE_TEST_AIOSMTPD is not set: no mail server");
            return None;
        };
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("stepgate-mail-{}-{number}", std::process::id()));
        let made = stepgate::tls::self_signed(&folder).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/mail/server.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&made.certificate_file).arg(&made.key_file).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let notes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&notes);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let authority = made.authority_file.display().to_string();
        Some(Self { child, port: first["port"].to_string(), notes, authority })
    }

    fn notes(&self) -> Vec<Value> {
        self.notes.lock().unwrap().clone()
    }

    /// Mails that were taken for somebody.
    fn taken(&self, username: &str) -> Vec<String> {
        let to = format!("{username}@iron-builders.example");
        let notes = self.notes();
        let taken = notes.iter().filter(|note| note["to"][0] == to.as_str());
        taken
            .map(|note| {
                assert_eq!((&note["tls"], &note["user"]), (&true.into(), &"stepgate".into()), "{note}");
                note["text"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// A world that sends its mail here.
    async fn world(&self, password: &str, trusts: bool) -> World {
        let keep = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let mut settings = vec![
            ("STEPGATE__MAIL__HOST", "localhost"),
            ("STEPGATE__MAIL__PORT", keep(&self.port)),
            ("STEPGATE__MAIL__USER", "stepgate"),
            ("STEPGATE__MAIL__PASSWORD", keep(password)),
            ("STEPGATE__MAIL__FROM", "Stepgate <no-reply@id.example>"),
        ];
        if trusts {
            settings.push(("STEPGATE__OUTBOUND__CA_FILE", keep(&self.authority)));
        }
        World::start_with(Backend::Sqlite, &settings).await
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Somebody puts their credential to rest, which is told by mail.
async fn suspend(world: &World, username: &str) {
    let mut browser: Browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in(username).await;
    browser.submit(&[("skip", "1")]).await;
    let (_, rest) = browser.page.text.split_once("<li class=\"panel credential\" id=\"credential-").unwrap();
    let id = rest.split('"').next().unwrap().to_owned();
    browser.submit_with("/account/otp/suspend", &[("credential", &id)]).await;
    assert!(browser.page.words().contains("You put it to rest"), "{}", browser.page.words());
}

const WAITING: &str =
    "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'mail' AND done_at IS NULL AND failed_at IS NULL";
const GIVEN_UP: &str = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'mail' AND failed_at IS NOT NULL";
/// All of them: the demo itself sends one when it starts.
const MAILS: &str = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'mail'";
const FAILED: &str = "SELECT COUNT(*) AS found FROM outbox WHERE kind = 'mail' AND last_error IS NOT NULL";
const TRIES: &str = "SELECT MAX(attempts) AS found FROM outbox WHERE kind = 'mail'";

#[tokio::test]
async fn mail_leaves_once_is_tried_again_or_given_up_as_the_server_says() {
    let Some(server) = MailServer::start() else { return };
    let world = server.world("mail-secret", true).await;
    suspend(&world, "dave").await;
    world.until("the mail is there", async || !server.taken("dave").is_empty()).await;
    let mail = server.taken("dave").remove(0);
    for header in [
        "From: Stepgate <no-reply@id.example>",
        "To: dave@iron-builders.example",
        "Auto-Submitted: auto-generated",
        "Message-ID: <",
        "@localhost>",
    ] {
        assert!(mail.contains(header), "{header}: {mail}");
    }
    assert!(mail.contains("Subject: ") && mail.contains("was suspended") && mail.contains("/not-me?token"), "{mail}");

    // 550: for good, after one try.
    suspend(&world, "carol").await;
    world.until("it is given up", async || world.count(GIVEN_UP).await == 1).await;
    let refused = |code: u64| server.notes().iter().filter(|note| note["code"] == code).count();
    assert_eq!((refused(550), server.taken("carol").len()), (1, 0));

    // 452: twice, with growing waits; then it goes.
    suspend(&world, "bob").await;
    world.until("it was refused once", async || refused(452) == 1).await;
    world.advance(16).await;
    world.until("it was refused twice", async || refused(452) == 2).await;
    world.advance(16).await;
    world.until("the wait has doubled", async || world.count(WAITING).await == 1).await;
    assert_eq!(server.taken("bob").len(), 0, "half of the second wait is not enough");
    world.advance(20).await;
    world.until("the mail is there", async || world.count(WAITING).await == 0).await;
    world.advance(4000).await;
    suspend(&world, "erin").await;
    world.until("the last one is there", async || !server.taken("erin").is_empty()).await;
    for username in ["dave", "bob", "erin"] {
        assert_eq!(server.taken(username).len(), 1, "{username}: once");
    }
}

#[tokio::test]
async fn a_server_with_an_unknown_certificate_gets_neither_password_nor_mail() {
    let Some(server) = MailServer::start() else { return };
    let world = server.world("mail-secret", false).await;
    suspend(&world, "dave").await;
    world.until("it was tried", async || world.count(TRIES).await >= 1).await;
    world.until("it will be tried again", async || world.count(FAILED).await == world.count(MAILS).await).await;
    assert!(server.notes().is_empty(), "{:?}", server.notes());
    assert_eq!(world.count(WAITING).await, world.count(MAILS).await, "kept: the operator mends it");
}

#[tokio::test]
async fn a_wrong_password_of_ours_loses_no_mail() {
    let Some(server) = MailServer::start() else { return };
    let world = server.world("wrong", true).await;
    suspend(&world, "dave").await;
    world.until("it was tried", async || server.notes().iter().any(|note| note["login"] == false)).await;
    world.until("it will be tried again", async || world.count(FAILED).await == world.count(MAILS).await).await;
    assert_eq!((world.count(WAITING).await, server.taken("dave").len()), (world.count(MAILS).await, 0));
}
