//! What a renewal is bought as.

use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::product::Product;
use stepgate_core::subscriptions::term::Renewal;
use stepgate_store::subscriptions::{self as store, SoldAs};

use super::renew::is_renewable;
use crate::cx::Cx;
use crate::fault::Fault;

/// The product that another year of a credential is bought as: what it was sold as, else the plain one of its kind and
/// reach. `None` where it cannot be renewed now, or nothing fits.
///
/// # Errors
/// The store.
pub async fn renewal_product(cx: &Cx, credential: &Credential) -> Result<Option<Product>, Fault> {
    if !is_renewable(cx, credential) {
        return Ok(None);
    }
    let sold = store::find_sold_as(&cx.app.db, credential.id).await?;
    Ok(renewal_product_of(cx, credential, &sold))
}

/// The same, where what it was sold as is known already.
pub fn renewal_product_of(cx: &Cx, credential: &Credential, sold: &SoldAs) -> Option<Product> {
    if is_renewable(cx, credential) { product_of(cx, credential, sold) } else { None }
}

/// The same, whether or not the time for it has come.
pub(super) fn product_of(cx: &Cx, credential: &Credential, sold: &SoldAs) -> Option<Product> {
    let settings = &cx.app.settings.subscriptions;
    let currency = settings.currency().ok()?;
    let mut products = settings.products();
    products.retain(|product| product.renewal_price(currency).is_some());
    let sold_as =
        |product: &&Product| Some(&product.id) == sold.product.as_ref() && product.kinds.contains(&credential.kind);
    let plain = |product: &&Product| {
        let reach =
            credential.kind != stepgate_core::assurance::CredentialKind::PhoneOtp || product.reach == sold.reach;
        product.kinds == [credential.kind] && reach && !product.proofing && !product.withdrawn
    };
    products.iter().find(sold_as).or_else(|| products.iter().find(plain)).cloned()
}

/// Where a credential stands with its renewal; `None` for what does not end.
pub fn stands(cx: &Cx, credential: &Credential) -> Option<Renewal> {
    credential.expires_at.map(|ends| cx.app.settings.subscriptions.rules().renewal(ends, cx.now))
}
