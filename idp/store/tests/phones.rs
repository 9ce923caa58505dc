//! Money, receipts and the switch under races, over two connections as two nodes would have them.

#![expect(clippy::unwrap_used, reason = "tests: whatever does not hold ends the test")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Database};
use stepgate_core::id::{ChallengeId, CredentialId, DeliveryId, MessageId, PersonId, PhoneId};
use stepgate_core::time::Timestamp;
use stepgate_store::Db;
use stepgate_store::challenges::{self, NewPhoneChallenge};
use stepgate_store::deliveries::{self, DeliveryState, NewDelivery, ReceiptOutcome, Receipted};
use stepgate_store::ephemeral::put_new;
use tokio::sync::Barrier;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const AT_ONCE: usize = 16;

/// Two nodes over SQLite, and over PostgreSQL where `STEPGATE_TEST_POSTGRES` names a server.
async fn nodes(what: &str) -> Vec<[Db; 2]> {
    let path = std::env::temp_dir().join(format!("stepgate-{what}-{}.db", std::process::id()));
    let mut urls = vec![format!("sqlite://{}?mode=rwc", path.display())];
    if let Ok(server) = std::env::var("STEPGATE_TEST_POSTGRES") {
        let name = format!("{what}_{}", std::process::id());
        let admin = Database::connect(&server).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        urls.push(format!("{}/{name}", server.rsplit_once('/').unwrap().0));
    }
    let mut found = Vec::new();
    for url in urls {
        let one = Db::connect(&url, 16).await.unwrap();
        stepgate_store::migrate(&one).await.unwrap();
        found.push([one, Db::connect(&url, 16).await.unwrap()]);
    }
    found
}

/// Does the same on both nodes from many tasks at one moment; how many times it held.
async fn at_once<Fut>(nodes: &[Db; 2], what: impl Fn(Db) -> Fut) -> usize
where
    Fut: Future<Output = bool> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let tasks: Vec<_> = (nodes.iter().cycle().take(AT_ONCE))
        .map(|db| {
            let (barrier, act) = (Arc::clone(&barrier), what(db.clone()));
            tokio::spawn(async move {
                barrier.wait().await;
                act.await
            })
        })
        .collect();
    let mut held = 0;
    for task in tasks {
        held += usize::from(task.await.unwrap());
    }
    held
}

fn delivery(number: u128, message: u128) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from_uuid(Uuid::from_u128(number)),
        message: MessageId::from_uuid(Uuid::from_u128(message)),
        challenge: ChallengeId::from_uuid(Uuid::from_u128(message)),
        phone: PhoneId::from_uuid(Uuid::from_u128(1)),
        prefix: "+1202555".to_owned(),
        provider: "smpp".to_owned(),
        cost: 5,
        expects_receipt: true,
        sent_at: NOW,
        expires_at: NOW + Duration::from_secs(3600),
    }
}

async fn code(db: &Db, number: u128) {
    let challenge = NewPhoneChallenge {
        id: ChallengeId::from_uuid(Uuid::from_u128(number)),
        credential: CredentialId::from_uuid(Uuid::from_u128(1)),
        person: PersonId::from_uuid(Uuid::from_u128(1)),
        phone: PhoneId::from_uuid(Uuid::from_u128(1)),
        binding: number.to_string(),
        channel: "text".to_owned(),
        code_hash: vec![0; 32],
        sent_at: NOW,
        expires_at: NOW + Duration::from_secs(120),
    };
    challenges::insert_phone_challenge(&db.write, &challenge).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_the_day_s_money_is_spent_to_the_cap_and_no_further() {
    for nodes in nodes("phone_spend").await {
        for day in 0..10 {
            let reserve = |db: Db| async move { deliveries::reserve_spend(&db, day, 5, 34).await.unwrap() };
            assert_eq!(at_once(&nodes, reserve).await, 6, "six times five is within 34");
            assert_eq!(deliveries::find_spend(&nodes[0], day).await.unwrap(), (30, 0));
            deliveries::return_spend(&nodes[1], day, 5).await.unwrap();
            deliveries::grant_spend(&nodes[0].write, day, 10).await.unwrap();
            assert_eq!(at_once(&nodes, reserve).await, 3, "what was given back, and what was granted");
            let stop = |db: Db| async move { deliveries::stop_sending(&db.write, "cap", None, NOW).await.unwrap() };
            assert_eq!(at_once(&nodes, stop).await, 1, "stopped once: one alert");
            let pause = move |db: Db| async move {
                put_new(&db, "phone pause", &day.to_string(), NOW + Duration::from_secs(60), NOW).await.unwrap()
            };
            assert_eq!(at_once(&nodes, pause).await, 1, "one code to a number in a pause");
            let start = |db: Db| async move { deliveries::start_sending(&db.write).await.unwrap() };
            assert_eq!(at_once(&nodes, start).await, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t28_a_receipt_moves_a_message_once_and_forward() {
    for nodes in nodes("phone_receipts").await {
        let db = &nodes[0];
        let (delivered, failed) = ((DeliveryState::Delivered, None), (DeliveryState::Failed, Some(27)));
        for number in 1..=10_u128 {
            let new = delivery(number, number);
            deliveries::insert_delivery(&db.write, &new).await.unwrap();
            let provider_id = format!("m{number}");
            // Faster than the provider's answer, by our id.
            let by_both = move |db: Db| async move {
                let id = DeliveryId::from_uuid(Uuid::from_u128(number));
                let which = Receipted::Both(id, "early");
                let moved = deliveries::move_delivery(&db, "smpp", which, failed, NOW).await.unwrap();
                moved == ReceiptOutcome::Moved
            };
            if number % 2 == 0 {
                assert_eq!(at_once(&nodes, by_both).await, 1);
            }
            deliveries::accept_delivery(db, new.id, &provider_id, DeliveryState::Sent, NOW).await.unwrap();
            let by_provider = Receipted::Provider(&provider_id);
            let outcome = deliveries::move_delivery(db, "smpp", by_provider, delivered, NOW).await.unwrap();
            let expected = if number % 2 == 0 { ReceiptOutcome::Stale } else { ReceiptOutcome::Moved };
            assert_eq!(outcome, expected, "what has ended stays");
            for told in [failed, delivered] {
                let again = deliveries::move_delivery(db, "smpp", by_provider, told, NOW).await.unwrap();
                assert_eq!(again, ReceiptOutcome::Stale);
            }
            let other = deliveries::move_delivery(db, "vonage", by_provider, delivered, NOW).await.unwrap();
            assert_eq!(other, ReceiptOutcome::Unknown, "another provider's word");
            let wrong = Receipted::Both(new.id, "m0");
            let outcome = deliveries::move_delivery(db, "smpp", wrong, delivered, NOW).await.unwrap();
            assert_eq!(outcome, ReceiptOutcome::Unknown, "another message's id");
        }
        // A message centre that counts anew after a restart: the id is the newer message's.
        let newer = delivery(20, 20);
        deliveries::insert_delivery(&db.write, &newer).await.unwrap();
        deliveries::accept_delivery(db, newer.id, "m1", DeliveryState::Sent, NOW).await.unwrap();
        let outcome = deliveries::move_delivery(db, "smpp", Receipted::Provider("m1"), failed, NOW).await.unwrap();
        assert_eq!(outcome, ReceiptOutcome::Moved);
        let challenge = ChallengeId::from_uuid(Uuid::from_u128(1));
        assert_eq!(deliveries::find_state(db, challenge).await.unwrap(), Some(DeliveryState::Delivered), "as it was");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_provider_is_followed_once() {
    for nodes in nodes("phone_overdue").await {
        let db = &nodes[0];
        for number in 1..=10_u128 {
            code(db, number).await;
            let new = delivery(number, number);
            deliveries::insert_delivery(&db.write, &new).await.unwrap();
            deliveries::accept_delivery(db, new.id, &format!("m{number}"), DeliveryState::Sent, NOW).await.unwrap();
            let early = NOW - Duration::from_secs(1);
            assert!(deliveries::claim_overdue(db, early, NOW).await.unwrap().is_empty(), "not yet");
            let claim = |db: Db| async move { deliveries::claim_overdue(&db, NOW, NOW).await.unwrap().len() == 1 };
            assert_eq!(at_once(&nodes, claim).await, 1);
        }
        // Whoever has used the code needs no other message.
        code(db, 99).await;
        deliveries::insert_delivery(&db.write, &delivery(99, 99)).await.unwrap();
        let id = DeliveryId::from_uuid(Uuid::from_u128(99));
        deliveries::accept_delivery(db, id, "m99", DeliveryState::Sent, NOW).await.unwrap();
        assert!(challenges::take_phone_challenge(db, ChallengeId::from_uuid(Uuid::from_u128(99)), NOW).await.unwrap());
        assert!(deliveries::claim_overdue(db, NOW, NOW).await.unwrap().is_empty());
    }
}
