//! A real push: from the provider's outbox through a push service to Firefox's service worker, which decrypts it.
//! `STEPGATE_TEST_FIREFOX` is `tests/firefox/push.mjs`, beside the packages that it needs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use stepgate_tests::{Backend, PushService, World};

use super::mobile_phones::{between, waiting};

struct Firefox {
    child: Child,
    says: Arc<Mutex<BufReader<ChildStdout>>>,
}

impl Firefox {
    fn start(script: &str, issuer: &str, code: &str) -> Self {
        let mut command = Command::new("node");
        command.args([script, issuer, code]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let says = Arc::new(Mutex::new(BufReader::new(child.stdout.take().unwrap())));
        Self { child, says }
    }

    /// The next line that begins with the word.
    async fn says(&mut self, word: &'static str) -> String {
        let says = Arc::clone(&self.says);
        let line = tokio::task::spawn_blocking(move || {
            let mut says = says.lock().unwrap();
            loop {
                let mut line = String::new();
                assert!(says.read_line(&mut line).unwrap() > 0, "it ended before {word}");
                if let Some(rest) = line.strip_prefix(word) {
                    return rest.trim().to_owned();
                }
            }
        });
        line.await.unwrap()
    }

    fn told(&mut self, line: &str) {
        let hears = self.child.stdin.as_mut().unwrap();
        hears.write_all(format!("{line}\n").as_bytes()).unwrap();
        hears.flush().unwrap();
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        // Its input ends, and so does it; what it started it stops itself.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_push_reaches_firefox_and_wakes_the_app() {
    let Ok(script) = std::env::var("STEPGATE_TEST_FIREFOX") else {
        println!("STEPGATE_TEST_FIREFOX is not set: no Firefox");
        return;
    };
    let world = World::start_with(Backend::Sqlite, PushService::SETTINGS).await;
    let mut browser = world.browser();
    browser.open("/account/otp").await;
    browser.log_in("grace").await;
    let credential = between(&browser.page.text, "credential\" id=\"credential-", "\"");
    browser.submit(&[("credential", &credential)]).await;
    let code = between(&browser.page.text, "id=\"enrol-code\">", "<");
    let mut firefox = Firefox::start(&script, &world.issuer, &code.replace(' ', ""));
    let digits = firefox.says("digits").await;
    browser.submit(&[("digits", &digits)]).await;
    assert!(browser.page.words().contains("Your phone is set up"), "{}", browser.page.words());
    firefox.says("subscribed").await;
    let kept = "SELECT COUNT(*) AS found FROM mobile_devices WHERE sealed_push IS NOT NULL";
    assert_eq!(world.count(kept).await, 1);

    let mut login = waiting(&world).await;
    assert_eq!(firefox.says("pushed").await, "201");
    firefox.says("woken").await;
    firefox.told(&format!("number {}", login.page.match_number()));
    assert_eq!(firefox.says("result").await, "Approved. Go on in your browser.");
    login.submit(&[("approved", "1")]).await;
    assert_eq!(login.page.strength(), "Mobile ID");

    // Unsubscribed: the push service says that it is gone, and the provider forgets it.
    firefox.told("forget");
    firefox.says("forgotten").await;
    waiting(&world).await;
    assert_eq!(firefox.says("pushed").await, "410");
    world.until("the subscription is forgotten", async || world.count(kept).await == 0).await;
    firefox.told("end");
}
