//! Reports: what was sold, activated and renewed, what came in and went back, what ends.
//!
//! Owns: which figures there are, and their form for pages, files, programs and the command line: one use case for all.
//! Never: whose figures somebody may see (`admin::access`), and any figure of a single person.

mod settings;

use serde_json::{Value, json};
use stepgate_core::subscriptions::export::{Cell, Period, csv};
use stepgate_core::subscriptions::money::{Currency, Money};
use stepgate_core::time::Timestamp;
use stepgate_store::reports::{self as store, By, Ending, ProductFigures, Reach, Revenue};
use stepgate_store::{Db, StoreError};

pub use settings::ReportSettings;

/// The scope of an access token that programs read reports with.
pub const SCOPE: &str = "reports";

/// By what counts are told apart, as people and programs ask for it: `organization`, `partner`, or nothing.
///
/// # Errors
/// What was asked for instead.
pub fn told_apart(by: &str) -> Result<By, String> {
    match by {
        "" => Ok(By::Nothing),
        "organization" => Ok(By::Organization),
        "partner" => Ok(By::Partner),
        _ => Err("by: organization or partner".to_owned()),
    }
}

/// What was sold in a period, and what for.
#[derive(Clone, Debug)]
pub struct Sales {
    /// Which days.
    pub period: Period,
    /// By what `products` are told apart.
    pub by: By,
    /// By product.
    pub products: Vec<ProductFigures>,
    /// By currency.
    pub revenue: Vec<Revenue>,
    /// By currency and the purchaser's organization.
    pub organizations: Vec<Revenue>,
    /// By currency and the partner that paid.
    pub partners: Vec<Revenue>,
}

/// What ends soon, and what ended in a period.
#[derive(Clone, Debug)]
pub struct Expiring {
    /// Which days *lapsed* is about.
    pub period: Period,
    /// By what `products` are told apart.
    pub by: By,
    /// By product.
    pub products: Vec<Ending>,
}

/// What was sold.
pub async fn sales(db: &Db, (reach, by): (&Reach, By), period: Period) -> Result<Sales, StoreError> {
    let days = period.bounds();
    Ok(Sales {
        period,
        by,
        products: store::count_products(db, (reach, by), days).await?,
        revenue: store::sum_revenue(db, (reach, By::Nothing), days).await?,
        organizations: store::sum_revenue(db, (reach, By::Organization), days).await?,
        partners: store::sum_revenue(db, (reach, By::Partner), days).await?,
    })
}

/// What ends.
pub async fn expiring(
    db: &Db,
    (reach, by): (&Reach, By),
    (period, now): (Period, Timestamp),
) -> Result<Expiring, StoreError> {
    let products = store::count_endings(db, (reach, by), (period.bounds(), now)).await?;
    Ok(Expiring { period, by, products })
}

/// Minor units in words: `24.00 USD`.
pub fn amount(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(currency) => Money::new(minor, currency).to_string(),
        Err(_) => format!("{minor} {currency}"),
    }
}

fn days(period: Period) -> Value {
    json!({ "from": period.first.to_string(), "to": period.last.to_string(), "time_zone": "UTC" })
}

/// Figures for programs, with whose they are where they are told apart.
fn with_name(mut figures: Value, (by, whose): (By, &str)) -> Value {
    if let Some(figures) = figures.as_object_mut().filter(|_| by != By::Nothing) {
        figures.insert("name".to_owned(), json!(whose));
    }
    figures
}

/// Figures for a file, with whose they are in the first column where they are told apart.
fn named_row<const N: usize>((by, whose): (By, &str), figures: [Cell; N]) -> Vec<Cell> {
    (by != By::Nothing).then(|| whose.into()).into_iter().chain(figures).collect()
}

fn named_heads<const N: usize>(by: By, heads: [&'static str; N]) -> Vec<&'static str> {
    let first = match by {
        By::Nothing => None,
        By::Organization => Some("organization"),
        By::Partner => Some("partner"),
    };
    first.into_iter().chain(heads).collect()
}

impl Sales {
    /// For programs. Amounts are whole minor units.
    pub fn json(&self) -> Value {
        let product = |it: &ProductFigures| {
            let figures = json!({
                "product": it.product, "sold": it.sold, "renewed": it.renewed, "activated": it.activated,
            });
            with_name(figures, (self.by, &it.whose))
        };
        let money = |it: &Revenue| -> serde_json::Map<String, Value> {
            let figures = [
                ("currency", json!(it.currency)),
                ("orders", json!(it.orders)),
                ("net_minor", json!(it.net)),
                ("tax_minor", json!(it.tax)),
                ("gross_minor", json!(it.gross)),
                ("refunded_minor", json!(it.refunded)),
            ];
            figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
        };
        let named = |it: &Revenue| {
            let mut figures = money(it);
            figures.insert("name".to_owned(), json!(it.whose));
            figures
        };
        json!({
            "period": days(self.period),
            "products": self.products.iter().map(product).collect::<Vec<_>>(),
            "revenue": self.revenue.iter().map(money).collect::<Vec<_>>(),
            "organizations": self.organizations.iter().map(named).collect::<Vec<_>>(),
            "partners": self.partners.iter().map(named).collect::<Vec<_>>(),
        })
    }

    /// The products as a file.
    pub fn products_csv(&self) -> String {
        let row = |it: &ProductFigures| -> Vec<Cell> {
            let figures = [it.product.as_str().into(), it.sold.into(), it.renewed.into(), it.activated.into()];
            named_row((self.by, &it.whose), figures)
        };
        let heads = named_heads(self.by, ["product", "sold", "renewed", "activated"]);
        csv(&heads, &self.products.iter().map(row).collect::<Vec<_>>())
    }

    /// The money as a file: in all, by organization, by partner.
    pub fn revenue_csv(&self) -> String {
        let parts = [("all", &self.revenue), ("organization", &self.organizations), ("partner", &self.partners)];
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for (by, figures) in parts {
            for it in figures {
                rows.push(vec![
                    by.into(),
                    it.whose.as_str().into(),
                    it.currency.as_str().into(),
                    it.orders.into(),
                    it.net.into(),
                    it.tax.into(),
                    it.gross.into(),
                    it.refunded.into(),
                ]);
            }
        }
        let heads = ["by", "name", "currency", "orders", "net_minor", "tax_minor", "gross_minor", "refunded_minor"];
        csv(&heads, &rows)
    }
}

impl Expiring {
    /// For programs.
    pub fn json(&self) -> Value {
        let row = |it: &Ending| {
            let figures = json!({
                "product": it.product, "within_30_days": it.in_30, "within_60_days": it.in_60,
                "within_90_days": it.in_90, "lapsed": it.lapsed,
            });
            with_name(figures, (self.by, &it.whose))
        };
        json!({ "period": days(self.period), "products": self.products.iter().map(row).collect::<Vec<_>>() })
    }

    /// As a file.
    pub fn csv(&self) -> String {
        let row = |it: &Ending| -> Vec<Cell> {
            let figures =
                [it.product.as_str().into(), it.in_30.into(), it.in_60.into(), it.in_90.into(), it.lapsed.into()];
            named_row((self.by, &it.whose), figures)
        };
        let heads = ["product", "within_30_days", "within_60_days", "within_90_days", "lapsed"];
        let heads = named_heads(self.by, heads);
        csv(&heads, &self.products.iter().map(row).collect::<Vec<_>>())
    }
}
