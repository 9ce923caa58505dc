//! Requests to be identity-proofed. A decision is one conditional statement: of two agents one decides.

use stepgate_core::id::{LicenseKeyId, PersonId, ProofingId};
use stepgate_core::proofing::{Findings, ProofingStage};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, at_if, one, run};
use crate::{Connection, Db, StoreError};

/// A request as it is kept.
#[derive(Clone, Debug)]
pub struct ProofingRequest {
    /// Its id.
    pub id: ProofingId,
    /// Whose.
    pub person: PersonId,
    /// The key that paid for it.
    pub key: Option<LicenseKeyId>,
    /// Where it stands.
    pub stage: ProofingStage,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// What was found, once approved: how, which document, by whom, valid until when (ISO 8601), and the level.
    pub found: Found,
    /// The person's user ID.
    pub username: String,
    /// The agent's, once decided.
    pub agent: Option<String>,
}

/// What is recorded of an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of the same name")]
pub struct Found {
    pub method: Option<String>,
    pub document: Option<String>,
    pub issuer: Option<String>,
    pub document_valid_until: Option<String>,
    pub level: Option<String>,
}

const REQUEST: &str = "r.id, r.person_id, r.license_key_id, r.stage, r.asked_at, r.decided_at, r.reason, r.method,
    r.document, r.issuer, r.document_valid_until, r.level,
    p.username AS username, a.username AS agent
    FROM proofing_requests r JOIN persons p ON p.id = r.person_id LEFT JOIN persons a ON a.id = r.decided_by";

fn request(row: &Row) -> Result<ProofingRequest, StoreError> {
    Ok(ProofingRequest {
        id: ProofingId::from_uuid(row.get("id")?),
        person: PersonId::from_uuid(row.get("person_id")?),
        key: row.get::<Option<uuid::Uuid>>("license_key_id")?.map(LicenseKeyId::from_uuid),
        stage: row.parsed("proofing_requests", "stage", ProofingStage::parse)?,
        asked_at: row.time("asked_at")?,
        decided_at: row.time_if("decided_at")?,
        reason: row.get("reason")?,
        found: Found {
            method: row.get("method")?,
            document: row.get("document")?,
            issuer: row.get("issuer")?,
            document_valid_until: row.get("document_valid_until")?,
            level: row.get("level")?,
        },
        username: row.get("username")?,
        agent: row.get("agent")?,
    })
}

/// Asks; `false` when a request of the person's is open already.
pub async fn insert_request(
    connection: &impl Connection,
    (id, person, key): (ProofingId, PersonId, Option<LicenseKeyId>),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO proofing_requests (id, person_id, license_key_id, stage, asked_at)
               VALUES (?, ?, ?, 'asked', ?) ON CONFLICT DO NOTHING";
    let values = vec![id.uuid().into(), person.uuid().into(), key.map(LicenseKeyId::uuid).into(), at(now)];
    Ok(run(connection, sql, values).await? == 1)
}

/// A request by id.
pub async fn find_request(db: &Db, id: ProofingId) -> Result<Option<ProofingRequest>, StoreError> {
    let sql = format!("SELECT {REQUEST} WHERE r.id = ?");
    one(&db.write, &sql, vec![id.uuid().into()]).await?.as_ref().map(request).transpose()
}

/// The requests of a person, newest first.
pub async fn list_requests_of(db: &Db, person: PersonId) -> Result<Vec<ProofingRequest>, StoreError> {
    let sql = format!("SELECT {REQUEST} WHERE r.person_id = ? ORDER BY r.asked_at DESC, r.id LIMIT 20");
    all(&db.read, &sql, vec![person.uuid().into()]).await?.iter().map(request).collect()
}

/// The requests in a stage, after one of them: those that wait oldest first, the others newest first.
pub async fn list_requests(
    db: &Db,
    stage: ProofingStage,
    after: Option<(Timestamp, ProofingId)>,
    limit: u32,
) -> Result<Vec<ProofingRequest>, StoreError> {
    let (order, beyond) = if stage == ProofingStage::Asked { ("", '>') } else { (" DESC", '<') };
    let (mut condition, mut values) = (String::new(), vec![stage.as_str().into()]);
    if let Some((asked, id)) = after {
        condition = format!(" AND (r.asked_at {beyond} ? OR r.asked_at = ? AND r.id > ?)");
        values.extend([at(asked), at(asked), id.uuid().into()]);
    }
    let sql = format!("SELECT {REQUEST} WHERE r.stage = ?{condition} ORDER BY r.asked_at{order}, r.id LIMIT {limit}");
    all(&db.read, &sql, values).await?.iter().map(request).collect()
}

/// Approves, to a level, or refuses (`reason`); `false` when somebody else was faster.
pub async fn decide_request(
    connection: &impl Connection,
    (id, agent): (ProofingId, PersonId),
    decision: Result<(&Findings, &str), &str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE proofing_requests SET stage = ?, decided_at = ?, decided_by = ?, method = ?, document = ?,
                 issuer = ?, document_valid_until = ?, level = ?, reason = ? WHERE id = ? AND stage = 'asked' AND person_id <> ?";
    let stage = if decision.is_ok() { ProofingStage::Approved } else { ProofingStage::Refused };
    let (found, level) = decision.ok().unzip();
    let values = vec![
        stage.as_str().into(),
        at(now),
        agent.uuid().into(),
        found.map(|it| it.method.as_str().to_owned()).into(),
        found.map(|it| it.document.as_str().to_owned()).into(),
        found.map(|it| it.issuer.trim().to_owned()).into(),
        found.and_then(|it| it.valid_until).map(|last| last.to_string()).into(),
        level.map(str::to_owned).into(),
        decision.err().map(|reason| reason.trim().to_owned()).into(),
        id.uuid().into(),
        agent.uuid().into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// The person is proofed from now on, until then.
pub async fn set_proofed(
    connection: &impl Connection,
    person: PersonId,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE persons SET proofed_at = ?, proofing_expires_at = ? WHERE id = ?";
    run(connection, sql, vec![at(now), at_if(until), person.uuid().into()]).await.map(drop)
}
