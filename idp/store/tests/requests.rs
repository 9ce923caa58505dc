//! The request log: filters, paging, and what is forgotten.

#![expect(clippy::unwrap_used, reason = "tests: whatever does not hold ends the test")]

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Database};
use stepgate_core::clients::requests::{Endpoint, Failure, LoggedRequest, Outcome, Shown};
use stepgate_core::id::{ApplicationId, RequestId};
use stepgate_core::time::Timestamp;
use stepgate_store::Db;
use stepgate_store::requests::{self, Filter};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_460_300);

fn application() -> ApplicationId {
    ApplicationId::from_uuid(Uuid::from_u128(7))
}

fn request(number: u64, client: &str, failed: bool) -> LoggedRequest {
    let failure = || Failure {
        error: "invalid_grant".to_owned(),
        description: "code: unknown".to_owned(),
        rule: Some("token.code".to_owned()),
    };
    LoggedRequest {
        id: RequestId::from_uuid(Uuid::from_u128(u128::from(number) + 1)),
        at: NOW - Duration::from_secs(number * 3600),
        client: client.to_owned(),
        application: application(),
        endpoint: Endpoint::Token,
        outcome: if failed { Outcome::Failed(failure()) } else { Outcome::Answered },
        parameters: vec![("grant_type".to_owned(), "authorization_code".to_owned())],
        shown: Shown::default(),
    }
}

/// SQLite, and PostgreSQL where `STEPGATE_TEST_POSTGRES` names a server.
async fn databases() -> Vec<Db> {
    let path = std::env::temp_dir().join(format!("stepgate-requests-{}.db", std::process::id()));
    let mut urls = vec![format!("sqlite://{}?mode=rwc", path.display())];
    if let Ok(server) = std::env::var("STEPGATE_TEST_POSTGRES") {
        let name = format!("requests_{}", std::process::id());
        let admin = Database::connect(&server).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        urls.push(format!("{}/{name}", server.rsplit_once('/').unwrap().0));
    }
    let mut databases = Vec::new();
    for url in urls {
        let db = Db::connect(&url, 4).await.unwrap();
        stepgate_store::migrate(&db).await.unwrap();
        databases.push(db);
    }
    databases
}

#[tokio::test]
async fn requests_are_filtered_paged_and_forgotten() {
    for db in databases().await {
        let log: Vec<_> = (0..130).map(|number| request(number, "busy", number % 2 == 0)).collect();
        requests::insert_requests(&db, &log).await.unwrap();
        requests::insert_requests(&db, &[request(500, "quiet", true)]).await.unwrap();

        let list =
            async |filter: Filter, limit| requests::list_requests(&db, application(), &filter, limit).await.unwrap();
        let failed = Filter { client: Some("busy".to_owned()), failed: Some(true), ..Filter::default() };
        assert_eq!(list(failed, 500).await.len(), 65);
        let first = list(Filter::default(), 50).await;
        let last = first.last().unwrap();
        let next = list(Filter { before: Some((last.at, last.id)), ..Filter::default() }, 50).await;
        assert_eq!(
            (first.first(), next.first()),
            (log.first(), log.get(50)),
            "written and read alike, and no row twice"
        );
        assert!(list(Filter { endpoint: Some(Endpoint::Par), ..Filter::default() }, 5).await.is_empty());

        // Older than 72 hours goes, then what is beyond the latest ten of a client.
        requests::delete_old_requests(&db, NOW - Duration::from_secs(72 * 3600), 500).await.unwrap();
        assert_eq!(list(Filter::default(), 500).await.len(), 73);
        requests::delete_old_requests(&db, NOW - Duration::from_secs(72 * 3600), 10).await.unwrap();
        let left = list(Filter::default(), 500).await;
        assert_eq!((left.len(), left.first()), (10, log.first()));

        // A milestone keeps the first time.
        for at in [NOW, NOW + Duration::from_secs(60)] {
            requests::upsert_milestone(&db.write, "busy", "login", at).await.unwrap();
        }
        assert_eq!(requests::milestones_of(&db, "busy").await.unwrap(), [("login".to_owned(), NOW)]);
    }
}
