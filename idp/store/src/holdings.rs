//! What belongs to a person's credentials, all of it at once: pages that show fifty of them ask as often as for one.

use stepgate_core::credentials::Phone;
use stepgate_core::credentials::suspension::Cause;
use stepgate_core::id::{CredentialId, PersonId};

use crate::credentials::{Suspended, phone};
use crate::row::{Row, all};
use crate::{Db, StoreError};

/// The numbers of a person, the preferred one of each credential first.
pub async fn list_numbers(db: &Db, person: PersonId) -> Result<Vec<Phone>, StoreError> {
    let sql = "SELECT p.id, p.credential_id, p.masked, p.text_messages, p.voice_calls, p.preferred, p.verified_at
               FROM phones p JOIN credentials c ON c.id = p.credential_id
               WHERE c.person_id = ? ORDER BY p.preferred DESC, p.id";
    all(&db.read, sql, vec![person.uuid().into()]).await?.iter().map(phone).collect()
}

/// The names of a person's confirmed phones, with their credentials.
pub async fn list_confirmed_phones(db: &Db, person: PersonId) -> Result<Vec<(CredentialId, String)>, StoreError> {
    let sql = "SELECT d.id, d.credential_id, d.label FROM mobile_devices d JOIN credentials c ON c.id = d.credential_id
               WHERE c.person_id = ? AND d.active AND d.revoked_at IS NULL ORDER BY d.created_at, d.id";
    let named = |row: &Row| Ok((CredentialId::from_uuid(row.get("credential_id")?), row.get("label")?));
    all(&db.read, sql, vec![person.uuid().into()]).await?.iter().map(named).collect()
}

/// The person's security keys that live on several devices.
pub async fn list_synced_keys(db: &Db, person: PersonId) -> Result<Vec<CredentialId>, StoreError> {
    let sql = "SELECT k.credential_id FROM security_keys k JOIN credentials c ON c.id = k.credential_id
               WHERE c.person_id = ? AND k.synced";
    let id = |row: &Row| Ok(CredentialId::from_uuid(row.get("credential_id")?));
    all(&db.read, sql, vec![person.uuid().into()]).await?.iter().map(id).collect()
}

/// Why the person's suspended credentials are.
pub async fn list_suspensions(db: &Db, person: PersonId) -> Result<Vec<(CredentialId, Suspended)>, StoreError> {
    let sql = "SELECT id, suspended_for, suspended_at FROM credentials WHERE person_id = ? AND stage = 'suspended'";
    let suspended = |row: &Row| {
        let cause: Option<String> = row.get("suspended_for")?;
        let cause = cause.as_deref().and_then(|text| text.parse().ok()).unwrap_or(Cause::Administrator);
        Ok((CredentialId::from_uuid(row.get("id")?), Suspended { cause, at: row.time_if("suspended_at")? }))
    };
    all(&db.read, sql, vec![person.uuid().into()]).await?.iter().map(suspended).collect()
}
