//! One suite for every backend: single-use things under races, over two connections as two nodes would have them.
//!
//! SQLite always; PostgreSQL where `STEPGATE_TEST_POSTGRES` names a server on which databases may be made. Rounds are
//! released at a barrier; `STEPGATE_TEST_ROUNDS` sets how many.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: whatever does not hold ends the test")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;
use stepgate_core::account::{Person, StandardClaims};
use stepgate_core::assurance::{CredentialKind, CredentialState, Evidence, FactorEvent, Method};
use stepgate_core::clients::{Application, Client, ClientMetadata, ClientSecret};
use stepgate_core::credentials::{Credential, MAX_FAILURES};
use stepgate_core::grants::{AuthorizationCode, Grant, GrantTerms, RefreshToken, Session};
use stepgate_core::id::{
    ApplicationId, ChallengeId, CredentialId, DeviceId, EventId, GrantId, InteractionId, PartnerId, PersonId, PhoneId,
    PushedRequestId, SessionId,
};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;
use stepgate_store::challenges::{self, NewPhoneChallenge};
use stepgate_store::credentials::{self, NewCredential};
use stepgate_store::ephemeral::{self, Ephemeral};
use stepgate_store::grants::{self, Rotation, TakeCode};
use stepgate_store::interactions::{self, Interaction};
use stepgate_store::mobile::{self, Answer, Caps, ChallengeState, MobileChallenge};
use stepgate_store::pushed::{self, FoundPushed, PushedRequest};
use stepgate_store::{Connection as _, Db, StoreError, applications, audit, leases, people, sessions};
use tokio::sync::Barrier;
use uuid::Uuid;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number that no other test has.
fn fresh() -> u128 {
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) | (u128::from(std::process::id()) << 64)
}

fn uuid() -> Uuid {
    Uuid::from_u128(fresh())
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000)
}

const MINUTE: Duration = Duration::from_secs(60);

/// Two nodes over one database.
struct Nodes {
    name: &'static str,
    nodes: [Db; 2],
    person: PersonId,
}

impl Nodes {
    async fn over(name: &'static str, url: &str) -> Self {
        let one = Db::connect(url, 16).await.unwrap();
        stepgate_store::migrate(&one).await.unwrap();
        let other = Db::connect(url, 16).await.unwrap();
        let person = Person {
            id: PersonId::from_uuid(uuid()),
            username: "alice".parse().unwrap(),
            claims: StandardClaims::default(),
            suspended_at: None,
            proofed_at: None,
            proofing_expires_at: None,
            created_at: now(),
            updated_at: now(),
        };
        people::insert_person(&one.write, &person).await.unwrap();
        Self { name, nodes: [one, other], person: person.id }
    }

    /// Lets `TASKS` tasks, half on each node, do the same thing at once; how many say yes.
    async fn race<F, Fut>(&self, act: F) -> usize
    where
        F: Fn(Db) -> Fut,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let barrier = Arc::new(Barrier::new(TASKS));
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let (barrier, act) = (Arc::clone(&barrier), act(self.nodes[number % 2].clone()));
                tokio::spawn(async move {
                    barrier.wait().await;
                    act.await
                })
            })
            .collect();
        let mut yes = 0;
        for task in tasks {
            yes += usize::from(task.await.unwrap());
        }
        yes
    }

    async fn credential(&self, kind: CredentialKind) -> CredentialId {
        let id = CredentialId::from_uuid(uuid());
        let credential = Credential {
            id,
            person: self.person,
            kind,
            label: "it".to_owned(),
            serial: None,
            stage: CredentialState::Active,
            failures: 0,
            retry_at: None,
            last_used_at: None,
            activated_at: Some(now()),
            purchased_at: None,
            expires_at: None,
            created_at: now(),
        };
        let new = NewCredential { credential, sealed_secret: Some(vec![1, 2, 3]), parameters: json!({}) };
        credentials::insert_credential(&self.nodes[0].write, &new).await.unwrap();
        id
    }

    async fn session(&self) -> (SessionId, TokenHash) {
        let (id, token) = (SessionId::from_uuid(uuid()), TokenHash::of(&uuid().to_string()));
        let event = FactorEvent {
            method: Method::Password,
            at: now(),
            credential: self.credential(CredentialKind::Password).await,
            evidence: Evidence::default(),
            proofed: false,
        };
        let session = Session {
            id,
            person: self.person,
            events: vec![event],
            created_at: now(),
            last_seen_at: now(),
            expires_at: now() + MINUTE * 60,
            ended_at: None,
            user_agent: "test".to_owned(),
            ip: None,
        };
        sessions::insert_session(&self.nodes[0].write, &session, &token).await.unwrap();
        (id, token)
    }

    async fn grant(&self) -> GrantId {
        let terms = GrantTerms {
            scope: vec!["openid".to_owned()],
            acr: None,
            amr: Vec::new(),
            auth_time: now(),
            nonce: None,
            claims: None,
            resource: Vec::new(),
            auth_time_wanted: false,
        };
        let grant = Grant {
            id: GrantId::from_uuid(uuid()),
            person: self.person,
            client: "rp".to_owned(),
            session: self.session().await.0,
            terms,
            created_at: now(),
            revoked_at: None,
        };
        grants::insert_grant(&self.nodes[0].write, &grant).await.unwrap();
        grant.id
    }

    async fn code(&self) -> TokenHash {
        let code = AuthorizationCode {
            hash: TokenHash::of(&uuid().to_string()),
            grant: self.grant().await,
            client: "rp".to_owned(),
            redirect_uri: "https://rp.example/cb".to_owned(),
            code_challenge: None,
            expires_at: now() + MINUTE,
        };
        grants::insert_code(&self.nodes[0].write, &code).await.unwrap();
        code.hash
    }

    async fn refresh_token(&self) -> RefreshToken {
        let token = RefreshToken {
            hash: TokenHash::of(&uuid().to_string()),
            grant: self.grant().await,
            expires_at: now() + MINUTE * 60,
            used_at: None,
        };
        grants::insert_refresh(&self.nodes[0].write, &token, now()).await.unwrap();
        token
    }
}

const TASKS: usize = 16;

fn rounds() -> usize {
    std::env::var("STEPGATE_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

/// Runs a test on every backend that is there, and says on which.
async fn on_each_backend<Fut: Future<Output = ()>>(test: impl Fn(Arc<Nodes>) -> Fut) {
    let file = std::env::temp_dir().join(format!("stepgate-store-{:x}.db", fresh()));
    test(Arc::new(Nodes::over("SQLite", &format!("sqlite://{}?mode=rwc", file.display())).await)).await;
    let _ = std::fs::remove_file(&file);
    let Ok(server) = std::env::var("STEPGATE_TEST_POSTGRES") else {
        println!("STEPGATE_TEST_POSTGRES is not set: SQLite only");
        return;
    };
    let name = format!("store_{:x}", fresh());
    let admin = Database::connect(&server).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    test(Arc::new(Nodes::over("PostgreSQL", &url).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_taken_once_and_a_replay_is_recognised() {
    on_each_backend(|nodes| async move {
        for _ in 0..rounds() {
            let code = nodes.code().await;
            let taken = nodes.race(|db| async move {
                matches!(grants::take_code(&db, &code, now()).await.unwrap(), TakeCode::Taken(_))
            });
            assert_eq!(taken.await, 1, "{}", nodes.name);
            let again = grants::take_code(&nodes.nodes[1], &code, now()).await.unwrap();
            assert!(matches!(again, TakeCode::Replayed { .. }));
        }
        let late = nodes.code().await;
        let answer = grants::take_code(&nodes.nodes[0], &late, now() + MINUTE).await.unwrap();
        assert!(matches!(answer, TakeCode::Expired));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_request_is_used_up_once_and_read_as_often_as_wanted() {
    on_each_backend(|nodes| async move {
        let found = async |reference: &TokenHash, client: &str, at: Timestamp| {
            pushed::find_pushed(&nodes.nodes[1], reference, client, at).await.unwrap()
        };
        for _ in 0..rounds() {
            let new = PushedRequest {
                id: PushedRequestId::from_uuid(uuid()),
                reference: TokenHash::of(&uuid().to_string()),
                client: "rp".to_owned(),
                parameters: json!({ "scope": "openid" }),
                signed: true,
                created_at: now(),
                expires_at: now() + MINUTE,
            };
            pushed::insert_pushed(&nodes.nodes[0].write, &new).await.unwrap();
            for _ in 0..2 {
                let FoundPushed::Open(read) = found(&new.reference, "rp", now()).await else { panic!("not open") };
                assert_eq!((read.id, read.parameters, read.signed), (new.id, new.parameters.clone(), true));
            }
            assert!(matches!(found(&new.reference, "other", now()).await, FoundPushed::Unknown));
            assert!(matches!(found(&new.reference, "rp", now() + MINUTE).await, FoundPushed::Expired));
            let taken = nodes.race(|db| async move { pushed::take_pushed(&db.write, new.id, now()).await.unwrap() });
            assert_eq!(taken.await, 1, "{}", nodes.name);
            assert!(matches!(found(&new.reference, "rp", now()).await, FoundPushed::Used));
        }
    })
    .await;
}

/// The harness would catch a store that reads, compares and then writes.
#[cfg(feature = "naive")]
#[tokio::test(flavor = "multi_thread")]
async fn a_naive_variant_is_caught_by_the_same_race() {
    on_each_backend(|nodes| async move {
        let mut worst = 0;
        for _ in 0..rounds() {
            let code = nodes.code().await;
            let taken = nodes.race(|db| async move { grants::take_code_naively(&db, &code, now()).await.unwrap() });
            worst = worst.max(taken.await);
        }
        assert!(worst > 1, "{}: the race did not show the flaw", nodes.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_rotates_once() {
    on_each_backend(|nodes| async move {
        for _ in 0..rounds() {
            let old = nodes.refresh_token().await;
            let rotated = nodes.race(|db| {
                let successor = RefreshToken { hash: TokenHash::of(&uuid().to_string()), ..old.clone() };
                async move {
                    let rotation = grants::rotate_refresh(&db, &old.hash, &successor, now(), MINUTE).await.unwrap();
                    assert!(matches!(rotation, Rotation::Rotated | Rotation::InUse), "{rotation:?}");
                    rotation == Rotation::Rotated
                }
            });
            assert_eq!(rotated.await, 1, "{}", nodes.name);
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_given_again_once_and_a_late_reuse_is_a_replay() {
    on_each_backend(|nodes| async move {
        let db = &nodes.nodes[0];
        let old = nodes.refresh_token().await;
        let next = |from: &RefreshToken| RefreshToken { hash: TokenHash::of(&uuid().to_string()), ..from.clone() };
        let (first, second, third) = (next(&old), next(&old), next(&old));
        let grace = Duration::from_secs(20);
        let rotate = async |from: &RefreshToken, to: &RefreshToken, seconds: u64| {
            grants::rotate_refresh(db, &from.hash, to, now() + Duration::from_secs(seconds), grace).await.unwrap()
        };
        assert_eq!(rotate(&old, &first, 0).await, Rotation::Rotated);
        // The answer was lost: the client asks again. The lost successor is dead, the new one is alive.
        assert_eq!(rotate(&old, &second, 5).await, Rotation::Retried);
        assert_eq!(rotate(&first, &third, 6).await, Rotation::Over);
        assert_eq!(rotate(&second, &third, 6).await, Rotation::Rotated);
        // Neither a second retry, nor one after the successor was used, nor one after the grace.
        assert!(matches!(rotate(&old, &next(&old), 8).await, Rotation::Replayed(_)));
        assert!(matches!(rotate(&old, &next(&old), 60).await, Rotation::Replayed(_)));
        grants::revoke_grant(&db.write, old.grant, now()).await.unwrap();
        assert_eq!(rotate(&third, &next(&old), 7).await, Rotation::Over);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_code_is_accepted_once_over_all_nodes() {
    on_each_backend(|nodes| async move {
        let token = nodes.credential(CredentialKind::HardwareToken).await;
        for step in 0..i64::try_from(rounds()).unwrap() {
            let accepted = nodes
                .race(|db| async move { credentials::accept_counter(&db.write, token, step, 0, now()).await.unwrap() });
            assert_eq!(accepted.await, 1, "{}", nodes.name);
        }
        assert!(!credentials::accept_counter(&nodes.nodes[1].write, token, 0, 0, now()).await.unwrap(), "an old step");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_allowed_tries_are_evaluated() {
    on_each_backend(|nodes| async move {
        // Four tries cost nothing, the fifth begins the waiting: of sixteen at once, five are evaluated.
        let one = nodes.credential(CredentialKind::PhoneOtp).await;
        let tried = nodes.race(|db| async move { credentials::reserve_try(&db, one, now()).await.unwrap().is_some() });
        assert_eq!(tried.await, 5, "{}", nodes.name);
        // However patient the guesser is, the credential is disabled in the end, and a success does not help it then.
        let (mut at, mut tries) = (now(), 0);
        for _ in 0..2 * MAX_FAILURES {
            at = at + MINUTE * 61;
            tries += u32::from(credentials::reserve_try(&nodes.nodes[0], one, at).await.unwrap().is_some());
        }
        assert_eq!(tries, MAX_FAILURES - 5);
        let held = credentials::find_credential(&nodes.nodes[1], one).await.unwrap().unwrap();
        assert_eq!(held.state(at), CredentialState::Locked);
        // A try is given back, but not once a success has cleared it with the others: then the guesses since would be.
        let third = nodes.credential(CredentialKind::PhoneOtp).await;
        let [one, two] = &nodes.nodes;
        let failures = async || credentials::find_credential(one, third).await.unwrap().unwrap().failures;
        let first = credentials::reserve_try(one, third, now()).await.unwrap().unwrap();
        let second = credentials::reserve_try(two, third, now()).await.unwrap().unwrap();
        assert!(credentials::return_try(two, third, &first).await.unwrap());
        assert_eq!(failures().await, 1, "{}", nodes.name);
        assert!(credentials::accept_secret(&two.write, third, now()).await.unwrap());
        credentials::reserve_try(two, third, now()).await.unwrap().unwrap();
        assert!(!credentials::return_try(one, third, &second).await.unwrap());
        assert_eq!(failures().await, 1, "{}", nodes.name);
        // A success clears the count.
        let other = nodes.credential(CredentialKind::Password).await;
        credentials::reserve_try(&nodes.nodes[0], other, now()).await.unwrap().unwrap();
        assert!(credentials::accept_secret(&nodes.nodes[0].write, other, now()).await.unwrap());
        assert_eq!(credentials::find_credential(&nodes.nodes[0], other).await.unwrap().unwrap().failures, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_code_is_used_once_and_tried_five_times() {
    on_each_backend(|nodes| async move {
        let credential = nodes.credential(CredentialKind::PhoneOtp).await;
        let new = || NewPhoneChallenge {
            id: ChallengeId::from_uuid(uuid()),
            credential,
            person: nodes.person,
            phone: PhoneId::from_uuid(uuid()),
            binding: uuid().to_string(),
            channel: "text".to_owned(),
            code_hash: vec![7; 32],
            sent_at: now(),
            expires_at: now() + MINUTE * 2,
        };
        for _ in 0..rounds() {
            let sent = new();
            challenges::insert_phone_challenge(&nodes.nodes[0].write, &sent).await.unwrap();
            let id = sent.id;
            let taken = nodes.race(|db| async move { challenges::take_phone_challenge(&db, id, now()).await.unwrap() });
            assert_eq!(taken.await, 1, "{}", nodes.name);
        }
        let sent = new();
        challenges::insert_phone_challenge(&nodes.nodes[0].write, &sent).await.unwrap();
        let tried = nodes.race(|db| {
            let sent = sent.clone();
            async move {
                let hash = challenges::reserve_phone_try(&db, sent.id, &sent.binding, now(), 5).await.unwrap();
                hash.is_some()
            }
        });
        assert_eq!(tried.await, 5, "{}", nodes.name);
        let foreign = challenges::reserve_phone_try(&nodes.nodes[0], sent.id, "another request", now(), 50).await;
        assert!(foreign.unwrap().is_none(), "a code of another parked request");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_asked_once_answers_once_and_is_redeemed_once() {
    on_each_backend(|nodes| async move {
        let credential = nodes.credential(CredentialKind::MobileId).await;
        for _ in 0..rounds() {
            let new = |binding: String| MobileChallenge {
                id: ChallengeId::from_uuid(uuid()),
                credential,
                person: nodes.person,
                binding,
                number_hash: vec![1; 32],
                nonce: "n".to_owned(),
                context: json!({}),
                created_at: now(),
                expires_at: now() + MINUTE * 2,
                state: ChallengeState::Pending,
                verified: false,
                answered_at: None,
                session: None,
            };
            let asked = nodes.race(|db| {
                let new = new(uuid().to_string());
                async move {
                    match mobile::insert_challenge(&db.write, &new, caps()).await {
                        Ok(inserted) => inserted,
                        Err(StoreError::Conflict { .. }) => false,
                        Err(error) => panic!("{error}"),
                    }
                }
            });
            assert_eq!(asked.await, 1, "{}: one pending request", nodes.name);
            let db = &nodes.nodes[0];
            let pending = mobile::find_pending_challenge(db, credential, now()).await.unwrap().unwrap();
            let device = DeviceId::from_uuid(uuid());
            let (id, binding) = (pending.id, pending.binding.clone());
            let answered = nodes.race(|db| async move {
                let answer = Answer { challenge: id, device, state: ChallengeState::Approved, verified: false };
                mobile::answer_challenge(&db.write, answer, now()).await.unwrap()
            });
            assert_eq!(answered.await, 1, "{}: one answer", nodes.name);
            let redeemed = nodes.race(|db| {
                let binding = binding.clone();
                async move { mobile::redeem_challenge(&db, id, &binding, now(), MINUTE).await.unwrap().is_some() }
            });
            assert_eq!(redeemed.await, 1, "{}: one redemption", nodes.name);
        }
    })
    .await;
}

fn caps() -> Caps {
    Caps { unanswered: 3, window: now() - MINUTE * 10, since_approval: 10, day: now() - MINUTE * 60 * 24 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_asked_in_vain_three_times_whoever_presses_how_often() {
    on_each_backend(|nodes| async move {
        let credential = nodes.credential(CredentialKind::MobileId).await;
        let mut asked = 0;
        for _ in 0..rounds().min(10) {
            // The same parked request: each press ends the request before it.
            asked += nodes
                .race(|db| {
                    let new = MobileChallenge {
                        id: ChallengeId::from_uuid(uuid()),
                        credential,
                        person: nodes.person,
                        binding: "the same".to_owned(),
                        number_hash: vec![1; 32],
                        nonce: "n".to_owned(),
                        context: json!({}),
                        created_at: now(),
                        expires_at: now() + MINUTE * 2,
                        state: ChallengeState::Pending,
                        verified: false,
                        answered_at: None,
                        session: None,
                    };
                    async move {
                        let transaction = db.begin().await.unwrap();
                        let asked = matches!(mobile::insert_challenge(&transaction, &new, caps()).await, Ok(true));
                        if asked {
                            transaction.commit().await.unwrap();
                        }
                        asked
                    }
                })
                .await;
        }
        assert_eq!(asked, 3, "{}", nodes.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_a_login_is_taken_once() {
    on_each_backend(|nodes| async move {
        for _ in 0..rounds() {
            let parked = Interaction {
                id: InteractionId::from_uuid(uuid()),
                stage: "password".to_owned(),
                data: json!({}),
                version: 0,
                session: None,
                created_at: now(),
                expires_at: now() + MINUTE,
            };
            interactions::insert_interaction(&nodes.nodes[0].write, &parked).await.unwrap();
            let moved = nodes.race(|db| {
                let parked = parked.clone();
                async move {
                    interactions::advance_interaction(&db.write, &parked, "factor", &json!({}), None).await.unwrap()
                }
            });
            assert_eq!(moved.await, 1, "{}", nodes.name);
            let read = interactions::find_interaction(&nodes.nodes[1], parked.id, now()).await.unwrap().unwrap();
            let finished = nodes.race(|db| {
                let read = read.clone();
                async move { interactions::finish_interaction(&db.write, &read).await.unwrap() }
            });
            assert_eq!(finished.await, 1, "{}", nodes.name);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_rotated_once_and_its_old_cookie_does_not_rise_and_soon_dies() {
    on_each_backend(|nodes| async move {
        for _ in 0..rounds() {
            let (id, old) = nodes.session().await;
            let risen = now() + Duration::from_secs(1);
            let rotated = nodes.race(|db| async move {
                let new = TokenHash::of(&uuid().to_string());
                sessions::rotate_session(&db.write, id, &old, &new, risen).await.unwrap()
            });
            assert_eq!(rotated.await, 1, "{}", nodes.name);
            let db = &nodes.nodes[1];
            let mut event = sessions::find_session(db, id).await.unwrap().unwrap().events.remove(0);
            event.at = risen;
            sessions::append_factor_event(&db.write, id, &event).await.unwrap();
            assert_eq!(sessions::find_session(db, id).await.unwrap().map(|session| session.events.len()), Some(2));
            let soon = sessions::find_session_by_token(db, &old, now() + Duration::from_secs(5)).await.unwrap();
            assert_eq!(soon.map(|session| session.events.len()), Some(1), "the old cookie rose with the session");
            assert!(sessions::find_session_by_token(db, &old, now() + MINUTE).await.unwrap().is_none());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_are_new_once_and_counters_count() {
    on_each_backend(|nodes| async move {
        let mut counters = vec![Ephemeral::Sql(nodes.nodes[0].clone())];
        match std::env::var("STEPGATE_TEST_REDIS") {
            Ok(url) => {
                let name = uuid().to_string();
                let (ours, theirs) = (Ephemeral::redis(&url, &name), Ephemeral::redis(&url, "another"));
                let (ours, theirs) = (ours.await.unwrap(), theirs.await.unwrap());
                assert_eq!(ours.incr("test", &name, MINUTE, now()).await.unwrap(), 1);
                assert_eq!(theirs.incr("test", &name, MINUTE, now()).await.unwrap(), 1, "another deployment's");
                counters.push(ours);
            }
            Err(_) => println!("STEPGATE_TEST_REDIS is not set: counters in the database only"),
        }
        for _ in 0..rounds() {
            let key = uuid().to_string();
            let first = nodes.race(|db| {
                let key = key.clone();
                async move { ephemeral::put_new(&db, "jti", &key, now() + MINUTE, now()).await.unwrap() }
            });
            assert_eq!(first.await, 1, "{}", nodes.name);
            assert!(ephemeral::put_new(&nodes.nodes[0], "other", &key, now() + MINUTE, now()).await.unwrap());
        }
        for counter in counters {
            let key = uuid().to_string();
            let under = nodes.race(|_| {
                let (counter, key) = (counter.clone(), key.clone());
                async move { counter.incr("test", &key, MINUTE, now()).await.unwrap() <= 5 }
            });
            assert_eq!(under.await, 5, "{}", nodes.name);
        }
        let lead = nodes.race(|db| {
            let me = uuid().to_string();
            async move { leases::take_lease(&db, "task", &me, now(), now() + MINUTE).await.unwrap() }
        });
        assert_eq!(lead.await, 1, "{}", nodes.name);
    })
    .await;
}

#[tokio::test]
async fn the_audit_chain_names_the_row_that_was_touched() {
    on_each_backend(|nodes| async move {
        let db = &nodes.nodes[0];
        let tampered = [
            ("UPDATE audit_events SET kind = 'nothing' WHERE seq = 3", 3),
            ("DELETE FROM audit_events WHERE seq = 2", 2),
            ("DELETE FROM audit_events WHERE seq = (SELECT MAX(seq) FROM audit_events)", 0),
            ("UPDATE audit_events SET data = '{\"a\":2}' WHERE seq = 1", 1),
        ];
        for (statement, expected) in tampered {
            db.write.execute("DELETE FROM audit_events", vec![]).await.unwrap();
            db.write.execute("DELETE FROM audit_head", vec![]).await.unwrap();
            for number in 0..5 {
                let event = audit::NewEvent {
                    id: EventId::from_uuid(uuid()),
                    at: now() + Duration::from_secs(number),
                    kind: "test".to_owned(),
                    actor: Some(nodes.person),
                    person: None,
                    session: None,
                    client: None,
                    ip: None,
                    data: json!({ "number": number }),
                };
                audit::insert_event(&db.write, &event).await.unwrap();
            }
            assert_eq!(audit::seal_events(db, 3).await.unwrap(), 3);
            assert_eq!(audit::seal_events(db, 100).await.unwrap(), 2);
            assert_eq!(audit::verify_chain(db).await.unwrap(), audit::Verdict::Whole { count: 5 });
            db.write.execute(statement, vec![]).await.unwrap();
            match audit::verify_chain(db).await.unwrap() {
                audit::Verdict::Broken { seq, .. } => {
                    assert!(expected == 0 && seq == 5 || seq == expected, "{statement}: {seq}");
                }
                whole => panic!("{statement}: {whole:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_comes_with_its_secrets_and_a_taken_name_is_a_conflict() {
    on_each_backend(|nodes| async move {
        let db = &nodes.nodes[0];
        let partner = stepgate_core::account::Partner {
            id: PartnerId::from_uuid(uuid()),
            name: "P".to_owned(),
            created_at: now(),
        };
        people::insert_partner(&db.write, &partner).await.unwrap();
        let application = Application {
            id: ApplicationId::from_uuid(uuid()),
            partner: partner.id,
            name: "A".to_owned(),
            url: None,
            policy: json!({}),
            disabled_at: None,
            created_at: now(),
        };
        applications::insert_application(&db.write, &application).await.unwrap();
        let client = Client {
            id: "rp".to_owned(),
            application: application.id,
            secrets: vec![ClientSecret::of("one", now()), ClientSecret::of("two", now())],
            metadata: ClientMetadata { client_name: "RP".to_owned(), ..ClientMetadata::default() },
            disabled_at: None,
            created_at: now(),
        };
        applications::insert_client(&db.write, &client).await.unwrap();
        let found = applications::find_client(&nodes.nodes[1], "rp").await.unwrap().unwrap();
        assert_eq!((found.secrets.len(), found.metadata), (2, client.metadata.clone()));
        let again = applications::insert_client(&db.write, &client).await;
        assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    })
    .await;
}
