//! Who waits for a token: orders that are paid and not sent, replacements among them; and people whose token is no more,
//! or never came, while their subscription goes on.

use stepgate_core::id::{CredentialId, OrderId};
use stepgate_core::time::Timestamp;
use uuid::Uuid;

use crate::row::{Row, all, at};
use crate::{Db, StoreError};

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// An order.
    Order(OrderId),
    /// Somebody's credential; no order is on its way for it.
    Credential(CredentialId),
}

/// Something that waits for tokens.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// What.
    pub what: Waits,
    /// Since when.
    pub since: Timestamp,
}

impl Waiting {
    /// Its place in the list.
    pub const fn place(&self) -> (Timestamp, Uuid) {
        let id = match self.what {
            Waits::Order(id) => id.uuid(),
            Waits::Credential(id) => id.uuid(),
        };
        (self.since, id)
    }
}

/// Who waits, who has waited longest first. People without an order are told of where there is an inventory: elsewhere no
/// serial number is known of anybody.
pub async fn list_waiting(
    db: &Db,
    after: Option<(Timestamp, Uuid)>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Waiting>, StoreError> {
    let to_send = "o.stage = 'paid' AND o.shipping_stage = 'waiting'";
    let mut values = vec![at(now)];
    let beyond = match after {
        Some((since, id)) => {
            values.extend([at(since), at(since), id.into()]);
            "WHERE since > ? OR since = ? AND id > ?"
        }
        None => "",
    };
    let sql = format!(
        "SELECT what, id, since FROM (
           SELECT 'order' AS what, o.id AS id, COALESCE(o.paid_at, o.placed_at) AS since FROM orders o WHERE {to_send}
           UNION ALL
           SELECT 'credential' AS what, c.id AS id, COALESCE((SELECT MAX(l.at) FROM token_custody l
               WHERE l.person_id = c.person_id AND l.to_stage IN ('lost', 'revoked')), c.created_at) AS since
           FROM credentials c WHERE c.kind = 'hardware_token' AND c.stage = 'pending' AND c.serial IS NULL
             AND (c.expires_at IS NULL OR c.expires_at > ?) AND EXISTS (SELECT 1 FROM hardware_tokens)
             AND NOT EXISTS (SELECT 1 FROM license_keys k JOIN orders o ON o.id = k.order_id
                             WHERE k.id = c.license_key_id AND {to_send})
             AND NOT EXISTS (SELECT 1 FROM replaced_tokens r JOIN orders o ON o.id = r.replacement_id
                             WHERE r.license_key_id = c.license_key_id AND {to_send})
         ) w {beyond} ORDER BY since, id LIMIT {limit}"
    );
    let waiting = |row: &Row| {
        let id: Uuid = row.get("id")?;
        let what = match row.get::<String>("what")?.as_str() {
            "order" => Waits::Order(OrderId::from_uuid(id)),
            _ => Waits::Credential(CredentialId::from_uuid(id)),
        };
        Ok(Waiting { what, since: row.time("since")? })
    };
    all(&db.read, &sql, values).await?.iter().map(waiting).collect()
}
