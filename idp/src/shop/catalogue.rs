//! What is sold now: the configuration, and what administrators changed about it. Everybody reads it here.

use serde::{Deserialize, Serialize};
use stepgate_core::subscriptions::money::Currency;
use stepgate_core::subscriptions::product::{Product, ProductId};
use stepgate_store::catalogue::{self as store, EVERYTHING};

use crate::cx::Cx;
use crate::fault::Fault;

/// What is sold now.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The products, in the order in which they are shown; withdrawn ones too.
    pub products: Vec<Product>,
    /// The currency of the deployment.
    pub currency: Currency,
    /// What the tax is called.
    pub tax_name: String,
    /// The tax, in hundredths of a percent.
    pub tax_basis_points: u32,
}

/// What was changed about a product; what is unset is as the configuration has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProductChange {
    /// Not sold any more, or sold again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<bool>,
    /// The price of the first year, in minor units of the deployment's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
    /// The price of another year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewal_price: Option<i64>,
    /// Only for people of these partners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partners: Option<Vec<String>>,
}

/// What was changed about all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaxChange {
    /// What the tax is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_name: Option<String>,
    /// The tax, in hundredths of a percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_basis_points: Option<u32>,
}

/// What is sold now.
///
/// # Errors
/// The store.
pub async fn catalogue(cx: &Cx) -> Result<Catalogue, Fault> {
    let settings = &cx.app.settings.subscriptions;
    let mut catalogue = Catalogue {
        products: settings.products(),
        currency: settings.currency().map_err(Fault::internal)?,
        tax_name: settings.tax_name.clone(),
        tax_basis_points: settings.tax_basis_points,
    };
    for change in store::list_overrides(&cx.app.db).await? {
        if change.product == EVERYTHING {
            let tax: TaxChange = serde_json::from_value(change.data).map_err(Fault::internal)?;
            catalogue.tax_name = tax.tax_name.unwrap_or(catalogue.tax_name);
            catalogue.tax_basis_points = tax.tax_basis_points.unwrap_or(catalogue.tax_basis_points);
        } else if let Some(product) = catalogue.products.iter_mut().find(|it| it.id.as_str() == change.product) {
            let changed: ProductChange = serde_json::from_value(change.data).map_err(Fault::internal)?;
            apply(product, changed, catalogue.currency);
        }
    }
    Ok(catalogue)
}

fn apply(product: &mut Product, change: ProductChange, currency: Currency) {
    product.withdrawn = change.withdrawn.unwrap_or(product.withdrawn);
    if let Some(price) = change.price {
        product.prices.insert(currency, price);
    }
    if let Some(price) = change.renewal_price {
        product.renewal_prices.insert(currency, price);
    }
    product.partners = change.partners.unwrap_or_else(|| std::mem::take(&mut product.partners));
}

impl Catalogue {
    /// A product, withdrawn or not.
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.products.iter().find(|product| product.id == *id)
    }

    /// A product by what a form says.
    pub fn named(&self, id: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.id.as_str() == id)
    }
}
