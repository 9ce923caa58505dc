//! What was sold, activated, renewed, given back, and what ends: counted in the database, over an index of times.

use stepgate_core::id::{OrganizationId, PartnerId};
use stepgate_core::subscriptions::order::{LineFor, Order, Sponsor};
use stepgate_core::time::Timestamp;

use crate::row::{Row, all, at, run};
use crate::{Connection, Db, StoreError};

/// Notes the lines of an order that was paid. Noted before: nothing changes. A token that is sent in place of a broken one
/// is no sale.
pub async fn insert_sales(connection: &impl Connection, order: &Order, now: Timestamp) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO sales (order_id, line, product, renewal, quantity, currency, net, organization_id, sponsor_id,
                 sold_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id, line) DO NOTHING";
    for (place, line) in (0_i64..).zip(&order.lines).filter(|(_, line)| !line.gives.is_nothing()) {
        let net = line.unit.times(line.quantity).map_err(|error| StoreError::Other(error.to_string()))?;
        let values = vec![
            order.id.uuid().into(),
            place.into(),
            line.product.as_str().into(),
            matches!(line.whom, LineFor::Renewal(_)).into(),
            i64::from(line.quantity).into(),
            net.currency.as_str().into(),
            net.minor.into(),
            order.organization.map(OrganizationId::uuid).into(),
            order.sponsor.map(|sponsor| sponsor.parts().1).into(),
            at(now),
        ];
        run(connection, sql, values).await?;
    }
    Ok(())
}

/// Whose figures are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody's.
    All,
    /// What these bought or paid for, and what their people hold.
    Of {
        /// Organizations.
        organizations: Vec<OrganizationId>,
        /// Partners.
        partners: Vec<PartnerId>,
    },
}

/// A condition and the values in it.
type Condition = (String, Vec<sea_orm::Value>);

impl Reach {
    /// Orders, or their lines, under the name `table`. What is counted is found by its time: the indexes of organizations and
    /// sponsors are kept out of it, or a report of a month would walk through all that one of them ever bought.
    fn orders(&self, table: &str) -> Condition {
        let Self::Of { organizations, partners } = self else { return ("1 = 1".to_owned(), Vec::new()) };
        let own: Vec<uuid::Uuid> = organizations.iter().map(|id| id.uuid()).collect();
        let sponsors: Vec<uuid::Uuid> = own.iter().copied().chain(partners.iter().map(|id| id.uuid())).collect();
        let unindexed = |column: &str| format!("COALESCE({table}.{column}, {table}.{column})");
        let (one, first) = within(&unindexed("organization_id"), &own);
        let (other, second) = within(&unindexed("sponsor_id"), &sponsors);
        (format!("({one} OR {other})"), first.into_iter().chain(second).collect())
    }

    /// Credentials under the name `c`: of members, or activated with a key that one of these paid for.
    fn credentials(&self) -> Condition {
        let Self::Of { organizations, partners } = self else { return ("1 = 1".to_owned(), Vec::new()) };
        let own: Vec<uuid::Uuid> = organizations.iter().map(|id| id.uuid()).collect();
        let sponsors: Vec<uuid::Uuid> = own.iter().copied().chain(partners.iter().map(|id| id.uuid())).collect();
        let (member, first) = within("m.organization_id", &own);
        let (paid, second) = within("o.sponsor_id", &sponsors);
        let text = format!(
            "(EXISTS (SELECT 1 FROM memberships m WHERE m.person_id = c.person_id AND {member})
              OR EXISTS (SELECT 1 FROM license_keys k JOIN orders o ON o.id = k.order_id
                         WHERE k.id = c.license_key_id AND {paid}))"
        );
        (text, first.into_iter().chain(second).collect())
    }

    /// Whose the credentials `c` are: the column, the joins that lead to it, and their values. Who sees some organizations
    /// does not learn which others their people belong to.
    fn holders(&self, by: By) -> (&'static str, String, Vec<sea_orm::Value>) {
        let only = |column: &str, ids: Vec<uuid::Uuid>| match self {
            Self::All => ("1 = 1".to_owned(), Vec::new()),
            Self::Of { .. } => within(column, &ids),
        };
        let (organizations, partners) = match self {
            Self::All => (Vec::new(), Vec::new()),
            Self::Of { organizations, partners } => {
                (organizations.iter().map(|id| id.uuid()).collect(), partners.iter().map(|id| id.uuid()).collect())
            }
        };
        match by {
            By::Nothing => ("NULL", String::new(), Vec::new()),
            By::Organization => {
                let (own, values) = only("w.organization_id", organizations);
                let join = format!("LEFT JOIN memberships w ON w.person_id = c.person_id AND {own}");
                ("w.organization_id", join, values)
            }
            By::Partner => {
                let (own, values) = only("p.sponsor_id", partners);
                let join = format!(
                    "JOIN license_keys q ON q.id = c.license_key_id
                     JOIN orders p ON p.id = q.order_id AND p.sponsor_kind = 'partner' AND {own}"
                );
                ("p.sponsor_id", join, values)
            }
        }
    }
}

fn within(column: &str, ids: &[uuid::Uuid]) -> Condition {
    if ids.is_empty() {
        return ("1 = 0".to_owned(), Vec::new());
    }
    let marks = vec!["?"; ids.len()].join(", ");
    (format!("{column} IN ({marks})"), ids.iter().map(|id| sea_orm::Value::from(*id)).collect())
}

/// By what figures are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Not at all.
    Nothing,
    /// The purchaser's organization.
    Organization,
    /// The partner that paid.
    Partner,
}

impl By {
    /// Whose a row of `table` is, and which rows count: of sales, or of orders.
    fn of(self, table: &str) -> (String, String) {
        match self {
            Self::Nothing => ("NULL".to_owned(), "1 = 1".to_owned()),
            Self::Organization => (format!("{table}.organization_id"), "1 = 1".to_owned()),
            Self::Partner => {
                let partner = format!("EXISTS (SELECT 1 FROM partners WHERE partners.id = {table}.sponsor_id)");
                (format!("{table}.sponsor_id"), partner)
            }
        }
    }

    /// The name of whose the rows of `parts` are, the join that finds it, and what to group by besides.
    const fn named(self) -> (&'static str, &'static str, &'static str) {
        const NAME: (&str, &str) = ("COALESCE(n.name, '')", ", parts.whose, n.name");
        match self {
            Self::Nothing => ("''", "", ""),
            Self::Organization => (NAME.0, "LEFT JOIN organizations n ON n.id = parts.whose", NAME.1),
            Self::Partner => (NAME.0, "LEFT JOIN partners n ON n.id = parts.whose", NAME.1),
        }
    }
}

/// What one product came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductFigures {
    /// Whose: a name; empty where figures are not told apart, and for people without an organization.
    pub whose: String,
    /// The product.
    pub product: String,
    /// Keys that were paid for in the period and not given back, renewals apart.
    pub sold: i64,
    /// Renewals that were paid for.
    pub renewed: i64,
    /// Keys that were redeemed in the period.
    pub activated: i64,
}

/// Sold, renewed and activated, by product.
pub async fn count_products(
    db: &Db,
    (reach, by): (&Reach, By),
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<ProductFigures>, StoreError> {
    let (of_sales, first) = reach.orders("s");
    let (of_orders, second) = reach.orders("o");
    // A key of no order was handed in from elsewhere: only who sees everything sees it.
    let joined = if *reach == Reach::All && by != By::Partner { "LEFT JOIN" } else { "JOIN" };
    let ((of_sale, sales), (of_key, keys), (name, named, group)) = (by.of("s"), by.of("o"), by.named());
    let sql = format!(
        "SELECT product, {name} AS whose, CAST(SUM(sold) AS BIGINT) AS sold, CAST(SUM(renewed) AS BIGINT) AS renewed,
           CAST(SUM(activated) AS BIGINT) AS activated
         FROM (
           SELECT s.product, {of_sale} AS whose, CASE WHEN s.renewal THEN 0 ELSE s.quantity END AS sold,
             CASE WHEN s.renewal THEN s.quantity ELSE 0 END AS renewed, 0 AS activated
           FROM sales s WHERE s.sold_at >= ? AND s.sold_at < ? AND {sales} AND {of_sales}
           UNION ALL
           SELECT s.product, {of_sale}, CASE WHEN s.renewal THEN 0 ELSE -1 END, CASE WHEN s.renewal THEN -1 ELSE 0 END, 0
           FROM license_keys v JOIN sales s ON s.order_id = v.order_id AND s.line = v.line
           WHERE v.stage = 'void' AND s.sold_at >= ? AND s.sold_at < ? AND {sales} AND {of_sales}
           UNION ALL
           SELECT k.product, {of_key}, 0, 0, 1 FROM license_keys k {joined} orders o ON o.id = k.order_id
           WHERE k.redeemed_at >= ? AND k.redeemed_at < ? AND k.stage = 'redeemed' AND k.renews IS NULL
             AND NOT EXISTS (SELECT 1 FROM sales r WHERE r.order_id = k.order_id AND r.line = k.line AND r.renewal)
             AND {keys} AND {of_orders}
         ) AS parts {named} GROUP BY product{group} ORDER BY whose, product"
    );
    let mut values = Vec::new();
    for own in [first.clone(), first, second] {
        values.extend([at(from), at(until)]);
        values.extend(own);
    }
    let figures = |row: &Row| {
        Ok(ProductFigures {
            whose: row.get("whose")?,
            product: row.get("product")?,
            sold: row.get("sold")?,
            renewed: row.get("renewed")?,
            activated: row.get("activated")?,
        })
    };
    all(&db.read, &sql, values).await?.iter().map(figures).collect()
}

/// What came in and what went back, in minor units of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revenue {
    /// The currency.
    pub currency: String,
    /// Whose: a name; empty for all, and for people without an organization.
    pub whose: String,
    /// Orders that were paid in the period.
    pub orders: i64,
    /// Without tax.
    pub net: i64,
    /// The tax.
    pub tax: i64,
    /// With tax.
    pub gross: i64,
    /// What went back in the period, with tax: orders, and invitations that were withdrawn.
    pub refunded: i64,
}

/// Revenue of orders that were paid in the period, and what went back in it.
pub async fn sum_revenue(
    db: &Db,
    (reach, by): (&Reach, By),
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Revenue>, StoreError> {
    let ((whose, only), (name, named, group)) = (by.of("o"), by.named());
    let (within, own) = reach.orders("o");
    let sql = format!(
        "SELECT parts.currency, {name} AS whose, CAST(SUM(orders) AS BIGINT) AS orders, CAST(SUM(net) AS BIGINT) AS net,
           CAST(SUM(tax) AS BIGINT) AS tax, CAST(SUM(gross) AS BIGINT) AS gross,
           CAST(SUM(refunded) AS BIGINT) AS refunded
         FROM (
           SELECT o.currency, {whose} AS whose, 1 AS orders, o.net, o.tax, o.gross, 0 AS refunded
           FROM orders o WHERE o.paid_at >= ? AND o.paid_at < ? AND o.replaces IS NULL AND {only} AND {within}
           UNION ALL
           SELECT o.currency, {whose}, 0, 0, 0, 0, o.gross
           FROM orders o WHERE o.refunded_at >= ? AND o.refunded_at < ? AND o.stage = 'refunded' AND {only} AND {within}
           UNION ALL
           SELECT i.currency, {whose}, 0, 0, 0, 0, i.charged
           FROM invitations i JOIN orders o ON o.id = i.order_id
           WHERE i.withdrawn_at >= ? AND i.withdrawn_at < ? AND o.stage <> 'refunded' AND {only} AND {within}
         ) AS parts {named} GROUP BY parts.currency{group} ORDER BY parts.currency, whose"
    );
    let mut values = Vec::new();
    for _ in 0..3 {
        values.extend([at(from), at(until)]);
        values.extend(own.iter().cloned());
    }
    let revenue = |row: &Row| {
        Ok(Revenue {
            currency: row.get("currency")?,
            whose: row.get("whose")?,
            orders: row.get("orders")?,
            net: row.get("net")?,
            tax: row.get("tax")?,
            gross: row.get("gross")?,
            refunded: row.get("refunded")?,
        })
    };
    all(&db.read, &sql, values).await?.iter().map(revenue).collect()
}

/// Terms of one kind of credential that end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whose: a name; empty where figures are not told apart, and for people without an organization.
    pub whose: String,
    /// The product, or the kind where it was not sold here.
    pub product: String,
    /// Within 30 days.
    pub in_30: i64,
    /// Within 60.
    pub in_60: i64,
    /// Within 90.
    pub in_90: i64,
    /// Ended in the period, and not renewed.
    pub lapsed: i64,
}

/// What ends within 30, 60 and 90 days from now, and what ended in the period without a renewal.
pub async fn count_endings(
    db: &Db,
    (reach, by): (&Reach, By),
    ((from, until), now): ((Timestamp, Timestamp), Timestamp),
) -> Result<Vec<Ending>, StoreError> {
    const DAY: i64 = 86_400_000;
    let after = |days: i64| Timestamp::from_unix_millis(now.unix_millis().saturating_add(days * DAY));
    let ended = if until < now { until } else { now };
    let (within, own) = reach.credentials();
    let ((whose, joined, joining), (name, named, group)) = (reach.holders(by), by.named());
    let sql = format!(
        "SELECT product, {name} AS whose, CAST(SUM(in_30) AS BIGINT) AS in_30, CAST(SUM(in_60) AS BIGINT) AS in_60,
           CAST(SUM(in_90) AS BIGINT) AS in_90, CAST(SUM(lapsed) AS BIGINT) AS lapsed
         FROM (
           SELECT COALESCE(c.product, c.kind) AS product, {whose} AS whose, CASE WHEN c.expires_at < ? THEN 1 ELSE 0 END AS in_30,
             CASE WHEN c.expires_at < ? THEN 1 ELSE 0 END AS in_60, 1 AS in_90, 0 AS lapsed
           FROM credentials c {joined}
           WHERE c.expires_at >= ? AND c.expires_at < ? AND c.stage NOT IN ('revoked', 'pending') AND {within}
           UNION ALL
           SELECT COALESCE(c.product, c.kind), {whose}, 0, 0, 0, 1 FROM credentials c {joined}
           WHERE c.expires_at >= ? AND c.expires_at < ? AND c.stage NOT IN ('revoked', 'pending') AND {within}
         ) AS parts {named} GROUP BY product{group} ORDER BY whose, product"
    );
    let mut values = vec![at(after(30)), at(after(60))];
    values.extend(joining.iter().cloned());
    values.extend([at(now), at(after(90))]);
    values.extend(own.iter().cloned());
    values.extend(joining);
    values.extend([at(from), at(ended)]);
    values.extend(own);
    let ending = |row: &Row| {
        Ok(Ending {
            whose: row.get("whose")?,
            product: row.get("product")?,
            in_30: row.get("in_30")?,
            in_60: row.get("in_60")?,
            in_90: row.get("in_90")?,
            lapsed: row.get("lapsed")?,
        })
    };
    all(&db.read, &sql, values).await?.iter().map(ending).collect()
}

/// The name of a sponsor, for its invoices and mails.
pub async fn find_sponsor_name(db: &Db, sponsor: Sponsor) -> Result<Option<String>, StoreError> {
    let sql = match sponsor {
        Sponsor::Partner(_) => "SELECT name FROM partners WHERE id = ?",
        Sponsor::Organization(_) => "SELECT name FROM organizations WHERE id = ?",
    };
    crate::row::one(&db.read, sql, vec![sponsor.parts().1.into()]).await?.map(|row| row.get("name")).transpose()
}
