use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use stepgate_core::secret::SecretBytes;

use super::*;

/// Counts up: each value is fresh and each run the same.
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

fn pepper(byte: u8) -> Pepper {
    Pepper::new(&SecretBytes::new(vec![byte; 32])).unwrap()
}

fn hasher(memory_kib: u32, peppers: Peppers) -> PasswordHasher {
    let settings = PasswordSettings { memory_kib, iterations: 1, threads: 1, ..PasswordSettings::default() };
    PasswordHasher::new(&settings, peppers, &Counting(AtomicU8::new(1))).unwrap()
}

#[tokio::test]
async fn a_password_verifies_and_is_rehashed_when_cost_or_pepper_changed() {
    let entropy = Counting(AtomicU8::new(7));
    let old = hasher(64, Peppers::new(pepper(1), vec![]));
    let stored = old.hash(&secret("correct horse"), &entropy).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1,keyid="), "{stored}");
    assert_ne!(stored, old.hash(&secret("correct horse"), &entropy).await.unwrap());

    let same = Verification::Verified { needs_rehash: false };
    let outdated = Verification::Verified { needs_rehash: true };
    assert_eq!(old.verify(&secret("correct horse"), &stored).await.unwrap(), same);
    assert_eq!(old.verify(&secret("Correct horse"), &stored).await.unwrap(), Verification::Wrong);

    let costlier = hasher(128, Peppers::new(pepper(1), vec![]));
    assert_eq!(costlier.verify(&secret("correct horse"), &stored).await.unwrap(), outdated);
    let rotated = hasher(64, Peppers::new(pepper(2), vec![pepper(1)]));
    assert_eq!(rotated.verify(&secret("correct horse"), &stored).await.unwrap(), outdated);
    let lost = hasher(64, Peppers::new(pepper(2), vec![]));
    assert!(matches!(lost.verify(&secret("correct horse"), &stored).await, Err(PasswordHashError::UnknownPepper(_))));
}

/// From the test suite of the reference implementation (phc-winner-argon2, `test.c`: t=2, m=256 KiB, p=1, `password`,
/// `somesalt`): what another system made is read, and asks to be made anew.
#[tokio::test]
async fn a_hash_of_the_reference_implementation_verifies() {
    let foreign = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let hasher = hasher(64, Peppers::new(pepper(1), vec![]));
    let outdated = Verification::Verified { needs_rehash: true };
    assert_eq!(hasher.verify(&secret("password"), foreign).await.unwrap(), outdated);
    assert_eq!(hasher.verify(&secret("passwore"), foreign).await.unwrap(), Verification::Wrong);
}

#[tokio::test]
async fn nobody_is_checked_in_full_and_never_right() {
    let hasher = hasher(64, Peppers::new(pepper(1), vec![]));
    assert_eq!(hasher.verify_nobody(&secret("")).await.unwrap(), Verification::Wrong);
    let long = secret(&"x".repeat(MAX_BYTES + 1));
    assert!(matches!(hasher.verify_nobody(&long).await, Err(PasswordHashError::TooLong)));
    assert!(matches!(hasher.verify(&long, "anything").await, Err(PasswordHashError::TooLong)));
}

#[test]
fn what_is_stored_is_read_strictly() {
    let tail = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    for (text, error) in [
        ("", PhcError::Format),
        (&format!("$argon2i$v=19$m=256,t=2,p=1{tail}"), PhcError::Format),
        (&format!("$argon2id$v=16$m=256,t=2,p=1{tail}"), PhcError::Format),
        (&format!("$argon2id$v=19$t=2,m=256,p=1{tail}"), PhcError::Format),
        (&format!("$argon2id$v=19$m=256,t=2,p=1,data=AA{tail}"), PhcError::Format),
        (&format!("$argon2id$v=19$m=256,t=2,p=1{tail}$"), PhcError::Format),
        (&format!("$argon2id$v=19$m=4294967295,t=2,p=1{tail}"), PhcError::Cost),
        (&format!("$argon2id$v=19$m=256,t=4294967295,p=1{tail}"), PhcError::Cost),
        (&format!("$argon2id$v=19$m=256,t=2,p=0{tail}"), PhcError::Cost),
        ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA", PhcError::Length),
        ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$", PhcError::Length),
    ] {
        assert_eq!(Phc::parse(text).err(), Some(error), "{text}");
    }
}

fn work(input: &[u8]) -> Work {
    let cost = Cost::new(8, 1, 1).unwrap();
    Work { cost, input: SecretBytes::new(input.to_vec()), salt: vec![0; 16], hash_bytes: 32 }
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_no_thread() {
    let pool = Pool::start(1, 4, |work, blocks| {
        assert!(work.input.expose() != b"panic", "wanted");
        pool::argon2id(work, blocks)
    })
    .unwrap();
    for _ in 0..3 {
        assert_eq!(pool.run(work(b"panic")).await.err(), Some(PoolError::Failed));
        assert!(pool.run(work(b"fine")).await.is_ok());
    }
}

/// Lets the worker of the next test through, one job per message.
static GATE: OnceLock<Mutex<mpsc::Receiver<()>>> = OnceLock::new();

#[tokio::test]
async fn beyond_the_queue_the_answer_is_immediate() {
    let (open, gate) = mpsc::channel();
    GATE.set(Mutex::new(gate)).unwrap();
    let pool = std::sync::Arc::new(
        Pool::start(1, 3, |work, blocks| {
            GATE.get().unwrap().lock().unwrap().recv().unwrap();
            pool::argon2id(work, blocks)
        })
        .unwrap(),
    );
    let ask = || {
        let pool = std::sync::Arc::clone(&pool);
        tokio::spawn(async move { pool.run(work(b"x")).await.map(|_| ()) })
    };
    let running = ask();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let waiting = [ask(), ask(), ask()];
    tokio::time::sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    assert_eq!(ask().await.unwrap(), Err(PoolError::Busy));
    assert!(started.elapsed() < Duration::from_millis(50));
    (0..4).for_each(|_| open.send(()).unwrap());
    for task in waiting.into_iter().chain([running]) {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
}
