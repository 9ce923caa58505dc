//! The janitor: what is left lying about is reported, and only what never worked is removed.

use serde_json::Value;
use stepgate_tests::{World, on_each_backend, on_each_backend_with};

fn said(world: &World, arguments: &[&str]) -> Value {
    let (done, said) = world.operate(&[&["janitor"], arguments, &["--json"]].concat());
    assert!(done, "{said}");
    serde_json::from_str(&said).unwrap()
}

#[tokio::test]
async fn the_janitor_reports_what_lies_about_and_removes_only_what_never_worked() {
    on_each_backend(|world| async move {
        let day = 24 * 3600 * 1000_i64;
        let now = world.count("SELECT MAX(created_at) AS found FROM persons").await;
        let old = now - 400 * day;
        let of = |who: &str| format!("(SELECT id FROM persons WHERE username = '{who}')");
        for change in [
            format!("UPDATE credentials SET created_at = {old}, activated_at = {old}, last_used_at = {old} WHERE serial = 'HT-0001'"),
            format!("UPDATE credentials SET created_at = {old} WHERE stage = 'pending'"),
            format!("UPDATE credentials SET failures = 12 WHERE kind = 'mobile_id' AND person_id = {}", of("carol")),
            "UPDATE credentials SET drift = -14 WHERE serial = 'HT-0001'".to_owned(),
            format!("UPDATE credentials SET expires_at = {} WHERE kind = 'phone_otp' AND person_id = {}", now + 20 * day, of("bob")),
            format!("UPDATE persons SET suspended_at = {now} WHERE username = 'erin'"),
            format!("UPDATE mobile_devices SET active = FALSE, created_at = {old} WHERE person_id = {}", of("carol")),
        ] {
            world.tamper(&change).await;
        }
        let report = said(&world, &["report"]);
        let count = |name: &str| report[name]["count"].as_u64().unwrap();
        assert!(count("half_enrolled") >= 1 && count("stale") >= 1 && count("orphaned") >= 3, "{report}");
        assert_eq!(report["failing"]["first"][0]["username"], "carol", "{report}");
        assert_eq!(report["drifting"]["first"][0]["name"], "HT-0001", "{report}");
        let ending = report["expiring"]["first"].as_array().unwrap();
        assert!(ending.iter().any(|found| found["username"] == "bob"), "{report}");
        assert_eq!(report["removable"]["unconfirmed_phones"], 1);

        let credentials = "SELECT COUNT(*) AS found FROM credentials";
        let (before, phones) = (world.count(credentials).await, "SELECT COUNT(*) AS found FROM mobile_devices");
        let had = world.count(phones).await;
        assert_eq!(said(&world, &["clean", "--dry-run"])["would_remove"]["unconfirmed_phones"], 1);
        assert_eq!(world.count(phones).await, had, "only said");

        // Who may look may not always clean; the page and the command do the same.
        let mut admin = world.browser();
        admin.open("/account").await;
        admin.log_in("admin").await;
        admin.open("/admin/janitor").await;
        assert_eq!(admin.page.name(), "admin-janitor", "{}", admin.page.words());
        assert!(admin.page.words().contains("HT-0001") && admin.page.words().contains("Remove these"));
        admin.submit_to("/admin/janitor/clean").await;
        assert!(admin.page.words().contains("Removed"), "{}", admin.page.words());
        assert_eq!((world.count(phones).await, world.count(credentials).await), (had - 1, before));
        assert_eq!(said(&world, &["report"])["removable"]["unconfirmed_phones"], 0);

        // One at a time, over all nodes and the command line.
        let (done, told) = world.operate(&["janitor", "clean", "--json"]);
        assert!(!done && told.contains("somebody else is cleaning"), "{told}");
        let cleaned = "SELECT COUNT(*) AS found FROM audit_events WHERE kind = 'admin.janitor.cleaned'";
        assert_eq!(world.count(cleaned).await, 1);
        let mut alice = world.browser();
        alice.open("/account").await;
        alice.log_in("alice").await;
        assert_eq!(alice.open("/admin/janitor").await.status, 403);
    })
    .await;
}

async fn looks(world: &World, kind: &str) -> Vec<Value> {
    let sql = format!("SELECT data AS found FROM audit_events WHERE kind = '{kind}' ORDER BY at");
    world.texts(&sql).await.iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn the_janitor_looks_by_itself_once_a_day_over_all_nodes_and_removes_nothing_unasked() {
    on_each_backend(|world| async move {
        world.until("the first look", async || looks(&world, "janitor.looked").await.len() == 1).await;
        let now = world.count("SELECT MAX(created_at) AS found FROM persons").await;
        let (day, carol) = (24 * 3600 * 1000_i64, "(SELECT id FROM persons WHERE username = 'carol')");
        for change in [
            // An HOTP token whose button was pressed often, and a token whose life ends next month.
            "UPDATE credentials SET counter = 19000 WHERE serial = 'HT-0002'".to_owned(),
            "UPDATE hardware_tokens SET stage = 'active' WHERE serial = 'HT-1004'".to_owned(),
            format!("UPDATE hardware_tokens SET life_ends_at = {} WHERE serial = 'HT-1004'", now + 30 * day),
            "UPDATE credentials SET stage = 'active' WHERE serial = 'HT-1004'".to_owned(),
            format!(
                "UPDATE mobile_devices SET active = FALSE, created_at = {} WHERE person_id = {carol}",
                now - 400 * day
            ),
        ] {
            world.tamper(&change).await;
        }
        world.advance(24 * 3600 + 1).await;
        world.until("the next look", async || looks(&world, "janitor.looked").await.len() == 2).await;
        let found = looks(&world, "janitor.looked").await.remove(1);
        assert_eq!((&found["pressed"], &found["dying"]), (&1.into(), &1.into()), "{found}");
        assert_eq!(found["removable"]["unconfirmed_phones"], 1, "{found}");
        let report = said(&world, &["report"]);
        assert_eq!(report["pressed"]["first"][0]["name"], "HT-0002", "{report}");
        assert_eq!(report["dying"]["first"][0]["name"], "HT-1004", "{report}");
        // It was not told to clean: the phone is still there.
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM mobile_devices WHERE active = FALSE").await, 1);
        assert!(looks(&world, "janitor.cleaned").await.is_empty());
        // Half a day later nobody looks again: another look would have come within the time that the next takes.
        world.advance(12 * 3600).await;
        let mut admin = world.browser();
        admin.open("/account").await;
        admin.log_in("admin").await;
        let words = admin.open("/admin/janitor").await.words();
        assert!(words.contains("18000 times or more") && words.contains("life ends within 90 days"), "{words}");
        world.advance(12 * 3600 + 1).await;
        world.until("the third look", async || looks(&world, "janitor.looked").await.len() >= 3).await;
        assert_eq!(looks(&world, "janitor.looked").await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn the_janitor_cleans_by_itself_where_it_was_told_to() {
    on_each_backend_with(&[("STEPGATE__JANITOR__CLEAN_BY_ITSELF", "true")], |world| async move {
        world.until("the first look", async || looks(&world, "janitor.looked").await.len() == 1).await;
        let credentials = "SELECT COUNT(*) AS found FROM credentials";
        let before = world.count(credentials).await;
        let carol = "(SELECT id FROM persons WHERE username = 'carol')";
        world
            .tamper(&format!("UPDATE mobile_devices SET active = FALSE, created_at = 1 WHERE person_id = {carol}"))
            .await;
        world.advance(24 * 3600 + 1).await;
        world.until("it cleaned", async || looks(&world, "janitor.cleaned").await.len() == 1).await;
        assert_eq!(looks(&world, "janitor.cleaned").await[0]["unconfirmed_phones"], 1);
        assert_eq!(world.count("SELECT COUNT(*) AS found FROM mobile_devices WHERE active = FALSE").await, 0);
        assert_eq!(world.count(credentials).await, before, "nothing that works, and nothing paid for");
    })
    .await;
}

#[tokio::test]
async fn a_janitor_who_may_not_look_does_not() {
    let settings = [("STEPGATE__JANITOR__LOOK_EVERY_HOURS", "0")];
    let world = World::start_with(stepgate_tests::Backend::Sqlite, &settings).await;
    // What runs once a minute has run by the time that what runs every ten seconds would have, and both begin at once.
    world
        .until("the background works", async || {
            world.count("SELECT COUNT(*) AS found FROM leases WHERE name = 'sweep'").await == 1
        })
        .await;
    assert_eq!(world.count("SELECT COUNT(*) AS found FROM leases WHERE name = 'janitor look'").await, 0);
    assert!(looks(&world, "janitor.looked").await.is_empty());
}
