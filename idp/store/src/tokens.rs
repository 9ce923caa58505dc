//! The inventory of hardware tokens: what lies in stock, what went where, and what became of it.
//!
//! A token counts from the moment its file was approved: every query joins the file. A step of a token's life is one
//! conditional write on the stage and the version that were seen, with its line of the custody log in the same
//! transaction: of two people who act on the same token, one is told that they came second.

pub mod batches;
mod custody;
pub mod drifts;
pub mod exports;
pub mod parcels;
pub mod resyncs;
mod waiting;

pub use custody::{Custody, list_custody, log_custody};
pub use waiting::{Waiting, Waits, list_waiting};

use stepgate_core::assurance::CredentialState;
use stepgate_core::credentials::hardware_token::inventory::{
    HardwareToken, REGISTRATION_TRIES, TokenAct, TokenStage, TokenUse,
};
use stepgate_core::id::{BatchId, CredentialId, LicenseKeyId, PersonId, TokenId};
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::row::{Row, all, at, at_if, json, one, run};
use crate::{Connection, Db, StoreError};

const TOKEN: &str =
    "t.id, t.batch_id, t.serial, t.manufacturer, t.model, t.parameters, t.stage, t.version, t.person_id,
    t.credential_id, t.license_key_id, t.exported_at, t.life_ends_at, t.imported_at, t.activated_at, t.activated_drift,
    p.username AS username, c.stage AS use_stage, c.expires_at AS use_expires_at, c.drift AS use_drift,
    c.last_used_at AS use_last_used_at, c.failures AS use_failures";

const FROM: &str =
    "FROM hardware_tokens t JOIN token_batches b ON b.id = t.batch_id AND b.stage IN ('approved', 'recalled')
    LEFT JOIN persons p ON p.id = t.person_id LEFT JOIN credentials c ON c.id = t.credential_id";

fn token(row: &Row) -> Result<HardwareToken, StoreError> {
    let stage = |text: &str| TokenStage::from_name(text);
    let use_of_it = match row.get::<Option<String>>("use_stage")? {
        None => None,
        Some(text) => Some(TokenUse {
            stage: text.parse().unwrap_or(CredentialState::Revoked),
            expires_at: row.time_if("use_expires_at")?,
            drift: small(row.get::<Option<i64>>("use_drift")?.unwrap_or(0)),
            last_used_at: row.time_if("use_last_used_at")?,
            failures: u32::try_from(row.get::<Option<i64>>("use_failures")?.unwrap_or(0)).unwrap_or(u32::MAX),
        }),
    };
    let first_drift = small(row.get::<Option<i64>>("activated_drift")?.unwrap_or(0));
    Ok(HardwareToken {
        id: TokenId::from_uuid(row.get("id")?),
        batch: BatchId::from_uuid(row.get("batch_id")?),
        serial: row.get("serial")?,
        manufacturer: row.get("manufacturer")?,
        model: row.get("model")?,
        parameters: row.json("hardware_tokens", "parameters")?,
        kept_stage: row.parsed("hardware_tokens", "stage", stage)?,
        version: row.get("version")?,
        person: row.get::<Option<Uuid>>("person_id")?.map(PersonId::from_uuid),
        username: row.get("username")?,
        credential: row.get::<Option<Uuid>>("credential_id")?.map(CredentialId::from_uuid),
        license_key: row.get::<Option<Uuid>>("license_key_id")?.map(LicenseKeyId::from_uuid),
        exported_at: row.time_if("exported_at")?,
        life_ends_at: row.time_if("life_ends_at")?,
        imported_at: row.time("imported_at")?,
        activated: row.time_if("activated_at")?.map(|at| (at, first_drift)),
        use_of_it,
    })
}

fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(0)
}

/// Which tokens to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Serial numbers that begin so.
    pub serial: String,
    /// In this stage, as it is kept.
    pub stage: Option<TokenStage>,
    /// That came in this file.
    pub batch: Option<BatchId>,
    /// After this serial number.
    pub after: String,
}

/// Tokens by serial number.
pub async fn list_tokens(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<HardwareToken>, StoreError> {
    let mut sql = format!("SELECT {TOKEN} {FROM} WHERE t.serial > ?");
    let mut values = vec![filter.after.as_str().into()];
    if !filter.serial.is_empty() {
        // A range, so that the index is used; `~` comes after every character of a serial number.
        sql.push_str(" AND t.serial >= ? AND t.serial < ?");
        values.extend([filter.serial.as_str().into(), format!("{}~", filter.serial).into()]);
    }
    if let Some(stage) = filter.stage {
        match stage {
            TokenStage::Suspended => sql.push_str(" AND t.stage = 'active' AND c.stage = 'suspended'"),
            TokenStage::Active => sql.push_str(" AND t.stage = 'active' AND c.stage = 'active'"),
            TokenStage::Revoked => {
                sql.push_str(" AND (t.stage = 'revoked' OR (t.stage = 'active' AND c.stage = 'revoked'))")
            }
            kept => {
                sql.push_str(" AND t.stage = ?");
                values.push(kept.as_str().into());
            }
        }
    }
    if let Some(batch) = filter.batch {
        sql.push_str(" AND t.batch_id = ?");
        values.push(batch.uuid().into());
    }
    sql.push_str(" ORDER BY t.serial LIMIT ?");
    values.push(i64::from(limit).into());
    all(&db.read, &sql, values).await?.iter().map(token).collect()
}

/// A token by id.
pub async fn find_token(db: &Db, id: TokenId) -> Result<Option<HardwareToken>, StoreError> {
    let sql = format!("SELECT {TOKEN} {FROM} WHERE t.id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(token).transpose()
}

/// A token by the number on its back.
pub async fn find_token_by_serial(db: &Db, serial: &str) -> Result<Option<HardwareToken>, StoreError> {
    let sql = format!("SELECT {TOKEN} {FROM} WHERE t.serial = ?");
    one(&db.read, &sql, vec![serial.into()]).await?.as_ref().map(token).transpose()
}

/// Tokens in use whose clocks are furthest off, the worst first, and those whose life ends first.
pub async fn list_worn_tokens(db: &Db, before: Timestamp, limit: u32) -> Result<Vec<HardwareToken>, StoreError> {
    let sql = format!(
        "SELECT {TOKEN} {FROM} WHERE t.stage = 'active' AND c.stage = 'active' AND (c.drift <> 0 OR t.life_ends_at < ?)
         ORDER BY ABS(c.drift) DESC, t.life_ends_at, t.serial LIMIT ?"
    );
    all(&db.read, &sql, vec![at(before), i64::from(limit).into()]).await?.iter().map(token).collect()
}

/// How many tokens are in each stage that is kept.
pub async fn count_stages(db: &Db) -> Result<Vec<(TokenStage, i64)>, StoreError> {
    let sql = "SELECT t.stage AS stage, COUNT(*) AS count FROM hardware_tokens t
               JOIN token_batches b ON b.id = t.batch_id AND b.stage IN ('approved', 'recalled') GROUP BY t.stage";
    let row = |row: &Row| Ok((row.parsed("hardware_tokens", "stage", TokenStage::from_name)?, row.get("count")?));
    all(&db.read, sql, vec![]).await?.iter().map(row).collect()
}

/// A step to take with a token as it was seen.
pub struct Step<'a> {
    /// The token.
    pub token: &'a HardwareToken,
    /// What is done with it.
    pub act: TokenAct,
    /// Where that leads.
    pub to: TokenStage,
    /// Who does it; `None` for the command line.
    pub actor: Option<PersonId>,
    /// Where it went, and why.
    pub note: &'a str,
    /// When.
    pub now: Timestamp,
}

/// What a step changes beside the stage.
pub enum Change<'a> {
    /// Nothing.
    Nothing,
    /// It becomes somebody's: the waiting credential, the hash of the registration code and its end.
    Holder(PersonId, CredentialId, &'a [u8], Timestamp),
    /// It goes with a license key that nobody has activated yet: it becomes whoever's does.
    With(LicenseKeyId),
    /// Its holder gets a new registration code.
    Code(&'a [u8], Timestamp),
    /// It is nobody's again.
    NoHolder,
    /// It is in use: the seed has moved to the credential; the drift that it has now.
    InUse(i32),
    /// Its seed is erased.
    NoSeed,
}

/// Takes a step: one conditional write, and its line of the custody log. `false`: somebody else was faster.
pub async fn take_step(connection: &impl Connection, step: &Step<'_>, change: &Change<'_>) -> Result<bool, StoreError> {
    let token = step.token;
    let mut values = vec![step.to.as_str().into()];
    let (set, person) = match change {
        Change::Nothing => ("", token.person),
        Change::Holder(person, credential, hash, end) => {
            values.extend([person.uuid().into(), credential.uuid().into(), hash.to_vec().into(), at(*end)]);
            let set = ", person_id = ?, credential_id = ?, registration_hash = ?, registration_expires_at = ?, registration_tries = 0,
                       license_key_id = NULL";
            (set, Some(*person))
        }
        Change::With(key) => {
            values.push(key.uuid().into());
            (", license_key_id = ?", None)
        }
        Change::Code(hash, end) => {
            values.extend([hash.to_vec().into(), at(*end)]);
            (", registration_hash = ?, registration_expires_at = ?, registration_tries = 0", token.person)
        }
        Change::NoHolder => {
            (", person_id = NULL, credential_id = NULL, registration_hash = NULL, license_key_id = NULL", token.person)
        }
        Change::InUse(drift) => {
            values.extend([at(step.now), i64::from(*drift).into()]);
            (", sealed_seed = NULL, registration_hash = NULL, activated_at = ?, activated_drift = ?", token.person)
        }
        Change::NoSeed => (", sealed_seed = NULL, registration_hash = NULL, license_key_id = NULL", token.person),
    };
    let given = matches!(change, Change::Holder(..) | Change::With(_));
    let exported = if given { " AND exported_at IS NULL" } else { "" };
    let sql = format!(
        "UPDATE hardware_tokens SET stage = ?, version = version + 1{set} WHERE id = ? AND stage = ? AND version = ?{exported}"
    );
    values.extend([token.id.uuid().into(), token.kept_stage.as_str().into(), token.version.into()]);
    if run(connection, &sql, values).await? != 1 {
        return Ok(false);
    }
    let line = custody::Line {
        actor: step.actor,
        from: token.stage(step.now),
        to: logged(step),
        person,
        note: step.note,
        at: step.now,
    };
    custody::insert_line(connection, (token.id, token.version + 1), &line).await?;
    Ok(true)
}

/// A suspension is kept with the credential; the log tells it as a stage of the token.
const fn logged(step: &Step<'_>) -> TokenStage {
    match step.act {
        TokenAct::Suspend => TokenStage::Suspended,
        _ => step.to,
    }
}

/// What an activation is compared with.
pub struct ReservedActivation {
    /// The token.
    pub token: TokenId,
    /// The hash of the registration code.
    pub registration_hash: Vec<u8>,
    /// The sealed seed.
    pub sealed_seed: Vec<u8>,
    /// The next counter.
    pub counter: i64,
    /// Its drift when it came in.
    pub drift: i32,
}

/// Counts a try to activate before anything is compared. `None`: no token of that number waits for this person, its
/// code ran out, or they were wrong too often.
pub async fn reserve_activation(
    db: &Db,
    serial: &str,
    person: PersonId,
    now: Timestamp,
) -> Result<Option<ReservedActivation>, StoreError> {
    let sql = format!(
        "UPDATE hardware_tokens SET registration_tries = registration_tries + 1
         WHERE serial = ? AND person_id = ? AND stage IN ('shipped', 'assigned') AND registration_hash IS NOT NULL
           AND sealed_seed IS NOT NULL AND registration_expires_at > ? AND registration_tries < {REGISTRATION_TRIES}
         RETURNING id, registration_hash, sealed_seed, counter, drift"
    );
    let row = one(&db.write, &sql, vec![serial.into(), person.uuid().into(), at(now)]).await?;
    row.map(|row| {
        Ok(ReservedActivation {
            token: TokenId::from_uuid(row.get("id")?),
            registration_hash: row.get("registration_hash")?,
            sealed_seed: row.get("sealed_seed")?,
            counter: row.get("counter")?,
            drift: small(row.get("drift")?),
        })
    })
    .transpose()
}

/// What an activated token's credential starts with.
pub struct Bound<'a> {
    /// The waiting credential.
    pub credential: CredentialId,
    /// The seed, sealed for it.
    pub sealed_seed: &'a [u8],
    /// What it computes with.
    pub parameters: serde_json::Value,
    /// The last accepted moving factor, and the drift.
    pub memory: (i64, i32),
    /// When the token's life ends.
    pub expires_at: Option<Timestamp>,
}

/// Puts the waiting credential into use. `false`: it does not wait any more.
pub async fn bind_credential(
    connection: &impl Connection,
    bound: &Bound<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET stage = 'active', sealed_secret = ?, parameters = ?, counter = ?, drift = ?,
               failures = 0, retry_at = NULL, activated_at = ?, expires_at = COALESCE(expires_at, ?)
               WHERE id = ? AND stage = 'pending'";
    let values = vec![
        bound.sealed_seed.to_vec().into(),
        json(&bound.parameters)?,
        bound.memory.0.into(),
        i64::from(bound.memory.1).into(),
        at(now),
        at_if(bound.expires_at),
        bound.credential.uuid().into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// A credential that its holder bought, and that waits for a token, gets this one.
pub async fn adopt_waiting_credential(
    connection: &impl Connection,
    person: PersonId,
    (serial, parameters): (&str, &serde_json::Value),
) -> Result<Option<CredentialId>, StoreError> {
    let sql = "UPDATE credentials SET serial = ?, parameters = ? WHERE serial IS NULL AND stage = 'pending' AND id =
                 (SELECT id FROM credentials WHERE person_id = ? AND kind = 'hardware_token' AND stage = 'pending'
                    AND serial IS NULL ORDER BY purchased_at, id LIMIT 1) RETURNING id";
    let values = vec![serial.into(), json(parameters)?, person.uuid().into()];
    one(connection, sql, values).await?.map(|row| Ok(CredentialId::from_uuid(row.get("id")?))).transpose()
}

/// What waited for a token which was taken back: it goes, or waits for another one where it was bought.
pub async fn release_waiting_credential(connection: &impl Connection, id: CredentialId) -> Result<bool, StoreError> {
    let waiting = "WHERE id = ? AND kind = 'hardware_token' AND stage = 'pending'";
    let bought = format!("UPDATE credentials SET serial = NULL {waiting} AND license_key_id IS NOT NULL");
    if run(connection, &bought, vec![id.uuid().into()]).await? == 1 {
        let forget = "UPDATE hardware_tokens SET credential_id = NULL WHERE credential_id = ?";
        return run(connection, forget, vec![id.uuid().into()]).await.map(|_| true);
    }
    Ok(run(connection, &format!("DELETE FROM credentials {waiting}"), vec![id.uuid().into()]).await? == 1)
}

/// What was bought outlives its token: a credential in use whose token is no more, and whose term is not over, waits for
/// another token, with the term that it has. `false`: it was not bought, or its term is over.
pub async fn wait_for_another(
    connection: &impl Connection,
    id: CredentialId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = format!("UPDATE credentials SET {WAITS} WHERE id = ? AND {OUTLIVES}");
    if run(connection, &sql, vec![id.uuid().into(), at(now)]).await? != 1 {
        return Ok(false);
    }
    run(connection, "UPDATE hardware_tokens SET credential_id = NULL WHERE credential_id = ?", vec![id.uuid().into()])
        .await
        .map(|_| true)
}

/// What makes a credential wait for a token.
const WAITS: &str = "stage = 'pending', serial = NULL, sealed_secret = NULL, counter = 0, drift = 0, failures = 0,
    retry_at = NULL, activated_at = NULL, last_used_at = NULL, suspended_for = NULL, suspended_at = NULL";
/// Which ones a token that is no more leaves waiting.
const OUTLIVES: &str = "kind = 'hardware_token' AND stage IN ('active', 'suspended') AND license_key_id IS NOT NULL
    AND (expires_at IS NULL OR expires_at > ?)";
