//! Grants, the codes and refresh tokens that hang on them, and opaque access tokens.

mod refresh;

use stepgate_core::account::Person;
use stepgate_core::credentials::Credential;
use stepgate_core::grants::{AuthorizationCode, Grant, Session};
use stepgate_core::id::{GrantId, PersonId, SessionId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

pub use refresh::{Rotation, find_refresh, insert_refresh, rotate_refresh};

use crate::row::{Row, all, at, json, one, run};
use crate::{Connection, Db, StoreError, sessions};

pub(crate) fn grant(row: &Row) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: GrantId::from_uuid(row.get("id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        client: row.get("client_id")?,
        session: SessionId::from_uuid(row.get("session_id")?),
        terms: row.json("grants", "terms")?,
        created_at: row.time("created_at")?,
        revoked_at: row.time_if("revoked_at")?,
    })
}

const GRANT: &str = "id, person_id, client_id, session_id, terms, created_at, revoked_at";

/// A new grant.
pub async fn insert_grant(connection: &impl Connection, new: &Grant) -> Result<(), StoreError> {
    let sql = "INSERT INTO grants (id, person_id, client_id, session_id, terms, created_at) VALUES (?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.uuid().into(),
        new.person.uuid().into(),
        new.client.as_str().into(),
        new.session.uuid().into(),
        json(&new.terms)?,
        at(new.created_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// A grant by id, revoked or not.
pub async fn find_grant(db: &Db, id: GrantId) -> Result<Option<Grant>, StoreError> {
    let sql = format!("SELECT {GRANT} FROM grants WHERE id = ?");
    one(&db.read, &sql, vec![id.uuid().into()]).await?.as_ref().map(grant).transpose()
}

/// Revokes a grant and with it everything that hangs on it; `false` when it was revoked before.
pub async fn revoke_grant(connection: &impl Connection, id: GrantId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE grants SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// Revokes what a person granted a client; how much.
pub async fn revoke_grants_to_client(
    connection: &impl Connection,
    person: PersonId,
    client: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE grants SET revoked_at = ? WHERE person_id = ? AND client_id = ? AND revoked_at IS NULL";
    run(connection, sql, vec![at(now), person.uuid().into(), client.into()]).await
}

/// The scopes that a person granted a client last; none when nothing stands.
pub async fn latest_scope(db: &Db, person: PersonId, client: &str) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT {GRANT} FROM grants WHERE person_id = ? AND client_id = ? AND revoked_at IS NULL
         ORDER BY created_at DESC LIMIT 1"
    );
    let row = one(&db.read, &sql, vec![person.uuid().into(), client.into()]).await?;
    Ok(row.as_ref().map(grant).transpose()?.map(|grant| grant.terms.scope).unwrap_or_default())
}

/// The clients in a session: whoever was granted something in it, revoked meanwhile or not.
pub async fn list_clients_of_session(
    connection: &impl Connection,
    session: SessionId,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT client_id FROM grants WHERE session_id = ? ORDER BY client_id";
    let rows = all(connection, sql, vec![session.uuid().into()]).await?;
    rows.iter().map(|row| row.get("client_id")).collect()
}

/// A grant and everything that its worth depends on now.
#[derive(Clone, Debug)]
pub struct GrantStanding {
    /// The grant.
    pub grant: Grant,
    /// The session that it came from, ended or not.
    pub session: Session,
    /// Whose.
    pub person: Person,
    /// The person's credentials that the session's events rest on.
    pub credentials: Vec<Credential>,
}

/// Everything that the worth of a grant depends on, in one statement: a row for each factor event of its session.
pub async fn find_grant_standing(db: &Db, id: GrantId) -> Result<Option<GrantStanding>, StoreError> {
    let sql = "SELECT g.id AS g_id, g.person_id AS g_person, g.client_id, g.session_id, g.terms,
                 g.created_at AS g_created, g.revoked_at,
                 p.username, p.claims, p.suspended_at, p.proofed_at, p.proofing_expires_at,
                 p.created_at AS p_created, p.updated_at,
                 s.id, s.person_id, s.created_at, s.last_seen_at, s.expires_at, s.ended_at, s.user_agent, s.ip,
                 e.at, e.method, e.credential_id, e.evidence, e.proofed,
                 c.kind, c.label, c.serial, c.stage, c.failures, c.retry_at, c.last_used_at, c.activated_at,
                 c.purchased_at, c.expires_at AS c_expires, c.created_at AS c_created
               FROM grants g JOIN persons p ON p.id = g.person_id JOIN sessions s ON s.id = g.session_id
               LEFT JOIN factor_events e ON e.session_id = s.id LEFT JOIN credentials c ON c.id = e.credential_id
               WHERE g.id = ? ORDER BY e.at";
    let rows = all(&db.read, sql, vec![id.uuid().into()]).await?;
    let (Some(first), Some(session)) = (rows.first(), sessions::sessions(&rows)?.pop()) else { return Ok(None) };
    let person = PersonId::from_uuid(first.get("g_person")?);
    let mut held: Vec<Credential> = Vec::new();
    for row in &rows {
        if let Some(credential) = standing_credential(row, person)?
            && held.iter().all(|known| known.id != credential.id)
        {
            held.push(credential);
        }
    }
    Ok(Some(GrantStanding {
        grant: Grant {
            id,
            person,
            client: first.get("client_id")?,
            session: session.id,
            terms: first.json("grants", "terms")?,
            created_at: first.time("g_created")?,
            revoked_at: first.time_if("revoked_at")?,
        },
        person: Person {
            id: person,
            username: first.parsed("persons", "username", |text| text.parse().ok())?,
            claims: first.json("persons", "claims")?,
            suspended_at: first.time_if("suspended_at")?,
            proofed_at: first.time_if("proofed_at")?,
            proofing_expires_at: first.time_if("proofing_expires_at")?,
            created_at: first.time("p_created")?,
            updated_at: first.time("updated_at")?,
        },
        session,
        credentials: held,
    }))
}

fn standing_credential(row: &Row, person: PersonId) -> Result<Option<Credential>, StoreError> {
    let Some(kind) = row.get::<Option<String>>("kind")? else { return Ok(None) };
    let id: uuid::Uuid = row.get("credential_id")?;
    let bad = |column| StoreError::BadRow { table: "credentials", column, id: id.to_string() };
    Ok(Some(Credential {
        id: stepgate_core::id::CredentialId::from_uuid(id),
        person,
        kind: kind.parse().map_err(|_| bad("kind"))?,
        label: row.get("label")?,
        serial: row.get("serial")?,
        stage: row.get::<String>("stage")?.parse().map_err(|_| bad("stage"))?,
        failures: u32::try_from(row.get::<i64>("failures")?).unwrap_or(u32::MAX),
        retry_at: row.time_if("retry_at")?,
        last_used_at: row.time_if("last_used_at")?,
        activated_at: row.time_if("activated_at")?,
        purchased_at: row.time_if("purchased_at")?,
        expires_at: row.time_if("c_expires")?,
        created_at: row.time("c_created")?,
    }))
}

/// A new code.
pub async fn insert_code(connection: &impl Connection, new: &AuthorizationCode) -> Result<(), StoreError> {
    let sql = "INSERT INTO authorization_codes (hash, grant_id, client_id, redirect_uri, code_challenge, expires_at)
               VALUES (?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.hash.as_bytes().to_vec().into(),
        new.grant.uuid().into(),
        new.client.as_str().into(),
        new.redirect_uri.as_str().into(),
        new.code_challenge.clone().into(),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// What became of the wish to use a code.
#[derive(Debug)]
pub enum TakeCode {
    /// It is used up now, by this caller alone.
    Taken(AuthorizationCode),
    /// It was used up before.
    Replayed {
        /// What its first use gave.
        grant: GrantId,
    },
    /// Its time is over.
    Expired,
    /// There is no such code.
    Unknown,
}

/// Uses up a code by one conditional statement. Only when that changes nothing is it looked up why.
pub async fn take_code(db: &Db, hash: &TokenHash, now: Timestamp) -> Result<TakeCode, StoreError> {
    let key = hash.as_bytes().to_vec();
    let sql = "UPDATE authorization_codes SET used_at = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ?
               RETURNING grant_id, client_id, redirect_uri, code_challenge, expires_at";
    if let Some(row) = one(&db.write, sql, vec![at(now), key.clone().into(), at(now)]).await? {
        return Ok(TakeCode::Taken(AuthorizationCode {
            hash: *hash,
            grant: GrantId::from_uuid(row.get("grant_id")?),
            client: row.get("client_id")?,
            redirect_uri: row.get("redirect_uri")?,
            code_challenge: row.get("code_challenge")?,
            expires_at: row.time("expires_at")?,
        }));
    }
    let sql = "SELECT grant_id, used_at FROM authorization_codes WHERE hash = ?";
    let Some(row) = one(&db.write, sql, vec![key.into()]).await? else { return Ok(TakeCode::Unknown) };
    Ok(match row.time_if("used_at")? {
        Some(_) => TakeCode::Replayed { grant: GrantId::from_uuid(row.get("grant_id")?) },
        None => TakeCode::Expired,
    })
}

/// Read, compare, write: what [`take_code`] must never become. Only the tests of the tests know it.
#[cfg(feature = "naive")]
pub async fn take_code_naively(db: &Db, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let key = || hash.as_bytes().to_vec();
    let sql = "SELECT used_at FROM authorization_codes WHERE hash = ?";
    let row = one(&db.read, sql, vec![key().into()]).await?;
    if row.map_or(Ok(None), |row| row.time_if("used_at"))?.is_some() {
        return Ok(false);
    }
    // Whoever reads lets others read before it writes: a store on the other side of a network always does.
    tokio::task::yield_now().await;
    let sql = "UPDATE authorization_codes SET used_at = ? WHERE hash = ?";
    Ok(run(&db.write, sql, vec![at(now), key().into()]).await? == 1)
}

/// An opaque access token.
#[derive(Clone, Debug)]
pub struct OpaqueToken {
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// The grant that it hangs on.
    pub grant: Option<GrantId>,
    /// To which client.
    pub client: String,
    /// What it says: the claims that it would carry as a JWT.
    pub claims: serde_json::Value,
    /// End of life.
    pub expires_at: Timestamp,
}

/// A new opaque access token.
pub async fn insert_opaque(connection: &impl Connection, new: &OpaqueToken) -> Result<(), StoreError> {
    let sql = "INSERT INTO access_tokens (hash, grant_id, client_id, claims, expires_at) VALUES (?, ?, ?, ?, ?)";
    let values = vec![
        new.hash.as_bytes().to_vec().into(),
        new.grant.map(GrantId::uuid).into(),
        new.client.as_str().into(),
        json(&new.claims)?,
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// The claims of an opaque access token that has not expired.
pub async fn find_opaque(db: &Db, hash: &TokenHash, now: Timestamp) -> Result<Option<serde_json::Value>, StoreError> {
    let sql = "SELECT claims FROM access_tokens WHERE hash = ? AND expires_at > ? AND revoked_at IS NULL";
    let row = one(&db.read, sql, vec![hash.as_bytes().to_vec().into(), at(now)]).await?;
    row.map(|row| row.json("access_tokens", "claims")).transpose()
}

/// Remembers that a token without a grant was revoked, until it would have expired.
pub async fn insert_revoked_jti(db: &Db, jti: &str, until: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO revoked_tokens (jti, expires_at) VALUES (?, ?) ON CONFLICT (jti) DO NOTHING";
    run(&db.write, sql, vec![jti.into(), at(until)]).await.map(drop)
}

/// Whether a token without a grant was revoked.
pub async fn is_jti_revoked(db: &Db, jti: &str) -> Result<bool, StoreError> {
    Ok(one(&db.read, "SELECT 1 AS found FROM revoked_tokens WHERE jti = ?", vec![jti.into()]).await?.is_some())
}

/// The live grants of a person, the latest first: for My Account.
pub async fn list_grants(db: &Db, person: PersonId) -> Result<Vec<Grant>, StoreError> {
    let sql = format!(
        "SELECT {GRANT} FROM grants WHERE person_id = ? AND revoked_at IS NULL ORDER BY created_at DESC LIMIT 200"
    );
    all(&db.read, &sql, vec![person.uuid().into()]).await?.iter().map(grant).collect()
}
