//! Renewal without being asked, where somebody's account pays without being asked as well.

use stepgate_core::id::{OrderId, OrganizationId};
use stepgate_core::secret::TokenHash;
use stepgate_core::subscriptions::checkout::{order_number, priced};
use stepgate_core::subscriptions::order::{
    CartLine, LineFor, Order, OrderStage, Party, PaymentMethod, Sponsor, totals,
};
use stepgate_core::subscriptions::product::Product;
use stepgate_store::orders::{self, Placing};
use stepgate_store::term_notices::DueNotice;
use stepgate_store::{StoreError, people, sponsors};

use super::renewal::renewal_product;
use super::settle::{Letter, Settled, settle_telling};
use crate::audit::{self, Event};
use crate::cx::Cx;
use crate::fault::Fault;
use crate::shop::{Catalogue, catalogue};

/// The account that would pay for a person's renewals: their organization's.
///
/// # Errors
/// The store.
pub async fn payer(cx: &Cx, person: stepgate_core::id::PersonId) -> Result<Option<OrganizationId>, Fault> {
    let Ok(currency) = cx.app.settings.subscriptions.currency() else { return Ok(None) };
    for organization in people::organizations_of(&cx.app.db, person).await? {
        let sponsor = Sponsor::Organization(organization.id);
        if sponsors::find_account(&cx.app.db, sponsor, currency).await?.is_some() {
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
    match settle_telling(cx, &order, None, letter(cx, due, &order).as_ref()).await? {
        Settled::Now | Settled::Before => Ok(true),
        Settled::Impossible(_) => Ok(false),
    }
}

/// What its holder is told of it.
fn letter(cx: &Cx, due: &DueNotice, order: &Order) -> Option<Letter> {
    let (label, name) = (&due.credential.label, due.person.display_name());
    let text = format!(
        "Hello {name},\n\n{label} was renewed for another year, on your organization's account (order {}). You can switch \
         this off under Manage OTP, on its page.\n\n{}\n",
        order.number, cx.app.settings.server.name
    );
    let to = due.person.claims.email.clone()?;
    Some(Letter { to, subject: format!("{label} was renewed"), text })
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
    let wanted =
        |it: &Product| CartLine { product: it.id.clone(), quantity: 1, whom: LineFor::Renewal(due.credential.id) };
    let Some(line) = product.and_then(|it| priced(&wanted(it), it, currency)) else { return Ok(None) };
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
