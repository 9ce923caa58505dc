//! Reminders: 60, 30, 15, 7 days before the end, on the day, and 30 days after; once each, over nodes and restarts.

use serde_json::json;
use stepgate_tests::{World, on_each_backend, on_each_backend_with};

use super::license_keys::at;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const BOB: &str = "bob@iron-builders.example";
const GRACE: &str = "grace@iron-builders.example";

/// A calendar on which somebody's subscription ends at noon UTC, on a day of next year: which is seven or eight in the
/// morning where the demo's people live.
struct Calendar<'a> {
    world: &'a World,
    /// Seconds from the start to the end.
    end: i64,
    moved: i64,
}

impl<'a> Calendar<'a> {
    async fn of(world: &'a World, username: &str) -> Self {
        let start = world.count("SELECT MIN(created_at) AS found FROM persons").await / 1000;
        let end = (start / DAY + 305) * DAY + 12 * HOUR;
        let (ends, notice) = (end * 1000, (end - 60 * DAY) * 1000);
        let sql = format!(
            "UPDATE credentials SET expires_at = {ends}, notice_at = {notice} WHERE kind IN ('phone_otp', 'mobile_id')
             AND person_id IN (SELECT id FROM persons WHERE username = '{username}')"
        );
        world.tamper(&sql).await;
        Self { world, end: end - start, moved: 0 }
    }

    /// Goes on to so long after the end, or before it, and waits until everything that is due was taken by whichever node.
    async fn at(&mut self, after_end: i64) {
        let to = self.end + after_end;
        self.world.advance(u64::try_from(to - self.moved).unwrap()).await;
        self.moved = to;
        let start = "SELECT MIN(created_at) AS found FROM persons";
        let now = self.world.count(start).await + to * 1000;
        let due =
            format!("SELECT COUNT(*) AS found FROM credentials WHERE notice_at IS NOT NULL AND notice_at <= {now}");
        self.world.until("everything due is taken", async || self.world.count(&due).await == 0).await;
    }
}

async fn count(world: &World, about: &str) -> usize {
    count_to(world, BOB, about).await
}

async fn count_to(world: &World, to: &str, about: &str) -> usize {
    world
        .until("the mails are out", async || {
            let waiting = "SELECT COUNT(*) AS found FROM outbox WHERE done_at IS NULL AND failed_at IS NULL";
            world.count(waiting).await == 0
        })
        .await;
    world.mails(to, about).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reminder_comes_once_over_two_nodes() {
    on_each_backend(|world| async move {
        let mut calendar = Calendar::of(&world, "bob").await;
        let steps = [
            (-60 * DAY + HOUR, "Phone OTP ends in 60 days"),
            (-30 * DAY + HOUR, "Phone OTP ends in 30 days"),
            (-15 * DAY + HOUR, "Phone OTP ends in 15 days"),
            (-7 * DAY + HOUR, "Phone OTP ends in 7 days"),
            // The day of the end has begun where Bob is, and it has not ended.
            (-6 * HOUR, "Phone OTP ends today"),
            (30 * DAY + HOUR, "Phone OTP has ended"),
        ];
        for (moment, subject) in steps {
            if moment == -6 * HOUR {
                calendar.at(-9 * HOUR).await;
                assert_eq!(count(&world, "Phone OTP ends to").await, 0, "in New York it is the day before");
            }
            calendar.at(moment).await;
            assert_eq!(count(&world, subject).await, 1, "{subject}");
            // The banner is there from 30 days before, on every page.
            let page = at(&world, "bob", "/account/sessions").await.page;
            assert_eq!(
                page.has("banner-action") && page.words().contains("Your Phone OTP end"),
                moment > -31 * DAY,
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
        let mut calendar = Calendar::of(&world, "bob").await;
        calendar.at(-60 * DAY + HOUR).await;
        assert_eq!(count(&world, "ends in 60 days").await, 1);
        for node in 0..world.nodes() {
            world.kill_node(node);
        }
        // Weeks later the nodes are back: the clock of the demo starts anew with each of them.
        for node in 0..world.nodes() {
            world.start_node(node).await;
        }
        calendar.moved = 0;
        calendar.at(-5 * DAY + HOUR).await;
        assert_eq!(count(&world, "ends in 5 days").await, 1, "the last that is due, and the truth");
        for missed in ["ends in 60 days", "ends in 30 days", "ends in 15 days", "ends in 7 days"] {
            assert_eq!(count(&world, missed).await, 0, "{missed}");
        }
        // Renewed in between: nothing more about the old end.
        let bob = at(&world, "bob", "/account/otp").await;
        let id = super::mobile_phones::between(&bob.page.text, "credential\" id=\"credential-", "\"");
        world.sell_at(0, json!({ "to": "bob", "product": "phone-otp-international", "renew": id })).await;
        calendar.at(HOUR).await;
        assert_eq!(count(&world, "Phone OTP ends to").await + count(&world, "has ended").await, 0);
        calendar.at(310 * DAY).await;
        assert_eq!(count(&world, "Phone OTP ends in").await, 2, "of the new end");
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
        let mut calendar = Calendar::of(&world, "bob").await;
        for days in [60, 7] {
            calendar.at(-days * DAY + HOUR).await;
            assert_eq!(count(&world, "Phone OTP").await, 0, "{days} days before");
        }
        calendar.at(-6 * HOUR).await;
        assert_eq!(count(&world, "Phone OTP läuft heute ab").await, 1);
        assert!(world.mail(BOB, "läuft heute ab").await.contains("Guten Tag Bob Baker"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_german_reads_each_reminder_in_german_and_sees_it_above_each_page_of_theirs() {
    on_each_backend(|world| async move {
        world.tamper("UPDATE persons SET claims = REPLACE(claims, 'en-US', 'de-AT') WHERE username = 'bob'").await;
        let mut calendar = Calendar::of(&world, "bob").await;
        let steps = [
            (-60 * DAY + HOUR, "Phone OTP läuft in 60 Tagen ab", None),
            (-30 * DAY + HOUR, "Phone OTP läuft in 30 Tagen ab", Some("Phone OTP läuft in")),
            (-6 * HOUR, "Phone OTP läuft heute ab", Some("Phone OTP läuft in")),
            (30 * DAY + HOUR, "Phone OTP ist abgelaufen", Some("Phone OTP ist vor 30")),
        ];
        for (moment, subject, banner) in steps {
            calendar.at(moment).await;
            assert_eq!(count(&world, subject).await, 1, "{subject}");
            let mail = world.mail(BOB, subject).await;
            assert!(mail.contains("Guten Tag Bob Baker,") && super::languages::names_a_german_day(&mail), "{mail}");
            assert!(
                mail.contains("/account/otp/renew?credential=") && mail.contains("/account/otp/reminders"),
                "{mail}"
            );
            let page = at(&world, "bob", "/account/otp").await.page;
            super::languages::is_german(&page);
            let Some(banner) = banner else { continue };
            assert!(page.has("status-action") && page.words().contains("Verlängern"), "{subject}: {}", page.words());
            let page = at(&world, "bob", "/account").await.page;
            super::languages::is_german(&page);
            assert!(page.has("banner-action") && page.words().contains(banner), "{subject}: {}", page.words());
        }
        assert_eq!(count(&world, "Phone OTP ends").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_promises_nothing_that_cannot_be_done() {
    let closed = &[("STEPGATE__SUBSCRIPTIONS__RENEWAL_CLOSES_MONTHS", "0")];
    on_each_backend_with(closed, |world| async move {
        // Bought, and never activated.
        let mut calendar = Calendar::of(&world, "grace").await;
        Calendar::of(&world, "bob").await;
        calendar.at(-60 * DAY + HOUR).await;
        assert_eq!(count_to(&world, GRACE, "Mobile ID, not activated, ends in 60 days").await, 1);
        let mail = world.mail(GRACE, "ends in 60 days").await;
        assert!(mail.contains("Activate it here") && !mail.to_lowercase().contains("renew"), "{mail}");
        let mut grace = at(&world, "grace", "/account/otp").await;
        assert!(grace.page.text.contains("/account/otp/mobile/start"), "{}", grace.page.words());
        assert!(world.mail(BOB, "ends in 60 days").await.contains("Renew it here"));

        calendar.at(30 * DAY + HOUR).await;
        let mail = world.mail(GRACE, "has ended").await;
        assert!(mail.contains("never activated") && !mail.contains("Renew it"), "{mail}");
        let mail = world.mail(BOB, "has ended").await;
        assert!(mail.contains("cannot be renewed") && !mail.contains("still renew"), "{mail}");
        grace = at(&world, "grace", "/account/otp").await;
        let words = grace.page.words();
        assert!(words.contains("before it was set up") && words.contains("Get a new one"), "{words}");
        assert!(!grace.page.text.contains("/account/otp/mobile/start"), "a device would be worth nothing: {words}");
    })
    .await;
}
