//! What a renewal is bought as.

use stepgate_core::credentials::Credential;
use stepgate_core::subscriptions::product::Product;
use stepgate_core::subscriptions::term::Renewal;
use stepgate_store::subscriptions::{self as store, SoldAs};

use super::renew::is_renewable;
use crate::cx::Cx;
use crate::fault::Fault;
use crate::shop::{Catalogue, catalogue};

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
    Ok(renewal_product_of(cx, &catalogue(cx).await?, credential, &sold))
}

/// The same, where what is sold now, and what it was sold as, are known already.
pub fn renewal_product_of(cx: &Cx, catalogue: &Catalogue, credential: &Credential, sold: &SoldAs) -> Option<Product> {
    if is_renewable(cx, credential) { product_of(catalogue, credential, sold) } else { None }
}

/// The same, whether or not the time for it has come.
pub(super) fn product_of(catalogue: &Catalogue, credential: &Credential, sold: &SoldAs) -> Option<Product> {
    let renews = |product: &&Product| product.renewal_price(catalogue.currency).is_some();
    let products = || catalogue.products.iter().filter(renews);
    let sold_as =
        |product: &&Product| Some(&product.id) == sold.product.as_ref() && product.kinds.contains(&credential.kind);
    let plain = |product: &&Product| {
        let reach =
            credential.kind != stepgate_core::assurance::CredentialKind::PhoneOtp || product.reach == sold.reach;
        product.kinds == [credential.kind] && reach && !product.proofing && !product.withdrawn
    };
    products().find(sold_as).or_else(|| products().find(plain)).cloned()
}

/// Where a credential stands with its renewal; `None` for what does not end.
pub fn stands(cx: &Cx, credential: &Credential) -> Option<Renewal> {
    credential.expires_at.map(|ends| cx.app.settings.subscriptions.rules().renewal(ends, cx.now))
}
