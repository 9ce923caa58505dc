//! What partners and organizations may spend for others, and what they have spent.

use stepgate_core::subscriptions::money::{Currency, Money};
use stepgate_core::subscriptions::order::Sponsor;

use crate::row::{one, run};
use crate::{Connection, Db, StoreError};

/// A sponsor's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// What may be spent.
    pub most: Money,
    /// What is spent.
    pub used: Money,
}

/// A sponsor's account in a currency; `None` where the operator has opened none.
pub async fn find_account(db: &Db, sponsor: Sponsor, currency: Currency) -> Result<Option<Account>, StoreError> {
    let sql = "SELECT id, most, used FROM sponsor_accounts WHERE kind = ? AND id = ? AND currency = ?";
    let (kind, id) = sponsor.parts();
    let row = one(&db.write, sql, vec![kind.into(), id.into(), currency.as_str().into()]).await?;
    row.map(|row| {
        Ok(Account { most: Money::new(row.get("most")?, currency), used: Money::new(row.get("used")?, currency) })
    })
    .transpose()
}

/// Opens an account, or sets what may be spent on it.
pub async fn set_most(connection: &impl Connection, sponsor: Sponsor, most: Money) -> Result<(), StoreError> {
    let sql = "INSERT INTO sponsor_accounts (kind, id, currency, most, used) VALUES (?, ?, ?, ?, 0)
               ON CONFLICT (kind, id, currency) DO UPDATE SET most = excluded.most";
    let (kind, id) = sponsor.parts();
    let values = vec![kind.into(), id.into(), most.currency.as_str().into(), most.minor.into()];
    run(connection, sql, values).await.map(drop)
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
