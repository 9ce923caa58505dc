//! Credentials, their secrets and their counters.
//!
//! A try is reserved by one conditional statement before anything is compared, in a transaction of its own: the count
//! survives whatever happens afterwards, and is right over all nodes.

use std::time::Duration;

use stepgate_core::credentials::suspension::ProofFor;
use stepgate_core::credentials::throttle::{FREE_FAILURES, WAITS};
use stepgate_core::credentials::{Credential, MAX_FAILURES, Phone};
use stepgate_core::id::{CredentialId, PersonId, PhoneId};
use stepgate_core::subscriptions::term::next_notice;
use stepgate_core::time::Timestamp;

mod suspension;

pub use suspension::{
    Suspended, find_suspension, reserve_try_of_paused, resume_by_code, resume_credential, revoke_credential,
    suspend_credential,
};

use crate::row::{Row, all, at, at_if, json, one, run};
use crate::{Connection, Db, StoreError};

pub(crate) const CREDENTIAL: &str = "id, person_id, kind, label, serial, stage, failures, retry_at, last_used_at,
    activated_at, purchased_at, expires_at, created_at";

pub(crate) fn credential(row: &Row) -> Result<Credential, StoreError> {
    Ok(Credential {
        id: CredentialId::from_uuid(row.get("id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        kind: row.parsed("credentials", "kind", |text| text.parse().ok())?,
        label: row.get("label")?,
        serial: row.get("serial")?,
        stage: row.parsed("credentials", "stage", |text| text.parse().ok())?,
        failures: u32::try_from(row.get::<i64>("failures")?).unwrap_or(u32::MAX),
        retry_at: row.time_if("retry_at")?,
        last_used_at: row.time_if("last_used_at")?,
        activated_at: row.time_if("activated_at")?,
        purchased_at: row.time_if("purchased_at")?,
        expires_at: row.time_if("expires_at")?,
        created_at: row.time("created_at")?,
    })
}

/// All credentials of a person, oldest first.
pub async fn list_credentials(db: &Db, person: PersonId) -> Result<Vec<Credential>, StoreError> {
    let sql = format!("SELECT {CREDENTIAL} FROM credentials WHERE person_id = ? ORDER BY created_at, id");
    all(&db.read, &sql, vec![person.uuid().into()]).await?.iter().map(credential).collect()
}

/// A credential by id.
pub async fn find_credential(db: &Db, id: CredentialId) -> Result<Option<Credential>, StoreError> {
    let sql = format!("SELECT {CREDENTIAL} FROM credentials WHERE id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(credential).transpose()
}

/// Those of these credentials that there are.
pub async fn list_by_ids(db: &Db, ids: &[CredentialId]) -> Result<Vec<Credential>, StoreError> {
    let mut found = Vec::new();
    for some in ids.chunks(200) {
        let marks = vec!["?"; some.len()].join(", ");
        let sql = format!("SELECT {CREDENTIAL} FROM credentials WHERE id IN ({marks})");
        let values = some.iter().map(|id| sea_orm::Value::from(id.uuid())).collect();
        for row in all(&db.read, &sql, values).await? {
            found.push(credential(&row)?);
        }
    }
    Ok(found)
}

/// A credential to insert, with what verifies it.
pub struct NewCredential {
    /// What may be shown.
    pub credential: Credential,
    /// The sealed password hash or seed.
    pub sealed_secret: Option<Vec<u8>>,
    /// Parameters of the kind (for a token its OATH parameters).
    pub parameters: serde_json::Value,
}

/// A new credential. A serial number that is taken is a [`StoreError::Conflict`].
pub async fn insert_credential(connection: &impl Connection, new: &NewCredential) -> Result<(), StoreError> {
    let sql = "INSERT INTO credentials (id, person_id, kind, label, serial, stage, failures, retry_at, last_used_at,
               activated_at, purchased_at, expires_at, created_at, sealed_secret, parameters, notice_at, counter, drift)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, -1, 0)";
    let it = &new.credential;
    let notice = it.expires_at.and_then(|ends| next_notice(ends, it.created_at));
    let values = vec![
        it.id.uuid().into(),
        it.person.uuid().into(),
        it.kind.as_str().into(),
        it.label.as_str().into(),
        it.serial.clone().into(),
        it.stage.as_str().into(),
        i64::from(it.failures).into(),
        at_if(it.retry_at),
        at_if(it.last_used_at),
        at_if(it.activated_at),
        at_if(it.purchased_at),
        at_if(it.expires_at),
        at(it.created_at),
        new.sealed_secret.clone().into(),
        json(&new.parameters)?,
        at_if(notice.map(|notice| notice.due)),
    ];
    run(connection, sql, values).await.map(drop)
}

/// What a reserved try may be compared with.
pub struct Reserved {
    /// The sealed password hash or seed; empty where the kind has none.
    pub sealed_secret: Vec<u8>,
    /// Parameters of the kind.
    pub parameters: serde_json::Value,
    /// The last accepted moving factor; -1 at first.
    pub counter: i64,
    /// Learned drift, in steps.
    pub drift: i32,
    /// The last success before this try.
    pub last_used_at: Option<Timestamp>,
}

/// Counts a try before it is evaluated. `None`: no try is allowed now (locked, waiting, not active, expired, unknown).
pub async fn reserve_try(db: &Db, id: CredentialId, now: Timestamp) -> Result<Option<Reserved>, StoreError> {
    let values = vec![at(now), id.uuid().into(), at(now), at(now)];
    let row = one(&db.write, &reservation("", "stage = 'active'"), values).await?;
    row.as_ref().map(reserved).transpose()
}

/// A try that takes long to evaluate is under way at most so long; after that its node is dead.
const CHECKING_LIFE: Duration = Duration::from_secs(20);

/// The same for a try that takes long to evaluate (a password): others may wait for it rather than be refused, as what
/// it comes to may make room. [`settle_try`], [`return_try`] and [`accept_secret`] say that it is over.
pub async fn reserve_slow_try(db: &Db, id: CredentialId, now: Timestamp) -> Result<Option<Reserved>, StoreError> {
    let more = format!(
        " checking = CASE WHEN checking_since > {} THEN checking + 1 ELSE 1 END, checking_since = {},",
        (now - CHECKING_LIFE).unix_millis(),
        now.unix_millis()
    );
    let values = vec![at(now), id.uuid().into(), at(now), at(now)];
    let row = one(&db.write, &reservation(&more, "stage = 'active'"), values).await?;
    row.as_ref().map(reserved).transpose()
}

/// Whether tries of a credential are being evaluated now: whoever was refused one may ask again.
pub async fn is_checking(db: &Db, id: CredentialId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM credentials WHERE id = ? AND checking > 0 AND checking_since > ?
               AND stage = 'active' AND failures < ?";
    let values = vec![id.uuid().into(), at(now - CHECKING_LIFE), i64::from(MAX_FAILURES).into()];
    Ok(one(&db.read, sql, values).await?.is_some())
}

/// A try that took long was evaluated, and wrong: it stays counted.
pub async fn settle_try(db: &Db, id: CredentialId) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET checking = checking - 1 WHERE id = ? AND checking > 0";
    run(&db.write, sql, vec![id.uuid().into()]).await.map(drop)
}

/// The statement that counts a try: what more it sets, and in which stage. Its values: now, id, now, now.
fn reservation(more: &str, stage: &str) -> String {
    // The waiting time depends on the count that this very statement makes. The first value is cast: PostgreSQL
    // cannot tell its type from the sum.
    let mut cases = String::new();
    for (failures, wait) in (FREE_FAILURES + 1..).zip(WAITS) {
        // The longest wait comes first, so that it wins.
        cases.insert_str(0, &format!(" WHEN failures + 1 >= {failures} THEN {}", wait.as_millis()));
    }
    format!(
        "UPDATE credentials SET failures = failures + 1,{more}
           retry_at = CASE WHEN failures + 1 > {FREE_FAILURES} THEN CAST(? AS BIGINT) + CASE{cases} END ELSE NULL END
         WHERE id = ? AND {stage} AND failures < {MAX_FAILURES} AND (retry_at IS NULL OR retry_at <= ?)
           AND (expires_at IS NULL OR expires_at > ?)
         RETURNING id, sealed_secret, parameters, counter, drift, last_used_at"
    )
}

/// What verifies a credential, without counting a try.
pub async fn find_secret(db: &Db, id: CredentialId) -> Result<Option<Reserved>, StoreError> {
    let sql = "SELECT id, sealed_secret, parameters, counter, drift, last_used_at FROM credentials WHERE id = ?";
    one(&db.read, sql, vec![id.uuid().into()]).await?.as_ref().map(reserved).transpose()
}

fn reserved(row: &Row) -> Result<Reserved, StoreError> {
    Ok(Reserved {
        sealed_secret: row.get::<Option<Vec<u8>>>("sealed_secret")?.unwrap_or_default(),
        parameters: row.json("credentials", "parameters")?,
        counter: row.get("counter")?,
        drift: i32::try_from(row.get::<i64>("drift")?).unwrap_or(0),
        last_used_at: row.time_if("last_used_at")?,
    })
}

/// Gives a reserved try back that was not evaluated, or was right and came second. Never one that was wrong.
///
/// A success since then has cleared this try with all others: what is counted now are later ones, and they stay.
pub async fn return_try(db: &Db, id: CredentialId, reserved: &Reserved) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET failures = failures - 1, retry_at = NULL,
               checking = CASE WHEN checking > 0 THEN checking - 1 ELSE 0 END
               WHERE id = ? AND failures > 0 AND COALESCE(last_used_at, -1) = ?";
    let last_used_at = reserved.last_used_at.map_or(-1, Timestamp::unix_millis);
    Ok(run(&db.write, sql, vec![id.uuid().into(), last_used_at.into()]).await? == 1)
}

/// Accepts a one-time code: its moving factor must lie above every one that was accepted before. One conditional
/// write, so that the same code at two nodes is accepted once.
pub async fn accept_counter(
    connection: &impl Connection,
    id: CredentialId,
    counter: i64,
    drift: i32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET counter = ?, drift = ?, failures = 0, retry_at = NULL, last_used_at = ?
               WHERE id = ? AND counter < ? AND stage = 'active'";
    let values = vec![counter.into(), i64::from(drift).into(), at(now), id.uuid().into(), counter.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Accepts a credential whose proof was used up elsewhere (a password, a challenge).
pub async fn accept_secret(connection: &impl Connection, id: CredentialId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET failures = 0, retry_at = NULL, last_used_at = ?,
               checking = CASE WHEN checking > 0 THEN checking - 1 ELSE 0 END WHERE id = ? AND stage = 'active'";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// The same for what the proof is for. One that ends a pause leaves the stage as it is.
pub async fn accept_proof(
    connection: &impl Connection,
    id: CredentialId,
    proof: ProofFor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match proof {
        ProofFor::Use => accept_secret(connection, id, now).await,
        ProofFor::Resuming => suspension::accept_secret_of_paused(connection, id, now).await,
    }
}

/// Counts a try, for what the proof is for; see [`reserve_try`].
pub async fn reserve_proof(
    db: &Db,
    id: CredentialId,
    proof: ProofFor,
    now: Timestamp,
) -> Result<Option<Reserved>, StoreError> {
    match proof {
        ProofFor::Use => reserve_try(db, id, now).await,
        ProofFor::Resuming => reserve_try_of_paused(db, id, now).await,
    }
}

/// Replaces what verifies a credential.
pub async fn replace_secret(
    connection: &impl Connection,
    id: CredentialId,
    sealed: &[u8],
    parameters: &serde_json::Value,
) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET sealed_secret = ?, parameters = ? WHERE id = ?";
    run(connection, sql, vec![sealed.to_vec().into(), json(parameters)?, id.uuid().into()]).await.map(drop)
}

/// Moves a credential from one stage to another; `false` when it is not in `from`. Activation sets `activated_at`,
/// and a way back to `active` clears the failures.
pub async fn update_stage(
    connection: &impl Connection,
    id: CredentialId,
    from: &str,
    to: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET stage = ?, failures = 0, retry_at = NULL, suspended_for = NULL,
               suspended_at = NULL, activated_at = COALESCE(activated_at, ?) WHERE id = ? AND stage = ?";
    let activated = (to == "active").then(|| now.unix_millis());
    Ok(run(connection, sql, vec![to.into(), activated.into(), id.uuid().into(), from.into()]).await? == 1)
}

/// Puts a credential into use that the person bought and that waits for a device of this kind; `None` where none does. One
/// that needs a proofed person is left alone while they are not.
pub async fn adopt_pending(
    connection: &impl Connection,
    (person, proofed): (PersonId, bool),
    (kind, label): (&str, &str),
    now: Timestamp,
) -> Result<Option<CredentialId>, StoreError> {
    let sql = "UPDATE credentials SET stage = 'active', label = ?, activated_at = ?, failures = 0, retry_at = NULL
               WHERE stage = 'pending' AND id = (SELECT id FROM credentials WHERE person_id = ? AND kind = ?
                 AND stage = 'pending' AND (needs_proofing = FALSE OR ?) ORDER BY purchased_at, id LIMIT 1) RETURNING id";
    let values = vec![label.into(), at(now), person.uuid().into(), kind.into(), proofed.into()];
    one(connection, sql, values).await?.map(|row| Ok(CredentialId::from_uuid(row.get("id")?))).transpose()
}

/// Gives a credential another name.
pub async fn update_label(connection: &impl Connection, id: CredentialId, label: &str) -> Result<(), StoreError> {
    let sql = "UPDATE credentials SET label = ? WHERE id = ?";
    run(connection, sql, vec![label.into(), id.uuid().into()]).await.map(drop)
}

/// Clears the failures of a credential: the supervised unlock.
pub async fn clear_failures(connection: &impl Connection, id: CredentialId) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET failures = 0, retry_at = NULL WHERE id = ?";
    Ok(run(connection, sql, vec![id.uuid().into()]).await? == 1)
}

/// The numbers of a Phone OTP credential, the preferred one first.
pub async fn list_phones(db: &Db, credential: CredentialId) -> Result<Vec<Phone>, StoreError> {
    let sql = "SELECT id, credential_id, masked, text_messages, voice_calls, preferred, verified_at FROM phones
               WHERE credential_id = ? ORDER BY preferred DESC, id";
    all(&db.read, sql, vec![credential.uuid().into()]).await?.iter().map(phone).collect()
}

pub(crate) fn phone(row: &Row) -> Result<Phone, StoreError> {
    Ok(Phone {
        id: PhoneId::from_uuid(row.get("id")?),
        credential: CredentialId::from_uuid(row.get("credential_id")?),
        masked: row.get("masked")?,
        text: row.get("text_messages")?,
        voice: row.get("voice_calls")?,
        preferred: row.get("preferred")?,
        verified_at: row.time_if("verified_at")?,
    })
}

/// A new number, sealed, with its keyed hash.
pub async fn insert_phone(
    connection: &impl Connection,
    phone: &Phone,
    sealed_number: &[u8],
    number_hash: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO phones (id, credential_id, masked, text_messages, voice_calls, preferred, verified_at,
               sealed_number, number_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        phone.id.uuid().into(),
        phone.credential.uuid().into(),
        phone.masked.as_str().into(),
        phone.text.into(),
        phone.voice.into(),
        phone.preferred.into(),
        at_if(phone.verified_at),
        sealed_number.to_vec().into(),
        number_hash.to_vec().into(),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The sealed number of a phone.
pub async fn find_sealed_number(db: &Db, phone: PhoneId) -> Result<Option<Vec<u8>>, StoreError> {
    let row = one(&db.read, "SELECT sealed_number FROM phones WHERE id = ?", vec![phone.uuid().into()]).await?;
    row.map(|row| row.get("sealed_number")).transpose()
}
