//! Renewal without being asked, where somebody's account pays without being asked as well.

use stepgate_core::id::{OrderId, OrganizationId};
use stepgate_core::secret::TokenHash;
use stepgate_core::subscriptions::checkout::order_number;
use stepgate_core::subscriptions::order::{
    LineFor, Order, OrderLine, OrderStage, Party, PaymentMethod, Sponsor, totals,
};
use stepgate_core::subscriptions::product::Product;
use stepgate_store::orders::{self, Placing};
use stepgate_store::term_notices::DueNotice;
use stepgate_store::{StoreError, people, sponsors};

use super::renewal::renewal_product;
use super::settle::{Settled, settle};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::notices::{self, Notice};
use crate::shop::{Catalogue, catalogue};

/// The account that would pay for a person's renewals: their organization's, where its administrator or finance lets it.
/// Nobody spends it by belonging there alone.
///
/// # Errors
/// The store.
pub async fn payer(cx: &Cx, person: stepgate_core::id::PersonId) -> Result<Option<OrganizationId>, Fault> {
    let Ok(currency) = cx.app.settings.subscriptions.currency() else { return Ok(None) };
    for organization in people::organizations_of(&cx.app.db, person).await? {
        let sponsor = Sponsor::Organization(organization.id);
        if sponsors::find_account(&cx.app.db, sponsor, currency).await?.is_some_and(|account| account.renews) {
            return Ok(Some(organization.id));
        }
    }
    Ok(None)
}

/// Renews a credential on the account of its person's organization; `false` where nobody pays. However often and wherever
/// it is called for one end of a term: one order.
///
/// # Errors
/// The store. It can be called again.
pub async fn renew_by_itself(cx: &Cx, due: &DueNotice) -> Result<bool, Fault> {
    let credential = &due.credential;
    let Some(product) = renewal_product(cx, credential).await? else { return Ok(false) };
    let Some(organization) = payer(cx, credential.person).await? else { return Ok(false) };
    let form = TokenHash::of(&format!("renewed by itself {} {}", credential.id, due.ends.unix_millis()));
    let order = match orders::find_order_of_request(&cx.app.db, form.as_bytes()).await? {
        Some(order) => order,
        None => match place(cx, due, (organization, &product), form.as_bytes()).await? {
            Some(order) => order,
            None => return Ok(false),
        },
    };
    match settle(cx, &order, None).await? {
        Settled::Now => {
            let text = format!(
                "{} was renewed for another year, on your organization's account (order {}). You can switch this off under \
                 Manage OTP, on its page.",
                credential.label, order.number
            );
            let notice = Notice::new(format!("{} was renewed", credential.label), text).by_mail_only();
            notices::tell(cx, &cx.app.db.write, credential.person, &notice).await?;
            Ok(true)
        }
        Settled::Before => Ok(true),
        Settled::Impossible(_) => Ok(false),
    }
}

/// Charges the account and places the order, in one transaction. `None`: too little is left.
async fn place(
    cx: &Cx,
    due: &DueNotice,
    (organization, product): (OrganizationId, &Product),
    form: &[u8],
) -> Result<Option<Order>, Fault> {
    let Catalogue { products, currency, tax_basis_points, .. } = catalogue(cx).await?;
    let product = products.iter().find(|known| known.id == product.id);
    let Some((product, unit)) = product.and_then(|it| Some((it, it.renewal_price(currency)?))) else { return Ok(None) };
    let line = OrderLine {
        product: product.id.clone(),
        name: product.name.clone(),
        gives: product.gives(),
        quantity: 1,
        unit,
        whom: LineFor::Renewal(due.credential.id),
    };
    let id = OrderId::random(cx.entropy());
    let person = &due.person;
    let order = Order {
        id,
        number: order_number(cx.entropy()),
        purchaser: person.id,
        organization: Some(organization),
        sponsor: Some(Sponsor::Organization(organization)),
        stage: OrderStage::AwaitingPayment,
        method: PaymentMethod::Sponsored,
        totals: totals(std::slice::from_ref(&line), currency, tax_basis_points).map_err(Fault::internal)?,
        lines: vec![line],
        billing: Party {
            name: person.display_name().to_owned(),
            company: None,
            address: person.claims.address.clone().unwrap_or_default(),
        },
        shipping: None,
        purchase_order: None,
        placed_at: cx.now,
        paid_at: None,
        version: 0,
    };
    let placing =
        Placing { request_hash: form.to_vec(), interaction: None, voucher: None, due_at: None, invoice_number: None };
    let transaction = cx.app.db.begin().await?;
    match orders::insert_order(&transaction, &order, &placing).await {
        // Another node places it: it settles it, too.
        Err(StoreError::Conflict { .. }) => {
            drop(transaction);
            return Ok(orders::find_order_of_request(&cx.app.db, form).await?);
        }
        other => other?,
    }
    if !sponsors::charge(&transaction, Sponsor::Organization(organization), order.totals.gross).await? {
        return Ok(None);
    }
    let data = serde_json::json!({ "order": order.number, "credential": due.credential.id });
    audit::record(cx, &transaction, Event::new("order.placed_by_itself").to(person.id).data(data)).await?;
    transaction.commit().await?;
    Ok(Some(order))
}
