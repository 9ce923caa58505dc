//! The janitor: what is left lying about is reported, and only what never worked is removed.

use serde_json::Value;
use stepgate_tests::{World, on_each_backend};

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
