//! An organization renews for many people at once: filtered, all of them, one order; and the bounds of that.

use stepgate_tests::{Backend, World, on_each_backend};

use crate::license_keys::at;
use crate::shop::order;

/// So many people of the demo's organization, each with a Mobile ID that ends in so many days.
async fn people(world: &World, from: usize, count: usize, days: i64) {
    let (id, numbers, prefix) = match world.backend {
        Backend::Sqlite => (
            "randomblob(16)",
            format!(
                "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {})",
                from + count - 1
            ),
            "printf('bulk%06d', n.i)",
        ),
        Backend::PostgresRedis => (
            "gen_random_uuid()",
            format!("WITH n(i) AS (SELECT generate_series({from}, {}))", from + count - 1),
            "'bulk' || lpad(n.i::text, 6, '0')",
        ),
    };
    let now = stepgate_tests::now() * 1000;
    world
        .tamper(&format!(
            "INSERT INTO persons (id, username, email, claims, suspended_at, proofed_at, proofing_expires_at, created_at,
               updated_at)
             {numbers} SELECT {id}, {prefix}, NULL, '{{}}', NULL, NULL, NULL, {now}, {now} FROM n"
        ))
        .await;
    let new =
        format!("p.username >= 'bulk{from:06}' AND p.username < 'bulk{:06}' AND p.username LIKE 'bulk%'", from + count);
    world
        .tamper(&format!(
            "INSERT INTO memberships (person_id, organization_id, created_at)
             SELECT p.id, o.organization_id, {now} FROM persons p,
               (SELECT m.organization_id FROM memberships m JOIN persons q ON q.id = m.person_id
                WHERE q.username = 'alice' LIMIT 1) o WHERE {new}"
        ))
        .await;
    let ends = now + days * 86_400_000;
    world
        .tamper(&format!(
            "INSERT INTO credentials (id, person_id, kind, label, serial, stage, failures, retry_at, last_used_at,
               activated_at, purchased_at, expires_at, created_at, sealed_secret, parameters, counter, drift)
             SELECT {id}, p.id, 'mobile_id', 'Mobile ID', NULL, 'active', 0, NULL, NULL, {now}, {now}, {ends}, {now},
               NULL, '{{}}', -1, 0 FROM persons p WHERE {new}"
        ))
        .await;
}

#[tokio::test]
async fn hundreds_are_found_page_by_page_and_renewed_with_one_order() {
    on_each_backend(|world| async move {
        people(&world, 0, 120, 20).await;
        people(&world, 120, 10, -5).await;
        let mut oscar = at(&world, "oscar", "/admin/renewals").await;
        // Page after page, each once, in either order.
        for sort in ["", "person"] {
            let mut seen = Vec::new();
            oscar.open(&format!("/admin/renewals?q=bulk&sort={sort}")).await;
            loop {
                let names = oscar.page.text.split("href=\"/admin/people/").skip(1);
                seen.extend(names.map(|rest| rest.split('"').next().unwrap().to_owned()));
                if !oscar.page.has("next-page") {
                    break;
                }
                let next = oscar.page.text.split("id=\"next-page\"").nth(1).unwrap().split("href=\"").nth(1).unwrap();
                let next = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
                oscar.open(&next).await;
            }
            let count = seen.len();
            if sort == "person" {
                assert!(seen.is_sorted(), "{seen:?}");
            }
            seen.sort();
            seen.dedup();
            assert_eq!((count, seen.len()), (130, 130));
        }
        // Filtered by days, kind and name.
        for (query, found) in [
            ("q=bulk&days=7", "Add the ticked ones"),
            ("q=bulk&kind=mobile_id", "Add all 130"),
            ("q=bulk&kind=phone_otp", "Nothing to renew"),
            ("q=bulk0001&days=30", "bulk000129"),
        ] {
            let words = oscar.open(&format!("/admin/renewals?{query}")).await.words();
            assert!(words.contains(found), "{query}: {words}");
        }
        assert_eq!(oscar.page.text.matches("name=\"renew\"").count(), 30);
        let csv = oscar.open("/admin/renewals.csv?q=bulk&days=7").await.text.clone();
        assert_eq!(csv.lines().count(), 11, "{csv}");
        assert!(csv.starts_with("user_id,kind,ends,price"), "{csv}");
        // All that the filter finds: one cart, one order, each a year to the old end.
        oscar.open("/admin/renewals?q=bulk&days=30").await;
        oscar.submit(&[("all", "1")]).await;
        assert_eq!(oscar.page.name(), "cart", "{}", oscar.page.words());
        assert!(oscar.page.words().contains("More people 80"), "{}", oscar.page.words());
        oscar.open("/checkout").await;
        order(&mut oscar, &[("method", "invoice")]).await;
        let number = crate::shop::number(&oscar.page);
        let mut fiona = at(&world, "fiona", &format!("/admin/orders/{number}")).await;
        fiona.submit_to(&format!("/admin/orders/{number}/paid")).await;
        assert!(fiona.page.words().contains("Done"), "{}", fiona.page.words());
        let now = stepgate_tests::now() * 1000;
        let renewed = format!(
            "SELECT COUNT(*) AS found FROM credentials c JOIN persons p ON p.id = c.person_id
             WHERE p.username LIKE 'bulk%' AND c.expires_at > {now} + 31000000000"
        );
        assert_eq!(world.count(&renewed).await, 130);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM orders").await, 1);
        assert!(oscar.open("/admin/renewals?q=bulk").await.words().contains("Nothing to renew"));
        assert!(oscar.open(&format!("/orders/{number}")).await.words().contains("More people 80"));
    })
    .await;
}

#[tokio::test]
async fn more_than_an_order_holds_is_said_and_narrowed() {
    let world = World::start(Backend::Sqlite).await;
    people(&world, 0, 1001, 20).await;
    let mut oscar = at(&world, "oscar", "/admin/renewals?q=bulk").await;
    assert!(oscar.page.has("too-many") && !oscar.page.has("all"), "{}", oscar.page.words());
    oscar.submit_with("/cart/add-renewals", &[("q", "bulk"), ("all", "1")]).await;
    assert_eq!((oscar.page.name(), oscar.page.status.as_u16()), ("renewals", 422));
    assert!(oscar.page.words().contains("1001 can be renewed, and one order holds 1000"), "{}", oscar.page.words());
    // A thousand at once.
    oscar.submit_with("/cart/add-renewals", &[("q", "bulk000"), ("all", "1")]).await;
    assert_eq!(oscar.page.name(), "cart", "{}", oscar.page.words());
    oscar.submit_with("/cart/add-renewals", &[("q", "bulk001"), ("all", "1")]).await;
    assert!(oscar.page.words().contains("more than 1000 lines"), "{}", oscar.page.words());
    oscar.open("/checkout").await;
    order(&mut oscar, &[("method", "invoice")]).await;
    let number = crate::shop::number(&oscar.page);
    let mut fiona = at(&world, "fiona", &format!("/admin/orders/{number}")).await;
    let started = std::time::Instant::now();
    fiona.submit_to(&format!("/admin/orders/{number}/paid")).await;
    println!("a thousand renewals in {} ms", started.elapsed().as_millis());
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM terms").await, 1000);
}
