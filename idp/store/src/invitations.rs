//! Invitations with a sponsored credential. The link of each is kept as a hash and good for one use.

use stepgate_core::id::{InvitationId, LicenseKeyId, OrderId, OrganizationId, PersonId};
use stepgate_core::secret::TokenHash;
use stepgate_core::subscriptions::invitation::{Invitation, InvitationState};
use stepgate_core::subscriptions::money::{Currency, Money};
use stepgate_core::subscriptions::order::Sponsor;
use stepgate_core::subscriptions::product::ProductId;
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, one, run};
use crate::{Connection, Db, StoreError};

const INVITATION: &str =
    "i.id, i.sponsor_kind, i.sponsor_id, i.organization_id, i.order_id, i.license_key_id, i.product,
    i.email, i.name, i.username, i.currency, i.charged, i.invited_by, i.person_id, i.created_at, i.sent_at,
    i.expires_at, i.opened_at, i.joined_at, i.withdrawn_at, k.redeemed_at";
const FROM: &str = "FROM invitations i LEFT JOIN license_keys k ON k.id = i.license_key_id";

fn invitation(row: &Row) -> Result<Invitation, StoreError> {
    let currency: Currency = row.parsed("invitations", "currency", |text| text.parse().ok())?;
    let sponsor_id: uuid::Uuid = row.get("sponsor_id")?;
    Ok(Invitation {
        id: InvitationId::from_uuid(row.get("id")?),
        sponsor: row.parsed("invitations", "sponsor_kind", |kind| Sponsor::from_parts(kind, sponsor_id))?,
        organization: row.get::<Option<uuid::Uuid>>("organization_id")?.map(OrganizationId::from_uuid),
        order: OrderId::from_uuid(row.get("order_id")?),
        key: LicenseKeyId::from_uuid(row.get("license_key_id")?),
        product: row.parsed("invitations", "product", |text| ProductId::try_from(text.to_owned()).ok())?,
        email: row.get("email")?,
        name: row.get("name")?,
        username: row.get("username")?,
        charged: Money::new(row.get("charged")?, currency),
        invited_by: PersonId::from_uuid(row.get("invited_by")?),
        person: row.get::<Option<uuid::Uuid>>("person_id")?.map(PersonId::from_uuid),
        created_at: row.time("created_at")?,
        sent_at: row.time("sent_at")?,
        expires_at: row.time("expires_at")?,
        opened_at: row.time_if("opened_at")?,
        joined_at: row.time_if("joined_at")?,
        activated_at: row.time_if("redeemed_at")?,
        withdrawn_at: row.time_if("withdrawn_at")?,
    })
}

/// A new invitation. [`StoreError::Conflict`] when one to this address, for this product, by this sponsor is open.
pub async fn insert_invitation(
    connection: &impl Connection,
    new: &Invitation,
    token: &TokenHash,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO invitations (id, token_hash, sponsor_kind, sponsor_id, organization_id, order_id,
                 license_key_id, product, email, name, username, currency, charged, invited_by, created_at, sent_at,
                 expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (kind, sponsor) = new.sponsor.parts();
    let values = vec![
        new.id.uuid().into(),
        token.as_bytes().to_vec().into(),
        kind.into(),
        sponsor.into(),
        new.organization.map(OrganizationId::uuid).into(),
        new.order.uuid().into(),
        new.key.uuid().into(),
        new.product.as_str().into(),
        new.email.as_str().into(),
        new.name.as_str().into(),
        new.username.clone().into(),
        new.charged.currency.as_str().into(),
        new.charged.minor.into(),
        new.invited_by.uuid().into(),
        at(new.created_at),
        at(new.sent_at),
        at(new.expires_at),
    ];
    run(connection, sql, values).await.map(drop)
}

/// An invitation by id.
pub async fn find_invitation(db: &Db, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
    let sql = format!("SELECT {INVITATION} {FROM} WHERE i.id = ?");
    one(&db.write, &sql, vec![id.uuid().into()]).await?.as_ref().map(invitation).transpose()
}

/// Whether an order pays for invitations.
pub async fn pays_for_invitations(db: &Db, order: OrderId) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM license_keys WHERE order_id = ?
               AND id IN (SELECT license_key_id FROM invitations WHERE order_id = ?) LIMIT 1";
    Ok(one(&db.read, sql, vec![order.uuid().into(), order.uuid().into()]).await?.is_some())
}

/// The invitation that a link leads to, if the link is still good.
pub async fn find_by_token(db: &Db, token: &TokenHash, now: Timestamp) -> Result<Option<Invitation>, StoreError> {
    let sql = format!(
        "SELECT {INVITATION} {FROM}
         WHERE i.token_hash = ? AND i.joined_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > ?"
    );
    let values = vec![token.as_bytes().to_vec().into(), at(now)];
    one(&db.write, &sql, values).await?.as_ref().map(invitation).transpose()
}

/// The invitation that this browser went to the login for, the latest first.
pub async fn find_by_browser(db: &Db, browser: &TokenHash, now: Timestamp) -> Result<Option<Invitation>, StoreError> {
    let sql = format!(
        "SELECT {INVITATION} {FROM}
         WHERE i.browser_hash = ? AND i.joined_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > ?
         ORDER BY i.sent_at DESC LIMIT 1"
    );
    let values = vec![browser.as_bytes().to_vec().into(), at(now)];
    one(&db.write, &sql, values).await?.as_ref().map(invitation).transpose()
}

/// Notes that a link was opened; whoever scans mail may do so too.
pub async fn mark_opened(connection: &impl Connection, id: InvitationId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE invitations SET opened_at = ? WHERE id = ? AND opened_at IS NULL";
    run(connection, sql, vec![at(now), id.uuid().into()]).await.map(drop)
}

/// Keeps for which browser a link was opened, while its person is at the login.
pub async fn bind_browser(
    connection: &impl Connection,
    id: InvitationId,
    browser: &TokenHash,
) -> Result<(), StoreError> {
    let sql = "UPDATE invitations SET browser_hash = ? WHERE id = ?";
    run(connection, sql, vec![browser.as_bytes().to_vec().into(), id.uuid().into()]).await.map(drop)
}

/// Takes an invitation up, once: of two who try it at the same moment on two nodes, one has it. `sent_at` is the mail
/// that was read; one that was sent again since is another one.
pub async fn take_invitation(
    connection: &impl Connection,
    read: &Invitation,
    person: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE invitations SET person_id = ?, joined_at = ?, opened_at = COALESCE(opened_at, ?), browser_hash = NULL
               WHERE id = ? AND sent_at = ? AND joined_at IS NULL AND withdrawn_at IS NULL AND expires_at > ?";
    let values = vec![person.uuid().into(), at(now), at(now), read.id.uuid().into(), at(read.sent_at), at(now)];
    Ok(run(connection, sql, values).await? == 1)
}

/// Gives an invitation another link; the one before is worthless. `false` when it was taken up or withdrawn.
pub async fn rotate_link(
    connection: &impl Connection,
    id: InvitationId,
    token: &TokenHash,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE invitations SET token_hash = ?, browser_hash = NULL, opened_at = NULL, sent_at = ?, expires_at = ?
               WHERE id = ? AND joined_at IS NULL AND withdrawn_at IS NULL";
    let values = vec![token.as_bytes().to_vec().into(), at(now), at(expires_at), id.uuid().into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Withdraws an invitation, once.
pub async fn withdraw(connection: &impl Connection, id: InvitationId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE invitations SET withdrawn_at = ?, browser_hash = NULL WHERE id = ? AND withdrawn_at IS NULL";
    Ok(run(connection, sql, vec![at(now), id.uuid().into()]).await? == 1)
}

/// Makes the key of an invitation the person's; `false` when it was given back, redeemed, or is somebody else's.
pub async fn hand_key(connection: &impl Connection, key: LicenseKeyId, person: PersonId) -> Result<bool, StoreError> {
    let sql = "UPDATE license_keys SET holder_id = ?
               WHERE id = ? AND stage = 'unredeemed' AND (holder_id IS NULL OR holder_id = ?)";
    Ok(run(connection, sql, vec![person.uuid().into(), key.uuid().into(), person.uuid().into()]).await? == 1)
}

/// Makes the key of an invitation void; `false` when it was redeemed or void before.
pub async fn void_key(connection: &impl Connection, key: LicenseKeyId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE license_keys SET stage = 'void', voided_at = ? WHERE id = ? AND stage = 'unredeemed'";
    Ok(run(connection, sql, vec![at(now), key.uuid().into()]).await? == 1)
}

/// Which invitations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of these sponsors; `None` for all.
    pub sponsors: Option<Vec<Sponsor>>,
    /// Only addresses that begin so, or names in which it is.
    pub text: String,
    /// Only those that have got so far now.
    pub state: Option<(InvitationState, Timestamp)>,
    /// Only those before this one: when it was made, and its id.
    pub before: Option<(Timestamp, InvitationId)>,
}

/// What makes a state, as [`Invitation::state`] reads it off the times; whether it takes the time.
const fn is_in(state: InvitationState) -> (&'static str, bool) {
    match state {
        InvitationState::Withdrawn => ("i.withdrawn_at IS NOT NULL", false),
        InvitationState::Activated => ("i.withdrawn_at IS NULL AND k.redeemed_at IS NOT NULL", false),
        InvitationState::Joined => {
            ("i.withdrawn_at IS NULL AND k.redeemed_at IS NULL AND i.joined_at IS NOT NULL", false)
        }
        InvitationState::Expired => {
            ("i.withdrawn_at IS NULL AND k.redeemed_at IS NULL AND i.joined_at IS NULL AND i.expires_at <= ?", true)
        }
        InvitationState::Opened => {
            let waits = "i.withdrawn_at IS NULL AND k.redeemed_at IS NULL AND i.joined_at IS NULL
                         AND i.opened_at IS NOT NULL AND i.expires_at > ?";
            (waits, true)
        }
        InvitationState::Sent => {
            let waits = "i.withdrawn_at IS NULL AND k.redeemed_at IS NULL AND i.joined_at IS NULL
                         AND i.opened_at IS NULL AND i.expires_at > ?";
            (waits, true)
        }
    }
}

/// Invitations, newest first. Those of several sponsors are read one by one, each off its index, and merged.
pub async fn list_invitations(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<Invitation>, StoreError> {
    let Some(sponsors) = &filter.sponsors else { return list_of(db, filter, None, limit).await };
    let mut found = Vec::new();
    for sponsor in sponsors {
        found.extend(list_of(db, filter, Some(*sponsor), limit).await?);
    }
    found.sort_by_key(|it| (std::cmp::Reverse(it.created_at), it.id.uuid()));
    found.truncate(limit as usize);
    Ok(found)
}

async fn list_of(
    db: &Db,
    filter: &Filter,
    sponsor: Option<Sponsor>,
    limit: u32,
) -> Result<Vec<Invitation>, StoreError> {
    let (mut conditions, mut values) = (vec!["1 = 1".to_owned()], Vec::<sea_orm::Value>::new());
    if let Some(sponsor) = sponsor {
        conditions.push("i.sponsor_id = ?".to_owned());
        values.push(sponsor.parts().1.into());
    }
    let text = filter.text.trim().to_lowercase().replace(['%', '_'], "");
    if !text.is_empty() {
        conditions.push("(i.email LIKE ? OR LOWER(i.name) LIKE ?)".to_owned());
        values.extend([format!("{text}%").into(), format!("%{text}%").into()]);
    }
    if let Some((state, now)) = filter.state {
        let (condition, timed) = is_in(state);
        conditions.push(condition.to_owned());
        values.extend(timed.then(|| at(now)));
    }
    if let Some((made, id)) = filter.before {
        conditions.push("(i.created_at < ? OR i.created_at = ? AND i.id > ?)".to_owned());
        values.extend([at(made), at(made), id.uuid().into()]);
    }
    let sql = format!(
        "SELECT {INVITATION} {FROM} WHERE {} ORDER BY i.created_at DESC, i.id LIMIT {limit}",
        conditions.join(" AND ")
    );
    all(&db.read, &sql, values).await?.iter().map(invitation).collect()
}

/// Which of these addresses this sponsor has invited for this product, as far as that counts: the invitation waits, or what
/// it gave does (`true`) or is held and has not ended (`true`).
pub async fn list_invited_addresses(
    db: &Db,
    (sponsor, product): (Sponsor, &ProductId),
    addresses: &[String],
    now: Timestamp,
) -> Result<Vec<(String, bool)>, StoreError> {
    let mut found = Vec::new();
    for some in addresses.chunks(200) {
        let sql = format!(
            "SELECT i.email, i.joined_at FROM invitations i JOIN license_keys k ON k.id = i.license_key_id
             WHERE i.sponsor_id = ? AND i.product = ? AND i.email IN ({}) AND i.withdrawn_at IS NULL
             AND (i.joined_at IS NULL OR k.stage = 'unredeemed' OR EXISTS (
               SELECT 1 FROM credentials c WHERE c.license_key_id = k.id AND c.stage <> 'revoked'
               AND (c.expires_at IS NULL OR c.expires_at > ?)))",
            vec!["?"; some.len()].join(", ")
        );
        let mut values: Vec<sea_orm::Value> = vec![sponsor.parts().1.into(), product.as_str().into()];
        values.extend(some.iter().map(|email| sea_orm::Value::from(email.as_str())));
        values.push(at(now));
        for row in all(&db.write, &sql, values).await? {
            found.push((row.get("email")?, row.time_if("joined_at")?.is_some()));
        }
    }
    Ok(found)
}

/// The members of an organization among these addresses: address and person.
pub async fn list_members_at(
    db: &Db,
    organization: OrganizationId,
    addresses: &[String],
) -> Result<Vec<(String, PersonId)>, StoreError> {
    let mut found = Vec::new();
    for some in addresses.chunks(200) {
        let sql = format!(
            "SELECT p.email, p.id FROM persons p JOIN memberships m ON m.person_id = p.id
             WHERE m.organization_id = ? AND p.suspended_at IS NULL AND p.email IN ({})",
            vec!["?"; some.len()].join(", ")
        );
        let mut values: Vec<sea_orm::Value> = vec![organization.uuid().into()];
        values.extend(some.iter().map(|email| sea_orm::Value::from(email.as_str())));
        for row in all(&db.read, &sql, values).await? {
            found.push((row.get("email")?, PersonId::from_uuid(row.get("id")?)));
        }
    }
    Ok(found)
}
