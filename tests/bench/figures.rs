//! Reports and lists over a million subscriptions, 200,000 orders and 100,000 invitations: how long each page takes.
//!
//! `cargo run --release -p stepgate-tests --bin bench-figures`. PostgreSQL where `STEPGATE_TEST_POSTGRES` and
//! `STEPGATE_TEST_REDIS` say where it is.

#![expect(clippy::print_stdout, reason = "a benchmark says what it found")]

use std::time::{Duration, Instant};

use stepgate_tests::{Backend, World, logged_in};

const PEOPLE: u64 = 100_000;
const SUBSCRIPTIONS: u64 = 1_000_000;
const ORDERS: u64 = 200_000;
const INVITATIONS: u64 = 100_000;
const DAY: i64 = 24 * 3600 * 1000;

/// The words of one database for what both can do.
struct Words {
    backend: Backend,
}

impl Words {
    /// `n(i)`: the numbers from 1.
    fn numbers(&self, count: u64) -> String {
        match self.backend {
            Backend::Sqlite => {
                format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
            }
            Backend::PostgresRedis => format!("WITH n(i) AS (SELECT generate_series(1, {count}))"),
        }
    }

    /// The id of the row of a kind with a number.
    fn id(&self, kind: char, number: &str) -> String {
        match self.backend {
            Backend::Sqlite => format!("CAST(printf('fig-{kind}-%010d', {number}) AS BLOB)"),
            Backend::PostgresRedis => format!("md5('{kind}' || ({number}))::uuid"),
        }
    }

    /// Bytes that are no other row's.
    fn bytes(&self, kind: char, number: &str) -> String {
        match self.backend {
            Backend::Sqlite => format!("CAST(printf('{kind}%010d', {number}) AS BLOB)"),
            Backend::PostgresRedis => format!("decode(md5('{kind}' || ({number})), 'hex')"),
        }
    }

    fn text(&self, before: &str, number: &str) -> String {
        match self.backend {
            Backend::Sqlite => format!("printf('{before}%07d', {number})"),
            Backend::PostgresRedis => format!("'{before}' || lpad(({number})::text, 7, '0')"),
        }
    }
}

async fn fill(world: &World) {
    let words = Words { backend: world.backend };
    let now = stepgate_tests::now() * 1000;
    let (person, key, order) = (words.id('p', "n.i"), words.id('k', "n.i"), words.id('o', "n.i"));
    let own = "(SELECT m.organization_id FROM memberships m JOIN persons p ON p.id = m.person_id
                WHERE p.username = 'oscar' LIMIT 1)";
    let holder = words.id('p', &format!("n.i % {PEOPLE} + 1"));
    let half = format!("CASE WHEN n.i % 2 = 0 THEN {own} END");
    let ends = format!("{now} + (n.i % 700 - 300) * {DAY}");
    let past = format!("{now} - (n.i % 700) * {DAY}");
    let products = "CASE n.i % 4 WHEN 0 THEN 'mobile-id' WHEN 1 THEN 'bundle' WHEN 2 THEN 'hardware-token'
                    ELSE 'phone-otp-domestic' END";
    let statements = [
        format!(
            "INSERT INTO persons (id, username, email, claims, created_at, updated_at) {} SELECT {person}, {}, NULL, '{{}}',
               {now}, {now} FROM n",
            words.numbers(PEOPLE),
            words.text("figure", "n.i")
        ),
        // One in ten is of the demo's organization.
        format!(
            "INSERT INTO memberships (person_id, organization_id, created_at) {} SELECT {person}, {own}, {now} FROM n
             WHERE n.i % 10 = 0",
            words.numbers(PEOPLE)
        ),
        format!(
            "INSERT INTO orders (id, number, request_hash, purchaser_id, organization_id, sponsor_kind, sponsor_id, stage,
               version, method, currency, net, tax, gross, lines, billing, placed_at, paid_at, refunded_at, shipping_stage)
             {} SELECT {order}, {}, {}, {holder}, {half}, CASE WHEN n.i % 10 = 0 THEN 'organization' END,
               CASE WHEN n.i % 10 = 0 THEN {own} END, CASE WHEN n.i % 50 = 0 THEN 'refunded' ELSE 'paid' END, 1, 'card',
               'USD', 3000, 0, 3000, '[]', '{{\"name\":\"F\",\"address\":{{}}}}', {past}, {past},
               CASE WHEN n.i % 50 = 0 THEN {past} END, 'none' FROM n",
            words.numbers(ORDERS),
            words.text("SG-F", "n.i"),
            words.bytes('r', "n.i")
        ),
        format!(
            "INSERT INTO sales (order_id, line, product, renewal, quantity, currency, net, organization_id, sponsor_id,
               sold_at) {} SELECT {order}, 0, {products}, n.i % 3 = 0, 5, 'USD', 3000, {half}, NULL, {past} FROM n",
            words.numbers(ORDERS)
        ),
        format!(
            "INSERT INTO license_keys (id, hash, order_id, line, number, product, gives, stage, purchaser_id, purchased_at,
               redeemed_by, redeemed_at) {} SELECT {key}, {}, {}, 0, n.i / {ORDERS}, {products}, '{{\"kinds\":[]}}',
               'redeemed', {holder}, {past}, {holder}, {past} FROM n",
            words.numbers(SUBSCRIPTIONS),
            words.bytes('h', "n.i"),
            words.id('o', &format!("n.i % {ORDERS} + 1"))
        ),
        format!(
            "INSERT INTO credentials (id, person_id, kind, label, stage, failures, activated_at, purchased_at, expires_at,
               created_at, parameters, counter, drift, product, license_key_id)
             {} SELECT {}, {holder}, 'mobile_id', 'Mobile ID', 'active', 0, {past}, {past}, {ends}, {past}, '{{}}', -1, 0,
               {products}, {key} FROM n",
            words.numbers(SUBSCRIPTIONS),
            words.id('c', "n.i")
        ),
        format!(
            "INSERT INTO invitations (id, token_hash, sponsor_kind, sponsor_id, organization_id, order_id, license_key_id,
               product, email, name, currency, charged, invited_by, created_at, sent_at, expires_at, opened_at, joined_at,
               withdrawn_at)
             {} SELECT {}, {}, 'organization', {own}, {own}, {}, {key}, 'mobile-id', {}, {}, 'USD', 3000, {person}, {past},
               {past}, {past} + 14 * {DAY}, CASE WHEN n.i % 3 = 0 THEN {past} END, CASE WHEN n.i % 5 = 0 THEN {past} END,
               CASE WHEN n.i % 20 = 0 THEN {past} END FROM n",
            words.numbers(INVITATIONS),
            words.id('i', "n.i"),
            words.bytes('t', "n.i"),
            words.id('o', "n.i"),
            words.text("invited", "n.i"),
            words.text("Name ", "n.i")
        ),
    ];
    for sql in statements {
        world.tamper(&sql).await;
    }
    if world.backend == Backend::PostgresRedis {
        world.tamper("ANALYZE").await;
    }
}

#[tokio::main]
async fn main() {
    let postgres = std::env::var("STEPGATE_TEST_POSTGRES").is_ok();
    let world = World::start(if postgres { Backend::PostgresRedis } else { Backend::Sqlite }).await;
    println!("{:?}, {} node(s)", world.backend, world.nodes());
    let filling = Instant::now();
    fill(&world).await;
    println!("filled in {} s", filling.elapsed().as_secs());
    for (who, pages) in [
        (
            "admin",
            &[
                "/admin/reports",
                "/admin/reports?from=2026-01-01&to=2026-12-31",
                "/admin/orders",
                "/admin/orders?q=SG-F0199",
                "/admin/orders?stage=refunded",
                "/admin/orders?attention=1",
                "/admin/invitations",
                "/admin/invitations?state=sent",
                "/admin/invitations?state=withdrawn",
                "/admin/invitations?state=activated",
                "/admin/invitations?q=invited0099",
                "/admin/invitations?q=nobody",
                "/admin/invitations.csv?state=withdrawn",
            ] as &[&str],
        ),
        (
            "oscar",
            &[
                "/admin/reports",
                "/admin/orders",
                "/admin/invitations?state=joined",
                "/admin/renewals",
                "/admin/renewals?sort=person",
                "/admin/renewals?q=figure009&days=7",
                "/admin/renewals.csv",
            ],
        ),
    ] {
        let mut browser = logged_in(&world, who).await;
        for page in pages {
            let mut times: Vec<Duration> = Vec::new();
            for _ in 0..5 {
                let opened = Instant::now();
                let status = browser.open(page).await.status;
                times.push(opened.elapsed());
                assert!(status.is_success(), "{page}: {status}");
            }
            times.sort();
            let middle = times.get(2).copied().unwrap_or_default();
            println!("{who:>6} {:>6} ms  {page}", middle.as_millis());
        }
    }
}
