//! Reminders: 60, 30, 15, 7 days before the end, on the day, and 30 days after; once each, over nodes and restarts.

use serde_json::json;
use stepgate_tests::{World, on_each_backend};

use super::license_keys::at;

const DAY: u64 = 24 * 3600;
const BOB: &str = "bob@iron-builders.example";

/// Waits until everything that is due was taken, by whichever node.
async fn settled(world: &World, now_in_days: u64) {
    let start = "SELECT MIN(created_at) AS found FROM persons";
    let now = world.count(start).await + i64::try_from(now_in_days * DAY * 1000).unwrap();
    let due = format!("SELECT COUNT(*) AS found FROM credentials WHERE notice_at IS NOT NULL AND notice_at <= {now}");
    world.until("everything due is taken", async || world.count(&due).await == 0).await;
}

async fn count(world: &World, about: &str) -> usize {
    world
        .until("the mails are out", async || {
            let waiting = "SELECT COUNT(*) AS found FROM outbox WHERE done_at IS NULL AND failed_at IS NULL";
            world.count(waiting).await == 0
        })
        .await;
    world.mails(BOB, about).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reminder_comes_once_over_two_nodes() {
    on_each_backend(|world| async move {
        // Bob's subscription ends 305 days from now.
        let steps = [
            (246, "Phone OTP ends in 60 days"),
            (276, "Phone OTP ends in 30 days"),
            (291, "Phone OTP ends in 15 days"),
            (299, "Phone OTP ends in 7 days"),
            (306, "Phone OTP ends today"),
            (336, "Phone OTP has ended"),
        ];
        let mut moved = 0;
        for (day, subject) in steps {
            world.advance((day - moved) * DAY).await;
            moved = day;
            settled(&world, day).await;
            assert_eq!(count(&world, subject).await, 1, "{subject}");
            // The banner is there from 30 days before, on every page.
            let page = at(&world, "bob", "/account/sessions").await.page;
            assert_eq!(
                page.has("banner-action") && page.words().contains("Your Phone OTP end"),
                day >= 276,
                "{subject}"
            );
        }
        for (_, subject) in steps {
            assert_eq!(count(&world, subject).await, 1, "{subject}");
        }
        assert_eq!(world.mails("alice@iron-builders.example", "ends in").await, 0);
        let mail = world.mail(BOB, "Phone OTP ends in 30 days").await;
        assert!(mail.contains("/account/otp/renew?credential=") && mail.contains("Hello Bob Baker"), "{mail}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_repeats_nothing_an_outage_is_not_made_up_for_and_a_renewal_stops_them() {
    on_each_backend(|world| async move {
        world.advance(246 * DAY).await;
        settled(&world, 246).await;
        assert_eq!(count(&world, "ends in 60 days").await, 1);
        for node in 0..world.nodes() {
            world.kill_node(node);
        }
        // Weeks later the nodes are back: the clock of the demo starts anew with each of them.
        for node in 0..world.nodes() {
            world.start_node(node).await;
        }
        world.advance(300 * DAY).await;
        settled(&world, 300).await;
        assert_eq!(count(&world, "ends in 7 days").await, 1, "the last that is due");
        for missed in ["ends in 60 days", "ends in 30 days", "ends in 15 days"] {
            assert_eq!(count(&world, missed).await, 0, "{missed}");
        }
        // Renewed in between: nothing more about the old end.
        let bob = at(&world, "bob", "/account/otp").await;
        let id = super::mobile_phones::between(&bob.page.text, "credential\" id=\"credential-", "\"");
        world.sell_at(0, json!({ "to": "bob", "product": "phone-otp-international", "renew": id })).await;
        world.advance(6 * DAY).await;
        settled(&world, 306).await;
        assert_eq!(count(&world, "Phone OTP ends today").await, 0);
        world.advance(310 * DAY).await;
        settled(&world, 616).await;
        assert_eq!(count(&world, "ends in 60 days").await, 1, "of the new end");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_reminders_gets_the_one_on_the_day_in_their_language() {
    on_each_backend(|world| async move {
        let mut bob = at(&world, "bob", "/account/otp/reminders").await;
        assert!(bob.page.text.contains("checked"));
        bob.submit_with("/account/otp/reminders", &[]).await;
        assert!(bob.page.words().contains("Saved."), "{}", bob.page.words());
        world.tamper("UPDATE persons SET claims = REPLACE(claims, 'en-US', 'de-DE') WHERE username = 'bob'").await;
        for day in [246_u64, 299] {
            world.advance((if day == 246 { day } else { day - 246 }) * DAY).await;
            settled(&world, day).await;
            assert_eq!(count(&world, "Phone OTP").await, 0, "day {day}");
        }
        world.advance(7 * DAY).await;
        settled(&world, 306).await;
        assert_eq!(count(&world, "Phone OTP läuft heute ab").await, 1);
        assert!(world.mail(BOB, "läuft heute ab").await.contains("Guten Tag Bob Baker"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_german_reads_each_reminder_in_german_and_sees_it_above_each_page_of_theirs() {
    on_each_backend(|world| async move {
        world.tamper("UPDATE persons SET claims = REPLACE(claims, 'en-US', 'de-AT') WHERE username = 'bob'").await;
        let steps = [
            (246, "Phone OTP läuft in 60 Tagen ab"),
            (276, "Phone OTP läuft in 30 Tagen ab"),
            (306, "Phone OTP läuft heute ab"),
            (336, "Phone OTP ist abgelaufen"),
        ];
        let mut moved = 0;
        for (day, subject) in steps {
            world.advance((day - moved) * DAY).await;
            moved = day;
            settled(&world, day).await;
            assert_eq!(count(&world, subject).await, 1, "{subject}");
            let mail = world.mail(BOB, subject).await;
            assert!(mail.contains("Guten Tag Bob Baker,") && super::languages::names_a_german_day(&mail), "{mail}");
            assert!(
                mail.contains("/account/otp/renew?credential=") && mail.contains("/account/otp/reminders"),
                "{mail}"
            );
            let page = at(&world, "bob", "/account/otp").await.page;
            super::languages::is_german(&page);
            let banner = match day {
                246 => continue,
                276 => "Phone OTP läuft in",
                306 => "Phone OTP ist vor",
                _ => "Phone OTP ist vor 3",
            };
            assert!(page.has("banner-action") && page.words().contains(banner), "{subject}: {}", page.words());
            assert!(page.has("status-action") && page.words().contains("Verlängern"), "{subject}: {}", page.words());
        }
        assert_eq!(count(&world, "Phone OTP ends").await, 0);
    })
    .await;
}
