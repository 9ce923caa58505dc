//! An unknown person, a wrong password, a locked account, a suspended person, a person without a password: one answer,
//! and one time.

use std::time::{Duration, Instant};

use stepgate_tests::{Browser, World, on_each_backend, on_each_backend_with};

/// Rounds between two looks at the samples, and looks at most. A noisy machine needs more of them; a difference that is
/// really there outlasts all.
const ROUNDS: usize = 25;
const LOOKS: usize = 8;

/// A kind of person, and the times of the answers.
struct Case {
    what: &'static str,
    username: &'static str,
    browser: Browser,
    /// What is typed. Nothing typed is not hashed: everything but the hash.
    password: &'static str,
    took: Vec<Duration>,
}

impl Case {
    async fn begin(world: &World, what: &'static str, username: &'static str, password: &'static str) -> Self {
        let mut browser = world.browser();
        browser.open("/account").await;
        browser.submit(&[("username", username)]).await;
        assert_eq!(browser.page.name(), "password", "{what}");
        Self { what, username, browser, password, took: Vec::new() }
    }

    async fn sample(&mut self) {
        let request = self.browser.prepared(&[("password", self.password)]);
        let begun = Instant::now();
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", self.what);
        answer.bytes().await.unwrap();
        self.took.push(begun.elapsed());
    }

    fn median(&self) -> f64 {
        let mut sorted = self.took.clone();
        sorted.sort();
        sorted[sorted.len() / 2].as_secs_f64() * 1000.0
    }
}

/// The page without what is this browser's own: its proof, its parked request, the name that was typed.
fn anonymous(case: &Case) -> String {
    let text = &case.browser.page.text;
    let (_, rest) = text.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split_once('"').unwrap().0;
    text.replace(csrf, "…").replace(case.browser.page.url.path(), "…").replace(case.username, "…")
}

/// Numbers below `below` without any order. The same in each run: only their being mixed matters.
struct Mixer(u64);

impl Mixer {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(below).unwrap()).unwrap()
    }

    fn mix<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.next(last + 1));
        }
    }
}

const FORGIVE: &str = "UPDATE credentials SET failures = 0, retry_at = NULL WHERE kind = 'password' AND person_id =
                       (SELECT id FROM persons WHERE username = 'alice')";

async fn five_kinds_of_people(world: &World) {
    let of = |username: &str| format!("(SELECT id FROM persons WHERE username = '{username}')");
    let locked = "UPDATE credentials SET failures = 9, retry_at = 99999999999999 WHERE kind = 'password'";
    world.tamper(&format!("{locked} AND person_id = {}", of("bob"))).await;
    world.tamper("UPDATE persons SET suspended_at = 1 WHERE username = 'carol'").await;
    world.tamper(&format!("DELETE FROM credentials WHERE kind = 'password' AND person_id = {}", of("dave"))).await;
}

#[tokio::test]
async fn t13_who_exists_is_told_neither_by_the_answer_nor_by_its_time() {
    on_each_backend(|world| async move {
        five_kinds_of_people(&world).await;
        let wrong = "wrong-password-here";
        let mut cases = [
            Case::begin(&world, "a wrong password", "alice", wrong).await,
            Case::begin(&world, "an unknown person", "nobody-of-that-name", wrong).await,
            Case::begin(&world, "a locked account", "bob", wrong).await,
            Case::begin(&world, "a suspended person", "carol", wrong).await,
            Case::begin(&world, "a person without a password", "dave", wrong).await,
            Case::begin(&world, "nothing typed", "alice", "").await,
        ];
        let (first, others) = cases.split_at_mut(1);
        first[0].browser.submit(&[("password", wrong)]).await;
        for case in &mut others[..4] {
            case.browser.submit(&[("password", wrong)]).await;
            assert_eq!(anonymous(case), anonymous(&first[0]), "{}", case.what);
        }

        let mut mixer = Mixer(2026);
        let mut order: Vec<usize> = (0..cases.len()).collect();
        for look in 1..=LOOKS {
            for _ in 0..ROUNDS {
                world.tamper(FORGIVE).await;
                mixer.mix(&mut order);
                for number in &order {
                    cases[*number].sample().await;
                }
            }
            let (known, nothing) = (cases[0].median(), cases[5].median());
            let hash = known - nothing;
            assert!(hash > 2.0, "no hash: {known:.1} ms for a wrong password, {nothing:.1} ms for none");
            let apart = |case: &&Case| (case.median() - known).abs() > hash / 4.0;
            let told: Vec<_> = cases[1..5].iter().filter(apart).map(|case| (case.what, case.median())).collect();
            println!("look {look}: {known:.1} ms, hash {hash:.1} ms, apart: {told:?}");
            if told.is_empty() {
                return;
            }
            assert!(look < LOOKS, "a wrong password takes {known:.1} ms, its hash {hash:.1} ms, but {told:?}");
        }
    })
    .await;
}

/// Whether two samples come from one distribution: the standard score of Mann and Whitney's U. Times are all but never
/// equal, so that ties are not corrected for.
fn standard_score(one: &[Duration], other: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> =
        one.iter().map(|took| (*took, true)).chain(other.iter().map(|took| (*took, false))).collect();
    all.sort();
    let (n, m) = (one.len() as f64, other.len() as f64);
    let ranks: f64 = all.iter().enumerate().filter(|(_, (_, first))| *first).map(|(rank, _)| rank as f64 + 1.0).sum();
    let u = ranks - n * (n + 1.0) / 2.0;
    (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[test]
fn the_score_tells_a_shift_from_noise() {
    let times =
        |from: u64, step: u64| (0..100).map(|number| Duration::from_micros(from + number * step)).collect::<Vec<_>>();
    assert!(standard_score(&times(0, 7), &times(3, 7)).abs() < 1.0);
    assert!(standard_score(&times(200, 7), &times(0, 7)) > 3.0);
    assert!(standard_score(&times(0, 7), &times(200, 7)) < -3.0);
}

/// The same question of somebody who has an account, and of nobody: asked in a mixed order until no difference is left to
/// see at a level of one in a hundred. A difference that is really there grows with each look.
#[tokio::test]
async fn t13_what_was_forgotten_is_answered_in_one_time_whoever_exists() {
    on_each_backend_with(crate::recovery::ROOMY, |world| async move {
        for (path, known, unknown) in [
            ("/help/user-id", "alice@iron-builders.example", "nobody@iron-builders.example"),
            ("/help/password", "alice", "nobody-of-that-name"),
        ] {
            let mut browser = world.browser();
            browser.open(path).await;
            let ask = async |login: &str| {
                let request = browser.prepared(&[("login", login)]);
                let begun = Instant::now();
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 200, "{path}");
                answer.bytes().await.unwrap();
                begun.elapsed()
            };
            let (mut mixer, mut took) = (Mixer(4711), [Vec::new(), Vec::new()]);
            for look in 1..=LOOKS {
                for _ in 0..4 * ROUNDS {
                    let first = mixer.next(2);
                    for number in [first, 1 - first] {
                        took[number].push(ask(if number == 0 { known } else { unknown }).await);
                    }
                }
                let score = standard_score(&took[0], &took[1]);
                println!("{path}, look {look}: {score:+.2} with {} of each", took[0].len());
                if score.abs() < 2.576 {
                    break;
                }
                assert!(look < LOOKS, "{path}: whoever exists is told by the time, {score:+.2}");
            }
        }
    })
    .await;
}
