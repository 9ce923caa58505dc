//! The demo's cash desk: what others would pay for is sold without money, with the real order and the real keys.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use stepgate_core::account::Person;
use stepgate_core::credentials::Credential;
use stepgate_core::entropy::{random_digits, random_token};
use stepgate_core::id::{LicenseKeyId, OrderId, PersonId};
use stepgate_core::secret::TokenHash;
use stepgate_core::subscriptions::license_key::{KeyStage, LicenseKey, TypedKey};
use stepgate_core::subscriptions::order::{LineFor, Order, OrderLine, OrderStage, Party, PaymentMethod, totals};
use stepgate_core::subscriptions::product::Product;
use stepgate_store::orders::{self, Placing};
use stepgate_store::{Connection, license_keys, people, subscriptions as store};

use crate::cx::Cx;
use crate::fault::Fault;
use crate::http::page::PageFailure;
use crate::subscriptions::{self, settle};

/// The key that the demo's list of people names.
pub const GRACES_KEY: &str = "DEMO-GRACE-MOBILE-0001";

/// Hands Grace the key that her waiting Mobile ID was bought with.
pub(super) async fn give_key(
    cx: &Cx,
    connection: &impl Connection,
    person: PersonId,
    credential: &Credential,
) -> Result<(), Fault> {
    let products = cx.app.settings.subscriptions.products();
    let Some(product) = products.into_iter().find(|product| product.kinds == [credential.kind] && !product.proofing)
    else {
        return Ok(());
    };
    let key = LicenseKey {
        id: LicenseKeyId::random(cx.entropy()),
        order: None,
        line: 0,
        product: product.id.clone(),
        gives: product.gives(),
        stage: KeyStage::Unredeemed,
        purchaser: None,
        purchased_at: credential.purchased_at.unwrap_or(cx.now),
        holder: Some(person),
        holder_mail: None,
        renews: None,
        redeemed_by: None,
        redeemed_at: None,
    };
    let typed = TypedKey::parse(GRACES_KEY).map_err(Fault::internal)?;
    license_keys::insert_key(connection, &key, (0, &typed.hash(&cx.app.secrets.licenses))).await?;
    store::set_sold_as(connection, credential.id, &product.id, key.id).await?;
    Ok(())
}

/// What is sold to whom.
#[derive(Deserialize)]
pub struct Sold {
    /// The purchaser's user ID.
    to: String,
    /// The product.
    product: String,
    #[serde(default = "one")]
    quantity: u32,
    /// Another year for this credential.
    #[serde(default)]
    renew: Option<String>,
    /// The person whose key it is.
    #[serde(default)]
    holder: Option<String>,
}

const fn one() -> u32 {
    1
}

/// `POST /demo/sell`: a paid order; its keys.
pub async fn post_sell(cx: Cx, Json(sold): Json<Sold>) -> Response {
    match sell(&cx, &sold).await {
        Ok(answer) => Json(answer).into_response(),
        Err(failure) => failure.respond(&cx),
    }
}

async fn sell(cx: &Cx, sold: &Sold) -> Result<serde_json::Value, PageFailure> {
    let purchaser = people::find_person_by_login(&cx.app.db, &sold.to).await?.ok_or(PageFailure::NotFound)?;
    let products = cx.app.settings.subscriptions.products();
    let product = products.into_iter().find(|it| it.id.as_str() == sold.product).ok_or(PageFailure::NotFound)?;
    let whom = match (&sold.renew, &sold.holder) {
        (Some(id), _) => LineFor::Renewal(id.parse().map_err(|_| PageFailure::NotFound)?),
        (None, Some(name)) => {
            let holder = people::find_person_by_login(&cx.app.db, name).await?.ok_or(PageFailure::NotFound)?;
            LineFor::Person(holder.id)
        }
        (None, None) => LineFor::Later,
    };
    let order = place(cx, &purchaser, (&product, sold.quantity, whom)).await?;
    settle(cx, &order, None).await?;
    let keys = license_keys::list_keys_of_order(&cx.app.db, order.id).await?;
    let keys = keys.iter().map(|key| {
        json!({ "id": key.id, "key": subscriptions::key_letters(&cx.app, key.id).expose(), "stage": key.stage.as_str() })
    });
    Ok(json!({ "order": order.number, "keys": keys.collect::<Vec<_>>() }))
}

async fn place(
    cx: &Cx,
    purchaser: &Person,
    (product, quantity, whom): (&Product, u32, LineFor),
) -> Result<Order, Fault> {
    let settings = &cx.app.settings.subscriptions;
    let currency = settings.currency().map_err(Fault::internal)?;
    let renewal = matches!(whom, LineFor::Renewal(_));
    let unit = if renewal { product.renewal_price(currency) } else { product.price(currency) };
    let line = OrderLine {
        product: product.id.clone(),
        name: product.name.clone(),
        gives: product.gives(),
        quantity,
        unit: unit.ok_or_else(|| Fault::internal("the product has no such price"))?,
        whom,
    };
    let order = Order {
        id: OrderId::random(cx.entropy()),
        number: format!("DEMO-{}", random_digits(cx.entropy(), 10)),
        purchaser: purchaser.id,
        organization: None,
        sponsor: None,
        stage: OrderStage::AwaitingPayment,
        method: PaymentMethod::Invoice,
        totals: totals(std::slice::from_ref(&line), currency, settings.tax_basis_points).map_err(Fault::internal)?,
        lines: vec![line],
        billing: Party { name: purchaser.display_name().to_owned(), ..Party::default() },
        shipping: None,
        purchase_order: None,
        placed_at: cx.now,
        paid_at: None,
        version: 0,
    };
    let placing = Placing {
        request_hash: TokenHash::of(&random_token(cx.entropy())).as_bytes().to_vec(),
        interaction: None,
        voucher: None,
        due_at: None,
        invoice_number: None,
    };
    let transaction = cx.app.db.begin().await?;
    orders::insert_order(&transaction, &order, &placing).await?;
    transaction.commit().await?;
    Ok(order)
}
