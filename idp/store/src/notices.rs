//! The links in notices by which people say *this was not me*: each is good for one use.

use std::net::IpAddr;

use stepgate_core::id::{CredentialId, PersonId};
use stepgate_core::secret::TokenHash;
use stepgate_core::time::Timestamp;

use crate::row::{Row, at, one, run};
use crate::{Connection, Db, StoreError};

/// What a link is about.
#[derive(Clone, Debug)]
pub struct NoticeLink {
    /// Whose account.
    pub person: PersonId,
    /// The credential concerned, if one is.
    pub credential: Option<CredentialId>,
    /// What happened, in a few words.
    pub subject: String,
    /// What happened, in sentences.
    pub text: String,
    /// Where it was done from.
    pub ip: Option<IpAddr>,
    /// When it happened.
    pub created_at: Timestamp,
    /// Until when the link works.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

const LINK: &str = "person_id, credential_id, subject, text, ip, created_at, expires_at, used_at";

fn link(row: &Row) -> Result<NoticeLink, StoreError> {
    Ok(NoticeLink {
        person: PersonId::from_uuid(row.get("person_id")?),
        credential: row.get::<Option<uuid::Uuid>>("credential_id")?.map(CredentialId::from_uuid),
        subject: row.get("subject")?,
        text: row.get("text")?,
        ip: row.get::<Option<String>>("ip")?.and_then(|ip| ip.parse().ok()),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        used_at: row.time_if("used_at")?,
    })
}

/// A new link, in the transaction of the act that it tells of.
pub async fn insert_link(connection: &impl Connection, token: &TokenHash, new: &NoticeLink) -> Result<(), StoreError> {
    let sql = "INSERT INTO notice_links
                 (token_hash, person_id, credential_id, subject, text, ip, created_at, expires_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        token.as_bytes().to_vec().into(),
        new.person.uuid().into(),
        new.credential.map(CredentialId::uuid).into(),
        new.subject.as_str().into(),
        new.text.as_str().into(),
        new.ip.map(|ip| ip.to_string()).into(),
        at(new.created_at),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// What a link is about, used or not, while it has not expired.
pub async fn find_link(db: &Db, token: &TokenHash, now: Timestamp) -> Result<Option<NoticeLink>, StoreError> {
    let sql = format!("SELECT {LINK} FROM notice_links WHERE token_hash = ? AND expires_at > ?");
    one(&db.read, &sql, vec![token.as_bytes().to_vec().into(), at(now)]).await?.as_ref().map(link).transpose()
}

/// Uses a link up; `None` when it was used, has expired or never was.
pub async fn take_link(
    connection: &impl Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<NoticeLink>, StoreError> {
    let sql = format!(
        "UPDATE notice_links SET used_at = ? WHERE token_hash = ? AND used_at IS NULL AND expires_at > ?
         RETURNING {LINK}"
    );
    let values = vec![at(now), token.as_bytes().to_vec().into(), at(now)];
    one(connection, &sql, values).await?.as_ref().map(link).transpose()
}
