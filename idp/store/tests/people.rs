//! People: what is proved of somebody leaves alone what others change about them at the same moment.

use stepgate_core::account::{Person, StandardClaims};
use stepgate_core::id::PersonId;
use stepgate_core::time::Timestamp;
use stepgate_store::{Db, people};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

#[tokio::test]
async fn an_address_that_was_proved_changes_nothing_else() {
    let path = std::env::temp_dir().join(format!("stepgate-people-{}.db", std::process::id()));
    let db = Db::connect(&format!("sqlite://{}?mode=rwc", path.display()), 4).await.unwrap();
    stepgate_store::migrate(&db).await.unwrap();
    let read = Person {
        id: PersonId::from_uuid(Uuid::from_u128(1)),
        username: "alice".parse().unwrap(),
        claims: StandardClaims { email: Some("Alice@x.example".to_owned()), ..StandardClaims::default() },
        suspended_at: None,
        proofed_at: None,
        proofing_expires_at: None,
        created_at: NOW,
        updated_at: NOW,
    };
    people::insert_person(&db.write, &read).await.unwrap();
    // Suspended and renamed since it was read.
    let claims = StandardClaims { name: Some("Alice Archer".to_owned()), ..read.claims.clone() };
    people::update_person(&db.write, &Person { claims, suspended_at: Some(NOW), ..read.clone() }).await.unwrap();
    assert!(people::verify_email(&db.write, (read.id, "alice@x.example"), NOW).await.unwrap());
    let now = people::find_person(&db, read.id).await.unwrap().unwrap();
    assert_eq!((now.suspended_at, now.claims.email_verified), (Some(NOW), Some(true)));
    assert_eq!(now.claims.name.as_deref(), Some("Alice Archer"));
    // It is another's address by now.
    assert!(!people::verify_email(&db.write, (read.id, "bob@x.example"), NOW).await.unwrap());
    let _ = std::fs::remove_file(path);
}
