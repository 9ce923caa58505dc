//! What goes into the parcel of an order: for each token that was sold the key that it belongs to, and whose that is.

use stepgate_core::assurance::CredentialState;
use stepgate_core::credentials::hardware_token::inventory::HardwareToken;
use stepgate_core::id::{CredentialId, LicenseKeyId, OrderId, PersonId};
use stepgate_core::subscriptions::product::Gives;
use uuid::Uuid;

use super::{FROM, TOKEN, token};
use crate::row::{Row, all, json, one, run};
use crate::{Connection, Db, StoreError};

/// A token that is owed.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The key that paid for it.
    pub key: LicenseKeyId,
    /// Who activated the key, or whose it is.
    pub person: Option<PersonId>,
    /// Whether nobody has activated the key.
    pub open: bool,
    /// Their credential, when it waits for a token.
    pub waiting: Option<CredentialId>,
    /// The serial number of the token that they have, or that went with the key.
    pub serial: Option<String>,
}

/// The tokens that an order owes. One that replaces a broken token owes it for the key that it was sold with.
pub async fn list_owed(db: &Db, order: OrderId) -> Result<Vec<Owed>, StoreError> {
    let sql = "SELECT k.id AS key_id, k.gives, k.redeemed_by, k.holder_id, k.stage AS key_stage, c.id AS credential_id,
                 c.stage, c.serial, t.serial AS sent
               FROM license_keys k
               LEFT JOIN credentials c ON c.license_key_id = k.id AND c.kind = 'hardware_token' AND c.stage <> 'revoked'
               LEFT JOIN hardware_tokens t ON t.license_key_id = k.id
               WHERE k.stage <> 'void' AND k.renews IS NULL
                 AND (k.order_id = ? OR k.id IN (SELECT license_key_id FROM replaced_tokens WHERE replacement_id = ?))
               ORDER BY k.line, k.number";
    let mut found = Vec::new();
    for row in all(&db.write, sql, vec![order.uuid().into(), order.uuid().into()]).await? {
        if row.json::<Gives>("license_keys", "gives")?.ships {
            found.push(owed(&row)?);
        }
    }
    Ok(found)
}

fn owed(row: &Row) -> Result<Owed, StoreError> {
    let id = |column: &str| row.get::<Option<Uuid>>(column);
    let waits = row.get::<Option<String>>("stage")?.as_deref() == Some(CredentialState::Pending.as_str());
    let serial: Option<String> = row.get("serial")?;
    let credential = id("credential_id")?.map(CredentialId::from_uuid);
    Ok(Owed {
        key: LicenseKeyId::from_uuid(row.get("key_id")?),
        person: id("redeemed_by")?.or(id("holder_id")?).map(PersonId::from_uuid),
        open: row.get::<String>("key_stage")? == "unredeemed",
        waiting: credential.filter(|_| waits && serial.is_none()),
        serial: serial.or(row.get("sent")?),
    })
}

/// The token that went with a key which nobody had activated. None whose number somebody has past the inventory.
pub async fn find_token_of_key(
    connection: &impl Connection,
    key: LicenseKeyId,
) -> Result<Option<HardwareToken>, StoreError> {
    let sql = format!(
        "SELECT {TOKEN} {FROM} WHERE t.license_key_id = ?
           AND NOT EXISTS (SELECT 1 FROM credentials o WHERE o.kind = 'hardware_token' AND o.serial = t.serial)"
    );
    one(connection, &sql, vec![key.uuid().into()]).await?.as_ref().map(token).transpose()
}

/// Takes a turn at a key that nobody has activated; `false` when somebody has. Whoever activates it comes before or after,
/// never in between.
pub async fn hold_key(connection: &impl Connection, key: LicenseKeyId) -> Result<bool, StoreError> {
    let sql = "UPDATE license_keys SET stage = stage WHERE id = ? AND stage = 'unredeemed'";
    Ok(run(connection, sql, vec![key.uuid().into()]).await? == 1)
}

/// A credential that waits for a token gets this one; `false` when it does not wait any more.
pub async fn give_token(
    connection: &impl Connection,
    credential: CredentialId,
    (serial, parameters): (&str, &serde_json::Value),
) -> Result<bool, StoreError> {
    let sql = "UPDATE credentials SET serial = ?, parameters = ?
               WHERE id = ? AND kind = 'hardware_token' AND stage = 'pending' AND serial IS NULL";
    Ok(run(connection, sql, vec![serial.into(), json(parameters)?, credential.uuid().into()]).await? == 1)
}

/// Whether there is an inventory at all. Where there is none, tokens are looked after elsewhere.
pub async fn is_kept(db: &Db) -> Result<bool, StoreError> {
    let sql = format!("SELECT t.id {FROM} LIMIT 1");
    Ok(one(&db.read, &sql, vec![]).await?.is_some())
}

/// The credential that a key was activated as, while it waits for a token.
pub async fn find_waiting(connection: &impl Connection, key: LicenseKeyId) -> Result<Option<CredentialId>, StoreError> {
    let sql = "SELECT id FROM credentials WHERE license_key_id = ? AND kind = 'hardware_token' AND stage = 'pending'
                 AND serial IS NULL";
    one(connection, sql, vec![key.uuid().into()])
        .await?
        .map(|row| Ok(CredentialId::from_uuid(row.get("id")?)))
        .transpose()
}
