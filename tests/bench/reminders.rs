//! The sweep of reminders over a million subscriptions, with logins meanwhile.
//!
//! `cargo run --release -p stepgate-tests --bin bench-reminders`. A day's share of the million is due: six notices a year
//! each, so one in 61. PostgreSQL where `STEPGATE_TEST_POSTGRES` and `STEPGATE_TEST_REDIS` say where it is.

#![expect(clippy::print_stdout, reason = "a benchmark says what it found")]

use std::time::{Duration, Instant};

use stepgate_tests::{Backend, World};

const SUBSCRIPTIONS: u64 = 1_000_000;
const SHARE: u64 = 61;
const DAY: u64 = 24 * 3600;

/// A million credentials of one person, whose notices are spread over the days to come; a day's share is due first.
async fn fill(world: &World) {
    let (id, numbers) = match world.backend {
        Backend::Sqlite => (
            "randomblob(16)",
            format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SUBSCRIPTIONS})"),
        ),
        Backend::PostgresRedis => {
            ("gen_random_uuid()", format!("WITH n(i) AS (SELECT generate_series(1, {SUBSCRIPTIONS}))"))
        }
    };
    let day = DAY * 1000;
    // Ends 60 days after the notice, which lies on the next day for one of 61, and later for the others.
    let notice = format!("c.created_at + {day} + CASE WHEN n.i % {SHARE} = 0 THEN 0 ELSE (10 + n.i % 300) * {day} END");
    let sql = format!(
        "INSERT INTO credentials (id, person_id, kind, label, serial, stage, failures, retry_at, last_used_at,
           activated_at, purchased_at, expires_at, created_at, sealed_secret, parameters, counter, drift, notice_at)
         {numbers}
         SELECT {id}, c.person_id, 'mobile_id', 'Mobile ID', NULL, 'active', 0, NULL, NULL, c.created_at, c.created_at,
           {notice} + 60 * {day}, c.created_at, NULL, '{{}}', -1, 0, {notice}
         FROM credentials c JOIN persons p ON p.id = c.person_id, n WHERE p.username = 'alice' AND c.kind = 'password'"
    );
    world.tamper(&sql).await;
}

#[tokio::main]
async fn main() {
    let postgres = std::env::var("STEPGATE_TEST_POSTGRES").is_ok();
    let world = World::start(if postgres { Backend::PostgresRedis } else { Backend::Sqlite }).await;
    println!("{:?}, {} node(s)", world.backend, world.nodes());
    let filling = Instant::now();
    fill(&world).await;
    println!("{SUBSCRIPTIONS} subscriptions in {} s", filling.elapsed().as_secs());
    let next = world.count("SELECT MIN(created_at) AS found FROM persons").await;
    let due = next + i64::try_from(DAY * 1000 + 60_000).unwrap_or(i64::MAX);
    let due = format!("SELECT COUNT(*) AS found FROM credentials WHERE notice_at IS NOT NULL AND notice_at <= {due}");
    let count = world.count(&due).await;
    let started = Instant::now();
    world.advance(DAY + 120).await;
    let mut logins: Vec<Duration> = Vec::new();
    while world.count(&due).await > 0 {
        let (mut browser, login) = (world.browser(), Instant::now());
        browser.open("/account").await;
        browser.log_in("bob").await;
        logins.push(login.elapsed());
    }
    let took = started.elapsed();
    logins.sort();
    let worst = logins.last().copied().unwrap_or_default();
    let middle = logins.get(logins.len() / 2).copied().unwrap_or_default();
    println!("{count} notices taken in {:.1} s", took.as_secs_f64());
    println!(
        "{} logins meanwhile: {} ms in the middle, {} ms at worst",
        logins.len(),
        middle.as_millis(),
        worst.as_millis()
    );
}
