//! More logins at once than a node can hash: refused kindly and at once, while everything else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stepgate_tests::{World, on_each_backend_with};
use tokio::sync::Barrier;

/// One thread that hashes, two that may wait, and a hash that takes a while.
const SMALL: &[(&str, &str)] = &[
    ("STEPGATE__PASSWORDS__THREADS", "1"),
    ("STEPGATE__PASSWORDS__QUEUE", "2"),
    ("STEPGATE__PASSWORDS__MEMORY_KIB", "65536"),
    ("STEPGATE__PASSWORDS__ITERATIONS", "6"),
];
/// Browsers that send a password at once.
const FLOOD: usize = 24;
/// What they say they are, by turns: at most four tries for each person, so that none has to wait.
const NAMES: [&str; 6] = ["alice", "bob", "carol", "dave", "nobody", "mallory@example.org"];

/// What a browser was answered.
struct Answer {
    name: &'static str,
    status: u16,
    after: Duration,
    retry_after: Option<u64>,
    text: String,
}

/// Lets all of them send a wrong password at the same moment.
async fn flood(world: &World) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(FLOOD));
    let mut tasks = Vec::new();
    for name in NAMES.iter().cycle().take(FLOOD) {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.submit(&[("username", name)]).await;
        let (barrier, request) = (Arc::clone(&barrier), browser.prepared(&[("password", "wrong-password-here")]));
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            let begun = Instant::now();
            let answer = request.timeout(Duration::from_secs(60)).send().await.unwrap();
            let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
            let (status, after) = (answer.status().as_u16(), begun.elapsed());
            Answer { name, status, after, retry_after, text: answer.text().await.unwrap() }
        }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn t23_more_passwords_than_a_node_can_hash_are_refused_kindly_and_at_once() {
    on_each_backend_with(SMALL, |world| async move {
        let over = Arc::new(AtomicBool::new(false));
        let token = world.relying_party().await.http.post(format!("{}/token", world.issuer));
        let token = token.basic_auth("demo-service", Some("demo-service-secret"));
        let token = token.form(&[("grant_type", "client_credentials")]);
        let meanwhile = tokio::spawn({
            let over = Arc::clone(&over);
            async move {
                let mut answered = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    answered.push(token.try_clone().unwrap().send().await.unwrap().status().as_u16());
                }
                answered
            }
        });
        let answers = flood(&world).await;
        over.store(true, Ordering::Relaxed);
        let tokens = meanwhile.await.unwrap();
        assert!(tokens.len() > 3 && tokens.iter().all(|status| *status == 200), "{tokens:?}");

        let (refused, evaluated): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 503);
        // One is hashed and two wait on each node; a few more get in while those are worked off.
        assert!(evaluated.len() >= 3 && refused.len() >= FLOOD / 4, "{} of {FLOOD} refused", refused.len());
        assert!(evaluated.iter().all(|answer| answer.status == 200 && answer.text.contains("do not belong together")));
        let longest = evaluated.iter().map(|answer| answer.after).max().unwrap();
        for answer in &refused {
            assert!(answer.retry_after.is_some_and(|seconds| (1..=5).contains(&seconds)), "{:?}", answer.retry_after);
            assert!(answer.text.contains("It does not count as a try"), "{}", answer.text);
            assert!(answer.after < longest, "refused after {:?}, hashed after {longest:?}", answer.after);
        }
        // Only what was evaluated is counted, for each person.
        for name in &NAMES[..4] {
            let tried = evaluated.iter().filter(|answer| answer.name == *name).count();
            let counted = format!(
                "SELECT failures AS found FROM credentials WHERE kind = 'password' AND person_id =
                 (SELECT id FROM persons WHERE username = '{name}')"
            );
            assert_eq!(world.count(&counted).await, i64::try_from(tried).unwrap(), "{name}");
        }
        let mut browser = world.browser();
        browser.open("/account").await;
        assert_eq!(browser.log_in("alice").await.name(), "account");
    })
    .await;
}
