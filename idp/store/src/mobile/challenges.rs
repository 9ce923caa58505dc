//! Requests to a person's phones: one pending at a time, answered once, redeemed once.

use std::str::FromStr;
use std::time::Duration;

use stepgate_core::id::{ChallengeId, CredentialId, DeviceId, PersonId, SessionId};
use stepgate_core::time::Timestamp;

use crate::row::{Row, at, one, run};
use crate::{Connection, Db, StoreError};

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeState {
    /// Waiting for the phone.
    Pending,
    /// Approved, not used yet.
    Approved,
    /// Denied.
    Denied,
    /// Denied, and it was not the person who asked.
    NotMe,
    /// The wrong number was typed: this request is over.
    Failed,
    /// Nobody answered.
    Expired,
    /// Approved and used.
    Redeemed,
}

impl ChallengeState {
    /// As the table keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::NotMe => "not_me",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Redeemed => "redeemed",
        }
    }
}

impl FromStr for ChallengeState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all =
            [Self::Pending, Self::Approved, Self::Denied, Self::NotMe, Self::Failed, Self::Expired, Self::Redeemed];
        all.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// A request to a person's phones.
#[derive(Clone, Debug)]
pub struct MobileChallenge {
    /// Its id.
    pub id: ChallengeId,
    /// The credential.
    pub credential: CredentialId,
    /// Whose.
    pub person: PersonId,
    /// The parked request that it is good for.
    pub binding: String,
    /// Keyed hash of the number that the browser shows.
    pub number_hash: Vec<u8>,
    /// 256 random bits that the answer must repeat.
    pub nonce: String,
    /// The browser session that asks.
    pub session: Option<SessionId>,
    /// What the phone shows: application, purpose, place.
    pub context: serde_json::Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// No answer counts after that.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: ChallengeState,
    /// Whether the phone verified its user.
    pub verified: bool,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

const CHALLENGE: &str =
    "id, credential_id, person_id, binding, number_hash, nonce, context, created_at, expires_at, state,
    verified, answered_at, session_id";

fn challenge(row: &Row) -> Result<MobileChallenge, StoreError> {
    Ok(MobileChallenge {
        id: ChallengeId::from_uuid(row.get("id")?),
        credential: CredentialId::from_uuid(row.get("credential_id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        binding: row.get("binding")?,
        number_hash: row.get("number_hash")?,
        nonce: row.get("nonce")?,
        context: row.json("mobile_challenges", "context")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        state: row.parsed("mobile_challenges", "state", |text| text.parse().ok())?,
        verified: row.get("verified")?,
        answered_at: row.time_if("answered_at")?,
        session: row.get::<Option<uuid::Uuid>>("session_id")?.map(SessionId::from_uuid),
    })
}

/// How often a person's phones may be asked in vain.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// So many requests that were not approved,
    pub unanswered: i64,
    /// since then;
    pub window: Timestamp,
    /// and so many since the last approval,
    pub since_approval: i64,
    /// or since then.
    pub day: Timestamp,
}

/// A new request; `false` when the phones were asked in vain as often as the caps allow. One that nobody answered in time
/// makes room; while one is pending this is a [`StoreError::Conflict`]: there is never more than one. Counting and
/// inserting are one statement, and of two that count at the same moment one conflicts: the caps hold over all nodes.
pub async fn insert_challenge(
    connection: &impl Connection,
    new: &MobileChallenge,
    caps: Caps,
) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_challenges SET state = 'expired'
               WHERE person_id = ? AND state = 'pending' AND (expires_at <= ? OR binding = ?)";
    let values = vec![new.person.uuid().into(), at(new.created_at), new.binding.as_str().into()];
    run(connection, sql, values).await?;
    let sql = "INSERT INTO mobile_challenges (id, credential_id, person_id, binding, number_hash, nonce, context,
               created_at, expires_at, state, verified, session_id)
               SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', FALSE, ?
               WHERE (SELECT COUNT(*) FROM mobile_challenges WHERE person_id = ? AND created_at > ?
                      AND state NOT IN ('approved', 'redeemed')) < ?
                 AND (SELECT COUNT(*) FROM mobile_challenges WHERE person_id = ? AND created_at > ?
                      AND created_at > (SELECT COALESCE(MAX(created_at), 0) FROM mobile_challenges
                                        WHERE person_id = ? AND state IN ('approved', 'redeemed'))) < ?";
    let values = vec![
        new.id.uuid().into(),
        new.credential.uuid().into(),
        new.person.uuid().into(),
        new.binding.as_str().into(),
        new.number_hash.clone().into(),
        new.nonce.as_str().into(),
        new.context.to_string().into(),
        at(new.created_at),
        at(new.expires_at),
        new.session.map(SessionId::uuid).into(),
        new.person.uuid().into(),
        at(caps.window),
        caps.unanswered.into(),
        new.person.uuid().into(),
        at(caps.day),
        new.person.uuid().into(),
        caps.since_approval.into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// A request by id.
pub async fn find_challenge(db: &Db, id: ChallengeId) -> Result<Option<MobileChallenge>, StoreError> {
    let sql = format!("SELECT {CHALLENGE} FROM mobile_challenges WHERE id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(challenge).transpose()
}

/// What a credential's phones are being asked now.
pub async fn find_pending_challenge(
    db: &Db,
    credential: CredentialId,
    now: Timestamp,
) -> Result<Option<MobileChallenge>, StoreError> {
    let sql = format!(
        "SELECT {CHALLENGE} FROM mobile_challenges WHERE credential_id = ? AND person_id =
         (SELECT person_id FROM credentials WHERE id = ?) AND state = 'pending' AND expires_at > ?"
    );
    let values = vec![credential.uuid().into(), credential.uuid().into(), at(now)];
    one(&db.read, &sql, values).await?.as_ref().map(challenge).transpose()
}

/// A phone's answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// To which request.
    pub challenge: ChallengeId,
    /// From which phone.
    pub device: DeviceId,
    /// What becomes of the request.
    pub state: ChallengeState,
    /// Whether the phone verified its user.
    pub verified: bool,
}

/// Records an answer; `false` when the request was answered before, or is over.
pub async fn answer_challenge(
    connection: &impl Connection,
    answer: Answer,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_challenges SET state = ?, verified = ?, answered_by = ?, answered_at = ?
               WHERE id = ? AND state = 'pending' AND expires_at > ?";
    let values = vec![
        answer.state.as_str().into(),
        answer.verified.into(),
        answer.device.uuid().into(),
        at(now),
        answer.challenge.uuid().into(),
        at(now),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Uses up an approval: once, by the parked request that asked, soon after the answer.
pub async fn redeem_challenge(
    db: &Db,
    id: ChallengeId,
    binding: &str,
    now: Timestamp,
    within: Duration,
) -> Result<Option<MobileChallenge>, StoreError> {
    let sql = format!(
        "UPDATE mobile_challenges SET state = 'redeemed'
         WHERE id = ? AND binding = ? AND state = 'approved' AND answered_at > ? RETURNING {CHALLENGE}"
    );
    let values = vec![id.uuid().into(), binding.into(), at(now - within)];
    one(&db.write, &sql, values).await?.as_ref().map(challenge).transpose()
}

/// Ends the pending request of a parked request: the person chose another way (`Expired`), or showed an offline code
/// in its place (`Redeemed`).
pub async fn withdraw_challenge(db: &Db, binding: &str, state: ChallengeState) -> Result<bool, StoreError> {
    let sql = "UPDATE mobile_challenges SET state = ? WHERE binding = ? AND state = 'pending'";
    Ok(run(&db.write, sql, vec![state.as_str().into(), binding.into()]).await? == 1)
}

/// Approvals of a phone that counts no more, and were not used yet.
pub async fn withdraw_approvals(connection: &impl Connection, device: DeviceId) -> Result<(), StoreError> {
    let sql = "UPDATE mobile_challenges SET state = 'expired' WHERE answered_by = ? AND state = 'approved'";
    run(connection, sql, vec![device.uuid().into()]).await.map(drop)
}
