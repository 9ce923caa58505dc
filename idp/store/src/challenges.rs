//! Codes that were sent to a phone. Counted and used up by conditional statements.

use stepgate_core::id::{ChallengeId, CredentialId, PersonId, PhoneId};
use stepgate_core::time::Timestamp;

use crate::row::{at, one, run};
use crate::{Connection, Db, StoreError};

/// A code to keep.
#[derive(Clone, Debug)]
pub struct NewPhoneChallenge {
    /// Its id.
    pub id: ChallengeId,
    /// The credential that it is about.
    pub credential: CredentialId,
    /// Whose.
    pub person: PersonId,
    /// Where it went.
    pub phone: PhoneId,
    /// The parked request that it is good for.
    pub binding: String,
    /// `text` or `voice`.
    pub channel: String,
    /// Keyed hash of the code.
    pub code_hash: Vec<u8>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// End of life.
    pub expires_at: Timestamp,
}

/// A new code. Earlier ones for the same parked request are dead from then on.
pub async fn insert_phone_challenge(connection: &impl Connection, new: &NewPhoneChallenge) -> Result<(), StoreError> {
    let sql = "UPDATE phone_challenges SET used_at = ? WHERE binding = ? AND used_at IS NULL";
    run(connection, sql, vec![at(new.sent_at), new.binding.as_str().into()]).await?;
    let sql =
        "INSERT INTO phone_challenges (id, credential_id, person_id, phone_id, binding, channel, code_hash, sent_at,
               expires_at, tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)";
    let values = vec![
        new.id.uuid().into(),
        new.credential.uuid().into(),
        new.person.uuid().into(),
        new.phone.uuid().into(),
        new.binding.as_str().into(),
        new.channel.as_str().into(),
        new.code_hash.clone().into(),
        at(new.sent_at),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// When and where the last code for a parked request was sent.
#[derive(Clone, Debug)]
pub struct LastSent {
    /// The challenge.
    pub id: ChallengeId,
    /// Where.
    pub phone: PhoneId,
    /// `text` or `voice`.
    pub channel: String,
    /// When.
    pub sent_at: Timestamp,
    /// End of life.
    pub expires_at: Timestamp,
}

/// The last code for a parked request.
pub async fn latest_phone_challenge(db: &Db, binding: &str) -> Result<Option<LastSent>, StoreError> {
    let sql = "SELECT id, phone_id, channel, sent_at, expires_at FROM phone_challenges WHERE binding = ?
               ORDER BY sent_at DESC LIMIT 1";
    let Some(row) = one(&db.read, sql, vec![binding.into()]).await? else { return Ok(None) };
    Ok(Some(LastSent {
        id: ChallengeId::from_uuid(row.get("id")?),
        phone: PhoneId::from_uuid(row.get("phone_id")?),
        channel: row.get("channel")?,
        sent_at: row.time("sent_at")?,
        expires_at: row.time("expires_at")?,
    }))
}

/// Counts a try at a code before it is compared. `None`: used, dead, too many tries, or of another parked request.
pub async fn reserve_phone_try(
    db: &Db,
    id: ChallengeId,
    binding: &str,
    now: Timestamp,
    max_tries: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "UPDATE phone_challenges SET tries = tries + 1
               WHERE id = ? AND binding = ? AND used_at IS NULL AND expires_at > ? AND tries < ? RETURNING code_hash";
    let values = vec![id.uuid().into(), binding.into(), at(now), i64::from(max_tries).into()];
    one(&db.write, sql, values).await?.map(|row| row.get("code_hash")).transpose()
}

/// The hash of a code that this parked request has used up. A code that only gave way to a later one is not used.
pub async fn find_used_phone_code(db: &Db, id: ChallengeId, binding: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT code_hash FROM phone_challenges WHERE id = ? AND binding = ? AND used_at IS NOT NULL
               AND id = (SELECT id FROM phone_challenges WHERE binding = ? ORDER BY sent_at DESC LIMIT 1)";
    let values = vec![id.uuid().into(), binding.into(), binding.into()];
    one(&db.write, sql, values).await?.map(|row| row.get("code_hash")).transpose()
}

/// Uses up a code; `false` when it was used before.
pub async fn take_phone_challenge(db: &Db, id: ChallengeId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE phone_challenges SET used_at = ? WHERE id = ? AND used_at IS NULL AND expires_at > ?";
    Ok(run(&db.write, sql, vec![at(now), id.uuid().into(), at(now)]).await? == 1)
}
