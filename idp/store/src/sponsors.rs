//! What partners and organizations may spend for others, and what they have spent.

use stepgate_core::id::{OrganizationId, PartnerId};
use stepgate_core::subscriptions::money::{Currency, Money};
use stepgate_core::subscriptions::order::Sponsor;

use crate::row::{Row, all, one, run};
use crate::{Connection, Db, StoreError, people};

/// A sponsor's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// What may be spent.
    pub most: Money,
    /// What is spent.
    pub used: Money,
    /// Whether an organization's people may let it renew their credentials by itself.
    pub renews: bool,
}

fn account(row: &Row, currency: Currency) -> Result<Account, StoreError> {
    Ok(Account {
        most: Money::new(row.get("most")?, currency),
        used: Money::new(row.get("used")?, currency),
        renews: row.get("renews")?,
    })
}

/// A sponsor's account in a currency; `None` where the operator has opened none.
pub async fn find_account(db: &Db, sponsor: Sponsor, currency: Currency) -> Result<Option<Account>, StoreError> {
    find_account_in(&db.write, sponsor, currency).await
}

/// The same, in a transaction.
pub async fn find_account_in(
    connection: &impl Connection,
    sponsor: Sponsor,
    currency: Currency,
) -> Result<Option<Account>, StoreError> {
    let sql = "SELECT id, most, used, renews FROM sponsor_accounts WHERE kind = ? AND id = ? AND currency = ?";
    let (kind, id) = sponsor.parts();
    let row = one(connection, sql, vec![kind.into(), id.into(), currency.as_str().into()]).await?;
    row.as_ref().map(|row| account(row, currency)).transpose()
}

/// An account in a list, with whose it is.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Whose.
    pub sponsor: Sponsor,
    /// Its name; empty for one that is gone.
    pub name: String,
    /// The account.
    pub account: Account,
}

/// Accounts by name, from after this name and id on: of these sponsors, or all.
pub async fn list_accounts(
    db: &Db,
    of: Option<&[Sponsor]>,
    after: Option<(&str, uuid::Uuid)>,
    limit: u32,
) -> Result<Vec<Listed>, StoreError> {
    let (mut conditions, mut values) = (vec!["1 = 1".to_owned()], Vec::new());
    if let Some(of) = of {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        conditions.push(format!("id IN ({})", vec!["?"; of.len()].join(", ")));
        values.extend(of.iter().map(|sponsor| sea_orm::Value::from(sponsor.parts().1)));
    }
    if let Some((name, id)) = after {
        conditions.push("(name > ? OR name = ? AND id > ?)".to_owned());
        values.extend([name.into(), name.into(), id.into()]);
    }
    let sql = format!(
        "SELECT kind, id, currency, most, used, renews, name FROM (
           SELECT a.kind, a.id, a.currency, a.most, a.used, a.renews, COALESCE(o.name, p.name, '') AS name
           FROM sponsor_accounts a LEFT JOIN organizations o ON a.kind = 'organization' AND o.id = a.id
             LEFT JOIN partners p ON a.kind = 'partner' AND p.id = a.id) accounts
         WHERE {} ORDER BY name, id, currency LIMIT {limit}",
        conditions.join(" AND ")
    );
    let listed = |row: &Row| {
        let id: uuid::Uuid = row.get("id")?;
        let currency: Currency = row.parsed("sponsor_accounts", "currency", |text| text.parse().ok())?;
        let sponsor = row.parsed("sponsor_accounts", "kind", |kind| Sponsor::from_parts(kind, id))?;
        Ok(Listed { sponsor, name: row.get("name")?, account: account(row, currency)? })
    };
    all(&db.read, &sql, values).await?.iter().map(listed).collect()
}

/// Opens an account, or sets what may be spent on it.
pub async fn set_most(connection: &impl Connection, sponsor: Sponsor, most: Money) -> Result<(), StoreError> {
    let sql = "INSERT INTO sponsor_accounts (kind, id, currency, most, used) VALUES (?, ?, ?, ?, 0)
               ON CONFLICT (kind, id, currency) DO UPDATE SET most = excluded.most";
    let (kind, id) = sponsor.parts();
    let values = vec![kind.into(), id.into(), most.currency.as_str().into(), most.minor.into()];
    run(connection, sql, values).await.map(drop)
}

/// Sets what may be spent on an account whose limit is `before`; `None` opens one. `false` when it was changed since, or
/// more than that is spent.
pub async fn change_most(
    connection: &impl Connection,
    sponsor: Sponsor,
    (before, most): (Option<Money>, Money),
) -> Result<bool, StoreError> {
    let (kind, id) = sponsor.parts();
    let (currency, minor) = (most.currency.as_str(), most.minor);
    let Some(before) = before else {
        let sql = "INSERT INTO sponsor_accounts (kind, id, currency, most, used) VALUES (?, ?, ?, ?, 0)
                   ON CONFLICT (kind, id, currency) DO NOTHING";
        return Ok(run(connection, sql, vec![kind.into(), id.into(), currency.into(), minor.into()]).await? == 1);
    };
    let sql = "UPDATE sponsor_accounts SET most = ?
               WHERE kind = ? AND id = ? AND currency = ? AND most = ? AND used <= ?";
    let values = vec![minor.into(), kind.into(), id.into(), currency.into(), before.minor.into(), minor.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Whether an organization's people may let its account renew their credentials by itself; `false` when it has none, or
/// that was so before.
pub async fn set_renews(connection: &impl Connection, id: OrganizationId, on: bool) -> Result<bool, StoreError> {
    let sql = "UPDATE sponsor_accounts SET renews = ? WHERE kind = 'organization' AND id = ? AND renews <> ?";
    Ok(run(connection, sql, vec![on.into(), id.uuid().into(), on.into()]).await? > 0)
}

/// These sponsors with their names; one that is gone is not among them.
pub async fn list_names(db: &Db, of: &[Sponsor]) -> Result<Vec<(Sponsor, String)>, StoreError> {
    let (mut organizations, mut partners) = (Vec::new(), Vec::new());
    for sponsor in of {
        match sponsor {
            Sponsor::Organization(id) if !organizations.contains(id) => organizations.push(*id),
            Sponsor::Partner(id) if !partners.contains(id) => partners.push(*id),
            Sponsor::Organization(_) | Sponsor::Partner(_) => {}
        }
    }
    let organizations = people::list_organizations_in(db, &organizations).await?.into_iter();
    let partners = people::list_partners_in(db, &partners).await?.into_iter();
    let organizations = organizations.map(|known| (Sponsor::Organization(known.id), known.name));
    Ok(organizations.chain(partners.map(|known| (Sponsor::Partner(known.id), known.name))).collect())
}

/// Whoever has this name: organizations first.
pub async fn list_named(db: &Db, name: &str) -> Result<Vec<Sponsor>, StoreError> {
    let id = |row: &Row| row.get::<uuid::Uuid>("id");
    let organizations = all(&db.read, "SELECT id FROM organizations WHERE name = ? LIMIT 3", vec![name.into()]).await?;
    let partners = all(&db.read, "SELECT id FROM partners WHERE name = ? LIMIT 3", vec![name.into()]).await?;
    let organizations = organizations.iter().map(|row| Ok(Sponsor::Organization(OrganizationId::from_uuid(id(row)?))));
    let partners = partners.iter().map(|row| Ok(Sponsor::Partner(PartnerId::from_uuid(id(row)?))));
    organizations.chain(partners).collect()
}

/// Spends from an account, if so much is left: one statement, right over all nodes.
pub async fn charge(connection: &impl Connection, sponsor: Sponsor, amount: Money) -> Result<bool, StoreError> {
    let sql = "UPDATE sponsor_accounts SET used = used + ?
               WHERE kind = ? AND id = ? AND currency = ? AND used + ? <= most";
    let (kind, id) = sponsor.parts();
    let minor = amount.minor;
    let values = vec![minor.into(), kind.into(), id.into(), amount.currency.as_str().into(), minor.into()];
    Ok(run(connection, sql, values).await? == 1)
}

/// Gives back what was spent; `false` when so much is not spent on the account, or there is none: a matter for people.
pub async fn release(connection: &impl Connection, sponsor: Sponsor, amount: Money) -> Result<bool, StoreError> {
    let sql = "UPDATE sponsor_accounts SET used = used - ? WHERE kind = ? AND id = ? AND currency = ? AND used >= ?";
    let (kind, id) = sponsor.parts();
    let minor = amount.minor;
    let values = vec![minor.into(), kind.into(), id.into(), amount.currency.as_str().into(), minor.into()];
    Ok(run(connection, sql, values).await? == 1)
}
