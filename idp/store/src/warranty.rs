//! What somebody asks for under warranty: once for each token, answered once.

use stepgate_core::id::{LicenseKeyId, OrderId, PersonId};
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::row::{Row, all, at, run};
use crate::{Connection, Db, StoreError};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody has answered.
    None,
    /// Another token is sent.
    Replaced,
    /// It is not replaced.
    Refused,
}

impl Answer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "asked",
            Self::Replaced => "replaced",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Replaced, Self::Refused].into_iter().find(|answer| answer.as_str() == text)
    }
}

/// A wish for another token.
#[derive(Clone, Debug)]
pub struct Request {
    /// The key that the token was sold with.
    pub key: LicenseKeyId,
    /// Which token of that key: the first is 1.
    pub number: i64,
    /// Who asks.
    pub asked_by: PersonId,
    /// When.
    pub asked_at: Timestamp,
    /// What is broken.
    pub reason: String,
    /// What became of it.
    pub answer: Answer,
    /// Why it was refused.
    pub why: Option<String>,
}

/// Asks; `false` when it was asked for this token before.
pub async fn insert_request(connection: &impl Connection, order: OrderId, new: &Request) -> Result<bool, StoreError> {
    let sql = "INSERT INTO warranty_requests (license_key_id, number, order_id, asked_by, asked_at, reason, stage)
               VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (license_key_id, number) DO NOTHING";
    let values = vec![
        new.key.uuid().into(),
        new.number.into(),
        order.uuid().into(),
        new.asked_by.uuid().into(),
        at(new.asked_at),
        new.reason.as_str().into(),
        new.answer.as_str().into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// Answers; `false` when somebody has, or nobody asked.
pub async fn answer_request(
    connection: &impl Connection,
    (key, number): (LicenseKeyId, i64),
    (answer, why): (Answer, Option<&str>),
    (by, now): (PersonId, Timestamp),
) -> Result<bool, StoreError> {
    let sql = "UPDATE warranty_requests SET stage = ?, answer = ?, decided_by = ?, decided_at = ?
               WHERE license_key_id = ? AND number = ? AND stage = 'asked'";
    let values = vec![
        answer.as_str().into(),
        why.map(str::to_owned).into(),
        by.uuid().into(),
        at(now),
        key.uuid().into(),
        number.into(),
    ];
    Ok(run(connection, sql, values).await? == 1)
}

/// What was asked about the tokens of an order, oldest first.
pub async fn list_requests(db: &Db, order: OrderId) -> Result<Vec<Request>, StoreError> {
    let sql = "SELECT license_key_id, number, asked_by, asked_at, reason, stage, answer FROM warranty_requests
               WHERE order_id = ? ORDER BY asked_at, license_key_id";
    let request = |row: &Row| {
        Ok(Request {
            key: LicenseKeyId::from_uuid(row.get::<Uuid>("license_key_id")?),
            number: row.get("number")?,
            asked_by: PersonId::from_uuid(row.get("asked_by")?),
            asked_at: row.time("asked_at")?,
            reason: row.get("reason")?,
            answer: row.parsed("warranty_requests", "stage", Answer::parse)?,
            why: row.get("answer")?,
        })
    };
    all(&db.write, sql, vec![order.uuid().into()]).await?.iter().map(request).collect()
}

/// The tokens of an order that were replaced: the key, how often, and whether the last one was sent.
pub async fn list_replaced(db: &Db, order: OrderId) -> Result<Vec<(LicenseKeyId, i64, bool)>, StoreError> {
    let sql = "SELECT r.license_key_id, r.number, o.shipping_stage FROM replaced_tokens r
               JOIN orders o ON o.id = r.replacement_id WHERE r.order_id = ? AND r.number =
                 (SELECT MAX(l.number) FROM replaced_tokens l WHERE l.license_key_id = r.license_key_id)";
    let replaced = |row: &Row| {
        let sent = row.get::<String>("shipping_stage")? == "sent";
        Ok((LicenseKeyId::from_uuid(row.get("license_key_id")?), row.get("number")?, sent))
    };
    all(&db.write, sql, vec![order.uuid().into()]).await?.iter().map(replaced).collect()
}
