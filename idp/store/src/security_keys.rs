//! Security keys and the challenges that they sign. A challenge is used up by one conditional statement, whatever the
//! answer to it was worth.

use stepgate_core::credentials::Credential;
use stepgate_core::id::{ChallengeId, CredentialId, PersonId};
use stepgate_core::time::Timestamp;

use crate::credentials::credential;
use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

/// A key: the credential that it is, and what verifies it.
pub struct StoredKey {
    /// The credential.
    pub credential: Credential,
    /// The key's public data, as the verifying library keeps it.
    pub data: String,
    /// Whether it may be copied to the person's other devices (a synced passkey).
    pub synced: bool,
    /// Whether an authority that the deployment trusts vouched for its hardware when it was bound.
    pub attested: bool,
}

const KEY: &str = "c.id, c.person_id, c.kind, c.label, c.serial, c.stage, c.failures, c.retry_at, c.last_used_at,
    c.activated_at, c.purchased_at, c.expires_at, c.created_at, k.data, k.synced, k.attested
    FROM credentials c JOIN security_keys k ON k.credential_id = c.id";

fn key(row: &Row) -> Result<StoredKey, StoreError> {
    Ok(StoredKey {
        credential: credential(row)?,
        data: row.get("data")?,
        synced: row.get("synced")?,
        attested: row.get("attested")?,
    })
}

/// All keys of a person that were not given up, oldest first.
pub async fn list_keys(db: &Db, person: PersonId) -> Result<Vec<StoredKey>, StoreError> {
    let sql = format!("SELECT {KEY} WHERE c.person_id = ? AND c.stage <> 'revoked' ORDER BY c.created_at, c.id");
    all(&db.read, &sql, vec![person.uuid().into()]).await?.iter().map(key).collect()
}

/// The key of that id, where it is this person's and was not given up.
pub async fn find_key(db: &Db, person: PersonId, key_id: &[u8]) -> Result<Option<StoredKey>, StoreError> {
    let sql = format!("SELECT {KEY} WHERE k.key_id = ? AND c.person_id = ? AND c.stage <> 'revoked'");
    one(&db.read, &sql, vec![key_id.to_vec().into(), person.uuid().into()]).await?.as_ref().map(key).transpose()
}

/// What is kept of a key that was just made.
pub struct NewKey<'a> {
    /// Its own id.
    pub id: &'a [u8],
    /// See [`StoredKey`].
    pub data: &'a str,
    /// See [`StoredKey`].
    pub synced: bool,
    /// See [`StoredKey`].
    pub attested: bool,
}

/// A new key beside its credential. A key that somebody has already is a [`StoreError::Conflict`].
pub async fn insert_key(
    connection: &impl Connection,
    credential: CredentialId,
    new: &NewKey<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO security_keys (credential_id, key_id, data, sign_count, synced, attested)
               VALUES (?, ?, ?, 0, ?, ?)";
    let values =
        vec![credential.uuid().into(), new.id.to_vec().into(), new.data.into(), new.synced.into(), new.attested.into()];
    run(connection, sql, values).await.map(drop)
}

/// Keeps what a signature said of its key. `false` when the key's counter did not go up: it was copied. A key that
/// does not count says zero for ever.
pub async fn accept_signature(
    connection: &impl Connection,
    credential: CredentialId,
    data: &str,
    sign_count: u32,
) -> Result<bool, StoreError> {
    let sql = "UPDATE security_keys SET data = ?, sign_count = ?
               WHERE credential_id = ? AND (sign_count < ? OR (sign_count = 0 AND CAST(? AS BIGINT) = 0))";
    let count = i64::from(sign_count);
    let values = vec![data.into(), count.into(), credential.uuid().into(), count.into(), count.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// A challenge to keep.
pub struct NewChallenge<'a> {
    /// Its id.
    pub id: ChallengeId,
    /// Whom it is for.
    pub person: PersonId,
    /// What it is for, and where: no answer counts elsewhere.
    pub binding: &'a str,
    /// What the answer is verified against.
    pub state: &'a str,
    /// End of life.
    pub expires_at: Timestamp,
}

/// A new challenge.
pub async fn insert_challenge(connection: &impl Connection, new: &NewChallenge<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO key_challenges (id, person_id, binding, state, expires_at) VALUES (?, ?, ?, ?, ?)";
    let values =
        vec![new.id.uuid().into(), new.person.uuid().into(), new.binding.into(), new.state.into(), at(new.expires_at)];
    run(connection, sql, values).await.map(drop)
}

/// A challenge that is under way: its state, and until when, to show it again.
pub async fn find_challenge(
    db: &Db,
    id: ChallengeId,
    binding: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT state FROM key_challenges WHERE id = ? AND binding = ? AND used_at IS NULL AND expires_at > ?";
    one(&db.read, sql, vec![id.uuid().into(), binding.into(), at(now)]).await?.map(|row| row.get("state")).transpose()
}

/// Uses a challenge up and returns its state. `None`: unknown, used, expired, or somebody else's.
pub async fn take_challenge(
    db: &Db,
    id: ChallengeId,
    person: PersonId,
    binding: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let sql = "UPDATE key_challenges SET used_at = ? WHERE id = ? AND person_id = ? AND binding = ? AND used_at IS NULL
               AND expires_at > ? RETURNING state";
    let values = vec![at(now), id.uuid().into(), person.uuid().into(), binding.into(), at(now)];
    one(&db.write, sql, values).await?.map(|row| row.get("state")).transpose()
}

/// A new challenge for whoever has a passkey.
pub async fn insert_passkey_challenge(
    connection: &impl Connection,
    id: ChallengeId,
    binding: &str,
    state: &str,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO passkey_challenges (id, binding, state, expires_at) VALUES (?, ?, ?, ?)";
    run(connection, sql, vec![id.uuid().into(), binding.into(), state.into(), at(expires_at)]).await.map(drop)
}

/// Uses such a challenge up and returns its state. `None`: unknown, used, expired, or of another place.
pub async fn take_passkey_challenge(
    db: &Db,
    id: ChallengeId,
    binding: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let sql = "UPDATE passkey_challenges SET used_at = ? WHERE id = ? AND binding = ? AND used_at IS NULL
               AND expires_at > ? RETURNING state";
    let values = vec![at(now), id.uuid().into(), binding.into(), at(now)];
    one(&db.write, sql, values).await?.map(|row| row.get("state")).transpose()
}
